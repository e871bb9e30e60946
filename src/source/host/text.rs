//! The plain text of /proc, taken apart without allocating.

/// The lines of a text.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The fields of a line, which spaces and tabs keep apart.
pub(super) fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|field| !field.is_empty())
}

/// A whole number; `None` when the field is anything else, or too large.
pub(super) fn whole(field: &[u8]) -> Option<u64> {
    if field.is_empty() {
        return None;
    }
    field.iter().try_fold(0u64, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The next field as a whole number.
pub(super) fn next_whole<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<u64> {
    fields.next().and_then(whole)
}

/// A number with decimals.
pub(super) fn decimal(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A whole number as a value of a sample.
pub(super) fn value(number: Option<u64>) -> Option<f64> {
    number.map(|number| number as f64)
}

/// How much a count grew; `None` when it fell, as it does when a device is replaced.
pub(super) fn grown(now: u64, before: u64) -> Option<f64> {
    now.checked_sub(before).map(|growth| growth as f64)
}

/// A part of a whole, within 0 and 1; `None` when there is no whole.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    mean(part, whole).map(|ratio| ratio.clamp(0.0, 1.0))
}

/// A sum over a count, to six decimals, as what is divided here is not known any better; `None`
/// for a count of zero.
pub(super) fn mean(sum: f64, count: f64) -> Option<f64> {
    (count > 0.0).then(|| (sum / count * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_whole_number() {
        assert_eq!(whole(b"8885917"), Some(8_885_917));
        assert_eq!(whole(b"18446744073709551615"), Some(u64::MAX));
        for text in ["", "-1", "1.5", "12k", "18446744073709551616"] {
            assert_eq!(whole(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_ratio_stays_within_its_bounds() {
        assert_eq!(ratio(1.0, 4.0), Some(0.25));
        assert_eq!(ratio(5.0, 4.0), Some(1.0));
        assert_eq!(ratio(1.0, 0.0), None);
    }
}
