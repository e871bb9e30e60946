//! Text as a YAML scalar: plain where nothing speaks against it, else in single or double quotes.
//!
//! Source: YAML 1.2.2, sections 5.7, 7.3 and 10.3.

/// Writes a text so that it is read as itself and as a text.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '(' | ')' | '[' | ']'))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_ascii_lowercase().as_str());
    if plain {
        return text.to_owned();
    }
    if text.chars().all(|c| !c.is_control() && c != '\u{feff}' && c != '\u{2028}' && c != '\u{2029}') {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn a_text_is_quoted_as_little_as_it_can_be() {
        for (text, written) in [
            ("queue-depth", "queue-depth"),
            ("true", "'true'"),
            ("5m", "'5m'"),
            ("a: b", "'a: b'"),
            ("it's", "'it''s'"),
            ("", "''"),
            ("a\nb\"\\", "\"a\\nb\\\"\\\\\""),
            ("\u{1}", "\"\\u0001\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }
}
