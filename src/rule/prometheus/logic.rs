//! Conditions as PromQL: vectors that have an element where the condition is true.
//!
//! `not` is carried inwards to the tests, so that what is unknown is an empty vector either way.

use super::Target;
use super::number::Number;
use super::terms::{Border, Terms};
use super::write::{Rank, Text, number};
use crate::rule::RuleError;
use crate::rule::syntax::{Call, Compare, Function, Literal, Logic, Place, Selector, Sum, SumKind, Test, TestKind};
use crate::time::Span;

impl Terms<'_> {
    /// Where a condition is `wanted`, true or false.
    ///
    /// # Errors
    /// [`RuleError`] when a part of it cannot be said there.
    pub(super) fn truth(&mut self, logic: &Logic, wanted: bool) -> Result<Text, RuleError> {
        match (logic, wanted) {
            (Logic::And(parts), true) | (Logic::Or(parts), false) => self.joined(parts, wanted, "and", Rank::And),
            (Logic::And(parts), false) | (Logic::Or(parts), true) => self.joined(parts, wanted, "or", Rank::Or),
            (Logic::Not(part), _) => self.truth(part, !wanted),
            (Logic::Test(test), _) => self.test(test, wanted),
            (Logic::For(part, span), _) => {
                let error = RuleError::new(format!("`for {span}` within a condition can't be said there"), place(part));
                Err(error.hint("an alert there has one `for`, of the whole condition"))
            }
            (Logic::Times(part, times), _) => {
                let message = format!("`{} of {} times` can't be said there", times.least, times.of);
                Err(RuleError::new(message, place(part)).hint("write `for` with a duration"))
            }
        }
    }

    fn joined(&mut self, parts: &[Logic], wanted: bool, sign: &str, rank: Rank) -> Result<Text, RuleError> {
        let mut joined: Option<Text> = None;
        for part in parts {
            let text = self.truth(part, wanted)?;
            joined = Some(match joined {
                Some(before) => Text::binary(&before, sign, &text, rank),
                None => text,
            });
        }
        joined.ok_or_else(|| RuleError::new("a condition without parts", (0, 0)))
    }

    fn test(&mut self, test: &Test, wanted: bool) -> Result<Text, RuleError> {
        match &test.kind {
            TestKind::Compare { left, compare, right } => {
                let compare = if wanted { *compare } else { compare.opposite() };
                self.compare(left, compare, right, test.place)
            }
            TestKind::In { value, low, high, not } => self.within(value, (*low, *high), *not != wanted, test.place),
            TestKind::Absent { selector, window } => self.absent(selector, *window, wanted),
        }
    }

    fn compare(&mut self, left: &Sum, compare: Compare, right: &Sum, place: Place) -> Result<Text, RuleError> {
        match (&left.kind, &right.kind) {
            (SumKind::Call(call), SumKind::Literal(literal)) if call.function == Function::Age => {
                return self.age(call, compare, *literal, place);
            }
            (SumKind::Literal(literal), SumKind::Call(call)) if call.function == Function::Age => {
                return self.age(call, compare.turned(), *literal, place);
            }
            _ => {}
        }
        let (left, right, compare) = match (self.number(left)?, self.number(right)?) {
            (Number::Typed(..), Number::Typed(..)) => {
                return Err(RuleError::new("nothing that is measured is compared here", place));
            }
            (Number::Measured(text, unit), Number::Typed(literal, at)) => (text, number(unit.take(literal, at)?), compare),
            (Number::Typed(literal, at), Number::Measured(text, unit)) => (text, number(unit.take(literal, at)?), compare.turned()),
            (Number::Measured(left, ours), Number::Measured(right, theirs)) => (left, self.alike(right, &theirs, &ours, place)?, compare),
        };
        Ok(Text::binary(&left, compare.sign(), &right, Rank::Compare))
    }

    fn within(&mut self, value: &Sum, (low, high): (Literal, Literal), inside: bool, place: Place) -> Result<Text, RuleError> {
        let Number::Measured(text, unit) = self.number(value)? else {
            return Err(RuleError::new("nothing that is measured is compared here", place));
        };
        let (low, high) = (number(unit.take(low, place)?), number(unit.take(high, place)?));
        let held = |text: &Text, sign: &str, limit: &Text| Text::binary(text, sign, limit, Rank::Compare);
        // A comparison gives the values for which it is true, and these are compared once more.
        Ok(match inside {
            true => held(&held(&text, ">=", &low), "<=", &high),
            false => Text::binary(&held(&text, "<", &low), "or", &held(&text, ">", &high), Rank::Or),
        })
    }

    /// An age held against a limit, as a question for samples since then.
    fn age(&mut self, call: &Call, compare: Compare, limit: Literal, place: Place) -> Result<Text, RuleError> {
        let limit = match limit {
            Literal::Plain(seconds) | Literal::Duration(seconds) if seconds > 0.0 => Span::from_secs_f64(seconds),
            _ => None,
        };
        let Some(limit) = limit else {
            return Err(RuleError::new("an age is compared there with a duration above zero only", place));
        };
        // An age of exactly the limit is that of a sample on the window's closed border.
        let border = match compare {
            Compare::Greater | Compare::LessOrEqual => Border::Closed,
            Compare::GreaterOrEqual | Compare::Less => Border::Open,
            Compare::Equal | Compare::NotEqual => {
                return Err(RuleError::new("an age is never exactly a length of time there", place).hint("write `>` or `<`"));
            }
        };
        let recent = self.present(&call.selector, limit, border, call.ago)?;
        if matches!(compare, Compare::Less | Compare::LessOrEqual) {
            return Ok(recent);
        }
        let seen = self.ever(&call.selector, call.ago, "how long an age is")?;
        Ok(Text { text: format!("{} unless {}", seen.at(Rank::And), recent.at(Rank::Compare)), rank: Rank::And })
    }

    /// Which groups were ever seen, as far back as is promised to be far enough.
    fn ever(&mut self, selector: &Selector, ago: Option<Span>, what: &str) -> Result<Text, RuleError> {
        let Some(back) = self.options.look_back else {
            let error = RuleError::new(format!("{what} can't be known there without a limit of how far to look back"), selector.place);
            return Err(error.hint("say one by --look-back, like 7d, or ask `absent(x, 30m)` without --by"));
        };
        self.notes.insert(format!("what was not seen for {back} is there as if it had never been"));
        self.present(selector, back, Border::Open, ago)
    }

    fn absent(&mut self, selector: &Selector, window: Option<Span>, wanted: bool) -> Result<Text, RuleError> {
        let Some(window) = window.or(self.options.look_back) else {
            let error = RuleError::new("`absent` without a window asks for all that ever was", selector.place);
            return Err(error.hint(format!("write `absent({selector}, 26h)`")));
        };
        if !wanted {
            return self.present(selector, window, Border::Open, None);
        }
        if self.by.is_empty() {
            let series = self.selector(selector)?;
            let window = self.window(window, Border::Open, selector.place)?;
            // Without `max` the labels of the selector would stay; in VictoriaMetrics they always do.
            if self.options.target == Target::VictoriaMetrics && !selector.matchers.is_empty() {
                self.notes.insert(format!("the alert of `absent({selector}, …)` has the labels of the selector there, and no tags here"));
            }
            return Ok(Text::atom(format!("max(absent_over_time({series}[{window}]))")));
        }
        let seen = self.ever(selector, None, "which groups there are")?;
        let recent = self.present(selector, window, Border::Open, None)?;
        Ok(Text { text: format!("{} unless {}", seen.at(Rank::And), recent.at(Rank::Compare)), rank: Rank::And })
    }
}

/// Where a condition stands, as far as its parts know.
fn place(logic: &Logic) -> Place {
    match logic {
        Logic::And(parts) | Logic::Or(parts) => {
            let places = parts.iter().map(place);
            places.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or_default()
        }
        Logic::Not(part) | Logic::For(part, _) | Logic::Times(part, _) => place(part),
        Logic::Test(test) => test.place,
    }
}
