//! A duration is read or refused; what is read is written so that it is read again as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::time::Span;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(span) = Span::parse(text) {
        assert_eq!(Span::parse(&span.to_string()), Ok(span));
        let _ = span.human();
    }
});
