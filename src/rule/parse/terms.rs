//! Sums, calls and selectors: what comes to a number.

use super::super::error::RuleError;
use super::super::lexer::{Kind, Token};
use super::super::literal::{not_yet, pattern, unknown_function};
use super::super::syntax::{Arithmetic, Call, Function, How, KEYWORDS, Matcher, Selector, Sum, SumKind};
use super::{DEPTH, Node, Parser};
use crate::record::show;

impl Parser<'_> {
    pub(super) fn sum(&mut self) -> Result<Node, RuleError> {
        let mut left = self.product()?;
        loop {
            let arithmetic = match self.kind() {
                Kind::Sign("+") => Arithmetic::Plus,
                Kind::Sign("-") => Arithmetic::Minus,
                _ => return Ok(left),
            };
            self.next();
            let right = self.product()?;
            left = self.binary(left, arithmetic, right)?;
        }
    }

    fn product(&mut self) -> Result<Node, RuleError> {
        let mut left = self.unary()?;
        loop {
            let arithmetic = match self.kind() {
                Kind::Sign("*") => Arithmetic::Times,
                Kind::Sign("/") => Arithmetic::Over,
                _ => return Ok(left),
            };
            self.next();
            let right = self.unary()?;
            left = self.binary(left, arithmetic, right)?;
        }
    }

    fn binary(&mut self, left: Node, arithmetic: Arithmetic, right: Node) -> Result<Node, RuleError> {
        let (left, right) = (self.sum_of(left)?, self.sum_of(right)?);
        let place = (left.place.0, right.place.1);
        if tall(&left) + tall(&right) > 2 * DEPTH {
            return Err(RuleError::new(format!("nested deeper than {DEPTH} levels"), place));
        }
        Ok(Node::Sum(Sum { kind: SumKind::Binary(Box::new(left), arithmetic, Box::new(right)), place }))
    }

    fn unary(&mut self) -> Result<Node, RuleError> {
        let start = self.token().span.0;
        if !self.sign("-") {
            return self.primary();
        }
        let node = self.deeper(Self::unary)?;
        let sum = self.sum_of(node)?;
        let place = (start, sum.place.1);
        Ok(Node::Sum(Sum { kind: SumKind::Negative(Box::new(sum)), place }))
    }

    fn primary(&mut self) -> Result<Node, RuleError> {
        let Token { kind, span } = self.token().clone();
        match kind {
            Kind::Number(_) => {
                let literal = self.literal()?;
                Ok(Node::Sum(Sum { kind: SumKind::Literal(literal), place: span }))
            }
            Kind::Sign("(") => {
                self.next();
                let node = self.deeper(Self::condition)?;
                if !self.sign(")") {
                    return self.expected("`)`");
                }
                let place = (span.0, self.behind());
                Ok(match node {
                    Node::Logic(logic, _) => Node::Logic(logic, place),
                    Node::Sum(sum) => Node::Sum(Sum { place, ..sum }),
                })
            }
            Kind::Word(word) if KEYWORDS.contains(&word.as_str()) && word != "high" => {
                let error = RuleError::new(format!("expected a metric, a function or a number, found the keyword `{word}`"), span);
                Err(error.hint(format!("a metric of that name stands in quotes: `\"{word}\"`")))
            }
            Kind::Word(_) | Kind::Quoted(_) => self.call_or_selector(),
            _ => self.expected("a metric, a function or a number"),
        }
    }

    fn call_or_selector(&mut self) -> Result<Node, RuleError> {
        let start = self.token().span.0;
        let is_call =
            matches!(self.kind(), Kind::Word(_)) && matches!(self.tokens.get(self.at + 1).map(|t| &t.kind), Some(Kind::Sign("(")));
        if is_call {
            return self.call(start);
        }
        if let Kind::Word(word) = self.kind()
            && Function::NAMES.contains(&word.as_str())
        {
            let error = RuleError::new(format!("the function `{word}` needs `(` and a metric"), self.token().span);
            return Err(error.hint(format!("write `{word}(x, 5m)`; a metric of that name stands in quotes: `\"{word}\"`")));
        }
        let selector = self.selector()?;
        let place = (start, self.behind());
        let call = Call { function: Function::Last, selector, window: None, ago: None, ahead: None, of: None, bare: true, place };
        Ok(Node::Sum(Sum { kind: SumKind::Call(call), place }))
    }

    fn call(&mut self, start: usize) -> Result<Node, RuleError> {
        let Token { kind, span } = self.next();
        let Kind::Word(name) = kind else { return self.expected("a function") };
        let function = Function::parse(&name);
        if function.is_none() && name != "usual" {
            return Err(unknown_function(&name, span));
        }
        self.next();
        if self.kind() == &Kind::Sign(")") {
            return self.expected("a metric");
        }
        let selector = self.selector()?;
        let (mut window, mut ago, mut ahead) = (None, None, None);
        while self.sign(",") {
            if self.word("in") {
                ahead = Some(self.duration("a duration after `in`, like `in 24h`")?);
                continue;
            }
            let place = self.token().span;
            let span = self.duration("a window, like `5m`, or `7d ago`")?;
            let slot = if self.word("ago") { &mut ago } else { &mut window };
            if slot.replace(span).is_some() {
                return Err(RuleError::new("a function takes one window and one `ago`", place));
            }
        }
        if !self.sign(")") {
            return self.expected("`,` or `)`");
        }
        let place = (start, self.behind());
        let Some(function) = function else {
            return Err(not_yet(&format!("the function `{name}`"), place, "compare with the past by `ago`, like `mean(x, 1h, 7d ago)`"));
        };
        if ahead.is_some() && function != Function::Forecast {
            return Err(RuleError::new("`in` belongs to the function `forecast`", place));
        }
        if function == Function::Forecast && (ahead.is_none() || window.is_none()) {
            let error = RuleError::new("`forecast` needs a window and how far ahead it looks", place);
            return Err(error.hint(format!("write `forecast({selector}, 6h, in 24h)`")));
        }
        if function.needs_window() && window.is_none() {
            return Err(RuleError::new(format!("`{name}` needs a window"), place).hint(format!("write `{name}({selector}, 5m)`")));
        }
        if function == Function::Age && window.is_some() {
            let error = RuleError::new("`age` takes no window: it is the time since the newest sample", place);
            return Err(error.hint(format!("write `age({selector}) > 30m`, or `absent({selector}, 30m)`")));
        }
        Ok(Node::Sum(Sum { kind: SumKind::Call(Call { function, selector, window, ago, ahead, of: None, bare: false, place }), place }))
    }

    pub(super) fn selector(&mut self) -> Result<Selector, RuleError> {
        let start = self.token().span.0;
        let glob = matches!(self.kind(), Kind::Word(word) if word.contains('*'));
        let name = match self.kind().clone() {
            Kind::Word(word) if KEYWORDS.contains(&word.as_str()) => {
                let error = RuleError::new(format!("expected a metric, found the keyword `{word}`"), self.token().span);
                return Err(error.hint(format!("a metric of that name stands in quotes: `\"{word}\"`")));
            }
            Kind::Word(name) | Kind::Quoted(name) if !name.is_empty() => name,
            Kind::Quoted(_) => return self.expected("a metric's name of at least one character"),
            _ => return self.expected("a metric"),
        };
        self.next();
        let mut matchers = Vec::new();
        if self.sign("{") && !self.sign("}") {
            loop {
                matchers.push(self.matcher()?);
                if self.sign("}") {
                    break;
                }
                if !self.sign(",") {
                    return self.expected("`,` or `}`");
                }
            }
        }
        Ok(Selector { name, glob, matchers, place: (start, self.behind()) })
    }

    fn matcher(&mut self) -> Result<Matcher, RuleError> {
        let tag = match self.kind().clone() {
            Kind::Word(tag) | Kind::Quoted(tag) => tag,
            _ => return self.expected("a tag, like `queue=linux`"),
        };
        self.next();
        let how = match self.kind() {
            Kind::Sign(sign) => How::ALL.iter().find(|(known, _)| known == sign).map(|(_, how)| *how),
            _ => None,
        };
        let Some(how) = how else { return self.expected("`=`, `!=`, `=~` or `!~`") };
        self.next();
        let place = self.token().span;
        let value = match self.kind().clone() {
            Kind::Word(value) | Kind::Quoted(value) => value,
            _ => return self.expected("a value, like `linux` or `\"5..\"`"),
        };
        self.next();
        if matches!(how, How::Matches | How::MatchesNot)
            && let Err(error) = pattern(&value)
        {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            return Err(RuleError::new(format!("`{}` is not a regular expression: {last}", show(value.as_bytes(), 40)), place));
        }
        Ok(Matcher { tag, how, value })
    }
}

/// How many levels a sum has.
fn tall(sum: &Sum) -> usize {
    match &sum.kind {
        SumKind::Literal(_) | SumKind::Call(_) => 1,
        SumKind::Negative(inner) => 1 + tall(inner),
        SumKind::Binary(left, _, right) => 1 + tall(left).max(tall(right)),
    }
}
