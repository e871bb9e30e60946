//! Programs that tell that they live: beats of their own, the end of a pipe, systemd's watchdog.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use pipewatch::cli::emit;

use crate::programs::{built, in_process, run};

/// How long anything is waited for at most.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program as a process whose state is in a folder, and which is killed when this is dropped.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }

    pub(crate) fn out(&mut self) -> ChildStdout {
        self.0.stdout.take().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program with its state in `folder`.
pub(crate) fn start(folder: &Path, tool: &str, arguments: &[&str], stdin: Stdio, more: &[(&str, &str)]) -> Running {
    let mut command = Command::new(built().join(tool));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", built().display()))
        .env("HOME", folder)
        .env("XDG_STATE_HOME", folder)
        .env("TZ", "UTC")
        .current_dir(folder);
    command.envs(more.iter().copied()).stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null());
    Running(command.spawn().unwrap())
}

/// Every beat that was written, as it is.
pub(crate) fn beats(folder: &Path) -> Vec<serde_json::Value> {
    let Ok(days) = std::fs::read_dir(folder.join("pipewatch/beats")) else { return Vec::new() };
    let mut days: Vec<_> = days.map(|day| day.unwrap().path()).filter(|day| day.extension().is_some_and(|of| of == "ndjson")).collect();
    days.sort();
    let text: String = days.iter().map(|day| std::fs::read_to_string(day).unwrap()).collect();
    // A line that is being written is not one yet.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn count(folder: &Path, name: &str) -> usize {
    beats(folder).iter().filter(|beat| beat["beat"] == name).count()
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never so: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads and throws away, so that a program is never held up by its output.
fn drain(mut from: impl Read + Send + 'static) {
    std::thread::spawn(move || std::io::copy(&mut from, &mut std::io::sink()));
}

/// `collect host | rollup | check --live`, each of which beats ten times a second.
struct Pipe {
    collect: Running,
    rollup: Running,
    check: Running,
}

impl Pipe {
    fn new(folder: &Path) -> Pipe {
        let beat = |name: &'static str| ["--heartbeat", name, "--heartbeat-every", "100ms"];
        let mut collect = start(folder, "collect", &[&["host", "--every", "50ms"], &beat("web-collect")[..]].concat(), Stdio::null(), &[]);
        let mut rollup =
            start(folder, "rollup", &[&["--every", "1s", "--late", "0s"], &beat("web-rollup")[..]].concat(), collect.out().into(), &[]);
        let mut check =
            start(folder, "check", &[&["--live", "last(load.1m) > 1M"], &beat("web-check")[..]].concat(), rollup.out().into(), &[]);
        drain(check.out());
        Pipe { collect, rollup, check }
    }
}

const NAMES: [&str; 4] = ["web-collect", "web-rollup", "web-check", "web-collect-arrived"];

#[test]
fn every_program_of_a_pipe_beats_and_what_comes_out_of_it_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipe = Pipe::new(folder.path());
    until("five beats of each", || NAMES.iter().all(|name| count(folder.path(), name) >= 5));
    let all = beats(folder.path());
    let of = |name: &str| all.iter().find(|beat| beat["beat"] == name).unwrap();
    assert_eq!((&of("web-collect")["tags"]["link"], &of("web-collect")["state"]), (&"collector".into(), &"ok".into()));
    assert_eq!((&of("web-rollup")["tags"]["link"], &of("web-check")["tags"]["link"]), (&"rollup".into(), &"checker".into()));
    let arrived = of("web-collect-arrived");
    assert_eq!((&arrived["tags"]["link"], &arrived["tags"]["at"]), (&"pipe".into(), &"web-check".into()));
    assert!(arrived["duration"].as_f64().unwrap() < 10.0, "{arrived}");
    assert_eq!(all.iter().filter(|beat| !NAMES.contains(&beat["beat"].as_str().unwrap())).count(), 0);
    pipe.collect.kill();
    let left = count(folder.path(), "web-check");
    assert!(pipe.rollup.0.wait().unwrap().success() && pipe.check.0.wait().is_ok(), "the others end with their input");
    assert!(left >= 5);
}

#[test]
fn a_pipe_that_is_stuck_in_the_middle_is_seen_though_all_its_processes_live() {
    let folder = tempfile::tempdir().unwrap();
    let mut pipe = Pipe::new(folder.path());
    until("the first beats", || NAMES.iter().all(|name| count(folder.path(), name) >= 3));
    pipe.rollup.signal("-STOP");
    let [_, rollup, check, arrived] = NAMES.map(|name| count(folder.path(), name));
    until("the checker goes on", || count(folder.path(), "web-check") >= check + 10);
    let now = NAMES.map(|name| count(folder.path(), name));
    assert!(now[1] <= rollup + 1, "a process that is stopped does not beat");
    assert!(now[3] <= arrived + 2, "nothing comes through a pipe that is stuck: {} then {}", arrived, now[3]);
    assert!(pipe.collect.0.try_wait().unwrap().is_none() && pipe.check.0.try_wait().unwrap().is_none());
    pipe.rollup.signal("-CONT");
    until("it goes on", || count(folder.path(), "web-collect-arrived") >= now[3] + 3);
}

#[test]
fn an_idle_program_beats_and_one_that_hangs_in_a_write_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--every", "1s", "--late", "0s", "--heartbeat", "r", "--heartbeat-every", "100ms"];
    let mut rollup = start(folder.path(), "rollup", &arguments, Stdio::piped(), &[]);
    let mut input = rollup.0.stdin.take().unwrap();
    until("it beats while nothing comes", || count(folder.path(), "r") >= 8);
    // Its output is read by nobody, so that it is stuck as soon as the pipe is full.
    let feeding = std::thread::spawn(move || {
        for second in 0..4_000_000u32 {
            let line = format!("{{\"ts\":{},\"metric\":\"m\",\"value\":1}}\n", 1_700_000_000 + second);
            if input.write_all(line.as_bytes()).is_err() {
                return;
            }
        }
    });
    let mut last = (count(folder.path(), "r"), Instant::now());
    until("it is silent for a second", || {
        let now = count(folder.path(), "r");
        if now != last.0 {
            last = (now, Instant::now());
        }
        last.1.elapsed() > Duration::from_secs(1)
    });
    assert!(rollup.0.try_wait().unwrap().is_none(), "it lives");
    drain(rollup.out());
    until("it beats again", || count(folder.path(), "r") > last.0);
    rollup.kill();
    feeding.join().unwrap();
}

#[test]
fn listeners_followers_and_forwarders_beat_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("log"), "").unwrap();
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let beat = |name: &'static str| ["--heartbeat", name, "--heartbeat-every", "100ms"];
    let with = |first: &[&'static str], name| [first, &beat(name)[..]].concat();
    let mut statsd = start(folder.path(), "collect", &[&["statsd", "--udp", &port], &beat("statsd")[..]].concat(), Stdio::null(), &[]);
    let follow = with(&["log", "log", "--follow", "--pattern", "(?<value>[0-9]+)", "--metric", "m"], "log");
    let mut log = start(folder.path(), "collect", &follow, Stdio::null(), &[]);
    let lines = BufReader::new(log.out()).lines();
    let mut emit = start(folder.path(), "emit", &with(&["--to", "out.ndjson"], "emit"), statsd.out().into(), &[]);
    drain(emit.out());
    until("each of them beats", || ["statsd", "log", "emit"].iter().all(|name| count(folder.path(), name) >= 2));
    let first = lines.map(Result::unwrap).find(|line| line.contains("\"beat\"")).unwrap();
    assert!(first.contains(r#""beat":"log","state":"ok","tags":{"link":"collector"}"#), "{first}");
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    until("a beat has come through emit", || {
        sender.send_to(b"a:1|c", &port).unwrap();
        count(folder.path(), "statsd-arrived") >= 1
    });
    let passed = std::fs::read_to_string(folder.path().join("out.ndjson")).unwrap();
    assert!(passed.contains(r#""beat":"statsd""#), "the beat is passed on as it is");
    statsd.kill();
    log.kill();
}

#[test]
fn systemd_is_told_that_it_is_ready_that_its_loop_turns_and_that_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let next = || {
        let mut bytes = [0; 100];
        let read = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..read].to_vec()).unwrap()
    };
    let env = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    for (tool, arguments) in [
        ("check", &["--live", "age(x) > 1h"][..]),
        ("rollup", &[]),
        ("emit", &["-"]),
        ("collect", &["host", "--every", "1h"]),
        ("collect", &["statsd", "--unix", "s"]),
    ] {
        let mut program = start(folder.path(), tool, arguments, Stdio::piped(), &env);
        assert_eq!(next(), "READY=1", "{tool}");
        let begun = Instant::now();
        for _ in 0..3 {
            assert_eq!(next(), "WATCHDOG=1", "{tool}");
        }
        assert!(begun.elapsed() > Duration::from_millis(500), "{tool}: it is fed each 0.2 s, not all the time");
        program.signal("-STOP");
        socket.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
        let mut bytes = [0; 100];
        // One word may have been on its way.
        while socket.recv(&mut bytes).is_ok() && begun.elapsed() < PATIENCE {}
        assert!(begun.elapsed() < PATIENCE, "{tool}: who is stopped feeds no watchdog");
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        program.signal("-CONT");
        program.signal("-TERM");
        let last = std::iter::repeat_with(next).find(|word| word != "WATCHDOG=1");
        assert_eq!(last.as_deref(), Some("STOPPING=1"), "{tool}");
        drop(program.0.stdin.take());
        program.0.wait().unwrap();
    }
}

#[test]
fn a_watchdog_of_another_process_is_not_fed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let env = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "100000"), ("WATCHDOG_PID", "1")];
    let mut program =
        start(folder.path(), "check", &["--live", "age(x) > 1h", "--heartbeat", "c", "--heartbeat-every", "100ms"], Stdio::piped(), &env);
    until("it beats", || count(folder.path(), "c") >= 5);
    program.kill();
    socket.set_nonblocking(true).unwrap();
    let mut bytes = [0; 100];
    let words: Vec<String> =
        std::iter::from_fn(|| socket.recv(&mut bytes).ok().map(|read| String::from_utf8(bytes[..read].to_vec()).unwrap())).collect();
    assert_eq!(words, ["READY=1"]);
}

#[test]
fn beats_go_to_a_listener_and_one_that_hangs_holds_nothing_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let address = format!("http://{}/ping/KEY/", server.local_addr().unwrap());
    std::fs::write(folder.path().join("listener"), format!("{address}\n")).unwrap();
    let to = [
        "--live",
        "age(x) > 1h",
        "--heartbeat",
        "Web Check",
        "--heartbeat-every",
        "100ms",
        "--heartbeat-to",
        "file:listener",
        "--heartbeat-to",
        "beats/",
    ];
    let mut program = start(folder.path(), "check", &to, Stdio::piped(), &[]);
    let request = || {
        let mut stream = None;
        until("a request comes", || {
            stream = server.accept().ok();
            stream.is_some()
        });
        let (mut stream, _) = stream.unwrap();
        stream.set_nonblocking(false).unwrap();
        let mut text = String::new();
        BufReader::new(&stream).lines().map(Result::unwrap).take_while(|line| !line.is_empty()).for_each(|line| text += &(line + "\n"));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK").unwrap();
        text
    };
    for _ in 0..3 {
        let text = request();
        assert!(text.starts_with("POST /ping/KEY/web-check HTTP/1.1\n") && text.contains("\nPipewatch-Ts: 20"), "{text}");
    }
    // From here on nobody answers; the folder gets its beats all the same.
    let written = || {
        std::fs::read_dir(folder.path().join("beats"))
            .unwrap()
            .map(|day| std::fs::read_to_string(day.unwrap().path()).unwrap().lines().count())
            .sum::<usize>()
    };
    let before = written();
    until("it goes on", || written() >= before + 15);
    program.kill();
}

#[test]
fn what_a_beat_is_asked_wrongly_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    for (script, told) in [
        (
            "rollup --heartbeat r --heartbeat-to https://h/ping/SECRET/",
            "rollup: --heartbeat-to: a program's own beats go by plain http, not by https\nhint: beat into the state folder",
        ),
        (
            "rollup --heartbeat r --heartbeat-to http://SECRET",
            "rollup: --heartbeat-to: this is no address of a listener\nhint: write it as http",
        ),
        ("rollup --heartbeat r --heartbeat-to ftp://x", "rollup: --heartbeat-to: `ftp://x` is no place for beats\nhint: "),
        ("rollup --heartbeat r --heartbeat-every 1ms", "rollup: --heartbeat-every: must be 100ms at least, found 1ms"),
        ("rollup --heartbeat r --heartbeat-to env:NONE", "rollup: --heartbeat-to: `NONE` is not set"),
        ("emit x 1 --heartbeat e", "emit: --heartbeat is for forwarding, not for a sample"),
    ] {
        let (out, err, code) = run(folder.path(), &format!("{script} < /dev/null"));
        assert_eq!((out.as_str(), code), ("", 64), "{script}: {err}");
        assert!(err.starts_with(told), "{script}: {err}");
        assert!(!err.contains("SECRET"), "{err}");
    }
}

#[test]
fn tags_of_the_environment_are_on_every_record() {
    let folder = tempfile::tempdir().unwrap();
    let (out, err, code) = run(
        folder.path(),
        "export PIPEWATCH_TAGS=synthetic=true,queue=linux
         emit build.duration 3 --tag queue=mac --at 2026-11-22T10:00:00Z
         emit event deploy --at 2026-11-22T10:00:00Z
         echo 'a:1|c' | collect lines --format statsd --at 2026-11-22T10:00:00Z
         echo '7' | collect log --pattern '(?<value>.*)' --metric m --at 2026-11-22T10:00:00Z
         printf 'time,m\\n2026-11-22T10:00:00Z,5\\n' | collect csv
         heartbeat beat checkout --to - --at 2026-11-22T10:00:00Z
         echo '{\"ts\":\"2026-11-22T10:00:00Z\",\"metric\":\"old\",\"value\":1}' | emit",
    );
    assert_eq!((err.as_str(), code), ("", 0));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], r#"{"ts":"2026-11-22T10:00:00Z","metric":"build.duration","value":3,"tags":{"queue":"mac","synthetic":"true"}}"#);
    assert_eq!(lines.iter().filter(|line| line.contains(r#""queue":"linux","synthetic":"true"}"#)).count(), 5, "{out}");
    assert_eq!(lines.last().unwrap(), &r#"{"ts":"2026-11-22T10:00:00Z","metric":"old","value":1}"#, "what is forwarded stays as it is");
    let (_, err, code) = run(folder.path(), "PIPEWATCH_TAGS=synthetic emit x 1");
    assert_eq!((err.as_str(), code), ("emit: $PIPEWATCH_TAGS: `synthetic` is no tag\nhint: write it as `key=value,other=value`\n", 64));
    let (code, out, _) = in_process(&emit::TOOL, &["x", "1"], "");
    assert_eq!((code, out.contains("tags")), (0, false));
}
