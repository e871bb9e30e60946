//! A schedule is read or refused; what is read comes after what was asked about, and ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::calendar::{Cron, OnCalendar, Zone};
use pipewatch::time::Timestamp;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let at = Timestamp::from_nanos(1_700_000_000_000_000_000);
    if let Ok(cron) = Cron::parse(text) {
        if let Some(next) = cron.next_after(at, Zone::UTC) {
            assert!(next > at);
            assert!(cron.previous_before(next, Zone::UTC).is_none_or(|previous| previous <= at));
        }
    }
    if let Ok(event) = OnCalendar::parse(text) {
        if let Some(next) = event.next_after(at, Zone::UTC) {
            assert!(next > at);
            assert!(event.previous_before(next, Zone::UTC).is_none_or(|previous| previous <= at));
        }
    }
    let _ = Zone::named(text);
});
