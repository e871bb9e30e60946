//! What was found, in words and as verdicts.

use super::{Compared, Difference, Sense, Size};
use crate::record::{Json, Status, Verdict};
use crate::rule::backtest::told;
use crate::time::Timestamp;

impl Compared {
    /// The verdict of this series: a warning where it differs, unknown where nothing can be told.
    pub fn verdict(&self, name: &str, at: Timestamp, rate: f64, least: Size, compared: usize) -> Verdict {
        let mut tags = self.series.tags.clone();
        tags.set("metric", self.series.metric.as_str());
        let unit = self.unit();
        let verdict = Verdict { ts: at, check: name.to_owned(), unit, tags, ..Verdict::default() };
        match &self.outcome {
            Ok(difference) => {
                let status = if difference.is_real(rate, least) { Status::Warning } else { Status::Ok };
                let reason = format!("{}: {}", self.series.metric, self.sentence(difference, compared));
                let evidence = Json::of(&serde_json::json!([evidence(difference)])).ok();
                Verdict { status, value: Some(difference.medians.0), reason: Some(reason), evidence, ..verdict }
            }
            Err(why) => Verdict { status: Status::Unknown, reason: Some(format!("{}: {why}", self.series.metric)), ..verdict },
        }
    }

    /// The unit of the values that are compared: of what is counted, a second.
    pub fn unit(&self) -> Option<String> {
        let unit = self.series.unit.clone();
        match self.series.kind {
            crate::record::SampleType::Counter | crate::record::SampleType::Delta => unit.map(|unit| format!("{unit}/s")),
            _ => unit,
        }
    }

    fn sentence(&self, difference: &Difference, compared: usize) -> String {
        let Difference { shift, q, values, .. } = difference;
        let (low, high) = shift.interval;
        let percent = |share: f64| format!("{:.0}", share * 100.0);
        let what = match difference.sense {
            Sense::Level => "a value of now is above one of before",
            Sense::Spread => "a value of now is farther from its middle than one of before",
        };
        format!(
            "{}; in {} % of all pairs {what} ({} % to {} %: a {} effect), q = {} for {compared} metrics, {} against {} values worth {} against {}",
            self.change(difference),
            percent(shift.superiority),
            percent(low),
            percent(high),
            difference.size().name(),
            probability(*q),
            values.0,
            values.1,
            shift.effective.0.round(),
            shift.effective.1.round(),
        )
    }

    /// What the medians, or the spreads, were and are: `median 12 s, was 8 s (+50 %)`.
    pub fn change(&self, difference: &Difference) -> String {
        let unit = self.unit();
        let (what, (now, before)) = match difference.sense {
            Sense::Level => ("median", difference.medians),
            Sense::Spread => ("distance of the quartiles", difference.spreads),
        };
        let more = if before != 0.0 { format!(" ({})", signed((now / before - 1.0) * 100.0)) } else { String::new() };
        format!("{what} {}, was {}{more}", told(now, unit.as_deref()), told(before, unit.as_deref()))
    }
}

/// A change in percent, with as many digits as matter.
fn signed(percent: f64) -> String {
    match percent.abs() {
        far if far >= 1000.0 => format!("{:.1} times", percent / 100.0 + 1.0),
        far if far >= 10.0 => format!("{percent:+.0} %"),
        _ => format!("{percent:+.1} %"),
    }
}

/// A probability for a person.
pub(super) fn probability(p: f64) -> String {
    match p {
        p if p < 0.0001 => "under 0.0001".into(),
        p if p < 0.01 => format!("{p:.4}"),
        p => format!("{p:.2}"),
    }
}

fn evidence(difference: &Difference) -> serde_json::Value {
    let Difference { shift, .. } = difference;
    serde_json::json!({
        "test": "rank shift, autocorrelation accounted for",
        "sense": if difference.sense == Sense::Level { "level" } else { "spread" },
        "superiority": shift.superiority, "superiority_low": shift.interval.0, "superiority_high": shift.interval.1,
        "effect": difference.size().name(),
        "p": difference.p, "q": difference.q, "correction": "benjamini-hochberg",
        "median": difference.medians.0, "reference_median": difference.medians.1,
        "spread": difference.spreads.0, "reference_spread": difference.spreads.1,
        "samples": difference.values.0, "reference_samples": difference.values.1,
        "effective": shift.effective.0, "reference_effective": shift.effective.1,
    })
}
