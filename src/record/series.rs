//! Samples: one measurement at one instant, and the series it belongs to.

use super::Tags;
use crate::time::Timestamp;

/// How the values of a series are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum SampleType {
    /// The value as it is now. The default, left out in records.
    #[default]
    Gauge,
    /// A count since some start; a fall is a reset.
    Counter,
    /// An increment since the last sample.
    Delta,
    /// A member of a set, whose distinct members are counted; its value is a string.
    Set,
}

impl SampleType {
    /// The type as records write it.
    pub const fn name(self) -> &'static str {
        match self {
            SampleType::Gauge => "gauge",
            SampleType::Counter => "counter",
            SampleType::Delta => "delta",
            SampleType::Set => "set",
        }
    }

    /// Reads the name of a type.
    pub fn parse(text: &str) -> Option<SampleType> {
        [SampleType::Gauge, SampleType::Counter, SampleType::Delta, SampleType::Set].into_iter().find(|kind| kind.name() == text)
    }
}

/// What a sample belongs to: all that stays the same from one sample to the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Series {
    /// The metric's name.
    pub metric: String,
    /// How the values are to be read.
    pub kind: SampleType,
    /// The unit as UCUM writes it: `s`, `ms`, `By`, `1`, `%`, `{builds}`.
    pub unit: Option<String>,
    /// Who and where.
    pub tags: Tags,
}

impl Series {
    /// A gauge without unit and tags.
    pub fn new(metric: impl Into<String>) -> Series {
        Series { metric: metric.into(), ..Series::default() }
    }

    /// The same series with another type.
    pub fn kind(mut self, kind: SampleType) -> Series {
        self.kind = kind;
        self
    }

    /// The same series with a unit.
    pub fn unit(mut self, unit: impl Into<String>) -> Series {
        self.unit = Some(unit.into());
        self
    }

    /// The same series with one more tag.
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Series {
        self.tags.set(key, value);
        self
    }
}

impl std::fmt::Display for Series {
    /// Writes `build.duration{queue=linux}`, safe for a terminal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", super::show(self.metric.as_bytes(), super::METRIC_BYTES), self.tags)
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// A member, for a series of type [`SampleType::Set`].
    Member(String),
}

/// One measurement at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When.
    pub ts: Timestamp,
    /// What it belongs to.
    pub series: Series,
    /// What was measured.
    pub value: Value,
    /// How many observations this one stands for; 1 for all but sampled streams.
    pub weight: f64,
}

impl Sample {
    /// A sample of weight 1.
    pub const fn new(ts: Timestamp, series: Series, value: f64) -> Sample {
        Sample { ts, series, value: Value::Number(value), weight: 1.0 }
    }
}
