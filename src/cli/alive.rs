//! The signs of life of a program that goes on running: `--heartbeat NAME`, and systemd's watchdog.
//!
//! A main loop calls [`Alive::turn`] each time it turns, also when nothing came, and rests no longer than
//! [`Alive::rest`] says. Only then is a beat written: no thread beats by itself, so a program whose loop hangs (in a
//! write to a pipe that nobody reads, in a disk) is as silent as one that was killed.
//!
//! ```text
//! collect --heartbeat web-collect ──▶ rollup --heartbeat web-rollup ──▶ check --live --heartbeat web-check
//!      │      └─ a beat each 10 s in the stream ─▶ passes ─▶ arrives ─┐             │
//!      ▼ web-collect                  ▼ web-rollup                     ▼             ▼ web-check
//!      └──────────────── STATE/beats ─┴───── web-collect-arrived ──────┴─────────────┘
//! ```
//!
//! The first program of a pipe also writes its beats into the stream; its last one, when it beats itself,
//! notes that they arrived, as beats of the name with `-arrived` and the time they took as their duration. So a pipe
//! that is stuck in the middle is seen, though all its processes live.

mod notify;
mod place;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clap::{Arg, ArgAction, ArgMatches};

use self::notify::Notify;
use self::place::Place;
pub(super) use self::place::{LIMIT, Post, plain_post};
use super::{Clock, Failure, Io, elapsed};
use crate::ndjson;
use crate::record::{Beat, Record, Tags, check_name};
use crate::time::Span;

/// How often a program beats, when nothing else is said.
const EVERY: Span = Span::from_secs(10);

/// The tag of which part of the way a program is: collector, checker.
pub(super) const LINK: &str = "link";

/// What is behind the name of a beat that arrived at the end of a pipe.
const ARRIVED: &str = "-arrived";

/// How many names of beats that arrive are told apart.
const NAMES: usize = 64;

/// The options of a program that may run on. Help, which has to fit a screen, leaves them out; the manual has them.
pub(super) fn options() -> [Arg; 3] {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help).hide(true);
    [
        value("heartbeat", "NAME", "Beat as NAME while the main loop turns, so that somebody can expect it"),
        value("heartbeat-every", "SPAN", "How often to beat [default: 10s]").requires("heartbeat"),
        value("heartbeat-to", "DEST", "Where to beat, a folder or http://HOST/ping/KEY/; may be repeated [default: the state folder]")
            .action(ArgAction::Append)
            .requires("heartbeat"),
    ]
}

/// The signs of life of this process; none, where nobody asked for them.
#[derive(Clone, Default)]
pub struct Alive(Option<Arc<Mutex<Living>>>);

/// What beats.
struct Living {
    tool: &'static str,
    own: Option<Own>,
    notify: Option<Notify>,
    /// When the watchdog was last fed.
    fed: Span,
    clock: Clock,
    /// How long it runs.
    elapsed: Arc<dyn Fn() -> Span + Send + Sync>,
    voice: Box<dyn Write + Send>,
}

/// The beats of one name.
struct Own {
    name: String,
    tags: Tags,
    every: Span,
    places: Vec<Place>,
    /// When the next beat is due.
    due: Span,
    /// What was told of each place that fails.
    failing: Vec<bool>,
    /// When each beat that arrives was last noted.
    arrived: BTreeMap<String, Span>,
}

impl Alive {
    /// Begins as what was typed for [`options`] and systemd say; beats for the first time.
    ///
    /// `link` is the part of the way that the program is.
    ///
    /// # Errors
    /// When an option makes no sense.
    pub(super) fn begin(tool: &'static str, link: &str, matches: &ArgMatches, io: &mut Io) -> Result<(), Failure> {
        let state = io.env.get("PIPEWATCH_STATE").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let state = state.unwrap_or_else(|| io.state.clone());
        Alive::begin_by(plain_post, &state, (tool, link), matches, io)
    }

    /// As [`Alive::begin`], with another state folder, and another way to send beats to listeners.
    ///
    /// # Errors
    /// As [`Alive::begin`].
    pub(super) fn begin_by(
        post: Post,
        state: &Path,
        (tool, link): (&'static str, &str),
        matches: &ArgMatches,
        io: &mut Io,
    ) -> Result<(), Failure> {
        let own = Own::new(link, matches, state, post, io)?;
        let notify = Notify::of(&io.env);
        if own.is_none() && notify.is_none() {
            return Ok(());
        }
        if let Some(notify) = &notify {
            notify.tell("READY=1");
        }
        let (clock, voice) = (io.clock, io.voice());
        io.alive = Alive(Some(Arc::new(Mutex::new(Living { tool, own, notify, fed: Span::ZERO, clock, elapsed: elapsed(), voice }))));
        Ok(())
    }

    fn living(&self) -> Option<MutexGuard<'_, Living>> {
        self.0.as_ref().map(|living| living.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether anybody is told anything, so that it is worth turning while nothing is to be done.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Says that the main loop turns. Beats when that is due: the line of the beat, for the stream, where
    /// this is the first program of a pipe.
    pub fn turn(&self) -> Option<Vec<u8>> {
        self.living()?.turn()
    }

    /// How long the main loop may rest before it turns again; `None`: as long as it likes.
    pub fn rest(&self) -> Option<Span> {
        let living = self.living()?;
        let now = (living.elapsed)();
        let beat = living.own.as_ref().map(|own| own.due);
        let food = living.notify.as_ref().and_then(|notify| notify.watchdog).map(|every| living.fed.plus(every));
        let next = [beat, food].into_iter().flatten().min()?;
        Some(Span::from_nanos((next.nanos() - now.nanos()).max(1)))
    }

    /// Notes that a record has come to the end of a pipe; only what another program beats counts.
    pub fn arrived(&self, record: &Record) {
        if let (Some(mut living), Record::Beat(beat)) = (self.living(), record) {
            living.arrived(beat);
        }
    }

    /// Says that the program ends because it was asked to, or its input did.
    pub fn end(&self) {
        if let Some(living) = self.living()
            && let Some(notify) = &living.notify
        {
            notify.tell("STOPPING=1");
        }
    }
}

impl Own {
    fn new(link: &str, matches: &ArgMatches, state: &Path, post: Post, io: &Io) -> Result<Option<Own>, Failure> {
        let text = |id: &str| matches.try_get_one::<String>(id).unwrap_or_default();
        let Some(name) = text("heartbeat").cloned() else { return Ok(None) };
        check_name(&format!("{name}{ARRIVED}"))
            .and(check_name(&name))
            .map_err(|why| Failure::usage(format!("--heartbeat: a name {why}")))?;
        let every = text("heartbeat-every").map_or(Ok(EVERY), |text| Span::parse(text));
        let every = every.map_err(|error| Failure::usage(format!("--heartbeat-every: {error}")))?;
        if every < Span::from_millis(100) {
            return Err(Failure::usage(format!("--heartbeat-every: must be 100ms at least, found {every}")));
        }
        let typed = |option: &str| {
            let texts = matches.try_get_many::<String>(option).ok().flatten().into_iter().flatten();
            texts.map(|text| Place::new(text, option, post, io)).collect::<Result<Vec<_>, _>>()
        };
        let mut places = typed("heartbeat-to")?;
        if places.is_empty() {
            places.push(Place::of_state(state));
        }
        // To another machine it is said beside what is said here.
        places.extend(typed("peer")?);
        let tags = [(LINK, link)].into_iter().collect();
        let failing = vec![false; places.len()];
        Ok(Some(Own { name, tags, every, places, due: Span::ZERO, failing, arrived: BTreeMap::new() }))
    }

    /// Gives beats to every place; what to tell of those that fail, once each.
    fn give(&mut self, beats: &[Beat]) -> Vec<String> {
        let mut told = Vec::new();
        for (place, failing) in self.places.iter_mut().zip(&mut self.failing) {
            let given = place.give(beats);
            if let (Err(why), false) = (&given, *failing) {
                told.push(why.clone());
            }
            *failing = given.is_err();
        }
        told
    }
}

impl Living {
    fn turn(&mut self) -> Option<Vec<u8>> {
        let now = (self.elapsed)();
        if let Some(notify) = &self.notify
            && let Some(every) = notify.watchdog
            && now.nanos() - self.fed.nanos() >= every.nanos()
        {
            notify.tell("WATCHDOG=1");
            self.fed = now;
        }
        let own = self.own.as_mut().filter(|own| now >= own.due)?;
        // After a pause that was too long beats are not made up for.
        own.due = own.due.plus(own.every).max(now.plus(Span::from_nanos(1)));
        let beat =
            Beat { ts: self.clock.now(), beat: own.name.clone(), state: Some("ok".into()), tags: own.tags.clone(), ..Beat::default() };
        let mut line = Vec::new();
        ndjson::write(&mut line, &Record::Beat(beat.clone()));
        self.give(&[beat]);
        Some(line)
    }

    fn arrived(&mut self, beat: &Beat) {
        let Some(own) = self.own.as_mut().filter(|own| beat.tags.get(LINK).is_some() && beat.beat != own.name) else { return };
        let now = (self.elapsed)();
        let soon = own.arrived.get(&beat.beat).is_some_and(|last| now.nanos() - last.nanos() < own.every.nanos() / 2);
        let name = format!("{}{ARRIVED}", beat.beat);
        if soon || check_name(&name).is_err() || (own.arrived.len() >= NAMES && !own.arrived.contains_key(&beat.beat)) {
            return;
        }
        own.arrived.insert(beat.beat.clone(), now);
        let ts = self.clock.now();
        let took = ts.since(beat.ts).secs_f64();
        let tags: Tags = [(LINK, "pipe"), ("at", own.name.as_str())].into_iter().collect();
        let noted = Beat { ts, beat: name, state: Some("ok".into()), duration: Some(took), tags, ..Beat::default() };
        self.give(&[noted]);
    }

    fn give(&mut self, beats: &[Beat]) {
        let told = self.own.as_mut().map(|own| own.give(beats)).unwrap_or_default();
        for why in told {
            // When standard error is closed nobody can be told, and the work matters more.
            let _ = writeln!(self.voice, "{}: --heartbeat: {why}; going on without", self.tool);
        }
    }
}
