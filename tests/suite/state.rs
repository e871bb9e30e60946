//! The state file under what happens to files: processes killed, two at once, full and read-only disks.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pipewatch::record::Tags;
use pipewatch::store::state::{Commit, Committed, Held, Point, State, StateError};
use pipewatch::time::Timestamp;

use crate::programs::skip;

/// How many checks and samples a commit of [`step`] has.
const MANY: usize = 40;

fn at(step: i64) -> Timestamp {
    Timestamp::from_nanos(step * 1_000_000_000)
}

/// Commits the step after the one that is stored: every hold and every sample bears its number.
fn step(state: &mut State, series: &str) -> Result<(i64, Committed), StateError> {
    let from = state.memory("s")?.map(|memory| memory.at);
    let n = from.map_or(0, |from| from.nanos() / 1_000_000_000) + 1;
    let hold = |check: usize| Held { check: format!("check {check}"), tags: Tags::new(), hold: n.to_string() };
    let holds: Vec<Held> = (0..MANY).map(hold).collect();
    let series = format!("\"{series}\"");
    let points: Vec<Point> = (0..MANY).map(|_| Point { series: series.clone(), ts: at(n), value: n as f64, weight: 1.0 }).collect();
    let forget = [(series, at(n - 3))];
    let commit = Commit { rules: "r", from, at: at(n), holds: &holds, points: &points, forget: &forget };
    Ok((n, state.commit("s", &commit)?))
}

/// The step that a state is at; all of it must be of that step.
fn whole(folder: &Path) -> i64 {
    let mut counts = std::collections::BTreeMap::new();
    let mut state = State::open(folder).unwrap();
    let memory = state.load("s", |_, ts, value, _| *counts.entry((ts.nanos() / 1_000_000_000, value as i64)).or_insert(0) += 1).unwrap();
    let Some(memory) = memory else {
        assert!(counts.is_empty());
        return 0;
    };
    let n = memory.at.nanos() / 1_000_000_000;
    assert_eq!(memory.holds.len(), MANY);
    assert!(memory.holds.iter().all(|held| held.hold == n.to_string()), "a mix: {n}, {:?}", memory.holds);
    let expected: Vec<_> = ((n - 3).max(1)..=n).map(|step| ((step, step), MANY)).collect();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected, "the samples are of the same step as the holds");
    n
}

/// This binary as another process, in which only [`another_process`] runs.
fn process(folder: &Path, job: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["state::another_process", "--exact", "--nocapture"]).env("PIPEWATCH_TEST_STATE", folder).env("PIPEWATCH_TEST_JOB", job);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

#[test]
fn another_process() {
    let (Some(folder), Ok(job)) = (std::env::var_os("PIPEWATCH_TEST_STATE"), std::env::var("PIPEWATCH_TEST_JOB")) else { return };
    let mut out = std::io::stdout();
    let steps = job.strip_prefix("steps ").map_or(i64::MAX, |steps| steps.parse().unwrap());
    // Whoever is killed goes on with the series of the one before; those at once have their own.
    let series = if steps == i64::MAX { "x".to_owned() } else { format!("of {}", std::process::id()) };
    for _ in 0..steps {
        let mut state = State::open(Path::new(&folder)).unwrap();
        let (n, committed) = step(&mut state, &series).unwrap();
        writeln!(out, "step {n} {committed:?}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_kill_leaves_the_old_or_the_new_state_and_never_a_mix() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for life in 0..15u64 {
        let mut child = process(folder.path(), "until killed");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let told = |line: String| line.strip_prefix("step ").map(|rest| rest.split(' ').next().unwrap().parse::<i64>().unwrap());
        let mut acknowledged = lines.by_ref().filter_map(told).nth(life as usize % 4).unwrap();
        // Somewhere in one of the next commits; each takes about a millisecond.
        std::thread::sleep(Duration::from_micros(life * 337));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = lines.filter_map(told).last().unwrap_or(acknowledged);
        let found = whole(folder.path());
        assert!(found == acknowledged || found == acknowledged + 1, "{acknowledged} was acknowledged, {found} is there");
        assert!(found > last);
        last = found;
    }
}

#[test]
fn processes_at_once_lose_nothing() {
    const STEPS: usize = 25;
    let folder = tempfile::tempdir().unwrap();
    let children: Vec<Child> = (0..3).map(|_| process(folder.path(), &format!("steps {STEPS}"))).collect();
    let mut fates = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<String> = text.lines().filter(|line| line.starts_with("step ")).map(str::to_owned).collect();
        assert_eq!(lines.len(), STEPS, "{text}");
        fates.extend(lines);
    }
    let done = fates.iter().filter(|line| line.ends_with(" Done")).count();
    let mut steps: Vec<i64> = Vec::new();
    let mut state = State::open(folder.path()).unwrap();
    let memory = state.load("s", |_, ts, _, _| steps.push(ts.nanos() / 1_000_000_000)).unwrap().unwrap();
    assert_eq!(memory.at, at(done as i64), "each step was done once, and the others were overtaken");
    assert!(memory.holds.len() == MANY && memory.holds.iter().all(|held| held.hold == done.to_string()));
    let last = fates.iter().filter(|line| line.starts_with(&format!("step {done} "))).count();
    assert_eq!(steps.iter().filter(|step| **step == done as i64).count(), last * MANY, "the samples of all that came to the last step");
}

/// A small file system of its own, gone when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(test: &str) -> Option<Disk> {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk(folder);
        let mounted = mount(&["-t", "tmpfs", "-o", "size=512k", "pipewatch-test"], disk.0.path());
        if let Err(why) = &mounted {
            skip(test, &format!("no file system can be mounted: {why}"));
        }
        mounted.ok().map(|()| disk)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).stderr(Stdio::null()).status();
    }
}

fn mount(arguments: &[&str], place: &Path) -> Result<(), String> {
    let output = Command::new("mount").args(arguments).arg(place).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

#[test]
fn a_full_disk_is_told_and_keeps_what_was_committed() {
    let Some(disk) = Disk::mount("a_full_disk_is_told_and_keeps_what_was_committed") else { return };
    let folder = disk.0.path().join("state");
    let mut state = State::open(&folder).unwrap();
    for _ in 0..5 {
        step(&mut state, "x").unwrap();
    }
    let mut filler = std::fs::File::create(disk.0.path().join("filler")).unwrap();
    while filler.write_all(&[0; 512]).is_ok() {}
    let error = (0..100).find_map(|_| step(&mut state, "x").err()).expect("there is no room for a hundred steps");
    assert!(matches!(error, StateError::Full { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("{}: cannot write: no space left on device", folder.join(State::FILE).display()));
    // A new process finds no room even for the log's index.
    let fresh = disk.0.path().join("another");
    match State::open(&fresh) {
        Ok(_) => panic!("there is no room for another file"),
        Err(error) => assert!(matches!(error, StateError::Full { .. } | StateError::Make { .. }), "{error:?}"),
    }
    filler.set_len(0).unwrap();
    let before = whole(&folder);
    assert!(before >= 5);
    assert_eq!(step(&mut state, "x").unwrap(), (before + 1, Committed::Done), "it goes on where it was");
    drop(state);
    assert_eq!(whole(&folder), before + 1);
}

#[test]
fn a_read_only_folder_is_told() {
    let Some(disk) = Disk::mount("a_read_only_folder_is_told") else { return };
    let folder = disk.0.path().join("state");
    step(&mut State::open(&folder).unwrap(), "x").unwrap();
    mount(&["-o", "remount,ro"], disk.0.path()).unwrap();
    let error = State::open(&folder).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: cannot write: the file or its folder is read-only", folder.join(State::FILE).display()));
    let hint = error.hint().unwrap();
    assert_eq!(hint, format!("let the user that runs check write to `{}`, or choose another folder by --state", folder.display()));
    let fresh = disk.0.path().join("another");
    let error = State::open(&fresh).unwrap_err();
    let expected = format!("{}: cannot be made: read-only file system", fresh.join(State::FILE).display());
    assert_eq!(error.to_string(), expected);
    mount(&["-o", "remount,rw"], disk.0.path()).unwrap();
    assert_eq!(whole(&folder), 1);
}
