//! Graphite's plaintext protocol: `path value seconds`, one sample a line.
//!
//! A path is dotted, `servers.web-1.load`, or tagged, `load;dc=a;host=web-1`, with the tags
//! ascending by key (the canonical form, by which carbon finds a series again). The value is a
//! decimal number, the time whole or fractional seconds since 1970, or -1 for now.
//!
//! Sources: Graphite documentation, "Feeding In Your Data" and "Graphite Tag Support"; carbon,
//! `lib/carbon/util.py` (`TaggedSeries.parse`) and `lib/carbon/protocols.py`.

use super::{DecodeError, number, safe};
use crate::record::{Record, Sample, SampleType, Series, Tags, Value, check_name};
use crate::time::Timestamp;

/// Reads one line: three fields with white space between.
///
/// The path may also be tagged as OpenMetrics has it, `load{host="web-1"}`. A tag `name` is dropped, as
/// carbon does: the path is the name. A time of -1 is the arrival's.
///
/// # Errors
/// [`DecodeError`] when there are not three fields, the value or the time is no finite number
/// (`inf`, which carbon stores, has no place in a record), or the path can't be read.
pub fn decode_line(line: &[u8], arrival: Timestamp, give: &mut dyn FnMut(Record)) -> Result<(), DecodeError> {
    let text = std::str::from_utf8(line).map_err(|error| DecodeError::at(error.valid_up_to(), "not UTF-8"))?;
    let place = |field: &str| field.as_ptr() as usize - text.as_ptr() as usize;
    let mut fields = text.split_whitespace();
    let (Some(path), Some(value), Some(time), None) = (fields.next(), fields.next(), fields.next(), fields.next()) else {
        return Err(DecodeError::at(0, "a line must have three fields: path, value and seconds"));
    };
    let number = number::parse(value.as_bytes()).ok_or(DecodeError::at(place(value), "the value must be a finite number"))?;
    let bad = DecodeError::at(place(time), "the time must be seconds since 1970, or -1 for now");
    let seconds = number::parse(time.as_bytes()).ok_or(bad)?;
    let ts = if seconds == -1.0 { arrival } else { instant(seconds).ok_or(bad)? };
    let (name, tags) = parse_path(path).map_err(|error| error.later(place(path)))?;
    give(Record::Sample(Sample::new(ts, Series { metric: name.to_owned(), tags, ..Series::default() }, number)));
    Ok(())
}

/// The instant of seconds since 1970, fractions to the microsecond (a double knows no finer ones today).
fn instant(seconds: f64) -> Option<Timestamp> {
    let micros = (seconds * 1e6).round();
    (micros.abs() < 9.2e15).then(|| Timestamp::from_nanos(micros as i64 * 1_000))
}

/// Reads a path into its name and tags: `disk.used;server=web01` or `disk.used{server="web01"}`.
///
/// # Errors
/// As carbon refuses them: no name, a tag without `=` or key, a value that begins with `~` or holds `;`.
pub fn parse_path(path: &str) -> Result<(&str, Tags), DecodeError> {
    let (name, tags) = match path.strip_suffix('}').and_then(|path| path.split_once('{')) {
        Some((name, list)) => (name, braces(list).map_err(|error| error.later(name.len() + 1))?),
        None => {
            let (name, list) = path.split_once(';').map_or((path, None), |(name, list)| (name, Some(list)));
            (name, semicolons(list, name.len() + 1)?)
        }
    };
    check_name(name).map_err(|error| DecodeError::of_name(&error))?;
    if name.bytes().all(|byte| byte == b'~') {
        return Err(DecodeError::at(0, "a path must not be of `~` alone"));
    }
    Ok((name, tags))
}

fn semicolons(list: Option<&str>, mut at: usize) -> Result<Tags, DecodeError> {
    let mut tags = Tags::new();
    for pair in list.into_iter().flat_map(|list| list.split(';')) {
        let (key, value) = pair.split_once('=').ok_or(DecodeError::at(at, "a tag must be `key=value`"))?;
        add(&mut tags, key, value.to_owned(), at)?;
        at += pair.len() + 1;
    }
    Ok(tags)
}

/// Reads `key="value",key="value"`; a backslash in a value quotes the character after it.
fn braces(list: &str) -> Result<Tags, DecodeError> {
    let mut tags = Tags::new();
    let mut rest = list;
    while !rest.is_empty() {
        let at = list.len() - rest.len();
        let form = DecodeError::at(at, "a tag in braces must be `key=\"value\"`");
        let (key, quoted) = rest.split_once("=\"").ok_or(form)?;
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        rest = loop {
            match characters.next().ok_or(form)? {
                (end, '"') => break &quoted[end + 1..],
                (_, '\\') => value.extend(characters.next().map(|(_, character)| character)),
                (_, character) => value.push(character),
            }
        };
        add(&mut tags, key, value, at)?;
        rest = match rest.strip_prefix(',') {
            Some(after) => after,
            None if rest.is_empty() => rest,
            None => return Err(form),
        };
    }
    Ok(tags)
}

fn add(tags: &mut Tags, key: &str, value: String, at: usize) -> Result<(), DecodeError> {
    /// The most tags that one path may have.
    const MOST: usize = 256;
    if key.is_empty() || value.is_empty() {
        return Err(DecodeError::at(at, "a tag must have a key and a value"));
    }
    if key.contains([';', '!', '^', '=']) {
        return Err(DecodeError::at(at, "a tag's key must not hold `;`, `!`, `^` or `=`"));
    }
    if value.starts_with('~') || value.contains(';') {
        return Err(DecodeError::at(at, "a tag's value must not begin with `~` or hold `;`"));
    }
    if key != "name" {
        tags.set(key, value);
    }
    if tags.len() > MOST { Err(DecodeError::at(at, "more than 256 tags")) } else { Ok(()) }
}

/// Where the tags of a sample go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagStyle {
    /// Behind the path, as Graphite 1.1 has them: `;key=value`.
    Tagged,
    /// Into the path, as `.key.value` for each tag, ascending by key: for older receivers.
    InPath,
}

/// Appends a sample as one line, its newline included.
///
/// Returns `false`, and appends nothing, for the member of a set: Graphite knows numbers only.
/// Times are cut to whole seconds, as Graphite keeps no finer ones; type, unit and weight are not
/// sent, save that a weighted delta is multiplied by its weight, so that sums stay right.
///
/// White space and control characters become `_`; so do, in a path, `/` `;` `~` `{` `}` (a path is
/// a file's path in carbon), in a part made from a tag also `.`, in a tag's key `;!^=` and in
/// its value `;` and a leading `~`. A tag without a value is left out, as carbon refuses it, and a
/// tag called `name` is written `_name`, as carbon keeps the path there.
pub fn encode(out: &mut Vec<u8>, sample: &Sample, style: TagStyle) -> bool {
    let Value::Number(value) = sample.value else { return false };
    let value = if sample.series.kind == SampleType::Delta { value * sample.weight } else { value };
    safe(out, &sample.series.metric, b"/;~{}");
    for (key, value) in sample.series.tags.iter().filter(|(key, value)| !key.is_empty() && !value.is_empty()) {
        match style {
            TagStyle::Tagged => {
                out.extend_from_slice(if key == "name" { b";_" } else { b";" });
                safe(out, key, b";!^=");
                out.push(b'=');
                let value = value.strip_prefix('~').map_or_else(|| value.to_owned(), |rest| format!("_{rest}"));
                safe(out, &value, b";");
            }
            TagStyle::InPath => {
                out.push(b'.');
                safe(out, key, b"./;~{}");
                out.push(b'.');
                safe(out, value, b"./;~{}");
            }
        }
    }
    out.push(b' ');
    number::write(out, value);
    out.push(b' ');
    out.extend_from_slice(itoa::Buffer::new().format(sample.ts.nanos().div_euclid(1_000_000_000)).as_bytes());
    out.push(b'\n');
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(series: Series, style: TagStyle) -> String {
        let mut out = Vec::new();
        assert!(encode(&mut out, &Sample::new(Timestamp::parse("2026-11-22T19:45:03.250Z").unwrap(), series, 12.5), style));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tags_stand_behind_the_path_or_in_it() {
        let series = || Series::new("disk.used").tag("server", "web.1").tag("datacenter", "dc1").tag("name", "x").tag("empty", "");
        assert_eq!(line(series(), TagStyle::Tagged), "disk.used;datacenter=dc1;_name=x;server=web.1 12.5 1795376703\n");
        assert_eq!(line(series(), TagStyle::InPath), "disk.used.datacenter.dc1.name.x.server.web_1 12.5 1795376703\n");
    }

    #[test]
    fn a_hostile_name_stays_within_its_line() {
        let series = Series::new("a b\n../c;d=e").tag("k=;", "~v w");
        assert_eq!(line(series, TagStyle::Tagged), "a_b_.._c_d=e;k__=_v_w 12.5 1795376703\n");
    }

    #[test]
    fn a_member_has_no_line_and_a_weighted_delta_is_multiplied() {
        let mut out = Vec::new();
        let set = Sample { value: Value::Member("joe".into()), ..Sample::new(Timestamp::default(), Series::new("u"), 0.0) };
        assert!(!encode(&mut out, &set, TagStyle::Tagged));
        assert!(out.is_empty());
        let delta = Sample { weight: 10.0, ..Sample::new(Timestamp::default(), Series::new("u").kind(SampleType::Delta), 2.0) };
        assert!(encode(&mut out, &delta, TagStyle::Tagged));
        assert_eq!(out, b"u 20 0\n");
    }

    /// The text of a case's field.
    fn field<'a>(case: &'a serde_json::Value, name: &str) -> Option<&'a str> {
        case.get(name).and_then(serde_json::Value::as_str)
    }

    #[test]
    fn lines_are_read_as_carbon_reads_them() {
        for case in include_str!("../../tests/data/graphite/plaintext.ndjson").lines() {
            let case: serde_json::Value = serde_json::from_str(case).unwrap();
            let line = field(&case, "line").unwrap();
            let mut records = Vec::new();
            let result = decode_line(line.as_bytes(), Timestamp::default(), &mut |record| records.push(record));
            // Two that carbon takes are refused here: what is not finite, and Python's `1_0`.
            let refused = case.get("result").is_some() || line.contains(" inf ") || line.contains("1_0");
            assert_eq!(result.is_err(), refused, "{line}");
            if refused {
                assert!(records.is_empty());
                continue;
            }
            let [Record::Sample(sample)] = &records[..] else { panic!("{line}: {records:?}") };
            let mut path = Vec::new();
            encode(&mut path, sample, TagStyle::Tagged);
            assert_eq!(String::from_utf8(path).unwrap().split(' ').next(), field(&case, "metric"));
            assert_eq!(sample.value, Value::Number(field(&case, "value").unwrap().parse().unwrap()));
            assert_eq!(sample.ts.nanos() as f64 / 1e9, case["time"].as_f64().unwrap());
        }
    }

    #[test]
    fn paths_are_read_as_carbon_reads_them() {
        for case in include_str!("../../tests/data/graphite/tagged_series.ndjson").lines() {
            let case: serde_json::Value = serde_json::from_str(case).unwrap();
            let path = field(&case, "path").unwrap();
            match (parse_path(path), case.get("tags")) {
                (Ok((name, tags)), Some(expected)) => {
                    let mut expected: Tags = expected.as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect();
                    assert_eq!(expected.set("name", ""), Some(name.to_owned()), "{path}");
                    let mut found = tags;
                    found.set("name", "");
                    assert_eq!(found, expected, "{path}");
                }
                (Err(_), None) => {}
                (found, expected) => panic!("{path}: {found:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn a_time_of_minus_one_is_now_and_what_is_wrong_has_its_column() {
        let now = Timestamp::parse("2026-11-22T19:45:03Z").unwrap();
        let mut times = Vec::new();
        decode_line(b"a 1 -1", now, &mut |record| times.push(record.ts())).unwrap();
        assert_eq!(times, [now]);
        for (line, column) in [("a x 1", 3), ("a 1 x", 5), (" a;b 1 1", 4), ("a 1 1e300", 5), ("a\u{7}b 1 1", 1)] {
            assert_eq!(decode_line(line.as_bytes(), now, &mut |_| ()).unwrap_err().column, column, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_back(name in "[a-z.]{1,20}", value in -1e12f64..1e12, seconds in 0i64..4_000_000_000, tags in proptest::collection::btree_map("[a-m]{1,5}", "[ -9<-z}]{1,8}", 0..4)) {
            let tags: Tags = tags.into_iter().map(|(k, v)| (k, v.replace(' ', "_"))).collect();
            let sample = Sample::new(Timestamp::from_nanos(seconds * 1_000_000_000), Series { metric: name, tags, ..Series::default() }, value);
            let mut line = Vec::new();
            encode(&mut line, &sample, TagStyle::Tagged);
            let mut found = Vec::new();
            decode_line(line.strip_suffix(b"\n").unwrap(), Timestamp::default(), &mut |record| found.push(record)).unwrap();
            proptest::prop_assert_eq!(found, [Record::Sample(sample)]);
        }
    }
}
