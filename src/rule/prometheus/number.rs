//! Sums as PromQL, with their units.

use super::terms::Terms;
use super::units::Unit;
use super::write::{Rank, Text, number};
use crate::rule::RuleError;
use crate::rule::syntax::{Arithmetic, Literal, Place, Sum, SumKind};

/// A sum on its way.
#[derive(Debug, Clone)]
pub(super) enum Number {
    /// Typed; it takes the unit of what it meets.
    Typed(Literal, Place),
    /// Measured, or worked out of what was.
    Measured(Text, Unit),
}

impl Terms<'_> {
    /// A sum's value.
    ///
    /// # Errors
    /// [`RuleError`] when a part of it cannot be said there.
    pub(super) fn number(&mut self, sum: &Sum) -> Result<Number, RuleError> {
        Ok(match &sum.kind {
            SumKind::Literal(literal) => Number::Typed(*literal, sum.place),
            SumKind::Call(call) => {
                let (text, unit) = self.call(call)?;
                Number::Measured(text, unit)
            }
            SumKind::Negative(inner) => match self.number(inner)? {
                Number::Typed(literal, place) => Number::Typed(negative(literal), place),
                Number::Measured(text, unit) => {
                    Number::Measured(Text { text: format!("-{}", text.at(Rank::Unary)), rank: Rank::Unary }, unit)
                }
            },
            SumKind::Binary(left, sign, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                self.binary(left, *sign, right, sum.place)?
            }
        })
    }

    fn binary(&mut self, left: Number, sign: Arithmetic, right: Number, place: Place) -> Result<Number, RuleError> {
        let rank = if matches!(sign, Arithmetic::Plus | Arithmetic::Minus) { Rank::Add } else { Rank::Multiply };
        let (left, right, unit) = match (left, right) {
            (Number::Typed(a, _), Number::Typed(b, _)) => return fold(a, sign, b, place),
            (Number::Measured(text, unit), Number::Typed(literal, at)) => {
                let value = if rank == Rank::Add { unit.take(literal, at)? } else { factor(literal, at)? };
                if sign == Arithmetic::Over && value == 0.0 {
                    return Err(RuleError::new("what is divided by zero is never known", place));
                }
                (text, number(value), unit)
            }
            (Number::Typed(literal, at), Number::Measured(text, unit)) => {
                let value = if rank == Rank::Add { unit.take(literal, at)? } else { factor(literal, at)? };
                let unit = if sign == Arithmetic::Over { Unit::Mixed } else { unit };
                (number(value), if sign == Arithmetic::Over { not_zero(&text) } else { text }, unit)
            }
            (Number::Measured(left, ours), Number::Measured(right, theirs)) => match sign {
                Arithmetic::Plus | Arithmetic::Minus => (left, self.alike(right, &theirs, &ours, place)?, ours),
                Arithmetic::Times => (left, right, product(ours, theirs)),
                Arithmetic::Over => {
                    let (right, unit) = self.divisor(right, &ours, &theirs, place)?;
                    (left, not_zero(&right), unit)
                }
            },
        };
        Ok(Number::Measured(Text::binary(&left, sign.sign(), &right, rank), unit))
    }

    /// What is divided by, in the unit of what is divided where both are of one sort.
    fn divisor(&mut self, text: Text, ours: &Unit, theirs: &Unit, place: Place) -> Result<(Text, Unit), RuleError> {
        if *theirs == Unit::Known(None) {
            return Ok((text, ours.clone()));
        }
        match theirs.to(ours, place) {
            Ok((factor, assumed)) => {
                self.assume(assumed, ours, theirs);
                let unit = if matches!((ours, theirs), (Unit::Mixed, _) | (_, Unit::Mixed)) { Unit::Mixed } else { Unit::Known(None) };
                Ok((scaled(text, factor), unit))
            }
            // Two units that are known and of different sorts make a new one.
            Err(_) if matches!((ours, theirs), (Unit::Known(_), Unit::Known(_))) => Ok((text, Unit::Mixed)),
            Err(error) => Err(error),
        }
    }

    /// A measured number in the unit of another.
    pub(super) fn alike(&mut self, text: Text, from: &Unit, to: &Unit, place: Place) -> Result<Text, RuleError> {
        let (factor, assumed) = from.to(to, place)?;
        self.assume(assumed, from, to);
        Ok(scaled(text, factor))
    }

    fn assume(&mut self, assumed: bool, one: &Unit, other: &Unit) {
        if !assumed {
            return;
        }
        self.notes.insert(match (one, other) {
            (Unit::Of(one), Unit::Of(other)) => format!("assumed: `{one}` and `{other}` have one unit"),
            _ => "assumed: products that are held against each other have one unit".into(),
        });
    }
}

/// A divisor without the zeros: what is divided by zero is unknown, and not infinite.
fn not_zero(text: &Text) -> Text {
    Text::binary(text, "!=", &number(0.0), Rank::Compare)
}

fn scaled(text: Text, factor: f64) -> Text {
    if factor == 1.0 { text } else { Text::binary(&text, "*", &number(factor), Rank::Multiply) }
}

fn product(one: Unit, other: Unit) -> Unit {
    match (one, other) {
        (Unit::Known(None), unit) | (unit, Unit::Known(None)) => unit,
        _ => Unit::Mixed,
    }
}

fn negative(literal: Literal) -> Literal {
    match literal {
        Literal::Plain(value) => Literal::Plain(-value),
        Literal::Percent(value) => Literal::Percent(-value),
        Literal::Duration(seconds) => Literal::Duration(-seconds),
    }
}

/// A literal that something is multiplied or divided by.
fn factor(literal: Literal, place: Place) -> Result<f64, RuleError> {
    match literal {
        Literal::Plain(value) => Ok(value),
        Literal::Percent(value) => Ok(value / 100.0),
        Literal::Duration(_) => {
            let error = RuleError::new(format!("`{literal}` as a factor changes the unit, which there is none of there"), place);
            Err(error.hint("write a plain number"))
        }
    }
}

/// Works out what holds nothing measured.
fn fold(left: Literal, sign: Arithmetic, right: Literal, place: Place) -> Result<Number, RuleError> {
    let (Literal::Plain(a), Literal::Plain(b)) = (left, right) else {
        return Err(RuleError::new(format!("`{left} {} {right}` reckons with units", sign.sign()), place).hint("write its result"));
    };
    let value = match sign {
        Arithmetic::Plus => a + b,
        Arithmetic::Minus => a - b,
        Arithmetic::Times => a * b,
        Arithmetic::Over => a / b,
    };
    if !value.is_finite() {
        return Err(RuleError::new("what is divided by zero is never known", place));
    }
    Ok(Number::Typed(Literal::Plain(value), place))
}
