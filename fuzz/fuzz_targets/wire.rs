//! Every format's lines are read or refused with a place; what is given can be written as records are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::ndjson::{decode, write};
use pipewatch::record::Record;
use pipewatch::time::Timestamp;
use pipewatch::wire::FORMATS;

fuzz_target!(|line: &[u8]| {
    if line.contains(&b'\n') {
        return;
    }
    let arrival = Timestamp::from_nanos(1_795_376_703_250_000_000);
    for format in &FORMATS {
        let mut given: Vec<Record> = Vec::new();
        match (format.decode_line)(line, arrival, &mut |record| given.push(record)) {
            Ok(()) => {}
            Err(error) => {
                assert!(given.is_empty(), "{} gave records and failed", format.name);
                assert!(error.column >= 1 && error.column <= line.len() + 1, "{}: column {}", format.name, error.column);
            }
        }
        for record in &given {
            let mut written = Vec::new();
            write(&mut written, record);
            let again = decode(written.strip_suffix(b"\n").expect("a record is one line"));
            assert_eq!(again.as_ref(), Ok(record), "{}: {}", format.name, String::from_utf8_lossy(&written));
            if let Record::Sample(sample) = record {
                (format.encode)(&mut Vec::new(), sample);
            }
        }
    }
});
