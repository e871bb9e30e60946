//! The program `chart`.

fn main() -> std::process::ExitCode {
    pipewatch::cli::main(&pipewatch::cli::chart::TOOL)
}
