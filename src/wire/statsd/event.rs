//! DogStatsD's events and service checks, as events and verdicts.

use super::metric::seconds_of;
use super::tags;
use crate::record::{Event, Record, Status, Tags, Verdict, check_name};
use crate::time::Timestamp;
use crate::wire::DecodeError;

/// Reads an event or a service check; `None` when the line is neither, but perhaps a metric.
///
/// An event's title names it; host, priority, kind, aggregation key and source become the tags
/// `host`, `priority`, `alert_type`, `aggregation_key` and `source_type_name`, unless the sender's
/// own tags have that key. A service check becomes a verdict, its message the reason.
pub fn decode_event(line: &[u8], arrival: Timestamp) -> Option<Result<Record, DecodeError>> {
    if let Some(rest) = line.strip_prefix(b"_e{") {
        return Some(event(rest, arrival).map_err(|error| error.later(3)));
    }
    let rest = line.strip_prefix(b"_sc|")?;
    Some(check(rest, arrival).map_err(|error| error.later(4)))
}

fn event(rest: &[u8], arrival: Timestamp) -> Result<Record, DecodeError> {
    let form = DecodeError::at(0, "an event must begin `_e{title bytes,text bytes}:`");
    let text = std::str::from_utf8(rest).map_err(|error| DecodeError::at(error.valid_up_to(), "not UTF-8"))?;
    let (lengths, body) = text.split_once("}:").ok_or(form)?;
    let (title, words) = lengths.split_once(',').and_then(|(a, b)| Some((length(a)?, length(b)?))).ok_or(form)?;
    let wrong = DecodeError::at(0, "the lengths of title and text do not fit the event");
    let (title, body) = body.split_at_checked(title).ok_or(wrong)?;
    let (words, rest) = body.strip_prefix('|').and_then(|body| body.split_at_checked(words)).ok_or(wrong)?;
    if !(rest.is_empty() || rest.starts_with('|')) {
        return Err(wrong);
    }
    let title = title.replace("\\n", " ");
    check_name(&title).map_err(|error| DecodeError::of_name(&error))?;
    let fields = Fields::read(rest.get(1..).unwrap_or_default(), arrival)?;
    let words = words.replace("\\n", "\n");
    Ok(Record::Event(Event { ts: fields.ts, event: title, text: (!words.is_empty()).then_some(words), link: None, tags: fields.tags }))
}

fn length(digits: &str) -> Option<usize> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn check(rest: &[u8], arrival: Timestamp) -> Result<Record, DecodeError> {
    let text = std::str::from_utf8(rest).map_err(|error| DecodeError::at(error.valid_up_to(), "not UTF-8"))?;
    let (name, rest) = text.split_once('|').ok_or(DecodeError::at(text.len(), "a service check must begin `_sc|name|status`"))?;
    check_name(name).map_err(|error| DecodeError::of_name(&error))?;
    let (status, rest) = rest.split_once('|').unwrap_or((rest, ""));
    let status = match status {
        "0" => Status::Ok,
        "1" => Status::Warning,
        "2" => Status::Critical,
        "3" => Status::Unknown,
        _ => return Err(DecodeError::at(name.len() + 1, "the status of a service check must be 0, 1, 2 or 3")),
    };
    // The message comes last and may hold bars.
    let (rest, message) = match rest.strip_prefix("m:") {
        Some(message) => ("", Some(message)),
        None => rest.split_once("|m:").map_or((rest, None), |(rest, message)| (rest, Some(message))),
    };
    let fields = Fields::read(rest, arrival)?;
    let reason = message.map(|message| message.replace("\\n", "\n").replace("m\\:", "m:"));
    Ok(Record::Verdict(Verdict { ts: fields.ts, check: name.to_owned(), status, reason, tags: fields.tags, ..Verdict::default() }))
}

/// What may follow an event or a service check.
struct Fields {
    ts: Timestamp,
    tags: Tags,
}

impl Fields {
    fn read(text: &str, arrival: Timestamp) -> Result<Fields, DecodeError> {
        let (mut ts, mut tags, mut own) = (arrival, Tags::new(), "");
        for field in text.split('|') {
            if let Some(list) = field.strip_prefix('#') {
                own = list;
                continue;
            }
            let key = match field.split_once(':') {
                Some(("d", seconds)) => {
                    ts = seconds_of(seconds.as_bytes()).unwrap_or(ts);
                    continue;
                }
                Some(("h", _)) => "host",
                Some(("p", _)) => "priority",
                Some(("t", _)) => "alert_type",
                Some(("k", _)) => "aggregation_key",
                Some(("s", _)) => "source_type_name",
                _ => continue,
            };
            tags.set(key, &field[2..]);
        }
        tags::add_dog(&mut tags, own.as_bytes())?;
        Ok(Fields { ts, tags })
    }
}
