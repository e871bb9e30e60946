//! Taking the rules along: checks as alerting rules of Prometheus and VictoriaMetrics, and back.
//!
//! ```text
//! Check ──export──▶ rules.yml        one group for each `every`, one alert for each level
//! rules.yml ──import──▶ check.toml   one check for each alert, of our language
//! tests.yml ──import──▶ check.test.toml   what the alerts' unit tests expect
//! ```
//!
//! What cannot be said on the other side is refused by name, and what had to be assumed is told as a
//! note. Both languages are judged alike on these terms:
//!
//! - Samples are on both sides the same, under names in which what Prometheus does not take is `_`.
//! - A term that has no data is unknown here and an empty vector there; neither ever fires. So a
//!   condition is written without `not`: comparisons are turned to their opposites, by De Morgan's
//!   laws, and only `absent` turns what is missing into something true.
//! - A term speaks here of all series of a group together; there each series is aggregated over time
//!   first, and then over series. Sums, counts, means, extremes and increases come out the same.
//!   Quantiles, deviations and the newest of several series do not: they need the promise that each
//!   group has one series ([`Export::one_series`]).
//! - What is divided by zero is unknown here and infinite there; so a divisor is written `x != 0`.
//! - A window is `(t - w, t]` here, in Prometheus from version 3 on, and in VictoriaMetrics; in
//!   Prometheus 2 it is `[t - w, t]`. As times there are whole milliseconds, windows are written a
//!   millisecond shorter for Prometheus 2. That moves the border to which a rate is extended by as
//!   much: rates there differ by a relative error of at most 1 ms / w, which is told as a note. Before
//!   Prometheus 2.52 they also reach too far back where a counter begins near zero (pull request
//!   13725 of prometheus/prometheus, of 2024-03-07).
//! - VictoriaMetrics does not extend increases to the window's borders, and Prometheus always does;
//!   a check says by `extrapolate` which of the two it means, and is refused on the other side.
//!   A counter that falls by less than an eighth of its value counts there as one whose earlier
//!   sample was too high, and not as reset (seen with 1.79; `removeCounterResets` of its sources).
//! - A warning is exported as an alert of its own, that also fires while the critical one does: to
//!   hold it back there, as the worst status does here, is Alertmanager's inhibition. (An `unless`
//!   within the expression would begin its `for` anew each time.)
//! - A check that flaps is one long alert here, and there as many as its condition makes.
//! - Evaluations stand at multiples of `every` here; Prometheus moves each group by an offset of its
//!   own, vmalert and promtool do not.

mod export;
#[cfg(test)]
mod export_tests;
mod filter;
mod import;
#[cfg(test)]
mod import_tests;
mod lexer;
mod logic;
mod names;
mod number;
mod promql;
mod reading;
mod template;
mod terms;
mod unit_tests;
mod units;
mod write;
mod yaml;
mod yaml_text;

pub use export::{Exported, export};
pub use import::{Imported, import};
pub use unit_tests::{ImportedTests, are_tests, import_tests as import_unit_tests};

use std::collections::BTreeMap;

use crate::time::Span;

/// Who is to evaluate the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// Prometheus from version 3.0 on, whose windows are open at their begin.
    #[default]
    Prometheus,
    /// Prometheus 2, whose windows are closed at both ends.
    Prometheus2,
    /// VictoriaMetrics with vmalert.
    VictoriaMetrics,
}

impl Target {
    /// Every target under its name on a command line.
    pub const ALL: [(&'static str, Target); 3] =
        [("prometheus", Target::Prometheus), ("prometheus2", Target::Prometheus2), ("victoriametrics", Target::VictoriaMetrics)];
}

/// What is known or promised about the metrics that a check does not say itself.
#[derive(Debug, Clone, Default)]
pub struct Export {
    /// Who is to evaluate the rules.
    pub target: Target,
    /// The unit of each metric, as UCUM writes it; empty for none.
    pub units: BTreeMap<String, String>,
    /// The promise that every group of a check has one series of each metric.
    pub one_series: bool,
    /// How far back the other side looks for the newest sample of a metric; further back it is as
    /// if there had never been one.
    pub look_back: Option<Span>,
}

/// What is known or promised about the metrics that a rule does not say itself.
#[derive(Debug, Clone)]
pub struct Import {
    /// Whose rules they are.
    pub target: Target,
    /// The labels that tell the series of a metric apart, sorted; where a rule does not aggregate
    /// over series, it fires for each.
    pub by: Vec<String>,
    /// The promise that every group has one series of each metric.
    pub one_series: bool,
    /// For how long the newest sample of a metric counts there.
    pub look_back: Span,
    /// How far apart the evaluations of a group are that does not say it.
    pub every: Span,
}

impl Default for Import {
    /// The defaults of Prometheus: `query.lookback-delta` of 5 minutes, `evaluation_interval` of one.
    fn default() -> Import {
        let minutes = |minutes: u32| Span::from_secs(minutes * 60);
        Import { target: Target::default(), by: Vec::new(), one_series: false, look_back: minutes(5), every: minutes(1) }
    }
}

/// Something that cannot be said on the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands: `queue-depth: critical:1:5`, or `14:9` in a file of rules.
    pub place: String,
    /// What it is, and why it cannot be said.
    pub message: String,
    /// What can be done.
    pub hint: Option<String>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}
