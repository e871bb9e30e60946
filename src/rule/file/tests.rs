//! What whole files come to; what is wrong in them is told in `tests/data/rules/wrong.txt`.

use proptest::prelude::*;

use super::*;
use crate::record::Status;
use crate::time::Span;

fn one(text: &str) -> Check {
    let mut checks = read("check.toml", text).unwrap_or_else(|errors| panic!("{}", errors[0]));
    assert_eq!(checks.len(), 1);
    checks.remove(0)
}

#[test]
fn every_key_comes_into_the_check() {
    let check = one(r#"
        ["builds.stale"]
        warning = "age(build.started) > 10m"
        critical = 'age(build.started{queue="linux"}) > 30m'
        clear = "age(build.started) < 5m"
        by = ["queue", "host"]
        no_data = "critical for 10m"
        keep_firing_for = "5m"
        grace = "1h"
        needs = "canary"
        summary = "none for {age(build.started)}"
        playbook = "https://wiki.example/playbook#builds-stale"
        tags = { team = "build" }
        every = "10s"
        extrapolate = false
    "#);
    assert_eq!(check.name, "builds.stale");
    let levels: Vec<_> = check.levels.iter().map(|level| (level.status, level.condition.text())).collect();
    let critical = "age(build.started{queue=\"linux\"}) > 30m";
    assert_eq!(levels, [(Status::Critical, critical), (Status::Warning, "age(build.started) > 10m")]);
    assert_eq!(check.clear.unwrap().text(), "age(build.started) < 5m");
    assert_eq!((check.by, check.needs), (vec!["host".to_owned(), "queue".to_owned()], vec!["canary".to_owned()]));
    assert_eq!((check.no_data, check.no_data_for), (Status::Critical, Span::from_secs(600)));
    assert_eq!((check.keep_firing_for, check.grace, check.every), (Span::from_secs(300), Span::from_secs(3600), Span::from_secs(10)));
    assert_eq!(check.summary.unwrap().text(), "none for {age(build.started)}");
    assert_eq!(check.playbook.as_deref(), Some("https://wiki.example/playbook#builds-stale"));
    assert_eq!((check.tags.to_string().as_str(), check.extrapolate), ("{team=build}", false));
}

#[test]
fn keys_left_out_are_those_of_a_new_check() {
    let (read, new) = (one("[a]\nwarning = 'x > 5'"), Check::new("a", Vec::new()));
    assert_eq!((read.no_data, read.no_data_for, read.every), (new.no_data, new.no_data_for, new.every));
    assert_eq!((read.keep_firing_for, read.grace, read.extrapolate), (new.keep_firing_for, new.grace, new.extrapolate));
    assert!(read.by.is_empty() && read.needs.is_empty() && read.tags.is_empty() && read.clear.is_none());
}

#[test]
fn a_clear_number_turns_the_least_severe_level_round() {
    let check = one("[a]\nclear = 60\ncritical = 'x > 900s'\nwarning = 'x > 90s for 5m'");
    assert_eq!(check.clear.unwrap().text(), "x <= 60s");
}

#[test]
fn checks_come_in_the_order_of_the_files() {
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let files = vec![source("1", "[z]\nwarning='x>1'\n[b]\nwarning='x>1'"), source("2", "y.critical='x>1'\n[a]\nwarning='x>1'")];
    let rules = Rules::read(files).unwrap();
    let names: Vec<&str> = rules.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["z", "b", "y", "a"]);
}

#[test]
fn a_finding_is_told_at_its_place_in_the_file() {
    let text = "[a]\nwarning = \"\"\"\nx > 5 and\n  y > 3\"\"\"\nneeds = ['c']\n[b.slo]\nobjective = 0.99\nperiod = '30d'\nbad = 'e'\ntotal = 't'\n";
    let rules = Rules::read(vec![Source { name: "check.toml".into(), text: text.into() }]).unwrap();
    let place = |check, key, place| {
        let at = rules.at(check, key, place, "m");
        (at.line, at.column)
    };
    assert_eq!(place(0, "warning", Some((12, 17))), (4, 3));
    assert_eq!(place(0, "needs", None), (5, 9));
    assert_eq!(place(0, "by", None), (1, 2));
    assert_eq!(place(1, "critical", Some((3, 4))), (6, 4));
}

#[test]
fn twenty_mistakes_are_told_at_most() {
    let text: String = (0..30).map(|n| format!("[c{n}]\nwarning = 'x >'\n")).collect();
    assert_eq!(read("check.toml", &text).unwrap_err().len(), MOST_ERRORS);
}

/// The levels of an objective, one line each.
fn objective(keys: &str) -> Vec<String> {
    let check = one(&format!("[a.slo]\n{keys}"));
    check.levels.iter().map(|level| format!("{}: {}", level.status.name(), level.condition.text())).collect()
}

#[test]
fn an_objective_becomes_the_table_of_the_workbook() {
    let levels = objective("objective = '99.9%'\nperiod = '30d'\nbad = 'errors{status=~\"5..\"}'\ntotal = 'requests'");
    let row = |long: &str, short: &str, limit: &str, least: u32| {
        let ratio = |window| format!("increase(errors{{status=~\"5..\"}}, {window}) / increase(requests, {window}) > {limit}%");
        format!("{} and {} and increase(requests, {short}) > 0 and increase(requests, {long}) >= {least}", ratio(long), ratio(short))
    };
    let critical = format!("critical: ({}) or ({})", row("1h", "5m", "1.44", 70), row("6h", "30m", "0.6", 167));
    let warning = format!("warning: ({}) or ({})", row("1d", "2h", "0.3", 334), row("3d", "6h", "0.1", 1000));
    assert_eq!(levels, [critical, warning]);
}

#[test]
fn what_is_good_is_taken_from_the_total() {
    let levels = objective("objective = 0.9\nperiod = '90d'\ngood = 'hits + count(cached)'\ntotal = 'requests'\nmin_events = 0");
    let ratio = |window, limit| {
        let total = format!("increase(requests, {window})");
        format!("({total} - (increase(hits, {window}) + count(cached, {window}))) / {total} > {limit}%")
    };
    let row = |long, short, limit| format!("({} and {} and increase(requests, {short}) > 0)", ratio(long, limit), ratio(short, limit));
    assert_eq!(levels, [format!("warning: {} or {}", row("1d", "2h", 90), row("3d", "6h", 30))]);
}

/// The burn rates of a period, by the limits for a budget of 0.01 %.
fn burn_rates(period: &str) -> Vec<f64> {
    let levels = objective(&format!("objective = '99.99%'\nperiod = '{period}'\nbad = 'e'\ntotal = 't'"));
    let limits = levels.iter().flat_map(|level| level.split(" > ").skip(1).step_by(3)).map(|rest| rest.split_once('%').unwrap().0);
    limits.map(|limit| (limit.parse::<f64>().unwrap() * 1e6).round() / 1e4).collect()
}

#[test]
fn burn_rates_follow_from_the_period() {
    assert_eq!(burn_rates("30d"), [14.4, 6.0, 3.0, 1.0]);
    assert_eq!(burn_rates("28d"), [13.44, 5.6, 2.8, 1.0]);
    assert_eq!(burn_rates("90d"), [43.2, 18.0, 9.0, 3.0]);
    assert_eq!(burn_rates("7d"), [3.36, 1.4, 1.0]);
    assert_eq!(burn_rates("1d"), [1.0]);
}

#[test]
fn a_row_that_is_left_out_says_both_numbers() {
    let rules = |keys: &str| {
        Rules::read(vec![Source { name: "check.toml".into(), text: format!("[a.slo]\nbad = 'e'\ntotal = 't'\n{keys}") }]).unwrap()
    };
    assert_eq!(rules("objective = 0.999\nperiod = '28d'").left_out(0), [""; 0]);
    let short = "the row 3d/6h of the objective is left out: the period 7d is too short for it: in 3d a burn rate of 0.2333 would spend 10% of the budget, and under 1 the objective is kept";
    assert_eq!(rules("objective = 0.999\nperiod = '7d'").left_out(0), [short]);
    let high = "the row 1h/5m of the objective is left out: its limit 144% (14.4 x 10%) is not below the 100% that all events are";
    assert_eq!(rules("objective = 0.9\nperiod = '30d'").left_out(0), [high]);
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_at_a_place_within_it(text in "(\\[[a-c.]{1,3}\\]\n|warning = |'x > 5'|\"x > |5\"|\n|clear|by|=|[0-9.]|\\\\|\\PC){0,20}") {
        if let Err(errors) = read("check.toml", &text) {
            prop_assert!(!errors.is_empty() && errors.len() <= MOST_ERRORS);
            for error in errors {
                prop_assert!(error.line <= text.matches('\n').count() + 1);
                prop_assert!(!error.to_string().chars().any(|c| c.is_control() && c != '\n'));
            }
        }
    }
}
