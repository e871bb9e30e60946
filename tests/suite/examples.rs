//! The example rule files: their tests pass and cover them, and nothing is found wrong with them.

use std::path::PathBuf;

use crate::programs::{in_process, project};
use pipewatch::cli::check::TOOL;

/// The folders of examples that hold a rule file.
fn folders() -> Vec<PathBuf> {
    let all = std::fs::read_dir(project().join("examples")).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = all.filter(|path| path.join("check.toml").is_file()).collect();
    folders.sort();
    folders
}

#[test]
fn there_is_an_example_for_each_sort_of_service() {
    let names: Vec<String> = folders().iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for name in ["ci", "cron", "disk", "queue", "web"] {
        assert!(names.iter().any(|known| known == name), "examples/{name}/check.toml is missing");
    }
}

#[test]
fn every_example_passes_its_tests_which_see_every_level_firing_and_clearing() {
    for folder in folders() {
        let tests = folder.join("check.test.toml");
        let (code, out, told) = in_process(&TOOL, &["test", "--fail-uncovered", tests.to_str().unwrap()], "");
        assert_eq!((code, out.as_str()), (0, ""), "{told}");
        assert!(told.contains("coverage 100 %"), "{told}");
    }
}

#[test]
fn nothing_is_found_wrong_with_the_examples() {
    for folder in folders() {
        let (code, _, told) = in_process(&TOOL, &["lint", "-f", folder.to_str().unwrap()], "");
        assert_eq!(code, 0, "{told}");
        assert!(told.ends_with("nothing found\n"), "{told}");
    }
}

#[test]
fn every_check_of_the_examples_says_what_to_do() {
    for folder in folders() {
        let text = std::fs::read_to_string(folder.join("check.toml")).unwrap();
        for check in pipewatch::rule::read("check.toml", &text).unwrap() {
            assert!(check.playbook.is_some(), "{}: {} has no playbook", folder.display(), check.name);
        }
    }
}
