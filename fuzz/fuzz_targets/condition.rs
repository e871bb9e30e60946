//! A condition is understood or refused with its place underlined; what is understood is judged without a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::rule::parse;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse(text) {
        Ok(condition) => {
            let again = parse(condition.text()).map(|again| again.text().to_owned());
            assert_eq!(again.as_deref().ok(), Some(condition.text()));
        }
        Err(error) => {
            let shown = error.render(text);
            assert!(shown.chars().all(|character| character == '\n' || !character.is_control()), "a message can steer a terminal: {shown:?}");
        }
    }
});
