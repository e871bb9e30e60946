//! One check in many variants: its limit and its `for` varied around what is given.
//!
//! The limits come from the values that the check has seen: each leaves about half as much of the
//! time beyond it as the one before. A variant is proposed when it is quieter than what was given
//! and misses nothing that matters.

use super::ledger::Course;
use super::score::{Incident, Score, score};
use super::totals::{SHORT, Totals, Zone};
use crate::math::Sketch;
use crate::rule::check::Check;
use crate::rule::syntax::{Compare, Condition, Literal, Logic, Sum, SumKind, TestKind};
use crate::rule::units::{Quantity, round};
use crate::time::{Span, Timestamp};

/// How much of the time lies beyond each limit that is tried.
const BEYOND: [f64; 9] = [0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.0005, 0.0];

/// How many limits are tried at most.
const LIMITS: usize = 9;

/// What may be varied of one level of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Knob {
    /// The level, by its place.
    pub level: usize,
    /// The limit as it is given, in the unit it is typed in.
    pub limit: f64,
    /// The `for` as it is given.
    pub hold: Span,
    literal: Literal,
    compare: Compare,
}

/// What one variant came to.
#[derive(Debug, Clone)]
pub struct Measure {
    /// The limit, in the unit it is typed in.
    pub limit: f64,
    /// How long it must hold.
    pub hold: Span,
    /// Its alerts.
    pub totals: Totals,
    /// How well it tells what matters.
    pub score: Score,
}

impl Knob {
    /// The lengths of `for` that are tried.
    pub const HOLDS: [Span; 7] = [
        Span::ZERO,
        Span::from_secs(60),
        Span::from_secs(120),
        Span::from_secs(300),
        Span::from_secs(600),
        Span::from_secs(900),
        Span::from_secs(1800),
    ];

    /// What may be varied of a level.
    ///
    /// # Errors
    /// Why nothing can be: the level must be one comparison with one limit that was typed.
    pub fn of(check: &Check, level: usize) -> Result<Knob, String> {
        let condition = check.levels.get(level).map(|level| &level.condition).ok_or("there is no such level")?;
        let (inner, hold) = match &condition.logic {
            Logic::For(part, span) => (&**part, *span),
            whole => (whole, Span::ZERO),
        };
        let TestKind::Compare { left, compare, right } = only_test(inner)? else {
            return Err("a limit is varied where one value is compared with it, like `last(x) > 5`".into());
        };
        let (limit, sum) = if right.is_typed() { (right, left) } else { (left, right) };
        let literal = literal_of(limit).ok_or("its limit is worked out from others, and none that was typed")?;
        if sum.is_typed() {
            return Err("nothing of it is measured".into());
        }
        let compare = if std::ptr::eq(limit, right) { *compare } else { compare.turned() };
        let compare = if matches!(inner, Logic::Not(_)) { compare.opposite() } else { compare };
        if matches!(compare, Compare::Equal | Compare::NotEqual) {
            return Err(format!("`{}` has no side on which more or less is beyond it", compare.sign()));
        }
        Ok(Knob { level, limit: number(literal), hold, literal, compare })
    }

    /// The check with this level alone, its limit and `for` replaced.
    pub fn variant(&self, check: &Check, limit: f64, hold: Span) -> Check {
        let mut variant = check.clone();
        let mut level = variant.levels.swap_remove(self.level);
        let inner = match level.condition.logic {
            Logic::For(part, _) => *part,
            whole => whole,
        };
        let mut logic = inner;
        set_limit(&mut logic, with(self.literal, limit));
        let logic = if hold.is_zero() { logic } else { Logic::For(Box::new(logic), hold) };
        level.condition = Condition { logic, text: self.text(check, limit, hold) };
        variant.levels = vec![level];
        variant
    }

    /// The condition of a variant, for a person: `last(queue.depth) > 800 for 5m`.
    pub fn text(&self, check: &Check, limit: f64, hold: Span) -> String {
        let condition = &check.levels[self.level].condition;
        let mut place = None;
        find_limit(&condition.logic, &mut place);
        let text = condition.text();
        let (start, end) = place.unwrap_or((text.len(), text.len()));
        let (before, after) = (text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
        let whole = format!("{before}{}{after}", self.told(limit));
        let bare = if self.hold.is_zero() { whole.trim_end() } else { without_for(&whole) };
        if hold.is_zero() { bare.to_owned() } else { format!("{bare} for {hold}") }
    }

    /// A limit as it is typed: `90s`, `85%`, `500`.
    pub fn told(&self, limit: f64) -> String {
        match self.literal {
            Literal::Plain(_) => format!("{limit}"),
            Literal::Percent(_) => format!("{limit}%"),
            Literal::Duration(_) => Span::from_secs_f64(limit.abs()).map_or_else(
                || format!("{limit}s"),
                |span| {
                    let sign = if limit < 0.0 { "-" } else { "" };
                    format!("{sign}{span}")
                },
            ),
        }
    }

    /// The sign between value and limit.
    pub fn sign(&self) -> &'static str {
        self.compare.sign()
    }

    /// A measured value in the unit that the limit is typed in; `None` when units don't go together.
    pub fn scale(&self, unit: Option<&str>) -> Option<f64> {
        let one = Quantity::typed(with(self.literal, 1.0));
        let there = one.in_unit_of(&Quantity::measured(1.0, unit.map(str::to_owned))).ok()?;
        Some(1.0 / there).filter(|scale| scale.is_finite())
    }

    /// Whether large values are beyond the limit.
    fn is_upper(&self) -> bool {
        matches!(self.compare, Compare::Greater | Compare::GreaterOrEqual)
    }

    /// The lengths of `for` that are tried, the given one among them.
    pub fn holds(&self) -> Vec<Span> {
        let mut holds = Knob::HOLDS.to_vec();
        holds.push(self.hold);
        holds.sort();
        holds.dedup();
        holds
    }
}

/// The limits to try for values that were seen, ascending, the given one among them.
///
/// `values` are in the unit of the series, and `scale` brings them into that of the limit. Without
/// values the limits stand around the given one.
pub fn limits(knob: &Knob, values: &Sketch, scale: f64) -> Vec<f64> {
    let place = |beyond: f64| if knob.is_upper() { 1.0 - beyond } else { beyond };
    let seen = BEYOND.iter().filter_map(|beyond| values.quantile(place(*beyond))).map(|value| value * scale);
    let around = [0.5, 0.7, 0.85, 1.15, 1.3, 1.5, 2.0].map(|factor| knob.limit * factor);
    let mut limits: Vec<f64> = if values.is_empty() { around.to_vec() } else { seen.collect() };
    limits.iter_mut().for_each(|limit| *limit = two_digits(*limit));
    limits.sort_by(f64::total_cmp);
    limits.dedup();
    // The nearest around the given one, by rank.
    let own = limits.partition_point(|limit| *limit < knob.limit);
    if limits.get(own) != Some(&knob.limit) {
        limits.insert(own, knob.limit);
    }
    let first = own.saturating_sub(LIMITS / 2).min(limits.len().saturating_sub(LIMITS));
    limits.drain(..first);
    limits.truncate(LIMITS);
    limits
}

/// Which variant to take instead of the given one, and why; `None` when none is better.
///
/// With `known` incidents it is the one with the best balance of precision and recall. Without, it
/// is the quietest that still tells every long alert of the given one, which stands for them, and
/// most of them soon.
pub fn propose<'a>(knob: &Knob, measures: &'a [Measure], known: bool) -> Option<&'a Measure> {
    let given = measures.iter().find(|measure| measure.limit == knob.limit && measure.hold == knob.hold)?;
    if given.score.found + given.score.missed.len() == 0 {
        return None;
    }
    let far = |measure: &Measure| (measure.limit - knob.limit).abs();
    let rank = |one: &&Measure, other: &&Measure| {
        let soon = |measure: &Measure| measure.score.delay().is_some_and(|delay| delay <= SHORT);
        let told = || one.score.found.cmp(&other.score.found).then(soon(one).cmp(&soon(other)));
        let quality = if known { one.score.f1().total_cmp(&other.score.f1()) } else { told() };
        quality
            .then(other.totals.alerts.cmp(&one.totals.alerts))
            .then(other.score.delay().cmp(&one.score.delay()))
            .then(far(other).total_cmp(&far(one)))
            .then(other.hold.cmp(&one.hold))
    };
    let best = measures.iter().max_by(rank)?;
    let better = if known { best.score.f1() > given.score.f1() } else { false } || best.totals.alerts < given.totals.alerts;
    better.then_some(best)
}

/// The long alerts of a check as given: they stand for incidents, when nobody has told any.
pub fn long_alerts(courses: &[Course], least: Span, until: Timestamp) -> Vec<Incident> {
    let long = |course: &Course| {
        let tags = course.tags.clone();
        let long = course.alerts.iter().filter(move |alert| alert.length(until) >= least);
        long.map(move |alert| Incident { from: alert.begin, to: alert.end.unwrap_or(until), check: None, tags: tags.clone() })
            .collect::<Vec<_>>()
    };
    courses.iter().flat_map(long).collect()
}

impl Measure {
    /// Measures the groups of a variant.
    pub fn new(
        limit: f64,
        hold: Span,
        courses: &[Course],
        incidents: &[&Incident],
        (from, until): (Timestamp, Timestamp),
        zone: Zone,
    ) -> Measure {
        Measure { limit, hold, totals: Totals::of(courses, from, until, zone), score: score(courses, incidents) }
    }
}

/// The one test of a condition without `and` and `or`.
fn only_test(logic: &Logic) -> Result<&TestKind, String> {
    match logic {
        Logic::Test(test) => Ok(&test.kind),
        Logic::Not(part) | Logic::Times(part, _) => only_test(part),
        Logic::For(..) => Err("it has a `for` within another part".into()),
        Logic::And(_) | Logic::Or(_) => Err("it has more than one test, and which limit is meant is not clear".into()),
    }
}

fn literal_of(sum: &Sum) -> Option<Literal> {
    match &sum.kind {
        SumKind::Literal(literal) => Some(*literal),
        SumKind::Negative(inner) => literal_of(inner).map(|literal| with(literal, -number(literal))),
        _ => None,
    }
}

fn number(literal: Literal) -> f64 {
    match literal {
        Literal::Plain(number) | Literal::Percent(number) | Literal::Duration(number) => number,
    }
}

fn with(literal: Literal, number: f64) -> Literal {
    match literal {
        Literal::Plain(_) => Literal::Plain(number),
        Literal::Percent(_) => Literal::Percent(number),
        Literal::Duration(_) => Literal::Duration(number),
    }
}

fn set_limit(logic: &mut Logic, to: Literal) {
    match logic {
        Logic::Not(part) | Logic::Times(part, _) | Logic::For(part, _) => set_limit(part, to),
        Logic::And(_) | Logic::Or(_) => {}
        Logic::Test(test) => {
            if let TestKind::Compare { left, right, .. } = &mut test.kind {
                let limit = if right.is_typed() { right } else { left };
                limit.kind = SumKind::Literal(to);
            }
        }
    }
}

fn find_limit(logic: &Logic, place: &mut Option<(usize, usize)>) {
    match logic {
        Logic::Not(part) | Logic::Times(part, _) | Logic::For(part, _) => find_limit(part, place),
        Logic::And(_) | Logic::Or(_) => {}
        Logic::Test(test) => {
            if let TestKind::Compare { left, right, .. } = &test.kind {
                *place = Some(if right.is_typed() { right.place } else { left.place });
            }
        }
    }
}

/// A condition's text without the `for` at its end.
fn without_for(text: &str) -> &str {
    text.rfind(" for ").map_or(text, |at| text[..at].trim_end())
}

/// A number rounded to three digits that matter where it is large, two where that is enough.
fn two_digits(value: f64) -> f64 {
    round(value).parse::<f64>().ok().map_or(value, |value| {
        if value == 0.0 {
            return 0.0;
        }
        let unit = 10f64.powi(value.abs().log10().floor() as i32 - 2);
        let rounded = (value / unit).round() * unit;
        // The division by a power of ten leaves dust behind the digits that matter.
        format!("{rounded:.6e}").parse().unwrap_or(rounded)
    })
}
