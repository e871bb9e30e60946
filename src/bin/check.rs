//! The program `check`.

fn main() -> std::process::ExitCode {
    pipewatch::cli::main(&pipewatch::cli::check::TOOL)
}
