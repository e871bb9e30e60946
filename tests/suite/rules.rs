//! Files of checks: what is wrong in them, told whole.

use pipewatch::rule::{FileError, Rules, Source};

use crate::programs::{in_process, project, update};

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

/// An hour of a service with 100 requests a minute, of which so many are bad: counters, each minute.
fn hour_of(bad_per_minute: f64) -> String {
    let line = |minute: u32, tag: &str, value: f64| {
        let tags = format!("\"tags\":{{\"status\":\"{tag}\"}}");
        format!(
            "{{\"ts\":\"2026-11-22T{:02}:{:02}:00Z\",\"metric\":\"requests\",\"type\":\"counter\",\"value\":{value},{tags}}}\n",
            18 + minute / 60,
            minute % 60
        )
    };
    let minutes = 0..=120u32;
    minutes
        .flat_map(|minute| {
            let bad = f64::from(minute) * bad_per_minute;
            [line(minute, "503", bad), line(minute, "200", 100.0 * f64::from(minute) - bad)]
        })
        .collect()
}

/// What an objective concludes at 20:00, by its critical condition alone.
fn objective(keys: &str, history: &str) -> String {
    let text = format!("[a.slo]\nobjective = '99.9%'\nperiod = '30d'\ntotal = 'requests'\n{keys}\n");
    let rules = Rules::read(vec![Source { name: "check.toml".into(), text }]).unwrap();
    let level = &rules.checks[0].levels[0];
    let (_, out, err) = in_process(&pipewatch::cli::check::TOOL, &["--critical", level.condition.text()], history);
    let status = out.split("\"status\":\"").nth(1).and_then(|rest| rest.split('"').next());
    status.unwrap_or_else(|| panic!("{out}{err}")).to_owned()
}

#[test]
fn an_objective_fires_when_its_budget_burns_too_fast() {
    let (bad, good) = ("bad = 'requests{status=~\"5..\"}'", "good = 'requests{status=\"200\"}'");
    for keys in [bad, good] {
        // The limits are 1.44 % of 100 a minute within an hour, and 0.6 % within six.
        assert_eq!(objective(keys, &hour_of(2.0)), "critical", "{keys}");
        assert_eq!(objective(keys, &hour_of(0.5)), "ok", "{keys}");
    }
    assert_eq!(objective(&format!("{bad}\nmin_events = 100000"), &hour_of(2.0)), "ok");
}
