//! What a condition says, as a tree; each part knows the bytes it came from.

use std::fmt;

use crate::record::Percentile;
use crate::time::Span;

/// From which byte to which.
pub(super) type Place = (usize, usize);

/// A condition, parsed.
#[derive(Debug, Clone)]
pub struct Condition {
    pub(super) logic: Logic,
    pub(super) text: String,
}

impl Condition {
    /// The text it was parsed from.
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Logic {
    Or(Vec<Logic>),
    And(Vec<Logic>),
    Not(Box<Logic>),
    /// True at every evaluation of a stretch of time.
    For(Box<Logic>, Span),
    /// True at so many of the last evaluations: `3 of 5 times`.
    Times(Box<Logic>, Times),
    Test(Box<Test>),
}

impl Logic {
    /// Puts what is measured on the left of every comparison: `5 < x` says `x > 5`.
    pub(super) fn turn(&mut self) {
        match self {
            Logic::Or(parts) | Logic::And(parts) => parts.iter_mut().for_each(Logic::turn),
            Logic::Not(part) | Logic::For(part, _) | Logic::Times(part, _) => part.turn(),
            Logic::Test(test) => {
                if let TestKind::Compare { left, compare, right } = &mut test.kind
                    && left.is_limit()
                    && !right.is_limit()
                {
                    std::mem::swap(left, right);
                    *compare = compare.turned();
                }
            }
        }
    }
}

/// `3 of 5 times`: how often something must be true, and of how many evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) least: u32,
    pub(super) of: u32,
}

impl Times {
    /// The most evaluations that are remembered: one bit each.
    pub(super) const MOST: u32 = 64;
}

/// One statement that is true, false or unknown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Test {
    pub(super) kind: TestKind,
    pub(super) place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TestKind {
    Compare { left: Sum, compare: Compare, right: Sum },
    In { value: Sum, low: Literal, high: Literal, not: bool },
    Absent { selector: Selector, window: Option<Span> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
}

impl Compare {
    pub(super) const ALL: [(&'static str, Compare); 6] = [
        (">", Compare::Greater),
        (">=", Compare::GreaterOrEqual),
        ("<", Compare::Less),
        ("<=", Compare::LessOrEqual),
        ("==", Compare::Equal),
        ("!=", Compare::NotEqual),
    ];

    pub(super) fn sign(self) -> &'static str {
        Compare::ALL.iter().find(|(_, compare)| *compare == self).map_or("", |(sign, _)| sign)
    }

    pub(super) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Compare::Greater => left > right,
            Compare::GreaterOrEqual => left >= right,
            Compare::Less => left < right,
            Compare::LessOrEqual => left <= right,
            Compare::Equal => left == right,
            Compare::NotEqual => left != right,
        }
    }

    /// The comparison with its sides exchanged.
    pub(super) fn turned(self) -> Compare {
        match self {
            Compare::Greater => Compare::Less,
            Compare::GreaterOrEqual => Compare::LessOrEqual,
            Compare::Less => Compare::Greater,
            Compare::LessOrEqual => Compare::GreaterOrEqual,
            same => same,
        }
    }

    /// The comparison that is true when this one is false.
    pub(super) fn opposite(self) -> Compare {
        match self {
            Compare::Greater => Compare::LessOrEqual,
            Compare::GreaterOrEqual => Compare::Less,
            Compare::Less => Compare::GreaterOrEqual,
            Compare::LessOrEqual => Compare::Greater,
            Compare::Equal => Compare::NotEqual,
            Compare::NotEqual => Compare::Equal,
        }
    }
}

/// Something that comes to a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sum {
    pub(super) kind: SumKind,
    pub(super) place: Place,
}

impl Sum {
    /// Whether nothing of it is measured.
    pub(super) fn is_typed(&self) -> bool {
        match &self.kind {
            SumKind::Literal(_) => true,
            SumKind::Call(_) => false,
            SumKind::Negative(inner) => inner.is_typed(),
            SumKind::Binary(left, _, right) => left.is_typed() && right.is_typed(),
        }
    }

    /// Whether nothing of it is measured now: what is typed, or is a reference.
    fn is_limit(&self) -> bool {
        match &self.kind {
            SumKind::Literal(_) => true,
            SumKind::Call(call) => call.function == Function::Reference,
            SumKind::Negative(inner) => inner.is_limit(),
            SumKind::Binary(left, _, right) => left.is_limit() && right.is_limit(),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum SumKind {
    Literal(Literal),
    Call(Call),
    Negative(Box<Sum>),
    Binary(Box<Sum>, Arithmetic, Box<Sum>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
}

impl Arithmetic {
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Arithmetic::Plus => "+",
            Arithmetic::Minus => "-",
            Arithmetic::Times => "*",
            Arithmetic::Over => "/",
        }
    }
}

impl Selector {
    /// Whether another selector means the same series.
    pub(super) fn is_like(&self, other: &Selector) -> bool {
        self.name == other.name && self.glob == other.glob && self.matchers == other.matchers
    }
}

/// A number as it was typed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Literal {
    /// A plain number, sizes multiplied out.
    Plain(f64),
    /// `95%`: 0.95, or 95 against a metric whose unit is `%`.
    Percent(f64),
    /// `90s`, in seconds.
    Duration(f64),
}

/// A function of one selector.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) selector: Selector,
    pub(super) window: Option<Span>,
    pub(super) ago: Option<Span>,
    /// How far ahead a forecast looks.
    pub(super) ahead: Option<Span>,
    /// For a reference: the function of the other side of its comparison, and the window of that where it
    /// is taken over, too.
    pub(super) of: Option<(Function, Option<Span>)>,
    /// Whether it was typed as a bare selector, which means `last`.
    pub(super) bare: bool,
    pub(super) place: Place,
}

impl Call {
    /// What stands in its parentheses, as far as every function takes it.
    pub(super) fn arguments(&self) -> String {
        self.window.map_or_else(|| self.selector.to_string(), |window| format!("{}, {window}", self.selector))
    }

    /// The time since a selector's newest sample.
    pub(super) fn age(selector: &Selector) -> Call {
        let (selector, place) = (selector.clone(), selector.place);
        Call { function: Function::Age, selector, window: None, ago: None, ahead: None, of: None, bare: false, place }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Count,
    Sum,
    Mean,
    Min,
    Max,
    Quantile(Percentile),
    Stddev,
    First,
    Last,
    Rate,
    Increase,
    Delta,
    Distinct,
    Age,
    /// The value that a straight line through the window comes to later on.
    Forecast,
    /// The aggregate on the other side of the comparison, of the reference history.
    Reference,
}

impl Function {
    /// Every name but the quantiles', `median` among them.
    pub(super) const NAMES: [&'static str; 17] = [
        "count",
        "sum",
        "mean",
        "min",
        "max",
        "median",
        "stddev",
        "first",
        "last",
        "rate",
        "increase",
        "delta",
        "distinct",
        "age",
        "forecast",
        "usual",
        "reference",
    ];

    pub(super) fn parse(name: &str) -> Option<Function> {
        Some(match name {
            "count" => Function::Count,
            "sum" => Function::Sum,
            "mean" => Function::Mean,
            "min" => Function::Min,
            "max" => Function::Max,
            "stddev" => Function::Stddev,
            "first" => Function::First,
            "last" => Function::Last,
            "rate" => Function::Rate,
            "increase" => Function::Increase,
            "delta" => Function::Delta,
            "distinct" => Function::Distinct,
            "age" => Function::Age,
            "forecast" => Function::Forecast,
            "reference" => Function::Reference,
            "median" => Function::Quantile(Percentile::parse("50")?),
            _ => Function::Quantile(Percentile::parse(name.strip_prefix('p')?)?),
        })
    }

    pub(super) fn name(self) -> String {
        match self {
            Function::Count => "count".into(),
            Function::Sum => "sum".into(),
            Function::Mean => "mean".into(),
            Function::Min => "min".into(),
            Function::Max => "max".into(),
            Function::Quantile(percentile) => percentile.to_string(),
            Function::Stddev => "stddev".into(),
            Function::First => "first".into(),
            Function::Last => "last".into(),
            Function::Rate => "rate".into(),
            Function::Increase => "increase".into(),
            Function::Delta => "delta".into(),
            Function::Distinct => "distinct".into(),
            Function::Age => "age".into(),
            Function::Forecast => "forecast".into(),
            Function::Reference => "reference".into(),
        }
    }

    /// Whether it also speaks of events and beats, which have no values.
    pub(super) const fn counts_occurrences(self) -> bool {
        matches!(self, Function::Age | Function::Count)
    }

    /// Whether it makes no sense without a window.
    pub(super) const fn needs_window(self) -> bool {
        matches!(self, Function::Rate | Function::Increase | Function::Delta | Function::Forecast)
    }
}

/// Which series are meant.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Selector {
    pub(super) name: String,
    /// Whether `*` in the name stands for anything; in quotes it is itself.
    pub(super) glob: bool,
    pub(super) matchers: Vec<Matcher>,
    pub(super) place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matcher {
    pub(super) tag: String,
    pub(super) how: How,
    pub(super) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Is,
    IsNot,
    Matches,
    MatchesNot,
}

impl How {
    pub(super) const ALL: [(&'static str, How); 4] = [("=", How::Is), ("!=", How::IsNot), ("=~", How::Matches), ("!~", How::MatchesNot)];
}

/// Words that mean something themselves; a metric of such a name is quoted.
pub(super) const KEYWORDS: [&str; 13] =
    ["and", "or", "not", "unless", "for", "in", "is", "of", "usual", "unusual", "absent", "ago", "high"];

fn name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '/' | '*'))
        && !name.contains("..")
        && !KEYWORDS.contains(&name)
        && !Function::NAMES.contains(&name)
        && Function::parse(name).is_none();
    if plain { f.write_str(name) } else { quote(f, name) }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains('*') && !self.glob {
            quote(f, &self.name)?;
        } else {
            name(f, &self.name)?;
        }
        for (at, matcher) in self.matchers.iter().enumerate() {
            f.write_str(if at == 0 { "{" } else { "," })?;
            name(f, &matcher.tag)?;
            let sign = How::ALL.iter().find(|(_, how)| *how == matcher.how).map_or("", |(sign, _)| sign);
            f.write_str(sign)?;
            quote(f, &matcher.value)?;
        }
        if self.matchers.is_empty() { Ok(()) } else { f.write_str("}") }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bare {
            return write!(f, "{}", self.selector);
        }
        write!(f, "{}({}", self.function.name(), self.selector)?;
        if let Some(window) = self.window {
            write!(f, ", {window}")?;
        }
        if let Some(ahead) = self.ahead {
            write!(f, ", in {ahead}")?;
        }
        if let Some(ago) = self.ago {
            write!(f, ", {ago} ago")?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Plain(value) => write!(f, "{value}"),
            Literal::Percent(value) => write!(f, "{value}%"),
            Literal::Duration(seconds) => match Span::from_secs_f64(*seconds) {
                Some(span) => write!(f, "{span}"),
                None => write!(f, "{seconds}s"),
            },
        }
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SumKind::Literal(literal) => write!(f, "{literal}"),
            SumKind::Call(call) => write!(f, "{call}"),
            SumKind::Negative(sum) => write!(f, "-({sum})"),
            SumKind::Binary(left, sign, right) => write!(f, "({left} {} {right})", sign.sign()),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TestKind::Compare { left, compare, right } => write!(f, "{left} {} {right}", compare.sign()),
            TestKind::In { value, low, high, not } => write!(f, "{value} {}in {low}..{high}", if *not { "not " } else { "" }),
            TestKind::Absent { selector, window: None } => write!(f, "absent({selector})"),
            TestKind::Absent { selector, window: Some(window) } => write!(f, "absent({selector}, {window})"),
        }
    }
}

impl fmt::Display for Logic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Logic], by: &str| {
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    write!(f, " {by} ")?;
                }
                write!(f, "({part})")?;
            }
            Ok(())
        };
        match self {
            Logic::Or(parts) => joined(f, parts, "or"),
            Logic::And(parts) => joined(f, parts, "and"),
            Logic::Not(part) => write!(f, "not ({part})"),
            Logic::For(part, span) => write!(f, "({part}) for {span}"),
            Logic::Times(part, Times { least, of }) => write!(f, "({part}) for {least} of {of} times"),
            Logic::Test(test) => write!(f, "{test}"),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.logic)
    }
}
