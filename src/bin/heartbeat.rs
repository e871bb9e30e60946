//! The program `heartbeat`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pipewatch::cli::main(&pipewatch::cli::heartbeat::TOOL)
}
