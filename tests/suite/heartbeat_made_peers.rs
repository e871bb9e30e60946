//! Who watches the watchers: each process of a pipe and each of two machines is killed, and missed by a path without it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::heartbeat_made::{Running, beats, start, until};
use crate::programs::{built, project, run};

/// How often all of them beat here, in place of the ten seconds of the examples.
const EVERY: &str = "1s";

/// What may be noticed later than two intervals: the time that a look takes, on a machine that does other things.
const LOOK: Duration = Duration::from_millis(900);

/// A folder of a machine: its state and the rules of the example, of which a second stands for ten.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new(name: &str) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        let rules = std::fs::read_to_string(project().join(format!("examples/two-machines/machine-{name}.toml"))).unwrap();
        std::fs::write(folder.path().join("rules.toml"), rules.replace("20s", "2s").replace("30s", "3s")).unwrap();
        Machine { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("pipewatch")
    }

    /// What one look from cron says is silent: the check's name, and the link.
    fn silent(&self) -> Vec<(String, String)> {
        let (out, _, _) = run(self.path(), "check --exit-zero -f rules.toml --since 5m pipewatch/beats");
        let verdicts = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let text = |of: &serde_json::Value| of.as_str().unwrap().to_owned();
        verdicts.filter(|of| of["status"] == "critical").map(|of| (text(&of["check"]), text(&of["tags"]["link"]))).collect()
    }

    /// Waits until a check says that its link is silent: how long after the kill that was.
    fn notices(&self, check: &str, link: &str, killed: Instant) -> Duration {
        until(&format!("{check} is told"), || self.silent().contains(&(check.into(), link.into())));
        killed.elapsed()
    }
}

/// The pipe of machine a, as the example has it.
fn pipe(machine: &Machine) -> [Running; 3] {
    let beat = |name: &'static str| ["--heartbeat", name, "--heartbeat-every", EVERY];
    let mut collect = start(machine.path(), "collect", &[&["host"], &beat("a-collect")[..]].concat(), Stdio::null(), &[]);
    let mut rollup = start(machine.path(), "rollup", &[&["--every", "1s"], &beat("a-rollup")[..]].concat(), collect.out().into(), &[]);
    let mut check =
        start(machine.path(), "check", &[&["--live", "last(load.1m) > 1M"], &beat("a-check")[..]].concat(), rollup.out().into(), &[]);
    let mut out = check.out();
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    [collect, rollup, check]
}

#[test]
fn whichever_process_of_a_pipe_is_killed_is_noticed_within_two_intervals_by_a_path_without_it() {
    for (at, check, link) in [(0, "a-collector", "collector"), (1, "a-rollup", "rollup"), (2, "a-checker", "checker")] {
        let machine = Machine::new("a");
        let mut processes = pipe(&machine);
        let links = |link: &str| machine.silent().iter().all(|(_, of)| of == "listener" && of != link);
        until("all of the pipe lives", || links(link));
        let killed = Instant::now();
        processes[at].kill();
        let noticed = machine.notices(check, link, killed);
        assert!(noticed <= Duration::from_secs(2) + LOOK, "{check}: {noticed:?}");
    }
}

#[test]
fn a_stopped_rollup_is_told_as_a_pipe_that_is_stuck_too() {
    let machine = Machine::new("a");
    let processes = pipe(&machine);
    until("all of the pipe lives", || machine.silent() == [("b-listener".to_owned(), "listener".to_owned())]);
    processes[1].signal("-STOP");
    machine.notices("a-pipe", "pipe", Instant::now());
    let silent: Vec<String> = machine.silent().into_iter().map(|(check, _)| check).collect();
    assert_eq!(silent, ["b-listener", "a-rollup", "a-pipe"], "the collector and the checker live");
}

/// An address that nobody listens on.
fn address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A machine's listener, which beats at home and at its peer.
fn listener(machine: &Machine, name: &str, bind: &str) -> Running {
    let state = machine.state();
    let arguments = [
        "listen",
        "--bind",
        bind,
        "--state-dir",
        state.to_str().unwrap(),
        "--heartbeat",
        name,
        "--heartbeat-every",
        EVERY,
        "--peer",
        "file:peer",
    ];
    let mut listener = start(machine.path(), "heartbeat", &arguments, Stdio::null(), &[]);
    let mut out = listener.out();
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    listener
}

/// Writes where the other machine listens, with its key, into a file.
fn introduce(machine: &Machine, other: &Machine, address: &str) {
    let output = std::process::Command::new(built().join("heartbeat"))
        .args(["listen", "--show-keys", "--state-dir"])
        .arg(other.state())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let key = text.lines().find_map(|line| line.strip_prefix("ping ")).unwrap();
    std::fs::write(machine.path().join("peer"), format!("http://{address}/ping/{key}/?create=1\n")).unwrap();
}

#[test]
fn two_machines_expect_each_other_and_each_tells_the_others_silence() {
    let (a, b) = (Machine::new("a"), Machine::new("b"));
    let (of_a, of_b) = (address(), address());
    introduce(&a, &b, &of_b);
    introduce(&b, &a, &of_a);
    let mut listeners = [listener(&a, "a-listener", &of_a), listener(&b, "b-listener", &of_b)];
    let hears = |machine: &Machine, check: &str| machine.silent().iter().all(|(of, _)| of != check);
    until("each hears the other", || hears(&a, "b-listener") && hears(&b, "a-listener"));
    let killed = Instant::now();
    listeners[0].kill();
    let noticed = b.notices("a-listener", "listener", killed);
    assert!(noticed <= Duration::from_secs(2) + LOOK, "{noticed:?}");
    assert!(hears(&a, "b-listener") || !beats(a.path()).is_empty());
    listeners[0] = listener(&a, "a-listener", &of_a);
    until("it is heard again", || hears(&b, "a-listener") && hears(&a, "b-listener"));
    let killed = Instant::now();
    listeners[1].kill();
    let noticed = a.notices("b-listener", "listener", killed);
    assert!(noticed <= Duration::from_secs(2) + LOOK, "{noticed:?}");
}

#[test]
fn the_rules_of_the_two_machines_are_the_same_with_their_names_exchanged() {
    let read = |name: &str| std::fs::read_to_string(project().join(format!("examples/two-machines/machine-{name}.toml"))).unwrap();
    let exchanged: String = read("a")
        .replace("machine a", "machine _")
        .replace("machine b", "machine a")
        .replace("machine _", "machine b")
        .replace("Machine b has", "Machine a has")
        .replace("\"a\"", "\"_\"")
        .replace("\"b\"", "\"a\"")
        .replace("\"_\"", "\"b\"")
        .replace("[a-", "[_-")
        .replace("[b-", "[a-")
        .replace("[_-", "[b-")
        .replace("(a-", "(_-")
        .replace("(b-", "(a-")
        .replace("(_-", "(b-");
    assert_eq!(exchanged, read("b"));
}

#[test]
fn the_units_and_the_crontab_name_programs_and_options_that_there_are() {
    let folder = project().join("examples/two-machines");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let all = ["crontab", "pipewatch-pipe.service", "listener.conf"].map(read).concat();
    for (tool, path, options) in [
        ("check", &["--help"][..], &["--live", "--exit-zero", "--since"][..]),
        ("heartbeat", &["listen", "--help"], &["--bind", "--peer", "--state-dir", "--heartbeat"]),
    ] {
        let help = String::from_utf8(std::process::Command::new(built().join(tool)).args(path).output().unwrap().stdout).unwrap();
        for option in options {
            assert!(all.contains(option) && help.contains(option), "{tool}: {option} is in the example and in the help, or in neither");
        }
    }
    if std::process::Command::new("systemd-analyze").arg("--version").output().is_err() {
        return crate::programs::skip(
            "the_units_and_the_crontab_name_programs_and_options_that_there_are",
            "systemd-analyze is not installed",
        );
    }
    let output = std::process::Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(folder.join("pipewatch-pipe.service"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let told: Vec<&str> = told.lines().filter(|line| line.starts_with("pipewatch-pipe.service:")).collect();
    assert!(told.is_empty(), "{told:?}");
}
