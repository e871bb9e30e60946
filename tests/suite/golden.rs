//! Golden cases: a folder each, run as a user would run it, the whole of every stream compared.
//!
//! ```text
//! tests/cases/TOOL/NAME/
//!   cmd    a line or more for the shell, run in a copy of this folder
//!   out    what standard output must be; absent is empty
//!   err    what standard error must be; absent is empty
//!   code   what the exit code must be; absent is 0
//!   …      whatever `cmd` reads
//! ```
//!
//! `UPDATE=1 cargo test golden` rewrites `out`, `err` and `code`; `CASE=TOOL/NAME` runs that one only.

use std::path::{Path, PathBuf};

use crate::programs::{copy, project, run, update};

#[test]
fn golden_cases_come_out_as_they_are_kept() {
    let wanted = std::env::var("CASE").unwrap_or_default();
    let mut wrong = Vec::new();
    let mut count = 0;
    for case in cases().into_iter().filter(|case| case.to_str().unwrap().contains(&wanted)) {
        count += 1;
        wrong.extend(differences(&case));
    }
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n\n{}", wrong.len(), wrong.join("\n"));
}

/// The folders of all cases, sorted.
fn cases() -> Vec<PathBuf> {
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> =
        entries(project().join("tests/cases")).filter(|tool| tool.is_dir()).flat_map(entries).filter(|case| case.is_dir()).collect();
    cases.sort();
    cases
}

/// Runs one case; what differs from what is kept, if anything does.
fn differences(case: &Path) -> Option<String> {
    let name = case.strip_prefix(project().join("tests/cases")).unwrap().display().to_string();
    let Ok(script) = std::fs::read_to_string(case.join("cmd")) else { return Some(format!("{name}: has no `cmd`\n")) };
    let work = tempfile::tempdir().unwrap();
    copy(case, work.path());
    let (out, err, code) = run(work.path(), &script);
    let code = if code == 0 { String::new() } else { format!("{code}\n") };
    let mut told = String::new();
    for (stream, found) in [("out", out), ("err", err), ("code", code)] {
        let kept = std::fs::read_to_string(case.join(stream)).unwrap_or_default();
        if kept == found {
            continue;
        }
        if update() {
            keep(&case.join(stream), &found);
        } else {
            told.push_str(&format!("{name}: {stream} differs\n{}", shown(&kept, &found)));
        }
    }
    (!told.is_empty()).then(|| format!("{told}  ran: {}\n", script.trim_end()))
}

fn keep(path: &Path, content: &str) {
    if content.is_empty() {
        std::fs::remove_file(path).unwrap();
    } else {
        std::fs::write(path, content).unwrap();
    }
}

/// What was kept and what was found, from the first line that differs on.
fn shown(kept: &str, found: &str) -> String {
    let same = kept.lines().zip(found.lines()).take_while(|(kept, found)| kept == found).count();
    let lines = |mark: char, text: &str| -> String { text.lines().skip(same).take(12).map(|line| format!("  {mark} {line}\n")).collect() };
    format!("  @ line {}\n{}{}", same + 1, lines('-', kept), lines('+', found))
}

#[test]
fn a_difference_is_shown_from_where_it_begins() {
    assert_eq!(shown("a\nb\n", "a\nc\n"), "  @ line 2\n  - b\n  + c\n");
}
