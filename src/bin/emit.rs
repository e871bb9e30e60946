//! The program `emit`; see [`pipewatch::cli::emit`].

use std::process::ExitCode;

use pipewatch::cli::{self, emit};

fn main() -> ExitCode {
    cli::main(&emit::TOOL)
}
