//! Lines of text to records, by a regular expression with named groups; and files that grow.
//!
//! A [`Pattern`] takes one line apart. What a group is goes by its name:
//!
//! | group                         | becomes                                     |
//! |-------------------------------|---------------------------------------------|
//! | `ts`, `time`                  | the time; without one it is the arrival's   |
//! | `value`, and those named so   | a value; without one a line counts as 1     |
//! | `text`, `link`, for an event  | the event's text and link                   |
//! | any other                     | a tag                                       |
//!
//! [`Tail`] reads a file that grows, through every sort of rotation; [`Places`] remember where it
//! was; [`Watch`] tells when to look.

mod cut;
mod places;
mod tail;
mod watch;

pub use places::{Place, Places, PlacesError};
pub use tail::{Each, News, Seen, Tail};
pub use watch::Watch;

use regex::bytes::{CaptureLocations, Regex};

use super::when::TimeFormat;
use crate::ndjson::{LineError, write, write_sample};
use crate::record::{Event, Record, SampleType, Series, Tags, check_name, show};
use crate::time::Timestamp;

/// What lines are to become.
#[derive(Debug, Clone)]
pub struct Options {
    /// The regular expression.
    pub pattern: String,
    /// Groups that are values, beside `value`.
    pub values: Vec<String>,
    /// The metric's name; of several values the beginning of their names.
    pub metric: Option<String>,
    /// The event's name, when lines become events.
    pub event: Option<String>,
    /// The values' unit.
    pub unit: Option<String>,
    /// How values are to be read.
    pub kind: SampleType,
    /// How times are written.
    pub time_format: TimeFormat,
    /// Tags of every record.
    pub tags: Tags,
}

/// Why a pattern can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// It is no regular expression; why.
    Regex(String),
    /// There is no such group; the groups there are.
    Unknown(String, Vec<String>),
    /// The group `value` alone gives no name.
    Nameless,
    /// A name can't stand in a record; the name and why.
    Name(String, String),
}

/// What a line becomes.
#[derive(Debug)]
enum What {
    /// A sample for each group that is a value.
    Values(Vec<(usize, Series)>),
    /// One more of something.
    Count(Series),
    /// An event; its name, and the groups of its text and link.
    Event { name: String, text: Option<usize>, link: Option<usize> },
}

/// A regular expression whose groups are known.
#[derive(Debug)]
pub struct Pattern {
    regex: Regex,
    locations: CaptureLocations,
    time: Option<usize>,
    time_format: TimeFormat,
    what: What,
    tags: Vec<(usize, String)>,
    fixed: Tags,
}

/// Metric of lines that are counted and not named.
const COUNTED: &str = "log.lines";

impl Pattern {
    /// Takes a pattern and what its groups are.
    ///
    /// # Errors
    /// [`PatternError`] when it is no regular expression, or the groups don't fit.
    pub fn new(options: &Options) -> Result<Pattern, PatternError> {
        let regex = Regex::new(&options.pattern).map_err(|error| PatternError::Regex(error.to_string()))?;
        let groups: Vec<(usize, String)> =
            regex.capture_names().enumerate().filter_map(|(at, name)| Some((at, name?.to_owned()))).collect();
        let find = |wanted: &str| groups.iter().find(|(_, name)| name == wanted).map(|(at, _)| *at);
        let is_event = options.event.is_some();
        let what = what(options, &groups)?;
        let taken = |name: &str| match name {
            "ts" | "time" => true,
            "text" | "link" => is_event,
            "value" => !is_event,
            other => !is_event && options.values.iter().any(|value| value == other),
        };
        let tags = groups.iter().filter(|(_, name)| !taken(name)).cloned().collect();
        let time = find("ts").or_else(|| find("time"));
        let locations = regex.capture_locations();
        Ok(Pattern { locations, time, time_format: options.time_format.clone(), what, tags, fixed: options.tags.clone(), regex })
    }

    /// Takes a line apart and appends its records as lines; tells whether it matched.
    ///
    /// # Errors
    /// [`LineError`] when a group does not hold what it should; then nothing is appended.
    pub fn read(&mut self, line: &[u8], arrival: Timestamp, out: &mut Vec<u8>) -> Result<bool, LineError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.regex.captures_read(&mut self.locations, line).is_none() {
            return Ok(false);
        }
        let before = out.len();
        let done = self.write(line, arrival, out);
        if done.is_err() {
            out.truncate(before);
        }
        done.map(|()| true)
    }

    /// Appends the records of a line that matched.
    fn write(&mut self, line: &[u8], arrival: Timestamp, out: &mut Vec<u8>) -> Result<(), LineError> {
        let groups = Groups { line, locations: &self.locations, regex: &self.regex };
        let ts = match self.time {
            None => arrival,
            Some(at) => match groups.text(at)? {
                None => arrival,
                Some(text) => self.time_format.read(text, arrival).map_err(|why| groups.error("a group is no time", at, &why))?,
            },
        };
        match &mut self.what {
            What::Values(values) => {
                for (at, series) in values {
                    let Some(value) = groups.number(*at)? else { continue };
                    groups.set_tags(&self.tags, &mut series.tags)?;
                    write_sample(out, ts, series, value);
                }
            }
            What::Count(series) => {
                groups.set_tags(&self.tags, &mut series.tags)?;
                write_sample(out, ts, series, 1.0);
            }
            What::Event { name, text, link } => {
                let part = |at: Option<usize>| at.map_or(Ok(None), |at| groups.text(at));
                let whole = || String::from_utf8_lossy(line).into_owned();
                let mut tags = self.fixed.clone();
                groups.set_tags(&self.tags, &mut tags)?;
                let text = part(*text)?.map_or_else(whole, str::to_owned);
                let link = part(*link)?.map(str::to_owned);
                write(out, &Record::Event(Event { ts, event: name.clone(), text: Some(text), link, tags }));
            }
        }
        Ok(())
    }
}

/// What a line becomes, by the groups there are.
fn what(options: &Options, groups: &[(usize, String)]) -> Result<What, PatternError> {
    let find = |wanted: &str| groups.iter().find(|(_, name)| name == wanted).map(|(at, _)| *at);
    let checked = |name: String| match check_name(&name) {
        Ok(()) => Ok(name),
        Err(why) => Err(PatternError::Name(name, why.to_string())),
    };
    if let Some(name) = &options.event {
        return Ok(What::Event { name: checked(name.clone())?, text: find("text"), link: find("link") });
    }
    let series =
        |metric: String, kind| Ok(Series { metric: checked(metric)?, kind, unit: options.unit.clone(), tags: options.tags.clone() });
    let mut named: Vec<&str> = find("value").map(|_| "value").into_iter().collect();
    named.extend(options.values.iter().map(String::as_str).filter(|name| *name != "value"));
    if named.is_empty() && options.values.is_empty() {
        let metric = options.metric.clone().unwrap_or_else(|| COUNTED.to_owned());
        return Ok(What::Count(series(metric, SampleType::Delta)?));
    }
    let mut values = Vec::new();
    for name in &named {
        let known = || groups.iter().map(|(_, name)| name.clone()).collect();
        let at = find(name).ok_or_else(|| PatternError::Unknown((*name).to_owned(), known()))?;
        let metric = match &options.metric {
            Some(metric) if named.len() == 1 || *name == "value" => metric.clone(),
            Some(metric) => format!("{metric}.{name}"),
            None if *name == "value" => return Err(PatternError::Nameless),
            None => (*name).to_owned(),
        };
        values.push((at, series(metric, options.kind)?));
    }
    match values.is_empty() {
        true => Err(PatternError::Unknown("value".into(), groups.iter().map(|(_, name)| name.clone()).collect())),
        false => Ok(What::Values(values)),
    }
}

/// The groups of one line.
struct Groups<'a> {
    line: &'a [u8],
    locations: &'a CaptureLocations,
    regex: &'a Regex,
}

impl<'a> Groups<'a> {
    fn bytes(&self, at: usize) -> Option<&'a [u8]> {
        let (start, end) = self.locations.get(at)?;
        self.line.get(start..end)
    }

    fn text(&self, at: usize) -> Result<Option<&'a str>, LineError> {
        let Some(bytes) = self.bytes(at) else { return Ok(None) };
        let told = |_| self.error("a group is not UTF-8", at, &format!("must be UTF-8, found \"{}\"", show(bytes, 40)));
        std::str::from_utf8(bytes).map(Some).map_err(told)
    }

    /// A group as a number; one that did not take part, is empty or the `-` of logs is not known.
    fn number(&self, at: usize) -> Result<Option<f64>, LineError> {
        let Some(bytes) = self.bytes(at).map(<[u8]>::trim_ascii) else { return Ok(None) };
        if bytes.is_empty() || bytes == b"-" {
            return Ok(None);
        }
        let value = std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_finite());
        match value {
            Some(value) => Ok(Some(value)),
            None => Err(self.error("a group is no number", at, &format!("must be a number, found \"{}\"", show(bytes, 40)))),
        }
    }

    /// Sets the tags that groups give. A group that did not take part gives an empty one, so that
    /// the line before does not shine through.
    fn set_tags(&self, groups: &[(usize, String)], tags: &mut Tags) -> Result<(), LineError> {
        for (at, name) in groups {
            let value = self.text(*at)?.unwrap_or_default();
            if tags.get(name) != Some(value) {
                tags.set(name.as_str(), value);
            }
        }
        Ok(())
    }

    fn error(&self, cause: &'static str, at: usize, why: &str) -> LineError {
        let name = self.regex.capture_names().nth(at).flatten().unwrap_or_default();
        let column = self.locations.get(at).map_or(0, |(start, _)| start) + 1;
        LineError::new(cause, column, format!("group `{name}` {why}"))
    }
}

#[cfg(test)]
mod tests;
