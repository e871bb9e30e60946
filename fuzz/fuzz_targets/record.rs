//! A line is a record or is refused with its place; a record is written so that it is read again as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::ndjson::{decode, write};
use pipewatch::record::LINE_BYTES;

fuzz_target!(|line: &[u8]| {
    match decode(line) {
        Ok(record) => {
            let mut written = Vec::new();
            write(&mut written, &record);
            let again = decode(written.strip_suffix(b"\n").expect("a record is one line"));
            assert_eq!(again.as_ref(), Ok(&record), "{}", String::from_utf8_lossy(&written));
            assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), 1);
        }
        Err(error) => {
            assert!(error.column >= 1 && error.column <= line.len() + 1, "{} in a line of {}", error.column, line.len());
            assert!(!error.to_string().chars().any(char::is_control), "a message can steer a terminal");
            assert!(error.to_string().len() < LINE_BYTES);
        }
    }
});
