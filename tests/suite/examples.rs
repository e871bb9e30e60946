//! The example rule files: their tests pass and cover them, and nothing is found wrong with them.

use std::path::PathBuf;

use crate::programs::{in_process, project, run, skip};
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

#[test]
fn the_crontab_measures_judges_and_mails_what_is_not_ok() {
    let text = std::fs::read_to_string(project().join("examples/crontab")).unwrap();
    let work = tempfile::tempdir().unwrap();
    let rules = work.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    for name in ["cron", "disk"] {
        std::fs::copy(project().join(format!("examples/{name}/check.toml")), rules.join(format!("{name}.toml"))).unwrap();
    }
    let lines = || text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for name in ["METRICS", "STATE", "RULES"] {
        assert!(lines().any(|line| line.starts_with(&format!("{name}=/"))), "{name} is not set");
    }
    // What begins with a letter sets a variable; else five fields are times, and the rest is run.
    let commands: Vec<String> = lines()
        .filter(|line| !line.starts_with(char::is_alphabetic))
        .map(|line| line.split_whitespace().skip(5).collect::<Vec<_>>().join(" "))
        .collect();
    let printed: Vec<String> = commands
        .iter()
        .map(|command| {
            // To cron a percent sign ends the command.
            assert!(!command.contains('%'), "{command}");
            let (out, told, code) = run(work.path(), &format!("METRICS=metrics STATE=state RULES=rules; {command}"));
            assert_eq!((code, told.as_str()), (0, ""), "{command}: {out}");
            out
        })
        .collect();
    assert_eq!(printed.len(), 3);
    assert_eq!(printed[0], "");
    assert!(printed[1].contains("check: backup-missing is critical: no data for nightly-backup"), "{}", printed[1]);
    assert!(printed[2].contains("disk-full"), "{}", printed[2]);
    assert!(work.path().join("state").is_dir());
}

#[test]
fn the_services_are_some_to_systemd() {
    for name in ["pipewatch-check", "heartbeat-listen"] {
        is_one_to_systemd(name);
    }
}

fn is_one_to_systemd(name: &str) {
    let unit = project().join(format!("examples/{name}.service"));
    match std::process::Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&unit).output() {
        Err(_) => skip("the_services_are_some_to_systemd", "systemd-analyze is not installed"),
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            // Units of the machine itself are none of ours.
            assert!(!told.lines().any(|line| line.contains(name)), "{told}");
        }
    }
}

#[test]
fn what_the_service_runs_judges_and_keeps() {
    let text = std::fs::read_to_string(project().join("examples/pipewatch-check.service")).unwrap();
    let command = text.lines().find_map(|line| line.strip_prefix("ExecStart=/bin/sh -c '")).unwrap().strip_suffix('\'').unwrap();
    let rules = project().join("examples/disk/check.toml");
    let once = command.replace("--every 10s", "--count 1").replace("/etc/pipewatch/check.toml", rules.to_str().unwrap());
    let work = tempfile::tempdir().unwrap();
    let (out, told, code) = run(work.path(), &format!("STATE_DIRECTORY=$PWD; {once}"));
    assert_eq!((code, out.as_str()), (0, ""), "{told}");
    let (found, _, _) = run(work.path(), "cat history/*.ndjson");
    assert!(found.contains("\"metric\":\"disk.used\""), "{found}");
}
