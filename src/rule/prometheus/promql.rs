//! PromQL to a tree: the whole of its grammar but what only reckons with histograms and texts.
//!
//! ```text
//! or                 loosest
//! and unless
//! == != <= < >= >
//! + -
//! * / % atan2
//! + - before a number
//! ^                  tightest, read from the right
//! ```
//!
//! Source: Prometheus documentation, "Operators", "Binary operator precedence".

use super::lexer::{Kind, Token, tokens};
use crate::record::show;
use crate::rule::RuleError;
use crate::rule::syntax::{How, Place};
use crate::time::Span;

/// How deep an expression may nest.
const DEPTH: usize = 64;

/// An expression and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub(super) kind: Form,
    pub(super) place: Place,
}

/// What an expression is.
#[derive(Debug, Clone)]
pub(super) enum Form {
    Number(f64),
    Text,
    Select(Select),
    Call {
        name: String,
        arguments: Vec<Expression>,
    },
    Aggregate {
        name: String,
        grouping: Grouping,
        arguments: Vec<Expression>,
    },
    Negative(Box<Expression>),
    Binary {
        sign: String,
        matching: Matching,
        left: Box<Expression>,
        right: Box<Expression>,
    },
    /// A range of an expression's own values, `expr[5m:1m]`.
    Subquery,
}

/// The series of a name, at an instant or over a window.
#[derive(Debug, Clone)]
pub(super) struct Select {
    pub(super) name: String,
    pub(super) matchers: Vec<(String, How, String)>,
    pub(super) range: Option<Span>,
    pub(super) offset: Option<Span>,
}

/// Which labels an aggregation keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Grouping {
    By(Vec<String>),
    Without(Vec<String>),
}

/// How the two sides of an operator are brought together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Matching {
    pub(super) bool: bool,
    pub(super) on: Option<Vec<String>>,
    pub(super) ignoring: Option<Vec<String>>,
    /// `group_left` or `group_right`.
    pub(super) group: bool,
}

const AGGREGATIONS: [&str; 15] = [
    "sum",
    "min",
    "max",
    "avg",
    "count",
    "stddev",
    "stdvar",
    "group",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
    "limit_ratio",
    "any",
];

/// Operators by how tightly they bind, loosest first.
const LEVELS: [&[&str]; 5] = [&["or"], &["and", "unless"], &["==", "!=", "<=", "<", ">=", ">"], &["+", "-"], &["*", "/", "%", "atan2"]];

/// Reads an expression.
///
/// # Errors
/// [`RuleError`] with the place of the first mistake.
pub(super) fn parse(text: &str) -> Result<Expression, RuleError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, text };
    let expression = parser.level(0)?;
    match parser.kind() {
        Kind::End => Ok(expression),
        _ => parser.expected("an operator or the end"),
    }
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    text: &'a str,
}

impl Parser<'_> {
    fn token(&self) -> &Token {
        // The last token is the end, and is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn kind(&self) -> &Kind {
        &self.token().kind
    }

    fn skip(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.kind(), Kind::Sign(found) if *found == sign);
        if found {
            self.skip();
        }
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.kind(), Kind::Word(found) if found.eq_ignore_ascii_case(word));
        if found {
            self.skip();
        }
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), RuleError> {
        if self.sign(sign) { Ok(()) } else { self.expected(&format!("`{sign}`")) }
    }

    fn expected<T>(&self, what: &str) -> Result<T, RuleError> {
        let (start, end) = self.token().span;
        let found = if self.kind() == &Kind::End { "the end".into() } else { format!("`{}`", show(&self.text.as_bytes()[start..end], 40)) };
        Err(RuleError::new(format!("expected {what}, found {found}"), (start, end)))
    }

    fn behind(&self) -> usize {
        self.tokens[self.at.saturating_sub(1)].span.1
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, RuleError>) -> Result<T, RuleError> {
        if self.depth >= DEPTH {
            return Err(RuleError::new(format!("nested deeper than {DEPTH} levels"), self.token().span));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// An expression of operators that bind at least as tightly as a level.
    fn level(&mut self, level: usize) -> Result<Expression, RuleError> {
        let Some(signs) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        let mut length = 0;
        while let Some(sign) = self.operator(signs) {
            length += 1;
            if length > 2 * DEPTH {
                return Err(RuleError::new(format!("more than {} operators in a row", 2 * DEPTH), left.place));
            }
            let matching = self.matching()?;
            let right = self.level(level + 1)?;
            left = binary(left, sign, matching, right);
        }
        Ok(left)
    }

    fn operator(&mut self, signs: &[&str]) -> Option<String> {
        let found = match self.kind() {
            Kind::Sign(sign) => signs.iter().find(|known| *known == sign),
            Kind::Word(word) => signs.iter().find(|known| known.eq_ignore_ascii_case(word)),
            _ => None,
        }?;
        self.skip();
        Some((*found).to_owned())
    }

    fn matching(&mut self) -> Result<Matching, RuleError> {
        let mut matching = Matching { bool: self.word("bool"), ..Matching::default() };
        if self.word("on") {
            matching.on = Some(self.labels()?);
        } else if self.word("ignoring") {
            matching.ignoring = Some(self.labels()?);
        }
        if (matching.on.is_some() || matching.ignoring.is_some()) && (self.word("group_left") || self.word("group_right")) {
            matching.group = true;
            if self.kind() == &Kind::Sign("(") {
                self.labels()?;
            }
        }
        Ok(matching)
    }

    fn labels(&mut self) -> Result<Vec<String>, RuleError> {
        self.need("(")?;
        let mut labels = Vec::new();
        while !self.sign(")") {
            let Kind::Word(label) = self.kind().clone() else { return self.expected("a label") };
            self.skip();
            labels.push(label);
            if !self.sign(",") && self.kind() != &Kind::Sign(")") {
                return self.expected("`,` or `)`");
            }
        }
        labels.sort();
        labels.dedup();
        Ok(labels)
    }

    fn unary(&mut self) -> Result<Expression, RuleError> {
        let start = self.token().span.0;
        if self.sign("+") {
            return self.deeper(Self::unary);
        }
        if self.sign("-") {
            let inner = self.deeper(Self::unary)?;
            let place = (start, inner.place.1);
            return Ok(match inner.kind {
                Form::Number(value) => Expression { kind: Form::Number(-value), place },
                _ => Expression { kind: Form::Negative(Box::new(inner)), place },
            });
        }
        let left = self.postfix()?;
        if !self.sign("^") {
            return Ok(left);
        }
        let matching = self.matching()?;
        let right = self.deeper(Self::unary)?;
        Ok(binary(left, "^".into(), matching, right))
    }

    /// A primary expression with its range and offset.
    fn postfix(&mut self) -> Result<Expression, RuleError> {
        let mut expression = self.primary()?;
        loop {
            if self.sign("[") {
                let range = self.duration()?;
                if self.sign(":") {
                    if self.kind() != &Kind::Sign("]") {
                        self.duration()?;
                    }
                    expression.kind = Form::Subquery;
                } else if let Form::Select(select) = &mut expression.kind {
                    select.range = Some(range);
                } else {
                    return self.expected("`:`, as a range without it is of a metric");
                }
                self.need("]")?;
            } else if self.word("offset") {
                let negative = self.sign("-");
                let offset = self.duration()?;
                let place = (expression.place.0, self.behind());
                if negative {
                    return Err(RuleError::new("a negative `offset` looks at what is still to come, which can't be said here", place));
                }
                match &mut expression.kind {
                    Form::Select(select) => select.offset = Some(offset).filter(|offset| !offset.is_zero()),
                    Form::Subquery => {}
                    _ => return Err(RuleError::new("`offset` stands behind a metric", place)),
                }
            } else if self.sign("@") {
                let place = (expression.place.0, self.token().span.1);
                return Err(RuleError::new("`@` names an instant of its own, which can't be said here", place));
            } else {
                expression.place.1 = expression.place.1.max(self.behind());
                return Ok(expression);
            }
        }
    }

    fn duration(&mut self) -> Result<Span, RuleError> {
        let Kind::Number(text) = self.kind().clone() else { return self.expected("a duration, like `5m`") };
        let place = self.token().span;
        // A number without a unit is in seconds; a year has 365 days.
        let seconds = text.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| format!("{text}s"));
        let text = match text.split_once('y') {
            Some((years, rest)) if seconds.is_none() => match years.parse::<u32>() {
                Ok(years) => format!("{}d", u64::from(years) * 365) + rest,
                Err(_) => text.clone(),
            },
            _ => seconds.unwrap_or(text),
        };
        let span = Span::parse(&text).map_err(|error| RuleError::new(error.to_string(), place))?;
        self.skip();
        Ok(span)
    }

    fn primary(&mut self) -> Result<Expression, RuleError> {
        let Token { kind, span } = self.token().clone();
        match kind {
            Kind::Number(text) => {
                self.skip();
                Ok(Expression { kind: Form::Number(value(&text, span)?), place: span })
            }
            Kind::Text(_) => {
                self.skip();
                Ok(Expression { kind: Form::Text, place: span })
            }
            Kind::Sign("(") => {
                self.skip();
                let inner = self.deeper(|parser| parser.level(0))?;
                self.need(")")?;
                Ok(Expression { place: (span.0, self.behind()), ..inner })
            }
            Kind::Sign("{") => self.select(String::new(), span.0),
            Kind::Word(word) => {
                self.skip();
                let lower = word.to_ascii_lowercase();
                let next = self.kind().clone();
                if AGGREGATIONS.contains(&lower.as_str())
                    && (next == Kind::Sign("(") || matches!(&next, Kind::Word(word) if is_grouping(word)))
                {
                    return self.aggregate(lower, span.0);
                }
                if next == Kind::Sign("(") {
                    let arguments = self.arguments()?;
                    return Ok(Expression { kind: Form::Call { name: word, arguments }, place: (span.0, self.behind()) });
                }
                match lower.as_str() {
                    "inf" | "nan" => Err(RuleError::new(format!("`{word}` is no number here"), span)),
                    _ => self.select(word, span.0),
                }
            }
            _ => self.expected("a metric, a function or a number"),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expression>, RuleError> {
        self.need("(")?;
        let mut arguments = Vec::new();
        while !self.sign(")") {
            arguments.push(self.deeper(|parser| parser.level(0))?);
            if !self.sign(",") && self.kind() != &Kind::Sign(")") {
                return self.expected("`,` or `)`");
            }
        }
        Ok(arguments)
    }

    fn aggregate(&mut self, name: String, start: usize) -> Result<Expression, RuleError> {
        let mut grouping = self.grouping()?;
        let arguments = self.arguments()?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let kind = Form::Aggregate { name, grouping: grouping.unwrap_or(Grouping::By(Vec::new())), arguments };
        Ok(Expression { kind, place: (start, self.behind()) })
    }

    fn grouping(&mut self) -> Result<Option<Grouping>, RuleError> {
        Ok(if self.word("by") {
            Some(Grouping::By(self.labels()?))
        } else if self.word("without") {
            Some(Grouping::Without(self.labels()?))
        } else {
            None
        })
    }

    fn select(&mut self, mut name: String, start: usize) -> Result<Expression, RuleError> {
        let mut matchers = Vec::new();
        if self.sign("{") {
            while !self.sign("}") {
                let label = match self.kind().clone() {
                    Kind::Word(label) => label,
                    Kind::Text(quoted) if name.is_empty() => {
                        name = quoted;
                        self.skip();
                        let _ = self.sign(",");
                        continue;
                    }
                    Kind::Text(label) => label,
                    _ => return self.expected("a label"),
                };
                self.skip();
                let how = match self.kind() {
                    Kind::Sign(sign) => How::ALL.iter().find(|(known, _)| known == sign).map(|(_, how)| *how),
                    _ => None,
                };
                let Some(how) = how else { return self.expected("`=`, `!=`, `=~` or `!~`") };
                self.skip();
                let Kind::Text(value) = self.kind().clone() else { return self.expected("a value in quotes") };
                self.skip();
                if label == "__name__" && how == How::Is {
                    name = value;
                } else {
                    matchers.push((label, how, value));
                }
                if !self.sign(",") && self.kind() != &Kind::Sign("}") {
                    return self.expected("`,` or `}`");
                }
            }
        }
        let place = (start, self.behind());
        if name.is_empty() || matchers.iter().any(|(label, ..)| label == "__name__") {
            return Err(RuleError::new("series without one name can't be said here", place));
        }
        Ok(Expression { kind: Form::Select(Select { name, matchers, range: None, offset: None }), place })
    }
}

fn is_grouping(word: &str) -> bool {
    word.eq_ignore_ascii_case("by") || word.eq_ignore_ascii_case("without")
}

fn binary(left: Expression, sign: String, matching: Matching, right: Expression) -> Expression {
    let place = (left.place.0, right.place.1);
    Expression { kind: Form::Binary { sign, matching, left: Box::new(left), right: Box::new(right) }, place }
}

fn value(text: &str, place: Place) -> Result<f64, RuleError> {
    let hex = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let value = match hex {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|value| value as f64),
        None => text.parse::<f64>().ok().filter(|value| value.is_finite()),
    };
    value.ok_or_else(|| RuleError::new(format!("`{}` is not a number", show(text.as_bytes(), 40)), place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_bind_as_documented() {
        fn shape(expression: &Expression) -> String {
            match &expression.kind {
                Form::Number(value) => value.to_string(),
                Form::Select(select) => select.name.clone(),
                Form::Negative(inner) => format!("-{}", shape(inner)),
                Form::Binary { sign, left, right, .. } => format!("({}{sign}{})", shape(left), shape(right)),
                Form::Call { name, arguments } | Form::Aggregate { name, arguments, .. } => {
                    format!("{name}({})", arguments.iter().map(shape).collect::<Vec<_>>().join(","))
                }
                Form::Text | Form::Subquery => "?".into(),
            }
        }
        for (text, wanted) in [
            ("a or b and c unless d", "(aor((bandc)unlessd))"),
            ("a + b * c > d - 1", "((a+(b*c))>(d-1))"),
            ("-a ^ 2 ^ 3", "-(a^(2^3))"),
            ("a > 1 < 2", "((a>1)<2)"),
            ("sum by (x) (rate(a[5m]))", "sum(rate(a))"),
            ("sum(a) by (x)", "sum(a)"),
            ("sum", "sum"),
            ("count_over_time(up[5m:])", "count_over_time(?)"),
            ("a{b=`c`, d!~'e'} offset 1d", "a"),
        ] {
            assert_eq!(shape(&parse(text).unwrap()), wanted, "{text}");
        }
    }

    #[test]
    fn mistakes_have_their_places() {
        for (text, place, message) in [
            ("a >", (3, 3), "expected a metric, a function or a number, found the end"),
            ("a @ 1000", (0, 8), "`@` names an instant of its own"),
            ("a offset -5m", (0, 12), "a negative `offset`"),
            ("{a=\"b\"}", (0, 7), "series without one name"),
            ("a[5x]", (2, 4), "5x"),
            ("a ? b", (2, 3), "`?` has no meaning in PromQL"),
            ("sum(a", (5, 5), "expected `,` or `)`"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!((error.start, error.end), place, "{text}: {error}");
            assert!(error.message.contains(message), "{text}: {error}");
        }
    }
}
