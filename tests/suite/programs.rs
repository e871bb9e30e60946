//! The built programs, run by a shell as a user would: in a folder of their own, with nothing
//! inherited that could change what they print.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// How long one command may take before it is ended, in seconds.
const PATIENCE_S: &str = "60";

/// The top folder of the project.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the built programs: this test's own is `deps` in it.
pub(crate) fn built() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

/// The names of the programs that exist.
pub(crate) fn names() -> Vec<&'static str> {
    pipewatch::cli::tools().iter().map(|tool| tool.name).collect()
}

/// A shell script about to run in `folder`, in a fixed environment with the programs first on PATH.
pub(crate) fn shell(folder: &Path, script: &str) -> Command {
    let path = format!("{}:{}", built().display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("timeout");
    command.args(["--kill-after=2", PATIENCE_S, "sh", "-c", script]).current_dir(folder).stdin(Stdio::null());
    command.env_clear().env("PATH", path).env("HOME", folder).env("XDG_STATE_HOME", folder.join("state"));
    command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8").env("TERM", "dumb").env("NO_COLOR", "1").env("COLUMNS", "100");
    command
}

/// Runs a script to its end and gives its streams as text, and its exit code.
pub(crate) fn run(folder: &Path, script: &str) -> (String, String, i32) {
    let Output { stdout, stderr, status } = shell(folder, script).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(stdout), text(stderr), status.code().unwrap_or(-1))
}

/// Copies the files of a folder, and of those in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            std::fs::copy(&path, place).unwrap();
        }
    }
}

/// Whether expected files are to be rewritten with what is found: `UPDATE=1`.
pub(crate) fn update() -> bool {
    std::env::var("UPDATE").is_ok_and(|value| value == "1")
}

/// Compares a file of the project with what it should hold, or with `UPDATE=1` writes it.
pub(crate) fn fresh(path: &Path, content: &str) -> Result<(), String> {
    let found = std::fs::read_to_string(path).unwrap_or_default();
    if found == content {
        return Ok(());
    }
    if update() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        return Ok(());
    }
    let line = found.lines().zip(content.lines()).take_while(|(one, other)| one == other).count() + 1;
    Err(format!("{}:{line}: is stale; `UPDATE=1 cargo test` rewrites it", path.strip_prefix(project()).unwrap().display()))
}

/// Notes that a test could not run here, and why: a line in the file that `PIPEWATCH_SKIPS` names.
pub(crate) fn skip(test: &str, why: &str) {
    use std::io::Write;
    if let Ok(path) = std::env::var("PIPEWATCH_SKIPS") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(format!("{test}: {why}\n").as_bytes()).unwrap();
    }
}

/// Standard output or error of a tool that runs in process.
#[derive(Clone, Default)]
struct Gathered(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Gathered {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Gathered {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Runs a tool in process at 2026-11-22T20:00:00Z; gives code, standard output and standard error.
pub(crate) fn in_process(tool: &pipewatch::cli::Tool, arguments: &[&str], stdin: &str) -> (u8, String, String) {
    let (out, err) = (Gathered::default(), Gathered::default());
    let now = pipewatch::time::Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
    let mut io = pipewatch::cli::Io::memory(stdin, now, Box::new(out.clone()), Box::new(err.clone()));
    let arguments: Vec<std::ffi::OsString> = std::iter::once(tool.name).chain(arguments.iter().copied()).map(Into::into).collect();
    let code = pipewatch::cli::run(tool, &arguments, &mut io).number();
    (code, out.text(), err.text())
}
