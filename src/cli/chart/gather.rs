//! Records become traces, distributions and marks, bounded however many there are.

use std::collections::HashMap;

use super::plan::{Kind, Plan};
use crate::chart::{Mark, MarkKind, Reading, Spread, Trace};
use crate::cli::Trouble;
use crate::ndjson::{Item, Samples};
use crate::record::{Event, Notice, Record, SampleType, Series, Stat, Stats, Status, Tags, Value, Verdict, Window, show};
use crate::store::read::Range;
use crate::time::{Span, Timestamp};

/// The most series that are kept: each takes 400 KiB at most.
const MOST_SERIES: usize = 500;
/// The most marks that are kept; further ones are counted.
const MOST_MARKS: usize = 2000;

/// What was read.
pub(super) struct Gathered {
    samples: Samples,
    /// The trace of each series of `samples`; `None`: it is not wanted, or there is no room.
    places: Vec<Option<usize>>,
    by_label: HashMap<String, usize>,
    /// What is drawn.
    pub(super) traces: Vec<Trace>,
    /// Their distributions, where a heat map is drawn.
    pub(super) spreads: Vec<Spread>,
    /// What happened, in the order it was read.
    pub(super) marks: Vec<Mark>,
    statuses: HashMap<(String, Tags), Status>,
    wanted: Wanted,
    /// How many series there was no room for.
    pub(super) no_room: usize,
    /// The newest instant of all.
    pub(super) newest: Option<Timestamp>,
}

/// What of the plan reading needs.
struct Wanted {
    plan: Box<dyn Fn(&str) -> bool>,
    by: Option<Vec<String>>,
    stat: Option<Stat>,
    heat: bool,
}

impl Gathered {
    /// Nothing yet.
    pub(super) fn new(plan: &Plan) -> Gathered {
        let metrics = plan.metrics.clone();
        let wants = move |metric: &str| metrics.is_empty() || metrics.iter().any(|pattern| super::plan::fits(pattern, metric));
        Gathered {
            samples: Samples::new(),
            places: Vec::new(),
            by_label: HashMap::new(),
            traces: Vec::new(),
            spreads: Vec::new(),
            marks: Vec::new(),
            statuses: HashMap::new(),
            wanted: Wanted { plan: Box::new(wants), by: plan.by.clone(), stat: plan.stat, heat: plan.kind == Some(Kind::Heat) },
            no_room: 0,
            newest: None,
        }
    }

    /// Takes one line in.
    pub(super) fn line(&mut self, line: &[u8], range: &Range) -> Result<(), Trouble> {
        match self.samples.read(line)? {
            Item::Sample { series, ts, value, weight } => {
                if range.holds(ts) {
                    self.sample(series.0 as usize, ts, value, weight);
                }
            }
            Item::Other(record) if range.holds(record.ts()) => self.other(*record),
            Item::Other(_) => {}
        }
        Ok(())
    }

    fn sample(&mut self, series: usize, ts: Timestamp, value: f64, weight: f64) {
        while self.places.len() <= series {
            let known = self.samples.all()[self.places.len()].clone();
            let place = self.place(&known);
            self.places.push(place);
        }
        let Some(place) = self.places[series] else { return };
        self.newest = self.newest.max(Some(ts));
        self.traces[place].add(ts, value);
        if self.wanted.heat {
            self.spreads[place].add(ts, value, weight);
        }
    }

    /// The trace of a series.
    fn place(&mut self, series: &Series) -> Option<usize> {
        let reading = match series.kind {
            SampleType::Gauge => Reading::Level,
            SampleType::Delta => Reading::Flow,
            SampleType::Counter => Reading::Counter,
            SampleType::Set => return None,
        };
        self.place_of(&series.metric, &series.tags, series.unit.as_deref(), reading)
    }

    fn place_of(&mut self, metric: &str, tags: &Tags, unit: Option<&str>, reading: Reading) -> Option<usize> {
        if !(self.wanted.plan)(metric) {
            return None;
        }
        let label = match &self.wanted.by {
            None => Series { metric: metric.to_owned(), tags: tags.clone(), ..Series::default() },
            Some(by) => by
                .iter()
                .filter_map(|key| Some((key, tags.get(key)?)))
                .fold(Series::new(metric), |series, (key, value)| series.tag(key.clone(), value)),
        }
        .to_string();
        if let Some(place) = self.by_label.get(&label) {
            return Some(*place);
        }
        if self.traces.len() >= MOST_SERIES {
            self.no_room += 1;
            return None;
        }
        self.by_label.insert(label.clone(), self.traces.len());
        self.traces.push(Trace::new(label, unit.map(|unit| show(unit.as_bytes(), 20)), reading));
        self.spreads.push(Spread::default());
        Some(self.traces.len() - 1)
    }

    fn other(&mut self, record: Record) {
        match record {
            Record::Sample(sample) => {
                if let (Some(place), Value::Number(value)) = (self.place(&sample.series), &sample.value) {
                    self.newest = self.newest.max(Some(sample.ts));
                    self.traces[place].add(sample.ts, *value);
                }
            }
            Record::Window(window) => self.window(&window),
            Record::Event(event) => self.event(&event),
            Record::Verdict(verdict) => self.verdict(&verdict),
            Record::Notice(notice) => self.notice(&notice),
            Record::Beat(_) => {}
        }
    }

    fn window(&mut self, window: &Window) {
        let Some((value, is_rate)) = number(&window.stats, self.wanted.stat) else { return };
        let unit = match (is_rate, window.unit.as_deref()) {
            (true, Some(unit)) if unit != "1" => Some(format!("{unit}/s")),
            (true, _) => Some("/s".to_owned()),
            (false, unit) => unit.map(str::to_owned),
        };
        let Some(place) = self.place_of(&window.metric, &window.tags, unit.as_deref(), Reading::Level) else { return };
        self.newest = self.newest.max(Some(window.ts));
        let plain = self.wanted.stat.is_none();
        let extreme = |extreme: Option<f64>| extreme.filter(|_| plain && !is_rate).unwrap_or(value);
        self.traces[place].add_summary(window.ts, value, extreme(window.stats.min), extreme(window.stats.max));
        if self.wanted.heat {
            self.distribution(place, window);
        }
    }

    /// A window's sketch, or else its number, as part of a distribution.
    fn distribution(&mut self, place: usize, window: &Window) {
        let spread = &mut self.spreads[place];
        let Some(sketch) = &window.sketch else {
            let count = window.stats.count.unwrap_or(1.0);
            if let Some((value, _)) = number(&window.stats, self.wanted.stat) {
                spread.add(window.ts, value, count);
            }
            return;
        };
        if sketch.zero > 0.0 {
            spread.add(window.ts, 0.0, sketch.zero);
        }
        let middle = |index: i32| sketch.gamma.powf(f64::from(index) - 0.5);
        sketch.bins.iter().for_each(|(index, count)| spread.add(window.ts, middle(*index), *count));
        sketch.negative.iter().for_each(|(index, count)| spread.add(window.ts, -middle(*index), *count));
    }

    fn mark(&mut self, at: Timestamp, kind: MarkKind, text: &str) {
        if self.marks.len() < MOST_MARKS {
            self.marks.push(Mark { at, kind, text: show(text.as_bytes(), 200) });
        }
    }

    fn event(&mut self, event: &Event) {
        let text = event.text.as_ref().map_or_else(|| event.event.clone(), |text| format!("{}: {text}", event.event));
        self.mark(event.ts, MarkKind::Event, &text);
    }

    /// Marks a verdict that differs from the one before it; the first only when it is not ok.
    fn verdict(&mut self, verdict: &Verdict) {
        let before = self.statuses.insert((verdict.check.clone(), verdict.tags.clone()), verdict.status);
        if before.unwrap_or(Status::Ok) != verdict.status {
            let reason = verdict.reason.as_deref().unwrap_or_default();
            let text = format!("{}{} {}: {reason}", verdict.check, verdict.tags, verdict.status.name());
            self.mark(verdict.since.unwrap_or(verdict.ts), MarkKind::Verdict(verdict.status), &text);
        }
    }

    fn notice(&mut self, notice: &Notice) {
        let check = notice.check.as_deref().unwrap_or_default();
        let who = notice.who.as_deref().unwrap_or_default();
        self.mark(notice.ts, MarkKind::Notice, &format!("{check}: {} {who}", notice.notice));
    }

    /// The stretch of time to draw, ending at an instant or with the newest record.
    pub(super) fn shown(&self, plan: &Plan, until: Option<Timestamp>) -> Option<(Timestamp, Timestamp)> {
        let newest = until.or(self.newest.map(|newest| newest.plus(Span::from_nanos(1))))?;
        let begin = self.traces.iter().filter_map(|trace| Some(trace.extent()?.0)).min()?;
        let from = plan.last.map_or(begin, |last| newest.minus(last));
        // One instant alone is drawn as a second.
        Some(if newest.since(from) < Span::from_secs(1) { (newest.minus(Span::from_secs(1)), newest) } else { (from, newest) })
    }

    /// Forgets what is older than will be drawn.
    pub(super) fn forget(&mut self, before: Timestamp) {
        self.traces.iter_mut().for_each(|trace| trace.forget(before));
        self.spreads.iter_mut().for_each(|spread| spread.forget(before));
        self.marks.retain(|mark| mark.at >= before);
    }
}

/// The number of a window that is drawn, and whether it is a rate.
fn number(stats: &Stats, wanted: Option<Stat>) -> Option<(f64, bool)> {
    let quantile = |percentile| stats.quantiles.iter().find(|(known, _)| *known == percentile).map(|(_, value)| *value);
    let found = |stat| match stat {
        Stat::Count => stats.count,
        Stat::Sum => stats.sum,
        Stat::Min => stats.min,
        Stat::Max => stats.max,
        Stat::Mean => stats.mean,
        Stat::First => stats.first,
        Stat::Last => stats.last,
        Stat::Stddev => stats.stddev,
        Stat::Rate => stats.rate,
        Stat::Distinct => stats.distinct,
        Stat::Quantile(percentile) => quantile(percentile),
        Stat::Sketch => None,
    };
    let usual = [Stat::Mean, Stat::Last, Stat::Rate, Stat::Sum, Stat::Count, Stat::Distinct, Stat::Max, Stat::Min];
    match wanted {
        Some(stat) => found(stat).map(|value| (value, stat == Stat::Rate)),
        None => usual
            .into_iter()
            .find_map(|stat| Some((found(stat)?, stat == Stat::Rate)))
            .or_else(|| stats.quantiles.first().map(|(_, value)| (*value, false))),
    }
}
