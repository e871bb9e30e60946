//! The examples of the documents are true: each is run, and what it shows is what comes out.
//!
//! In README.md and CONTRIBUTING.md an example is a fenced block marked `console`; in man pages a
//! block from `.EX` to `.EE`. A line that begins with `$ ` is run; the lines up to the next are what it
//! prints, on either stream. `…` stands for any text within a line, and alone on a line for any lines.
//! A document's examples run one after the other in one folder: for markdown it holds a copy of
//! `examples`, for a man page it is one.
//! Every line that looks like a record must be one.

use std::path::PathBuf;

use crate::programs::{copy, names, project, run};

/// A command, what it should print, and the line of the document it stands in.
#[derive(Debug, PartialEq)]
struct Example {
    line: usize,
    command: String,
    prints: Vec<String>,
}

/// All documents that hold examples.
fn documents() -> Vec<PathBuf> {
    let mut documents: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md"].iter().map(|name| project().join(name)).collect();
    let pages = std::fs::read_dir(project().join("man")).unwrap().map(|entry| entry.unwrap().path());
    documents.extend(pages.filter(|path| path.extension().is_some_and(|extension| extension != "src") && path.is_file()));
    documents.sort();
    documents
}

/// The blocks of a document: the number of their first line, and their lines as the reader sees them.
fn blocks(text: &str, is_markdown: bool) -> Vec<(usize, Vec<String>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Vec<String>)> = None;
    for (at, line) in text.lines().enumerate() {
        let (begins, ends) = if is_markdown { (line == "```console", line == "```") } else { (line == ".EX", line == ".EE") };
        match &mut open {
            None if begins => open = Some((at + 2, Vec::new())),
            None => {}
            Some(_) if ends => blocks.extend(open.take()),
            Some((_, lines)) if is_markdown => lines.push(line.to_owned()),
            Some((_, lines)) => lines.push(unroff(line)),
        }
    }
    blocks
}

/// A line of a man page as it is shown: escapes replaced.
fn unroff(line: &str) -> String {
    let escapes = [
        ("\\&", ""),
        ("\\-", "-"),
        ("\\(aq", "'"),
        ("\\(dq", "\""),
        ("\\(ti", "~"),
        ("\\(ha", "^"),
        ("\\(ga", "`"),
        ("\\[u2026]", "…"),
        ("\\e", "\\"),
    ];
    escapes.iter().fold(line.to_owned(), |line, (escape, text)| line.replace(escape, text))
}

/// The commands of a block; a command goes on in the next line after a backslash.
fn examples(first: usize, lines: &[String]) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut goes_on = false;
    for (at, line) in lines.iter().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            examples.push(Example { line: first + at, command: command.to_owned(), prints: Vec::new() });
            goes_on = command.ends_with('\\');
        } else if let Some(example) = examples.last_mut() {
            if goes_on {
                example.command.push_str(&format!("\n{}", line.strip_prefix("> ").unwrap_or(line)));
                goes_on = line.ends_with('\\');
            } else {
                example.prints.push(line.clone());
            }
        }
    }
    examples
}

/// Whether `found` is as `expected` says, with `…` for what may vary.
fn alike(expected: &[String], found: &[&str]) -> bool {
    match (expected.first().map(|line| line.trim()), found.first()) {
        (None, None) => true,
        (Some("…"), _) => (0..=found.len()).any(|skipped| alike(&expected[1..], &found[skipped..])),
        (Some(_), Some(line)) => line_alike(expected[0].trim_end(), line.trim_end()) && alike(&expected[1..], &found[1..]),
        _ => false,
    }
}

fn line_alike(expected: &str, found: &str) -> bool {
    match expected.split_once('…') {
        None => expected == found,
        Some((before, after)) => found
            .strip_prefix(before)
            .is_some_and(|rest| rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| line_alike(after, &rest[at..]))),
    }
}

#[test]
fn the_examples_of_the_documents_print_what_they_show() {
    let mut wrong = Vec::new();
    for document in documents() {
        let name = document.strip_prefix(project()).unwrap().display().to_string();
        let text = std::fs::read_to_string(&document).unwrap();
        let work = tempfile::tempdir().unwrap();
        // The reader of the README stands in the project's folder, that of a man page anywhere.
        let place = if name.ends_with(".md") { work.path().join("examples") } else { work.path().to_owned() };
        copy(&project().join("examples"), &place);
        let mut code = 0;
        for (first, lines) in blocks(&text, name.ends_with(".md")) {
            for example in examples(first, &lines) {
                let (printed, _, ended) = run(work.path(), &format!("exec 2>&1; (exit {code}); {}", example.command));
                code = ended;
                if !alike(&example.prints, &printed.lines().collect::<Vec<_>>()) {
                    wrong.push(format!("{name}:{}: $ {}\n{printed}", example.line, example.command));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} examples print something else:\n\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_record_shown_is_a_record() {
    let mut seen = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for (first, lines) in blocks(&text, document.extension().is_some_and(|extension| extension == "md")) {
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("{\"ts\"") && !line.contains('…')) {
                seen += 1;
                if let Err(error) = pipewatch::ndjson::decode(line.as_bytes()) {
                    panic!("{}:{}: {error}: {line}", document.display(), first + at);
                }
            }
        }
    }
    assert!(seen >= 6, "the documents show records of every kind, found {seen}");
}

#[test]
fn every_program_has_an_example_in_the_readme_and_in_its_page() {
    for name in names() {
        for document in ["README.md".to_owned(), format!("man/{name}.1")] {
            let text = std::fs::read_to_string(project().join(&document)).unwrap();
            let all = blocks(&text, document.ends_with(".md"));
            let shown = all.iter().flat_map(|(first, lines)| examples(*first, lines)).any(|example| example.command.contains(name));
            assert!(shown, "{document}: no example runs `{name}`");
        }
    }
}

#[test]
fn an_example_is_read_and_compared_as_the_head_says() {
    let text = "```console\n$ echo a \\\n    b\na b\n$ date\n…\n```\n```sh\n$ no\n```\n";
    let blocks = blocks(text, true);
    assert_eq!(blocks.len(), 1);
    let found = examples(blocks[0].0, &blocks[0].1);
    assert_eq!(found[0], Example { line: 2, command: "echo a \\\n    b".into(), prints: vec!["a b".into()] });
    assert_eq!((found[1].line, found[1].command.as_str()), (5, "date"));
    let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(alike(&own(&["a…c", "…", "z"]), &["abc", "1", "2", "z"]));
    assert!(alike(&own(&["…"]), &[]));
    assert!(!alike(&own(&["a…c"]), &["abd"]));
    assert!(!alike(&own(&["a"]), &["a", "b"]));
    assert!(!alike(&own(&["a", "b"]), &["a"]));
    assert_eq!(unroff("\\&.x \\-\\-at \\(aqq\\(aq \\e"), ".x --at 'q' \\");
}
