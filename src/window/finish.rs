//! From what a window holds to its numbers.

use super::distinct::Distinct;
use super::pane::{Edges, Total};
use super::{GroupId, Plan};
use crate::math::{Moments, Sketch, quantile_sorted, quantile_weighted, sort_values};
use crate::record::{SampleType, SketchBins, Stat, Stats};
use crate::time::Span;

/// The numbers of one group in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The group.
    pub group: GroupId,
    /// Its numbers; those that were asked for and are known.
    pub stats: Stats,
    /// The relative error of the quantiles where they are not exact.
    pub error: Option<f64>,
    /// The distribution, where it was asked for.
    pub sketch: Option<SketchBins>,
}

impl Row {
    pub(super) fn empty() -> Row {
        Row { group: GroupId(0), stats: Stats::default(), error: None, sketch: None }
    }
}

/// What a group has in a window, from all of its panes.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// Values of weight 1, in any order; sorted in place.
    pub(super) values: &'a mut [f64],
    /// Values with their weights.
    pub(super) weighted: Vec<(f64, f64)>,
    pub(super) edges: Option<Edges>,
    pub(super) members: Option<Distinct>,
    pub(super) total: Option<Total>,
}

/// Works out one row, into memory that is used again.
pub(super) fn finish(row: &mut Row, group: GroupId, kind: SampleType, parts: Parts<'_>, length: Span, plan: &Plan) {
    row.group = group;
    row.error = None;
    row.sketch = None;
    row.stats.quantiles.clear();
    let Parts { values, mut weighted, edges, members, total } = parts;
    if let Some(members) = members {
        row.stats = Stats { distinct: plan.wants(Stat::Distinct).then(|| members.count()), ..Stats::default() };
        // Of a set the members are known, not how often each one came.
        row.stats.count = plan.wants(Stat::Count).then(|| members.count());
        return;
    }
    if let Some(mut total) = total {
        values.iter().for_each(|value| total.add(*value, 1.0));
        weighted.iter().for_each(|(value, weight)| total.add(*value, *weight));
        from_total(row, &total, plan);
    } else if weighted.is_empty() {
        from_values(row, values, plan);
    } else {
        weighted.extend(values.iter().map(|value| (*value, 1.0)));
        from_weighted(row, &mut weighted, plan);
    }
    let stats = &mut row.stats;
    stats.first = edges.filter(|_| plan.wants(Stat::First)).map(|edges| edges.first());
    stats.last = edges.filter(|_| plan.wants(Stat::Last)).map(|edges| edges.last());
    stats.rate = None;
    if plan.wants(Stat::Rate) && matches!(kind, SampleType::Counter | SampleType::Delta) {
        stats.rate = stats.sum.map(|sum| sum / length.secs_f64());
    }
    if !plan.wants(Stat::Sum) {
        stats.sum = None;
    }
}

/// The numbers that moments give, as far as they were asked for; the sum always, for the rate.
fn set_moments(stats: &mut Stats, moments: &Moments, plan: &Plan) {
    let wanted = |stat: Stat, value: Option<f64>| value.filter(|_| plan.wants(stat));
    stats.count = wanted(Stat::Count, Some(moments.count()));
    stats.sum = moments.sum();
    stats.min = wanted(Stat::Min, moments.min());
    stats.max = wanted(Stat::Max, moments.max());
    stats.mean = wanted(Stat::Mean, moments.mean());
    stats.stddev = wanted(Stat::Stddev, moments.stddev());
    stats.distinct = None;
}

/// The exact way: all values are here. They are sorted first, so that their order of arrival
/// makes no difference to any number.
fn from_values(row: &mut Row, values: &mut [f64], plan: &Plan) {
    sort_values(values);
    let mut moments = Moments::new();
    values.iter().for_each(|value| moments.add(*value, 1.0));
    set_moments(&mut row.stats, &moments, plan);
    for stat in &plan.stats {
        if let Stat::Quantile(percentile) = stat
            && let Some(value) = quantile_sorted(values, percentile.fraction())
        {
            row.stats.quantiles.push((*percentile, value));
        }
    }
    if plan.wants(Stat::Distinct) {
        let changes = values.windows(2).filter(|pair| pair[0] != pair[1]).count();
        row.stats.distinct = Some(if values.is_empty() { 0.0 } else { changes as f64 + 1.0 });
    }
    if plan.wants(Stat::Sketch) {
        let mut sketch = plan.sketch.clone();
        values.iter().for_each(|value| sketch.add(*value, 1.0));
        row.sketch = Some(bins(&sketch));
    }
}

/// The exact way for sampled streams: a value of weight 10 stands for ten equal ones.
fn from_weighted(row: &mut Row, weighted: &mut [(f64, f64)], plan: &Plan) {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut total = Total::new(plan);
    for (value, weight) in weighted.iter() {
        total.add(*value, *weight);
    }
    from_total(row, &total, plan);
    row.stats.quantiles.clear();
    row.error = None;
    for stat in &plan.stats {
        if let Stat::Quantile(percentile) = stat
            && let Some(value) = quantile_weighted(weighted, percentile.fraction())
        {
            row.stats.quantiles.push((*percentile, value));
        }
    }
}

/// The way for merged windows and for more values than are kept.
fn from_total(row: &mut Row, total: &Total, plan: &Plan) {
    let stats = &mut row.stats;
    set_moments(stats, &total.moments, plan);
    if !total.whole.count {
        stats.count = None;
    }
    if !total.whole.sum {
        (stats.sum, stats.mean) = (None, None);
    }
    if !total.whole.extremes {
        (stats.min, stats.max) = (None, None);
    }
    if !total.whole.spread {
        stats.stddev = None;
    }
    stats.distinct = total.distinct.as_ref().filter(|_| total.whole.distinct).map(Distinct::count);
    let Some(sketch) = total.sketch.as_ref().filter(|_| total.whole.sketch) else { return };
    for stat in &plan.stats {
        if let Stat::Quantile(percentile) = stat
            && let Some(value) = sketch.quantile(percentile.fraction())
        {
            let known = |limit: Option<f64>, value: f64, low: bool| match limit.filter(|_| total.whole.extremes) {
                Some(limit) if low => value.max(limit),
                Some(limit) => value.min(limit),
                None => value,
            };
            let value = known(total.moments.max(), known(total.moments.min(), value, true), false);
            stats.quantiles.push((*percentile, value));
            // Told as it was asked for: its way through gamma leaves a last digit behind.
            row.error = Some((sketch.relative_error() * 1e9).round() / 1e9);
        }
    }
    if plan.wants(Stat::Sketch) {
        row.sketch = Some(bins(sketch));
    }
}

/// A sketch as records carry it.
fn bins(sketch: &Sketch) -> SketchBins {
    SketchBins { gamma: sketch.gamma(), zero: sketch.zero(), bins: sketch.bins(), negative: sketch.negative() }
}

/// A distribution as records carry it, for merging; also as hashes of a sample's value.
pub(super) fn sketch_of(bins: &SketchBins) -> Option<Sketch> {
    Sketch::from_parts(bins.gamma, bins.zero, &bins.bins, &bins.negative).ok()
}

/// The hash of a member of a set.
pub(super) fn member_hash(member: &str) -> u64 {
    super::distinct::hash(member.as_bytes())
}
