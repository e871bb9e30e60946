//! Input that was made to hurt, given to every built program that reads records: memory stays
//! bounded, mistakes are told, nothing reaches the terminal that could steer it.

use std::io::{Read, Write};
use std::process::{ChildStdin, Command, Stdio};

use crate::programs::{built, names};

/// Programs that read records from standard input, with arguments that make them work on each.
const READERS: [(&str, &[&str]); 3] =
    [("rollup", &["--by", "*", "--stats", "count,mean,p95"]), ("emit", &["--to", "-"]), ("check", &["count(a) >= 0"])];

/// How a program ended.
struct Ended {
    out: String,
    err: String,
    code: Option<i32>,
    /// The most memory it had, in MiB.
    peak_mib: u64,
}

/// The readers that exist, each run on what `feed` writes.
fn each(feed: impl Fn(&mut ChildStdin) -> std::io::Result<()> + Sync) -> Vec<(&'static str, Ended)> {
    let readers = READERS.iter().filter(|(name, _)| names().contains(name));
    readers.map(|(name, arguments)| (*name, run(name, arguments, &feed))).collect()
}

fn run(name: &str, arguments: &[&str], feed: &(impl Fn(&mut ChildStdin) -> std::io::Result<()> + Sync)) -> Ended {
    let mut command = Command::new(built().join(name));
    command.args(arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let status = format!("/proc/{}/status", child.id());
    std::thread::scope(|scope| {
        // A program may end before it has read everything; then writing fails, which is its right.
        scope.spawn(move || drop(feed(&mut stdin)));
        let out = scope.spawn(move || text(&mut stdout));
        let err = scope.spawn(move || text(&mut stderr));
        let mut peak_mib = 0;
        let ended = loop {
            peak_mib = peak_of(&status).unwrap_or(0).max(peak_mib);
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            // The kernel keeps the peak, so that looking now and then misses only the last moment's.
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        Ended { out: out.join().unwrap(), err: err.join().unwrap(), code: ended.code(), peak_mib }
    })
}

fn text(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).expect("what a program writes is UTF-8")
}

/// The most resident memory that a process ever had, as Linux keeps it.
fn peak_of(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

const GOOD: &str = "{\"ts\":\"2026-11-22T19:45:00Z\",\"metric\":\"a\",\"value\":1}\n";

#[test]
fn a_line_of_a_gigabyte_is_told_and_never_held() {
    let chunk = vec![b'x'; 1 << 20];
    for (name, ended) in each(|stdin| {
        (0..1024).try_for_each(|_| stdin.write_all(&chunk))?;
        stdin.write_all(b"\n")?;
        stdin.write_all(GOOD.as_bytes())
    }) {
        assert!(ended.err.contains("a line may be 1048576 bytes at most, found 1073741824"), "{name}: {}", ended.err);
        assert!(ended.peak_mib < 48, "{name}: {} MiB", ended.peak_mib);
        assert!(ended.err.len() < 2000, "{name}: the line is not shown whole");
        if name != "check" {
            assert_eq!(ended.code, Some(65), "{name}");
            assert!(ended.out.contains("\"a\""), "{name}: the good line is done");
        }
    }
}

#[test]
fn a_million_series_are_bounded_and_told() {
    for (name, ended) in each(|stdin| {
        let mut out = std::io::BufWriter::with_capacity(1 << 16, stdin);
        (0..1_000_000)
            .try_for_each(|n| writeln!(out, "{{\"ts\":1795376703,\"metric\":\"m{n}\",\"value\":{n},\"tags\":{{\"user\":\"{n}\"}}}}"))
    }) {
        assert!(ended.peak_mib < 400, "{name}: {} MiB", ended.peak_mib);
        if name == "rollup" {
            assert!(ended.err.contains("900000 series past --max-series 100000"), "{}", ended.err);
            assert_eq!((ended.out.lines().count(), ended.code), (100_001, Some(0)));
        }
    }
}

#[test]
fn broken_bytes_are_told_with_their_place_and_the_rest_is_done() {
    let cases: [(&[u8], &str); 12] = [
        (b"{\"ts\":1,\"metric\":\"a\0b\",\"value\":1}", "stdin:1:"),
        (b"\0\0\0\0", "stdin:1:1:"),
        (b"{\"ts\":1,\"metric\":\"a\xff\",\"value\":1}", "not UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),
        (b"{\"ts\":1,\"metric\":\"a\\ud800\",\"value\":1}", "stdin:1:"),
        (b"{\"ts\":1,\"metric\":\"\\u001b[2J\",\"value\":1}", "control characters"),
        (b"{\"ts\":1,\"metric\":\"a\x1b]0;x\x07\",\"value\":1}", "stdin:1:"),
        (b"{\"ts\":1,\"metric\":\"a\",\"value\":1e999}", "range of a double"),
        (b"{\"ts\":1,\"metric\":\"a\",\"value\":NaN}", "stdin:1:"),
        (b"{\"ts\":\"9999-99-99\",\"metric\":\"a\",\"value\":1}", "is not a time"),
        (b"{\"ts\":1,\"metric\":\"a\",\"value\":1}{", "stdin:1:"),
        (b"\xef\xbb\xbf", "stdin:1:"),
    ];
    for (line, expected) in cases {
        for (name, ended) in each(|stdin| {
            stdin.write_all(line)?;
            stdin.write_all(b"\n")?;
            stdin.write_all(GOOD.as_bytes())
        }) {
            let shown = String::from_utf8_lossy(line);
            assert!(ended.err.contains(expected), "{name} on {shown}: {}", ended.err);
            assert!(harmless(&ended.err), "{name} on {shown}: {:?}", ended.err);
            if name != "check" {
                assert_eq!(ended.code, Some(65), "{name} on {shown}: {}", ended.err);
                assert!(ended.out.contains("\"a\""), "{name} on {shown}: the good line is done");
            }
        }
    }
}

#[test]
fn deep_nesting_is_refused_without_a_deep_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"ts\":1,\"metric\":\"a\",\"value\":1,\"x\":{}1{}}}\n", open.repeat(100_000), close.repeat(100_000));
        for (name, ended) in each(|stdin| stdin.write_all(deep.as_bytes()).and_then(|()| stdin.write_all(GOOD.as_bytes()))) {
            assert!(ended.err.contains("nested deeper than 64 levels"), "{name}: {}", ended.err);
            assert!(ended.code.is_some(), "{name} was ended by a signal");
        }
    }
}

#[test]
fn escapes_in_tags_and_texts_reach_no_terminal() {
    let lines = concat!(
        "{\"ts\":1795376703,\"metric\":\"a\",\"value\":1,\"tags\":{\"t\":\"\\u001b[31mred\\u0007\",\"\\u202e\":\"x\"}}\n",
        "{\"ts\":1795376703,\"event\":\"e\",\"text\":\"\\u001b]52;c;aGk=\\u0007\"}\n",
        "{\"ts\":1795376703,\"metric\":\"a\",\"value\":\"\\u001b[2J\"}\n",
    );
    for (name, ended) in each(|stdin| stdin.write_all(lines.as_bytes())) {
        assert!(harmless(&ended.err), "{name}: {:?}", ended.err);
        assert!(harmless(&ended.out), "{name}: {:?}", ended.out);
    }
}

/// Whether a text holds no control characters but newlines.
fn harmless(text: &str) -> bool {
    text.chars().all(|character| character == '\n' || !character.is_control())
}
