//! The programs: what was typed, the streams, the clock, errors as text, exit codes.
//!
//! One file a tool; each gives a [`Tool`], and its binary is nine lines around [`main`]. A tool
//! gets everything it may touch through [`Io`], so that most tests run it in process. Only this
//! module reads the clock.

mod alive;
pub mod args;
mod beats;
pub mod chart;
pub mod check;
mod child;
pub mod collect;
pub mod emit;
mod failure;
pub mod heartbeat;
pub mod input;
mod io;
mod output;
mod rejects;
pub mod rollup;

pub use alive::Alive;
pub use failure::{Code, Failure};
pub use input::{Inputs, Trouble};
pub use io::{Clock, Input, Io, Stop, elapsed};
pub use output::Output;
pub use rejects::{Place, Rejects};

use std::process::ExitCode;

/// One program.
pub struct Tool {
    /// The program's name, as records and messages write it.
    pub name: &'static str,
    /// Its arguments; help, man page and completions come from here.
    pub command: fn() -> clap::Command,
    /// Its work.
    pub run: fn(&clap::ArgMatches, &mut Io) -> Result<Code, Failure>,
    /// The exit code when the arguments are wrong: 64, but 3 for `check`.
    pub usage_code: Code,
}

/// Every program, in the order in which records flow; man pages, completions and their tests go by it.
pub fn tools() -> &'static [&'static Tool] {
    &[&collect::TOOL, &rollup::TOOL, &check::TOOL, &emit::TOOL, &heartbeat::TOOL, &chart::TOOL]
}

/// Runs a tool as a process: with the real streams, clock, environment and signals.
pub fn main(tool: &Tool) -> ExitCode {
    let mut io = Io::process();
    let arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    let code = run(tool, &arguments, &mut io);
    ExitCode::from(code.number())
}

/// Runs a tool on the given arguments (the program's name first) and streams.
///
/// Every failure is told on `io.stderr`; the code says which kind it was.
pub fn run(tool: &Tool, arguments: &[std::ffi::OsString], io: &mut Io) -> Code {
    let matches = match (tool.command)().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return tell_usage(tool, &error, io),
    };
    let result = args::at(&matches, io).and_then(|()| (tool.run)(&matches, io));
    io.alive.end();
    match result {
        Ok(code) => code,
        Err(failure) => {
            let text = failure.text(tool.name);
            // Standard error is the last resort: when it is closed too, nobody can be told.
            let _ = io.stderr.write_all(text.as_bytes());
            failure.code(tool)
        }
    }
}

/// Tells help and version on standard output, and what was typed wrong on standard error.
fn tell_usage(tool: &Tool, error: &clap::Error, io: &mut Io) -> Code {
    let colour = |wanted: bool| if wanted { error.render().ansi().to_string() } else { error.render().to_string() };
    if error.use_stderr() {
        let text = colour(io.colour_stderr());
        let text = text.strip_prefix("error: ").map_or_else(|| text.clone(), |rest| format!("{}: {rest}", tool.name));
        let _ = io.stderr.write_all(text.as_bytes());
        return tool.usage_code;
    }
    let text = colour(io.colour_stdout());
    match io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush()) {
        Ok(()) => Code::OK,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Code::OK,
        Err(_) => Code::IO,
    }
}
