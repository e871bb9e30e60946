//! Terms as PromQL: a function of a selector, aggregated over time and then over series.
//!
//! Every text made here gives a vector whose labels are exactly those of the check's `by`, so that
//! operators match without `on`.

use std::collections::BTreeSet;

use super::names::Names;
use super::units::Unit;
use super::write::{Text, duration, quoted};
use super::{Export, Target};
use crate::rule::RuleError;
use crate::rule::syntax::{Call, Function, How, Place, Selector};
use crate::time::Span;

/// Before and behind a label whose value is filled in by a template.
pub(super) const PIN: char = '\u{1}';

/// Which border a window has at its begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Border {
    /// `(t - w, t]`, as everywhere in our language.
    Open,
    /// `[t - w, t]`.
    Closed,
}

/// Writes the terms of one check.
pub(super) struct Terms<'a> {
    pub(super) options: &'a Export,
    pub(super) names: &'a mut Names,
    /// What was assumed.
    pub(super) notes: &'a mut BTreeSet<String>,
    pub(super) by: &'a [String],
    pub(super) extrapolate: bool,
    /// Whether series are those of the group that a template is of, and not of every group.
    pub(super) pinned: bool,
}

impl Terms<'_> {
    /// A call's value, and its unit.
    ///
    /// # Errors
    /// [`RuleError`] when there is no such function there.
    pub(super) fn call(&mut self, call: &Call) -> Result<(Text, Unit), RuleError> {
        let unit = self.unit(call);
        let text = match call.function {
            Function::Count => self.over(call, "sum", "count_over_time", None)?,
            Function::Sum => self.over(call, "sum", "sum_over_time", None)?,
            Function::Min => self.over(call, "min", "min_over_time", None)?,
            Function::Max => self.over(call, "max", "max_over_time", None)?,
            Function::Mean => self.mean(call)?,
            Function::Quantile(percentile) => {
                self.promised(call)?;
                self.over(call, "max", "quantile_over_time", Some(percentile.fraction()))?
            }
            Function::Stddev => {
                self.promised(call)?;
                let range = self.range(call)?;
                // There it is divided by n, here by n - 1; of one sample there is none here.
                let count = format!("count_over_time({range})");
                self.across("max", &format!("stddev_over_time({range}) * sqrt({count} / (({count} - 1) > 0))"))
            }
            Function::Last => {
                self.promised(call)?;
                self.over(call, "max", "last_over_time", None)?
            }
            Function::First if self.options.target == Target::VictoriaMetrics => {
                self.promised(call)?;
                self.over(call, "max", "first_over_time", None)?
            }
            Function::Rate | Function::Increase | Function::Delta => self.increase(call)?,
            Function::Age => {
                let error = refused(call, "the time since the newest sample can't be told as a number there");
                return Err(error.hint("compare it with a duration by itself, like `age(x) < 30m`, or write `absent(x, 30m)`"));
            }
            Function::Forecast => return Err(refused(call, "`predict_linear` there is another estimate")),
            Function::First | Function::Distinct | Function::Reference => return Err(refused(call, "there is no such function there")),
        };
        Ok((text, unit))
    }

    fn unit(&self, call: &Call) -> Unit {
        let name = &call.selector.name;
        let own = match self.options.units.get(name) {
            Some(unit) => Unit::Known(Some(unit.clone()).filter(|unit| !unit.is_empty() && unit != "1")),
            None => Unit::Of(name.clone()),
        };
        match call.function {
            Function::Count | Function::Distinct => Unit::Known(None),
            Function::Rate => own.per_second(),
            _ => own,
        }
    }

    /// Refuses what is right for one series only, unless that was promised.
    fn promised(&mut self, call: &Call) -> Result<(), RuleError> {
        let name = call.function.name();
        if !self.options.one_series {
            let error = refused(call, &format!("`{name}` of the samples of several series together has no counterpart there"));
            return Err(error.hint("promise by --one-series that each group has one series of each metric"));
        }
        self.notes.insert("promised: each group has one series of each metric".into());
        Ok(())
    }

    /// `sum by (queue) (count_over_time(x[5m]))`.
    fn over(&mut self, call: &Call, across: &str, function: &str, quantile: Option<f64>) -> Result<Text, RuleError> {
        let range = self.range(call)?;
        let quantile = quantile.map_or_else(String::new, |q| format!("{q}, "));
        Ok(self.across(across, &format!("{function}({quantile}{range})")))
    }

    /// An aggregation over series, that keeps the labels of the groups.
    pub(super) fn across(&self, function: &str, inner: &str) -> Text {
        let by = if self.by.is_empty() { String::new() } else { format!(" by ({})", self.by.join(", ")) };
        let gap = if by.is_empty() { "" } else { " " };
        Text::atom(format!("{function}{by}{gap}({inner})"))
    }

    fn mean(&mut self, call: &Call) -> Result<Text, RuleError> {
        if self.options.one_series {
            return self.promised(call).and_then(|()| self.over(call, "max", "avg_over_time", None));
        }
        let (sum, count) = (self.over(call, "sum", "sum_over_time", None)?, self.over(call, "sum", "count_over_time", None)?);
        Ok(Text::binary(&sum, "/", &count, super::write::Rank::Multiply))
    }

    /// Increases of each series, summed up.
    fn increase(&mut self, call: &Call) -> Result<Text, RuleError> {
        let metric = self.names.metric(&call.selector.name).map_err(|why| RuleError::new(why, call.place))?;
        let kind = if call.function == Function::Delta { "gauge" } else { "counter" };
        self.notes.insert(format!("assumed: `{metric}` is a {kind} on both sides"));
        let range = self.range(call)?;
        let name = call.function.name();
        match (self.options.target, self.extrapolate) {
            (Target::VictoriaMetrics, true) => {
                let error = refused(call, &format!("VictoriaMetrics does not extend `{name}` to the window's borders"));
                return Err(error.hint("set `extrapolate = false` in the check, which makes both count alike"));
            }
            (Target::VictoriaMetrics, false) => {
                let function = if kind == "gauge" { "delta_prometheus" } else { "increase_prometheus" };
                if kind == "counter" {
                    let note = "a counter that falls by less than an eighth is not taken as reset by VictoriaMetrics, and always is here";
                    self.notes.insert(note.into());
                }
                let sum = self.across("sum", &format!("{function}({range})"));
                let seconds = call.window.unwrap_or(Span::ZERO).secs_f64();
                let over = |sum: &Text| Text::binary(sum, "/", &super::write::number(seconds), super::write::Rank::Multiply);
                return Ok(if call.function == Function::Rate { over(&sum) } else { sum });
            }
            (_, false) => {
                let error = refused(call, &format!("Prometheus always extends `{name}` to the window's borders"));
                return Err(error.hint("leave `extrapolate = false` out of the check"));
            }
            (Target::Prometheus2, true) => {
                let note = "rates differ by up to 1 ms / window, and before Prometheus 2.52 more where a counter begins near zero";
                self.notes.insert(note.into());
            }
            (Target::Prometheus, true) => {}
        }
        Ok(self.across("sum", &format!("{name}({range})")))
    }

    /// `x{queue="linux"}[5m] offset 7d`.
    fn range(&mut self, call: &Call) -> Result<String, RuleError> {
        let window = match (call.window, self.options.look_back) {
            (Some(window), _) => window,
            (None, Some(back)) if call.function == Function::Last => {
                self.notes.insert(format!("a newest sample counts for {back}, and is not known after that"));
                back
            }
            (None, _) => {
                let error = refused(call, "without a window it speaks of everything there is, which can't be said there");
                let name = call.function.name();
                return Err(error.hint(format!(
                    "write a window, like `{name}({}, 5m)`{}",
                    call.selector,
                    match call.function {
                        Function::Last => ", or say by --look-back how far back to look",
                        _ => "",
                    }
                )));
            }
        };
        let selector = self.selector(&call.selector)?;
        let window = self.window(window, Border::Open, call.place)?;
        let offset = match call.ago {
            Some(ago) => format!(" offset {}", duration(ago).ok_or_else(|| too_fine(ago, call.place))?),
            None => String::new(),
        };
        Ok(format!("{selector}[{window}]{offset}"))
    }

    /// How many samples each group has in a window, which is a vector without those that have none.
    pub(super) fn present(&mut self, selector: &Selector, window: Span, border: Border, ago: Option<Span>) -> Result<Text, RuleError> {
        let place = selector.place;
        let series = self.selector(selector)?;
        let window = self.window(window, border, place)?;
        let offset = match ago {
            Some(ago) => format!(" offset {}", duration(ago).ok_or_else(|| too_fine(ago, place))?),
            None => String::new(),
        };
        Ok(self.across("sum", &format!("count_over_time({series}[{window}]{offset})")))
    }

    /// A window with the border that is meant, written for the target's own.
    pub(super) fn window(&self, window: Span, border: Border, place: Place) -> Result<String, RuleError> {
        let step = Span::from_millis(1);
        let written = match (self.options.target, border) {
            (Target::Prometheus2, Border::Open) => Span::from_nanos(window.nanos() - step.nanos()),
            (Target::Prometheus2, Border::Closed) | (_, Border::Open) => window,
            (_, Border::Closed) => window.plus(step),
        };
        if written.is_zero() {
            return Err(too_fine(window, place));
        }
        duration(written).ok_or_else(|| too_fine(window, place))
    }

    /// `x{queue="linux"}`.
    pub(super) fn selector(&mut self, selector: &Selector) -> Result<String, RuleError> {
        let place = selector.place;
        if selector.glob {
            let error = RuleError::new(format!("`{selector}`: a `*` in a name can't be said there, as windows are of one name"), place);
            return Err(error.hint("write one term for each metric"));
        }
        let name = self.names.metric(&selector.name).map_err(|why| RuleError::new(why, place))?;
        let mut matchers = Vec::new();
        for tag in self.by {
            match self.pinned {
                true => matchers.push(format!("{tag}=\"{PIN}{tag}{PIN}\"")),
                false => matchers.push(format!("{tag}!=\"\"")),
            }
        }
        if !self.by.is_empty() {
            self.notes.insert(format!("assumed: `{name}` has the tag{} {}", if self.by.len() == 1 { "" } else { "s" }, self.by.join(", ")));
        }
        for matcher in &selector.matchers {
            let label = self.names.label(&matcher.tag).map_err(|why| RuleError::new(why, place))?;
            let sign = How::ALL.iter().find(|(_, how)| *how == matcher.how).map_or("=", |(sign, _)| *sign);
            if matches!(matcher.how, How::Matches | How::MatchesNot)
                && let Some(what) = foreign(&matcher.value)
            {
                return Err(RuleError::new(format!("`{what}` in a regular expression means something else there"), place));
            }
            matchers.push(format!("{label}{sign}{}", quoted(&matcher.value)));
        }
        Ok(if matchers.is_empty() { name } else { format!("{name}{{{}}}", matchers.join(",")) })
    }
}

/// A call that cannot be said, and why.
fn refused(call: &Call, why: &str) -> RuleError {
    RuleError::new(format!("`{call}`: {why}"), call.place)
}

fn too_fine(span: Span, place: Place) -> RuleError {
    RuleError::new(format!("`{span}` is finer than the milliseconds there are there"), place)
}

/// What Rust's regular expressions have and RE2 has not, or reads otherwise.
///
/// Source: the syntax of the crate regex, and of RE2.
fn foreign(pattern: &str) -> Option<&'static str> {
    const FOREIGN: [&str; 9] = ["&&", "--", "~~", "(?x", "(?R", "(?u", r"\b{", r"\<", r"\>"];
    FOREIGN.into_iter().find(|what| pattern.contains(what))
}
