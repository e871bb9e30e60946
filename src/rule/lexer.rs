//! A condition's text to tokens.
//!
//! A `-` within a name belongs to it, as do `.`, `:`, `/` and `*`; so the tokens of a name are one,
//! and subtraction, multiplication and division stand between spaces or after something that is
//! no name.

use super::RuleError;
use crate::record::show;

/// The longest condition, in bytes.
const LONGEST: usize = 64 << 10;

/// A token and the bytes it came from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: (usize, usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A name, a keyword or a function.
    Word(String),
    /// A name or a value in double quotes.
    Quoted(String),
    /// Digits and what follows them without a space: `30m`, `5%`, `2h30m`, `4Gi`.
    Number(String),
    /// One of `( ) { } , + - * / < > <= >= == != = =~ !~ ..`.
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 19] = ["..", "<=", ">=", "==", "!=", "=~", "!~", "(", ")", "{", "}", ",", "+", "-", "*", "/", "<", ">", "="];

/// Cuts a condition into tokens; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, RuleError> {
    if text.len() > LONGEST {
        return Err(RuleError::new(format!("a condition may be {LONGEST} bytes at most, found {}", text.len()), (0, 0)));
    }
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut braces = 0usize;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let start = at;
        let kind = match first {
            '"' => quoted(text, &mut at)?,
            '0'..='9' if braces == 0 => number(text, &mut at),
            _ if is_name_start(first) || (braces > 0 && first.is_ascii_digit()) => Kind::Word(word(text, &mut at)),
            // A glob may begin a name, where a product could not stand.
            '*' if begins_operand(&tokens) && text[at + 1..].starts_with(|c: char| is_name_start(c) || c == '.') => {
                Kind::Word(word(text, &mut at))
            }
            _ => sign(text, &mut at)?,
        };
        match kind {
            Kind::Sign("{") => braces += 1,
            Kind::Sign("}") => braces = braces.saturating_sub(1),
            _ => {}
        }
        tokens.push(Token { kind, span: (start, at) });
    }
    tokens.push(Token { kind: Kind::End, span: (text.len(), text.len()) });
    Ok(tokens)
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | ':' | '-' | '/' | '*')
}

/// Whether an operand is expected next.
fn begins_operand(tokens: &[Token]) -> bool {
    match tokens.last().map(|token| &token.kind) {
        None => true,
        Some(Kind::Sign(sign)) => !matches!(*sign, ")" | "}"),
        Some(Kind::Word(word)) => matches!(word.as_str(), "and" | "or" | "not" | "unless"),
        _ => false,
    }
}

fn word(text: &str, at: &mut usize) -> String {
    let rest = &text[*at..];
    let mut length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    // `1..2` within a name is a range's, and a name does not end in what only joins.
    if let Some(dots) = rest[..length].find("..") {
        length = dots;
    }
    *at += length;
    rest[..length].to_owned()
}

fn number(text: &str, at: &mut usize) -> Kind {
    let rest = &text[*at..];
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let dots = rest[length..].starts_with("..");
        let exponent = matches!(byte, b'+' | b'-')
            && length > 0
            && matches!(bytes[length - 1], b'e' | b'E')
            && bytes.get(length + 1).is_some_and(u8::is_ascii_digit)
            && bytes[..length - 1].iter().all(|b| b.is_ascii_digit() || *b == b'.');
        if dots || !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'%') || exponent) {
            break;
        }
        length += 1;
    }
    *at += length;
    Kind::Number(rest[..length].to_owned())
}

fn quoted(text: &str, at: &mut usize) -> Result<Kind, RuleError> {
    let start = *at;
    let mut value = String::new();
    let mut characters = text[start + 1..].char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => {
                *at = start + 1 + offset + 1;
                return Ok(Kind::Quoted(value));
            }
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                // A regular expression's own escapes stay as they are.
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err(RuleError::new("a quote is opened and not closed", (start, text.len())).hint("end the name or value with `\"`"))
}

fn sign(text: &str, at: &mut usize) -> Result<Kind, RuleError> {
    let start = *at;
    if let Some(sign) = SIGNS.iter().find(|sign| text[start..].starts_with(**sign)) {
        *at += sign.len();
        return Ok(Kind::Sign(sign));
    }
    let character = text[start..].chars().next().unwrap_or_default();
    let end = start + character.len_utf8();
    let error = RuleError::new(format!("`{}` has no meaning here", show(&text.as_bytes()[start..end], 1)), (start, end));
    Err(match character {
        '&' => error.hint("conditions are joined by `and`"),
        '|' => error.hint("conditions are joined by `or`"),
        '!' => error.hint("write `not`, or `!=`"),
        '\'' => error.hint("names and values stand in double quotes"),
        '≥' => error.hint("write `>=`"),
        '≤' => error.hint("write `<=`"),
        '[' => error.hint("a window stands in the call: `mean(x, 5m)`"),
        _ => error.hint("names with such characters stand in double quotes"),
    })
}
