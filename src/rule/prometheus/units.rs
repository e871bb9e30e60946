//! Units of numbers on their way to a language that has none: what is known, and what is assumed.

use crate::record::show;
use crate::rule::RuleError;
use crate::rule::syntax::{Literal, Place};
use crate::rule::units::Quantity;

/// What is known of a number's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit {
    /// Told, or known from the function; `None` for a plain number.
    Known(Option<String>),
    /// That of a metric, or of a rate of it, of which nothing was told.
    Of(String),
    /// A product of units.
    Mixed,
}

impl Unit {
    /// That of a rate of something of this unit.
    pub(super) fn per_second(self) -> Unit {
        match self {
            Unit::Known(None) => Unit::Known(Some("1/s".into())),
            Unit::Known(Some(unit)) => Unit::Known(Some(format!("{unit}/s"))),
            Unit::Of(metric) => Unit::Of(format!("rate of {metric}")),
            Unit::Mixed => Unit::Mixed,
        }
    }

    /// A number that was typed, in this unit.
    ///
    /// # Errors
    /// [`RuleError`] when it has a unit itself, and that of the metric is not known or another.
    pub(super) fn take(&self, literal: Literal, place: Place) -> Result<f64, RuleError> {
        let typed = Quantity::typed(literal);
        match (literal, self) {
            (Literal::Plain(value), _) => Ok(value),
            (_, Unit::Known(unit)) => typed.in_unit_of(&Quantity::measured(0.0, unit.clone())).map_err(|why| RuleError::new(why, place)),
            (_, Unit::Of(metric)) => {
                let metric = metric.trim_start_matches("rate of ");
                let message = format!("the unit of `{}` is not known, which `{literal}` needs", show(metric.as_bytes(), 100));
                Err(RuleError::new(message, place)
                    .hint(format!("say it, like --unit {}=s, or write a plain number", show(metric.as_bytes(), 100))))
            }
            (_, Unit::Mixed) => {
                let message = format!("`{literal}` is held against a product or quotient, whose unit there is none for");
                Err(RuleError::new(message, place).hint("write a plain number"))
            }
        }
    }

    /// What a number of this unit is multiplied by to be of the unit of `other`; whether it was
    /// assumed that both are alike.
    ///
    /// # Errors
    /// [`RuleError`] when they don't go together, or only one of them is known.
    pub(super) fn to(&self, other: &Unit, place: Place) -> Result<(f64, bool), RuleError> {
        match (self, other) {
            (Unit::Known(ours), Unit::Known(theirs)) => {
                let (ours, theirs) = (Quantity::measured(1.0, ours.clone()), Quantity::measured(1.0, theirs.clone()));
                ours.in_unit_of(&theirs).map(|factor| (factor, false)).map_err(|why| RuleError::new(why, place))
            }
            (Unit::Mixed, _) | (_, Unit::Mixed) => Ok((1.0, true)),
            (Unit::Of(ours), Unit::Of(theirs)) => Ok((1.0, ours != theirs)),
            (Unit::Of(metric), Unit::Known(_)) | (Unit::Known(_), Unit::Of(metric)) => {
                let message = format!("the unit of `{}` is not known, that of the other side is", show(metric.as_bytes(), 100));
                Err(RuleError::new(message, place).hint("say it by --unit, or of neither"))
            }
        }
    }
}
