//! A service level objective to conditions: burn rates over several windows.
//!
//! An objective of 99.9 % over 30 days leaves a budget of 0.1 % of bad events. The burn rate is how
//! fast it goes: at 1 it lasts exactly the period, at 14.4 two percent of it are gone in an hour.
//! Each row asks for a share of the budget within a long window, and whether it still burns by a
//! short window of a twelfth. Source: The Site Reliability Workbook (Beyer and others, 2018),
//! chapter 5 "Alerting on SLOs", table 5-8 and the section "Multiwindow, multi-burn-rate alerts".
//!
//! As there, the windows stay as they are and the burn rate follows from the period: burn rate =
//! share of the budget x period / long window. So "2 % of the budget in an hour" means the same
//! whatever the period, and who is woken has an hour's events to look at.
//!
//! | status   | share | long | short | 7 d  | 28 d  | 30 d | 90 d |
//! |----------|-------|------|-------|------|-------|------|------|
//! | critical | 2 %   | 1 h  | 5 min | 3.36 | 13.44 | 14.4 | 43.2 |
//! | critical | 5 %   | 6 h  | 30 min| 1.4  | 5.6   | 6    | 18   |
//! | warning  | 10 %  | 1 d  | 2 h   | 1    | 2.8   | 3    | 9    |
//! | warning  | 10 %  | 3 d  | 6 h   | –    | 1     | 1    | 3    |
//!
//! A burn rate under 1 keeps the objective, and nobody should be told of it. The first row that
//! would have one (28 d: 0.933; 7 d: 0.7) is judged at 1, so that a budget which would run out
//! before the period is always told; the rows behind it would say the same later, and are left out.
//! A row whose limit is 100 % of all events or more can't be passed, and is left out too.
//!
//! With few events a ratio means little: a row counts only where its long window holds
//! `min_events` or more. Without that key, so many that one bad event alone is within the limit
//! (70 for 14.4 x 0.1 %). A short window without any event does not burn.

use super::value::{Entry, moved, unknown};
use crate::record::{Status, show};
use crate::rule::RuleError;
use crate::rule::parse::parse_sum;
use crate::rule::syntax::{Function, Sum, SumKind};
use crate::settings::Text;
use crate::time::Span;

/// The keys of `[name.slo]`.
pub(super) const KEYS: [&str; 6] = ["objective", "period", "good", "bad", "total", "min_events"];

/// One row of the table: what it means, the share of the budget in percent, the two windows in minutes.
struct Row {
    status: Status,
    share_percent: f64,
    long_min: u32,
    short_min: u32,
}

const ROWS: [Row; 4] = [
    Row { status: Status::Critical, share_percent: 2.0, long_min: 60, short_min: 5 },
    Row { status: Status::Critical, share_percent: 5.0, long_min: 360, short_min: 30 },
    Row { status: Status::Warning, share_percent: 10.0, long_min: 1440, short_min: 120 },
    Row { status: Status::Warning, share_percent: 10.0, long_min: 4320, short_min: 360 },
];

impl Row {
    fn long(&self) -> Span {
        Span::from_secs(self.long_min * 60)
    }

    fn short(&self) -> Span {
        Span::from_secs(self.short_min * 60)
    }

    /// The burn rate that spends the row's share of the budget within its long window.
    fn burn(&self, period: Span) -> f64 {
        self.share_percent * (period.nanos() as f64 / self.long().nanos() as f64) / 100.0
    }
}

/// An objective, as it was written.
#[derive(Debug)]
pub(super) struct Slo {
    /// The share of events that may be bad, in percent.
    budget_percent: f64,
    period: Span,
    bad: Events,
    total: Sum,
    min_events: Option<f64>,
}

/// What is counted: the bad events, or the good ones.
#[derive(Debug)]
enum Events {
    Bad(Sum),
    Good(Sum),
}

/// What an objective comes to: a condition for each status, and what was left out.
#[derive(Debug, PartialEq)]
pub(super) struct Expanded {
    pub(super) levels: Vec<(Status, String)>,
    /// Of each row that was left out, why.
    pub(super) left_out: Vec<String>,
}

impl Slo {
    /// Reads the table of an objective.
    pub(super) fn read(entry: &Entry<'_>) -> Result<Slo, Vec<RuleError>> {
        let entries = entry.table("a table: `[name.slo]`").map_err(|error| vec![error])?;
        let (mut errors, mut missing) = (Vec::new(), vec!["objective", "period", "total"]);
        let (mut budget_percent, mut period, mut total, mut good, mut bad, mut min_events) = (0.0, Span::ZERO, None, None, None, None);
        for entry in &entries {
            missing.retain(|key| *key != entry.key);
            let done = match entry.key {
                "objective" => budget(entry).map(|value| budget_percent = value),
                "period" => period_of(entry).map(|value| period = value),
                "total" => events(entry).map(|value| total = Some(value)),
                "good" => events(entry).map(|value| good = Some((entry.key_place, value))),
                "bad" => events(entry).map(|value| bad = Some((entry.key_place, value))),
                "min_events" => least(entry).map(|value| min_events = Some(value)),
                _ => Err(unknown(entry, "an objective", &KEYS)),
            };
            errors.extend(done.err());
        }
        for key in missing {
            errors.push(RuleError::new(format!("an objective needs `{key}`"), entry.key_place).hint(example(key)));
        }
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        match (bad, good) {
            (Some(_), Some((place, _))) => {
                errors
                    .push(RuleError::new("an objective counts `good` events or `bad` ones, not both", place).hint("leave one of them out"));
            }
            (None, None) if !has("good") && !has("bad") => {
                errors.push(RuleError::new("an objective needs `bad` or `good`", entry.key_place).hint(example("bad")));
            }
            (bad, good) => {
                let events = bad.map(|(_, sum)| Events::Bad(sum)).or(good.map(|(_, sum)| Events::Good(sum)));
                if let (Some(bad), Some(total), true) = (events, total, errors.is_empty()) {
                    return Ok(Slo { budget_percent, period, bad, total, min_events });
                }
            }
        }
        Err(errors)
    }

    /// The conditions of the rows that can fire.
    pub(super) fn expand(&self) -> Expanded {
        let (mut levels, mut left_out): (Vec<(Status, String)>, Vec<String>) = (Vec::new(), Vec::new());
        let mut at_one = false;
        for row in ROWS {
            let burn = row.burn(self.period);
            let named = format!("the row {}/{} of the objective is left out", row.long(), row.short());
            let limit_percent = rounded(burn.max(1.0) * self.budget_percent);
            if at_one {
                let why = format!("in {} a burn rate of {} would spend {}% of the budget", row.long(), rounded4(burn), row.share_percent);
                left_out.push(format!("{named}: the period {} is too short for it: {why}, and under 1 the objective is kept", self.period));
                continue;
            }
            at_one = burn < 1.0;
            if limit_percent >= 100.0 {
                let why = format!("{} x {}%", rounded4(burn), rounded(self.budget_percent));
                left_out.push(format!("{named}: its limit {limit_percent}% ({why}) is not below the 100% that all events are"));
                continue;
            }
            let text = self.row(&row, limit_percent);
            match levels.iter_mut().find(|(status, _)| *status == row.status) {
                Some((_, known)) => *known = format!("({known}) or ({text})"),
                None => levels.push((row.status, text)),
            }
        }
        Expanded { levels, left_out }
    }

    /// The condition of one row: the long window, whether it still burns, and whether it is enough.
    fn row(&self, row: &Row, limit_percent: f64) -> String {
        let (long, short) = (row.long(), row.short());
        let least = self.min_events.unwrap_or_else(|| (100.0 / limit_percent - 1e-6).ceil().max(1.0));
        let burns = |window: Span| format!("{} > {limit_percent}%", self.ratio(window));
        let enough = if least > 0.0 { format!(" and {} >= {least}", over(&self.total, long)) } else { String::new() };
        format!("{} and {} and {} > 0{enough}", burns(long), burns(short), over(&self.total, short))
    }

    /// The share of bad events within a window.
    fn ratio(&self, window: Span) -> String {
        let total = over(&self.total, window);
        match &self.bad {
            Events::Bad(bad) => format!("{} / {total}", over(bad, window)),
            Events::Good(good) => format!("({total} - {}) / {total}", over(good, window)),
        }
    }
}

/// A sum of selectors with the window put in: a bare selector is an increase.
fn over(sum: &Sum, window: Span) -> String {
    match &sum.kind {
        SumKind::Call(call) if call.bare => format!("increase({}, {window})", call.selector),
        SumKind::Call(call) => format!("{}({}, {window})", call.function.name(), call.selector),
        SumKind::Binary(left, sign, right) => format!("({} {} {})", over(left, window), sign.sign(), over(right, window)),
        SumKind::Literal(_) | SumKind::Negative(_) => sum.to_string(),
    }
}

/// What is counted: selectors, `count` or `sum` of one without a window, and sums of these.
fn events(entry: &Entry<'_>) -> Result<Sum, RuleError> {
    let text = entry.text("what is counted, like 'requests{status=~\"5..\"}'")?;
    let sum = parse_sum(&text.text, (0, text.text.len())).map_err(|error| moved(&text, error))?;
    countable(&text, &sum)?;
    Ok(sum)
}

fn countable(text: &Text, sum: &Sum) -> Result<(), RuleError> {
    use crate::rule::syntax::Arithmetic::{Minus, Plus};
    let place = text.place(sum.place);
    match &sum.kind {
        SumKind::Call(call) if call.bare => Ok(()),
        SumKind::Call(call) if call.window.is_some() || call.ago.is_some() => {
            let error = RuleError::new("an objective puts its own windows in; events are named without one", place);
            Err(error.hint(format!("write `{}`", call.selector)))
        }
        SumKind::Call(call) if matches!(call.function, Function::Count | Function::Sum) => Ok(()),
        SumKind::Binary(left, Plus | Minus, right) => countable(text, left).and_then(|()| countable(text, right)),
        _ => {
            let what = show(text.text.get(sum.place.0..sum.place.1).unwrap_or_default().as_bytes(), 60);
            let error = RuleError::new(format!("events can't be counted by `{what}`"), place);
            Err(error.hint("name a counter, like `requests`, or `count(x)` or `sum(x)`, or a sum of these"))
        }
    }
}

/// The share of events that may be bad, in percent: of `"99.9%"` or 0.999 a tenth.
fn budget(entry: &Entry<'_>) -> Result<f64, RuleError> {
    let expected = "a share of good events, like \"99.9%\" or 0.999";
    let percent = match entry.number() {
        Some(ratio) if (1.0..100.0).contains(&ratio) => {
            return Err(entry.wrong(expected).hint(format!("as a number it is a ratio below 1; write \"{ratio}%\"")));
        }
        Some(ratio) => ratio * 100.0,
        None => {
            let text = entry.text(expected)?;
            let number = text.text.trim().strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
            number.filter(|number| number.is_finite()).ok_or_else(|| entry.wrong(expected))?
        }
    };
    let budget = rounded(100.0 - percent);
    if percent > 0.0 && budget > 0.0 {
        return Ok(budget);
    }
    Err(entry.wrong("between 0% and 100%, neither of them").hint("an objective of 100% leaves nothing to burn; 99.9% is a usual one"))
}

fn period_of(entry: &Entry<'_>) -> Result<Span, RuleError> {
    let (least, most) = (Span::from_secs(86_400), Span::from_secs(366 * 86_400));
    let period = entry.span()?;
    if (least..=most).contains(&period) {
        return Ok(period);
    }
    Err(entry
        .error(format!("`period` must be from {least} to {most}, found {period}"))
        .hint("30d is a usual one, and 28d where weeks are alike"))
}

fn least(entry: &Entry<'_>) -> Result<f64, RuleError> {
    let whole = |number: &f64| *number >= 0.0 && *number <= 1e15 && number.fract() == 0.0;
    entry.number().filter(whole).ok_or_else(|| entry.wrong("a whole number of events, 0 or more"))
}

/// How a key is written, for a hint.
fn example(key: &str) -> String {
    let text = match key {
        "objective" => "objective = \"99.9%\"",
        "period" => "period = \"30d\"",
        "total" => "total = \"requests\"",
        _ => "bad = 'requests{status=~\"5..\"}'",
    };
    format!("write it like `{text}`")
}

/// A number without what the arithmetic of doubles adds behind the tenth digit.
fn rounded(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

/// A number for a person.
fn rounded4(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
