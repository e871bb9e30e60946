//! Where a program's own beats go: into a history folder, or to a listener.
//!
//! A listener is spoken to by a thread, which sends what the main loop gives it and nothing of its own:
//! when the loop hangs it is silent. What can't be sent is dropped, as a sign of life is worth something
//! only while it is fresh. That is told once, until it works again.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::failure::system_words;
use crate::cli::{Failure, Io};
use crate::ndjson;
use crate::net::plain;
use crate::record::{Beat, Record, show};
use crate::store::append::{AppendError, AppendHistory, Durability};
use crate::time::Span;
use crate::wire::ping;

/// How long one request may take.
pub(in crate::cli) const LIMIT: Span = Span::from_secs(5);

/// Sends a POST with one header and no body: its status, or the words of why there was none.
///
/// Most programs send by [`plain_post`] and link no TLS; those that speak HTTP anyway give their own.
pub(in crate::cli) type Post = fn(&str, (&str, &str)) -> Result<u16, String>;

/// Sends by nothing but a socket.
pub(in crate::cli) fn plain_post(address: &str, header: (&str, &str)) -> Result<u16, String> {
    plain::post(address, &[header], LIMIT).map_err(|error| system_words(&error))
}

/// How many beats may wait for the thread that sends them.
const WAITING: usize = 64;

/// A place that beats go to.
pub(super) enum Place {
    History { folder: PathBuf, open: Option<AppendHistory> },
    Listener(Courier),
}

impl Place {
    /// Reads a place as it was typed: a folder, an address, or where an address with a key stands.
    ///
    /// # Errors
    /// [`Failure::Usage`] when it is none.
    pub(super) fn new(text: &str, option: &str, post: Post, io: &Io) -> Result<Place, Failure> {
        let shown = || show(text.as_bytes(), 80);
        let address = match text.split_once(':') {
            Some(("file", path)) => {
                std::fs::read_to_string(path).map_err(|error| Failure::io(format!("{}: cannot read", show(path.as_bytes(), 200)), error))?
            }
            Some(("env", name)) => {
                let value = io.env.get(name).cloned();
                value.ok_or_else(|| Failure::usage(format!("--{option}: `{}` is not set", show(name.as_bytes(), 80))))?
            }
            Some(("http" | "https", _)) => text.to_owned(),
            _ if text.is_empty() || text.contains("://") => {
                let hint = "write a folder, http://HOST/ping/KEY/, or where such an address stands: file:PATH, env:NAME";
                return Err(Failure::usage_hint(format!("--{option}: `{}` is no place for beats", shown()), hint));
            }
            _ => return Ok(Place::History { folder: text.into(), open: None }),
        };
        let address = address.lines().next().unwrap_or_default().trim().to_owned();
        let is_plain = std::ptr::fn_addr_eq(post, plain_post as Post);
        if address.starts_with("https://") && is_plain {
            let hint = "beat into the state folder, and let `heartbeat listen --peer` speak to the other machine";
            return Err(Failure::usage_hint(format!("--{option}: a program's own beats go by plain http, not by https"), hint));
        }
        if plain::parts(&address.replacen("https://", "http://", 1)).is_err() {
            // The address may hold a key, and is not shown.
            let message = format!("--{option}: this is no address of a listener");
            return Err(Failure::usage_hint(message, "write it as http://127.0.0.1:8700/ping/KEY/"));
        }
        Ok(Place::Listener(Courier::new(address, post)?))
    }

    /// The history folder of the state.
    pub(super) fn of_state(state: &Path) -> Place {
        Place::History { folder: state.join("beats"), open: None }
    }

    /// Gives it beats.
    ///
    /// # Errors
    /// When they could not be written, or those before could not be sent: the words to say so.
    pub(super) fn give(&mut self, beats: &[Beat]) -> Result<(), String> {
        match self {
            Place::History { folder, open } => {
                let history = match open {
                    Some(history) => history,
                    None => open.insert(AppendHistory::open(folder, Durability::EverySecond).map_err(|error| words(&error))?),
                };
                for beat in beats {
                    let mut line = Vec::new();
                    ndjson::write(&mut line, &Record::Beat(beat.clone()));
                    history.add(beat.ts, &line);
                }
                history.append().map_err(|error| words(&error))
            }
            Place::Listener(courier) => courier.give(beats),
        }
    }
}

/// An error with the system's words.
fn words(error: &AppendError) -> String {
    match error.system() {
        Some(system) => format!("{error}: {}", system_words(system)),
        None => error.to_string(),
    }
}

/// The thread that speaks to one listener.
pub(super) struct Courier {
    beats: SyncSender<Beat>,
    /// Why the last beat was not taken.
    failed: Arc<Mutex<Option<String>>>,
}

impl Courier {
    fn new(address: String, post: Post) -> Result<Courier, Failure> {
        let (beats, given) = sync_channel::<Beat>(WAITING);
        let failed = Arc::new(Mutex::new(None));
        let outcome = Arc::clone(&failed);
        let send = move || {
            for beat in given {
                *outcome.lock().unwrap_or_else(PoisonError::into_inner) = send(&address, &beat, post).err();
            }
        };
        let begun = std::thread::Builder::new().name("alive".into()).spawn(send);
        begun.map_err(|error| Failure::io("cannot start a thread", error))?;
        Ok(Courier { beats, failed })
    }

    fn give(&self, beats: &[Beat]) -> Result<(), String> {
        for beat in beats {
            // While the one before is still on its way, that is told as its failure.
            let _ = self.beats.try_send(beat.clone());
        }
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }
}

/// Sends one beat.
fn send(address: &str, beat: &Beat, post: Post) -> Result<(), String> {
    let request = ping::encode(address, beat);
    // The rest of the address may hold a key.
    let host = address.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    match post(&request.address, (ping::TS_HEADER, &request.ts)) {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(format!("{host}: answered {status}")),
        Err(why) => Err(format!("{host}: {why}")),
    }
}
