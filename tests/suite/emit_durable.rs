//! Nothing that `emit` reported as written is lost, and nothing torn is ever read: under kills,
//! limits and full disks.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pipewatch::ndjson;

fn emit(to: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emit"));
    command.args(["--sync", "always", "--to"]).arg(to);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn line(id: u64) -> String {
    // Lengths differ, so that tears fall everywhere.
    let filler = "x".repeat((id % 97) as usize);
    format!("{{\"ts\":\"2026-11-22T10:00:00Z\",\"metric\":\"m\",\"value\":{id},\"tags\":{{\"filler\":\"{filler}\"}}}}")
}

fn id(line: &str) -> u64 {
    line.split("\"value\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap().parse().unwrap()
}

/// Numbers that look random and are the same in each run (Marsaglia 2003, "Xorshift RNGs").
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// How one writer lives.
struct Life {
    /// The number of its first line.
    first: u64,
    /// How many lines it is sent at once.
    at_once: u64,
    /// Whether it gets the next lines only when it has reported the last ones; else as fast as it can.
    in_step: bool,
    /// Whether `span` counts from its first report, not from its start.
    after_report: bool,
    /// How long it lives.
    span: Duration,
}

/// Feeds lines to a writer that is killed in the middle of it; gives the ids that it reported.
fn write_and_kill(to: &Path, life: &Life) -> Vec<u64> {
    let mut child = emit(to).args(["--to", "-"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (report, reports) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut ids = Vec::new();
            for bytes in stdout.split(b'\n') {
                // What was killed in the middle of a line has not reported it.
                let Some(text) = String::from_utf8(bytes.unwrap()).ok().filter(|text| text.ends_with("}}")) else { break };
                ids.push(id(&text));
                let _ = report.send(id(&text));
            }
            ids
        });
        let (started, start) = std::sync::mpsc::channel();
        scope.spawn(move || {
            let mut reports = reports.into_iter();
            for first in (life.first..).step_by(life.at_once as usize) {
                let block: String = (first..first + life.at_once).map(|id| line(id) + "\n").collect();
                if stdin.write_all(block.as_bytes()).is_err() {
                    return;
                }
                let last = if life.in_step || first == life.first { first + life.at_once - 1 } else { 0 };
                if last > 0 && reports.find(|id| *id >= last).is_none() {
                    return;
                }
                let _ = started.send(());
            }
        });
        if life.after_report {
            start.recv().unwrap();
        }
        // The moment of the kill is the random part of this test; nothing waits for anything to be done.
        std::thread::sleep(life.span);
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap()
    })
}

#[test]
fn eight_writers_killed_two_hundred_times_lose_nothing_reported_and_leave_nothing_torn() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.ndjson");
    let reported: HashSet<u64> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8u64)
            .map(|writer| {
                let file = &file;
                scope.spawn(move || {
                    let mut random = Random(0x9e37_79b9_7f4a_7c15 + writer);
                    let mut reported = Vec::new();
                    for number in 0..25 {
                        let life = Life {
                            first: (writer * 25 + number) * 10_000_000,
                            at_once: [1, 7, 400, 5000][random.below(4) as usize],
                            in_step: random.below(2) == 0,
                            after_report: random.below(4) > 0,
                            span: Duration::from_micros(random.below(20_000)),
                        };
                        reported.extend(write_and_kill(file, &life));
                    }
                    reported
                })
            })
            .collect();
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    // A last writer mends what the last kill may have torn.
    let mut last = emit(&file).spawn().unwrap();
    last.stdin.take().unwrap().write_all((line(7) + "\n").as_bytes()).unwrap();
    assert!(last.wait().unwrap().success());

    let text = fs::read_to_string(&file).unwrap();
    let mut found = HashSet::new();
    for (at, bytes) in text.lines().enumerate() {
        assert!(ndjson::decode(bytes.as_bytes()).is_ok(), "line {} is no record: {bytes:?}", at + 1);
        assert_eq!(bytes, line(id(bytes)), "a line is as it was sent");
        assert!(found.insert(id(bytes)) || id(bytes) == 7, "a line comes twice: {bytes}");
    }
    let lost: Vec<_> = reported.difference(&found).take(5).collect();
    assert!(lost.is_empty(), "reported and lost: {lost:?}");
    assert!(reported.len() > 1000, "the writers did write: {}", reported.len());
}

#[test]
fn a_limit_on_file_sizes_is_an_error_that_names_the_file_and_leaves_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f.ndjson");
    let run = |blocks: u32, from: u64, to: u64| {
        // 512 bytes a block, as POSIX has it for sh.
        let script = format!("ulimit -f {blocks}; exec \"$0\" --to \"$1\"");
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_emit")])
            .arg(&file)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines: String = (from..to).map(|id| line(id) + "\n").collect();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (String::from_utf8(output.stderr).unwrap(), output.status.code())
    };
    assert_eq!(run(1000, 0, 10), (String::new(), Some(0)));
    let before = fs::read_to_string(&file).unwrap();
    let (told, code) = run(8, 10, 100);
    assert!(told.starts_with(&format!("emit: {}: cannot write: file too large", file.display())), "{told}");
    assert!(told.contains("90 records lost") && code == Some(74), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(run(1000, 100, 110), (String::new(), Some(0)));
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 20);
}

/// A small file system of its own, gone when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Result<SmallDisk, String> {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "pipewatch-test"]).arg(folder.path()).output();
        match output {
            Ok(output) if output.status.success() => Ok(SmallDisk(folder)),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// Says that a test could not be done here, where nobody overlooks it.
fn skipped(test: &str, reason: &str) {
    // Written past the capture of the test harness, which would hide it.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {reason}");
    if let Some(list) = std::env::var_os("PIPEWATCH_SKIPS") {
        let mut list = fs::File::options().create(true).append(true).open(list).unwrap();
        writeln!(list, "{test}: {reason}").unwrap();
    }
}

/// The next line of a pipe; a test that would wait for ever fails.
fn next_line<P: Read + AsFd>(pipe: &mut BufReader<P>) -> String {
    assert!(!pipe.buffer().is_empty() || comes(pipe, Duration::from_secs(20)), "a line was to come");
    let mut line = String::new();
    pipe.read_line(&mut line).unwrap();
    line
}

/// Whether a pipe has something to read within a time.
fn comes<P: Read + AsFd>(pipe: &BufReader<P>, within: Duration) -> bool {
    let mut fds = [rustix::event::PollFd::new(pipe.get_ref(), rustix::event::PollFlags::IN)];
    let within = rustix::event::Timespec { tv_sec: within.as_secs() as i64, tv_nsec: within.subsec_nanos().into() };
    rustix::event::poll(&mut fds, Some(&within)).unwrap() > 0
}

fn send(child: &mut Child, id: u64) {
    child.stdin.as_mut().unwrap().write_all((line(id) + "\n").as_bytes()).unwrap();
}

#[test]
fn a_full_disk_is_told_and_when_there_is_room_again_nothing_is_missing() {
    for history in [false, true] {
        let disk = match SmallDisk::mount() {
            Ok(disk) => disk,
            Err(reason) => return skipped("a_full_disk_is_told_and_when_there_is_room_again_nothing_is_missing", &reason),
        };
        let to: PathBuf = disk.0.path().join(if history { "h/" } else { "f.ndjson" });
        let file = if history { to.join("2026-11-22.ndjson") } else { to.clone() };
        let mut child = emit(&to).args(["--to", "-"]).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut out = String::new();
        send(&mut child, 1);
        out += &next_line(&mut stdout);

        let filler = disk.0.path().join("filler");
        let mut full = fs::File::create(&filler).unwrap();
        while full.write_all(&[0; 512]).is_ok() {}
        // The file has the rest of its own last page; these lines need more.
        let mut big = line(2);
        big.insert_str(big.len() - 3, &"y".repeat(8000));
        child.stdin.as_mut().unwrap().write_all((big.clone() + "\n").as_bytes()).unwrap();
        let told = next_line(&mut stderr);
        let expected =
            format!("emit: {}: cannot write: no space left on device; kept, and tried again with what follows\n", file.display());
        assert_eq!(told, expected);
        assert_eq!(fs::read_to_string(&file).unwrap(), line(1) + "\n", "the file is as it was");

        assert!(!comes(&stdout, Duration::from_millis(50)), "what the file has not taken does not come out");

        // Cut, not removed: while another test starts a program, that has this file open as well for a moment.
        full.set_len(0).unwrap();
        send(&mut child, 3);
        assert!(next_line(&mut stderr).ends_with(": works again\n"));
        out += &next_line(&mut stdout);
        out += &next_line(&mut stdout);
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let expected = format!("{}\n{big}\n{}\n", line(1), line(3));
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        assert_eq!(out, expected);
    }
}

#[test]
fn what_a_full_disk_lost_for_good_is_counted() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(reason) => return skipped("what_a_full_disk_lost_for_good_is_counted", &reason),
    };
    let file = disk.0.path().join("f.ndjson");
    let mut child = emit(&file).args(["--to", "-"]).spawn().unwrap();
    let lines: String = (0..2000).map(|id| line(id) + "\n").collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (told, out) = (String::from_utf8(output.stderr).unwrap(), String::from_utf8(output.stdout).unwrap());
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(out, kept, "only what is in the file comes out");
    let lost = 2000 - kept.lines().count();
    assert!(told.ends_with(&format!("f.ndjson: {lost} records lost\n")) && output.status.code() == Some(74), "{told}");
    assert!(kept.is_empty() || kept.ends_with('\n'));
}
