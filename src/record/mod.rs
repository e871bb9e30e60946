//! The records that all programs speak: the format's one definition.
//!
//! A record is one line, a JSON object; the key that names it tells its [`Kind`]. Here are the
//! kinds, their fields, and what makes a value valid; bytes become records in `ndjson`.
//!
//! Always: numbers are finite, tags are sorted by key without repeats, names are 1 to
//! [`METRIC_BYTES`] bytes without control characters.

mod series;
mod synthetic;
mod tags;
mod window;

pub use crate::text::{nearest, show};
pub use series::{Sample, SampleType, Series, Value};
pub use synthetic::{SYNTHETIC, Synthetic};
pub use tags::Tags;
pub use window::{Percentile, SketchBins, Stat, Stats, Window};

use crate::time::{Span, Timestamp};

/// The longest metric name, in bytes.
pub const METRIC_BYTES: usize = 255;

/// The longest line that is read, in bytes, its newline not counted.
pub const LINE_BYTES: usize = 1 << 20;

/// What a record is about, told by the key that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `metric` with `value`: one measurement at one instant.
    Sample,
    /// `metric` with `window`: a summary of the samples of one span of time.
    Window,
    /// `event`: something happened or was changed.
    Event,
    /// `beat`: a sign of life, a start or a failure.
    Beat,
    /// `check`: what a check concluded, and why.
    Verdict,
    /// `notice`: what was done about a verdict.
    Notice,
}

impl Kind {
    /// The kind's name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Sample => "sample",
            Kind::Window => "window",
            Kind::Event => "event",
            Kind::Beat => "beat",
            Kind::Verdict => "verdict",
            Kind::Notice => "notice",
        }
    }
}

/// Any record.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// One measurement.
    Sample(Sample),
    /// A summary of measurements.
    Window(Window),
    /// Something happened.
    Event(Event),
    /// A sign of life.
    Beat(Beat),
    /// A check's conclusion.
    Verdict(Verdict),
    /// What was done about a verdict.
    Notice(Notice),
}

impl Record {
    /// The record's kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Record::Sample(_) => Kind::Sample,
            Record::Window(_) => Kind::Window,
            Record::Event(_) => Kind::Event,
            Record::Beat(_) => Kind::Beat,
            Record::Verdict(_) => Kind::Verdict,
            Record::Notice(_) => Kind::Notice,
        }
    }

    /// The instant the record speaks of; for a window its start.
    pub const fn ts(&self) -> Timestamp {
        match self {
            Record::Sample(r) => r.ts,
            Record::Window(r) => r.ts,
            Record::Event(r) => r.ts,
            Record::Beat(r) => r.ts,
            Record::Verdict(r) => r.ts,
            Record::Notice(r) => r.ts,
        }
    }

    /// The record's tags.
    pub const fn tags(&self) -> &Tags {
        match self {
            Record::Sample(r) => &r.series.tags,
            Record::Window(r) => &r.tags,
            Record::Event(r) => &r.tags,
            Record::Beat(r) => &r.tags,
            Record::Verdict(r) => &r.tags,
            Record::Notice(r) => &r.tags,
        }
    }
}

/// Something happened or was changed: a deploy, a restart, a note.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    /// When.
    pub ts: Timestamp,
    /// What sort of thing, in a word: `deploy`.
    pub event: String,
    /// What happened, for a person.
    pub text: Option<String>,
    /// Where to read more.
    pub link: Option<String>,
    /// Where and by whom.
    pub tags: Tags,
}

/// A sign of life from a job or a process.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beat {
    /// When.
    pub ts: Timestamp,
    /// The job's name.
    pub beat: String,
    /// `start`, `ok` or `fail`; `None` counts as `ok`.
    pub state: Option<String>,
    /// How long the run took, in seconds.
    pub duration: Option<f64>,
    /// The exit status of the run.
    pub exit: Option<i64>,
    /// Which run this is, where several may overlap.
    pub run: Option<String>,
    /// What the job said.
    pub message: Option<String>,
    /// Where and for whom.
    pub tags: Tags,
}

/// What a check may conclude, by the exit codes of monitoring plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be; 0.
    #[default]
    Ok,
    /// Worth a look in working hours; 1.
    Warning,
    /// Worth waking someone; 2.
    Critical,
    /// It cannot be told; 3.
    Unknown,
}

impl Status {
    /// The status as records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Critical => "critical",
            Status::Unknown => "unknown",
        }
    }

    /// How bad it is beside others: what is critical must not hide behind what is unknown.
    pub const fn rank(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::Warning => 1,
            Status::Unknown => 2,
            Status::Critical => 3,
        }
    }

    /// The exit code of a plugin that found this.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Reads the name of a status.
    pub fn parse(text: &str) -> Option<Status> {
        [Status::Ok, Status::Warning, Status::Critical, Status::Unknown].into_iter().find(|status| status.name() == text)
    }
}

/// What a check concluded, and why.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// The instant that was judged.
    pub ts: Timestamp,
    /// The check's name.
    pub check: String,
    /// What was concluded.
    pub status: Status,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// The number that decided.
    pub value: Option<f64>,
    /// The unit of `value`.
    pub unit: Option<String>,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// What the verdict rests on: JSON text of an array, as `check` writes it.
    pub evidence: Option<Json>,
    /// Where to read what to do.
    pub playbook: Option<String>,
    /// The group that was judged.
    pub tags: Tags,
}

/// What was done about a verdict: told, failed, acknowledged, escalated, silenced, resolved, judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notice {
    /// When.
    pub ts: Timestamp,
    /// What was done.
    pub notice: String,
    /// The incident it belongs to.
    pub incident: Option<String>,
    /// The check it is about.
    pub check: Option<String>,
    /// Who was told, or who did it.
    pub who: Option<String>,
    /// By which way.
    pub via: Option<String>,
    /// What became of it.
    pub state: Option<String>,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// The group it is about.
    pub tags: Tags,
}

/// The text of one JSON value, known to be valid and on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(String);

impl Json {
    /// Writes a value of ours as JSON.
    ///
    /// # Errors
    /// When the value cannot be written as JSON (a map with keys that are no strings).
    pub fn of<T: serde::Serialize>(value: &T) -> Result<Json, serde_json::Error> {
        serde_json::to_string(value).map(Json)
    }

    /// Takes text that the reader has found to be one valid JSON value.
    pub(crate) fn checked(text: String) -> Json {
        Json(text)
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Why a name or a value can't stand in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldError {
    /// A name was empty.
    Empty,
    /// A name was longer than [`METRIC_BYTES`]; the length found.
    TooLong(usize),
    /// A name held a control character.
    Control,
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FieldError::Empty => f.write_str("must not be empty"),
            FieldError::TooLong(bytes) => write!(f, "must be {METRIC_BYTES} bytes at most, found {bytes}"),
            FieldError::Control => f.write_str("must not hold control characters"),
        }
    }
}

impl std::error::Error for FieldError {}

/// Checks a name (of a metric, a check, a beat): 1 to [`METRIC_BYTES`] bytes, no control characters.
///
/// # Errors
/// [`FieldError`] saying which rule is broken.
pub fn check_name(name: &str) -> Result<(), FieldError> {
    match name {
        "" => Err(FieldError::Empty),
        _ if name.len() > METRIC_BYTES => Err(FieldError::TooLong(name.len())),
        _ if name.chars().any(char::is_control) => Err(FieldError::Control),
        _ => Ok(()),
    }
}

/// How many spans a unit of time holds, for converting between units.
///
/// Knows the UCUM units of time that metrics use (`ns us ms s min h d wk`) and the spellings
/// `m` and `w` of our own durations; `None` for a unit that is not of time.
pub fn time_unit(unit: &str) -> Option<Span> {
    let nanos = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "wk" => 604_800_000_000_000,
        _ => return None,
    };
    Some(Span::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_bounds() {
        assert_eq!(check_name("build.duration"), Ok(()));
        assert_eq!(check_name(""), Err(FieldError::Empty));
        assert_eq!(check_name(&"x".repeat(255)), Ok(()));
        assert_eq!(check_name(&"x".repeat(256)), Err(FieldError::TooLong(256)));
        assert_eq!(check_name("a\u{1b}[2J"), Err(FieldError::Control));
    }

    #[test]
    fn a_status_has_its_plugin_code() {
        for (name, code) in [("ok", 0), ("warning", 1), ("critical", 2), ("unknown", 3)] {
            assert_eq!(Status::parse(name).unwrap().code(), code);
        }
        assert_eq!(Status::parse("OK"), None);
    }
}
