//! Numbers as the text formats write them: plain decimals, perhaps with an exponent.

/// Reads a finite decimal number: `12`, `-0.5`, `+3`, `.5`, `1e3`.
///
/// Returns `None` for anything else, `inf`, `nan` and hexadecimal included.
#[inline]
pub(crate) fn parse(text: &[u8]) -> Option<f64> {
    // Up to 15 digits and 10^15 are exact in a double, and the division rounds once: the same as the long way.
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 16 {
        return parse_slowly(text);
    }
    let (mut value, mut seen, mut after_point) = (0u64, 0usize, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                seen += 1;
            }
            b'.' if after_point.is_none() => after_point = Some(seen),
            _ => return parse_slowly(text),
        }
    }
    if seen == 0 || seen > 15 {
        return parse_slowly(text);
    }
    let value = match after_point {
        None => value as f64,
        Some(at) => value as f64 / TENS[seen - at],
    };
    Some(if negative { -value } else { value })
}

/// The powers of ten that are exact and that [`parse`] may divide by.
const TENS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

#[cold]
fn parse_slowly(text: &[u8]) -> Option<f64> {
    // The standard library also reads `inf` and `nan`, which no record can hold.
    if !text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Appends the shortest text that reads back as the same number; whole ones without a fraction.
///
/// What a multiplication has driven beyond all numbers becomes the greatest one.
pub(crate) fn write(out: &mut Vec<u8>, value: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.abs() < EXACT && value.trunc() == value {
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        out.extend_from_slice(zmij::Buffer::new().format(value.clamp(f64::MIN, f64::MAX)).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_read_and_nothing_else() {
        for (text, value) in [("12", 12.0), ("-0.5", -0.5), ("+3", 3.0), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("320.1", 320.1)] {
            assert_eq!(parse(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", "-", "+", ".", "inf", "nan", "NaN", "0x10", "1_0", "1e", "1e999", "1 ", "--1", "1.2.3", "infinity"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_reads_as_the_standard_library_does(text in "[+-]?[0-9]{0,12}(\\.[0-9]{0,6})?(e[0-9])?") {
            prop_assert_eq!(parse(text.as_bytes()), text.parse::<f64>().ok());
        }

        #[test]
        fn what_is_written_is_read_back(value in any::<f64>().prop_filter("finite", |v| v.is_finite())) {
            let mut out = Vec::new();
            write(&mut out, value);
            prop_assert_eq!(parse(&out), Some(if value == 0.0 { 0.0 } else { value }));
        }
    }
}
