//! `check` as a plugin of monitoring servers: ranges and the plugin line, held against the real plugins.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use pipewatch::cli::check;
use pipewatch::record::Status;
use pipewatch::rule::{Check, Level, NagiosOptions, Range, export_nagios, parse};

use crate::programs::{built, in_process, project, skip};

/// A gauge's sample a minute ago.
fn sample(metric: &str, value: f64, rest: &str) -> String {
    format!("{{\"ts\":\"2026-11-22T19:59:00Z\",\"metric\":\"{metric}\",\"value\":{value}{rest}}}\n")
}

fn judge(arguments: &[&str], input: &str) -> (u8, String, String) {
    in_process(&check::TOOL, arguments, input)
}

/// A plugin of the package `monitoring-plugins-basic`, or a note that the test is skipped.
fn plugin(name: &str, test: &str) -> Option<String> {
    let path = format!("/usr/lib/nagios/plugins/{name}");
    if Path::new(&path).exists() {
        return Some(path);
    }
    skip(test, &format!("{name} of monitoring-plugins-basic is not installed"));
    None
}

#[test]
fn ranges_are_held_against_a_value() {
    let cases = [
        ("10:20", "~:30", 15.0, 0),
        ("10:20", "~:30", 25.0, 1),
        ("10:20", "~:30", 5.0, 1),
        ("10:20", "~:30", 31.0, 2),
        ("10", "20", 10.0, 0),
        ("10", "20", -1.0, 2),
        ("@10:20", "@15:", 14.0, 1),
        ("@10:20", "@15:", 15.0, 2),
        ("~:", "~:", -1e15, 0),
        ("5:5", "~:", 5.1, 1),
    ];
    for (warning, critical, value, expected) in cases {
        let input = sample("queue.depth", value, "");
        let (code, _, err) = judge(&["last(queue.depth)", "--warning", warning, "--critical", critical], &input);
        assert_eq!((code, err.as_str()), (expected, ""), "{warning} {critical} {value}");
    }
    assert_eq!(judge(&["-c", "~:", "last(queue.depth)"], "{\"ts\":0,\"metric\":\"x\",\"value\":1}\n").0, 3, "no data is unknown");
    let percent = sample("memory.used", 91.0, ",\"unit\":\"%\"");
    assert_eq!(judge(&["memory.used", "-w", "80%", "-c", "95%"], &percent).0, 1);
}

#[test]
fn what_is_no_range_or_has_no_value_is_refused_with_its_place() {
    let cases: [(&[&str], &str); 9] = [
        (
            &["last(x)", "-w", "10:2O"],
            "check: --warning:1:5: expected a number or the end after the `:`, found `O`\n  | 10:2O\n  |     ^\n\
             hint: a range has no units: its numbers are in the value's own; with a unit write a condition, like 'age(x) > 30m'\n",
        ),
        (
            &["last(x)", "-c", "abc"],
            "check: --critical:1:1: expected a number, or two with `:` between them, found `a`\n  | abc\n  | ^\n\
             hint: a range has no units: its numbers are in the value's own; with a unit write a condition, like 'age(x) > 30m'\n",
        ),
        (
            &["last(x)", "-w", "30m"],
            "check: --warning:1:3: expected a number, or two with `:` between them, found `m`\n  | 30m\n  |   ^\n\
             hint: a range has no units: its numbers are in the value's own; with a unit write a condition, like 'age(x) > 30m'\n",
        ),
        (&["x", "-w", "4:3"], "check: --warning:1:1: the start 4 is above the end 3\n  | 4:3\n  | ^^^\nhint: write `3:4`\n"),
        (
            &["x", "-w", ""],
            "check: --warning:1:1: the range is empty: expected a number\n  | \n  | ^\n\
             hint: ranges are like `10` (alerts outside of 0 to 10), `10:` (below 10), `~:10` (above 10), `10:20`, `@10:20` (inside)\n",
        ),
        (
            &["-w", "10"],
            "check: --warning: the range `10` has no value to be held against\n\
             hint: name the value first, like check --warning 10 'last(queue.depth)' FILE\n",
        ),
        (
            &["x > 5", "-w", "10"],
            "check: --warning: the range `10` is held against a value, and `x > 5` is a condition\n\
             hint: name the value first, like check --warning 10 'last(queue.depth)' FILE\n",
        ),
        (
            &["./history file", "-w", "10"],
            "check: --warning: the range `10` is held against a value, and `./history file` is none\n\
             hint: name the value first, like check --warning 10 'last(queue.depth)' FILE\n",
        ),
        (
            &["last(x)", "-w", "10", "-c", "x > 5"],
            "check: --warning: `10` is a range, and --critical `x > 5` a condition: choose one\n\
             hint: two ranges go with a value, like -w 10:20 -c ~:30 'last(x)'; two conditions with files\n",
        ),
    ];
    for (arguments, expected) in cases {
        let (code, out, err) = judge(arguments, &sample("x", 1.0, ""));
        assert_eq!((code, out.as_str(), err.as_str()), (3, "", expected), "{arguments:?}");
    }
}

#[test]
fn beside_conditions_the_arguments_are_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.depth");
    std::fs::write(&file, sample("queue.depth", 7.0, "")).unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(judge(&["-w", "queue.depth > 5", path], "").0, 1);
    assert_eq!(judge(&["-w", "5", "-c", "10", "queue.depth", path], "").0, 1);
    let (code, _, err) = judge(&["-w", "queue.depth >", path], "");
    assert!(code == 3 && err.starts_with("check: condition:1:14: "), "{err}");
}

#[test]
fn the_plugin_line_carries_ranges_in_the_unit_of_its_value() {
    let line = |arguments: &[&str], input: &str| {
        let (_, out, err) = judge(&[&["--nagios", "--name", "n"], arguments].concat(), input);
        assert_eq!(err, "");
        out.split_once(" | ").map(|(_, performance)| performance.trim_end().to_owned())
    };
    let latency = sample("latency", 12500.0, ",\"unit\":\"ms\"");
    let cases: [(&[&str], &str); 8] = [
        (&["-w", "latency > 10s", "-c", "latency >= 90s"], "'n'=12500ms;~:10000;@90000:"),
        (&["-w", "latency < 10s", "-c", "latency <= 1s"], "'n'=12500ms;10000:;@~:1000"),
        (&["-w", "latency not in 1s..10s"], "'n'=12500ms;1000:10000"),
        (&["latency in 1s..10s"], "'n'=12500ms;;@1000:10000"),
        (&["not latency > 10s"], "'n'=12500ms;;@~:10000"),
        (&["10s < latency"], "'n'=12500ms;;~:10000"),
        (&["latency > 0.5 * max(latency)"], "'n'=12500ms;;~:6250"),
        (&["-w", "10000", "-c", "20000:30000", "latency"], "'n'=12500ms;10000;20000:30000"),
    ];
    for (arguments, expected) in cases {
        assert_eq!(line(arguments, &latency).as_deref(), Some(expected), "{arguments:?}");
    }
    assert_eq!(line(&["absent(latency, 30s)"], &latency).as_deref(), Some("'n'=60s;;@30:"));
    assert_eq!(line(&["absent(nothing)"], &latency), None, "what was never seen has no value");
}

#[test]
fn one_line_comes_first_and_holds_the_performance_data_of_all_groups() {
    let input = sample("depth", 2.0, ",\"tags\":{\"queue\":\"a b\"}") + &sample("depth", 9.0, ",\"tags\":{\"queue\":\"x|y\"}");
    let (code, out, _) = judge(&["--nagios", "--name", "q", "--by", "queue", "-w", "5", "-c", "8", "depth"], &input);
    assert_eq!(code, 2);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].starts_with("Q CRITICAL - {queue=x/y} ") && lines[0].contains(" (1 critical, 1 ok) | "), "{out}");
    assert!(lines[0].ends_with("'q{queue:x/y}'=9;5;8 'q{queue:a b}'=2;5;8"), "{out}");
    assert!(lines[1].starts_with("OK - {queue=a b} ") && !lines[1].contains('|'), "{out}");
}

#[test]
fn ranges_alert_as_those_of_the_real_plugins_do() {
    let Some(cluster) = plugin("check_cluster", "ranges_alert_as_those_of_the_real_plugins_do") else { return };
    // The value of check_cluster is how many of the states given are not 0.
    let states = |bad: usize| vec!["2"; bad].into_iter().chain(["0"]).collect::<Vec<_>>().join(",");
    let mut compared = 0;
    let ends = ["", "0", "1", "2", "3.5", "-1.5", "2.0"];
    let mut ranges: Vec<String> = ["1", "2.5", "0", "~:1", "~:0", "~:-1", "3", ":2"].map(str::to_owned).to_vec();
    for (low, high) in ends.iter().flat_map(|low| ends.iter().map(move |high| (low, high))) {
        ranges.extend([format!("{low}:{high}"), format!("@{low}:{high}")]);
    }
    for text in ranges.iter().filter(|text| !matches!(text.as_str(), ":" | "@:")) {
        for bad in 0..5 {
            let output = Command::new(&cluster).args(["--service", "-d", &states(bad), "-c", text]).output().unwrap();
            let theirs = output.status.code();
            let ours = Range::parse(text).map(|range| if range.alerts(bad as f64) { 2 } else { 0 });
            match ours {
                Ok(code) => assert_eq!(theirs, Some(code), "{text} with {bad}: {}", String::from_utf8_lossy(&output.stdout)),
                Err(_) => assert_eq!(theirs, Some(3), "{text} is refused by both: {}", String::from_utf8_lossy(&output.stdout)),
            }
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared}");
}

/// The object file of checks that run over `history`, beside the main configuration, in a folder.
fn configure(folder: &Path, checks: &[Check], history: &Path) {
    let options = NagiosOptions {
        program: built().join("check").to_str().unwrap().to_owned(),
        arguments: vec![history.to_str().unwrap().to_owned()],
        host: "localhost".into(),
        template: "generic-service".into(),
    };
    std::fs::write(folder.join("objects.cfg"), export_nagios(checks, &options).unwrap()).unwrap();
    std::fs::create_dir(folder.join("results")).unwrap();
    for name in ["nagios.cfg", "base.cfg"] {
        let text = std::fs::read_to_string(project().join("tests/data/nagios").join(name)).unwrap();
        std::fs::write(folder.join(name), text.replace("FOLDER", folder.to_str().unwrap())).unwrap();
    }
}

/// The status file of a server that runs until all services were checked; `None` when they never were.
fn serve(folder: &Path, services: usize) -> Option<String> {
    let mut server = Command::new("nagios4").arg(folder.join("nagios.cfg")).stdout(Stdio::null()).spawn().unwrap();
    let checked = || {
        let status = std::fs::read_to_string(folder.join("status.dat")).ok()?;
        let (_, found) = status.split_once("servicestatus {")?;
        (found.matches("has_been_checked=1").count() == services).then(|| found.to_owned())
    };
    let mut found = None;
    for _ in 0..200 {
        found = checked();
        if found.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let pid = rustix::process::Pid::from_child(&server);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    server.wait().unwrap();
    found
}

#[test]
fn a_real_server_runs_what_was_exported_and_shows_what_check_says() {
    let test = "a_real_server_runs_what_was_exported_and_shows_what_check_says";
    if Command::new("nagios4").arg("--help").output().is_err() || !rustix::process::geteuid().is_root() {
        return skip(test, "nagios4 is not installed, or may not be run by this user");
    }
    let folder = tempfile::tempdir().unwrap();
    let odd = r"it's `b`; $HOSTNAME$ \d #*!";
    let history = folder.path().join("my $history.ndjson");
    let record = format!("{{\"ts\":\"2026-11-22T19:59:00Z\",\"metric\":\"errors\",\"value\":7,\"tags\":{{\"path\":{odd:?}}}}}\n");
    std::fs::write(&history, record).unwrap();
    let level = |status, text: &str| Level { status, condition: parse(text).unwrap() };
    let named = format!("last(errors{{path=\"{}\"}}) not in\n 1..5", odd.replace('\\', r"\\"));
    let mut by = Check::new("by path", vec![level(Status::Warning, "errors > 5"), level(Status::Critical, "errors >= 8")]);
    by.by = vec!["path".into()];
    let checks = [
        Check::new("odd-name", vec![level(Status::Critical, &named)]),
        by,
        Check::new("calm", vec![level(Status::Warning, "errors > 90%")]),
    ];
    configure(folder.path(), &checks, &history);

    let verified = Command::new("nagios4").arg("-v").arg(folder.path().join("nagios.cfg")).output().unwrap();
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && text.contains("Total Warnings: 0") && text.contains("Total Errors:   0"), "{text}");

    let status = serve(folder.path(), checks.len()).expect("every service is checked within 20 s");
    let value = |service: &str, key: &str| {
        let block = status.split("service_description=").find(|block| block.starts_with(&format!("{service}\n"))).unwrap();
        block.lines().find_map(|line| line.trim().strip_prefix(&format!("{key}="))).unwrap().to_owned()
    };
    assert_eq!(value("odd-name", "current_state"), "2", "{status}");
    assert_eq!(value("odd-name", "performance_data"), "'odd-name{path:it''s `b`; $HOSTNAME$ \\d #*!}'=7;;1:5", "{status}");
    assert!(value("odd-name", "plugin_output").starts_with("ODD-NAME CRITICAL - "), "{status}");
    assert_eq!(value("by path", "current_state"), "1", "{status}");
    assert_eq!(value("calm", "current_state"), "1", "{status}");
}
