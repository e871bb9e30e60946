//! Files of checks: what is wrong in them, told whole.

use pipewatch::rule::{FileError, Rules, Source};

use crate::programs::{project, update};

/// The mistakes of a case: lines of `> text` are the file `check.toml`, and behind a line `>> NAME`
/// those of another one.
fn mistakes(case: &str) -> String {
    let mut sources = vec![Source { name: "check.toml".into(), text: String::new() }];
    for line in case.lines() {
        if let Some(name) = line.strip_prefix(">> ") {
            sources.push(Source { name: name.into(), text: String::new() });
        } else if let Some(text) = line.strip_prefix('>') {
            let source = sources.last_mut().unwrap();
            source.text += text.strip_prefix(' ').unwrap_or(text);
            source.text += "\n";
        }
    }
    let errors = Rules::read(sources).expect_err(case);
    errors.iter().map(told).collect()
}

fn told(error: &FileError) -> String {
    let hint = error.hint.as_ref().map_or(String::new(), |hint| format!("hint: {hint}\n"));
    format!("check: {error}\n{hint}")
}

/// Every wrong file with its whole messages: `tests/data/rules/wrong.txt` holds blocks of the file's
/// lines, each behind `> `, and the messages below. `UPDATE=1` writes what is said now.
#[test]
fn every_wrong_file_is_told_with_its_place() {
    let path = project().join("tests/data/rules/wrong.txt");
    let kept = std::fs::read_to_string(&path).unwrap();
    let mut cases: Vec<String> = Vec::new();
    let mut in_case = false;
    for line in kept.lines() {
        let is_file = line.starts_with('>');
        if is_file && !in_case {
            cases.push(String::new());
        }
        if is_file {
            *cases.last_mut().unwrap() += &format!("{line}\n");
        }
        in_case = is_file;
    }
    assert!(cases.len() >= 60, "{}", cases.len());
    let now: Vec<String> = cases.iter().map(|case| format!("{case}{}", mistakes(case))).collect();
    let now = now.join("\n");
    if update() {
        std::fs::write(&path, &now).unwrap();
    }
    assert_eq!(now, std::fs::read_to_string(&path).unwrap());
}
