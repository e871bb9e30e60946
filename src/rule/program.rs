//! A condition made ready for one group: units converted once, so that an evaluation is plain arithmetic.
//!
//! Calls are numbered in the order in which they are written, and so are the memories of `for` and
//! `M of N times`, and the tests.

use super::error::RuleError;
use super::syntax::{Arithmetic, Compare, Literal, Logic, Sum, SumKind, Test, TestKind, Times};
use super::truth::{Memory, Truth};
use super::units::{Origin, Quantity, arithmetic, unit_hint};
use crate::time::{Span, Timestamp};

/// The unit of a call's result; `None` when there are no series yet to tell it.
pub(super) type CallUnit = Option<Option<String>>;

/// A condition, ready to be evaluated.
#[derive(Debug)]
pub(super) enum Program {
    And(Vec<Program>),
    Or(Vec<Program>),
    Not(Box<Program>),
    For(Box<Program>, Span, usize),
    Times(Box<Program>, Times, usize),
    Compare(Expression, Compare, Expression),
    In {
        value: Expression,
        low: f64,
        high: f64,
        not: bool,
    },
    /// By the age of its newest sample, in seconds.
    Absent {
        age: usize,
        window: Option<f64>,
    },
    /// A test whose metrics were never seen.
    Unseen,
}

/// A sum, ready to be worked out.
#[derive(Debug)]
pub(super) enum Expression {
    Number(f64),
    Call(usize),
    Scaled(Box<Expression>, f64),
    Negative(Box<Expression>),
    Binary(Box<Expression>, Arithmetic, Box<Expression>),
}

/// What an evaluation reads and remembers.
pub(super) struct Frame<'a> {
    pub(super) at: Timestamp,
    pub(super) values: &'a [Option<f64>],
    pub(super) memories: &'a mut [Memory],
    /// The truth of every test, for those who want to know.
    pub(super) tests: Option<&'a mut Vec<Truth>>,
}

impl Program {
    /// The truth at an instant. Every part is evaluated, as each has to remember.
    pub(super) fn evaluate(&self, frame: &mut Frame<'_>) -> Truth {
        match self {
            Program::And(parts) => parts.iter().fold(Truth::True, |truth, part| truth.and(part.evaluate(frame))),
            Program::Or(parts) => parts.iter().fold(Truth::False, |truth, part| truth.or(part.evaluate(frame))),
            Program::Not(part) => part.evaluate(frame).not(),
            Program::For(part, span, memory) => {
                let now = part.evaluate(frame);
                frame.memories[*memory].held(now, *span, frame.at)
            }
            Program::Times(part, times, memory) => {
                let now = part.evaluate(frame);
                frame.memories[*memory].counted(now, *times)
            }
            test => {
                let truth = test.test(frame.values);
                if let Some(tests) = &mut frame.tests {
                    tests.push(truth);
                }
                truth
            }
        }
    }

    fn test(&self, values: &[Option<f64>]) -> Truth {
        let truth = match self {
            Program::Compare(left, compare, right) => {
                left.value(values).zip(right.value(values)).map(|(left, right)| compare.holds(left, right))
            }
            Program::In { value, low, high, not } => value.value(values).map(|value| (*low <= value && value <= *high) != *not),
            // Absence is the one thing that no data tells of: never seen is absent too.
            Program::Absent { age, window } => Some(values[*age].is_none_or(|age| window.is_some_and(|window| age >= window))),
            _ => None,
        };
        truth.map_or(Truth::Unknown, Truth::of)
    }

    /// The value on the left of its first comparison.
    pub(super) fn lead(&self, values: &[Option<f64>]) -> Option<f64> {
        match self {
            Program::And(parts) | Program::Or(parts) => parts.first().and_then(|part| part.lead(values)),
            Program::Not(part) | Program::For(part, ..) | Program::Times(part, ..) => part.lead(values),
            Program::Compare(value, ..) | Program::In { value, .. } => value.value(values),
            Program::Absent { age, .. } => values[*age],
            Program::Unseen => None,
        }
    }
}

impl Program {
    /// Adds the value on the left of each of its comparisons, in the order in which they are written.
    pub(super) fn lefts(&self, values: &[Option<f64>], all: &mut Vec<Option<f64>>) {
        match self {
            Program::And(parts) | Program::Or(parts) => parts.iter().for_each(|part| part.lefts(values, all)),
            Program::Not(part) | Program::For(part, ..) | Program::Times(part, ..) => part.lefts(values, all),
            test => all.push(test.lead(values)),
        }
    }
}

impl Expression {
    /// The number; `None` when a part has no data, or when it is none, as by a division by zero.
    fn value(&self, values: &[Option<f64>]) -> Option<f64> {
        match self {
            Expression::Number(number) => Some(*number),
            Expression::Call(call) => values[*call],
            Expression::Scaled(inner, factor) => Some(inner.value(values)? * factor),
            Expression::Negative(inner) => Some(-inner.value(values)?),
            Expression::Binary(left, sign, right) => {
                let (left, right) = (left.value(values)?, right.value(values)?);
                let result = match sign {
                    Arithmetic::Plus => left + right,
                    Arithmetic::Minus => left - right,
                    Arithmetic::Times => left * right,
                    Arithmetic::Over => left / right,
                };
                Some(result).filter(|result| result.is_finite())
            }
        }
    }
}

/// Makes conditions ready, one after the other.
pub(super) struct Compiler<'a> {
    /// The units of the calls.
    pub(super) units: &'a [CallUnit],
    pub(super) call: usize,
    pub(super) memory: usize,
}

/// A sum in the making: what works it out, and its unit; the value is right where it is typed.
type Typed = (Expression, Quantity);

impl Compiler<'_> {
    /// Makes a condition ready.
    ///
    /// # Errors
    /// [`RuleError`] when units don't go together.
    pub(super) fn logic(&mut self, logic: &Logic) -> Result<Program, RuleError> {
        let all = |compiler: &mut Self, parts: &[Logic]| parts.iter().map(|part| compiler.logic(part)).collect::<Result<Vec<_>, _>>();
        Ok(match logic {
            Logic::And(parts) => Program::And(all(self, parts)?),
            Logic::Or(parts) => Program::Or(all(self, parts)?),
            Logic::Not(part) => Program::Not(Box::new(self.logic(part)?)),
            Logic::For(part, span) => {
                let memory = self.remember();
                Program::For(Box::new(self.logic(part)?), *span, memory)
            }
            Logic::Times(part, times) => {
                let memory = self.remember();
                Program::Times(Box::new(self.logic(part)?), *times, memory)
            }
            Logic::Test(test) => self.test(test)?,
        })
    }

    fn remember(&mut self) -> usize {
        self.memory += 1;
        self.memory - 1
    }

    fn called(&mut self) -> usize {
        self.call += 1;
        self.call - 1
    }

    fn test(&mut self, test: &Test) -> Result<Program, RuleError> {
        let refuse = |measured: &Quantity, other: &Quantity| {
            let hint = unit_hint(measured, other);
            move |why: String| RuleError::new(why, test.place).hint(hint)
        };
        match &test.kind {
            TestKind::Compare { left, compare, right } => {
                let (left, right) = (self.sum(left)?, self.sum(right)?);
                let (Some((left, of_left)), Some((right, of_right))) = (left, right) else { return Ok(Program::Unseen) };
                // A number that was typed takes the other's unit.
                if of_left.origin == Origin::Measured || of_right.origin != Origin::Measured {
                    let right = convert(right, &of_right, &of_left).map_err(refuse(&of_left, &of_right))?;
                    return Ok(Program::Compare(left, *compare, right));
                }
                let left = convert(left, &of_left, &of_right).map_err(refuse(&of_right, &of_left))?;
                Ok(Program::Compare(left, *compare, right))
            }
            TestKind::In { value, low, high, not } => {
                let Some((value, unit)) = self.sum(value)? else { return Ok(Program::Unseen) };
                let end = |literal: Literal| {
                    let typed = Quantity::typed(literal);
                    typed.in_unit_of(&unit).map_err(refuse(&unit, &typed))
                };
                Ok(Program::In { low: end(*low)?, high: end(*high)?, value, not: *not })
            }
            TestKind::Absent { window, .. } => Ok(Program::Absent { age: self.called(), window: window.map(Span::secs_f64) }),
        }
    }

    /// A sum, or `None` when one of its metrics was never seen.
    fn sum(&mut self, sum: &Sum) -> Result<Option<Typed>, RuleError> {
        Ok(match &sum.kind {
            SumKind::Literal(literal) => {
                let typed = Quantity::typed(*literal);
                Some((Expression::Number(typed.value), typed))
            }
            SumKind::Call(_) => {
                let call = self.called();
                let unit = self.units[call].clone();
                unit.map(|unit| (Expression::Call(call), Quantity::measured(1.0, unit)))
            }
            SumKind::Negative(inner) => self.sum(inner)?.map(|(inner, unit)| match inner {
                Expression::Number(number) => (Expression::Number(-number), Quantity { value: -number, ..unit }),
                inner => (Expression::Negative(Box::new(inner)), unit),
            }),
            SumKind::Binary(left, sign, right) => {
                let (left, right) = (self.sum(left)?, self.sum(right)?);
                let Some((left, right)) = left.zip(right) else { return Ok(None) };
                Some(binary(left, *sign, right).map_err(|why| RuleError::new(why, sum.place))?)
            }
        })
    }
}

fn binary((left, of_left): Typed, sign: Arithmetic, (right, of_right): Typed) -> Result<Typed, String> {
    let result = arithmetic(of_left.clone(), sign, of_right.clone())?;
    if let (Expression::Number(_), Expression::Number(_)) = (&left, &right) {
        return Ok((Expression::Number(result.value), result));
    }
    let plain = |quantity: &Quantity| matches!(quantity.origin, Origin::Plain | Origin::Percent);
    let (left, right) = match sign {
        Arithmetic::Plus | Arithmetic::Minus if of_left.origin != Origin::Measured && of_right.origin == Origin::Measured => {
            (convert(left, &of_left, &of_right)?, right)
        }
        Arithmetic::Plus | Arithmetic::Minus => (left, convert(right, &of_right, &of_left)?),
        Arithmetic::Over if !plain(&of_left) && !plain(&of_right) && of_right.in_unit_of(&of_left).is_ok() => {
            (left, convert(right, &of_right, &of_left)?)
        }
        Arithmetic::Times | Arithmetic::Over => (share(left, &of_left), share(right, &of_right)),
    };
    Ok((Expression::Binary(Box::new(left), sign, Box::new(right)), Quantity { value: 1.0, ..result }))
}

/// A percentage as the number that it multiplies by.
fn share(expression: Expression, unit: &Quantity) -> Expression {
    match expression {
        Expression::Number(number) if unit.origin == Origin::Percent => Expression::Number(number / 100.0),
        other => other,
    }
}

/// A number in the unit of another.
fn convert(expression: Expression, unit: &Quantity, to: &Quantity) -> Result<Expression, String> {
    let converted = unit.in_unit_of(to)?;
    Ok(match expression {
        Expression::Number(_) => Expression::Number(converted),
        other if converted == 1.0 => other,
        other => Expression::Scaled(Box::new(other), converted),
    })
}
