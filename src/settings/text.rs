//! A string of a file, and where each of its bytes stands there.
//!
//! TOML has four sorts of strings. In literal ones (`'…'`, `'''…'''`) every byte stands for itself;
//! in basic ones (`"…"`, `"""…"""`) `\` begins an escape, and one at the end of a line joins lines.
//! A newline right behind three quotes does not count. What is worked out here is held against what
//! the reader of TOML found: where they differ, every place is that of the whole string.

use super::Place;

/// A string, and where its bytes came from.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Where each byte stands in the file, and last the byte behind; empty when that is not known.
    starts: Vec<usize>,
    whole: Place,
}

impl Text {
    /// The string at `whole` of a file, quotes included, which was read as `text`.
    pub(crate) fn new(file: &str, whole: Place, text: &str) -> Text {
        let raw = file.get(whole.0..whole.1).unwrap_or_default();
        let starts = match decode(raw) {
            Some((decoded, starts)) if decoded == text => starts.into_iter().map(|at| whole.0 + at).collect(),
            _ => Vec::new(),
        };
        Text { text: text.to_owned(), starts, whole }
    }

    /// Where a stretch of the string stands in the file.
    pub(crate) fn place(&self, (start, end): Place) -> Place {
        match (self.starts.get(start), self.starts.get(end.max(start))) {
            (Some(start), Some(end)) => (*start, *end),
            _ => self.whole,
        }
    }
}

/// What a string stands for, and where each byte of that begins; `None` when it is no string.
fn decode(raw: &str) -> Option<(String, Vec<usize>)> {
    let quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| raw.starts_with(quotes))?;
    let (basic, lines) = (quotes.starts_with('"'), quotes.len() == 3);
    let mut at = quotes.len();
    let end = raw.len().checked_sub(quotes.len()).filter(|end| *end >= at)?;
    if lines {
        at += newline(&raw[at..end]);
    }
    let (mut text, mut starts) = (String::new(), Vec::new());
    while let Some(character) = raw.get(at..end)?.chars().next() {
        let (meant, length) =
            if basic && character == '\\' { escape(&raw[at..end], lines)? } else { (Some(character), character.len_utf8()) };
        if let Some(meant) = meant {
            text.push(meant);
            starts.resize(text.len(), at);
        }
        at += length;
    }
    starts.push(end);
    Some((text, starts))
}

/// How many bytes a newline at the beginning takes.
fn newline(text: &str) -> usize {
    if text.starts_with("\r\n") { 2 } else { usize::from(text.starts_with('\n')) }
}

/// The character that an escape stands for, if any, and the bytes it takes.
fn escape(text: &str, lines: bool) -> Option<(Option<char>, usize)> {
    let by_number = |digits: usize| {
        let number = u32::from_str_radix(text.get(2..2 + digits)?, 16).ok()?;
        Some((Some(char::from_u32(number)?), 2 + digits))
    };
    let plain = |character: char| Some((Some(character), 2));
    match text[1..].chars().next()? {
        'b' => plain('\u{8}'),
        't' => plain('\t'),
        'n' => plain('\n'),
        'f' => plain('\u{c}'),
        'r' => plain('\r'),
        'e' => plain('\u{1b}'),
        '"' => plain('"'),
        '\\' => plain('\\'),
        'x' => by_number(2),
        'u' => by_number(4),
        'U' => by_number(8),
        c if lines && c.is_ascii_whitespace() => {
            let rest = text[1..].trim_start_matches([' ', '\t', '\n', '\r']);
            Some((None, text.len() - rest.len()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the file where the string says `part`.
    fn found(file: &str, part: &str) -> String {
        let table = toml::de::DeTable::parse(file).unwrap();
        let value = table.get_ref().get("k").unwrap();
        let text = Text::new(file, (value.span().start, value.span().end), value.get_ref().as_str().unwrap());
        let start = text.text.find(part).unwrap();
        let (from, to) = text.place((start, start + part.len()));
        file[from..to].to_owned()
    }

    #[test]
    fn a_place_in_a_string_is_found_in_the_file() {
        for (file, part, expected) in [
            ("k = \"a > 5\"", ">", ">"),
            ("k = 'a{b=\"c\"} > 5'", "> 5", "> 5"),
            (r#"k = "a{b=\"c\"} > 5""#, "\"c\"", r#"\"c\""#),
            (r#"k = "\u0061\x62 \U0001F600 > 5""#, "> 5", "> 5"),
            (r#"k = "\u0061\x62 > 5""#, "ab", r"\u0061\x62"),
            ("k = \"\"\"\na > 5\n  and b\"\"\"", "and", "and"),
            ("k = \"\"\"\r\na > 5\r\n  and b\"\"\"", "and", "and"),
            ("k = \"\"\"\na > 5 \\\n   and ä and c\"\"\"", "and c", "and c"),
            ("k = '''\na > 5 \\ and c'''", "and c", "and c"),
            ("k = \"\"\"a \"\" b\"\"\"", "b", "b"),
        ] {
            assert_eq!(found(file, part), expected, "{file}");
        }
    }

    #[test]
    fn where_a_place_is_not_known_it_is_the_whole_string() {
        let text = Text::new("k = \"abc\"", (4, 9), "abd");
        assert_eq!(text.place((0, 1)), (4, 9));
        assert_eq!(Text::new("k", (5, 9), "").place((0, 0)), (5, 9));
    }
}
