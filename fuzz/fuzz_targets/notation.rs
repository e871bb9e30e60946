//! The notation of series is understood or refused with its place, and a message cannot steer a terminal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::rule::{Given, MOST_VALUES, series, values};

fuzz_target!(|text: &str| {
    let errors = [values(text).map(|all| check(&all)).err(), series(text).map(drop).err()];
    for error in errors.into_iter().flatten() {
        assert!(error.start <= error.end && error.end <= text.len(), "a place outside of the text");
        assert!(!error.render(text).chars().any(|c| c.is_control() && c != '\n'), "a message can steer a terminal");
    }
});

fn check(all: &[Given]) {
    assert!(all.len() <= MOST_VALUES);
}
