//! Tests of windows: what they hold, and the laws that make them worth trusting.

use super::super::By;
use super::*;
use crate::math::{Sketch, quantile_sorted};
use crate::record::{Percentile, SketchBins, Stat, Stats};
use proptest::prelude::*;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9) as i64)
}

fn plan(stats: &str) -> Plan {
    Plan {
        every: Span::from_secs(10),
        slide: Span::from_secs(10),
        late: Span::from_secs(5),
        by: By::All,
        stats: stats.split(',').map(|name| Stat::parse(name).unwrap()).collect(),
        fill: Fill::None,
        max_groups: 100,
        synthetic: crate::record::Synthetic::Apart,
        sketch: Sketch::default(),
    }
}

/// A window's start in seconds, its metric, and its row.
type Out = (i64, String, Row);

fn take(closed: Vec<Closed>, out: &mut Vec<Out>) {
    for window in closed {
        window.rows(&mut |row| {
            let name = window.groups()[row.group.0 as usize].metric.clone();
            let mut row = row.clone();
            row.group = GroupId(0);
            out.push((window.start.nanos() / 1_000_000_000, name, row));
        });
    }
}

/// Runs samples through windows; what is due is taken out after every `cut` samples.
fn run(plan: Plan, cut: usize, samples: &[(Series, f64, f64)]) -> (Vec<Out>, Late) {
    let mut windows = Windows::new(plan);
    let mut out = Vec::new();
    for (n, (series, seconds, value)) in samples.iter().enumerate() {
        let route = windows.route(series);
        windows.add(route, at(*seconds), *value, 1.0);
        if (n + 1) % cut == 0 {
            take(windows.due(), &mut out);
        }
    }
    take(windows.finish(), &mut out);
    let late = windows.late().clone();
    (out, late)
}

fn gauges(points: &[(f64, f64)]) -> Vec<(Series, f64, f64)> {
    points.iter().map(|(seconds, value)| (Series::new("m"), *seconds, *value)).collect()
}

/// One number of every window, with the window's start.
fn numbers(out: &[Out], number: impl Fn(&Stats) -> Option<f64>) -> Vec<(i64, Option<f64>)> {
    out.iter().map(|(start, _, row)| (*start, number(&row.stats))).collect()
}

#[test]
fn a_sample_belongs_to_the_window_that_it_begins() {
    let (out, _) = run(plan("count"), 1, &gauges(&[(0.0, 1.0), (9.999, 1.0), (10.0, 1.0), (29.0, 1.0), (-0.001, 1.0)]));
    assert_eq!(numbers(&out, |s| s.count), [(0, Some(2.0)), (10, Some(1.0)), (20, Some(1.0))], "the last one came too late");
}

#[test]
fn late_samples_are_counted_with_how_late_they_were() {
    let (out, late) =
        run(plan("count"), 1, &gauges(&[(0.0, 1.0), (14.9, 1.0), (5.0, 1.0), (15.0, 1.0), (5.0, 1.0), (40.0, 1.0), (9.0, 1.0)]));
    assert_eq!(numbers(&out, |s| s.count)[0], (0, Some(2.0)));
    assert_eq!((late.count, late.worst), (2, Span::from_secs(25)));
}

#[test]
fn counters_give_increments_and_a_fall_is_a_reset() {
    let series = Series::new("requests").kind(SampleType::Counter);
    let points = [(1.0, 100.0), (5.0, 130.0), (12.0, 150.0), (18.0, 7.0), (35.0, 9.0)];
    let samples: Vec<_> = points.iter().map(|(s, v)| (series.clone(), *s, *v)).collect();
    let (out, _) = run(plan("sum,rate,first,last,count"), 2, &samples);
    assert_eq!(numbers(&out, |s| s.sum), [(0, Some(30.0)), (10, Some(27.0)), (30, Some(2.0))]);
    assert_eq!(numbers(&out, |s| s.rate), [(0, Some(3.0)), (10, Some(2.7)), (30, Some(0.2))]);
    assert_eq!(numbers(&out, |s| s.first), [(0, Some(100.0)), (10, Some(150.0)), (30, Some(9.0))]);
    assert_eq!(numbers(&out, |s| s.last), [(0, Some(130.0)), (10, Some(7.0)), (30, Some(9.0))]);
}

#[test]
fn sliding_windows_share_their_panes() {
    let sliding = Plan { every: Span::from_secs(30), ..plan("count,sum") };
    let (out, _) = run(sliding, 1, &gauges(&[(0.0, 1.0), (10.0, 2.0), (20.0, 4.0), (100.0, 8.0)]));
    let expected = [(-20, 1.0), (-10, 3.0), (0, 7.0), (10, 6.0), (20, 4.0), (80, 8.0), (90, 8.0), (100, 8.0)];
    assert_eq!(numbers(&out, |s| s.sum), expected.map(|(start, sum)| (start, Some(sum))));
}

#[test]
fn gaps_are_filled_as_asked() {
    let points = gauges(&[(0.0, 3.0), (35.0, 5.0)]);
    for (fill, expected) in [
        (Fill::None, vec![]),
        (Fill::Null, vec![(None, Some(0.0)); 2]),
        (Fill::Zero, vec![(Some(0.0), Some(0.0)); 2]),
        (Fill::Last, vec![(Some(3.0), Some(0.0)); 2]),
    ] {
        let (out, _) = run(Plan { fill, ..plan("count,max") }, 1, &points);
        let between: Vec<_> =
            out.iter().filter(|(start, ..)| (10..30).contains(start)).map(|(_, _, row)| (row.stats.max, row.stats.count)).collect();
        assert_eq!(between, expected, "{fill:?}");
    }
}

#[test]
fn members_of_sets_are_counted_once() {
    let mut windows = Windows::new(plan("distinct"));
    let route = windows.route(&Series::new("users").kind(SampleType::Set));
    for member in ["ann", "bob", "ann"] {
        windows.add_member(route, at(1.0), member);
    }
    let mut out = Vec::new();
    take(windows.finish(), &mut out);
    assert_eq!(numbers(&out, |s| s.distinct), [(0, Some(2.0))]);
}

#[test]
fn a_weight_counts_as_so_many_samples() {
    let mut windows = Windows::new(plan("count,sum,mean,p50"));
    let route = windows.route(&Series::new("m"));
    windows.add(route, at(1.0), 4.0, 10.0);
    windows.add(route, at(1.0), 1.0, 1.0);
    let mut out = Vec::new();
    take(windows.finish(), &mut out);
    let stats = &out[0].2.stats;
    assert_eq!((stats.count, stats.sum, stats.quantiles[0].1), (Some(11.0), Some(41.0), 4.0));
}

#[test]
fn a_window_that_does_not_fit_is_refused() {
    let mut windows = Windows::new(plan("count"));
    let window =
        |seconds: f64, length: u32| Window { ts: at(seconds), metric: "m".into(), window: Span::from_secs(length), ..Window::default() };
    assert_eq!(windows.add_window(&window(0.0, 10)), Ok(()));
    assert_eq!(windows.add_window(&window(5.0, 5)), Ok(()));
    assert!(windows.add_window(&window(5.0, 10)).unwrap_err().contains("does not lie within"));
    assert!(windows.add_window(&window(0.0, 60)).is_err());
}

#[test]
fn what_merged_windows_did_not_bring_is_left_out() {
    let mut windows = Windows::new(plan("count,sum,max,p50,stddev"));
    let stats = Stats { count: Some(4.0), mean: Some(2.5), ..Stats::default() };
    let window = Window { ts: at(0.0), metric: "m".into(), window: Span::from_secs(10), stats, ..Window::default() };
    windows.add_window(&window).unwrap();
    let mut out = Vec::new();
    take(windows.finish(), &mut out);
    let stats = &out[0].2.stats;
    assert_eq!((stats.count, stats.sum, stats.max, stats.stddev, stats.quantiles.len()), (Some(4.0), Some(10.0), None, None, 0));
}

fn any_samples(most: usize) -> impl Strategy<Value = Vec<(Series, f64, f64)>> {
    let kind = prop_oneof![Just(SampleType::Gauge), Just(SampleType::Counter), Just(SampleType::Delta)];
    let one = (0u8..3, kind, 0u32..1000, -50i32..1000).prop_map(|(tag, kind, tenths, value)| {
        (Series::new("m").kind(kind).tag("t", tag.to_string()), f64::from(tenths) / 10.0, f64::from(value) / 4.0)
    });
    prop::collection::vec(one, 1..most)
}

const MANY: &str = "count,sum,min,max,mean,first,last,stddev,rate,distinct,p50,p95";

proptest! {
    #[test]
    fn the_order_within_the_lateness_makes_no_difference(samples in any_samples(60), seed in any::<u64>(), slide in prop_oneof![Just(10u32), Just(5)]) {
        let plan = Plan { late: Span::from_secs(1000), slide: Span::from_secs(slide), ..plan(MANY) };
        let (sorted, _) = run(plan.clone(), 7, &{ let mut s = samples.clone(); s.sort_by(|a, b| a.1.total_cmp(&b.1)); s });
        let mut shuffled = samples;
        let length = shuffled.len();
        for n in 0..length { shuffled.swap(n, (seed as usize).wrapping_mul(2 * n + 13) % length); }
        let (other, late) = run(plan, 7, &shuffled);
        prop_assert_eq!(late.count, 0);
        prop_assert_eq!(sorted, other);
    }

    #[test]
    fn the_cut_makes_no_difference(samples in any_samples(80), cut in 1usize..20, slide in prop_oneof![Just(10u32), Just(5)], fill in prop_oneof![Just(Fill::None), Just(Fill::Zero)]) {
        let plan = Plan { slide: Span::from_secs(slide), fill, ..plan(MANY) };
        prop_assert_eq!(run(plan.clone(), 1, &samples), run(plan, cut, &samples));
    }

    #[test]
    fn the_numbers_are_those_of_the_definition(values in prop::collection::vec(-1e6f64..1e6, 1..200)) {
        let (out, _) = run(plan(MANY), 1000, &gauges(&values.iter().map(|v| (1.0, *v)).collect::<Vec<_>>()));
        let stats = &out[0].2.stats;
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        prop_assert_eq!((stats.count, stats.min, stats.max), (Some(count), sorted.first().copied(), sorted.last().copied()));
        prop_assert!((stats.mean.unwrap() - mean).abs() < 1e-6);
        prop_assert_eq!(stats.quantiles[1].1, quantile_sorted(&sorted, 0.95).unwrap());
        if values.len() > 1 {
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1.0);
            prop_assert!((stats.stddev.unwrap() - variance.sqrt()).abs() <= 1e-6 * variance.sqrt().max(1.0));
        }
    }

    #[test]
    fn windows_merged_from_parts_are_the_window_of_the_whole(values in prop::collection::vec(prop_oneof![-1e9f64..1e9, -1.0f64..1.0, Just(0.0)], 2..120), parts in 1usize..5, adverse in any::<bool>()) {
        let values: Vec<f64> = values.iter().enumerate().map(|(n, v)| if adverse { v * 10f64.powi(n as i32 % 30 - 15) } else { *v }).collect();
        let stats = "count,sum,min,max,mean,first,last,stddev,p50,p99,sketch";
        let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(n, v)| (n as f64 * 10.0 / values.len() as f64, *v)).collect();
        let (whole, _) = run(plan(stats), 1000, &gauges(&points));
        let mut merged = Windows::new(plan(stats));
        for part in 0..parts {
            let some: Vec<(f64, f64)> = points.iter().copied().skip(part).step_by(parts).collect();
            let (out, _) = run(plan(stats), 1000, &gauges(&some));
            for (_, _, row) in out {
                let window = Window { ts: at(0.0), metric: "m".into(), window: Span::from_secs(10), stats: row.stats, sketch: row.sketch, ..Window::default() };
                merged.add_window(&window).unwrap();
            }
        }
        let mut out = Vec::new();
        take(merged.finish(), &mut out);
        let (a, b) = (&whole[0].2, &out[0].2);
        prop_assert_eq!((a.stats.count, a.stats.min, a.stats.max), (b.stats.count, b.stats.min, b.stats.max));
        let greatest = values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        prop_assert!((a.stats.sum.unwrap() - b.stats.sum.unwrap()).abs() <= 1e-9 * greatest * values.len() as f64);
        prop_assert_eq!(&a.sketch, &b.sketch);
        prop_assert_eq!(b.error.map(|e| (e * 1e6).round()), Some(10_000.0));
        for ((_, exact), (_, sketched)) in a.stats.quantiles.iter().zip(&b.stats.quantiles) {
            // Between two values of unlike sign or size the interpolation weighs both errors.
            let near = values.iter().map(|v| v.abs()).filter(|v| *v >= exact.abs()).fold(f64::INFINITY, f64::min).min(greatest);
            prop_assert!((exact - sketched).abs() <= 0.0101 * near.max(exact.abs()), "{exact} {sketched}");
        }
    }
}

#[test]
fn past_the_bound_of_values_a_window_is_sketched_and_says_so() {
    let mut windows = Windows::new(plan("count,p50"));
    let route = windows.route(&Series::new("m"));
    let count = super::super::ROWS + 10;
    for n in 0..count {
        windows.add(route, at(1.0), (n % 1000 + 1) as f64, 1.0);
    }
    let mut out = Vec::new();
    take(windows.finish(), &mut out);
    let row = &out[0].2;
    assert_eq!(row.stats.count, Some(count as f64));
    assert!((row.stats.quantiles[0].1 / 500.5 - 1.0).abs() < 0.011);
    assert!((row.error.unwrap() - 0.01).abs() < 1e-9);
    assert_eq!(row.stats.quantiles[0].0, Percentile::parse("50").unwrap());
    assert_eq!(row.sketch, None::<SketchBins>);
}
