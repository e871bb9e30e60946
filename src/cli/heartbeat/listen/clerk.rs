//! The clerk: changes checks, one change after the other, in the state first and then in the book.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::check::Spec;
use super::desk::{Desk, locked};
use super::keys;
use crate::net::listener::{Keeper, Reply};
use crate::store::state::{Kept, State};

/// How many changes may wait.
const WAITING: usize = 256;

/// One change.
pub(super) type Work = Box<dyn FnOnce(&Arc<Desk>, &mut State) + Send>;

/// The way to a clerk, and what it is to do.
pub(super) fn desk_of() -> (SyncSender<Work>, Receiver<Work>) {
    sync_channel(WAITING)
}

/// Hands over a change; with too many waiting, the reply says so.
pub(super) fn work(desk: &Arc<Desk>, keeper: Keeper, change: impl FnOnce(&Arc<Desk>, &mut State, Keeper) + Send + 'static) {
    let work: Work = Box::new(move |desk, state| change(desk, state, keeper));
    // What is refused is dropped with its keeper, and so answered; changes are rare, and this many are an attack.
    let _ = desk.clerk.try_send(work);
}

/// Makes changes until there will be no more.
pub(super) fn run(desk: &Arc<Desk>, works: &Receiver<Work>, mut state: State) {
    while let Ok(work) = works.recv() {
        work(desk, &mut state);
    }
}

/// Makes a check: gives it keys and a name for its beats, keeps it, and puts it into the book.
///
/// # Errors
/// What to reply when it can't be made.
pub(super) fn make(desk: &Desk, state: &mut State, fill: impl FnOnce(&mut Spec)) -> Result<usize, Reply> {
    let no_key = |_| Reply::text(503, "no randomness for a key");
    let code = keys::code().map_err(no_key)?;
    let mut spec = Spec::new(desk.now()).map_err(no_key)?;
    fill(&mut spec);
    spec.beat = locked(&desk.book).free_beat(&spec.wished_beat(), &code);
    keep(state, &code, &spec)?;
    Ok(locked(&desk.book).put(&code, spec))
}

/// Keeps a check in the state.
///
/// # Errors
/// What to reply when that fails.
pub(super) fn keep(state: &mut State, code: &str, spec: &Spec) -> Result<(), Reply> {
    let failed = || Reply::text(503, "cannot write the state").header("retry-after", "5");
    let spec = serde_json::to_string(spec).map_err(|_| failed())?;
    state.listen_keep(&[Kept { code: code.to_owned(), spec }]).map_err(|_| failed())
}
