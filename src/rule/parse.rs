//! Tokens to a tree, by the grammar of the language; each mistake told with its place and remedy.

mod terms;

use super::error::RuleError;
use super::lexer::{Kind, Token, tokens};
use super::literal::{literal, not_yet};
use super::reference::{all_resolved, lost, resolve};
use super::syntax::{Compare, Condition, Literal, Logic, Place, Sum, Test, TestKind, Times};
use super::want::each_call_of_sum;
use crate::record::nearest;
use crate::record::show;
use crate::time::Span;

/// How deep a condition may nest.
const DEPTH: usize = 64;

/// Reads a condition.
///
/// # Errors
/// [`RuleError`] with the place of the first mistake.
pub fn parse(text: &str) -> Result<Condition, RuleError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, text };
    if parser.kind() == &Kind::End {
        return Err(RuleError::new("the condition is empty", (0, text.len())).hint("write one like `age(build.started) > 30m`"));
    }
    let node = parser.condition()?;
    let logic = parser.logic(node)?;
    match parser.kind() {
        Kind::End => {
            all_resolved(&logic)?;
            Ok(Condition { logic, text: text.to_owned() })
        }
        _ => Err(parser.leftover()),
    }
}

/// Reads a sum that stands within a text, from one byte to another.
///
/// # Errors
/// [`RuleError`] with its place in the whole text.
pub(super) fn parse_sum(text: &str, (from, to): Place) -> Result<Sum, RuleError> {
    // What stands before is made blank, so that every place is one of the whole text.
    let part = " ".repeat(from) + &text[from..to];
    let mut parser = Parser { tokens: tokens(&part)?, at: 0, depth: 0, text: &part };
    let node = parser.condition()?;
    let sum = parser.sum_of(node)?;
    let mut lone = None;
    each_call_of_sum(&sum, &mut |call| lone = lone.take().or_else(|| lost(call)));
    if let Some(error) = lone {
        return Err(error);
    }
    match parser.kind() {
        Kind::End => Ok(sum),
        _ => parser.expected("the end"),
    }
}

/// Something in parentheses may be either; where it stands tells which it must be.
enum Node {
    Logic(Logic, Place),
    Sum(Sum),
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

    fn next(&mut self) -> Token {
        let token = self.token().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.kind(), Kind::Word(found) if found == word);
        if found {
            self.next();
        }
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.kind(), Kind::Sign(found) if *found == sign);
        if found {
            self.next();
        }
        found
    }

    /// What stands at the present place, for a message.
    fn found(&self) -> String {
        match self.kind() {
            Kind::End => "the end".into(),
            _ => {
                let (start, end) = self.token().span;
                format!("`{}`", show(&self.text.as_bytes()[start..end], 40))
            }
        }
    }

    fn expected<T>(&self, what: &str) -> Result<T, RuleError> {
        Err(RuleError::new(format!("expected {what}, found {}", self.found()), self.token().span))
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

    /// A node where a truth is needed.
    fn logic(&self, node: Node) -> Result<Logic, RuleError> {
        match node {
            Node::Logic(logic, _) => Ok(logic),
            Node::Sum(sum) => {
                let (start, end) = sum.place;
                let what = show(&self.text.as_bytes()[start..end], 60);
                Err(RuleError::new(format!("`{what}` is a number, which is neither true nor false"), sum.place)
                    .hint(format!("compare it with a limit, like `{what} > 0`")))
            }
        }
    }

    /// A node where a number is needed.
    fn sum_of(&self, node: Node) -> Result<Sum, RuleError> {
        match node {
            Node::Sum(sum) => Ok(sum),
            Node::Logic(_, place) => Err(RuleError::new("a number is needed here, found a condition", place)),
        }
    }

    fn condition(&mut self) -> Result<Node, RuleError> {
        let start = self.token().span.0;
        let node = self.or()?;
        let counted = |parser: &Self, ahead: usize| matches!(parser.tokens.get(parser.at + ahead).map(|token| &token.kind), Some(Kind::Word(word)) if word == "of");
        if counted(self, 1) && matches!(self.kind(), Kind::Number(_)) {
            return self.times(start, node);
        }
        if !self.word("for") {
            return Ok(node);
        }
        if counted(self, 1) {
            return self.times(start, node);
        }
        let span = self.duration("a duration after `for`, like `for 10m`, or `for 3 of 5 times`")?;
        let logic = self.logic(node)?;
        let place = (start, self.behind());
        Ok(Node::Logic(Logic::For(Box::new(logic), span), place))
    }

    /// `3 of 5 times`, with `for` before it or without.
    fn times(&mut self, start: usize, node: Node) -> Result<Node, RuleError> {
        let begin = self.token().span.0;
        let least = self.whole()?;
        self.next();
        let of = self.whole()?;
        if !self.word("times") {
            return self.expected("`times`, like `for 3 of 5 times`");
        }
        let place = (begin, self.behind());
        if !(1..=of).contains(&least) || of > Times::MOST {
            let error = RuleError::new(format!("{least} of {of} times can't be"), place);
            return Err(error.hint(format!("write `M of N times` with M from 1 to N, and N up to {}", Times::MOST)));
        }
        let logic = self.logic(node)?;
        Ok(Node::Logic(Logic::Times(Box::new(logic), Times { least, of }), (start, self.behind())))
    }

    fn whole(&mut self) -> Result<u32, RuleError> {
        let Kind::Number(text) = self.kind().clone() else { return self.expected("a whole number") };
        match text.parse() {
            Ok(number) => {
                self.next();
                Ok(number)
            }
            Err(_) => self.expected("a whole number"),
        }
    }

    /// The byte behind the last token that was taken.
    fn behind(&self) -> usize {
        self.tokens[self.at.saturating_sub(1)].span.1
    }

    fn or(&mut self) -> Result<Node, RuleError> {
        let start = self.token().span.0;
        let first = self.and()?;
        if !matches!(self.kind(), Kind::Word(word) if word == "or") {
            return Ok(first);
        }
        let mut parts = vec![self.logic(first)?];
        while self.word("or") {
            let node = self.and()?;
            parts.push(self.logic(node)?);
        }
        Ok(Node::Logic(Logic::Or(parts), (start, self.behind())))
    }

    fn and(&mut self) -> Result<Node, RuleError> {
        let start = self.token().span.0;
        let first = self.not()?;
        if !matches!(self.kind(), Kind::Word(word) if word == "and" || word == "unless") {
            return Ok(first);
        }
        let mut parts = vec![self.logic(first)?];
        loop {
            let unless = self.word("unless");
            if !unless && !self.word("and") {
                return Ok(Node::Logic(Logic::And(parts), (start, self.behind())));
            }
            let node = self.not()?;
            let part = self.logic(node)?;
            parts.push(if unless { Logic::Not(Box::new(part)) } else { part });
        }
    }

    fn not(&mut self) -> Result<Node, RuleError> {
        let start = self.token().span.0;
        if !self.word("not") {
            return self.test();
        }
        let node = self.deeper(Self::not)?;
        let logic = self.logic(node)?;
        Ok(Node::Logic(Logic::Not(Box::new(logic)), (start, self.behind())))
    }

    fn test(&mut self) -> Result<Node, RuleError> {
        let start = self.token().span.0;
        if matches!(self.kind(), Kind::Word(word) if word == "absent") {
            return self.absent(start);
        }
        let left = self.sum()?;
        let compare = match self.kind() {
            Kind::Sign("=") => {
                return Err(RuleError::new("`=` compares only tags; numbers are compared by `==`", self.token().span).hint("write `==`"));
            }
            Kind::Sign(sign) => Compare::ALL.iter().find(|(known, _)| known == sign).map(|(_, compare)| *compare),
            _ => None,
        };
        if let Some(compare) = compare {
            return self.compare(start, left, compare);
        }
        let not = matches!(self.kind(), Kind::Word(word) if word == "not")
            && matches!(self.tokens.get(self.at + 1).map(|t| &t.kind), Some(Kind::Word(word)) if word == "in");
        if not {
            self.next();
        }
        if self.word("in") {
            let (low, high) = self.range()?;
            let value = self.sum_of(left)?;
            let kind = TestKind::In { value, low, high, not };
            return Ok(self.test_node(kind, start));
        }
        if matches!(self.kind(), Kind::Word(word) if word == "is") {
            return self.unusual(start);
        }
        Ok(left)
    }

    fn test_node(&self, kind: TestKind, start: usize) -> Node {
        let place = (start, self.behind());
        Node::Logic(Logic::Test(Box::new(Test { kind, place })), place)
    }

    fn compare(&mut self, start: usize, left: Node, compare: Compare) -> Result<Node, RuleError> {
        self.next();
        let mut left = self.sum_of(left)?;
        let right = self.sum()?;
        let mut right = self.sum_of(right)?;
        resolve(&mut left, &mut right)?;
        if matches!(self.kind(), Kind::Word(word) if word == "of") {
            let place = self.token().span;
            self.next();
            if !self.word("usual") {
                return self.expected("`usual` after `of`");
            }
            return Err(not_yet(
                "`of usual`",
                (place.0, self.behind()),
                "compare with the past by `ago`, like `1.1 * mean(x, 1h, 7d ago)`",
            ));
        }
        if matches!(self.kind(), Kind::Sign(sign) if Compare::ALL.iter().any(|(known, _)| known == sign)) {
            return Err(RuleError::new("two comparisons in a row", self.token().span).hint("join them by `and`, or write `x in 20..25`"));
        }
        Ok(self.test_node(TestKind::Compare { left, compare, right }, start))
    }

    fn absent(&mut self, start: usize) -> Result<Node, RuleError> {
        self.next();
        if !self.sign("(") {
            return self
                .expected("`(` after `absent`")
                .map_err(|error: RuleError| error.hint("a metric that is named so stands in double quotes"));
        }
        let selector = self.selector()?;
        let window = if self.sign(",") { Some(self.duration("a duration, like `26h`")?) } else { None };
        if !self.sign(")") {
            return self.expected("`)`");
        }
        Ok(self.test_node(TestKind::Absent { selector, window }, start))
    }

    fn unusual(&mut self, start: usize) -> Result<Node, RuleError> {
        self.next();
        self.word("not");
        if !self.word("unusual") {
            return self.expected("`unusual` or `not unusual` after `is`");
        }
        let _ = self.word("high") || self.word("low");
        Err(not_yet(
            "`is unusual`",
            (start, self.behind()),
            "compare with a limit, or with the past by `ago`, like `1.1 * mean(x, 1h, 7d ago)`",
        ))
    }

    fn range(&mut self) -> Result<(Literal, Literal), RuleError> {
        let start = self.token().span.0;
        let low = self.signed_number()?;
        if !self.sign("..") {
            return self.expected("`..` and the upper end of the range, like `20..25`");
        }
        let high = self.signed_number()?;
        let place = (start, self.behind());
        let number = |literal: Literal| match literal {
            Literal::Plain(value) | Literal::Percent(value) | Literal::Duration(value) => value,
        };
        if std::mem::discriminant(&low) != std::mem::discriminant(&high) {
            return Err(RuleError::new("both ends of a range must have the same sort of unit", place));
        }
        if number(low) > number(high) {
            return Err(RuleError::new(format!("the range is empty: {low} is above {high}"), place).hint(format!("write `{high}..{low}`")));
        }
        Ok((low, high))
    }

    fn signed_number(&mut self) -> Result<Literal, RuleError> {
        let negative = self.sign("-");
        let literal = self.literal()?;
        Ok(match literal {
            Literal::Plain(value) if negative => Literal::Plain(-value),
            Literal::Percent(value) if negative => Literal::Percent(-value),
            Literal::Duration(value) if negative => Literal::Duration(-value),
            other => other,
        })
    }

    fn literal(&mut self) -> Result<Literal, RuleError> {
        let Kind::Number(text) = self.kind().clone() else { return self.expected("a number") };
        let place = self.token().span;
        self.next();
        literal(&text, place)
    }

    fn duration(&mut self, what: &str) -> Result<Span, RuleError> {
        let Kind::Number(text) = self.kind().clone() else { return self.expected(what) };
        let place = self.token().span;
        self.next();
        Span::parse(&text)
            .map_err(|error| RuleError::new(error.to_string(), place))
            .and_then(|span| if span.is_zero() { Err(RuleError::new("a duration here must be longer than 0s", place)) } else { Ok(span) })
    }

    /// What is wrong when something stands behind a whole condition.
    fn leftover(&self) -> RuleError {
        let error = RuleError::new(format!("expected `and`, `or`, `for` or the end, found {}", self.found()), self.token().span);
        match self.kind() {
            Kind::Word(word) if matches!(word.as_str(), "AND" | "OR" | "NOT" | "FOR" | "IN" | "UNLESS") => {
                error.hint(format!("keywords are lower case: `{}`", word.to_lowercase()))
            }
            Kind::Word(word) if word == "for" => error.hint("a condition has one `for`, at its end"),
            Kind::Word(word) => match nearest(word, ["and", "or", "for", "unless", "in", "is"]) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            },
            _ => error,
        }
    }
}
