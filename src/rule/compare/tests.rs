use super::*;
use crate::record::SampleType;

const FROM: Timestamp = Timestamp::from_nanos(1_790_000_000_000_000_000);

/// Numbers that look random, around 0: an autoregression of the first order.
fn noise(seed: u64, count: usize, keep: f64) -> Vec<f64> {
    let (mut state, mut value) = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0.0);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        value = keep * value + ((state >> 33) as f64 / (1u64 << 31) as f64 - 0.5);
        value
    };
    (0..100).for_each(|_| {
        next();
    });
    (0..count).map(|_| next()).collect()
}

fn stretches(seconds: u32) -> (Stretch, Stretch) {
    let middle = FROM.plus(Span::from_secs(seconds));
    (Stretch { from: middle, to: middle.plus(Span::from_secs(seconds)) }, Stretch { from: FROM, to: middle })
}

/// Puts one value a second into both stretches.
fn put(windows: &mut Windows, series: &Series, now: &[f64], before: &[f64]) {
    let series = Arc::new(series.clone());
    let (this, that) = stretches(before.len() as u32);
    for (side, stretch, values) in [(Side::Now, this, now), (Side::Before, that, before)] {
        for (at, value) in values.iter().enumerate() {
            windows.add(side, &series, stretch.from.plus(Span::from_secs(at as u32)), *value, false);
        }
    }
}

fn differing(all: &[Compared]) -> Vec<String> {
    all.iter()
        .filter(|one| one.outcome.as_ref().is_ok_and(|found| found.is_real(0.05, Size::Small)))
        .map(|one| one.series.metric.clone())
        .collect()
}

#[test]
fn of_metrics_that_did_not_change_hardly_one_is_named_however_they_hang_together() {
    for keep in [0.0, 0.8, 0.9] {
        let rounds = 40;
        let mut named = 0;
        for round in 0..rounds {
            let mut windows = Windows::default();
            for series in 0..20u64 {
                let values = noise(round * 1000 + series, 400, keep);
                put(&mut windows, &Series::new(format!("m{series}")), &values[200..], &values[..200]);
            }
            let (now, before) = stretches(200);
            // With nothing to discover every discovery is false: at a rate of 0.05 one round in twenty may have any.
            named += usize::from(!differing(&windows.compare(now, before, 0.05, Size::Negligible)).is_empty());
        }
        assert!(named <= 6, "{named} of {rounds} rounds at autocorrelation {keep}");
    }
}

#[test]
fn of_what_is_called_different_at_most_the_stated_share_is_not() {
    let (mut right, mut wrong, mut missed) = (0, 0, 0);
    for round in 0..20 {
        let mut windows = Windows::default();
        for series in 0..20u64 {
            let values = noise(round * 777 + series, 400, 0.7);
            let moved = if series < 5 { 0.9 } else { 0.0 };
            let now: Vec<f64> = values[200..].iter().map(|value| value + moved).collect();
            put(&mut windows, &Series::new(format!("{}{series}", if series < 5 { "moved" } else { "still" })), &now, &values[..200]);
        }
        let (now, before) = stretches(200);
        let named = differing(&windows.compare(now, before, 0.05, Size::Small));
        right += named.iter().filter(|name| name.starts_with("moved")).count();
        wrong += named.iter().filter(|name| name.starts_with("still")).count();
        missed += 5 - named.iter().filter(|name| name.starts_with("moved")).count();
    }
    assert!(wrong as f64 <= 0.08 * (right + wrong) as f64, "{wrong} of {}", right + wrong);
    assert!(missed <= 10, "{missed} of 100 missed");
}

#[test]
fn what_differs_most_stands_first_and_small_changes_are_not_called() {
    let mut windows = Windows::default();
    let base = noise(1, 600, 0.3);
    let moved = |by: f64| base[300..].iter().map(|value| value + by).collect::<Vec<_>>();
    put(&mut windows, &Series::new("little"), &moved(0.1), &base[..300]);
    put(&mut windows, &Series::new("much"), &moved(2.0), &base[..300]);
    put(&mut windows, &Series::new("same"), &base[300..], &base[..300]);
    let wider: Vec<f64> = base[300..].iter().map(|value| value * 4.0).collect();
    put(&mut windows, &Series::new("wider"), &wider, &base[..300]);
    let (now, before) = stretches(300);
    let all = windows.compare(now, before, 0.05, Size::Large);
    assert_eq!(all[0].series.metric, "much");
    assert_eq!(differing(&all).len(), 3);
    assert!(
        !all.iter().any(|one| one.series.metric == "little" && one.outcome.as_ref().is_ok_and(|found| found.is_real(0.05, Size::Large)))
    );
    let wider = all.iter().find(|one| one.series.metric == "wider").unwrap();
    assert_eq!(wider.outcome.as_ref().unwrap().sense, Sense::Spread);
}

#[test]
fn counters_are_compared_by_their_rates_and_increments_by_how_many_came() {
    let mut windows = Windows::default();
    let counter = |rate: f64| {
        noise(3, 100, 0.0)
            .iter()
            .scan(0.0, |sum, value| {
                *sum += rate + value;
                Some(*sum)
            })
            .collect::<Vec<_>>()
    };
    put(&mut windows, &Series::new("requests").kind(SampleType::Counter), &counter(9.0), &counter(5.0));
    let (now, before) = stretches(600);
    let deploys = Arc::new(Series::new("commits").kind(SampleType::Delta));
    (0..300).for_each(|at| windows.add(Side::Before, &deploys, before.from.plus(Span::from_secs(2 * at)), 1.0, false));
    (0..5).for_each(|at| windows.add(Side::Now, &deploys, now.from.plus(Span::from_secs(100 * at)), 1.0, false));
    let all = windows.compare(now, before, 0.05, Size::Small);
    let names = differing(&all);
    assert!(names.contains(&"requests".to_owned()) && names.contains(&"commits".to_owned()), "{names:?}");
}

#[test]
fn what_is_only_on_one_side_is_told_and_not_called_different() {
    let mut windows = Windows::default();
    put(&mut windows, &Series::new("gone"), &[], &[1.0; 20]);
    put(&mut windows, &Series::new("few"), &[1.0; 3], &[1.0; 20]);
    put(&mut windows, &Series::new("constant"), &[4.0; 20], &[4.0; 20]);
    put(&mut windows, &Series::new("changed"), &[5.0; 60], &[4.0; 60]);
    let (now, before) = stretches(60);
    let all = windows.compare(now, before, 0.05, Size::Small);
    let of = |name: &str| all.iter().find(|one| one.series.metric == name).unwrap().outcome.clone();
    assert_eq!(of("gone").unwrap_err(), "it is there before, and not now");
    assert!(of("few").unwrap_err().contains("too few"));
    assert_eq!(of("constant").unwrap().p, 1.0);
    assert!(of("changed").unwrap().is_real(0.05, Size::Small));
}
