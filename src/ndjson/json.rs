//! JSON (RFC 8259) read from a slice, one token at a time, with the place of every mistake.
//!
//! Holds what the decoder of records needs: strings with or without escapes, numbers as doubles,
//! and values whose text is only checked and kept. Nothing is allocated but for strings that hold
//! escapes. Nesting is bounded by [`DEPTH`].

use std::borrow::Cow;

use super::LineError;

/// How deep arrays and objects may nest.
const DEPTH: usize = 64;

/// A JSON value, as far as it was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Text(Cow<'a, str>),
    /// A number, as it was written.
    Number(&'a str),
    Bool(bool),
    Null,
    /// An array, checked but not read.
    Array(&'a str),
    /// An object, checked but not read.
    Object(&'a str),
}

impl Scalar<'_> {
    /// What the value is, for a message: `"n/a"`, `an object`.
    pub(super) fn found(&self) -> String {
        match self {
            Scalar::Text(text) => format!("\"{}\"", crate::record::show(text.as_bytes(), 40)),
            Scalar::Number(text) => crate::record::show(text.as_bytes(), 40),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Null => "null".into(),
            Scalar::Array(_) => "an array".into(),
            Scalar::Object(_) => "an object".into(),
        }
    }
}

/// A place in a line of JSON.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Where `text` begins in the line, for columns.
    base: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, base: usize) -> Cursor<'a> {
        Cursor { text, at: 0, base }
    }

    /// The column of the next byte, from 1.
    pub(super) fn column(&self) -> usize {
        self.base + self.at + 1
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Takes the byte when it is the next one after white space.
    pub(super) fn take(&mut self, wanted: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Fails at the present place, saying what was expected and what stands there.
    pub(super) fn expected<T>(&self, what: &str) -> Result<T, LineError> {
        let found = match self.text[self.at.min(self.text.len())..].chars().next() {
            None => "the line's end".to_owned(),
            Some(character) => format!("`{}`", crate::record::show(character.to_string().as_bytes(), 1)),
        };
        Err(LineError::new("not JSON", self.column(), format!("not JSON: expected {what}, found {found}")))
    }

    /// Reads a string, its opening quote being next.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, LineError> {
        if !self.take(b'"') {
            return self.expected("a string");
        }
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                Some(b'\\') => return self.escaped(start).map(Cow::Owned),
                Some(0x20..) => self.at += 1,
                Some(_) => return self.expected("no bare control character within a string"),
                None => return self.expected("a closing quote"),
            }
        }
    }

    /// Reads the rest of a string that holds escapes; `start` is its first byte.
    fn escaped(&mut self, start: usize) -> Result<String, LineError> {
        let mut out = String::from(&self.text[start..self.at]);
        loop {
            let run = self.at;
            while let Some(byte) = self.peek()
                && byte >= 0x20
                && byte != b'"'
                && byte != b'\\'
            {
                self.at += 1;
            }
            out.push_str(&self.text[run..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return self.expected("no bare control character within a string"),
                None => return self.expected("a closing quote"),
            }
        }
    }

    /// Reads one escape, its backslash being next.
    fn escape(&mut self) -> Result<char, LineError> {
        self.at += 1;
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.expected("one of \" \\ / b f n r t u after a backslash"),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads `uXXXX`, and a second one where the first is a high surrogate.
    fn unicode(&mut self) -> Result<char, LineError> {
        let first = self.hex()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.bytes()[self.at..].starts_with(b"\\u") {
                    return self.expected("the second half of a surrogate pair");
                }
                self.at += 1;
                let second = self.hex()?;
                if !(0xdc00..=0xdfff).contains(&second) {
                    return self.expected("the second half of a surrogate pair");
                }
                0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            }
            other => other,
        };
        match char::from_u32(code) {
            Some(character) => Ok(character),
            None => self.expected("a whole surrogate pair"),
        }
    }

    /// Reads `uXXXX` as a number.
    fn hex(&mut self) -> Result<u32, LineError> {
        self.at += 1;
        let digits = self.bytes().get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else { return self.expected("four hexadecimal digits after \\u") };
        let code = digits.iter().fold(0, |code, digit| code * 16 + char::from(*digit).to_digit(16).unwrap_or(0));
        self.at += 4;
        Ok(code)
    }

    /// Reads a value; arrays and objects are checked and kept as text.
    pub(super) fn value(&mut self) -> Result<Scalar<'a>, LineError> {
        self.skip_space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => self.string().map(Scalar::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Scalar::Number),
            Some(b't') => self.word("true", Scalar::Bool(true)),
            Some(b'f') => self.word("false", Scalar::Bool(false)),
            Some(b'n') => self.word("null", Scalar::Null),
            Some(open @ (b'{' | b'[')) => {
                self.nested()?;
                let text = &self.text[start..self.at];
                Ok(if open == b'{' { Scalar::Object(text) } else { Scalar::Array(text) })
            }
            _ => self.expected("a value"),
        }
    }

    fn word(&mut self, word: &str, value: Scalar<'a>) -> Result<Scalar<'a>, LineError> {
        if !self.text[self.at..].starts_with(word) {
            return self.expected("a value");
        }
        self.at += word.len();
        Ok(value)
    }

    /// Reads a number by the grammar of RFC 8259, section 6, and gives its text.
    fn number(&mut self) -> Result<&'a str, LineError> {
        let length = number_length(&self.bytes()[self.at..]);
        match length {
            Ok(length) => {
                let text = &self.text[self.at..self.at + length];
                self.at += length;
                Ok(text)
            }
            Err(offset) => {
                self.at += offset;
                self.expected("a digit")
            }
        }
    }

    /// Checks an array or an object without recursion: what is open is kept as one bit a level.
    fn nested(&mut self) -> Result<(), LineError> {
        let mut objects: u64 = 0;
        let mut depth = 0;
        loop {
            self.skip_space();
            // A value, or the end of an empty array or object, is next.
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == DEPTH {
                        let message = format!("nested deeper than {DEPTH} levels");
                        return Err(LineError::new("nested too deep", self.column(), message));
                    }
                    self.at += 1;
                    objects = objects << 1 | u64::from(open == b'{');
                    depth += 1;
                    if open == b'[' && !self.next_is(b']') {
                        continue;
                    }
                    if open == b'{' && !self.next_is(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                _ => drop(self.value()?),
            }
            // A value is behind; its commas and closings are next.
            loop {
                let object = objects & 1 == 1;
                if depth == 0 {
                    return Ok(());
                }
                if self.take(b',') {
                    if object {
                        self.key()?;
                    }
                    break;
                }
                if !self.take(if object { b'}' } else { b']' }) {
                    return self.expected(if object { "`,` or `}`" } else { "`,` or `]`" });
                }
                objects >>= 1;
                depth -= 1;
            }
        }
    }

    fn next_is(&mut self, wanted: u8) -> bool {
        self.skip_space();
        self.peek() == Some(wanted)
    }

    /// Reads a key and the colon behind it.
    pub(super) fn key(&mut self) -> Result<Cow<'a, str>, LineError> {
        let key = self.string()?;
        if !self.take(b':') {
            return self.expected("`:`");
        }
        Ok(key)
    }
}

/// The length of the number that begins `bytes`, by the grammar of RFC 8259, section 6; or where
/// a digit is missing.
pub(super) fn number_length(bytes: &[u8]) -> Result<usize, usize> {
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 {
        return Err(at);
    }
    // A leading zero stands alone; what follows it is then no part of the number.
    if bytes[at] == b'0' && whole > 1 {
        return Err(at + 1);
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return Err(at + 1);
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return Err(at + 1 + sign);
        }
        at += 1 + sign + exponent;
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accepts(text: &str) -> bool {
        let mut cursor = Cursor::new(text, 0);
        let ok = cursor.value().is_ok();
        cursor.skip_space();
        ok && cursor.at_end()
    }

    #[test]
    fn values_are_accepted_as_the_standard_says() {
        for text in [
            "0",
            "-0",
            "1.5e-3",
            "[]",
            "{}",
            "[1,[2,{\"a\":[]}]]",
            "{\"a\":{\"b\":null}}",
            "\"\\u00e9\\ud83d\\ude00\"",
            " [ 1 , 2 ] ",
            "true",
        ] {
            assert!(accepts(text), "{text}");
        }
        for text in [
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"a\nb\"",
            "nul",
            "[1 2]",
            "[",
            "{\"a\"}",
            "{]",
            "[}",
            "NaN",
        ] {
            assert!(!accepts(text), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(accepts(&format!("{}{}", "[".repeat(64), "]".repeat(64))));
        assert!(!accepts(&format!("{}{}", "[".repeat(65), "]".repeat(65))));
        assert!(!accepts(&"[".repeat(1 << 20)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_known_parser(text in "[\\[\\]{},:\"\\\\0-9a-fu.eE+ntrls -]{0,24}") {
            let known = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            // Two known differences: the other parser refuses numbers that no double can hold.
            if known || !text.contains(['e', 'E']) {
                prop_assert_eq!(accepts(&text), known, "{}", text);
            }
        }
    }
}
