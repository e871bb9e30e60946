//! Everything a tool may touch: streams, clock, state folder, environment, signals.

use std::collections::HashMap;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Alive;
use crate::time::Timestamp;

/// Where the current time comes from: the system, or `--at`.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The system's real-time clock.
    System,
    /// An instant that was given.
    Fixed(Timestamp),
}

impl Clock {
    /// The current time.
    pub fn now(self) -> Timestamp {
        match self {
            Clock::Fixed(instant) => instant,
            Clock::System => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
            }
        }
    }
}

/// How long it is since this call, by a clock that never goes back.
pub fn elapsed() -> std::sync::Arc<dyn Fn() -> crate::time::Span + Send + Sync> {
    let start = std::time::Instant::now();
    std::sync::Arc::new(move || crate::time::Span::from_nanos(i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX)))
}

/// A stream that is read: standard input, or bytes given by a test.
pub trait Input: Read + Send {
    /// The file behind the stream, for waiting on it.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Input for std::io::Cursor<Vec<u8>> {}
impl Input for std::io::Empty {}

/// Standard input, read without a buffer of its own.
struct Stdin(std::fs::File);

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Input for Stdin {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

/// Whether SIGINT or SIGTERM asked the tool to end; and a file that becomes readable then.
#[derive(Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    wake: Option<Arc<OwnedFd>>,
}

impl Stop {
    /// Whether the tool was asked to end.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Asks the tool to end, as a signal would; for tests, and for a tool's own threads.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// A file that is readable once the tool was asked to end by a signal; for poll(2).
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.wake.as_ref().map(|fd| fd.as_fd())
    }

    /// Catches SIGINT and SIGTERM. Where that fails they keep ending the process at once.
    fn on_signals() -> Stop {
        let mut stop = Stop::default();
        let Ok((read, write)) = std::os::unix::net::UnixStream::pair() else { return stop };
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            let Ok(write) = write.try_clone() else { return stop };
            // The second signal of a kind ends the process at once, so that a tool that hangs can be ended.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop.asked));
            let _ = signal_hook::flag::register(signal, Arc::clone(&stop.asked));
            let _ = signal_hook::low_level::pipe::register(signal, write);
        }
        stop.wake = Some(Arc::new(OwnedFd::from(read)));
        stop
    }
}

/// Everything a tool may touch.
pub struct Io {
    /// Standard input.
    pub stdin: Box<dyn Input>,
    /// Standard output, without a buffer; wrap it in one.
    pub stdout: Box<dyn Write + Send>,
    /// Standard error, for people.
    pub stderr: Box<dyn Write + Send>,
    /// The clock; `--at` fixes it.
    pub clock: Clock,
    /// The folder that keeps what tools remember.
    pub state: PathBuf,
    /// The environment.
    pub env: HashMap<String, String>,
    /// Whether to end.
    pub stop: Stop,
    /// The signs of life that this program gives.
    pub alive: Alive,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether this is a process of its own, so that threads, signals and pipes are real.
    pub is_process: bool,
}

impl Io {
    /// The streams, clock, environment and signals of this process.
    pub fn process() -> Io {
        let env: HashMap<String, String> =
            std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect();
        Io {
            stdin: stdin(),
            stdout: stdout(),
            stderr: Box::new(std::io::stderr()),
            clock: Clock::System,
            state: state_folder(&env),
            env,
            stop: Stop::on_signals(),
            alive: Alive::default(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            is_process: true,
        }
    }

    /// Streams in memory, for tests: the given input, a fixed clock, an empty environment.
    pub fn memory(stdin: impl Into<Vec<u8>>, now: Timestamp, stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>) -> Io {
        Io {
            stdin: Box::new(std::io::Cursor::new(stdin.into())),
            stdout,
            stderr,
            clock: Clock::Fixed(now),
            state: PathBuf::from("."),
            env: HashMap::new(),
            stop: Stop::default(),
            alive: Alive::default(),
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            is_process: false,
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether to colour standard output: on a terminal, unless NO_COLOR is set or the terminal is dumb.
    pub fn colour_stdout(&self) -> bool {
        self.stdout_is_terminal && self.colour_wanted()
    }

    /// Whether to colour standard error; as [`Io::colour_stdout`].
    pub fn colour_stderr(&self) -> bool {
        self.stderr_is_terminal && self.colour_wanted()
    }

    fn colour_wanted(&self) -> bool {
        let set = |name: &str| self.env.get(name).is_some_and(|value| !value.is_empty());
        !set("NO_COLOR") && self.env.get("TERM").is_none_or(|term| term != "dumb")
    }

    /// A second way to standard error, for what is told while another part holds these streams; in
    /// tests it leads nowhere.
    pub fn voice(&self) -> Box<dyn Write + Send> {
        if self.is_process { Box::new(std::io::stderr()) } else { Box::new(std::io::sink()) }
    }

    /// Tells a person something: one line on standard error, begun with the tool's name.
    pub fn tell(&mut self, tool: &str, message: impl std::fmt::Display) {
        // When standard error is closed nobody can be told, and the work matters more.
        let _ = writeln!(self.stderr, "{tool}: {message}");
    }
}

/// A copy of standard input that is not buffered by the standard library.
fn stdin() -> Box<dyn Input> {
    match std::io::stdin().as_fd().try_clone_to_owned() {
        Ok(fd) => Box::new(Stdin(fd.into())),
        Err(_) => Box::new(std::io::empty()),
    }
}

/// A copy of standard output that is not buffered by the standard library.
fn stdout() -> Box<dyn Write + Send> {
    match std::io::stdout().as_fd().try_clone_to_owned() {
        Ok(fd) => Box::new(std::fs::File::from(fd)),
        Err(_) => Box::new(std::io::stdout()),
    }
}

/// `$XDG_STATE_HOME/pipewatch`, `~/.local/state/pipewatch`, or `/var/lib/pipewatch` for root.
fn state_folder(env: &HashMap<String, String>) -> PathBuf {
    if let Some(folder) = env.get("XDG_STATE_HOME").filter(|folder| folder.starts_with('/')) {
        return PathBuf::from(folder).join("pipewatch");
    }
    if rustix::process::geteuid().is_root() {
        return PathBuf::from("/var/lib/pipewatch");
    }
    PathBuf::from(env.get("HOME").map_or(".", String::as_str)).join(".local/state/pipewatch")
}
