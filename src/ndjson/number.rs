//! Numbers as records hold them: doubles, and no integer that a double would change.

use super::LineError;
use super::json::number_length;

/// Whole powers of ten that a double holds exactly.
const POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

/// The largest integer up to which doubles hold every one: 2^53.
const EXACT: u64 = 1 << 53;

/// Reads the number that begins `bytes`, in its short usual forms only, and gives its length.
///
/// Up to 15 digits before and after a point: both halves of the quotient are then exact doubles,
/// so the one rounding of the division is the correct one (Clinger 1990, "How to Read Floating
/// Point Numbers Accurately"). `None` sends the caller the long way.
#[inline]
pub(super) fn short(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = bytes.first() == Some(&b'-');
    let start = usize::from(negative);
    let mut at = start;
    let mut mantissa: u64 = 0;
    while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d <= 9) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    let whole = at - start;
    if whole == 0 || whole > 15 || (whole > 1 && bytes[start] == b'0') {
        return None;
    }
    let mut decimals = 0;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        let first = at;
        while let Some(digit) = bytes.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d <= 9) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            at += 1;
        }
        decimals = at - first;
        if decimals == 0 || whole + decimals > 15 {
            return None;
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        return None;
    }
    let value = mantissa as f64 / POWERS[decimals];
    Some((if negative { -value } else { value }, at))
}

/// Reads a whole text as a number.
///
/// # Errors
/// When it is none by JSON's grammar, is too large for a double, or is an integer that no double
/// holds exactly (beyond 2^53 only every second, fourth, … is). `column` is the text's place.
pub(super) fn parse(text: &str, name: &str, column: usize) -> Result<f64, LineError> {
    if let Some((value, length)) = short(text.as_bytes())
        && length == text.len()
    {
        return Ok(value);
    }
    let refuse = |why: &str| {
        let shown = crate::record::show(text.as_bytes(), 40);
        Err(LineError::new("number refused", column, format!("`{name}` {why}, found {shown}")))
    };
    if number_length(text.as_bytes()) != Ok(text.len()) {
        return refuse("must be a number");
    }
    let value: f64 = match text.parse() {
        Ok(value) => value,
        Err(_) => return refuse("must be a number"),
    };
    if !value.is_finite() {
        return refuse("must be within the range of a double (about ±1.8e308)");
    }
    if value.abs() >= EXACT as f64 && !text.contains(['.', 'e', 'E']) && format!("{value:.0}") != text {
        return refuse("is an integer that a double cannot hold exactly (beyond 2^53); write it with an exponent if rounding is meant");
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_beyond_two_to_the_53_are_kept_exactly_or_refused() {
        for exact in ["9007199254740992", "9007199254740994", "-18014398509481984", "1e300", "9007199254740993.0", "9007199254740993e0"] {
            assert!(parse(exact, "value", 1).is_ok(), "{exact}");
        }
        for changed in ["9007199254740993", "18446744073709551615", "-9007199254740993"] {
            assert!(parse(changed, "value", 1).unwrap_err().to_string().contains("exactly"), "{changed}");
        }
    }

    #[test]
    fn the_edges_of_doubles_are_read() {
        for (text, value) in [
            ("1e300", 1e300),
            ("-1e300", -1e300),
            ("5e-324", 5e-324),
            ("2.2250738585072014e-308", f64::MIN_POSITIVE),
            ("1.7976931348623157e308", f64::MAX),
            ("-0", 0.0),
            ("1e-400", 0.0),
        ] {
            assert_eq!(parse(text, "value", 1).unwrap(), value, "{text}");
        }
        for text in ["1e309", "-1e400", "01", "1.", "", "-", "1e", "0x10", "1_000", "NaN", "Infinity"] {
            assert!(parse(text, "value", 1).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_rounds_as_the_long_way(text in "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,14})?") {
            if let Some((value, length)) = short(text.as_bytes()) {
                prop_assert_eq!(length, text.len());
                prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
        }
    }
}
