//! What of the records is kept to judge conditions: only what can matter.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use super::buffer::{Buffer, Point, Source, WindowPoint};
use super::hold::Episode;
use super::syntax::Selector;
use super::want::{Counted, Wants};
use crate::record::{Event, SampleType, Series, Status, Tags, Window};
use crate::time::{Span, Timestamp};

/// How many samples are kept at most, in all.
const SAMPLES: usize = 20_000_000;

/// How many series are kept at most.
const SERIES: usize = 200_000;

/// How many names are remembered, for the nearest name in an answer.
const NAMES: usize = 2_000;

/// How many events are remembered at most.
const EVENTS: usize = 1_000;

/// How many verdicts of others are remembered of one name and its tags.
const VERDICTS: usize = 1_000;

/// How far back events are told of.
pub(super) const RECENT: Span = Span::from_secs(3600);

/// How many events are told of at most.
const TOLD: usize = 5;

/// What was concluded elsewhere, by the name of its check or heartbeat and its tags.
type Verdicts = BTreeMap<(String, Tags), VecDeque<(Timestamp, Status)>>;

/// What people judged the times to be that a check fired: when they said so, of which group, and
/// whether it was real.
type Judgements = HashMap<String, VecDeque<(Timestamp, Tags, bool)>>;

/// What people made of the times that a group fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Judged {
    /// Whether the last of them was real, where anybody said.
    pub(super) last: Option<bool>,
    pub(super) real: u32,
    pub(super) noise: u32,
}

/// How many series of records that were left out are told apart.
const LEFT_OUT: usize = 10_000;

/// Records that no selector takes because they are made activity, or are not.
#[derive(Debug)]
struct LeftOut {
    series: Arc<Series>,
    count: u64,
}

/// The records that matter.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) wants: Wants,
    /// Samples from before this matter only by their newest.
    from: Timestamp,
    /// What is from after this is not taken.
    horizon: Timestamp,
    /// Whether the horizon has moved, so that no record can hold what came after it.
    live: bool,
    buffers: Vec<Buffer>,
    slots: HashMap<(Source, Arc<Series>), usize>,
    names: BTreeSet<String>,
    events: VecDeque<Event>,
    verdicts: Verdicts,
    judgements: Judgements,
    samples: usize,
    /// How many there were when old ones were last let go.
    settled: usize,
    /// How many samples came from after the horizon.
    pub(super) future: u64,
    /// The series that came since terms were last told of them, and when the first of them begins.
    fresh: Vec<usize>,
    next: Timestamp,
    /// Which buffers hold something that is not in order yet.
    unsettled: Vec<usize>,
    /// What was left out as made activity; its slots count down from the greatest number.
    left_out: Vec<LeftOut>,
    /// Which buffers some selector leaves out.
    partly: Vec<usize>,
}

impl Data {
    pub(super) fn new(wants: Wants) -> Data {
        Data {
            wants,
            from: Timestamp::MIN,
            horizon: Timestamp::MAX,
            live: false,
            buffers: Vec::new(),
            slots: HashMap::new(),
            names: BTreeSet::new(),
            events: VecDeque::new(),
            verdicts: Verdicts::new(),
            judgements: Judgements::new(),
            samples: 0,
            settled: 0,
            future: 0,
            fresh: Vec::new(),
            next: Timestamp::MAX,
            unsettled: Vec::new(),
            left_out: Vec::new(),
            partly: Vec::new(),
        }
    }

    /// Says from when on instants are judged: what only matters before is not kept.
    pub(super) fn begin(&mut self, from: Timestamp) {
        self.from = from;
    }

    /// Moves the horizon on, as time passes while the input is read; back it does not go.
    pub(super) fn advance(&mut self, horizon: Timestamp) {
        if self.horizon == Timestamp::MAX {
            self.horizon = horizon;
        }
        self.live |= horizon > self.horizon;
        self.horizon = self.horizon.max(horizon);
    }

    /// Until when records are taken.
    pub(super) fn horizon(&self) -> Timestamp {
        self.horizon
    }

    /// Where the records of a series go; `None` when nothing asks for them.
    pub(super) fn slot(&mut self, series: &Arc<Series>, source: Source) -> Result<Option<usize>, String> {
        let key = (source, Arc::clone(series));
        if let Some(slot) = self.slots.get(&key) {
            return Ok(Some(*slot));
        }
        if self.names.len() < NAMES && !self.names.contains(&series.metric) {
            self.names.insert(series.metric.clone());
        }
        let wants = self.wants.0.iter().filter(|want| want.takes(series));
        // The furthest reach counts, and to look at everything is further than any.
        let Some(back) = wants.map(|want| want.back).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))) else {
            return Ok(self.leave_out(key));
        };
        if self.buffers.len() >= SERIES {
            return Err(format!("more than {SERIES} series match; narrow the selector, like `name{{tag=value}}`"));
        }
        let from = match back {
            Some(back) if self.from > Timestamp::MIN => self.from.minus(back),
            _ => Timestamp::MIN,
        };
        if self.wants.0.iter().any(|want| want.leaves_out(series)) {
            self.partly.push(self.buffers.len());
        }
        self.slots.insert(key, self.buffers.len());
        self.buffers.push(Buffer::new(Arc::clone(series), source, from, back));
        Ok(Some(self.buffers.len() - 1))
    }

    /// Where the records of a series are counted that nothing takes because they are made activity, or are not.
    fn leave_out(&mut self, (source, series): (Source, Arc<Series>)) -> Option<usize> {
        if !self.wants.0.iter().any(|want| want.leaves_out(&series)) {
            return None;
        }
        if self.left_out.len() < LEFT_OUT {
            self.left_out.push(LeftOut { series: Arc::clone(&series), count: 0 });
        }
        let slot = usize::MAX - (self.left_out.len() - 1);
        self.slots.insert((source, series), slot);
        Some(slot)
    }

    /// Whether what goes to a slot is only counted.
    pub(super) fn only_counts(&self, slot: usize) -> bool {
        slot >= self.buffers.len()
    }

    /// Counts a record that is left out.
    #[cold]
    fn count_left_out(&mut self, slot: usize) {
        if let Some(of) = self.left_out.get_mut(usize::MAX - slot) {
            of.count += 1;
        }
    }

    /// How many records of a selector were left out of a group because they are made activity, or are not.
    pub(super) fn left_out(&self, selector: &Selector, counted: Counted, tags: &Tags) -> u64 {
        if self.left_out.is_empty() && self.partly.is_empty() {
            return 0;
        }
        let Some(want) = self.wants.position(selector, counted).map(|at| &self.wants.0[at]) else { return 0 };
        let joins = |of: &Tags| tags.iter().all(|(key, value)| of.get(key).is_none_or(|of| of == value));
        let meant = |series: &Series| want.leaves_out(series) && joins(&series.tags);
        let alone = self.left_out.iter().filter(|of| meant(&of.series)).map(|of| of.count);
        let partly = self.partly.iter().map(|slot| &self.buffers[*slot]).filter(|buffer| meant(&buffer.series));
        alone.sum::<u64>() + partly.map(|buffer| buffer.len() as u64).sum::<u64>()
    }

    /// Adds a sample.
    #[inline]
    pub(super) fn add(&mut self, slot: usize, point: Point) -> Result<(), String> {
        if point.ts > self.horizon {
            self.future += 1;
            return Ok(());
        }
        let Some(buffer) = self.buffers.get_mut(slot) else {
            self.count_left_out(slot);
            return Ok(());
        };
        if buffer.is_empty() {
            self.fresh.push(slot);
        }
        let ordered = buffer.is_settled();
        self.next = if self.fresh.is_empty() { Timestamp::MAX } else { self.next.min(point.ts) };
        if !buffer.add(point) {
            return Ok(());
        }
        if ordered && !buffer.is_settled() {
            self.unsettled.push(slot);
        }
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
    pub(super) fn add_window(&mut self, window: &Window) -> Result<(), String> {
        let mut end = window.ts.plus(window.window);
        if self.live && window.ts <= self.horizon {
            // A window that was still open when its input ended holds what came up to now.
            end = end.min(self.horizon);
        }
        if end > self.horizon {
            self.future += 1;
            return Ok(());
        }
        let series =
            Series { metric: window.metric.clone(), kind: SampleType::Gauge, unit: window.unit.clone(), tags: window.tags.clone() };
        let Some(slot) = self.slot(&Arc::new(series), Source::Windows)? else { return Ok(()) };
        let (stats, sketch) = (window.stats.clone(), window.sketch.clone());
        let Some(buffer) = self.buffers.get_mut(slot) else {
            self.count_left_out(slot);
            return Ok(());
        };
        if buffer.is_empty() {
            self.fresh.push(slot);
        }
        self.next = self.next.min(end);
        let ordered = buffer.is_settled();
        if !buffer.add_window(WindowPoint { start: window.ts, end, length: window.window, stats, sketch }) {
            return Ok(());
        }
        if ordered && !buffer.is_settled() {
            self.unsettled.push(slot);
        }
        self.count()
    }

    /// Remembers an event, to be told with a verdict.
    pub(super) fn add_event(&mut self, event: &Event) {
        // What a generator did explains nothing: it does so all the time.
        if event.tags.is_synthetic() || event.ts > self.horizon || (self.from > Timestamp::MIN && event.ts < self.from.minus(RECENT)) {
            return;
        }
        let place = self.events.partition_point(|known| known.ts <= event.ts);
        self.events.insert(place, event.clone());
        if self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }

    /// Remembers what was concluded elsewhere, for those that need it.
    pub(super) fn add_verdict(&mut self, name: &str, tags: &Tags, ts: Timestamp, status: Status) {
        if ts > self.horizon {
            return;
        }
        let known = self.verdicts.entry((name.to_owned(), tags.clone())).or_default();
        let place = known.partition_point(|(then, _)| *then <= ts);
        known.insert(place, (ts, status));
        if known.len() > VERDICTS {
            known.pop_front();
        }
    }

    /// Remembers what a person judged a check's firing to be: real, or noise.
    pub(super) fn add_judgement(&mut self, check: &str, tags: &Tags, ts: Timestamp, real: bool) {
        if ts > self.horizon {
            return;
        }
        let known = self.judgements.entry(check.to_owned()).or_default();
        let place = known.partition_point(|(then, ..)| *then <= ts);
        known.insert(place, (ts, tags.clone(), real));
        if known.len() > VERDICTS {
            known.pop_front();
        }
    }

    /// What people made of a group's firing up to an instant. The last time is judged by what was said
    /// since it began; of several who said something the newest counts.
    pub(super) fn judged(&self, check: &str, tags: &Tags, last: Option<&Episode>, at: Timestamp) -> Judged {
        let mut judged = Judged::default();
        for (ts, real) in self.judgements(check, tags, at) {
            *(if real { &mut judged.real } else { &mut judged.noise }) += 1;
            if last.is_some_and(|last| ts >= last.from) {
                judged.last = Some(real);
            }
        }
        judged
    }

    /// All that people said of a group's firing up to an instant, the oldest first.
    pub(super) fn judgements(&self, check: &str, tags: &Tags, at: Timestamp) -> impl Iterator<Item = (Timestamp, bool)> {
        let joins = |other: &Tags| tags.iter().all(|(key, value)| other.get(key).is_none_or(|of| of == value));
        let all = self.judgements.get(check).into_iter().flatten();
        all.filter(move |(ts, of, _)| *ts <= at && joins(of)).map(|(ts, _, real)| (*ts, *real))
    }

    /// The status at an instant of everything that was concluded elsewhere under a name.
    pub(super) fn verdicts(&self, name: &str, at: Timestamp) -> impl Iterator<Item = (&Tags, Status)> {
        let first = (name.to_owned(), Tags::new());
        let all = self.verdicts.range(first..).take_while(move |((known, _), _)| *known == *name);
        all.filter_map(move |((_, tags), known)| {
            let place = known.partition_point(|(then, _)| *then <= at);
            Some((tags, known.get(place.checked_sub(1)?)?.1))
        })
    }

    /// The series that have begun by an instant, each once.
    pub(super) fn begun(&mut self, at: Timestamp) -> Vec<usize> {
        if self.next > at {
            return Vec::new();
        }
        let begin = |slot: &usize| self.buffers[*slot].oldest().unwrap_or(Timestamp::MAX);
        let (begun, later): (Vec<usize>, Vec<usize>) = std::mem::take(&mut self.fresh).into_iter().partition(|slot| begin(slot) <= at);
        self.next = later.iter().map(begin).min().unwrap_or(Timestamp::MAX);
        self.fresh = later;
        begun
    }

    /// Puts everything in order.
    pub(super) fn settle(&mut self) {
        for slot in self.unsettled.drain(..) {
            self.buffers[slot].settle();
        }
    }

    /// Lets go of what is too old to matter from an instant on, once that is worth the work.
    pub(super) fn forget(&mut self, at: Timestamp) {
        if self.samples < 2 * self.settled.max(1024) {
            return;
        }
        self.settle();
        for buffer in &mut self.buffers {
            self.samples -= buffer.forget(at);
        }
        self.settled = self.samples;
    }

    /// From when on the samples of each series matter to evaluations after an instant, where not all do.
    pub(super) fn needed(&self, at: Timestamp) -> impl Iterator<Item = (&Series, Timestamp)> {
        let plain = self.buffers.iter().filter(|buffer| buffer.source == Source::Samples);
        plain.filter_map(move |buffer| {
            let from = at.minus(buffer.back?);
            // The newest from before is kept however old it is.
            Some((&*buffer.series, buffer.newest(from).unwrap_or(from)))
        })
    }

    /// How many samples are held.
    pub(super) fn held(&self) -> usize {
        self.samples
    }

    /// Everything that any condition asks for.
    pub(super) fn buffers(&self) -> &[Buffer] {
        &self.buffers
    }

    /// The names of metrics that were read.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The newest events of the hour before an instant, the oldest of them first.
    pub(super) fn events(&self, at: Timestamp) -> impl Iterator<Item = &Event> {
        let from = self.events.partition_point(|event| event.ts < at.minus(RECENT));
        let to = self.events.partition_point(|event| event.ts <= at);
        self.events.range(from.max(to.saturating_sub(TOLD))..to)
    }
}
