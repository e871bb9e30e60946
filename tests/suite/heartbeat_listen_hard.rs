//! `heartbeat listen` when things go wrong: killed under load, a disk that refuses, clients that are slow or mean.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::heartbeat_listen::Listener;

const JOB: &str = "11111111-2222-4333-8444-555555555555";

/// Puts a check into the state, as the management interface would.
fn prepare(state: &Path) {
    let kept = pipewatch::store::state::Kept { code: JOB.into(), spec: r#"{"beat":"job","name":"job","slug":"job"}"#.into() };
    pipewatch::store::state::State::open(state).unwrap().listen_keep(&[kept]).unwrap();
}

/// Pings on one kept connection until it breaks or all is over; gives the runs that were answered OK.
fn ping(port: u16, thread: usize, round: usize, over: &AtomicBool, answered: &Mutex<HashSet<String>>) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return };
    for n in 0.. {
        let run = format!("{round:08x}-{thread:04x}-4000-8000-{n:012x}");
        let request = format!("GET /ping/{JOB}?rid={run} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut got = Vec::new();
        let mut block = [0; 1024];
        if over.load(Ordering::Relaxed) || stream.write_all(request.as_bytes()).is_err() {
            return;
        }
        while !got.ends_with(b"\r\n\r\nOK") {
            match stream.read(&mut block) {
                Ok(bytes) if bytes > 0 => got.extend_from_slice(&block[..bytes]),
                _ => return,
            }
        }
        answered.lock().unwrap().insert(run);
    }
}

#[test]
fn killed_under_load_no_ping_that_was_answered_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let answered = Mutex::new(HashSet::new());
    for round in 0..3 {
        let mut listener = Listener::start(folder.path(), &["--rate", "1000000"]);
        let (over, port) = (AtomicBool::new(false), listener.port);
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let (over, answered) = (&over, &answered);
                scope.spawn(move || ping(port, thread, round, over, answered));
            }
            let enough = answered.lock().unwrap().len() + 200;
            let begin = Instant::now();
            while answered.lock().unwrap().len() < enough && begin.elapsed() < Duration::from_secs(20) {
                std::thread::yield_now();
            }
            listener.child.kill().unwrap();
            listener.child.wait().unwrap();
            over.store(true, Ordering::Relaxed);
        });
    }
    let answered = answered.into_inner().unwrap();
    let mut text = String::new();
    for entry in std::fs::read_dir(folder.path().join("beats")).unwrap() {
        std::fs::File::open(entry.unwrap().path()).unwrap().read_to_string(&mut text).unwrap();
    }
    let found: HashSet<&str> = text.lines().filter_map(|line| line.split("\"run\":\"").nth(1)?.get(..36)).collect();
    assert!(answered.len() >= 600, "{} were answered", answered.len());
    assert_eq!(answered.iter().filter(|run| !found.contains(run.as_str())).count(), 0);
}

#[test]
fn what_can_not_be_written_is_not_answered_ok() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let beats = folder.path().join("beats");
    let listener = Listener::start(folder.path(), &[]);
    // A folder stands where the day's file is to be; two, as the day may turn meanwhile.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let days = [0, 86_400].map(|more| pipewatch::time::Timestamp::from_nanos((now + more) * 1_000_000_000).day());
    days.iter().for_each(|day| std::fs::create_dir(beats.join(format!("{day}.ndjson"))).unwrap());
    let (status, head, _) = listener.get(&format!("/ping/{JOB}"));
    assert_eq!((status, head.contains("retry-after: 5")), (503, true), "{head}");
    days.iter().for_each(|day| std::fs::remove_dir(beats.join(format!("{day}.ndjson"))).unwrap());
    assert_eq!(listener.get(&format!("/ping/{JOB}")).0, 200);
    let text = std::fs::read_to_string(beats.join(format!("{}.ndjson", days[0]))).unwrap();
    assert_eq!(text.lines().count(), 1, "what was answered with 503 is not written later: {text}");
}

/// The resident memory of a process, in MiB.
fn resident_mib(pid: u32) -> f64 {
    let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap();
    statm.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0 / 1_048_576.0
}

#[test]
fn slow_half_and_mean_clients_neither_block_nor_grow_it() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let listener = Listener::start(folder.path(), &["--connections", "300"]);
    let well = |what: &str| {
        let begin = Instant::now();
        assert_eq!(listener.get(&format!("/ping/{JOB}")).0, 200, "{what}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{what}: took {:?}", begin.elapsed());
    };
    well("before");
    let before = resident_mib(listener.child.id());
    // More half-sent requests than there may be connections; all are held open meanwhile.
    let mut held = Vec::new();
    for n in 0..400 {
        let mut stream = listener.connect();
        let half: &[u8] = match n % 4 {
            0 => b"",
            1 => b"GET /ping/1111",
            2 => b"POST /ping/11111111-2222-4333-8444-555555555555 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
            _ => b"GET / HTTP/1.1\r\nHost: x\r\nSlow: ",
        };
        let _ = stream.write_all(half);
        held.push(stream);
    }
    well("with half-sent requests");
    // Keys that nobody has, a hundred to a write.
    let mut stream = listener.connect();
    for block in 0..100 {
        let asked: String = (0..100)
            .map(|n| match n % 2 {
                0 => format!("GET /ping/00000000-0000-4000-8000-{:012x} HTTP/1.1\r\nHost: x\r\n\r\n", block * 100 + n),
                _ => format!("GET /ping/KEY{block}/slug-{n}?create=1 HTTP/1.1\r\nHost: x\r\n\r\n"),
            })
            .collect();
        stream.write_all(asked.as_bytes()).unwrap();
        let mut got = Vec::new();
        let mut part = [0; 65_536];
        while got.windows(9).filter(|nine| nine == b"not found").count() < 100 {
            let bytes = stream.read(&mut part).unwrap();
            assert!(bytes > 0, "closed on unknown keys");
            got.extend_from_slice(&part[..bytes]);
        }
    }
    well("after ten thousand unknown keys");
    // Bodies and heads that are far too large.
    for _ in 0..20 {
        let mut stream = listener.connect();
        let _ = write!(stream, "POST /ping/{JOB} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413");
        let mut stream = listener.connect();
        let _ = stream.write_all(format!("GET / HTTP/1.1\r\nLong: {}", "x".repeat(1 << 20)).as_bytes());
    }
    let large = vec![b'x'; 4 << 20];
    assert_eq!(listener.ask("POST", &format!("/ping/{JOB}"), "", &large).0, 200, "a large body is cut");
    well("after what was too large");
    let grown = resident_mib(listener.child.id()) - before;
    assert!(grown < 40.0, "it grew by {grown:.0} MiB");
    drop(held);
}

#[test]
fn requests_sent_together_and_in_the_old_protocol_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let listener = Listener::start(folder.path(), &[]);
    let mut stream = listener.connect();
    let one = format!("GET /ping/{JOB} HTTP/1.1\r\nHost: x\r\n\r\n");
    let last = format!("GET /ping/{JOB}/256 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(format!("{}{last}", one.repeat(50)).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 50);
    assert!(text.ends_with("invalid url format"), "{text}");
    let mut stream = listener.connect();
    write!(stream, "GET /ping/{JOB} HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.0 200 OK") && text.ends_with("\r\n\r\nOK"), "{text}");
}
