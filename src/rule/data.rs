//! What of the records is kept to judge a condition: only what can matter at the instant.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;
use regex::Regex;

use super::literal::pattern;
use super::syntax::{Call, Condition, Function, How, Logic, Selector, Sum, SumKind, TestKind};
use crate::record::{Event, SampleType, Series, SketchBins, Stats, Tags, Window};
use crate::time::{Span, Timestamp};

/// How many samples are kept at most, in all.
const SAMPLES: usize = 20_000_000;

/// How many series are kept at most.
const SERIES: usize = 200_000;

/// How many names are remembered, for the nearest name in an answer.
const NAMES: usize = 2_000;

/// How far behind the instant it is looked at when something began, beyond what conditions ask.
pub(super) const LOOK_BACK: Span = Span::from_secs(3600);

/// How many events are told of at most.
const EVENTS: usize = 5;

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) ts: Timestamp,
    pub(super) value: f64,
    pub(super) weight: f64,
}

/// One window that rollup made; its time is its end.
#[derive(Debug, Clone)]
pub(super) struct WindowPoint {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) length: Span,
    pub(super) stats: Stats,
    pub(super) sketch: Option<SketchBins>,
}

/// What the values of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Samples,
    Windows,
    /// Events or beats of a name.
    Occurrences,
}

/// What is kept of one series.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) series: Arc<Series>,
    pub(super) source: Source,
    /// From when on samples are kept, and how far that is behind the instant; `None`: all are.
    from: Timestamp,
    back: Option<Span>,
    /// How many samples there were when old ones were last let go.
    settled: usize,
    /// Ascending once sealed.
    pub(super) points: Vec<Point>,
    pub(super) windows: Vec<WindowPoint>,
    /// The newest sample from before `from`.
    pub(super) before: Option<Point>,
    /// How many samples came after a newer one.
    pub(super) disordered: u64,
}

/// Which series a selector means, ready to be asked.
#[derive(Debug, Clone)]
struct Want {
    selector: Selector,
    name: Option<Regex>,
    patterns: Vec<Option<Regex>>,
    /// How far back samples matter; `None` for all there are.
    back: Option<Span>,
}

/// What the conditions ask for: selectors, and how far back each one reaches.
#[derive(Debug, Clone, Default)]
pub struct Needs(Vec<Want>);

impl Needs {
    /// What some conditions need.
    pub fn of<'a>(conditions: impl IntoIterator<Item = &'a Condition>) -> Needs {
        let mut needs = Needs::default();
        for condition in conditions {
            needs.logic(&condition.logic, LOOK_BACK);
        }
        needs
    }

    fn logic(&mut self, logic: &Logic, back: Span) {
        match logic {
            Logic::Or(parts) | Logic::And(parts) => parts.iter().for_each(|part| self.logic(part, back)),
            Logic::Not(part) | Logic::Times(part, _) => self.logic(part, back),
            Logic::For(part, span) => self.logic(part, back.plus(*span)),
            Logic::Test(test) => match &test.kind {
                TestKind::Compare { left, right, .. } => {
                    self.sum(left, back);
                    self.sum(right, back);
                }
                TestKind::In { value, .. } => self.sum(value, back),
                TestKind::Absent { selector, window } => self.want(selector, Some(back.plus(window.unwrap_or(Span::ZERO)))),
            },
        }
    }

    fn sum(&mut self, sum: &Sum, back: Span) {
        match &sum.kind {
            SumKind::Literal(_) => {}
            SumKind::Call(call) => self.want(&call.selector, reach(call).map(|reach| back.plus(reach))),
            SumKind::Negative(inner) => self.sum(inner, back),
            SumKind::Binary(left, _, right) => {
                self.sum(left, back);
                self.sum(right, back);
            }
        }
    }

    fn want(&mut self, selector: &Selector, back: Option<Span>) {
        let alike = |want: &&mut Want| want.selector.is_like(selector);
        if let Some(known) = self.0.iter_mut().find(alike) {
            known.back = match (known.back, back) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            };
            return;
        }
        let glob = selector.glob.then(|| regex::escape(&selector.name).replace("\\*", ".*"));
        let patterns = selector.matchers.iter().map(|matcher| match matcher.how {
            How::Matches | How::MatchesNot => pattern(&matcher.value).ok(),
            How::Is | How::IsNot => None,
        });
        let want = Want { selector: selector.clone(), name: glob.and_then(|glob| pattern(&glob).ok()), patterns: patterns.collect(), back };
        self.0.push(want);
    }
}

/// How far behind the instant a call looks; `None` for as far as there is data.
fn reach(call: &Call) -> Option<Span> {
    let ago = call.ago.unwrap_or(Span::ZERO);
    match (call.window, call.function) {
        (Some(window), _) => Some(window.plus(ago)),
        // The newest sample is kept however old it is.
        (None, Function::Age | Function::Last) => Some(ago),
        (None, _) => None,
    }
}

impl Want {
    fn takes(&self, name: &str, tags: &Tags) -> bool {
        let named = match &self.name {
            Some(glob) => glob.is_match(name),
            None => self.selector.name == name,
        };
        named
            && self.selector.matchers.iter().zip(&self.patterns).all(|(matcher, pattern)| {
                // A tag that is not there is an empty one, as in Prometheus.
                let value = tags.get(&matcher.tag).unwrap_or_default();
                match matcher.how {
                    How::Is => value == matcher.value,
                    How::IsNot => value != matcher.value,
                    How::Matches => pattern.as_ref().is_some_and(|pattern| pattern.is_match(value)),
                    How::MatchesNot => pattern.as_ref().is_some_and(|pattern| !pattern.is_match(value)),
                }
            })
    }
}

/// The records that matter, as of an instant.
#[derive(Debug)]
pub struct Data {
    at: Timestamp,
    needs: Needs,
    kept: Vec<Kept>,
    slots: HashMap<(u8, Arc<Series>), usize>,
    names: BTreeSet<String>,
    events: VecDeque<Event>,
    samples: usize,
    /// How many samples came from after the instant.
    pub(super) future: u64,
    /// Whether the instant is the present, so that no record can hold what came after it.
    live: bool,
}

impl Data {
    /// Nothing yet; what is added is kept where `needs` asks for it, as of `at`.
    pub fn new(needs: Needs, at: Timestamp) -> Data {
        Data {
            at,
            needs,
            kept: Vec::new(),
            slots: HashMap::new(),
            names: BTreeSet::new(),
            events: VecDeque::new(),
            samples: 0,
            future: 0,
            live: false,
        }
    }

    /// Moves the instant on, as time passes while the input is read; back it does not go.
    pub fn advance(&mut self, at: Timestamp) {
        self.live |= at > self.at;
        self.at = self.at.max(at);
        for kept in &mut self.kept {
            self.samples -= kept.settle(self.at);
        }
    }

    /// Where the samples of a series go; `None` when nothing asks for them. Once a series.
    ///
    /// # Errors
    /// When there are more series than are kept: the words to say so.
    pub fn slot(&mut self, series: &Arc<Series>) -> Result<Option<usize>, String> {
        self.slot_of(series, Source::Samples)
    }

    fn slot_of(&mut self, series: &Arc<Series>, source: Source) -> Result<Option<usize>, String> {
        let key = (source as u8, Arc::clone(series));
        if let Some(slot) = self.slots.get(&key) {
            return Ok(Some(*slot));
        }
        if self.names.len() < NAMES && !self.names.contains(&series.metric) {
            self.names.insert(series.metric.clone());
        }
        let wants = self.needs.0.iter().filter(|want| want.takes(&series.metric, &series.tags));
        // The furthest reach counts, and to look at everything is further than any.
        let Some(back) = wants.map(|want| want.back).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))) else { return Ok(None) };
        let from = back.map_or(Timestamp::MIN, |back| self.at.minus(back));
        if self.kept.len() >= SERIES {
            return Err(format!("more than {SERIES} series match; narrow the selector, like `name{{tag=value}}`"));
        }
        self.slots.insert(key, self.kept.len());
        let series = Arc::clone(series);
        let kept = Kept { series, source, from, back, settled: 0, points: Vec::new(), windows: Vec::new(), before: None, disordered: 0 };
        self.kept.push(kept);
        Ok(Some(self.kept.len() - 1))
    }

    /// Adds a sample of a series.
    ///
    /// # Errors
    /// When more samples matter than are kept: the words to say so.
    #[inline]
    pub fn add(&mut self, slot: usize, ts: Timestamp, value: f64, weight: f64) -> Result<(), String> {
        if ts > self.at {
            self.future += 1;
            return Ok(());
        }
        let kept = &mut self.kept[slot];
        let point = Point { ts, value, weight };
        if ts < kept.from {
            if kept.before.is_none_or(|before| (before.ts, before.value) < (ts, value)) {
                kept.before = Some(point);
            }
            return Ok(());
        }
        kept.disordered += u64::from(kept.points.last().is_some_and(|last| ts < last.ts));
        kept.points.push(point);
        self.count()
    }

    fn count(&mut self) -> Result<(), String> {
        self.samples += 1;
        if self.samples > SAMPLES {
            return Err(format!(
                "more than {SAMPLES} samples matter; give the functions a window, like `mean(x, 1h)`, or read less by --since"
            ));
        }
        Ok(())
    }

    /// Adds a window that rollup made.
    ///
    /// # Errors
    /// As [`Data::add`].
    pub fn add_window(&mut self, window: &Window) -> Result<(), String> {
        let mut end = window.ts.plus(window.window);
        if self.live && window.ts <= self.at {
            // A window that was still open when its input ended holds what came up to now.
            end = end.min(self.at);
        }
        if end > self.at {
            self.future += 1;
            return Ok(());
        }
        let series =
            Series { metric: window.metric.clone(), kind: SampleType::Gauge, unit: window.unit.clone(), tags: window.tags.clone() };
        let Some(slot) = self.slot_of(&Arc::new(series), Source::Windows)? else { return Ok(()) };
        let kept = &mut self.kept[slot];
        if end < kept.from {
            let point = Point { ts: end, value: window.stats.last.or(window.stats.mean).unwrap_or(0.0), weight: 1.0 };
            if kept.before.is_none_or(|before| before.ts < end) {
                kept.before = Some(point);
            }
            return Ok(());
        }
        kept.disordered += u64::from(kept.windows.last().is_some_and(|last| end < last.end));
        kept.windows.push(WindowPoint {
            start: window.ts,
            end,
            length: window.window,
            stats: window.stats.clone(),
            sketch: window.sketch.clone(),
        });
        self.count()
    }

    /// Adds that an event happened, or a beat came, by its name.
    ///
    /// # Errors
    /// As [`Data::add`].
    pub fn add_occurrence(&mut self, name: &str, ts: Timestamp, tags: &Tags) -> Result<(), String> {
        let series = Series { metric: name.to_owned(), tags: tags.clone(), ..Series::default() };
        match self.slot_of(&Arc::new(series), Source::Occurrences)? {
            Some(slot) => self.add(slot, ts, 1.0, 1.0),
            None => Ok(()),
        }
    }

    /// Remembers an event of the hour before the instant, to be told with a verdict.
    pub fn add_event(&mut self, event: &Event) {
        if event.ts > self.at || event.ts < self.at.minus(LOOK_BACK) {
            return;
        }
        let place = self.events.partition_point(|known| known.ts <= event.ts);
        self.events.insert(place, event.clone());
        if self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }

    /// Puts everything in the order of time; to be called once, when all was added.
    pub fn seal(&mut self) {
        for kept in &mut self.kept {
            if kept.disordered > 0 {
                // Of equal times the lesser value first, so that the order of arrival does not show.
                kept.windows.sort_by_key(|window| window.end);
            }
            if !kept.points.is_sorted_by(|a, b| (a.ts, a.value) <= (b.ts, b.value)) {
                kept.points.sort_by(|a, b| a.ts.cmp(&b.ts).then(a.value.total_cmp(&b.value)).then(a.weight.total_cmp(&b.weight)));
            }
        }
        // By key, so that sums over series do not depend on which came first.
        self.kept.sort_by(|a, b| a.series.cmp(&b.series).then((a.source as u8).cmp(&(b.source as u8))));
        self.slots.clear();
    }

    /// How many samples are held.
    pub fn held(&self) -> usize {
        self.samples
    }

    /// The instant that is judged.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Everything that a selector takes.
    pub(super) fn select<'a>(&'a self, selector: &Selector) -> impl Iterator<Item = &'a Kept> {
        let want = self.needs.0.iter().find(|want| want.selector.is_like(selector));
        self.kept.iter().filter(move |kept| want.is_some_and(|want| want.takes(&kept.series.metric, &kept.series.tags)))
    }

    /// Everything that any condition asks for.
    pub(super) fn all(&self) -> &[Kept] {
        &self.kept
    }

    /// The names of metrics that were read.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Events of the hour before the instant, the oldest first.
    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }
}

impl Kept {
    /// Lets go of what has become too old to matter, once that is worth the work; how many there were.
    fn settle(&mut self, at: Timestamp) -> usize {
        let held = self.points.len() + self.windows.len();
        let Some(back) = self.back.filter(|_| held > 2 * self.settled.max(1024)) else { return 0 };
        self.from = self.from.max(at.minus(back));
        let from = self.from;
        let newest =
            |known: Option<Point>, point: &Point| known.filter(|known| (known.ts, known.value) >= (point.ts, point.value)).or(Some(*point));
        self.before = self.points.iter().filter(|point| point.ts < from).fold(self.before, newest);
        self.points.retain(|point| point.ts >= from);
        self.windows.retain(|window| window.end >= from);
        self.settled = self.points.len() + self.windows.len();
        held - self.settled
    }

    /// The samples in `(from, to]`.
    pub(super) fn within(&self, from: Timestamp, to: Timestamp) -> &[Point] {
        let start = self.points.partition_point(|point| point.ts <= from);
        let end = self.points.partition_point(|point| point.ts <= to);
        &self.points[start.min(end)..end]
    }

    /// The windows that end in `(from, to]`.
    pub(super) fn windows_within(&self, from: Timestamp, to: Timestamp) -> &[WindowPoint] {
        let start = self.windows.partition_point(|window| window.end <= from);
        let end = self.windows.partition_point(|window| window.end <= to);
        &self.windows[start.min(end)..end]
    }

    /// When the newest sample or window at an instant was.
    pub(super) fn newest(&self, at: Timestamp) -> Option<Timestamp> {
        let point = self.within(Timestamp::MIN, at).last().map(|point| point.ts);
        let window = self.windows_within(Timestamp::MIN, at).last().map(|window| window.end);
        let before = self.before.map(|before| before.ts).filter(|ts| *ts <= at);
        point.max(window).max(before)
    }

    /// When the series began, as far as it is known.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        let all =
            [self.points.first().map(|point| point.ts), self.windows.first().map(|window| window.end), self.before.map(|before| before.ts)];
        all.into_iter().flatten().min()
    }
}
