//! The program `collect`.

use std::process::ExitCode;

use pipewatch::cli;

fn main() -> ExitCode {
    cli::main(&cli::collect::TOOL)
}
