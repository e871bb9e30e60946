use std::sync::Arc;

use super::*;
use crate::record::SampleType;

const START: Timestamp = Timestamp::from_nanos(1_790_000_040_000_000_000);

/// Numbers that look random, around 0: an autoregression of the first order.
fn noise(seed: u64, count: usize, keep: f64) -> Vec<f64> {
    let (mut state, mut value) = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), 0.0);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        value = keep * value + ((state >> 33) as f64 / (1u64 << 31) as f64 - 0.5);
        value
    };
    (0..count).map(|_| next()).collect()
}

/// Puts one value a minute.
fn put(gatherer: &mut Gatherer, series: Series, values: impl IntoIterator<Item = f64>) {
    let place = gatherer.place(&Arc::new(series)).unwrap();
    for (minute, value) in values.into_iter().enumerate() {
        gatherer.add(place, START.plus(Span::from_secs(60 * minute as u32)), value);
    }
}

fn study(gatherer: Gatherer) -> Study {
    Study::new(gatherer, &[], Budget::DEFAULT, Names::Read).unwrap()
}

fn standing<'a>(study: &'a Study, metric: &str) -> Ranked<'a> {
    study.ranking().find(|ranked| ranked.series.metric == metric).unwrap()
}

/// A latency that is slow from minute 1000 to 1060, and its cause, `ahead` minutes before.
fn slow(seed: u64, minute: usize, ahead: usize) -> f64 {
    let base = noise(seed, 2000, 0.5)[minute];
    10.0 + base + if (1000 - ahead..1060 - ahead).contains(&minute) { 40.0 } else { 0.0 }
}

#[test]
fn what_never_moves_repeats_another_or_is_noise_has_no_rank() {
    let mut gatherer = Gatherer::new();
    let latency: Vec<f64> = (0..2000).map(|minute| slow(1, minute, 0)).collect();
    put(&mut gatherer, Series::new("http.latency").unit("s"), latency.iter().copied());
    put(&mut gatherer, Series::new("copy"), latency.iter().map(|value| 3.0 - 2.0 * value));
    put(&mut gatherer, Series::new("constant"), vec![4.0; 2000]);
    put(&mut gatherer, Series::new("noise"), noise(9, 2000, 0.0));
    put(&mut gatherer, Series::new("walk"), noise(10, 2000, 0.99));
    put(&mut gatherer, Series::new("few"), [1.0, 2.0, 3.0]);
    let study = study(gatherer);
    assert_eq!(standing(&study, "http.latency").rank, 1);
    assert!(matches!(standing(&study, "copy").standing, Standing::Repeats(..)));
    assert_eq!(standing(&study, "copy").repeats.unwrap().metric, "http.latency");
    assert_eq!(standing(&study, "constant").standing, Standing::Constant);
    assert_eq!(standing(&study, "noise").standing, Standing::Noise);
    assert_eq!(standing(&study, "walk").standing, Standing::Ranked);
    assert_eq!(standing(&study, "few").standing, Standing::Short);
}

#[test]
fn where_users_come_in_holds_the_most_of_all_waiting() {
    let mut gatherer = Gatherer::new();
    // The door answers 10 requests a second in 0.5 s; each asks a store three times, for 0.1 s each.
    for (name, rate, seconds) in [("door", 10.0, 0.5), ("store", 30.0, 0.1), ("slow-report", 0.1, 9.0)] {
        let shake = noise(rate as u64 + 1, 500, 0.5);
        let counted = shake.iter().scan(0.0, |sum, shake| {
            *sum += 60.0 * rate + shake;
            Some(*sum)
        });
        put(&mut gatherer, Series::new(format!("{name}.requests")).kind(SampleType::Counter), counted.collect::<Vec<_>>());
        put(&mut gatherer, Series::new(format!("{name}.latency")).unit("ms"), shake.iter().map(|shake| 1000.0 * seconds + shake));
    }
    let study = study(gatherer);
    let holds = |metric: &str| standing(&study, metric).parts.holds;
    assert_eq!(holds("door.latency"), 1.0);
    assert!((holds("store.latency") - 0.6).abs() < 0.02, "{}", holds("store.latency"));
    assert!((holds("slow-report.latency") - 0.18).abs() < 0.02);
}

#[test]
fn what_moves_first_is_told_with_how_long_before() {
    let mut gatherer = Gatherer::new();
    let cause = noise(3, 2000, 0.7);
    let own = noise(4, 2000, 0.7);
    let felt = |minute: usize| 20.0 + 2.0 * minute.checked_sub(4).map_or(0.0, |before| cause[before]) + own[minute];
    put(&mut gatherer, Series::new("http.latency").unit("s"), (0..2000).map(felt));
    put(&mut gatherer, Series::new("db.connections"), cause.iter().copied());
    put(&mut gatherer, Series::new("other"), noise(5, 2000, 0.7));
    let study = study(gatherer);
    assert_eq!(standing(&study, "http.latency").rank, 1);
    let (before, correlation, p) = standing(&study, "db.connections").leading.before.unwrap();
    assert_eq!(before, Span::from_secs(240));
    assert!(correlation > 0.5 && p < 0.0001, "{correlation} {p}");
    assert_eq!(standing(&study, "other").leading.before, None);
}

#[test]
fn what_many_deviate_in_at_once_is_an_episode() {
    let mut gatherer = Gatherer::new();
    for seed in 0..8 {
        put(&mut gatherer, Series::new(format!("service{seed}.latency")).unit("s"), (0..2000).map(|minute| slow(seed + 1, minute, 0)));
    }
    put(&mut gatherer, Series::new("alone"), (0..2000).map(|minute| if minute == 300 { 90.0 } else { noise(20, 2000, 0.2)[minute] }));
    let study = study(gatherer);
    assert_eq!(study.episodes.len(), 1, "{:?}", study.episodes);
    let Episode { from, to, grave, .. } = study.episodes[0];
    assert!(grave);
    assert_eq!(from.since(START), Span::from_secs(60_000));
    assert!(to.since(from) >= Span::from_secs(3600) && to.since(from) <= Span::from_secs(3900), "{to}");
}

#[test]
fn incidents_that_people_name_are_taken_instead_of_those_that_are_found() {
    let mut gatherer = Gatherer::new();
    put(&mut gatherer, Series::new("http.latency").unit("s"), (0..2000).map(|minute| slow(1, minute, 0)));
    let at = |minute: u32| START.plus(Span::from_secs(60 * minute));
    let study = Study::new(gatherer, &[(at(1000), at(1060)), (at(90_000), at(90_001))], Budget::DEFAULT, Names::Read).unwrap();
    assert!(study.told);
    assert_eq!(study.episodes.len(), 1);
    assert_eq!((study.episodes[0].from, study.episodes[0].grave), (at(1000), true));
}
