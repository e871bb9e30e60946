//! A listener that beats are sent to by HTTP: its address, and the spool of what it does not have yet.
//!
//! ```text
//! STATE/spool/127.0.0.1_8700-3f2a9c1b00d4e7f2/
//!   to          the address as it was typed: a URL, file:PATH or env:NAME
//!   retrying    the lock of the process that goes on trying
//!   …           the spool's own (see store::spool)
//! ```
//!
//! Every beat goes through the spool, also while the listener answers: so beats leave in
//! their order, and a process that is killed while it sends loses none.
//!
//! An address may hold a key. It is in no message, no name of a file and no argument of a process;
//! the spool is readable by its owner alone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::locks::try_lock;
use crate::cli::failure::system_words;
use crate::ndjson;
use crate::net::http::{self, Client, HttpError};
use crate::record::{Record, show};
use crate::store::spool::{Given, Spool, SpoolError};
use crate::time::Span;
use crate::wire::ping;

/// How much may wait for one listener, in bytes: some weeks of beats each minute.
const SPOOL_BYTES: u64 = 16 << 20;

/// A listener.
#[derive(Clone)]
pub(in crate::cli) struct Listener {
    /// The address, or where it stands, as it was typed.
    typed: String,
    /// What an address that stands in the environment is.
    variable: Option<String>,
    /// The name for people: the host, or where the address stands.
    pub(in crate::cli) name: String,
    folder: PathBuf,
}

/// What one try came to.
#[derive(Debug, Default)]
pub(in crate::cli) struct Tried {
    /// How many beats the listener has taken.
    pub(in crate::cli) sent: u64,
    /// What it will never take, and why.
    pub(in crate::cli) refused: Vec<String>,
    /// Why it went no further; nothing when nothing waits.
    pub(in crate::cli) failed: Option<String>,
    /// Whether another process is sending.
    pub(in crate::cli) busy: bool,
}

/// Whether a text is meant as a listener.
pub(super) fn is_address(text: &str) -> bool {
    ["http://", "https://", "file:", "env:"].iter().any(|scheme| text.starts_with(scheme))
}

impl Listener {
    /// The listener at an address, whose spool is in the state folder.
    pub(super) fn new(typed: &str, state: &Path, env: &HashMap<String, String>) -> Listener {
        // The name of the folder must not tell a key, but must be the same for the same address.
        let place = match typed.split_once(':') {
            Some(("file" | "env", rest)) => rest.rsplit('/').next().unwrap_or(rest),
            _ => http::host(typed),
        };
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
        let place: String = place.chars().map(safe).take(80).collect();
        // 64-bit FNV-1a (Fowler, Noll, Vo).
        let hash = typed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        Listener::at(typed, env, state.join("spool").join(format!("{place}-{hash:016x}")))
    }

    /// Every listener that has a spool in the state folder.
    pub(in crate::cli) fn known(state: &Path, env: &HashMap<String, String>) -> Vec<Listener> {
        let Ok(entries) = std::fs::read_dir(state.join("spool")) else { return Vec::new() };
        let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        folders.sort();
        let read = |folder: PathBuf| Some(Listener::at(std::fs::read_to_string(folder.join("to")).ok()?.trim_end(), env, folder));
        folders.into_iter().filter_map(read).collect()
    }

    fn at(typed: &str, env: &HashMap<String, String>, folder: PathBuf) -> Listener {
        let name = if typed.contains("://") { http::host(typed) } else { typed };
        let variable = typed.strip_prefix("env:").and_then(|name| env.get(name)).cloned();
        Listener { typed: typed.to_owned(), variable, name: show(name.as_bytes(), 100), folder }
    }

    /// The spool; made where it is missing.
    ///
    /// # Errors
    /// When it can't be made.
    pub(in crate::cli) fn spool(&self) -> Result<Spool, SpoolError> {
        let spool = Spool::open(&self.folder, SPOOL_BYTES)?;
        let to = self.folder.join("to");
        if !to.exists() {
            std::fs::write(&to, format!("{}\n", self.typed)).map_err(|error| SpoolError::Io { path: to, doing: "cannot write", error })?;
        }
        Ok(spool)
    }

    /// Sends what waits, in order, each request within `limit`.
    ///
    /// # Errors
    /// When the spool can't be used.
    pub(in crate::cli) fn send_waiting(&self, client: &Client) -> Result<Tried, SpoolError> {
        let spool = self.spool()?;
        let mut tried = Tried::default();
        loop {
            let Some(mut sender) = spool.sender()? else {
                tried.busy = true;
                return Ok(tried);
            };
            let address = match self.address() {
                Ok(address) => address,
                Err(why) => {
                    tried.failed = (!spool.is_empty()?).then_some(why);
                    return Ok(tried);
                }
            };
            let drained = sender.drain(1, &mut |line| deliver(client, &address, line, &mut tried))?;
            tried.sent += drained.sent_lines;
            drop(sender);
            // What came while this process held the lock may have been left to it.
            if tried.failed.is_some() || spool.is_empty()? {
                return Ok(tried);
            }
        }
    }

    /// Sends one line that is in no spool.
    pub(super) fn send_line(&self, client: &Client, line: &[u8]) -> Tried {
        let mut tried = Tried::default();
        match self.address() {
            Ok(address) => tried.sent = u64::from(deliver(client, &address, line, &mut tried) == Given::Sent),
            Err(why) => tried.failed = Some(why),
        }
        tried
    }

    /// Whether its spool was taken away meanwhile.
    pub(in crate::cli) fn is_gone(&self) -> bool {
        !self.folder.exists()
    }

    /// Becomes the one process that goes on trying; `None` while another does.
    pub(in crate::cli) fn retrying(&self) -> std::io::Result<Option<std::fs::File>> {
        try_lock(&self.folder.join("retrying"))
    }

    /// The address itself.
    fn address(&self) -> Result<String, String> {
        let text = match self.typed.split_once(':') {
            Some(("file", path)) => std::fs::read_to_string(path)
                .map_err(|error| format!("{}: cannot read: {}", show(path.as_bytes(), 200), system_words(&error)))?,
            Some(("env", _)) => self.variable.clone().ok_or_else(|| format!("{} is not set", self.name))?,
            _ => self.typed.clone(),
        };
        let address = text.lines().next().unwrap_or_default().trim();
        if address.starts_with("http://") || address.starts_with("https://") {
            return Ok(address.to_owned());
        }
        Err(format!("{} holds no address of a listener (http://HOST/ping/KEY/)", self.name))
    }
}

/// Sends one beat, and says what became of it.
fn deliver(client: &Client, address: &str, line: &[u8], tried: &mut Tried) -> Given {
    let Ok(Record::Beat(beat)) = ndjson::decode(line.trim_ascii_end()) else {
        tried.refused.push("a line that is no beat".into());
        return Given::Refused;
    };
    let ping = ping::encode(address, &beat);
    let name = show(beat.beat.as_bytes(), 80);
    match client.post(&ping.address, &[(ping::TS_HEADER, &ping.ts)], &ping.body) {
        Ok(answer) => match answer.status {
            200..=299 => Given::Sent,
            408 | 425 | 429 | 500..=599 => {
                tried.failed = Some(format!("answered {} {}", answer.status, show(answer.body.trim().as_bytes(), 60)));
                Given::Failed
            }
            status => {
                tried.refused.push(format!("{name}: {status} {}", show(answer.body.trim().as_bytes(), 60)));
                Given::Refused
            }
        },
        Err(HttpError::Invalid(why)) => {
            tried.refused.push(format!("{name}: {why}"));
            Given::Refused
        }
        Err(error) => {
            tried.failed = Some(match error.system() {
                Some(system) => format!("{error}: {}", system_words(system)),
                None => error.to_string(),
            });
            Given::Failed
        }
    }
}

/// Starts a process that goes on trying every listener, and does not wait for it. It holds none of
/// this process's streams, and outlives its terminal.
pub(super) fn leave_behind(state: &Path, retry: Span) -> std::io::Result<()> {
    use std::os::unix::process::CommandExt;
    let state = std::path::absolute(state)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["flush", "--for", &retry.to_string(), "--state-dir"]).arg(state);
    command.current_dir("/").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop)
}
