//! Running a command in this process's place: its streams, signals and status pass through.
//!
//! Signals are taken by waiting for them, not by handlers: blocked first, so that none is missed,
//! then received one by one, the command's end (SIGCHLD) among them. The command begins with the
//! signals blocked that were blocked before.
//!
//! A signal that the terminal sent (Ctrl-C) goes to the whole foreground group: the command has it
//! already, and only what a process sent is handed on.

use std::ffi::OsString;
use std::io::{Error, ErrorKind, Result};
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The signals that are handed on to the command.
const HANDED_ON: [i32; 6] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2];

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Its exit status; 128 + n when signal n ended it.
    pub(super) status: u8,
    /// The most memory that its largest process had resident.
    pub(super) peak_bytes: u64,
}

/// Runs a command to its end.
///
/// # Errors
/// When it can't be started.
pub(super) fn run(command: &[OsString]) -> Result<Ended> {
    let (program, arguments) = command.split_first().ok_or(ErrorKind::InvalidInput)?;
    let blocked = Blocked::new()?;
    let mut command = Command::new(program);
    blocked.free(command.args(arguments));
    let child = command.spawn()?;
    let pid = i32::try_from(child.id()).map_err(Error::other)?;
    loop {
        if let Some(ended) = ended(pid)? {
            return Ok(ended);
        }
        let (signal, by_terminal) = blocked.next()?;
        if signal != libc::SIGCHLD && !by_terminal {
            hand_on(pid, signal);
        }
    }
}

/// The status that a shell gives for a command that could not be started.
pub(super) fn status_of(error: &Error) -> u8 {
    if error.kind() == ErrorKind::NotFound { 127 } else { 126 }
}

fn hand_on(pid: i32, signal: i32) {
    // SAFETY: kill takes two plain integers. The command is not waited for yet, so its number is its own.
    // It may have ended this moment; then there is nobody to hand the signal to.
    unsafe { libc::kill(pid, signal) };
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
            Ok(Some(Ended { status: u8::try_from(status).unwrap_or(u8::MAX), peak_bytes: peak_bytes(&usage) }))
        }
    }
}

/// The peak of resident memory: Linux counts it in KiB, Apple's systems in bytes.
fn peak_bytes(usage: &libc::rusage) -> u64 {
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    u64::try_from(usage.ru_maxrss).unwrap_or(0) * unit
}

/// Signals that are blocked until this is dropped, to be waited for.
struct Blocked {
    signals: libc::sigset_t,
    before: libc::sigset_t,
}

impl Blocked {
    fn new() -> Result<Blocked> {
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
    fn free(&self, command: &mut Command) {
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

    /// Waits for the next signal; says whether the terminal sent it.
    fn next(&self) -> Result<(i32, bool)> {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        loop {
            // SAFETY: the set is valid, and the pointer leads to live memory of the right type, for
            // which all zeros is a valid value.
            let (signal, info) = unsafe {
                let signal = libc::sigwaitinfo(&raw const self.signals, info.as_mut_ptr());
                (signal, info.assume_init())
            };
            if signal > 0 {
                return Ok((signal, info.si_code == libc::SI_KERNEL));
            }
            let error = Error::last_os_error();
            if error.kind() != ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // SAFETY: the set was filled by the call that blocked the signals.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}
