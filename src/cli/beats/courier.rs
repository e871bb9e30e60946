//! The thread that speaks to one listener while the process does its work.
//!
//! The process pushes a beat to the spool and asks; the thread sends what waits and reports. It
//! tries again while the process lives. At the end the process waits for the report on its last
//! beat, but no longer than it has patience; what is not sent then stays in the spool.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::listener::{Listener, Tried};
use crate::cli::failure::system_words;
use crate::net::http::Client;
use crate::store::spool::SpoolError;
use crate::time::Span;

/// The first pause before a further try; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How a listener fared, at the end.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What a person should hear.
    pub(super) told: Vec<String>,
    /// Whether beats wait in the spool and nobody goes on trying.
    pub(super) waits: bool,
    /// Whether beats are lost.
    pub(super) lost: bool,
}

/// The way to one listener.
pub(super) struct Courier {
    name: String,
    wait: Span,
    /// Before the thread has begun; it takes the listener with it.
    idle: Option<Listener>,
    thread: Option<Thread>,
    asked: u64,
    /// How many asks came with a line that is in no spool.
    unspooled: usize,
    dropped_lines: u64,
    told: Vec<String>,
}

struct Thread {
    asks: Sender<Ask>,
    reports: Receiver<Report>,
    /// The listener once more, for what is done beside the thread.
    listener: Listener,
}

/// Something new to be sent: it waits in the spool, or is given here where the spool can't be used.
struct Ask {
    line: Option<Vec<u8>>,
}

struct Report {
    /// How many asks had come before this try.
    seen: u64,
    /// What the try came to.
    tried: Tried,
    /// How many lines that are in no spool are not sent.
    unspooled: usize,
}

impl Courier {
    pub(super) fn new(listener: Listener, wait: Span) -> Courier {
        let name = listener.name.clone();
        Courier { name, wait, idle: Some(listener), thread: None, asked: 0, unspooled: 0, dropped_lines: 0, told: Vec::new() }
    }

    /// Takes one line to be sent. Returns at once.
    ///
    /// # Errors
    /// When no thread can be started; the line waits in the spool all the same.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<(), String> {
        if let Some(listener) = self.idle.take() {
            self.thread =
                Some(Thread::begin(listener, self.wait).map_err(|error| format!("cannot start a thread: {}", system_words(&error)))?);
        }
        let Some(thread) = &self.thread else { return Ok(()) };
        let pushed = thread.listener.spool().and_then(|spool| spool.push(line));
        let line = match pushed {
            Ok(pushed) => {
                self.dropped_lines += pushed.dropped_lines;
                None
            }
            Err(error) => {
                self.told.push(format!("{}; sent without it", words(&error)));
                self.unspooled += 1;
                Some(line.to_vec())
            }
        };
        self.asked += 1;
        // The thread ends before its asks do only when it has panicked; the beat is in the spool then.
        let _ = thread.asks.send(Ask { line });
        Ok(())
    }

    /// Waits for the last beat, as long as patience goes.
    pub(super) fn finish(mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(thread) = self.thread.take() else { return outcome };
        let mut last = thread.wait(self.asked, self.wait, &mut self.told, &self.name);
        outcome.told = self.told;
        if self.dropped_lines > 0 {
            outcome.told.push(format!("{}: too much waits: the {} oldest beats were dropped", self.name, self.dropped_lines));
        }
        // Without a report on the last try, what became of such lines is not known.
        let lost = last.as_ref().filter(|report| report.seen >= self.asked).map_or(self.unspooled, |report| report.unspooled);
        if lost > 0 {
            outcome.lost = true;
            outcome.told.push(format!("{}: {} lost", self.name, beats(lost as u64)));
        }
        let Ok(spool) = thread.listener.spool() else { return outcome };
        let waiting = spool.waiting_lines().unwrap_or(0);
        if waiting == 0 {
            return outcome;
        }
        // What another process is just sending need not be spoken of; if that fails it leaves one behind.
        if last.as_ref().is_some_and(|report| report.tried.busy && report.tried.failed.is_none()) {
            return outcome;
        }
        let why = last.take().and_then(|report| report.tried.failed).unwrap_or_else(|| "no answer in time".into());
        outcome.told.push(format!("{}: {why}; {} kept, and sent once it answers", self.name, beats(waiting)));
        if let Err(error) = spool.force() {
            outcome.told.push(words(&error));
        }
        // Whoever holds the lock goes on trying until nothing waits.
        outcome.waits = thread.listener.retrying().is_ok_and(|lock| lock.is_some());
        outcome
    }
}

impl Thread {
    fn begin(listener: Listener, limit: Span) -> std::io::Result<Thread> {
        let (asks, asked) = channel();
        let (report, reports) = channel();
        let own = listener.clone();
        std::thread::Builder::new().name("courier".into()).spawn(move || serve(&own, limit, &asked, &report))?;
        Ok(Thread { asks, reports, listener })
    }

    /// Waits for the report on a try that began after the last of `asked` asks; gives the last report there was.
    fn wait(&self, asked: u64, wait: Span, told: &mut Vec<String>, name: &str) -> Option<Report> {
        let end = Instant::now().checked_add(wait.to_std());
        let mut last: Option<Report> = None;
        loop {
            let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
            let Ok(report) = self.reports.recv_timeout(left) else { return last };
            told.extend(report.tried.refused.iter().map(|refused| format!("{name}: refused {refused}")));
            let is_last = report.seen >= asked;
            last = Some(report);
            if is_last {
                return last;
            }
        }
    }
}

/// Sends what is asked for until nobody can ask any more.
fn serve(listener: &Listener, limit: Span, asks: &Receiver<Ask>, reports: &Sender<Report>) {
    let client = Client::new(limit);
    let mut unspooled: Vec<Vec<u8>> = Vec::new();
    let (mut seen, mut pause) = (0, None);
    loop {
        let ask = match pause {
            None => asks.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(pause) => asks.recv_timeout(pause),
        };
        let asked = match ask {
            Ok(ask) => Some(ask),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for ask in asked.into_iter().chain(asks.try_iter()) {
            seen += 1;
            unspooled.extend(ask.line);
        }
        let tried = attempt(listener, &client, &mut unspooled);
        pause = tried.failed.is_some().then(|| pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE)));
        // Nobody listens any more when the process is about to end.
        let _ = reports.send(Report { seen, tried, unspooled: unspooled.len() });
    }
}

/// One try: what waits in the spool first, then what is in none.
fn attempt(listener: &Listener, client: &Client, unspooled: &mut Vec<Vec<u8>>) -> Tried {
    // Whoever goes on trying sends what was pushed; to try beside it would only cost time.
    if unspooled.is_empty() && listener.retrying().is_ok_and(|lock| lock.is_none()) {
        return Tried { busy: true, failed: Some("away".into()), ..Tried::default() };
    }
    let mut tried = listener.send_waiting(client).unwrap_or_default();
    while tried.failed.is_none() && !unspooled.is_empty() {
        let one = listener.send_line(client, &unspooled[0]);
        tried.sent += one.sent;
        tried.refused.extend(one.refused);
        tried.failed = one.failed;
        if tried.failed.is_none() {
            unspooled.remove(0);
        }
    }
    tried
}

pub(super) fn beats(count: u64) -> String {
    if count == 1 { "1 beat".into() } else { format!("{count} beats") }
}

/// An error with the system's words.
fn words(error: &SpoolError) -> String {
    match error.system() {
        Some(system) => format!("{error}: {}", system_words(system)),
        None => error.to_string(),
    }
}
