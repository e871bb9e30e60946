//! Two whole runs held against one another: a build against main, a roast against its reference sheet.
//!
//! Every series that the reference has is compared with that of the same metric and tags in the run. One is called
//! different (a warning) when two things hold: the 95 % interval of the ratio of its medians lies outside of
//! the tolerance, and p of the test of Mann and Whitney, corrected by Holm for as many series as are
//! compared, is below 0.05; so that of a hundred metrics that did not change hardly one is named.
//! Where the medians have no ratio, as when that of the reference is 0, p alone decides.
//! Of a counter the rates between neighbouring samples are compared. Members of sets are not compared.
//!
//! Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of
//! Statistics 6(2).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::check::Judgement;
use super::super::syntax::Function;
use super::compare::{Compared, p_text};
use crate::math::{quantile_sorted, sort_values};
use crate::record::{Json, Percentile, SampleType, Series, Status, Tags, Verdict};
use crate::time::Timestamp;

/// The greatest p, corrected, of a difference that is called one.
const SIGNIFICANT: f64 = 0.05;

/// Of fewer samples on a side nothing is said.
const LEAST: usize = 8;

/// By how much a median may differ and still be called the same: a share of the reference's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance(f64);

impl Tolerance {
    /// Ten percent.
    pub const DEFAULT: Tolerance = Tolerance(0.1);

    /// Reads `10%` or `0.1`; `None` of what is no share between 0 and 1.
    pub fn parse(text: &str) -> Option<Tolerance> {
        let share = match text.strip_suffix('%') {
            Some(percent) => percent.trim_end().parse::<f64>().ok()? / 100.0,
            None => text.parse::<f64>().ok()?,
        };
        (0.0..1.0).contains(&share).then_some(Tolerance(share))
    }
}

/// The samples of one run, by series.
#[derive(Debug, Default)]
pub struct Runs {
    series: BTreeMap<(String, Tags), Run>,
    /// How many samples are held.
    samples: usize,
}

#[derive(Debug)]
struct Run {
    series: Arc<Series>,
    points: Vec<(Timestamp, f64)>,
}

/// How two runs are compared.
#[derive(Debug, Clone)]
pub struct Compare {
    /// The name of the verdicts.
    pub name: String,
    /// By how much a median may differ.
    pub tolerance: Tolerance,
    /// What it means when the run lacks a series, or has too few samples.
    pub no_data: Status,
    /// Where to read what to do.
    pub playbook: Option<String>,
}

impl Runs {
    /// Adds a sample.
    pub fn add(&mut self, series: &Arc<Series>, ts: Timestamp, value: f64) {
        if series.kind == SampleType::Set {
            return;
        }
        let key = (series.metric.clone(), series.tags.clone());
        let run = self.series.entry(key).or_insert_with(|| Run { series: Arc::clone(series), points: Vec::new() });
        run.points.push((ts, value));
        self.samples += 1;
    }

    /// How many samples are held.
    pub fn held(&self) -> usize {
        self.samples
    }

    /// The series of this run that another lacks.
    pub fn lacking<'a>(&'a self, other: &'a Runs) -> impl Iterator<Item = &'a Series> {
        self.series.iter().filter(|(key, _)| !other.series.contains_key(*key)).map(|(_, run)| &*run.series)
    }

    /// Holds every series of a reference against that of this run; one verdict each, by name and tags.
    pub fn compare(&self, reference: &Runs, compare: &Compare, at: Timestamp) -> Vec<Judgement> {
        let pair = |(key, then): (&(String, Tags), &Run)| Pair::new(self.series.get(key), then);
        let pairs: Vec<Pair> = reference.series.iter().map(pair).collect();
        let corrected = holm(&pairs.iter().map(|pair| pair.median.as_ref().ok().map(|median| median.test.p)).collect::<Vec<_>>());
        let all = pairs.iter().filter(|pair| pair.median.is_ok()).count();
        pairs.iter().zip(corrected).map(|(pair, p)| pair.judgement(compare, at, p, all)).collect()
    }
}

/// One series in both runs.
struct Pair {
    series: Arc<Series>,
    /// The comparison of the medians, or why there is none.
    median: Result<Compared, String>,
    p95: Option<Compared>,
    value: Option<f64>,
    expected: Option<f64>,
}

impl Pair {
    fn new(now: Option<&Run>, then: &Run) -> Pair {
        let series = Arc::clone(&then.series);
        let alone = |why: String| Pair { series: Arc::clone(&series), median: Err(why), p95: None, value: None, expected: None };
        let Some(now) = now else { return alone("it is in the reference, and not in the run".into()) };
        if now.series.unit != then.series.unit || now.series.kind != then.series.kind {
            let name = |series: &Series| format!("{} in `{}`", series.kind.name(), series.unit.as_deref().unwrap_or("1"));
            return alone(format!("it is a {}, and in the reference a {}", name(&now.series), name(&then.series)));
        }
        let (values, others) = (now.values(), then.values());
        if values.len().min(others.len()) < LEAST {
            return alone(format!("{} against {} samples are too few to tell: {LEAST} are needed", values.len(), others.len()));
        }
        let compared = |percentile: &str| Compared::new(Function::Quantile(Percentile::parse(percentile)?), &values, &others);
        let median = compared("50").ok_or_else(|| "there is nothing to compare".to_owned());
        let (value, expected) = (quantile_sorted(&values, 0.5), quantile_sorted(&others, 0.5));
        Pair { p95: compared("95"), median, value, expected, series }
    }

    fn judgement(&self, compare: &Compare, at: Timestamp, p: Option<f64>, all: usize) -> Judgement {
        let name = &self.series.metric;
        let (status, reason, evidence) = match (&self.median, p) {
            (Ok(median), Some(p)) => {
                let differs = p < SIGNIFICANT && self.is_outside(median, compare.tolerance);
                let status = if differs { Status::Warning } else { Status::Ok };
                let tolerance = super::super::units::round(compare.tolerance.0 * 100.0);
                let stands = if differs { "beyond" } else { "not surely beyond" };
                let p95 = self.p95.as_ref().map_or(String::new(), |p95| format!("; {}", p95.difference()));
                let holm = if all > 1 { format!(", {} by Holm for {all} metrics", p_text(p)) } else { String::new() };
                let reason = format!("{name}: {}{holm}: {stands} the tolerance of {tolerance} %{p95}", median.sentence());
                (status, reason, self.evidence(median, p))
            }
            (Err(why), _) => (compare.no_data, format!("{name}: {why}"), None),
            (Ok(_), None) => (compare.no_data, format!("{name}: there is nothing to compare"), None),
        };
        let mut tags = self.series.tags.clone();
        tags.set("metric", name.as_str());
        let unit = self.series.unit.clone();
        let (check, playbook) = (compare.name.clone(), compare.playbook.clone());
        let verdict =
            Verdict { ts: at, check, status, since: None, value: self.value, unit, reason: Some(reason), evidence, playbook, tags };
        Judgement { verdict, limits: Vec::new() }
    }

    /// Whether the ratio of the medians surely is outside of the tolerance.
    fn is_outside(&self, median: &Compared, Tolerance(share): Tolerance) -> bool {
        match median.ratio {
            Some(ratio) => ratio.low > 1.0 + share || ratio.high < 1.0 - share,
            None => self.value != self.expected,
        }
    }

    fn evidence(&self, median: &Compared, p: f64) -> Option<Json> {
        let mut entries = vec![serde_json::to_value(median.entry(Some(p))).ok()?];
        entries.extend(self.p95.as_ref().and_then(|p95| serde_json::to_value(p95.entry(None)).ok()));
        let doubts = median.doubts(&self.series.metric, None).into_iter();
        entries.extend(doubts.map(|doubt| serde_json::json!({ "wrong_if": doubt })));
        Json::of(&entries).ok()
    }
}

impl Run {
    /// The values, ascending; of a counter the rates between neighbours, in units per second.
    fn values(&self) -> Vec<f64> {
        let mut values: Vec<f64> = self.points.iter().map(|(_, value)| *value).collect();
        if self.series.kind == SampleType::Counter {
            let mut points = self.points.clone();
            points.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
            let rate = |pair: &[(Timestamp, f64)]| {
                let seconds = pair[1].0.since(pair[0].0).secs_f64();
                // What fell was reset, and how far it grew in between is not known.
                (seconds > 0.0 && pair[1].1 >= pair[0].1).then(|| (pair[1].1 - pair[0].1) / seconds)
            };
            values = points.windows(2).filter_map(rate).collect();
        }
        values.retain(|value| value.is_finite());
        sort_values(&mut values);
        values
    }
}

/// The p of several tests, corrected for their number after Holm; never below that of a smaller one.
fn holm(all: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = all.iter().enumerate().filter_map(|(at, p)| Some((at, (*p)?))).collect();
    order.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut corrected = vec![None; all.len()];
    let (count, mut least) = (order.len(), 0.0f64);
    for (rank, (at, p)) in order.into_iter().enumerate() {
        least = least.max(p * (count - rank) as f64).min(1.0);
        corrected[at] = Some(least);
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_corrects_as_published() {
        // Worked by hand: 4 · 0.005, 3 · 0.01, then not below 2 · 0.03 for what is greater.
        let corrected = holm(&[Some(0.01), None, Some(0.04), Some(0.03), Some(0.005)]);
        let expected = [Some(0.03), None, Some(0.06), Some(0.06), Some(0.02)];
        for (found, expected) in corrected.iter().zip(expected) {
            assert!(found.zip(expected).is_none_or(|(one, other)| (one - other).abs() < 1e-12), "{corrected:?}");
            assert_eq!(found.is_some(), expected.is_some());
        }
    }

    #[test]
    fn a_tolerance_is_a_share() {
        assert_eq!(Tolerance::parse("10%"), Some(Tolerance::DEFAULT));
        assert_eq!(Tolerance::parse("0.1"), Some(Tolerance::DEFAULT));
        for wrong in ["", "%", "10", "-1%", "nan", "100%", "1e400"] {
            assert_eq!(Tolerance::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn of_a_counter_the_rates_count() {
        let points = [(0, 10.0), (10, 30.0), (20, 5.0), (30, 15.0)];
        let points = points.map(|(at, value)| (Timestamp::from_nanos(at * 1_000_000_000), value)).to_vec();
        let run = |kind| Run { series: Arc::new(Series::new("x").kind(kind)), points: points.clone() };
        assert_eq!(run(SampleType::Counter).values(), [1.0, 2.0]);
        assert_eq!(run(SampleType::Gauge).values(), [5.0, 10.0, 15.0, 30.0]);
    }
}
