//! A meter that slid says just what one that begins at that instant says, whatever came between.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::record::SampleType;
use crate::rule::parse::parse_sum;
use crate::rule::syntax::SumKind;

fn call(text: &str) -> Call {
    match parse_sum(text, (0, text.len())).unwrap().kind {
        SumKind::Call(call) => call,
        other => panic!("{other:?} is no call"),
    }
}

fn at(ms: u32) -> Timestamp {
    Timestamp::from_nanos(i64::from(ms) * 1_000_000)
}

fn functions() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("count(m, 10s)"),
        Just("sum(m, 10s)"),
        Just("mean(m, 7s)"),
        Just("min(m, 10s)"),
        Just("max(m, 3s)"),
        Just("p50(m, 10s)"),
        Just("p90(m, 10s, 2s ago)"),
        Just("stddev(m, 10s)"),
        Just("first(m, 10s)"),
        Just("last(m, 10s)"),
        Just("last(m)"),
        Just("rate(m, 10s)"),
        Just("increase(m, 20s)"),
        Just("delta(m, 10s)"),
        Just("distinct(m, 10s)"),
        Just("age(m)"),
    ]
}

/// Samples of three series: when, of which, the value, the weight; a few come late.
fn samples() -> impl Strategy<Value = Vec<(u32, usize, f64, f64)>> {
    let value = prop_oneof![0u8..6, Just(200u8)].prop_map(|value| f64::from(value) * 0.1);
    let weight = prop_oneof![4 => Just(1.0), 1 => Just(2.5)];
    prop::collection::vec((0u32..60_000, 0usize..3, value, weight), 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn sliding_leaves_no_trace(mut samples in samples(), function in functions(), kind in 0u8..3, late in 0usize..8, steps in prop::collection::vec(1u32..9_000, 1..12)) {
        let kind = match (kind, function) {
            (0, _) => SampleType::Counter,
            (1, _) | (_, "rate(m, 10s)" | "increase(m, 20s)") => SampleType::Delta,
            _ => SampleType::Gauge,
        };
        samples.sort_by_key(|sample| sample.0);
        for place in 0..late.min(samples.len()) {
            let (one, other) = (place * 7 % samples.len(), place * 13 % samples.len());
            samples.swap(one, other);
        }
        let series = |at: usize| Arc::new(Series::new("m").kind(kind).tag("host", format!("h{at}")));
        let mut buffers: Vec<Buffer> = (0..3).map(|at| Buffer::new(series(at), Source::Samples, Timestamp::MIN, None)).collect();
        let call = call(function);
        let mut slid = Meter::new(&call, true);
        slid.link(&[0, 1, 2], &buffers);
        let (mut now, mut given) = (0, 0);
        for (round, step) in steps.into_iter().enumerate() {
            now += step;
            // What arrives does so in the order it is given, though it may be older than what is there.
            let arrived = samples.len() * (round + 1) / 12;
            for (ms, of, value, weight) in &samples[given..arrived.max(given)] {
                buffers[*of].add(Point { ts: at(*ms), value: *value, weight: *weight });
            }
            given = arrived.max(given);
            buffers.iter_mut().for_each(Buffer::settle);
            slid.advance(&buffers, at(now), round as u64 + 1);
            let mut fresh = Meter::new(&call, true);
            fresh.link(&[0, 1, 2], &buffers);
            fresh.advance(&buffers, at(now), 1);
            prop_assert_eq!(slid.value.map(f64::to_bits), fresh.value.map(f64::to_bits), "{} at {} ms: {:?} and {:?}", function, now, slid.value, fresh.value);
        }
    }
}
