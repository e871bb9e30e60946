//! `check test`, as a user runs it: what passes, what fails and how that is told, what is wrong in files.

use pipewatch::rule::testing::TestFile;
use pipewatch::rule::{FileError, Rules, Source};

use crate::programs::{project, run, update};

const RULES: &str = "[queue]\nby = 'queue'\nwarning = 'last(depth) > 5 for 2m'\ncritical = 'last(depth) > 20'\nevery = '1m'\n";

/// Runs a script in a folder with rules and tests; standard output and error together, and the exit code.
fn check(tests: &str, script: &str) -> (String, i32) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/check.toml"), RULES).unwrap();
    std::fs::write(folder.path().join("rules/check.test.toml"), tests).unwrap();
    let (out, err, code) = run(folder.path(), script);
    assert_eq!(out, "", "standard output is for records");
    (err, code)
}

const PASSES: &str = "rules = 'check.toml'\n[[test]]\nname = 'a full queue warns'\n[test.series]\n'depth{queue=\"a\"}' = '0 9x9'\n\
    [test.expect]\nqueue = { at = '3m', status = 'warning' }\n";

#[test]
fn tests_that_pass_are_counted_and_the_answer_is_yes() {
    let expected = ("check: 1 passed, 0 failed\n".to_owned(), 0);
    assert_eq!(check(PASSES, "check test rules/check.test.toml"), expected);
    // A folder stands for its files of tests, which are no rule files.
    assert_eq!(check(PASSES, "check test rules"), expected);
    assert_eq!(check(PASSES, "check lint -f rules").1, 0);
}

#[test]
fn a_test_that_fails_tells_where_when_what_and_why() {
    let (told, code) = check(&PASSES.replace("at = '3m'", "at = '2m'"), "check test rules/check.test.toml");
    let expected = "\
check: rules/check.test.toml:7:9: a full queue warns: queue{queue=a} at 2m (2026-01-05T00:02:00Z): expected warning, found ok
  | queue = { at = '2m', status = 'warning' }
  |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  ok, value 9: …
  depth{queue=a}: 0 at 0s, 9 at 1m, 9 at 2m
check: 0 passed, 1 failed
";
    let (before, after) = expected.split_once('…').unwrap();
    assert!(told.starts_with(before) && told.ends_with(after), "{told}");
    assert_eq!(code, 1);
}

#[test]
fn coverage_names_what_no_test_saw_and_fails_only_when_asked_to() {
    let uncovered = "\
check: rules/check.toml:3:11: queue: `warning` was never seen clearing after it fired
  | warning = 'last(depth) > 5 for 2m'
  |           ^^^^^^^^^^^^^^^^^^^^^^^^
check: rules/check.toml:4:12: queue: `critical` was never seen firing
  | critical = 'last(depth) > 20'
  |            ^^^^^^^^^^^^^^^^^^
check: coverage 25 %: of 2 levels 1 were seen firing, 0 clearing
";
    let told = format!("check: 1 passed, 0 failed\n{uncovered}");
    assert_eq!(check(PASSES, "check test rules --coverage"), (told.clone(), 0));
    assert_eq!(check(PASSES, "check test rules --fail-uncovered"), (told, 1));
    let whole = PASSES.replace("9x9", "30 9x9 0");
    let told = "check: 1 passed, 0 failed\ncheck: coverage 100 %: of 2 levels 2 were seen firing, 2 clearing\n".to_owned();
    assert_eq!(check(&whole, "check test rules --fail-uncovered"), (told, 0));
}

#[test]
fn the_tests_of_several_files_cover_together() {
    let other = PASSES.replace("0 9x9", "30 0").replace("at = '3m', status = 'warning'", "at = '1m', status = 'ok'");
    let script =
        format!("cat > rules/other.test.toml <<'E'\n{other}E\ncheck test rules/other.test.toml rules/../rules/check.test.toml --coverage");
    let (told, code) = check(&PASSES.replace("9x9", "9x9 0"), &script);
    assert_eq!(
        (told.as_str(), code),
        ("check: 2 passed, 0 failed\ncheck: coverage 100 %: of 2 levels 2 were seen firing, 2 clearing\n", 0)
    );
}

#[test]
fn what_can_t_be_run_is_a_failure_of_its_own() {
    let cases = [
        ("", "check test", "check: the following required arguments were not provided"),
        ("", "check test nowhere.test.toml", "check: nowhere.test.toml: cannot read: no such file or directory\n"),
        (
            "",
            "mkdir empty; check test empty",
            "check: empty: a folder of files of tests holds files named like `check.test.toml`, found none\n",
        ),
        (
            &PASSES.replace("check.toml", "chekc.toml"),
            "check test rules",
            "check: rules/chekc.toml: cannot read: no such file or directory\n",
        ),
        (
            &PASSES.replace("queue =", "quue ="),
            "check test rules",
            "check: rules/check.test.toml:7:8: there is no check `quue` in the rules\n",
        ),
    ];
    for (tests, script, expected) in cases {
        let (told, code) = check(tests, script);
        assert!(told.starts_with(expected), "{script}: {told}");
        assert_eq!(code, 3, "{script}");
    }
}

/// The mistakes of a case: lines of `> text` are the file `check.test.toml`, which tests the rules above.
fn mistakes(case: &str) -> String {
    let lines = case.lines().map(|line| line.strip_prefix('>').unwrap_or(line)).map(|line| line.strip_prefix(' ').unwrap_or(line));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let rules = Rules::read(vec![Source { name: "check.toml".into(), text: RULES.into() }]).unwrap();
    let errors = match TestFile::read(Source { name: "check.test.toml".into(), text }) {
        Ok(file) => file.strays(&rules.checks),
        Err(errors) => errors,
    };
    assert!(!errors.is_empty(), "{case}");
    errors.iter().map(told).collect()
}

fn told(error: &FileError) -> String {
    let hint = error.hint.as_ref().map_or(String::new(), |hint| format!("hint: {hint}\n"));
    format!("check: {error}\n{hint}")
}

/// Every wrong file with its whole messages: `tests/data/rule_tests/wrong.txt` holds blocks of the
/// file's lines, each behind `> `, and the messages below. `UPDATE=1` writes what is said now.
#[test]
fn every_wrong_test_file_is_told_with_its_place() {
    let path = project().join("tests/data/rule_tests/wrong.txt");
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
    assert!(cases.len() >= 50, "{}", cases.len());
    let now: Vec<String> = cases.iter().map(|case| format!("{case}{}", mistakes(case))).collect();
    let now = now.join("\n");
    if update() {
        std::fs::write(&path, &now).unwrap();
    }
    assert_eq!(now, std::fs::read_to_string(&path).unwrap());
}

/// The file of tests that the man page shows is one, and passes for the rules of the example that it is about.
#[test]
fn the_test_file_of_the_man_page_passes() {
    let page = std::fs::read_to_string(project().join("man/check.1")).unwrap();
    let shown = page.split(".EX\nrules = ").nth(1).unwrap().split(".EE").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(project().join("examples/queue/check.toml"), folder.path().join("check.toml")).unwrap();
    std::fs::write(folder.path().join("check.test.toml"), format!("rules = {}", shown.replace("\\(aq", "'"))).unwrap();
    let (_, told, code) = run(folder.path(), "check test .");
    assert_eq!((told.as_str(), code), ("check: 1 passed, 0 failed\n", 0));
}
