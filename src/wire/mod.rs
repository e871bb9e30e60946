//! Foreign formats: bytes to records and back, on slices.
//!
//! One file a format, and the table of them. Knows no files and no sockets.

pub mod graphite;
mod number;
pub mod statsd;

/// Appends text with each character of `not`, white space and control characters as `_`.
fn safe(out: &mut Vec<u8>, text: &str, not: &[u8]) {
    for character in text.chars() {
        if character.is_control() || character.is_whitespace() || u8::try_from(character).is_ok_and(|byte| not.contains(&byte)) {
            out.push(b'_');
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}
