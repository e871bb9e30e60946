//! Beats on their way out: to the state folder, a history, a file, standard output or a listener.
//!
//! Here is everything of one process together; what is special about a listener (its address, its
//! spool, its pings) is in [`listener`], the thread that speaks to it in [`courier`].
//!
//! Always: whoever beats is neither stopped nor kept waiting by where its beats go. What fails is
//! told on standard error, and remembered in the code of [`Beats::finish`]; the caller decides what
//! that is worth. A listener is spoken to by a thread, and waited for once, at the end, for as
//! long as was allowed.

mod courier;
mod listener;
mod locks;

use std::path::{Path, PathBuf};

use crate::cli::failure::system_words;
use crate::cli::{Code, Failure, Io};
use crate::ndjson;
use crate::record::{Beat, Record, Sample, show};
use crate::store::append::{AppendError, AppendFile, AppendHistory, Durability};
use crate::time::Span;
use courier::{Courier, Outcome};
pub(super) use listener::{Listener, Tried};
pub(super) use locks::try_lock;

/// The variable that says where beats go when no option does; several places are parted by spaces.
pub(super) const VARIABLE: &str = "PIPEWATCH_BEAT_TO";

/// What a place for beats may be.
const HINT: &str = "write a folder, a file, -, http://HOST/ping/KEY/, or where such an address stands: file:PATH, env:NAME";

/// How long, and how, listeners are tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long the process waits for them at its end.
    pub(super) wait: Span,
    /// How long a process that is left behind goes on trying; zero for none.
    pub(super) retry: Span,
}

/// Where the beats of one process go.
pub(super) struct Beats {
    places: Vec<Place>,
    state: PathBuf,
    patience: Patience,
    /// What was wrong with the environment, until it is told.
    wrong: Vec<String>,
    code: Code,
}

/// One place.
enum Place {
    History { folder: PathBuf, open: Option<AppendHistory> },
    File { path: PathBuf, open: Option<AppendFile> },
    Stdout,
    Listener(Box<Courier>),
}

impl Beats {
    /// The places that were typed, or those of [`VARIABLE`], or the beats of the state folder. Opens nothing yet.
    /// What makes no sense in the environment is told with the first beat: it must not stop a job.
    ///
    /// # Errors
    /// [`Failure::Usage`] when a place that was typed makes no sense.
    pub(super) fn new(typed: &[String], state: &Path, patience: Patience, io: &Io) -> Result<Beats, Failure> {
        let usual = io.env.get(VARIABLE).map_or("", String::as_str);
        let typed = typed.iter().map(|text| place(text, state, patience, io));
        let mut places: Vec<Place> = typed.collect::<Result<_, _>>().map_err(|why| Failure::usage_hint(format!("--to: {why}"), HINT))?;
        let mut wrong = Vec::new();
        for text in if places.is_empty() { usual } else { "" }.split_whitespace() {
            match place(text, state, patience, io) {
                Ok(place) => places.push(place),
                Err(why) => wrong.push(format!("${VARIABLE}: {why}")),
            }
        }
        if places.is_empty() {
            places.push(Place::History { folder: state.join("beats"), open: None });
        }
        Ok(Beats { places, state: state.to_owned(), patience, wrong, code: Code::OK })
    }

    /// Gives a beat and the samples beside it to every place. Listeners get the beat alone.
    pub(super) fn give(&mut self, beat: &Beat, samples: &[Sample], io: &mut Io) {
        let mut line = Vec::new();
        ndjson::write(&mut line, &Record::Beat(beat.clone()));
        let of_beat = line.len();
        for sample in samples {
            ndjson::write(&mut line, &Record::Sample(sample.clone()));
        }
        for why in std::mem::take(&mut self.wrong) {
            self.note(Err(why), io);
        }
        for at in 0..self.places.len() {
            let given = match &mut self.places[at] {
                Place::History { folder, open } => history(folder, open, |history| {
                    history.add(beat.ts, &line);
                    history.append()
                }),
                Place::File { path, open } => file(path, open, |file| file.append(&line)),
                Place::Stdout => match io.stdout.write_all(&line).and_then(|()| io.stdout.flush()) {
                    Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                        Err(format!("standard output: {}", system_words(&error)))
                    }
                    _ => Ok(()),
                },
                Place::Listener(courier) => courier.take(&line[..of_beat]),
            };
            self.note(given, io);
        }
    }

    /// Brings everything to its end: files to the disk, listeners as far as patience goes. What
    /// waits then is left to a process that goes on trying. The code says what was lost.
    pub(super) fn finish(mut self, io: &mut Io) -> Code {
        for place in std::mem::take(&mut self.places) {
            match place {
                Place::History { folder, mut open } => {
                    let finished = if open.is_some() { history(&folder, &mut open, AppendHistory::finish) } else { Ok(()) };
                    let notes = open.map(|mut history| history.notes()).unwrap_or_default();
                    notes.iter().for_each(|note| io.tell("heartbeat", note));
                    self.note(finished, io);
                }
                Place::File { path, mut open } => {
                    let finished = if open.is_some() { file(&path, &mut open, AppendFile::finish) } else { Ok(()) };
                    self.note(finished, io);
                }
                Place::Stdout => {}
                Place::Listener(courier) => {
                    let outcome = courier.finish();
                    self.settle(&outcome, io);
                }
            }
        }
        self.code
    }

    /// Tells how a listener fared, and sees to what waits for it.
    fn settle(&mut self, outcome: &Outcome, io: &mut Io) {
        for line in &outcome.told {
            io.tell("heartbeat", line);
        }
        if outcome.lost {
            self.code = Code::REMOTE;
        }
        if outcome.waits && !self.patience.retry.is_zero() && io.is_process {
            let left = listener::leave_behind(&self.state, self.patience.retry);
            self.note(left.map_err(|error| format!("cannot go on trying in the background: {}", system_words(&error))), io);
        }
    }

    fn note(&mut self, outcome: Result<(), String>, io: &mut Io) {
        if let Err(message) = outcome {
            io.tell("heartbeat", message);
            self.code = Code::IO;
        }
    }
}

/// Reads one place as it was typed.
fn place(text: &str, state: &Path, patience: Patience, io: &Io) -> Result<Place, String> {
    if text == "-" {
        return Ok(Place::Stdout);
    }
    if listener::is_address(text) {
        let listener = Listener::new(text, state, &io.env);
        return Ok(Place::Listener(Box::new(Courier::new(listener, patience.wait))));
    }
    if text.is_empty() || text.contains("://") {
        return Err(format!("`{}` is no place for beats", show(text.as_bytes(), 80)));
    }
    let path = PathBuf::from(text);
    Ok(if text.ends_with('/') || path.is_dir() { Place::History { folder: path, open: None } } else { Place::File { path, open: None } })
}

/// Does something with a history, opening it first where that is not done.
fn history(
    folder: &Path,
    open: &mut Option<AppendHistory>,
    work: impl FnOnce(&mut AppendHistory) -> Result<(), AppendError>,
) -> Result<(), String> {
    let history = match open {
        Some(history) => history,
        None => open.insert(AppendHistory::open(folder, Durability::EverySecond).map_err(|error| words(&error))?),
    };
    work(history).map_err(|error| words(&error))
}

/// Does something with a file, opening it first where that is not done.
fn file(path: &Path, open: &mut Option<AppendFile>, work: impl FnOnce(&mut AppendFile) -> Result<(), AppendError>) -> Result<(), String> {
    let file = match open {
        Some(file) => file,
        None => open.insert(AppendFile::open(path, Durability::EverySecond).map_err(|error| words(&error))?),
    };
    work(file).map_err(|error| words(&error))
}

/// An error with the system's words.
fn words(error: &AppendError) -> String {
    match error.system() {
        Some(system) => format!("{error}: {}", system_words(system)),
        None => error.to_string(),
    }
}
