//! A time is read or refused; what is read is written so that it is read again as itself, and the cache agrees.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::time::{Timestamp, TimestampCache};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = Timestamp::parse(text);
    let mut cache = TimestampCache::default();
    for _ in 0..2 {
        assert_eq!(cache.parse(bytes).ok(), read.as_ref().ok().copied());
    }
    if let Ok(instant) = read {
        assert_eq!(Timestamp::parse(&instant.to_string()), Ok(instant));
    }
    let now = Timestamp::from_nanos(1_795_376_703_250_000_000);
    let _ = Timestamp::parse_loose(text, now);
    let _ = Timestamp::from_epoch_text(text);
});
