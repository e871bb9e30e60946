//! The sweep: looks at all checks twice a second, reads what others wrote, says what changed, and remembers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::book::Remembered;
use super::clerk::Work;
use super::desk::{Desk, locked};
use super::follow::Place;
use super::say;
use crate::cli::{Failure, Output, Stop};
use crate::ndjson::write;
use crate::record::Record;
use crate::store::state::{State, StateError};
use crate::time::Timestamp;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// How many looks lie between two times that it is remembered.
const REMEMBER: u32 = 60;

/// What is remembered over a restart.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    /// When it was written.
    pub(super) at: Timestamp,
    /// How far each day was read.
    pub(super) places: BTreeMap<String, Place>,
    /// What is known of each check, by the name of its beats.
    pub(super) checks: BTreeMap<String, Remembered>,
}

/// Remembers where the beats were read to, and what came of them, both as of one moment.
///
/// # Errors
/// [`StateError`] when it can't be written.
pub(super) fn remember(desk: &Desk, state: &mut State) -> Result<(), StateError> {
    let memory = {
        let follow = locked(&desk.follow);
        let book = locked(&desk.book);
        Memory { at: desk.now(), places: follow.places().clone(), checks: book.remembered() }
    };
    // Numbers, names and instants: there is nothing that can't be written as JSON.
    state.listen_remember(&serde_json::to_string(&memory).unwrap_or_else(|_| "null".into()))
}

/// Where what is found goes.
pub(super) struct Voice {
    /// Verdicts, where they are wanted.
    pub(super) out: Option<Output>,
    /// What people should hear of.
    pub(super) notes: Box<dyn std::io::Write + Send>,
}

/// Sweeps until the listener is to end, or until nobody reads its verdicts any more.
///
/// # Errors
/// When standard output can't be written.
pub(super) fn run(desk: &Arc<Desk>, voice: &mut Voice, stop: &Stop, wait: impl Fn(Duration)) -> Result<(), Failure> {
    let mut looks = 0;
    while !stop.asked() {
        wait(LOOK);
        look(desk, voice)?;
        looks += 1;
        if looks % REMEMBER == 0 {
            let work: Work = Box::new(|desk, state| {
                if let Err(error) = remember(desk, state) {
                    locked(&desk.notes).push(error.to_string());
                }
            });
            // A clerk with so much to do will be asked again.
            let _ = desk.clerk.try_send(work);
        }
    }
    Ok(())
}

/// One look.
pub(super) fn look(desk: &Desk, voice: &mut Voice) -> Result<(), Failure> {
    desk.read_all();
    let now = desk.now();
    let verdicts: Vec<_> = locked(&desk.book).each_mut().filter_map(|check| say::verdict(check, now)).collect();
    for note in std::mem::take(&mut *locked(&desk.notes)) {
        // When standard error is closed nobody can be told, and the work matters more.
        let _ = writeln!(voice.notes, "heartbeat: {note}");
    }
    let Some(out) = &mut voice.out else { return Ok(()) };
    for verdict in verdicts {
        out.append(|block| write(block, &Record::Verdict(verdict)))?;
    }
    out.flush()
}
