//! `check explain` as a person meets it: whole pages, kept in `tests/data/explain`, and what it refuses.
//!
//! `UPDATE=1 cargo test explain` rewrites the pages; read them as the person who is woken by one.

use std::path::Path;

use pipewatch::cli::check;
use pipewatch::time::{Span, Timestamp};

use crate::programs::{fresh, in_process, project, run};

const RULES: &str = r#"
[queue-depth]
by       = ["queue"]
warning  = "last(queue.depth) > 300 for 2m"
critical = "last(queue.depth) > 500 for 2m"
clear    = 200
every    = "10s"
playbook = "https://wiki.example/playbook#queue"

[builds-stale]
critical = "age(build.started) > 30m and rate(commits, 30m) > 0"

[backup]
critical = "absent(backup.finished, 26h)"
warning  = "last(backup.size) < 50"

[errors]
warning = "increase(errors, 5m) / increase(requests, 5m) > 2%"
every   = "10s"

[disk]
warning = "last(disk.used) > 95%"
"#;

/// Three hours up to 20:00: a queue that filled twice, the second time after a deploy; a disk that fills;
/// builds that stopped; a counter of errors that is low; a source that says it is down.
fn history() -> String {
    let now = Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
    let mut text = String::new();
    let mut line = |ago: u32, rest: String| text += &format!("{{\"ts\":\"{}\",{rest}}}\n", now.minus(Span::from_secs(ago)));
    for step in (0..1080u32).rev() {
        let ago = step * 10;
        let mac = match ago {
            7000..8000 => 600 + step % 7,
            0..1200 => 420 + (1200 - ago) / 10 + step % 5,
            _ => 40 + step % 20,
        };
        line(ago, format!("\"metric\":\"queue.depth\",\"value\":{mac},\"tags\":{{\"queue\":\"mac\"}}"));
        line(ago, format!("\"metric\":\"queue.depth\",\"value\":{},\"tags\":{{\"queue\":\"linux\"}}", step % 20));
        line(
            ago,
            format!("\"metric\":\"agents.idle\",\"value\":{},\"tags\":{{\"queue\":\"mac\"}}", if ago < 1200 { 0 } else { 4 + step % 3 }),
        );
        line(ago, format!("\"metric\":\"requests\",\"value\":{},\"type\":\"counter\"", (1080 - step) * 50));
        line(ago, format!("\"metric\":\"errors\",\"value\":{},\"type\":\"counter\"", (1080 - step) / 2));
        line(ago, format!("\"metric\":\"disk.used\",\"value\":{},\"unit\":\"%\"", 90.0 - f64::from(ago) / 1800.0));
        if ago % 60 == 0 {
            line(ago, "\"metric\":\"commits\",\"value\":1,\"type\":\"delta\"".into());
            line(
                ago,
                format!("\"metric\":\"collect.up\",\"value\":{},\"tags\":{{\"source\":\"ci\",\"queue\":\"mac\"}}", u8::from(ago > 300)),
            );
        }
        if ago == 2400 {
            line(ago, "\"event\":\"build.started\"".into());
        }
        if ago == 1230 {
            line(ago, "\"event\":\"deploy\",\"text\":\"agents 4f2a \\u001b[2J\"".into());
        }
        if ago == 6000 {
            let rest = "\"notice\":\"judged\",\"check\":\"queue-depth\",\"state\":\"noise\",\"who\":\"ann\",\"tags\":{\"queue\":\"mac\"}";
            line(ago, rest.into());
        }
    }
    text
}

/// Runs `check explain` on the rules and the history, in a folder of their own.
fn explain(arguments: &[&str]) -> (u8, String, String) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (rules, records) = (path("check.toml"), path("records.ndjson"));
    let mut all = vec!["explain"];
    all.extend(arguments.iter().map(|argument| match *argument {
        "RULES" => rules.as_str(),
        "HISTORY" => records.as_str(),
        other => other,
    }));
    in_process(&check::TOOL, &all, "")
}

fn write(folder: &Path) {
    std::fs::write(folder.join("check.toml"), RULES).unwrap();
    std::fs::write(folder.join("records.ndjson"), history()).unwrap();
}

/// Compares a page with the kept one, and holds what every page holds.
fn kept(name: &str, page: &str) {
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    assert!(!page.contains('\u{1b}'), "{page}");
    fresh(&project().join(format!("tests/data/explain/{name}.txt")), page).unwrap();
}

#[test]
fn pages_tell_what_speaks_for_a_verdict_and_against_it() {
    for (name, arguments) in [
        ("firing", &["queue-depth", "-f", "RULES", "HISTORY"][..]),
        ("group-ok", &["queue-depth", "-f", "RULES", "--group", "queue=linux", "HISTORY"]),
        ("age", &["builds-stale", "-f", "RULES", "HISTORY"]),
        ("before", &["queue-depth", "-f", "RULES", "--group", "queue=mac", "--at", "2026-11-22T19:30:00Z", "HISTORY"]),
        ("ok", &["errors", "-f", "RULES", "HISTORY"]),
        ("trend", &["disk", "-f", "RULES", "HISTORY"]),
        ("unknown", &["last(queue.dept) > 5", "HISTORY"]),
        (
            "several-terms",
            &["p95(queue.depth{queue=mac}, 10m) > 10 * p95(queue.depth{queue=mac}, 10m, 1h ago) or disk.used > 95%", "HISTORY"],
        ),
    ] {
        let (code, page, err) = explain(arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        assert!(page.is_ascii(), "without a locale there is no other character: {page}");
        kept(name, &page);
    }
}

#[test]
fn a_locale_of_utf8_draws_with_blocks_and_ascii_is_for_those_who_ask() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let command = "check explain -f check.toml disk --at 2026-11-22T20:00:00Z records.ndjson";
    let (page, err, code) = run(folder.path(), command);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(page.contains('█') && page.contains('▁'), "{page}");
    kept("blocks", &page);
    let (page, _, _) = run(folder.path(), &format!("{command} --ascii"));
    assert!(page.is_ascii() && page.contains('@'), "{page}");
    let (page, _, _) = run(folder.path(), &format!("LC_ALL=C {command}"));
    assert!(page.is_ascii(), "{page}");
}

#[test]
fn without_a_name_the_worst_check_is_explained() {
    let (code, page, err) = explain(&["-f", "RULES", "HISTORY"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(page.starts_with("queue-depth{queue=mac} is critical"), "{page}");
}

#[test]
fn what_is_not_there_is_told_with_the_nearest_name() {
    for (arguments, expected) in [
        (
            &["queue-dept", "-f", "RULES", "HISTORY"][..],
            "check: there is no check `queue-dept`, and no such file\nhint: did you mean `queue-depth`?\n",
        ),
        (
            &["zzz", "-f", "RULES", "HISTORY"],
            "check: there is no check `zzz`, and no such file\nhint: there are queue-depth, builds-stale, backup, errors, disk\n",
        ),
        (
            &["queue-depth", "-f", "RULES", "--group", "queue=win", "HISTORY"],
            "check: --group: there is no group {queue=win}\nhint: there are {queue=mac}, {queue=linux}\n",
        ),
        (
            &["queue-depth", "-f", "RULES", "--group", "mac", "HISTORY"],
            "check: --group: `mac` is no tag\nhint: write `--group queue=mac`\n",
        ),
    ] {
        let (code, page, err) = explain(arguments);
        assert_eq!((code, page.as_str()), (3, ""));
        assert_eq!(err.replace("{queue=linux}, {queue=mac}", "{queue=mac}, {queue=linux}"), expected);
    }
}

#[test]
fn a_page_agrees_with_the_verdict_of_check() {
    let (_, out, _) = in_process(&check::TOOL, &["last(queue.depth{queue=mac}) > 300 for 2m"], &history());
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    let (_, page, _) = in_process(&check::TOOL, &["explain", "last(queue.depth{queue=mac}) > 300 for 2m"], &history());
    let page: String = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains(&format!("is {} since {}", verdict["status"].as_str().unwrap(), verdict["since"].as_str().unwrap())), "{page}");
    assert!(page.contains(verdict["reason"].as_str().unwrap()), "{page}");
}

#[test]
fn what_people_judged_stands_in_the_evidence() {
    let (_, out, _) = in_process(&check::TOOL, &["--name", "queue-depth", "--by", "queue", "last(queue.depth) > 300 for 2m"], &history());
    let verdicts: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let noise = |queue: &str| {
        let verdict = verdicts.iter().find(|verdict| verdict["tags"]["queue"] == queue).unwrap();
        verdict["evidence"].as_array().unwrap().iter().find(|entry| entry.get("noise").is_some()).map(|entry| entry["noise"].clone())
    };
    // Only the last hour is looked back at, in which it did not end; so there is no entry to bear it yet.
    assert_eq!(noise("linux"), None);
    let at = ["--at", "2026-11-22T18:30:00Z", "--name", "queue-depth", "--by", "queue", "last(queue.depth) > 300 for 2m"];
    let (_, out, _) = in_process(&check::TOOL, &at, &history());
    let entry = out.lines().find(|line| line.contains("mac")).unwrap().to_owned();
    let verdict: serde_json::Value = serde_json::from_str(&entry).unwrap();
    let last = verdict["evidence"].as_array().unwrap().iter().find(|entry| entry.get("last").is_some()).unwrap().clone();
    assert_eq!((&last["judged"], &last["noise"], &last["times"]), (&"noise".into(), &1.into(), &1.into()), "{last}");
    assert!(last.get("real").is_none(), "{last}");
}

#[test]
fn of_several_checks_the_plugins_lines_have_the_names_of_the_checks() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let path = folder.path().join("check.toml");
    let (code, out, err) = in_process(&check::TOOL, &["--nagios", "-f", path.to_str().unwrap()], &history());
    assert_eq!((code, err.as_str()), (2, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("QUEUE-DEPTH CRITICAL - {queue=mac} queue.depth is 540, "), "{out}");
    assert!(lines[0].contains("'queue-depth{queue:mac}'=540;~:300;~:500") && lines[0].contains("'disk'=90%;~:95"), "{out}");
    assert!(!out.contains("check.toml"), "{out}");
    assert!(lines[1..].iter().any(|line| line.starts_with("DISK OK - disk.used is 90 %")), "{out}");
}
