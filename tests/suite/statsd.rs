//! `collect statsd` as a program: real sockets in, records out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// A running listener, with the lines that said where it listens.
struct Listener {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
    places: Vec<String>,
}

/// What a listener wrote until it ended.
struct Ended {
    records: Vec<Value>,
    stderr: String,
    code: Option<i32>,
}

impl Listener {
    /// Starts a listener at so many places and waits until it says that it listens at each.
    fn start(arguments: &[&str], places: usize) -> Listener {
        let mut child = Command::new(env!("CARGO_BIN_EXE_collect"))
            .arg("statsd")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut found = Vec::new();
        while found.len() < places {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended after telling {found:?}");
            if let Some(place) = line.strip_prefix("collect: statsd: listening on ") {
                found.push(place.trim_end().to_owned());
            }
        }
        Listener { child, stdout, stderr, places: found }
    }

    fn place(&self, kind: &str) -> &str {
        self.places.iter().find_map(|place| place.strip_prefix(kind)?.strip_prefix(' ')).unwrap()
    }

    /// A socket that sends to the listener's UDP socket. What is sent stands in the listener's buffer at once.
    fn udp(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.place("udp")).unwrap();
        socket
    }

    /// Sends lines over TCP and waits until the listener has read them all and closed.
    fn send_tcp(&self, lines: &[u8]) {
        let mut stream = TcpStream::connect(self.place("tcp")).unwrap();
        stream.write_all(lines).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The next record, as soon as it is written.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"))
    }

    /// Asks it to end, and reads all that it writes.
    fn end(mut self) -> Ended {
        self.signal(Signal::TERM);
        let mut text = String::new();
        if let Some(mut stdout) = self.stdout.take() {
            stdout.read_to_string(&mut text).unwrap();
        }
        let mut stderr = String::new();
        self.stderr.read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code();
        let records = text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line:?}: {error}"))).collect();
        Ended { records, stderr, code }
    }
}

impl Ended {
    /// The records that are not the listener's own reports, without their times.
    fn data(&self) -> Vec<Value> {
        let own = |record: &Value| record["tags"]["source"] == "statsd" && record["metric"] != "collect.overflow";
        let mut data: Vec<Value> = self.records.iter().filter(|record| !own(record)).cloned().collect();
        data.iter_mut().for_each(|record| {
            record.as_object_mut().unwrap().remove("ts");
        });
        data
    }

    /// The sum of the reports of a metric, of one sort of thing where it says so.
    fn report(&self, metric: &str, of: Option<&str>) -> f64 {
        let wanted = |record: &&Value| record["metric"] == metric && of.is_none_or(|of| record["tags"]["of"] == of);
        self.records.iter().filter(wanted).map(|record| record["value"].as_f64().unwrap()).sum()
    }
}

const UDP: [&str; 2] = ["--udp", "127.0.0.1:0"];

/// The options for UDP at a free port, and further ones.
fn udp_and<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&UDP[..], more].concat()
}

#[test]
fn raw_samples_events_and_verdicts_come_out_as_they_came() {
    let listener = Listener::start(&UDP, 1);
    let socket = listener.udp();
    socket.send(b"page.views:1|c\nload:320:311|ms|@0.1|#page:start,new\nqueue:7|g\nqueue:-2|g\nusers:joe|s\nsize:5|h|T1656581400").unwrap();
    socket.send(b"_e{6,9}:deploy|api\\n4f2a|t:info|#app:api\n_sc|redis|2|m:timed out").unwrap();
    let ended = listener.end();
    assert_eq!(
        ended.data(),
        [
            json!({"metric": "page.views", "value": 1, "type": "delta"}),
            json!({"metric": "load", "value": 320, "unit": "ms", "weight": 10, "tags": {"page": "start", "new": "true"}}),
            json!({"metric": "load", "value": 311, "unit": "ms", "weight": 10, "tags": {"page": "start", "new": "true"}}),
            json!({"metric": "queue", "value": 7}),
            json!({"metric": "queue", "value": 5}),
            json!({"metric": "users", "value": "joe", "type": "set"}),
            json!({"metric": "size", "value": 5}),
            json!({"event": "deploy", "text": "api\n4f2a", "tags": {"alert_type": "info", "app": "api"}}),
            json!({"check": "redis", "status": "critical", "reason": "timed out"}),
        ]
    );
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.records.iter().any(|record| record["metric"] == "size" && record["ts"] == "2022-06-30T09:30:00Z"));
    assert_eq!((ended.report("collect.received", Some("datagrams")), ended.report("collect.received", Some("lines"))), (2.0, 8.0));
}

#[test]
fn what_was_read_is_summed_up_and_written_when_it_is_ended() {
    let listener = Listener::start(&udp_and(&["--flush", "24h"]), 1);
    let socket = listener.udp();
    for _ in 0..100 {
        socket.send(b"views:1|c|@0.5|#b:2,a:1\nviews:1|c|#a:1,b:2\nqueue:+2|g\nqueue:-1|g").unwrap();
    }
    for i in 1..=100 {
        socket.send(format!("load:{i}|ms\nusers:u{}|s", i % 7).as_bytes()).unwrap();
    }
    let ended = listener.end();
    assert_eq!(
        ended.data(),
        [
            json!({"metric": "load", "window": "1d", "count": 100, "sum": 5050, "min": 1, "max": 100, "mean": 50.5, "p50": 50.5, "p95": 95.05, "p99": 99.01, "unit": "ms"}),
            json!({"metric": "queue", "value": 100}),
            json!({"metric": "users", "window": "1d", "distinct": 7}),
            json!({"metric": "views", "window": "1d", "count": 300, "sum": 300, "rate": 300.0 / 86_400.0, "tags": {"a": "1", "b": "2"}}),
        ]
    );
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_flush_comes_by_itself_and_its_windows_are_aligned() {
    let mut listener = Listener::start(&udp_and(&["--flush", "200ms", "--sketch"]), 1);
    listener.udp().send(b"load:5|ms").unwrap();
    let record = std::iter::repeat_with(|| listener.next()).find(|record| record["metric"] == "load").unwrap();
    assert_eq!((&record["window"], &record["count"], &record["sketch"]["bins"]), (&json!("200ms"), &json!(1), &json!([[81, 1]])));
    let ts = pipewatch::time::Timestamp::parse(record["ts"].as_str().unwrap()).unwrap();
    assert_eq!(ts.nanos() % 200_000_000, 0);
    assert_eq!(listener.end().code, Some(0));
}

#[test]
fn lines_over_tcp_and_datagrams_at_a_unix_socket_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statsd.sock");
    let listener = Listener::start(&["--tcp", "0", "--unix", path.to_str().unwrap(), "--flush", "24h"], 2);
    assert!(listener.places.iter().all(|place| !place.starts_with("udp")));
    listener.send_tcp(b"a:1|c\nb:2|c\nnonsense\na:1|c");
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"a:1|c\nc:1|c", &path).unwrap();
    let ended = listener.end();
    let sums: Vec<_> = ended.data().iter().map(|record| (record["metric"].as_str().unwrap().to_owned(), record["sum"].clone())).collect();
    assert_eq!(sums, [("a".into(), json!(3)), ("b".into(), json!(2)), ("c".into(), json!(1))]);
    assert_eq!(ended.report("collect.rejected", None), 1.0);
    assert!(!path.exists(), "the socket's file stays behind");
}

#[test]
fn a_bad_line_is_told_safely_and_harms_nothing_else() {
    let listener = Listener::start(&udp_and(&["--flush", "24h"]), 1);
    let socket = listener.udp();
    socket.send(b"good:1|c\n\x1b]0;owned\x07:1|c\nbad\xff:1|c\na:nan|g\n\0\0\0\ngood:1|c|#tag:\x1b[31m").unwrap();
    socket.send(&[b'x'; 65_507]).unwrap();
    socket.send(b"").unwrap();
    for _ in 0..25 {
        socket.send(b"good:1|nothing").unwrap();
    }
    let ended = listener.end();
    let names: Vec<_> = ended.data().iter().map(|record| (record["metric"].clone(), record["sum"].clone())).collect();
    assert_eq!(names, [(json!("good"), json!(1)), (json!("good"), json!(1))]);
    assert_eq!(ended.report("collect.rejected", None), 30.0);
    assert_eq!(ended.code, Some(0));
    assert!(!ended.stderr.bytes().any(|byte| byte < b' ' && byte != b'\n'), "{:?}", ended.stderr);
    assert!(ended.stderr.contains("column 3: the value must be a finite number: `a:nan|g`; line skipped\n"), "{}", ended.stderr);
    assert!(ended.stderr.contains("the type must be c, ms, h, d, g or s: 25 lines skipped\n"), "{}", ended.stderr);
    assert!(ended.stderr.lines().all(|line| line.chars().count() < 250));
}

#[test]
fn a_million_names_take_bounded_memory_and_are_told() {
    let listener = Listener::start(&["--tcp", "0", "--flush", "24h", "--max-series", "1000"], 1);
    let mut lines = Vec::new();
    for i in 0..1_000_000u32 {
        writeln!(lines, "name.{i}:1|c").unwrap();
    }
    listener.send_tcp(&lines);
    let status = std::fs::read_to_string(format!("/proc/{}/status", listener.child.id())).unwrap();
    let most_kib: u64 = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok()).unwrap();
    assert!(most_kib < 40_000, "{most_kib} KiB");
    let ended = listener.end();
    let data = ended.data();
    assert_eq!(data.len(), 1001);
    let overflow = json!({"metric": "collect.overflow", "window": "1d", "count": 999_000, "sum": 999_000, "rate": 999_000.0 / 86_400.0, "tags": {"source": "statsd", "type": "counter"}});
    assert_eq!(data[0], overflow);
    assert_eq!(ended.stderr.matches("more than 1000 series").count(), 1, "{}", ended.stderr);
}

#[test]
fn every_datagram_is_either_received_or_reported_as_dropped() {
    let listener = Listener::start(&udp_and(&["--flush", "24h", "--buffer", "1"]), 1);
    listener.signal(Signal::STOP);
    let socket = listener.udp();
    for _ in 0..5000 {
        socket.send(b"a:1|c").unwrap();
    }
    listener.signal(Signal::CONT);
    let ended = listener.end();
    let (received, dropped) = (ended.report("collect.received", Some("datagrams")), ended.report("collect.dropped", Some("datagrams")));
    assert_eq!(received + dropped, 5000.0);
    assert!(dropped > 0.0);
    assert!(ended.stderr.contains(&format!("{dropped} datagrams were lost in the kernel")), "{}", ended.stderr);
}

#[test]
fn an_output_that_is_not_read_does_not_stop_the_receiver() {
    let listener = Listener::start(&["--tcp", "0"], 1);
    let lines = b"a:1|c\n".repeat(400_000);
    // The listener closes the connection once all was read: it did not wait for its output.
    listener.send_tcp(&lines);
    let ended = listener.end();
    let (written, dropped) = (ended.data().len() as f64, ended.report("collect.dropped", Some("records")));
    assert_eq!(written + dropped, 400_000.0);
    assert!(dropped > 0.0);
    assert!(ended.stderr.contains("standard output is not read in time; records are dropped and counted"), "{}", ended.stderr);
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let mut listener = Listener::start(&UDP, 1);
    drop(listener.stdout.take());
    listener.udp().send(b"a:1|c").unwrap();
    let mut stderr = String::new();
    listener.stderr.read_to_string(&mut stderr).unwrap();
    assert_eq!((listener.child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let listener = Listener::start(&UDP, 1);
    let output = Command::new(env!("CARGO_BIN_EXE_collect")).args(["statsd", "--udp", listener.place("udp")]).output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    let expected = format!("collect: statsd: udp {}: cannot listen: address already in use\n", listener.place("udp"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    listener.end();
}

#[test]
fn what_makes_no_sense_is_refused_before_it_listens() {
    let cases: [(&[&str], &str); 6] = [
        (&["--flush", "10"], "--flush: `10` is not a duration"),
        (&["--flush", "1ms"], "--flush: the span must be 100ms at least"),
        (&["--sketch"], "--sketch needs --flush"),
        (&["--tags", "carbon"], "--tags: unknown style `carbon`"),
        (&["--udp", "nowhere"], "--udp: `nowhere` is no address to listen on"),
        (&["--max-series", "0"], "--max-series: `0` is no whole number from 1 to 10000000"),
    ];
    for (arguments, message) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_collect")).arg("statsd").args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {stderr}");
        assert!(stderr.starts_with(&format!("collect: {message}")), "{stderr}");
    }
}
