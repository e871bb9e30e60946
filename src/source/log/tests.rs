//! Patterns on lines, and tails through rotation.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::*;
use crate::time::Span;

fn options(pattern: &str) -> Options {
    Options {
        pattern: pattern.into(),
        values: Vec::new(),
        metric: None,
        event: None,
        unit: None,
        kind: SampleType::Gauge,
        time_format: TimeFormat::Usual,
        tags: Tags::new(),
    }
}

/// What a line becomes, or that it does not match.
fn read(options: &Options, line: &str) -> Result<Option<String>, String> {
    let mut pattern = Pattern::new(options).map_err(|why| format!("{why:?}"))?;
    let mut out = Vec::new();
    let matched = pattern.read(line.as_bytes(), Timestamp::default(), &mut out);
    let matched = matched.map_err(|error| format!("{} {error}", error.column))?;
    assert!(matched || out.is_empty());
    Ok(matched.then(|| String::from_utf8(out).unwrap()))
}

#[test]
fn groups_become_time_values_and_tags() {
    let access = Options {
        values: vec!["bytes".into()],
        metric: Some("request".into()),
        unit: Some("s".into()),
        time_format: TimeFormat::parse("%d/%b/%Y:%H:%M:%S %z").unwrap(),
        ..options(r#"\[(?<ts>[^]]+)\] "(?<method>\w+) \S+ \S+" (?<status>\d+) (?<bytes>\S+) (?<value>\S+)"#)
    };
    let line = r#"10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 - 0.25"#;
    let tags = r#""tags":{"method":"GET","status":"200"}"#;
    let sample = format!("{{\"ts\":\"2000-10-10T20:55:36Z\",\"metric\":\"request\",\"value\":0.25,\"unit\":\"s\",{tags}}}\n");
    assert_eq!(read(&access, line), Ok(Some(sample)), "a dash is a value that is not known");
    let both = read(&access, &line.replace(" - 0.25", " 512 0.25\r")).unwrap().unwrap();
    assert_eq!(both.lines().count(), 2);
    assert!(both.contains("\"metric\":\"request.bytes\",\"value\":512"), "{both}");
    assert_eq!(read(&access, "something else"), Ok(None));
}

#[test]
fn a_line_without_a_value_counts_as_one_more() {
    let line = read(&options("^(?<level>[A-Z]+) "), "ERROR it broke").unwrap().unwrap();
    assert_eq!(
        line,
        "{\"ts\":\"1970-01-01T00:00:00Z\",\"metric\":\"log.lines\",\"value\":1,\"type\":\"delta\",\"tags\":{\"level\":\"ERROR\"}}\n"
    );
}

#[test]
fn a_line_may_be_an_event() {
    let deploy = Options { event: Some("deploy".into()), ..options(r"^(?<time>\S+) deployed (?<text>.*) by (?<who>\w+)") };
    assert_eq!(
        read(&deploy, "2026-01-02T03:04:05Z deployed api 4f2a by ann").unwrap().unwrap(),
        "{\"ts\":\"2026-01-02T03:04:05Z\",\"event\":\"deploy\",\"text\":\"api 4f2a\",\"tags\":{\"who\":\"ann\"}}\n"
    );
    let any = Options { event: Some("note".into()), ..options("disk") };
    assert!(read(&any, "the disk is full").unwrap().unwrap().contains("\"text\":\"the disk is full\""));
}

#[test]
fn the_tags_of_one_line_do_not_shine_through_on_the_next() {
    let mut pattern = Pattern::new(&options(r"^(a(?<x>\d)|b)")).unwrap();
    let mut out = Vec::new();
    for line in ["a1", "b"] {
        pattern.read(line.as_bytes(), Timestamp::default(), &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    assert!(text.lines().nth(1).unwrap().ends_with("\"tags\":{\"x\":\"\"}}"), "{text}");
}

#[test]
fn what_a_group_should_not_hold_is_told_with_its_column() {
    let timed = Options { metric: Some("m".into()), ..options(r"^(?<ts>\S+) (?<value>\S+)") };
    assert_eq!(read(&timed, "soon 1"), Err("1 group `ts` must be a time, found \"soon\"".into()));
    assert_eq!(read(&timed, "2026-01-02 1x"), Err("12 group `value` must be a number, found \"1x\"".into()));
    let two = Options { values: vec!["b".into()], ..options(r"(?<a>\d) (?<b>\S+) (?<value>\S+)") };
    assert_eq!(read(&Options { metric: Some("m".into()), ..two }, "1 x 2"), Err("3 group `b` must be a number, found \"x\"".into()));
}

#[test]
fn groups_that_do_not_fit_are_refused() {
    let refused = |options: &Options| Pattern::new(options).unwrap_err();
    assert_eq!(refused(&options("(?<value>.)")), PatternError::Nameless);
    let named = Options { values: vec!["siez".into()], ..options("(?<size>.)") };
    assert_eq!(refused(&named), PatternError::Unknown("siez".into(), vec!["size".into()]));
    assert!(matches!(refused(&options("(")), PatternError::Regex(_)));
    assert!(matches!(refused(&Options { metric: Some(String::new()), ..options("a") }), PatternError::Name(..)));
}

/// A followed file in a folder of its own.
struct Scene {
    folder: tempfile::TempDir,
    tail: Option<Tail>,
    seconds: u32,
}

impl Scene {
    fn new() -> Scene {
        Scene { folder: tempfile::tempdir().unwrap(), tail: None, seconds: 0 }
    }

    fn path(&self) -> PathBuf {
        self.at("app.log")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, text: &str) {
        File::options().create(true).append(true).open(self.path()).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Begins to follow, as the program does when it starts.
    fn start(&mut self, places: Option<&[Place]>, from_end: bool) -> Vec<String> {
        let mut seen = Vec::new();
        let tail = Tail::new(&self.path(), places, from_end, Span::from_secs(self.seconds), &mut |piece| note(&mut seen, &piece));
        self.tail = Some(tail.unwrap());
        seen
    }

    /// Everything that is new, a second later.
    fn read(&mut self) -> Vec<String> {
        self.seconds += 1;
        let (now, mut seen) = (Span::from_secs(self.seconds), Vec::new());
        let tail = self.tail.as_mut().unwrap();
        while !tail.poll(now, &mut |piece| note(&mut seen, &piece)).unwrap() {}
        seen
    }

    fn places(&self) -> Vec<Place> {
        self.tail.as_ref().unwrap().places()
    }
}

fn note(seen: &mut Vec<String>, piece: &Seen<'_>) -> std::io::Result<()> {
    seen.push(match piece {
        Seen::Line(line) => String::from_utf8_lossy(line).into_owned(),
        other => format!("{other:?}"),
    });
    Ok(())
}

#[test]
fn lines_are_given_once_they_are_complete() {
    let mut scene = Scene::new();
    scene.append("one\ntw");
    scene.start(None, false);
    assert_eq!(scene.read(), ["one"]);
    scene.append("o\nthree\n");
    assert_eq!(scene.read(), ["two", "three"]);
    assert!(scene.read().is_empty());
}

#[test]
fn from_the_end_begins_with_the_line_that_is_being_written() {
    let mut scene = Scene::new();
    scene.append("old\nhal");
    scene.start(None, true);
    scene.append("f\nnew\n");
    assert_eq!(scene.read(), ["half", "new"]);
}

#[test]
fn a_renamed_file_is_read_to_its_end_and_beyond() {
    let mut scene = Scene::new();
    scene.append("one\n");
    scene.start(None, false);
    let mut writer = File::options().append(true).open(scene.path()).unwrap();
    fs::rename(scene.path(), scene.at("app.log.1")).unwrap();
    writer.write_all(b"two\n").unwrap();
    scene.append("three\n");
    assert_eq!(scene.read(), ["one", "two", "News(Rotated)", "three"]);
    // The writer has not heard of the rotation yet.
    writer.write_all(b"late\nunfinished").unwrap();
    assert_eq!(scene.read(), ["late"]);
    scene.seconds += 11;
    assert_eq!(scene.read(), ["unfinished"], "after ten silent seconds it is left, with its last line");
    assert_eq!(scene.places().len(), 1);
}

#[test]
fn a_deleted_file_is_read_to_its_end() {
    let mut scene = Scene::new();
    scene.append("one\n");
    scene.start(None, false);
    fs::remove_file(scene.path()).unwrap();
    assert_eq!(scene.read(), ["one"]);
    scene.append("two\n");
    assert_eq!(scene.read(), ["News(Rotated)", "two"]);
}

#[test]
fn a_truncated_file_is_read_from_its_start() {
    let mut scene = Scene::new();
    scene.append("one\ntwo\n");
    scene.start(None, false);
    assert_eq!(scene.read(), ["one", "two"]);
    fs::copy(scene.path(), scene.at("app.log.1")).unwrap();
    File::create(scene.path()).unwrap();
    scene.append("3\n");
    assert_eq!(scene.read(), ["News(Truncated)", "3"]);
    // Written anew, and longer than before, between two looks.
    File::create(scene.path()).unwrap();
    scene.append("four\nfive\nsix\n");
    assert_eq!(scene.read(), ["News(Truncated)", "four", "five", "six"]);
}

#[test]
fn a_file_that_is_not_there_is_waited_for() {
    let mut scene = Scene::new();
    scene.start(None, true);
    assert_eq!(scene.read(), ["News(Missing)"]);
    assert!(scene.read().is_empty());
    scene.append("one\n");
    assert_eq!(scene.read(), ["News(Appeared)", "one"], "what came after the start is new, even from the end");
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let mut scene = Scene::new();
    scene.append("one\ntw");
    scene.start(None, false);
    assert_eq!(scene.read(), ["one"]);
    let places = scene.places();
    scene.append("o\nthree\n");
    scene.start(Some(&places), true);
    assert_eq!(scene.read(), ["two", "three"]);
}

#[test]
fn a_restart_finds_the_file_that_was_renamed_meanwhile() {
    let mut scene = Scene::new();
    scene.append("one\n");
    scene.start(None, false);
    assert_eq!(scene.read(), ["one"]);
    let places = scene.places();
    scene.append("two\n");
    fs::rename(scene.path(), scene.at("app.log.1")).unwrap();
    scene.append("three\n");
    assert!(scene.start(Some(&places), true).is_empty());
    assert_eq!(scene.read(), ["two", "three"]);
}

#[test]
fn files_that_came_and_went_between_two_looks_are_read_too() {
    let mut scene = Scene::new();
    scene.append("one\n");
    fs::rename(scene.path(), scene.at("app.log.0")).unwrap();
    // Files carry times of a few milliseconds' precision.
    std::thread::sleep(std::time::Duration::from_millis(20));
    scene.append("two\n");
    scene.start(None, false);
    assert_eq!(scene.read(), ["two"]);
    let places = scene.places();
    let rotate = |scene: &Scene| {
        for (number, text) in [(1, "three\n"), (2, "four\n"), (3, "five\n")] {
            fs::rename(scene.path(), scene.at(&format!("app.log.{number}"))).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            scene.append(text);
        }
        fs::copy(scene.at("app.log.2"), scene.at("app.log.2.backup")).unwrap();
        fs::write(scene.at("other.log.1"), "none of ours\n").unwrap();
        fs::write(scene.at("app.log.4.gz"), b"\x1f\x8bpacked\n").unwrap();
    };
    rotate(&scene);
    let expected = ["three", "four", "five"];
    let mut seen = scene.read();
    seen.retain(|line| !line.starts_with("News"));
    seen.sort_by_key(|line| expected.iter().position(|expected| expected == line));
    assert!(seen.starts_with(&["three".into(), "four".into()]) && seen.ends_with(&["five".into()]), "{seen:?}");
    assert!(scene.start(Some(&places), true).is_empty());
    let again = scene.read();
    assert!(expected.iter().all(|line| again.iter().any(|seen| seen == line)), "{again:?}");
    assert!(!again.iter().any(|line| line == "one" || line == "two" || line.contains("ours")), "{again:?}");
}

#[test]
fn a_restart_knows_another_file_by_the_same_number() {
    let mut scene = Scene::new();
    scene.append("one\n");
    scene.start(None, false);
    assert_eq!(scene.read(), ["one"]);
    let mut places = scene.places();
    // As if the inode number had been given to the new file.
    fs::write(scene.path(), "other\nlines\n").unwrap();
    places[0].inode = inode(&scene.path());
    assert_eq!(scene.start(Some(&places), true), ["News(Gone)"]);
    assert_eq!(scene.read(), ["other", "lines"]);
}

fn inode(path: &Path) -> u64 {
    std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap())
}

#[test]
fn a_watch_tells_of_an_append_and_a_new_file() {
    let scene = Scene::new();
    scene.append("one\n");
    let path = scene.path();
    let watch = Watch::new([path.as_path()].into_iter()).unwrap();
    let told = || {
        let mut fds = [rustix::event::PollFd::from_borrowed_fd(watch.fd(), rustix::event::PollFlags::IN)];
        let none = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut fds, Some(&none)).unwrap() > 0
    };
    assert!(!told());
    scene.append("two\n");
    assert!(told());
    watch.clear();
    assert!(!told());
    fs::rename(&path, scene.at("app.log.1")).unwrap();
    assert!(told());
}
