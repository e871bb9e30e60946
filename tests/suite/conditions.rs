//! The conditions that the documents show are conditions.

use crate::programs::project;

/// The lines of a page's blocks up to the section `end`, as they are shown.
fn shown(page: &str, end: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project().join(page)).unwrap();
    let text = text.split(&format!("\n.SH {end}\n")).next().unwrap().to_owned();
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        inside = (inside || *line == ".EX") && *line != ".EE";
        inside && *line != ".EX"
    });
    lines.map(|line| line.replace("\\(ti", "~").replace("\\-", "-").replace("\\(aq", "'")).collect()
}

#[test]
fn the_examples_of_the_language_are_understood() {
    let lines = shown("man/pipewatch-conditions.7", "HOW IT IS READ");
    assert!(lines.len() >= 8, "the page begins with examples, found {}", lines.len());
    for line in lines {
        if let Err(error) = pipewatch::rule::parse(&line) {
            panic!("{}", error.render(&line));
        }
    }
}
