//! Reading: files plain or compressed, history folders, and only the part that is asked for.
//!
//! Inside a plain file a time is found by bisection, as its lines are nearly sorted: a record
//! stands at most [`SLACK`] behind its time. That is checked at 32 places first; a file
//! that is not so is read whole.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::ndjson::{Source, decode};
use crate::record::LINE_BYTES;
use crate::time::{Span, Timestamp};

/// How much later than its time a record may stand in a file and still be found.
pub const SLACK: Span = Span::from_secs(300);

/// At how many places a file is looked at to see whether it is nearly sorted.
const PROBES: u64 = 32;

/// How near bisection comes before the rest is simply read.
const NEAR_BYTES: u64 = 32 << 10;

/// From when to when: `since <= ts < until`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// The first instant wanted.
    pub since: Option<Timestamp>,
    /// The first instant no more wanted.
    pub until: Option<Timestamp>,
}

impl Range {
    /// Whether an instant is wanted.
    #[inline]
    pub fn holds(&self, ts: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= ts) && self.until.is_none_or(|until| ts < until)
    }

    /// Whether every instant is wanted.
    pub fn is_all(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }
}

/// A stream that may be read from another thread.
pub type Stream = Box<dyn Source + Send>;

/// Opens a file: compressed ones by their first bytes, of plain ones the part within `range`.
///
/// # Errors
/// When the file can't be opened or read.
pub fn open(path: &Path, range: &Range) -> std::io::Result<Stream> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return sniff(Box::new(file));
    }
    let mut magic = [0; 4];
    let length = file.read_at(&mut magic, 0)?;
    if Packing::of(&magic[..length]) != Packing::Plain {
        return sniff(Box::new(file));
    }
    let (start, end) = part(&file, range)?;
    file.seek(SeekFrom::Start(start))?;
    // A file that still grows is read to where it ends then, unless a time bounds it.
    match end {
        Some(end) => Ok(Box::new(Part { file, left: end.saturating_sub(start) })),
        None => Ok(Box::new(file)),
    }
}

/// Unpacks a stream that is gzip or zstd, seen by its first bytes; any other stays as it is.
///
/// # Errors
/// When reading the first bytes fails.
pub fn sniff(mut stream: Stream) -> std::io::Result<Stream> {
    let mut magic = Vec::with_capacity(4);
    let mut byte = [0];
    // As few bytes as tell: a live pipe's first line must not wait for a second.
    while Packing::undecided(&magic) && stream.read(&mut byte)? == 1 {
        magic.push(byte[0]);
    }
    let packing = Packing::of(&magic);
    let whole = Replayed { first: Cursor::new(magic), rest: stream };
    Ok(match packing {
        Packing::Plain => Box::new(whole),
        Packing::Gzip => Box::new(Gzip(flate2::read::MultiGzDecoder::new(whole))),
        Packing::Zstd => Box::new(Zstd(zstd::stream::read::Decoder::new(whole)?)),
    })
}

/// How a stream is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// First bytes: RFC 1952 section 2.3.1, RFC 8878 section 3.1.1.
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

    fn of(magic: &[u8]) -> Packing {
        match magic {
            _ if magic.starts_with(&Packing::GZIP) => Packing::Gzip,
            _ if magic.starts_with(&Packing::ZSTD) => Packing::Zstd,
            _ => Packing::Plain,
        }
    }

    /// Whether so few bytes could still become either.
    fn undecided(magic: &[u8]) -> bool {
        let begins = |whole: &[u8]| magic.len() < whole.len() && whole.starts_with(magic);
        begins(&Packing::GZIP) || begins(&Packing::ZSTD)
    }
}

/// A stream whose first bytes were already read.
struct Replayed {
    first: Cursor<Vec<u8>>,
    rest: Stream,
}

impl Read for Replayed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.first.read(buffer)? {
            0 => self.rest.read(buffer),
            length => Ok(length),
        }
    }
}

impl Source for Replayed {
    fn ready(&mut self) -> bool {
        self.first.position() < self.first.get_ref().len() as u64 || self.rest.ready()
    }

    fn is_cut(&self) -> bool {
        self.rest.is_cut()
    }
}

struct Gzip(flate2::read::MultiGzDecoder<Replayed>);

impl Read for Gzip {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Source for Gzip {
    fn ready(&mut self) -> bool {
        self.0.get_mut().ready()
    }
}

struct Zstd(zstd::stream::read::Decoder<'static, BufReader<Replayed>>);

impl Read for Zstd {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Source for Zstd {
    fn ready(&mut self) -> bool {
        let reader = self.0.get_mut();
        !reader.buffer().is_empty() || reader.get_mut().ready()
    }
}

/// A part of a file.
struct Part {
    file: File,
    left: u64,
}

impl Read for Part {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let length = self.file.read(&mut buffer[..most])?;
        self.left -= length as u64;
        Ok(length)
    }
}

impl Source for Part {}

/// The files of a history folder that may hold records within `range`, in the order of time; of
/// one day the compressed one first, as it holds what came before.
///
/// # Errors
/// When the folder can't be read.
pub fn days(folder: &Path, range: &Range) -> std::io::Result<Vec<PathBuf>> {
    let mut days = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some((day, rank)) = name.to_str().and_then(day_of) else { continue };
        let start = Timestamp::parse(&format!("{day}T00:00:00Z"));
        let Ok(start) = start else { continue };
        let end = start.plus(Span::from_secs(86_400));
        if range.until.is_none_or(|until| start < until) && range.since.is_none_or(|since| since < end) {
            days.push((start, rank, folder.join(name)));
        }
    }
    days.sort();
    // A turn that was cut short between its two renames leaves the packed day under both names: then
    // the plain name holds all of it.
    let mut twice = Vec::new();
    for pair in days.windows(2) {
        let ((day, 0, packed), (same, _, plain)) = (&pair[0], &pair[1]) else { continue };
        if day == same && is_packed(plain)? {
            twice.push(packed.clone());
        }
    }
    Ok(days.into_iter().map(|(_, _, path)| path).filter(|path| !twice.contains(path)).collect())
}

/// Whether a file is packed, by its first bytes.
fn is_packed(path: &Path) -> std::io::Result<bool> {
    let mut magic = [0; 4];
    let length = File::open(path)?.read_at(&mut magic, 0)?;
    Ok(Packing::of(&magic[..length]) != Packing::Plain)
}

/// The day that a history file's name tells, and its place among the files of that day.
fn day_of(name: &str) -> Option<(&str, u8)> {
    let (day, rest) = (name.get(..10)?, name.get(10..)?);
    let rank = match rest {
        ".ndjson.zst" => 0,
        ".ndjson.gz" => 1,
        ".ndjson" => 2,
        _ => return None,
    };
    Some((day, rank))
}

/// Where in a plain file the records within `range` stand: from where, and up to where.
fn part(file: &File, range: &Range) -> std::io::Result<(u64, Option<u64>)> {
    let length = file.metadata()?.len();
    if range.is_all() || length <= NEAR_BYTES || !nearly_sorted(file, length)? {
        return Ok((0, None));
    }
    let start = match range.since {
        Some(since) => bisect(file, length, since.minus(SLACK))?.0,
        None => 0,
    };
    let end = match range.until {
        Some(until) => Some(bisect(file, length, until.plus(SLACK))?.1).filter(|end| *end < length),
        None => None,
    };
    Ok((start, end))
}

/// Finds the place of `target`: a line's start before which all lines are earlier, and one from
/// which on all are not, at most [`NEAR_BYTES`] and a line apart.
fn bisect(file: &File, length: u64, target: Timestamp) -> std::io::Result<(u64, u64)> {
    let (mut low, mut high) = (0, length);
    while high - low > NEAR_BYTES {
        let middle = low + (high - low) / 2;
        match line_at(file, middle, high)? {
            Some((start, ts)) if ts < target => low = start,
            Some((start, _)) if start < high => high = start.min(high).max(middle),
            _ => high = middle,
        }
    }
    // `high` is where a line starts, or the place is given by the next line after it.
    let end = match line_at(file, high, length)? {
        Some((start, _)) if high < length => start,
        _ => length,
    };
    Ok((low, end))
}

/// Whether the times at some places of the file ascend, but for [`SLACK`].
fn nearly_sorted(file: &File, length: u64) -> std::io::Result<bool> {
    let mut newest = Timestamp::MIN;
    for probe in 0..PROBES {
        let Some((_, ts)) = line_at(file, length / PROBES * probe, length)? else { continue };
        if ts < newest.minus(SLACK) {
            return Ok(false);
        }
        newest = newest.max(ts);
    }
    Ok(true)
}

/// The first line that starts at or behind `place` and before `end` and is a record: where it
/// starts, and its time.
fn line_at(file: &File, place: u64, end: u64) -> std::io::Result<Option<(u64, Timestamp)>> {
    let mut window = vec![0; 4096];
    let mut at = place;
    // The line that holds the byte before `place` is passed over; the file's first line is not.
    let mut starts = place == 0;
    let mut from = place.saturating_sub(1);
    while at < end {
        let length = file.read_at(&mut window, from)?;
        if length == 0 {
            return Ok(None);
        }
        let mut rest = &window[..length];
        let mut offset = from;
        if !starts {
            match memchr::memchr(b'\n', rest) {
                Some(newline) => {
                    rest = &rest[newline + 1..];
                    offset += newline as u64 + 1;
                    starts = true;
                }
                None => {
                    from += length as u64;
                    at = from;
                    continue;
                }
            }
        }
        while let Some(newline) = memchr::memchr(b'\n', rest) {
            if offset >= end {
                return Ok(None);
            }
            if let Ok(record) = decode(&rest[..newline]) {
                return Ok(Some((offset, record.ts())));
            }
            rest = &rest[newline + 1..];
            offset += newline as u64 + 1;
        }
        // Only part of the line is here: it is read again, with more room unless it is too long.
        if offset == from && window.len() > LINE_BYTES {
            starts = false;
            from += length as u64;
        } else if offset == from {
            let more = window.len() * 4;
            if length < window.len() {
                return Ok(None);
            }
            window.resize(more, 0);
        } else {
            from = offset;
        }
        at = from;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * 1_000_000_000)
    }

    fn line(second: i64) -> String {
        format!("{{\"ts\":\"{}\",\"metric\":\"m\",\"value\":{second}}}\n", at(second))
    }

    fn seconds(path: &Path, range: &Range) -> Vec<i64> {
        let mut text = String::new();
        open(path, range).unwrap().read_to_string(&mut text).unwrap();
        let records = text.lines().map(|line| decode(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e}")).ts());
        records.filter(|ts| range.holds(*ts)).map(|ts| ts.nanos() / 1_000_000_000).collect()
    }

    #[test]
    fn a_part_of_a_nearly_sorted_file_is_found_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ndjson");
        // One line a second; every other one is 200 s late; some lines are no records, one is long.
        let order: Vec<i64> = (0..20_000i64).map(|n| if n % 2 == 0 { (n - 200).max(0) } else { n }).collect();
        let mut text = String::new();
        for (n, second) in order.iter().enumerate() {
            if n % 777 == 0 {
                text.push_str("not a record\n");
            }
            if n == 9_000 {
                text.push_str(&format!("{{\"x\":\"{}\"}}\n", "y".repeat(50_000)));
            }
            text.push_str(&line(*second));
        }
        std::fs::write(&path, &text).unwrap();
        let mut cases = vec![(None, None)];
        cases.extend((0..20_000).step_by(505).map(|since| (Some(at(since)), None)));
        for since in [0, 1, 299, 5_000, 9_001, 19_999, 30_000] {
            cases.push((Some(at(since)), None));
            cases.push((None, Some(at(since))));
            cases.push((Some(at(since)), Some(at(since + 77))));
        }
        for (since, until) in cases {
            let range = Range { since, until };
            let mut found = Vec::new();
            let mut stream = open(&path, &range).unwrap();
            let mut part = String::new();
            stream.read_to_string(&mut part).unwrap();
            for line in part.lines() {
                if let Ok(record) = decode(line.as_bytes())
                    && range.holds(record.ts())
                {
                    found.push(record.ts().nanos() / 1_000_000_000);
                }
            }
            let expected: Vec<i64> = order.iter().copied().filter(|second| range.holds(at(*second))).collect();
            assert_eq!(found, expected, "{range:?}");
            if let (Some(since), Some(_)) = (since, until) {
                assert!(part.len() < 250_000 || since == at(9_001), "{range:?}: {}", part.len());
            }
        }
    }

    #[test]
    fn a_file_in_any_order_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.ndjson");
        let mut file = File::create(&path).unwrap();
        for second in (0..5_000).rev() {
            file.write_all(line(second).as_bytes()).unwrap();
        }
        assert_eq!(seconds(&path, &Range { since: Some(at(4_990)), until: None }).len(), 10);
    }

    #[test]
    fn compressed_files_are_seen_by_their_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..100).map(line).collect();
        let zstd = zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        for (name, bytes) in [
            ("plain.zst", text.clone().into_bytes()),
            ("zstd.ndjson", [zstd.clone(), zstd].concat()),
            ("gzip", [gzip.clone(), gzip].concat()),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, &bytes).unwrap();
            let copies = if name == "plain.zst" { 1 } else { 2 };
            assert_eq!(seconds(&path, &Range::default()).len(), 100 * copies, "{name}");
            assert_eq!(seconds(&path, &Range { since: Some(at(99)), until: None }).len(), copies, "{name}");
        }
    }

    #[test]
    fn a_day_left_under_both_names_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let packed = zstd::stream::encode_all(line(1).as_bytes(), 1).unwrap();
        for name in ["1970-01-01.ndjson", "1970-01-01.ndjson.zst"] {
            std::fs::write(folder.path().join(name), &packed).unwrap();
        }
        let names = days(folder.path(), &Range::default()).unwrap();
        assert_eq!(names, [folder.path().join("1970-01-01.ndjson")]);
        std::fs::write(&names[0], line(2)).unwrap();
        assert_eq!(days(folder.path(), &Range::default()).unwrap().len(), 2, "late records stand beside the packed ones");
    }

    #[test]
    fn only_the_needed_days_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "2026-11-20.ndjson.zst",
            "2026-11-21.ndjson",
            "2026-11-21.ndjson.zst",
            "2026-11-22.ndjson",
            "notes.txt",
            "2026-13-01.ndjson",
            "2026-11-22.ndjson.tmp",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |since: Option<&str>, until: Option<&str>| -> Vec<String> {
            let range = Range { since: since.map(|t| Timestamp::parse(t).unwrap()), until: until.map(|t| Timestamp::parse(t).unwrap()) };
            days(folder.path(), &range).unwrap().iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names(None, None), ["2026-11-20.ndjson.zst", "2026-11-21.ndjson.zst", "2026-11-21.ndjson", "2026-11-22.ndjson"]);
        assert_eq!(names(Some("2026-11-22T00:00:00Z"), None), ["2026-11-22.ndjson"]);
        assert_eq!(names(Some("2026-11-21T23:59:59Z"), Some("2026-11-22T00:00:00Z")), ["2026-11-21.ndjson.zst", "2026-11-21.ndjson"]);
    }
}
