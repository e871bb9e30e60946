//! The program `rollup`.

fn main() -> std::process::ExitCode {
    pipewatch::cli::main(&pipewatch::cli::rollup::TOOL)
}
