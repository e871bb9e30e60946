//! PromQL to tokens.
//!
//! Source: Prometheus documentation, "Querying basics", "Expression language data types".

use crate::record::show;
use crate::rule::RuleError;

/// The longest expression, in bytes.
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
    Text(String),
    /// Digits and what follows them: `5`, `0.5e3`, `5m`, `1h30m`, `0x1F`.
    Number(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 24] =
    ["==", "!=", "=~", "!~", "<=", ">=", "(", ")", "{", "}", "[", "]", ",", "+", "-", "*", "/", "%", "^", "<", ">", "=", ":", "@"];

/// Cuts an expression into tokens; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, RuleError> {
    if text.len() > LONGEST {
        return Err(RuleError::new(format!("an expression may be {LONGEST} bytes at most, found {}", text.len()), (0, 0)));
    }
    let (mut tokens, mut at) = (Vec::new(), 0);
    while let Some(first) = text[at..].chars().next() {
        let (start, rest) = (at, &text[at..]);
        let kind = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            '"' | '\'' | '`' => quoted(text, &mut at, first)?,
            c if c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit())) => {
                Kind::Number(number(rest, &mut at))
            }
            c if c.is_ascii_alphabetic() || c == '_' || (c == ':' && starts_name(&tokens, rest)) => {
                let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
                at += length;
                Kind::Word(rest[..length].to_owned())
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => {
                    at += sign.len();
                    Kind::Sign(sign)
                }
                None => {
                    let end = start + first.len_utf8();
                    return Err(RuleError::new(
                        format!("`{}` has no meaning in PromQL", show(&text.as_bytes()[start..end], 4)),
                        (start, end),
                    ));
                }
            },
        };
        tokens.push(Token { kind, span: (start, at) });
    }
    tokens.push(Token { kind: Kind::End, span: (text.len(), text.len()) });
    Ok(tokens)
}

/// Whether a colon begins a name, and not the step of a subquery.
fn starts_name(tokens: &[Token], rest: &str) -> bool {
    !matches!(tokens.last().map(|token| &token.kind), Some(Kind::Number(_)))
        && rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn number(rest: &str, at: &mut usize) -> String {
    let bytes = rest.as_bytes();
    let hex = rest.starts_with("0x") || rest.starts_with("0X");
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let exponent = matches!(byte, b'+' | b'-') && !hex && length > 0 && matches!(bytes[length - 1], b'e' | b'E');
        if !(byte.is_ascii_alphanumeric() || *byte == b'.' || exponent) {
            break;
        }
        length += 1;
    }
    *at += length;
    rest[..length].to_owned()
}

/// A text in one of three quotes; between backquotes nothing is escaped.
fn quoted(text: &str, at: &mut usize, quote: char) -> Result<Kind, RuleError> {
    let start = *at;
    let mut value = String::new();
    let mut characters = text[start + 1..].char_indices();
    while let Some((offset, character)) = characters.next() {
        if character == quote {
            *at = start + 1 + offset + 1;
            return Ok(Kind::Text(value));
        }
        if character != '\\' || quote == '`' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some((_, 'n')) => value.push('\n'),
            Some((_, 't')) => value.push('\t'),
            Some((_, 'r')) => value.push('\r'),
            Some((_, escaped @ ('\\' | '"' | '\'' | '`'))) => value.push(escaped),
            Some((after, other)) => {
                let place = (start + 1 + offset, start + 1 + after + other.len_utf8());
                return Err(RuleError::new("an escape of this sort is not read here", place).hint("write the character itself"));
            }
            None => break,
        }
    }
    Err(RuleError::new("a quote is opened and not closed", (start, text.len())))
}
