//! A line of statsd is read or refused with its place; what is read is a record that can be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::ndjson::{decode, write};
use pipewatch::time::Timestamp;
use pipewatch::wire;

fuzz_target!(|line: &[u8]| {
    let Some(format) = wire::find("statsd") else { panic!("the table lacks statsd") };
    let mut written = Vec::new();
    let read = (format.decode_line)(line, Timestamp::from_nanos(1), &mut |record| write(&mut written, &record));
    for line in written.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        assert!(decode(line).is_ok(), "{}", String::from_utf8_lossy(line));
    }
    if let Err(error) = read {
        assert!(!error.to_string().chars().any(char::is_control), "a message can steer a terminal");
    }
});
