//! A condition is understood or refused with its place; what is understood reads the same when it
//! is shown, and judging it over records ends in a verdict or a mistake.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::record::{Series, Status};
use pipewatch::rule::{Check, Data, Level, Needs, judge, parse};
use pipewatch::time::Timestamp;
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
    let now = Timestamp::from_nanos(1_795_377_600_000_000_000);
    let mut data = Data::new(Needs::of([&condition]), now);
    for (name, unit) in [("x", None), ("m", Some("s")), ("latency", Some("ms"))] {
        let series = Arc::new(Series { unit: unit.map(str::to_owned), ..Series::new(name) });
        if let Ok(Some(slot)) = data.slot(&series) {
            for n in 0..5 {
                let _ = data.add(slot, Timestamp::from_nanos(now.nanos() - n * 60_000_000_000), n as f64, 1.0);
            }
        }
    }
    data.seal();
    let check = Check {
        name: "fuzz".into(),
        levels: vec![Level { status: Status::Critical, condition }],
        by: Vec::new(),
        no_data: Status::Unknown,
        playbook: None,
        extrapolate: true,
    };
    let _ = judge(&check, &data);
});
