//! The state file alone: what is committed is read back, two at once agree, and what is wrong is told.

use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

fn held(check: &str, queue: &str, hold: &str) -> Held {
    Held { check: check.into(), tags: [("queue", queue)].into_iter().collect(), hold: hold.into() }
}

fn point(series: &str, seconds: i64, value: f64) -> Point {
    Point { series: format!("\"{series}\""), ts: at(seconds), value, weight: 1.0 }
}

/// A commit of nothing but an instant.
fn plain(from: Option<i64>, to: i64) -> Commit<'static> {
    Commit { rules: "r", from: from.map(at), at: at(to), holds: &[], points: &[], forget: &[] }
}

/// The memory, and the points as series, seconds and value.
fn load(state: &mut State, set: &str) -> (Option<Memory>, Vec<(String, i64, f64)>) {
    let mut points = Vec::new();
    let memory = state.load(set, |series, ts, value, _| points.push((series.to_owned(), ts.nanos() / 1_000_000_000, value))).unwrap();
    (memory, points)
}

#[test]
fn what_is_committed_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let holds = [held("b", "linux", r#"{"since":1}"#), held("a", "mac", "[1,2]"), held("a", "linux", "null")];
    let points = [point("x", 5, 1.5), point("x", 4, -2.0), point("w", 9, 1e300), point("x", 4, 7.0)];
    {
        let mut state = State::open(folder.path()).unwrap();
        assert_eq!(load(&mut state, "s"), (None, vec![]));
        let commit = Commit { holds: &holds, points: &points, ..plain(None, 10) };
        assert_eq!(state.commit("s", &commit).unwrap(), Committed::Done);
    }
    let mut state = State::open(folder.path()).unwrap();
    let (memory, found) = load(&mut state, "s");
    let memory = memory.unwrap();
    assert_eq!((memory.rules.as_str(), memory.at), ("r", at(10)));
    assert_eq!(memory.holds, [holds[2].clone(), holds[1].clone(), holds[0].clone()], "in the order of checks and tags");
    let x = "\"x\"".to_owned();
    assert_eq!(found, [("\"w\"".into(), 9, 1e300), (x.clone(), 4, -2.0), (x.clone(), 4, 7.0), (x, 5, 1.5)]);
    assert_eq!(load(&mut state, "another set"), (None, vec![]));
    assert_eq!(state.memory("s").unwrap(), Some(memory));
}

#[test]
fn a_commit_replaces_what_is_held_and_forgets_what_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::open(folder.path()).unwrap();
    let (first, second) = ([held("a", "x", "1"), held("b", "x", "2")], [held("b", "x", "3")]);
    let points = [point("x", 1, 1.0), point("x", 2, 2.0), point("gone", 1, 1.0), point("stays", 1, 1.0)];
    state.commit("s", &Commit { holds: &first, points: &points, ..plain(None, 10) }).unwrap();
    state.commit("other", &Commit { holds: &first, points: &points, ..plain(None, 10) }).unwrap();
    let forget = [("\"x\"".to_owned(), at(2)), ("\"gone\"".to_owned(), at(100)), ("\"never seen\"".to_owned(), at(5))];
    let commit = Commit { rules: "new", holds: &second, points: &[point("x", 3, 3.0)], forget: &forget, ..plain(Some(10), 20) };
    assert_eq!(state.commit("s", &commit).unwrap(), Committed::Done);
    let (memory, found) = load(&mut state, "s");
    assert_eq!(memory, Some(Memory { rules: "new".into(), at: at(20), holds: second.to_vec() }));
    assert_eq!(found, [("\"stays\"".into(), 1, 1.0), ("\"x\"".into(), 2, 2.0), ("\"x\"".into(), 3, 3.0)]);
    let series: i64 = state.connection.query_row("SELECT count(*) FROM check_series WHERE of = 1", [], |row| row.get(0)).unwrap();
    assert_eq!(series, 2, "a series without samples is forgotten");
    assert_eq!(load(&mut state, "other").1.len(), 4, "each set has its own");
}

/// | stored | began from | judged | becomes            |
/// |--------|------------|--------|--------------------|
/// | 10     | 10         | 20     | done               |
/// | 10     | 5 or none  | 20     | replaced           |
/// | 10     | 5          | 10     | overtaken          |
/// | 10     | 5          | 7      | overtaken          |
/// | 10     | 10         | 10     | done: judged again |
/// | 10     | 10         | 7      | overtaken: a clock was set back |
#[test]
fn the_later_instant_stays_and_no_sample_is_lost() {
    let cases = [
        (Some(10), 20, Committed::Done),
        (Some(5), 20, Committed::Replaced(at(10))),
        (None, 20, Committed::Replaced(at(10))),
        (Some(5), 10, Committed::Overtaken(at(10))),
        (None, 10, Committed::Overtaken(at(10))),
        (Some(5), 7, Committed::Overtaken(at(10))),
        (Some(10), 10, Committed::Done),
        (Some(10), 7, Committed::Overtaken(at(10))),
    ];
    for (from, to, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let (theirs, ours) = ([held("a", "x", "\"theirs\"")], [held("a", "x", "\"ours\"")]);
        state.commit("s", &Commit { holds: &theirs, points: &[point("x", 1, 1.0)], ..plain(None, 10) }).unwrap();
        let forget = [("\"x\"".to_owned(), at(2))];
        let commit = Commit { holds: &ours, points: &[point("x", 3, 3.0)], forget: &forget, ..plain(from, to) };
        assert_eq!(state.commit("s", &commit).unwrap(), expected, "{from:?} {to}");
        let (memory, points) = load(&mut state, "s");
        let memory = memory.unwrap();
        let overtaken = matches!(expected, Committed::Overtaken(_));
        assert_eq!(memory.at, if overtaken { at(10) } else { at(to) });
        assert_eq!(memory.holds, if overtaken { theirs } else { ours });
        assert_eq!(points.len(), if overtaken { 2 } else { 1 }, "{from:?} {to}");
    }
}

#[test]
fn many_at_once_lose_nothing_and_see_no_error() {
    const RUNS: i64 = 30;
    let folder = tempfile::tempdir().unwrap();
    let (start, path) = (Barrier::new(6), folder.path());
    std::thread::scope(|scope| {
        for run in 0..6 {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for n in 1..=RUNS {
                    // Opened each time, as by cron: the first opening makes and migrates the file under all of them.
                    let mut state = State::open(path).unwrap();
                    let from = state.memory("s").unwrap().map(|memory| memory.at);
                    let holds = [held("a", "x", &n.to_string()), held("b", "x", &n.to_string())];
                    let points = [point(&format!("of {run}"), n, run as f64)];
                    state.commit("s", &Commit { from, holds: &holds, points: &points, ..plain(None, n) }).unwrap();
                }
            });
        }
    });
    let (memory, points) = load(&mut State::open(path).unwrap(), "s");
    let memory = memory.unwrap();
    assert_eq!(memory.at, at(RUNS));
    assert!(memory.holds.iter().all(|held| held.hold == RUNS.to_string()), "{:?}", memory.holds);
    assert_eq!(points.len() as i64, 6 * RUNS);
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 1, "no file is left over");
}

#[test]
fn a_file_from_before_the_first_version_is_migrated_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(State::FILE);
    std::fs::write(&path, "").unwrap();
    State::open(folder.path()).unwrap().commit("s", &plain(None, 1)).unwrap();
    let set = |pragma: &str, value: i64| Connection::open(&path).unwrap().pragma_update(None, pragma, value).unwrap();

    set("user_version", 99);
    let error = State::open(folder.path()).unwrap_err();
    assert!(matches!(error, StateError::Newer { found: 99, .. }));
    let expected = "was written by a later version: its tables are of version 99, this program knows 2";
    assert_eq!(error.to_string(), format!("{}: {expected}", path.display()));

    set("user_version", 1);
    set("application_id", 5);
    let error = State::open(folder.path()).unwrap_err();
    assert!(matches!(error, StateError::Foreign { .. }) && error.hint().is_some(), "{error}");
}

#[test]
fn the_file_is_for_its_owner_and_safe_at_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    let mut state = State::open(&deep).unwrap();
    state.commit("s", &plain(None, 1)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&deep), mode(deep.parent().unwrap())), (0o700, 0o700));
    for name in [State::FILE.to_owned(), format!("{}-wal", State::FILE), format!("{}-shm", State::FILE)] {
        assert_eq!(mode(&deep.join(&name)), 0o600, "{name}");
    }
    let pragma = |name: &str| state.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((pragma("synchronous"), pragma("busy_timeout")), (2, 5000));
}

#[test]
fn a_damaged_file_is_told_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(State::FILE);
    let noise: Vec<u8> = (0..5000_u32).map(|n| ((n * 7919) >> 3) as u8).collect();
    std::fs::write(&path, &noise).unwrap();
    let error = State::open(folder.path()).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: is damaged, or is no state file: file is not a database", path.display()));
    assert!(error.hint().unwrap().contains("move it away"));
    assert_eq!(std::fs::read(&path).unwrap(), noise);

    // Pages in the middle of it are overwritten.
    std::fs::remove_file(&path).unwrap();
    let holds: Vec<Held> = (0..500).map(|n| held(&format!("check {n}"), "x", &format!("\"{}\"", "h".repeat(100)))).collect();
    State::open(folder.path()).unwrap().commit("s", &Commit { holds: &holds, ..plain(None, 1) }).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[8192..middle].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    let result = State::open(folder.path()).and_then(|mut state| state.memory("s"));
    assert!(matches!(result, Err(StateError::Corrupt { .. })), "{result:?}");
}

#[test]
fn a_hold_that_is_no_json_is_refused_and_nothing_of_the_commit_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::open(folder.path()).unwrap();
    let commit = Commit { holds: &[held("a", "x", "{")], points: &[point("x", 1, 1.0)], ..plain(None, 1) };
    assert!(matches!(state.commit("s", &commit), Err(StateError::Other { .. })));
    let commit = Commit { points: &[point("x", 1, f64::NAN)], ..plain(None, 1) };
    assert!(state.commit("s", &commit).is_err());
    assert_eq!(load(&mut state, "s"), (None, vec![]));
}

#[test]
fn a_locked_file_is_waited_for_and_then_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::open(folder.path()).unwrap();
    let other = Connection::open(folder.path().join(State::FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(state.memory("s").unwrap(), None, "a reader waits for no writer");
    assert!(State::open(folder.path()).is_ok(), "nor does opening");
    state.connection.busy_timeout(Duration::from_millis(50)).unwrap();
    let error = state.commit("s", &plain(None, 1)).unwrap_err();
    assert!(error.is_passing() && error.to_string().ends_with(": locked by another process for longer than 5 s"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(state.commit("s", &plain(None, 1)).unwrap(), Committed::Done);
}

#[test]
fn a_person_reads_it_in_a_view() {
    let folder = tempfile::tempdir().unwrap();
    let mut state = State::open(folder.path()).unwrap();
    for (set, nanos, text) in [
        ("a", 1_795_390_000_123_456_789, "2026-11-22T23:26:40.123456789Z"),
        ("b", -1, "1969-12-31T23:59:59.999999999Z"),
        ("c", 0, "1970-01-01T00:00:00.000000000Z"),
    ] {
        let holds = [held("check", "linux", "{\"since\":5}")];
        state.commit(set, &Commit { at: Timestamp::from_nanos(nanos), holds: &holds, ..plain(None, 0) }).unwrap();
        let row = state.connection.query_row(r#"SELECT at, "check", tags, hold FROM check_memory WHERE "set" = ?1"#, [set], |row| {
            Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        });
        assert_eq!(row.unwrap(), [text, "check", r#"{"queue":"linux"}"#, r#"{"since":5}"#]);
    }
}
