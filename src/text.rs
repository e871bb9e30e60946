//! Text from outside: made safe to show, and compared with the names that were meant.

/// The longest name that is looked for, in bytes: what is longer is near none.
const LONGEST_NAME: usize = 255;

/// Makes text from outside safe to show on a terminal: control and invisible characters are
/// escaped, bytes that are no UTF-8 are shown as `\xNN`, and after `most` characters it is cut.
pub fn show(text: &[u8], most: usize) -> String {
    let mut out = String::new();
    let mut left = most;
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            if left == 0 {
                out.push('…');
                return out;
            }
            left -= 1;
            match character {
                '"' | '\'' | '\\' => out.push(character),
                _ => out.extend(character.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            if left == 0 {
                out.push('…');
                return out;
            }
            left -= 1;
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// The name nearest to what was typed, when it is near enough to be meant: at most a third of it
/// differs, by the letters to add, drop, change or swap.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // What is longer than any name is near none, and comparing it would cost its length squared.
    if typed.len() > LONGEST_NAME {
        return None;
    }
    let near = names.into_iter().map(|name| (strsim::osa_distance(typed, name), name)).min()?;
    (near.0 <= typed.chars().count().div_ceil(3)).then_some(near.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_cannot_steer_a_terminal() {
        assert_eq!(show(b"a\x1b[2Jb", 20), "a\\u{1b}[2Jb");
        assert_eq!(show(b"a\xffb", 20), "a\\xffb");
        assert_eq!(show("ab\u{202e}c".as_bytes(), 20), "ab\\u{202e}c");
        assert_eq!(show(b"abcdef", 3), "abc…");
        assert_eq!(show(b"say \"hi\"", 20), "say \"hi\"");
    }

    #[test]
    fn a_name_is_near_when_a_third_differs_at_most() {
        let names = ["count", "mean", "max"];
        assert_eq!(nearest("coutn", names), Some("count"));
        assert_eq!(nearest("meen", names), Some("mean"));
        assert_eq!(nearest("average", names), None);
        assert_eq!(nearest("", []), None);
    }
}
