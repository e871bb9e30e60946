//! One call over one set of series, moved along in time: each sample is taken in once and let go once.
//!
//! A meter gives, at every instant, just the number that working it out anew from the samples of
//! the window would give: sums are exact ([`ExactSum`]), ranks are of all values ([`Ordered`]), and
//! what is left of a number that was added and taken away again is nothing. So it makes no
//! difference when a meter began, and a run that goes on from a saved state agrees with one that
//! never ended.

mod slide;

use std::collections::VecDeque;

use self::slide::{Member, Slide, mean};
use super::aggregate::{self, Aggregate, Ends, Refusal};
use super::buffer::{Buffer, Point, Source, WindowPoint};
use super::forecast;
use super::reference::History;
use super::syntax::{Call, Function};
use crate::math::{ExactSum, quantile_weighted, sort_values};
use crate::record::{SampleType, Series};
use crate::time::{Span, Timestamp};

/// One call over one set of series.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) call: Call,
    extrapolate: bool,
    members: Vec<Member>,
    slide: Slide,
    /// The unit of the result.
    pub(super) unit: Option<String>,
    /// What it came to at the instant it was last moved to.
    pub(super) value: Option<f64>,
    /// The relative error of a quantile from sketches.
    pub(super) error: Option<f64>,
    /// Why the question makes no sense for these series.
    pub(super) refusal: Option<Refusal>,
    /// As `refusal`, known from the series alone.
    pub(super) senseless: Option<Refusal>,
    /// For a forecast: the instant it was worked out at, and the line.
    forecast: Option<(Timestamp, Result<Option<forecast::Trend>, Refusal>)>,
    /// The round in which it was last moved.
    round: u64,
    /// Of a reference: what its value rests on, as nothing moves it.
    fixed: Option<Fixed>,
}

/// What the value of a reference rests on.
#[derive(Debug)]
struct Fixed {
    basis: Basis,
    /// The samples, ascending; `None` where they stand for more or less than one.
    values: Option<Vec<f64>>,
    known: bool,
}

impl Meter {
    pub(super) fn new(call: &Call, extrapolate: bool) -> Meter {
        Meter {
            call: call.clone(),
            extrapolate,
            members: Vec::new(),
            slide: Slide::of(call.function),
            unit: None,
            value: None,
            error: None,
            refusal: None,
            senseless: None,
            forecast: None,
            round: 0,
            fixed: None,
        }
    }

    /// A reference, worked out once over the series of its history.
    pub(super) fn of_reference(call: &Call, extrapolate: bool, series: &[usize], history: &History) -> Meter {
        let mut meter = Meter::new(call, extrapolate);
        let Some(asked) = history.call(call) else { return meter };
        let (buffers, end) = (history.buffers(), history.end);
        let mut inner = Meter::new(&asked, extrapolate);
        inner.link(series, buffers);
        inner.advance(buffers, end, 1);
        let fixed = Fixed { basis: inner.basis(buffers, end), values: inner.values(buffers, end), known: inner.has_series() };
        (meter.value, meter.error, meter.unit) = (inner.value, inner.error, inner.unit);
        meter.senseless = inner.senseless.or(inner.refusal);
        (meter.refusal, meter.fixed) = (meter.senseless.clone(), Some(fixed));
        meter
    }

    /// The samples in the window at an instant, ascending; `None` where they stand for more or less than one.
    pub(super) fn values(&self, buffers: &[Buffer], at: Timestamp) -> Option<Vec<f64>> {
        if let Some(fixed) = &self.fixed {
            return fixed.values.clone();
        }
        let (start, end) = self.window(at);
        let points = self.members.iter().flat_map(|member| {
            let buffer = &buffers[member.buffer];
            buffer.between(buffer.behind(start), buffer.behind(end))
        });
        let mut values = points.map(|point| (point.weight == 1.0).then_some(point.value)).collect::<Option<Vec<f64>>>()?;
        sort_values(&mut values);
        Some(values)
    }

    /// Takes the series to measure, in their order; begins anew when they are others than before.
    pub(super) fn link(&mut self, series: &[usize], buffers: &[Buffer]) {
        if self.call.function == Function::Reference {
            return;
        }
        let measured = |slot: &&usize| buffers[**slot].source != Source::Occurrences || self.call.function.counts_occurrences();
        let slots: Vec<usize> = series.iter().filter(measured).copied().collect();
        if self.members.iter().map(|member| member.buffer).eq(slots.iter().copied()) && !slots.is_empty() {
            return;
        }
        let member = |buffer: usize| Member { buffer, lo: 0, hi: 0, revision: u32::MAX, sum: ExactSum::new(), peaks: VecDeque::new() };
        self.members = slots.into_iter().map(member).collect();
        self.slide = Slide::of(self.call.function);
        self.senseless = self.sense(!series.is_empty(), buffers).err();
    }

    /// Whether the question makes sense for the series, and the unit of its answer.
    fn sense(&mut self, any: bool, buffers: &[Buffer]) -> Result<(), Refusal> {
        let call = &self.call;
        if self.members.is_empty() && any {
            let message = format!("`{}` is an event or a beat, which has no value", call.selector);
            let hint = format!("ask for its age or its count, like `age({0}) > 1h` or `count({0}, 1h) > 0`", call.selector);
            return Err(Refusal { message, hint });
        }
        let of = |member: &Member| &buffers[member.buffer].series;
        let unit = self.members.first().and_then(|member| of(member).unit.clone());
        let unitless = matches!(call.function, Function::Count | Function::Distinct | Function::Age);
        if let Some(other) = self.members.iter().map(|member| &of(member).unit).find(|other| **other != unit && !unitless) {
            let name = |unit: &Option<String>| unit.as_deref().map_or("none".to_owned(), |unit| format!("`{unit}`"));
            let message = format!("the series of `{}` have different units: {} and {}", call.selector, name(&unit), name(other));
            return Err(Refusal { message, hint: "choose those of one unit by their tags, or keep them apart by --by".into() });
        }
        let gauge = |member: &Member| matches!(of(member).kind, SampleType::Gauge | SampleType::Set);
        let plain = |member: &Member| buffers[member.buffer].source == Source::Samples;
        if matches!(call.function, Function::Rate | Function::Increase) && self.members.iter().any(|member| plain(member) && gauge(member))
        {
            let name = call.function.name();
            let message = format!("`{}` is a gauge, and `{name}` is of counters and increments", call.selector);
            let hint = format!("use `count({})` for how many samples came, or `delta` for how it changed", call.arguments());
            return Err(Refusal { message, hint });
        }
        self.unit = super::units::result_unit(call.function, unit);
        Ok(())
    }

    /// Whether any series is measured.
    pub(super) fn has_series(&self) -> bool {
        !self.members.is_empty() || self.fixed.as_ref().is_some_and(|fixed| fixed.known)
    }

    /// The buffers of its series.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> {
        self.members.iter().map(|member| member.buffer)
    }

    /// The window at an instant: samples in `(start, end]` count.
    fn window(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let end = at.minus(self.call.ago.unwrap_or(Span::ZERO));
        (self.call.window.map_or(Timestamp::MIN, |window| end.minus(window)), end)
    }

    /// Moves on to an instant, once a round, and works out the value.
    pub(super) fn advance(&mut self, buffers: &[Buffer], at: Timestamp, round: u64) {
        if self.round == round || self.call.function == Function::Reference {
            return;
        }
        self.round = round;
        (self.value, self.error, self.refusal) = (None, None, self.senseless.clone());
        if self.refusal.is_some() {
            return;
        }
        let (start, end) = self.window(at);
        match self.call.function {
            Function::Age => {
                self.value = self.newest(buffers, end).map(|newest| end.since(newest).secs_f64());
                return;
            }
            Function::Forecast => {
                self.value = self.forecast(buffers, at);
                return;
            }
            Function::Last if self.call.window.is_none() => {
                if let Some(point) = self.newest_point(buffers, end) {
                    self.value = Some(point.value);
                    return;
                }
            }
            _ => self.slide(buffers, start, end),
        }
        match self.of_samples(buffers, start, end) {
            Some(value) => self.value = value,
            None => self.of_windows(buffers, start, end),
        }
        if self.value.is_none() && self.call.function == Function::Last && self.call.window.is_none() {
            let before = self.members.iter().filter_map(|member| buffers[member.buffer].before.filter(|before| before.ts <= end));
            self.value = before.max_by(|a, b| a.ts.cmp(&b.ts).then(a.value.total_cmp(&b.value))).map(|before| before.value);
        }
    }

    /// Takes in what came into the window, and lets go of what fell out of it.
    fn slide(&mut self, buffers: &[Buffer], start: Timestamp, end: Timestamp) {
        if self.members.iter().any(|member| member.revision != buffers[member.buffer].revision) {
            self.begin(buffers, start);
        }
        for member in &mut self.members {
            let buffer = &buffers[member.buffer];
            while let Some(point) = buffer.at(member.hi).filter(|point| point.ts <= end) {
                member.enter(buffer, point, &self.slide, self.call.function);
                self.slide.enter(point);
                member.hi += 1;
            }
            while let Some(point) = buffer.at(member.lo).filter(|point| point.ts <= start && member.lo < member.hi) {
                member.leave(buffer, point, &self.slide);
                self.slide.leave(point);
                member.lo += 1;
            }
        }
    }

    /// Begins anew with an empty window.
    fn begin(&mut self, buffers: &[Buffer], start: Timestamp) {
        self.slide = Slide::of(self.call.function);
        for member in &mut self.members {
            let buffer = &buffers[member.buffer];
            let place = buffer.behind(start);
            (member.lo, member.hi, member.revision) = (place, place, buffer.revision);
            member.sum = ExactSum::new();
            member.peaks.clear();
        }
    }

    /// The value of the samples in the window; `None` when there are none, and windows may tell.
    fn of_samples(&self, buffers: &[Buffer], start: Timestamp, end: Timestamp) -> Option<Option<f64>> {
        if self.members.iter().all(|member| member.lo == member.hi) {
            let windows = self.members.iter().any(|member| buffers[member.buffer].source == Source::Windows);
            return if windows { None } else { Some(None) };
        }
        let inside = || self.members.iter().filter(|member| member.lo < member.hi).map(|member| (member, &buffers[member.buffer]));
        Some(match (&self.slide, self.call.function) {
            (Slide::Sums { weight, .. }, Function::Count) => Some(weight.value()),
            (Slide::Sums { sum, .. }, Function::Sum) => Some(sum.value()).filter(|sum| sum.is_finite()),
            (Slide::Sums { weight, sum }, _) => mean(sum, weight.value()),
            (Slide::Spread(moments), _) => moments.stddev(),
            (Slide::Ranks { values, weighted: 0 }, Function::Quantile(percentile)) => values.quantile(percentile.fraction()),
            (Slide::Ranks { .. }, Function::Quantile(percentile)) => {
                let points = inside().flat_map(|(member, buffer)| buffer.between(member.lo, member.hi));
                let mut weighted: Vec<(f64, f64)> = points.map(|point| (point.value, point.weight)).collect();
                weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
                quantile_weighted(&weighted, percentile.fraction())
            }
            (Slide::Peaks, function) => {
                let peaks = inside().filter_map(|(member, buffer)| Some(buffer.at(*member.peaks.front()?)?.value));
                if function == Function::Min { peaks.reduce(f64::min) } else { peaks.reduce(f64::max) }
            }
            (Slide::Distinct(counts), _) => Some(counts.len() as f64),
            (Slide::Increase, _) => self.increase(buffers, start, end),
            (_, Function::First) => {
                let firsts = inside().filter_map(|(member, buffer)| buffer.at(member.lo));
                firsts.min_by(|a, b| a.ts.cmp(&b.ts).then(a.value.total_cmp(&b.value))).map(|point| point.value)
            }
            _ => {
                let lasts = inside().filter_map(|(member, buffer)| buffer.at(member.hi - 1));
                lasts.max_by(|a, b| a.ts.cmp(&b.ts).then(a.value.total_cmp(&b.value))).map(|point| point.value)
            }
        })
    }

    /// The sum of the series' increases; a rate is that over the window.
    fn increase(&self, buffers: &[Buffer], start: Timestamp, end: Timestamp) -> Option<f64> {
        let mut all = None;
        for member in self.members.iter().filter(|member| member.lo < member.hi) {
            let buffer = &buffers[member.buffer];
            let (Some(first), Some(last)) = (buffer.at(member.lo), buffer.at(member.hi - 1)) else { continue };
            let ends = Ends { first: *first, last: *last, count: (member.hi - member.lo) as usize, start, end };
            let increase = match buffer.series.kind {
                SampleType::Counter => aggregate::increase(&ends, member.sum.value(), self.extrapolate),
                SampleType::Delta => Some(member.sum.value()),
                SampleType::Gauge | SampleType::Set => aggregate::change(&ends, self.extrapolate),
            };
            all = increase.map_or(all, |increase| Some(all.unwrap_or(0.0) + increase));
        }
        let seconds = self.call.window.map_or(1.0, Span::secs_f64);
        all.map(|sum| if self.call.function == Function::Rate { sum / seconds } else { sum })
    }

    fn of_windows(&mut self, buffers: &[Buffer], start: Timestamp, end: Timestamp) {
        let windows = self.windows(buffers, start, end);
        if windows.is_empty() {
            return;
        }
        match aggregate::of_windows(self.call.function, &windows, self.call.window) {
            Ok(Aggregate { value, error }) => (self.value, self.error) = (value, error),
            Err(refusal) => self.refusal = Some(refusal),
        }
    }

    fn windows<'a>(&self, buffers: &'a [Buffer], start: Timestamp, end: Timestamp) -> Vec<&'a WindowPoint> {
        self.members.iter().flat_map(|member| aggregate::apart(buffers[member.buffer].windows_within(start, end))).collect()
    }

    /// Where the line through the window leads; worked out anew at the multiples of a step.
    fn forecast(&mut self, buffers: &[Buffer], at: Timestamp) -> Option<f64> {
        let (window, ahead) = self.call.window.zip(self.call.ahead)?;
        let then = at.floor_to(forecast::step(window));
        if self.forecast.as_ref().is_none_or(|(known, _)| *known != then) {
            let (start, end) = self.window(then);
            let points = forecast::of_one(&self.call, self.points(buffers, start, end));
            self.forecast = Some((then, points.map(|points| forecast::trend(&points, end))));
        }
        if let Some((_, Err(refusal))) = &self.forecast {
            self.refusal = Some(refusal.clone());
        }
        self.trend()?.at(at.minus(self.call.ago.unwrap_or(Span::ZERO)).plus(ahead))
    }

    /// The line of a forecast.
    pub(super) fn trend(&self) -> Option<&forecast::Trend> {
        self.forecast.as_ref().and_then(|(_, trend)| trend.as_ref().ok()?.as_ref())
    }

    /// The samples in a window, of every series that has some; of windows that rollup made, their means,
    /// each in the middle of its window.
    fn points<'a>(&self, buffers: &'a [Buffer], start: Timestamp, end: Timestamp) -> Vec<(&'a Series, Vec<Point>)> {
        let mut all = Vec::new();
        for member in &self.members {
            let buffer = &buffers[member.buffer];
            let mut points = buffer.between(buffer.behind(start), buffer.behind(end)).to_vec();
            let windows = aggregate::apart(buffer.windows_within(start, end));
            let means = windows.into_iter().rev().filter_map(|window| {
                let value = window.stats.mean.or(window.stats.last)?;
                let middle = Span::from_nanos(window.end.since(window.start).nanos() / 2);
                Some(Point { ts: window.start.plus(middle), value, weight: 1.0 })
            });
            points.extend(means);
            if !points.is_empty() {
                all.push((&*buffer.series, points));
            }
        }
        all
    }

    fn newest(&self, buffers: &[Buffer], end: Timestamp) -> Option<Timestamp> {
        self.members.iter().filter_map(|member| buffers[member.buffer].newest(end)).max()
    }

    /// The newest sample of all series, and of several at one instant the greatest.
    fn newest_point<'a>(&self, buffers: &'a [Buffer], end: Timestamp) -> Option<&'a Point> {
        let plain = self.members.iter().map(|member| &buffers[member.buffer]).filter(|buffer| buffer.source != Source::Windows);
        let newest = plain.filter_map(|buffer| buffer.newest_point(end));
        newest.max_by(|a, b| a.ts.cmp(&b.ts).then(a.value.total_cmp(&b.value)))
    }

    /// When the first sample of all its series was, as far as it is known.
    pub(super) fn oldest(&self, buffers: &[Buffer]) -> Option<Timestamp> {
        self.members.iter().filter_map(|member| buffers[member.buffer].oldest()).min()
    }

    /// What the value at an instant rests on.
    pub(super) fn basis(&self, buffers: &[Buffer], at: Timestamp) -> Basis {
        if let Some(fixed) = &self.fixed {
            return fixed.basis.clone();
        }
        let (start, end) = if self.call.function == Function::Age { (Timestamp::MIN, at) } else { self.window(at) };
        let mut basis = Basis { last_seen: self.newest(buffers, end), ..Basis::default() };
        for buffer in self.members.iter().map(|member| &buffers[member.buffer]) {
            let points = buffer.between(buffer.behind(start), buffer.behind(end));
            let windows = aggregate::apart(buffer.windows_within(start, end));
            let before = buffer.before.filter(|before| before.ts > start && before.ts <= end);
            basis.samples += points.iter().chain(before.as_ref()).map(|point| point.weight).sum::<f64>();
            basis.samples += windows.iter().map(|window| window.stats.count.unwrap_or(1.0)).sum::<f64>();
            basis.sampled |= points.iter().any(|point| point.weight != 1.0);
            basis.series += usize::from(!points.is_empty() || !windows.is_empty() || before.is_some());
            let oldest = before.iter().chain(points.first()).map(|point| point.ts).chain(windows.last().map(|window| window.end));
            let newest = before.iter().chain(points.last()).map(|point| point.ts).chain(windows.first().map(|window| window.end));
            basis.oldest = oldest.chain(basis.oldest).min();
            basis.newest = newest.chain(basis.newest).max();
        }
        basis
    }
}

/// What a number rests on.
#[derive(Debug, Clone, Default)]
pub(super) struct Basis {
    /// How many observations, by weight.
    pub(super) samples: f64,
    pub(super) series: usize,
    pub(super) oldest: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
    /// When the newest sample was, be it in the window or before.
    pub(super) last_seen: Option<Timestamp>,
    /// Whether samples stand for more than one observation.
    pub(super) sampled: bool,
}

#[cfg(test)]
mod tests;
