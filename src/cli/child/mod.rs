//! Running a command in this process's place: its streams, signals and status pass through.
//!
//! Here are a command, how it is started, waited for and ended at a limit; its signals are in
//! [`signals`], its output, where somebody listens to it, in [`pump`].
//!
//! A signal that the terminal sent (Ctrl-C) goes to the whole foreground group: the command has it
//! already, and only what a process sent is handed on. Where there is no terminal (cron, a service)
//! a command may be given a group of its own, so that a signal reaches all of its processes.

mod pump;
mod signals;

use std::ffi::OsString;
use std::io::{Error, ErrorKind, Result};
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::time::Span;
pub(super) use pump::{Keep, Stream};
use pump::{Pipes, Take};
pub(super) use signals::Blocked;

/// How long a command that was told to end has until it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Its exit status; 128 + n when signal n ended it.
    pub(super) status: u8,
    /// The most memory that its largest process had resident.
    pub(super) peak_bytes: u64,
    /// Whether it was ended because it had reached its limit.
    pub(super) timed_out: bool,
    /// Whether a signal came that asks to end.
    pub(super) was_asked: bool,
}

/// A command and how it is run.
pub(super) struct Job<'a> {
    command: &'a [OsString],
    variables: Vec<(&'static str, String)>,
    limit: Option<Span>,
    own_group: bool,
    take: Option<Take<'a>>,
    behind: Behind,
}

/// What becomes of output that processes write after the command itself has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Behind {
    /// It goes where it would have gone.
    #[default]
    Passed,
    /// It is thrown away.
    Dropped,
}

impl<'a> Job<'a> {
    /// A command that has this process's streams and group, and no limit.
    pub(super) const fn new(command: &'a [OsString]) -> Job<'a> {
        Job { command, variables: Vec::new(), limit: None, own_group: false, take: None, behind: Behind::Passed }
    }

    /// Sets a variable of its environment.
    pub(super) fn variable(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.to_owned()));
    }

    /// Ends it at a limit: it is told to (SIGTERM), and killed ten seconds later.
    pub(super) const fn limit(&mut self, limit: Span) {
        self.limit = Some(limit);
    }

    /// Gives it a group of its own where there is no terminal: a group that is not the terminal's
    /// could not be spoken to there.
    pub(super) fn own_group(&mut self) {
        self.own_group = std::fs::File::open("/dev/tty").is_err();
    }

    /// Gives its output to `take` as it comes. Where this process's two streams are one, so are the
    /// command's, and the order between them stays.
    pub(super) fn listen(&mut self, take: Take<'a>, behind: Behind) {
        (self.take, self.behind) = (Some(take), behind);
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it can't be started.
    pub(super) fn run(self) -> Result<Ended> {
        self.run_with(&Blocked::new()?)
    }

    /// Runs it to its end, by whoever has blocked the signals already: before it began a thread, as
    /// a thread that does not block them would take them.
    ///
    /// # Errors
    /// When it can't be started.
    pub(super) fn run_with(self, blocked: &Blocked) -> Result<Ended> {
        let begun = Instant::now();
        let (program, arguments) = self.command.split_first().ok_or(ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(arguments).envs(self.variables);
        if self.own_group {
            command.process_group(0);
        }
        blocked.free(&mut command);
        let waiting = Waiting { blocked, limit: self.limit, own_group: self.own_group, begun };
        let Some(mut take) = self.take else {
            return waiting.wait(&command.spawn()?);
        };
        let (pipes, end) = Pipes::new(&mut command)?;
        let child = command.spawn()?;
        // The command holds the write ends now; a copy left here would keep the output from ending.
        drop(command);
        let (ended, left) = std::thread::scope(|scope| {
            let pumping = scope.spawn(move || pipes.pump(&mut take));
            let ended = waiting.wait(&child);
            drop(end);
            (ended, pumping.join().unwrap_or_default())
        });
        left.leave_behind(self.behind);
        ended
    }
}

/// The status that a shell gives for a command that could not be started.
pub(super) fn status_of(error: &Error) -> u8 {
    if error.kind() == ErrorKind::NotFound { 127 } else { 126 }
}

/// What is needed to wait for a command.
struct Waiting<'a> {
    blocked: &'a Blocked,
    limit: Option<Span>,
    own_group: bool,
    begun: Instant,
}

impl Waiting<'_> {
    /// Waits for the command's end; hands signals on, and keeps to the limit.
    fn wait(&self, child: &Child) -> Result<Ended> {
        let pid = i32::try_from(child.id()).map_err(Error::other)?;
        // What signals go to: one process, or a group by its negative number.
        let target = if self.own_group { -pid } else { pid };
        // A limit that is beyond what the clock can hold is none.
        let mut next = self.limit.and_then(|limit| self.begun.checked_add(limit.to_std()));
        let (mut timed_out, mut was_asked) = (false, false);
        loop {
            if let Some(ended) = ended(pid)? {
                return Ok(Ended { timed_out, was_asked, ..ended });
            }
            let left = next.map(|next| next.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                signals::send(target, if timed_out { libc::SIGKILL } else { libc::SIGTERM });
                // What was stopped could not end.
                signals::send(target, libc::SIGCONT);
                next = if timed_out { None } else { Instant::now().checked_add(GRACE) };
                timed_out = true;
                continue;
            }
            let signal = self.blocked.next(left)?;
            was_asked |= signal.is_some_and(|signal| signal.asks_to_end());
            match signal {
                Some(signal) if signal.number != libc::SIGCHLD && (self.own_group || !signal.by_terminal) => {
                    signals::send(target, signal.number);
                }
                _ => {}
            }
        }
    }
}

/// Whether the command has ended, and how; never waits.
fn ended(pid: i32) -> Result<Option<Ended>> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers lead to live memory of the right type; a zeroed rusage is a valid one,
    // so it may be read even where the call leaves it as it is. Neither the standard library
    // nor rustix has a call that gives the usage of one child.
    let (found, usage) = unsafe {
        let found = libc::wait4(pid, &raw mut status, libc::WNOHANG, usage.as_mut_ptr());
        (found, usage.assume_init())
    };
    match found {
        0 => Ok(None),
        -1 => Err(Error::last_os_error()),
        _ => {
            let status = if libc::WIFSIGNALED(status) { 128 + libc::WTERMSIG(status) } else { libc::WEXITSTATUS(status) };
            let status = u8::try_from(status).unwrap_or(u8::MAX);
            Ok(Some(Ended { status, peak_bytes: peak_bytes(&usage), timed_out: false, was_asked: false }))
        }
    }
}

/// The peak of resident memory: Linux counts it in KiB, Apple's systems in bytes.
fn peak_bytes(usage: &libc::rusage) -> u64 {
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit
}
