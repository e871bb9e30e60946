//! Badges: how jobs stand, in a word, as a picture or as JSON; and the signatures in their addresses.
//!
//! An address tells of the jobs of one tag only, and the address of one tag must not give away that of another, so it
//! carries a keyed hash of the tag.
//!
//! Source: the shapes are those of healthchecks 4.4 (templates/docs/badges.md) and of shields.io's endpoint
//! badges; SipHash-2-4 is that of Aumasson and Bernstein (2012), SipHash: a fast short-input PRF.

use super::page::{Mood, escaped};

/// How a set of jobs stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many there are.
    pub total: usize,
    /// How many are late.
    pub late: usize,
    /// How many are down.
    pub down: usize,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, mood: Mood) {
        self.total += 1;
        self.late += usize::from(mood == Mood::Late);
        self.down += usize::from(mood == Mood::Down);
    }

    /// The word for all of them: `up`, `late` (where that is told apart) or `down`.
    pub const fn word(self, with_late: bool) -> &'static str {
        match self {
            Tally { down: 1.., .. } => "down",
            Tally { late: 1.., .. } if with_late => "late",
            _ => "up",
        }
    }
}

/// The forms a badge comes in, by the ending of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A picture.
    Svg,
    /// The word and the counts.
    Json,
    /// What shields.io reads.
    Shields,
}

impl Form {
    /// Reads an ending.
    pub fn parse(ending: &str) -> Option<Form> {
        match ending {
            "svg" => Some(Form::Svg),
            "json" => Some(Form::Json),
            "shields" => Some(Form::Shields),
            _ => None,
        }
    }

    /// Its media type.
    pub const fn kind(self) -> &'static str {
        match self {
            Form::Svg => "image/svg+xml",
            Form::Json | Form::Shields => "application/json",
        }
    }
}

/// Writes a badge.
pub fn render(form: Form, label: &str, tally: Tally, with_late: bool) -> String {
    let word = tally.word(with_late);
    match form {
        Form::Svg => svg(label, word),
        Form::Json => format!(r#"{{"status": "{word}", "total": {}, "grace": {}, "down": {}}}"#, tally.total, tally.late, tally.down),
        Form::Shields => {
            let colour = match word {
                "down" => "critical",
                "late" => "important",
                _ => "success",
            };
            let label = serde_json::Value::from(label);
            format!(r#"{{"schemaVersion": 1, "label": {label}, "message": "{word}", "color": "{colour}"}}"#)
        }
    }
}

/// A flat picture of two fields.
fn svg(label: &str, word: &str) -> String {
    let label: String = label.chars().take(60).collect();
    // About the width of a letter at eleven pixels, and five to either side.
    let width = |text: &str| text.chars().count() * 7 + 10;
    let (left, right) = (width(&label), width(word));
    let all = left + right;
    let colour = match word {
        "down" => "#b3001b",
        "late" => "#8a5300",
        _ => "#0b6b2e",
    };
    let label = escaped(&label);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"20\" role=\"img\" aria-label=\"{label}: {word}\">\
         <title>{label}: {word}</title><rect width=\"{all}\" height=\"20\" rx=\"3\" fill=\"#444\"/>\
         <path d=\"M{left} 0h{}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{}z\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" font-family=\"Verdana,sans-serif\" font-size=\"11\" text-anchor=\"middle\">\
         <text x=\"{}\" y=\"14\">{label}</text><text x=\"{}\" y=\"14\">{word}</text></g></svg>\n",
        right - 3,
        right - 3,
        left / 2,
        left + right / 2,
    )
}

/// The signature of a tag in the addresses of its badges: 11 letters.
pub fn signature(key: &[u8; 16], tag: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789xy";
    let mut hash = siphash(key, tag.as_bytes());
    (0..11)
        .map(|_| {
            let letter = LETTERS[(hash & 63) as usize];
            hash >>= 6;
            char::from(letter)
        })
        .collect()
}

/// SipHash-2-4.
fn siphash(key: &[u8; 16], bytes: &[u8]) -> u64 {
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte));
    let (k0, k1) = (word(&key[..8]), word(&key[8..]));
    let mut v = [k0 ^ 0x736f_6d65_7073_6575, k1 ^ 0x646f_7261_6e64_6f6d, k0 ^ 0x6c79_6765_6e65_7261, k1 ^ 0x7465_6462_7974_6573];
    let (whole, rest) = bytes.split_at(bytes.len() / 8 * 8);
    // The last word has the length in its highest byte.
    let last = word(rest) | (bytes.len() as u64) << 56;
    for m in whole.chunks(8).map(word).chain([last]) {
        v[3] ^= m;
        round(&mut v);
        round(&mut v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_its_paper() {
        let key: [u8; 16] = std::array::from_fn(|n| n as u8);
        let input: Vec<u8> = (0..15).collect();
        assert_eq!(siphash(&key, &input), 0xa129_ca61_49be_45e5);
        assert_ne!(signature(&key, "a"), signature(&key, "b"));
        assert_eq!(signature(&key, "a").len(), 11);
    }

    #[test]
    fn a_badge_says_the_worst_and_escapes_its_label() {
        let mut tally = Tally::default();
        [Mood::Up, Mood::Late, Mood::New].into_iter().for_each(|mood| tally.add(mood));
        assert_eq!((tally.word(true), tally.word(false)), ("late", "up"));
        assert_eq!(render(Form::Json, "x", tally, true), r#"{"status": "late", "total": 3, "grace": 1, "down": 0}"#);
        tally.add(Mood::Down);
        assert_eq!(
            render(Form::Shields, "a\"b", tally, true),
            r#"{"schemaVersion": 1, "label": "a\"b", "message": "down", "color": "critical"}"#
        );
        let picture = render(Form::Svg, "<a&b>", tally, true);
        assert!(picture.contains("aria-label=\"&lt;a&amp;b&gt;: down\"") && !picture.contains("<a&b>"));
    }
}
