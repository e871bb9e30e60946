//! Signals while a command runs: taken by waiting for them, not by handlers.
//!
//! They are blocked first, so that none is missed, then received one by one, the command's end
//! (SIGCHLD) among them. The command begins with the signals blocked that were blocked before.

use std::io::{Error, ErrorKind, Result};
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// The signals that are handed on to the command.
const HANDED_ON: [i32; 6] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2];

/// A signal that was received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signal {
    pub(super) number: i32,
    /// Whether the terminal sent it.
    pub(super) by_terminal: bool,
}

impl Signal {
    /// Whether it asks a process to end.
    pub(super) const fn asks_to_end(self) -> bool {
        matches!(self.number, libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT)
    }
}

/// Sends a signal to a process, or to a group by its negative number.
pub(super) fn send(target: i32, signal: i32) {
    // SAFETY: kill takes two plain integers. The command is not waited for yet, so its number is its own.
    // It may have ended this moment; then there is nobody to send the signal to.
    unsafe { libc::kill(target, signal) };
}

/// Signals that are blocked until this is dropped, to be waited for.
pub(in crate::cli) struct Blocked {
    signals: libc::sigset_t,
    before: libc::sigset_t,
}

impl Blocked {
    /// Blocks them for this thread and those that it begins.
    ///
    /// # Errors
    /// When the system refuses.
    pub(in crate::cli) fn new() -> Result<Blocked> {
        let mut signals = MaybeUninit::<libc::sigset_t>::zeroed();
        let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: the pointers lead to live memory of the right type; sigemptyset makes the first
        // set valid before it is used, and a zeroed set is a valid (empty) one as well.
        unsafe {
            libc::sigemptyset(signals.as_mut_ptr());
            for signal in HANDED_ON.iter().chain(&[libc::SIGCHLD]) {
                libc::sigaddset(signals.as_mut_ptr(), *signal);
            }
            match libc::pthread_sigmask(libc::SIG_BLOCK, signals.as_ptr(), before.as_mut_ptr()) {
                0 => Ok(Blocked { signals: signals.assume_init(), before: before.assume_init() }),
                error => Err(Error::from_raw_os_error(error)),
            }
        }
    }

    /// Lets a command begin with the signals blocked that were so before.
    pub(super) fn free(&self, command: &mut Command) {
        let before = self.before;
        let free = move || {
            // SAFETY: the set was filled by the call that blocked the signals.
            match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut()) } {
                0 => Ok(()),
                error => Err(Error::from_raw_os_error(error)),
            }
        };
        // SAFETY: between fork and exec only what is async-signal-safe may be called; the closure
        // calls pthread_sigmask, which is, and allocates nothing.
        unsafe { command.pre_exec(free) };
    }

    /// Waits so long; whether a signal asked to end meanwhile.
    ///
    /// # Errors
    /// When the system refuses.
    pub(in crate::cli) fn rest(&self, span: Duration) -> Result<bool> {
        let end = Instant::now().checked_add(span);
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if self.next(left)?.is_some_and(Signal::asks_to_end) {
                return Ok(true);
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
        }
    }

    /// Waits for the next signal; `None` when none came within the limit.
    pub(super) fn next(&self, limit: Option<Duration>) -> Result<Option<Signal>> {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let limit = limit.map(|limit| libc::timespec {
            tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the set is valid, and the pointers lead to live memory of the right types (for the
        // information all zeros is a valid value) or, without a limit, nowhere, as the call allows.
        let (number, info) = unsafe {
            let number = libc::sigtimedwait(&raw const self.signals, info.as_mut_ptr(), limit);
            (number, info.assume_init())
        };
        if number > 0 {
            return Ok(Some(Signal { number, by_terminal: info.si_code == libc::SI_KERNEL }));
        }
        let error = Error::last_os_error();
        match error.kind() {
            // The limit has passed, or a signal that is not waited for was handled.
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set was filled by the call that blocked the signals.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}
