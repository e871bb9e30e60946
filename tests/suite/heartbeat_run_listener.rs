//! Beats on their way to a listener that answers, is away, is silent or slow: nothing is lost, nobody waits.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::peers::free_port;
use crate::pings::{Manner, Pings, Request};

const HEARTBEAT: &str = env!("CARGO_BIN_EXE_heartbeat");

/// How long a command may take that waits for a listener for half a second, on a machine that is busy.
const BOUND: Duration = Duration::from_secs(5);

fn heartbeat(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(HEARTBEAT);
    command.args(arguments).current_dir(folder).env("PIPEWATCH_STATE", folder.join("state")).env_remove("PIPEWATCH_BEAT_TO");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    heartbeat(folder, arguments).output().unwrap()
}

fn told(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// `heartbeat beat NAME` at an instant, without anybody left behind.
fn beat(folder: &Path, url: &str, name: &str, at: &str) -> Output {
    run(folder, &["beat", name, "--to", url, "--at", at, "--wait", "500ms", "--retry", "0s"])
}

fn spool(folder: &Path) -> Option<PathBuf> {
    std::fs::read_dir(folder.join("state/spool")).ok()?.next().map(|entry| entry.unwrap().path())
}

/// The lines that wait.
fn waiting(folder: &Path) -> usize {
    let Some(spool) = spool(folder) else { return 0 };
    let parts = std::fs::read_dir(spool).unwrap().map(|entry| entry.unwrap().path());
    let parts = parts.filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    parts.map(|part| std::fs::read_to_string(part).unwrap().lines().count()).sum()
}

fn lines(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.line.as_str()).collect()
}

const AT: [&str; 3] = ["2026-11-22T10:00:00Z", "2026-11-22T10:01:00Z", "2026-11-22T10:02:00.250Z"];

#[test]
fn a_run_is_told_to_its_listener_with_status_run_and_last_lines() {
    let folder = tempfile::tempdir().unwrap();
    let pings = Pings::listen(0, Manner::Status(200));
    let output = run(folder.path(), &["run", "Nightly Job", "--to", &pings.url(), "--", "sh", "-c", "echo said; exit 3"]);
    assert_eq!((output.status.code(), told(&output)), (Some(3), ""));
    let requests = pings.wait(2);
    let rid = requests[0].line.split_once("rid=").unwrap().1;
    assert_eq!(
        lines(&requests),
        [format!("POST /ping/KEY/nightly-job/start?rid={rid}"), format!("POST /ping/KEY/nightly-job/3?rid={rid}")]
    );
    assert_eq!((requests[0].body.as_str(), requests[1].body.as_str()), ("", "said"));
    assert!(requests[0].ts < requests[1].ts);
    assert_eq!(waiting(folder.path()), 0);
    assert!(!folder.path().join("state/beats").exists(), "to a listener alone");
}

#[test]
fn beats_go_to_all_places_that_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let pings = Pings::listen(0, Manner::Status(201));
    let output =
        run(folder.path(), &["beat", "a", "--at", AT[0], "--to", "-", "--to", "file.ndjson", "--to", "history/", "--to", &pings.url()]);
    let record = "{\"ts\":\"2026-11-22T10:00:00Z\",\"beat\":\"a\",\"state\":\"ok\"}\n";
    assert_eq!(std::str::from_utf8(&output.stdout).unwrap(), record);
    for file in ["file.ndjson", "history/2026-11-22.ndjson"] {
        assert_eq!(std::fs::read_to_string(folder.path().join(file)).unwrap(), record, "{file}");
    }
    assert_eq!(pings.wait(1), [Request { line: "POST /ping/KEY/a".into(), ts: AT[0].into(), body: String::new() }]);
}

#[test]
fn a_listener_that_is_away_gets_everything_in_order_with_its_own_time_once_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/ping/KEY/");
    for (n, at) in AT[..2].iter().enumerate() {
        let output = beat(folder.path(), &url, &format!("a{n}"), at);
        assert_eq!(output.status.code(), Some(0));
        let kept = if n == 0 { "1 beat".into() } else { format!("{} beats", n + 1) };
        let expected = format!("heartbeat: 127.0.0.1:{port}: cannot connect: connection refused; {kept} kept, and sent once it answers\n");
        assert_eq!(told(&output), expected);
    }
    let pings = Pings::listen(port, Manner::Status(200));
    let output = beat(folder.path(), &url, "a2", AT[2]);
    assert_eq!((output.status.code(), told(&output)), (Some(0), ""));
    let requests = pings.so_far();
    assert_eq!(lines(&requests), ["POST /ping/KEY/a0", "POST /ping/KEY/a1", "POST /ping/KEY/a2"]);
    assert_eq!(requests.iter().map(|request| request.ts.as_str()).collect::<Vec<_>>(), AT);
    assert_eq!(waiting(folder.path()), 0);
}

#[test]
fn whatever_a_listener_does_a_beat_is_back_soon_and_kept() {
    let slow = Manner::Slow(Duration::from_secs(20));
    for (manner, why) in [
        (Manner::BlackHole, "no answer in time"),
        (slow, "no answer in time"),
        (Manner::Status(500), "answered 500 500"),
        (Manner::Status(429), "answered 429 429"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let pings = Pings::listen(0, manner);
        let begin = Instant::now();
        let output = beat(folder.path(), &pings.url(), "a", AT[0]);
        assert!(begin.elapsed() < BOUND, "{manner:?}: {:?}", begin.elapsed());
        assert_eq!(output.status.code(), Some(0), "{manner:?}");
        let expected = format!("heartbeat: 127.0.0.1:{}: {why}; 1 beat kept, and sent once it answers\n", pings.port);
        assert_eq!((told(&output), waiting(folder.path())), (expected.as_str(), 1), "{manner:?}");
        pings.be(Manner::Status(200));
        let output = run(folder.path(), &["flush"]);
        assert_eq!(
            (output.status.code(), told(&output)),
            (Some(0), format!("heartbeat: 127.0.0.1:{}: 1 beat sent\n", pings.port).as_str())
        );
        assert_eq!((pings.so_far().last().unwrap().ts.as_str(), waiting(folder.path())), (AT[0], 0));
    }
}

#[test]
fn a_listener_that_accepts_nothing_more_keeps_nobody_waiting() {
    // A queue of connections that is full: what comes then gets no answer at all, as from a host that is down.
    let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = full.local_addr().unwrap();
    rustix::net::listen(&full, 0).unwrap();
    let waiting_for_it: Vec<_> =
        (0..3).map(|_| std::thread::spawn(move || std::net::TcpStream::connect_timeout(&address, BOUND))).collect();
    let folder = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let output = beat(folder.path(), &format!("http://{address}/ping/KEY/"), "a", AT[0]);
    assert!(begin.elapsed() < BOUND && output.status.success(), "{:?}", begin.elapsed());
    assert!(told(&output).contains("no answer in time; 1 beat kept"), "{}", told(&output));
    drop(full);
    waiting_for_it.into_iter().for_each(|thread| drop(thread.join().unwrap()));
}

#[test]
fn a_silent_listener_does_not_delay_the_start_of_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let pings = Pings::listen(0, Manner::BlackHole);
    let mut child = heartbeat(
        folder.path(),
        &["run", "a", "--to", &pings.url(), "--wait", "300ms", "--retry", "0s", "--", "sh", "-c", "echo begun; read x"],
    )
    .stdin(Stdio::piped())
    .spawn()
    .unwrap();
    // The listener has the start and is silent; the job runs and prints meanwhile.
    pings.wait(1);
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut out, &mut line).unwrap();
    assert_eq!(line, "begun\n");
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(waiting(folder.path()), 2);
}

#[test]
fn a_process_left_behind_sends_what_waits_soon_after_the_listener_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/ping/KEY/");
    for n in 0..3 {
        let output = run(folder.path(), &["beat", &format!("a{n}"), "--to", &url, "--wait", "500ms", "--retry", "1m"]);
        assert_eq!(output.status.code(), Some(0));
    }
    let pings = Pings::listen(port, Manner::Status(200));
    assert_eq!(lines(&pings.wait(3)), ["POST /ping/KEY/a0", "POST /ping/KEY/a1", "POST /ping/KEY/a2"]);
}

#[test]
fn while_a_process_goes_on_trying_nobody_else_waits() {
    let folder = tempfile::tempdir().unwrap();
    let pings = Pings::listen(0, Manner::BlackHole);
    let first = run(folder.path(), &["beat", "a", "--to", &pings.url(), "--wait", "500ms", "--retry", "10m"]);
    assert!(told(&first).contains("no answer in time; 1 beat kept"), "{}", told(&first));
    // The second request is that of the process left behind.
    pings.wait(2);
    let begin = Instant::now();
    let second = run(folder.path(), &["beat", "b", "--to", &pings.url(), "--wait", "1m"]);
    assert!(begin.elapsed() < BOUND && second.status.success(), "{:?}", begin.elapsed());
    assert!(told(&second).contains("away; 2 beats kept"), "{}", told(&second));
    assert_eq!(run(folder.path(), &["flush", "--for", "1s"]).status.code(), Some(75));
}

#[test]
fn a_process_left_behind_ends_when_its_state_is_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}/ping/KEY/", free_port());
    run(folder.path(), &["beat", "a", "--to", &url, "--wait", "500ms", "--retry", "10m"]);
    let lock = spool(folder.path()).unwrap().join("retrying");
    let state = folder.path().join("state").display().to_string();
    let running = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).replace('\0', " ").contains(&format!("flush --for 10m --state-dir {state}"))
        })
    };
    assert!(lock.exists() && running());
    std::fs::rename(folder.path().join("state"), folder.path().join("gone")).unwrap();
    let begin = Instant::now();
    while running() {
        assert!(begin.elapsed() < Duration::from_secs(40));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!folder.path().join("state").exists(), "nothing is made again");
}

#[test]
fn what_a_listener_will_never_take_is_told_put_aside_and_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pings = Pings::listen(0, Manner::Status(404));
    let output = beat(folder.path(), &pings.url(), "a", AT[0]);
    assert_eq!(
        (output.status.code(), told(&output)),
        (Some(0), format!("heartbeat: 127.0.0.1:{}: refused a: 404 404\n", pings.port).as_str())
    );
    assert!(std::fs::read_to_string(spool(folder.path()).unwrap().join("refused.ndjson")).unwrap().contains("\"beat\":\"a\""));
    pings.be(Manner::Status(200));
    assert_eq!(told(&beat(folder.path(), &pings.url(), "b", AT[1])), "");
    assert_eq!(lines(&pings.so_far()), ["POST /ping/KEY/a", "POST /ping/KEY/b"]);
}

#[test]
fn a_key_is_read_from_a_file_or_the_environment_and_told_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}/ping/SECRET/");
    std::fs::write(folder.path().join("listener"), format!("{url}\n")).unwrap();
    let file = format!("file:{}", folder.path().join("listener").display());
    let options = ["--wait", "500ms", "--retry", "0s"];
    let mut output = heartbeat(folder.path(), &["beat", "a", "--to", &file]).args(options).output().unwrap();
    assert!(told(&output).contains("connection refused; 1 beat kept") && !told(&output).contains("SECRET"), "{}", told(&output));
    output =
        heartbeat(folder.path(), &["beat", "b"]).args(options).env("PIPEWATCH_BEAT_TO", "env:HOOK").env("HOOK", &url).output().unwrap();
    assert!(told(&output).starts_with("heartbeat: env:HOOK: cannot connect") && !told(&output).contains("SECRET"), "{}", told(&output));
    // Nowhere in the state folder, neither in names nor in files.
    let (found, _, code) = crate::programs::run(folder.path(), "ls -R state; grep -r SECRET state");
    assert!(code == 1 && !found.contains("SECRET"), "{found}");
    let pings = Pings::listen(port, Manner::Status(200));
    let output = heartbeat(folder.path(), &["flush"]).env("HOOK", &url).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let mut asked: Vec<String> = pings.so_far().into_iter().map(|request| request.line).collect();
    asked.sort();
    assert_eq!(asked, ["POST /ping/SECRET/a", "POST /ping/SECRET/b"]);
}

#[test]
fn a_key_that_cannot_be_read_keeps_the_beat() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["beat", "a", "--to", "file:listener", "--retry", "0s"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(told(&output).contains("listener: cannot read: no such file or directory; 1 beat kept"), "{}", told(&output));
    let output = run(folder.path(), &["flush"]);
    assert_eq!(output.status.code(), Some(69), "{}", told(&output));
}

#[test]
fn without_a_spool_a_beat_is_sent_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("state"), "a file, where a folder should be").unwrap();
    let pings = Pings::listen(0, Manner::Status(200));
    let output = run(folder.path(), &["run", "a", "--to", &pings.url(), "--", "sh", "-c", "exit 3"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(told(&output).contains("cannot make the folder: not a directory; sent without it"), "{}", told(&output));
    assert_eq!(pings.wait(2).len(), 2);
    pings.be(Manner::Status(500));
    let output = run(folder.path(), &["beat", "a", "--to", &pings.url(), "--strict"]);
    assert_eq!(output.status.code(), Some(69));
    assert!(told(&output).contains("1 beat lost"), "{}", told(&output));
}

#[test]
fn a_sender_that_is_killed_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pings = Pings::listen(0, Manner::BlackHole);
    for (n, at) in AT.iter().enumerate() {
        let name = format!("a{n}");
        let arguments = ["beat", &name, "--to", &pings.url(), "--at", at, "--wait", "1m"];
        let mut child = heartbeat(folder.path(), &arguments).spawn().unwrap();
        // It is in the midst of asking.
        pings.wait(n + 1);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let before = pings.so_far().len();
    pings.be(Manner::Status(200));
    assert!(run(folder.path(), &["flush"]).status.success());
    assert_eq!(lines(&pings.so_far()[before..]), ["POST /ping/KEY/a0", "POST /ping/KEY/a1", "POST /ping/KEY/a2"]);
}

#[test]
fn many_at_once_all_arrive_once() {
    let folder = tempfile::tempdir().unwrap();
    let pings = Pings::listen(0, Manner::Status(200));
    let children: Vec<_> = (0..20)
        .map(|n| {
            heartbeat(folder.path(), &["beat", &format!("a{n}"), "--to", &pings.url(), "--wait", "20s", "--retry", "1m"]).spawn().unwrap()
        })
        .collect();
    for child in children {
        assert_eq!(told(&child.wait_with_output().unwrap()), "");
    }
    let requests = pings.wait(20);
    let asked: std::collections::BTreeSet<&str> = lines(&requests).into_iter().collect();
    assert_eq!((requests.len(), asked.len()), (20, 20));
}
