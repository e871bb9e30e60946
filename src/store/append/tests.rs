use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::time::Timestamp;

const GOOD: &str = "{\"ts\":\"2026-11-22T10:00:00Z\",\"metric\":\"a\",\"value\":1}\n";
const LAST: &str = "{\"ts\":\"2026-11-22T10:00:01Z\",\"metric\":\"a\",\"value\":2,\"tags\":{\"host\":\"w\"}}\n";
const NEXT: &str = "{\"ts\":\"2026-11-22T10:00:02Z\",\"metric\":\"a\",\"value\":3}\n";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn append(path: &Path, lines: &str) -> Result<Vec<Note>, AppendError> {
    let mut file = AppendFile::open(path, Durability::Never)?;
    file.append(lines.as_bytes())?;
    Ok(file.notes())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn line(ts: &str, value: usize) -> String {
    format!("{{\"ts\":\"{ts}\",\"metric\":\"m\",\"value\":{value}}}\n")
}

/// All lines of a day as the promised reader sees them: compressed first, then plain.
fn day_lines(folder: &Path, day: &str) -> String {
    let (plain, whole) = (folder.join(format!("{day}.ndjson")), folder.join(format!("{day}.ndjson.zst")));
    let unpack = |path: &PathBuf| String::from_utf8(zstd::decode_all(fs::File::open(path).unwrap()).unwrap()).unwrap();
    let plain_bytes = fs::read(&plain).unwrap_or_default();
    if plain_bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return unpack(&plain);
    }
    let packed = if whole.exists() { unpack(&whole) } else { String::new() };
    packed + std::str::from_utf8(&plain_bytes).unwrap()
}

fn write_history(folder: &Path, lines: &[(&str, usize)]) -> Vec<Note> {
    let mut history = AppendHistory::open(folder, Durability::Never).unwrap();
    for (ts, value) in lines {
        history.add(Timestamp::parse(ts).unwrap(), line(ts, *value).as_bytes());
    }
    history.append().unwrap();
    history.finish().unwrap();
    history.notes()
}

#[test]
fn a_write_torn_at_any_byte_is_mended_by_the_next_one() {
    for cut in 0..=LAST.len() {
        let folder = folder();
        let path = folder.path().join("f");
        fs::write(&path, format!("{GOOD}{}", &LAST[..cut])).unwrap();
        let notes = append(&path, NEXT).unwrap();
        // The whole record is kept, with or without its newline; a part of it is moved away.
        let kept = if cut >= LAST.len() - 1 { LAST } else { "" };
        assert_eq!(read(&path), format!("{GOOD}{kept}{NEXT}"), "cut at {cut}");
        let torn = folder.path().join("f.torn");
        if (1..LAST.len() - 1).contains(&cut) {
            assert_eq!(read(&torn), format!("{}\n", &LAST[..cut]));
            assert!(matches!(notes.as_slice(), [Note::Mended { cut_bytes, .. }] if *cut_bytes == cut as u64));
        } else {
            assert!(!torn.exists() && notes.is_empty(), "cut at {cut}");
        }
    }
}

#[test]
fn a_first_line_that_is_torn_is_mended_too() {
    let folder = folder();
    let path = folder.path().join("f");
    fs::write(&path, &GOOD[..20]).unwrap();
    append(&path, NEXT).unwrap();
    assert_eq!(read(&path), NEXT);
}

#[test]
fn a_length_without_bytes_is_cut_off() {
    let folder = folder();
    let path = folder.path().join("f");
    fs::write(&path, format!("{GOOD}{}{}", &LAST[..20], "\0".repeat(10_000))).unwrap();
    append(&path, NEXT).unwrap();
    assert_eq!(read(&path), format!("{GOOD}{NEXT}"));
    assert_eq!(read(&folder.path().join("f.torn")).len(), 10_021);
}

#[test]
fn a_file_that_is_no_file_of_records_is_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("f");
    let bytes = "x".repeat(3 << 20);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(append(&path, NEXT), Err(AppendError::NoRecords { .. })));
    assert!(read(&path) == bytes);
}

#[test]
fn nothing_plain_is_put_behind_compressed_bytes() {
    let folder = folder();
    let path = folder.path().join("f");
    let packed = zstd::encode_all(GOOD.as_bytes(), 1).unwrap();
    fs::write(&path, &packed).unwrap();
    assert!(matches!(append(&path, NEXT), Err(AppendError::Compressed { .. })));
    assert_eq!(fs::read(&path).unwrap(), packed);
}

#[test]
fn a_day_that_somebody_packed_otherwise_is_left_as_it_is() {
    let folder = folder();
    let plain = folder.path().join("2026-11-20.ndjson");
    fs::write(&plain, b"\x1f\x8b\x08...").unwrap();
    let mut history = AppendHistory::open(folder.path(), Durability::Never).unwrap();
    history.add(Timestamp::parse("2026-11-20T10:00:00Z").unwrap(), GOOD.as_bytes());
    assert!(matches!(history.append(), Err(AppendError::Compressed { .. })));
    assert_eq!(history.pending_lines(), 1);
    write_history(folder.path(), &[("2026-11-21T10:00:00Z", 1), ("2026-11-22T10:00:00Z", 2)]);
    assert_eq!(fs::read(&plain).unwrap(), b"\x1f\x8b\x08...");
}

#[test]
fn a_file_that_was_rotated_away_is_begun_anew() {
    let folder = folder();
    let (path, old) = (folder.path().join("f"), folder.path().join("f.1"));
    let mut file = AppendFile::open(&path, Durability::Never).unwrap();
    file.append(GOOD.as_bytes()).unwrap();
    fs::rename(&path, &old).unwrap();
    file.append(NEXT.as_bytes()).unwrap();
    assert_eq!((read(&old).as_str(), read(&path).as_str()), (GOOD, NEXT));
}

#[test]
fn a_link_is_followed_also_to_what_is_not_there_yet() {
    let folder = folder();
    let (path, real) = (folder.path().join("link"), folder.path().join("real"));
    std::os::unix::fs::symlink(&real, &path).unwrap();
    append(&path, GOOD).unwrap();
    assert_eq!(read(&real), GOOD);
}

#[test]
fn what_is_no_regular_file_is_written_as_it_is() {
    let mut full = AppendFile::open(Path::new("/dev/full"), Durability::Always).unwrap();
    let error = full.append(GOOD.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "/dev/full: cannot write");
    AppendFile::open(Path::new("/dev/null"), Durability::Always).unwrap().append(GOOD.as_bytes()).unwrap();
}

#[test]
fn every_durability_writes_the_same() {
    for durability in Durability::NAMES.map(|name| Durability::parse(name).unwrap()) {
        let folder = folder();
        let path = folder.path().join("f");
        let mut file = AppendFile::open(&path, durability).unwrap();
        for _ in 0..3 {
            file.append(GOOD.as_bytes()).unwrap();
        }
        file.finish().unwrap();
        file.append(GOOD.as_bytes()).unwrap();
        assert_eq!(read(&path), GOOD.repeat(4), "{durability:?}");
    }
}

#[test]
fn a_record_goes_to_its_own_day() {
    let folder = folder();
    let records = [("2026-11-21T23:59:59.999999999Z", 1), ("2026-11-22T00:00:00Z", 2), ("1969-12-31T23:00:00Z", 3)];
    write_history(folder.path(), &records);
    for (ts, value) in records {
        assert_eq!(day_lines(folder.path(), &ts[..10]), line(ts, value));
    }
}

#[test]
fn a_new_day_compresses_the_days_before_it() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    write_history(folder.path(), &[("2026-11-20T10:00:00Z", 1), ("2026-11-21T10:00:00Z", 2)]);
    assert!(path("2026-11-20.ndjson.zst").exists() && !path("2026-11-20.ndjson").exists());
    assert!(path("2026-11-21.ndjson").exists() && !path("2026-11-21.ndjson.zst").exists());
    write_history(folder.path(), &[("2026-11-21T11:00:00Z", 3)]);
    assert!(path("2026-11-21.ndjson").exists(), "the newest day stays plain");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn what_comes_late_for_a_compressed_day_is_kept_and_joins_it_at_the_next_turn() {
    let folder = folder();
    write_history(folder.path(), &[("2026-11-20T10:00:00Z", 1), ("2026-11-21T10:00:00Z", 2)]);
    write_history(folder.path(), &[("2026-11-20T10:00:01Z", 3)]);
    let expected = line("2026-11-20T10:00:00Z", 1) + &line("2026-11-20T10:00:01Z", 3);
    assert!(folder.path().join("2026-11-20.ndjson").exists());
    assert_eq!(day_lines(folder.path(), "2026-11-20"), expected);
    write_history(folder.path(), &[("2026-11-22T10:00:00Z", 4)]);
    assert!(!folder.path().join("2026-11-20.ndjson").exists());
    assert_eq!(day_lines(folder.path(), "2026-11-20"), expected);
}

#[test]
fn a_turn_cut_short_between_its_renames_is_brought_to_its_end() {
    for next in ["2026-11-20T10:00:09Z", "2026-11-22T10:00:09Z"] {
        let folder = folder();
        let (first, late) = (line("2026-11-20T10:00:00Z", 1), line("2026-11-20T10:00:01Z", 2));
        let pack = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
        fs::write(folder.path().join("2026-11-20.ndjson.zst"), pack(&first)).unwrap();
        fs::write(folder.path().join("2026-11-20.ndjson"), [pack(&first), pack(&late)].concat()).unwrap();
        fs::write(folder.path().join("2026-11-21.ndjson"), line("2026-11-21T10:00:00Z", 3)).unwrap();
        let notes = write_history(folder.path(), &[(next, 9)]);
        assert!(notes.is_empty(), "{notes:?}");
        let added = if next.starts_with("2026-11-20") { line(next, 9) } else { String::new() };
        assert_eq!(day_lines(folder.path(), "2026-11-20"), first + &late + &added, "{next}");
        assert!(folder.path().join("2026-11-20.ndjson.zst").exists());
    }
}

#[test]
fn a_turn_cut_short_before_its_renames_is_done_again() {
    let folder = folder();
    fs::write(folder.path().join(".2026-11-20.ndjson.zst.tmp"), b"half of it").unwrap();
    write_history(folder.path(), &[("2026-11-20T10:00:00Z", 1), ("2026-11-21T10:00:00Z", 2)]);
    assert_eq!(day_lines(folder.path(), "2026-11-20"), line("2026-11-20T10:00:00Z", 1));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_torn_past_day_is_mended_before_it_is_compressed() {
    let folder = folder();
    let good = line("2026-11-20T10:00:00Z", 1);
    fs::write(folder.path().join("2026-11-20.ndjson"), format!("{good}{{\"ts\":\"2026")).unwrap();
    let notes = write_history(folder.path(), &[("2026-11-21T10:00:00Z", 2)]);
    assert!(matches!(notes.as_slice(), [Note::Mended { .. }]), "{notes:?}");
    assert_eq!(day_lines(folder.path(), "2026-11-20"), good);
}

#[test]
fn a_past_day_without_its_last_newline_joins_what_comes_later_line_by_line() {
    let folder = folder();
    let good = line("2026-11-20T10:00:00Z", 1);
    fs::write(folder.path().join("2026-11-20.ndjson"), good.trim_end()).unwrap();
    assert!(write_history(folder.path(), &[("2026-11-21T10:00:00Z", 2)]).is_empty());
    assert!(folder.path().join("2026-11-20.ndjson.zst").exists());
    write_history(folder.path(), &[("2026-11-20T10:00:01Z", 3)]);
    write_history(folder.path(), &[("2026-11-22T10:00:00Z", 4)]);
    assert_eq!(day_lines(folder.path(), "2026-11-20"), good + &line("2026-11-20T10:00:01Z", 3));
}

#[test]
fn a_writer_that_holds_a_day_open_while_it_is_compressed_loses_nothing() {
    let folder = folder();
    let mut history = AppendHistory::open(folder.path(), Durability::Never).unwrap();
    let mut expected = String::new();
    for round in 0..40 {
        let (old, new) = ("2026-11-20T10:00:00Z", format!("2026-12-{:02}T00:00:00Z", round % 28 + 1));
        expected += &line(old, round);
        history.add(Timestamp::parse(old).unwrap(), line(old, round).as_bytes());
        history.append().unwrap();
        write_history(folder.path(), &[(&new, round)]);
    }
    history.finish().unwrap();
    assert_eq!(day_lines(folder.path(), "2026-11-20"), expected);
}

#[test]
fn many_writers_and_turns_at_once_lose_and_double_nothing() {
    let folder = folder();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let mut history = AppendHistory::open(folder, Durability::Never).unwrap();
                for round in 0..200 {
                    let ts = format!("2026-11-{:02}T10:00:00Z", 1 + round / 10);
                    history.add(Timestamp::parse(&ts).unwrap(), line(&ts, writer * 1000 + round).as_bytes());
                    history.append().unwrap();
                }
                history.finish().unwrap();
                assert!(history.notes().is_empty());
            });
        }
    });
    let mut found: Vec<String> = Vec::new();
    for day in 1..=20 {
        found.extend(day_lines(folder.path(), &format!("2026-11-{day:02}")).lines().map(str::to_owned));
    }
    let mut expected: Vec<String> = Vec::new();
    for (writer, round) in (0..4).flat_map(|writer| (0..200).map(move |round| (writer, round))) {
        expected.push(line(&format!("2026-11-{:02}T10:00:00Z", 1 + round / 10), writer * 1000 + round).trim_end().to_owned());
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
