//! A condition is understood or refused with its place; what is understood reads the same when it
//! is shown, and judging it over records ends in a verdict or a mistake; a run that goes on from what
//! another one remembered says the same as one that never ended.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::record::{Series, Status};
use pipewatch::rule::{Check, Engine, Level, parse};
use pipewatch::time::{Span, Timestamp};
use std::sync::Arc;

fuzz_target!(|text: &str| {
    let condition = match parse(text) {
        Ok(condition) => condition,
        Err(error) => {
            let shown = error.render(text);
            assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "a message can steer a terminal");
            return;
        }
    };
    let shown = condition.to_string();
    // What is shown has parentheses that the text may lack, so that it may be nested too deep.
    if let Ok(again) = parse(&shown) {
        assert_eq!(again.to_string(), shown);
    }
    let at = |second: u32| Timestamp::from_nanos(1_795_377_600_000_000_000).plus(Span::from_secs(second));
    let check = Check::new("fuzz", vec![Level { status: Status::Critical, condition }]);
    let engine = || {
        let mut engine = Engine::new(vec![check.clone()]);
        engine.advance(at(60));
        for (name, unit) in [("x", None), ("m", Some("s")), ("latency", Some("ms"))] {
            let series = Arc::new(Series { unit: unit.map(str::to_owned), ..Series::new(name) });
            if let Ok(Some(slot)) = engine.slot(&series) {
                for n in 0..12u32 {
                    let _ = engine.add(slot, at(n * 5), f64::from(n * 37 % 11), 1.0);
                }
            }
        }
        engine
    };
    let mut whole = engine();
    whole.run(at(0), at(60), &mut |_, _| {});
    let mut first = engine();
    first.run(at(0), at(30), &mut |_, _| {});
    let mut second = engine();
    for (name, tags, memory) in first.memory() {
        assert!(second.remember(&name, &tags, &memory));
    }
    if let Some(then) = first.at() {
        second.resume(then);
    }
    second.run(at(0), at(60), &mut |_, _| {});
    let status = |engine: &mut Engine| engine.judge(at(60)).ok().map(|all| all.into_iter().map(|one| one.verdict.status).collect::<Vec<_>>());
    assert_eq!(status(&mut whole), status(&mut second));
});
