//! A condition at an instant: true, false or unknown, with a trace of every test.

use super::aggregate::{self, Refusal};
use super::data::{Data, Kept, Source};
use super::error::RuleError;
use super::instants::instants;
use super::syntax::{Arithmetic, Call, Compare, Function, Literal, Logic, Selector, Sum, SumKind, Test, TestKind};
use super::units::{Origin, Quantity};
use crate::record::{SampleType, Tags};
use crate::time::{Span, Timestamp};

/// How many samples all instants of one `for` may look at together, and what that may come to in
/// instants at least and at most.
const WORK: usize = 20_000_000;
const LEAST_INSTANTS: usize = 60;
const MOST_INSTANTS: usize = 5_000;

/// A truth of three values, after Kleene: unknown is what may be either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Unknown,
}

impl Truth {
    pub(super) fn of(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }

    pub(super) fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    pub(super) fn or(self, other: Truth) -> Truth {
        self.not().and(other.not()).not()
    }

    pub(super) fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

/// One function of one metric, as it was found.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) call: Call,
    pub(super) quantity: Option<Quantity>,
    /// How many observations it rests on, by weight.
    pub(super) samples: f64,
    pub(super) series: usize,
    pub(super) oldest: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
    /// When the newest sample was, be it in the window or before.
    pub(super) last_seen: Option<Timestamp>,
    /// Whether samples stand for more than one observation.
    pub(super) sampled: bool,
    /// The relative error of a quantile from sketches.
    pub(super) error: Option<f64>,
}

/// One test, as it was found.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) test: Test,
    pub(super) truth: Truth,
    /// Whether an odd number of `not` stands above it.
    pub(super) negated: bool,
    pub(super) left: Option<Quantity>,
    /// The limit, in the unit of `left`.
    pub(super) limit: Option<Quantity>,
    pub(super) terms: Vec<Term>,
}

impl Seen {
    /// Whether the test, with what stands above it, speaks for the condition.
    pub(super) fn speaks_for(&self) -> Truth {
        if self.negated { self.truth.not() } else { self.truth }
    }
}

/// How long something was true, and how long it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) held: Span,
    pub(super) asked: Span,
    /// Whether there is simply no data from before.
    pub(super) short_of_data: bool,
}

/// Everything seen on the way to a truth.
#[derive(Debug, Clone, Default)]
pub(super) struct Trace {
    pub(super) seen: Vec<Seen>,
    pub(super) pending: Option<Pending>,
}

/// Which series are judged together: those whose chosen tags have these values, and all series of a
/// term of which none has the tag. Where some have it, those without it are in no group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) tags: Tags,
}

/// Evaluates conditions over data that was sealed.
pub(super) struct Evaluator<'a> {
    pub(super) data: &'a Data,
    pub(super) group: &'a Group,
    pub(super) extrapolate: bool,
}

impl Evaluator<'_> {
    /// The truth at an instant; what was seen goes to `trace`.
    ///
    /// # Errors
    /// [`RuleError`] when the question makes no sense for the data: units that don't go together,
    /// a rate of a gauge.
    pub(super) fn truth(&self, logic: &Logic, at: Timestamp, trace: &mut Trace) -> Result<Truth, RuleError> {
        self.walk(logic, at, false, trace)
    }

    fn walk(&self, logic: &Logic, at: Timestamp, negated: bool, trace: &mut Trace) -> Result<Truth, RuleError> {
        match logic {
            Logic::And(parts) => parts.iter().try_fold(Truth::True, |truth, part| Ok(truth.and(self.walk(part, at, negated, trace)?))),
            Logic::Or(parts) => parts.iter().try_fold(Truth::False, |truth, part| Ok(truth.or(self.walk(part, at, negated, trace)?))),
            Logic::Not(part) => Ok(self.walk(part, at, !negated, trace)?.not()),
            Logic::For(part, span) => self.held(part, *span, at, negated, trace),
            Logic::Times(part, _) => self.walk(part, at, negated, trace),
            Logic::Test(test) => {
                let mut seen = self.test(test, at)?;
                seen.negated = negated;
                let truth = seen.truth;
                trace.seen.push(seen);
                Ok(truth)
            }
        }
    }

    /// Whether something was true at every instant of the `span` up to now.
    fn held(&self, part: &Logic, span: Span, at: Timestamp, negated: bool, trace: &mut Trace) -> Result<Truth, RuleError> {
        let now = self.walk(part, at, negated, trace)?;
        if now != Truth::True {
            return Ok(now);
        }
        // The instant `at - span` itself is the border: the ten minutes begin behind it.
        let border = at.minus(span);
        let begin = self.begin(part);
        let (mut truth, mut since) = (Truth::True, at);
        // A `for` within looks at many instants for each of these.
        let most = if part.holds() > 0 { LEAST_INSTANTS } else { self.most_instants() };
        let instants = instants(self, part, (border, at), most);
        for then in instants.into_iter().rev().skip(1) {
            if begin.is_none_or(|begin| then < begin) {
                break;
            }
            let before = self.walk(part, then, negated, &mut Trace::default())?;
            if before == Truth::False {
                trace.pending = Some(Pending { held: at.since(since), asked: span, short_of_data: false });
                return Ok(Truth::False);
            }
            truth = truth.and(before);
            since = then;
        }
        if begin.is_none_or(|begin| border < begin) {
            trace.pending = Some(Pending { held: begin.map_or(Span::ZERO, |begin| at.since(begin)), asked: span, short_of_data: true });
            return Ok(Truth::False);
        }
        Ok(truth)
    }

    /// How many instants a `for` may look at: fewer where each of them costs more.
    pub(super) fn most_instants(&self) -> usize {
        let samples: usize = self.data.all().iter().map(|kept| kept.points.len() + kept.windows.len()).sum();
        (WORK / (samples + 1)).clamp(LEAST_INSTANTS, MOST_INSTANTS)
    }

    /// From when on there is data for every term.
    pub(super) fn begin(&self, logic: &Logic) -> Option<Timestamp> {
        let mut begin = None;
        each_selector(logic, &mut |selector| {
            let oldest = self.selected(selector).filter_map(Kept::oldest).min();
            begin = match (begin, oldest) {
                (Some(a), Some(b)) => Some(std::cmp::Ord::max(a, b)),
                (a, b) => a.or(b),
            };
        });
        begin
    }

    pub(super) fn selected(&self, selector: &Selector) -> impl Iterator<Item = &Kept> {
        let metrics = self.data.select(selector).any(|kept| kept.source != Source::Occurrences);
        let asked = move |kept: &&Kept| (kept.source == Source::Occurrences) != metrics;
        // A tag that no series of the term has keeps none of them out of a group.
        let known = self.group.tags.iter().map(|(tag, _)| tag.to_owned());
        let known: Vec<String> =
            known.filter(|tag| self.data.select(selector).filter(asked).any(|kept| kept.series.tags.get(tag).is_some())).collect();
        self.data
            .select(selector)
            .filter(asked)
            .filter(move |kept| known.iter().all(|tag| kept.series.tags.get(tag) == self.group.tags.get(tag)))
    }

    /// The series of a call; events and beats have no values, and are only counted and aged.
    fn selected_for(&self, call: &Call) -> impl Iterator<Item = &Kept> {
        let counts = matches!(call.function, Function::Age | Function::Count);
        self.selected(&call.selector).filter(move |kept| counts || kept.source != Source::Occurrences)
    }

    fn test(&self, test: &Test, at: Timestamp) -> Result<Seen, RuleError> {
        let test = &turned(test);
        let mut seen = Seen { test: test.clone(), truth: Truth::Unknown, negated: false, left: None, limit: None, terms: Vec::new() };
        match &test.kind {
            TestKind::Compare { left, compare, right } => {
                let left_side = self.sum(left, at, &mut seen.terms)?;
                let right_side = self.sum(right, at, &mut seen.terms)?;
                if let (Some(mut a), Some(mut b)) = (left_side.clone(), right_side) {
                    // A number that was typed takes the other's unit.
                    if a.origin == Origin::Measured || b.origin != Origin::Measured {
                        b.value = b.in_unit_of(&a).map_err(|why| RuleError::new(why, test.place).hint(unit_hint(&a, &b)))?;
                    } else {
                        a.value = a.in_unit_of(&b).map_err(|why| RuleError::new(why, test.place).hint(unit_hint(&b, &a)))?;
                    }
                    seen.truth = Truth::of(compare.holds(a.value, b.value));
                    seen.limit = Some(Quantity { unit: a.unit.clone().or(b.unit.clone()), origin: a.origin, value: b.value });
                }
                seen.left = left_side;
            }
            TestKind::In { value, low, high, not } => {
                seen.left = self.sum(value, at, &mut seen.terms)?;
                if let Some(left) = &seen.left {
                    let end = |literal: Literal| {
                        let typed = Quantity::typed(literal);
                        typed.in_unit_of(left).map_err(|why| RuleError::new(why, test.place).hint(unit_hint(left, &typed)))
                    };
                    let inside = end(*low)? <= left.value && left.value <= end(*high)?;
                    seen.truth = Truth::of(inside != *not);
                }
            }
            TestKind::Absent { selector, window } => self.absent(selector, *window, at, &mut seen),
        }
        Ok(seen)
    }

    /// Absence is the one thing that no data tells of: never seen is absent too.
    fn absent(&self, selector: &Selector, window: Option<Span>, at: Timestamp, seen: &mut Seen) {
        let call = Call {
            function: Function::Age,
            selector: selector.clone(),
            window: None,
            ago: None,
            ahead: None,
            bare: false,
            place: selector.place,
        };
        let term = self.age(&call, at);
        seen.truth = match (&term.last_seen, window) {
            (None, _) => Truth::True,
            (Some(_), None) => Truth::False,
            (Some(last), Some(window)) => Truth::of(at.since(*last) >= window),
        };
        seen.left.clone_from(&term.quantity);
        seen.limit = window.map(|window| Quantity { value: window.secs_f64(), unit: Some("s".into()), origin: Origin::Duration });
        seen.terms.push(term);
    }

    fn sum(&self, sum: &Sum, at: Timestamp, terms: &mut Vec<Term>) -> Result<Option<Quantity>, RuleError> {
        match &sum.kind {
            SumKind::Literal(literal) => Ok(Some(Quantity::typed(*literal))),
            SumKind::Negative(inner) => Ok(self.sum(inner, at, terms)?.map(|quantity| Quantity { value: -quantity.value, ..quantity })),
            SumKind::Call(call) => {
                let term = self.call(call, at)?;
                let quantity = term.quantity.clone();
                terms.push(term);
                Ok(quantity)
            }
            SumKind::Binary(left, sign, right) => {
                let (left, right) = (self.sum(left, at, terms)?, self.sum(right, at, terms)?);
                let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
                let result = arithmetic(left, *sign, right).map_err(|why| RuleError::new(why, sum.place))?;
                // What is divided by zero is not known.
                Ok(Some(result).filter(|result| result.value.is_finite()))
            }
        }
    }

    fn call(&self, call: &Call, at: Timestamp) -> Result<Term, RuleError> {
        if matches!(call.function, Function::Forecast | Function::Reference) {
            let what = format!("the function `{}`", call.function.name());
            return Err(super::literal::not_yet(&what, call.place, "compare with the past by `ago`, like `mean(x, 1h, 7d ago)`"));
        }
        let end = at.minus(call.ago.unwrap_or(Span::ZERO));
        if call.function == Function::Age {
            return Ok(self.age(call, end));
        }
        let start = call.window.map_or(Timestamp::MIN, |window| end.minus(window));
        let refused = |refusal: Refusal| RuleError::new(refusal.message, call.place).hint(refusal.hint);
        let mut term = self.frame(call, start, end)?;
        let (mut unit, mut families) = (None::<Option<String>>, Vec::new());
        let kept: Vec<&Kept> = self.selected_for(call).collect();
        if kept.is_empty() && self.selected(&call.selector).next().is_some() {
            let message = format!("`{}` is an event or a beat, which has no value", call.selector);
            let hint = format!("ask for its age or its count, like `age({0}) > 1h` or `count({0}, 1h) > 0`", call.selector);
            return Err(RuleError::new(message, call.place).hint(hint));
        }
        for series in &kept {
            let own = series.series.unit.clone();
            if unit.get_or_insert_with(|| own.clone()) != &own {
                families.push(own);
            }
        }
        if let Some(other) = families.first()
            && !matches!(call.function, Function::Count | Function::Distinct)
        {
            let name = |unit: &Option<String>| unit.as_deref().map_or("none".to_owned(), |unit| format!("`{unit}`"));
            let message = format!("the series of `{}` have different units: {} and {}", call.selector, name(&unit.flatten()), name(other));
            return Err(RuleError::new(message, call.place).hint("choose those of one unit by their tags, or keep them apart by --by"));
        }
        let samples = kept.iter().any(|kept| kept.source != Source::Windows && !kept.within(start, end).is_empty());
        let result = if samples || kept.iter().all(|kept| kept.source != Source::Windows) {
            self.over_samples(call, &kept, start, end).map_err(refused)?.into()
        } else {
            let windows: Vec<_> = kept.iter().flat_map(|kept| aggregate::apart(kept.windows_within(start, end))).collect();
            aggregate::of_windows(call.function, &windows, call.window).map_err(refused)?
        };
        term.error = result.error;
        term.quantity = result.value.map(|value| Quantity::measured(value, result_unit(call.function, unit.flatten())));
        // No data is not zero, not even for a count; a window that counted none is data.
        if term.series == 0 {
            term.quantity = None;
        }
        Ok(term)
    }

    fn over_samples(&self, call: &Call, kept: &[&Kept], start: Timestamp, end: Timestamp) -> Result<Option<f64>, Refusal> {
        if matches!(call.function, Function::Rate | Function::Increase | Function::Delta) {
            return self.increase(call, kept, start, end);
        }
        let points = kept.iter().flat_map(|kept| kept.within(start, end));
        if call.function == Function::Last && call.window.is_none() {
            let before = kept.iter().filter_map(|kept| kept.before.as_ref()).filter(|point| point.ts <= end);
            return Ok(aggregate::of_points(call.function, points.chain(before)));
        }
        Ok(aggregate::of_points(call.function, points))
    }

    /// The sum of the series' increases; a rate is that over the window.
    fn increase(&self, call: &Call, kept: &[&Kept], start: Timestamp, end: Timestamp) -> Result<Option<f64>, Refusal> {
        let mut sum = None;
        for series in kept {
            let points = series.within(start, end);
            let increase = match series.series.kind {
                SampleType::Counter => aggregate::increase(points, start, end, self.extrapolate),
                SampleType::Delta => (!points.is_empty()).then(|| points.iter().map(|point| point.value * point.weight).sum()),
                SampleType::Gauge if call.function == Function::Delta => aggregate::change(points, start, end, self.extrapolate),
                SampleType::Gauge | SampleType::Set => {
                    let name = call.function.name();
                    let message = format!("`{}` is a gauge, and `{name}` is of counters and increments", call.selector);
                    let hint = format!("use `count({})` for how many samples came, or `delta` for how it changed", arguments(call));
                    return Err(Refusal { message, hint });
                }
            };
            if let Some(increase) = increase {
                sum = Some(sum.unwrap_or(0.0) + increase);
            }
        }
        let seconds = call.window.map_or(1.0, Span::secs_f64);
        Ok(sum.map(|sum| if call.function == Function::Rate { sum / seconds } else { sum }))
    }

    /// What a term rests on, without its value.
    fn frame(&self, call: &Call, start: Timestamp, end: Timestamp) -> Result<Term, RuleError> {
        let mut term = Term {
            call: call.clone(),
            quantity: None,
            samples: 0.0,
            series: 0,
            oldest: None,
            newest: None,
            last_seen: None,
            sampled: false,
            error: None,
        };
        for kept in self.selected_for(call) {
            let (points, windows) = (kept.within(start, end), aggregate::apart(kept.windows_within(start, end)));
            term.samples += points.iter().map(|point| point.weight).sum::<f64>();
            term.samples += windows.iter().map(|window| window.stats.count.unwrap_or(1.0)).sum::<f64>();
            term.sampled |= points.iter().any(|point| point.weight != 1.0);
            term.series += usize::from(!points.is_empty() || !windows.is_empty());
            let firsts = [points.first().map(|point| point.ts), windows.last().map(|window| window.end)];
            let lasts = [points.last().map(|point| point.ts), windows.first().map(|window| window.end)];
            term.oldest = term.oldest.into_iter().chain(firsts.into_iter().flatten()).min();
            term.newest = term.newest.into_iter().chain(lasts.into_iter().flatten()).max();
            term.last_seen = term.last_seen.max(kept.newest(end));
        }
        if call.function == Function::Last && call.window.is_none() && term.newest.is_none() && term.last_seen.is_some() {
            (term.samples, term.series, term.oldest, term.newest) = (1.0, 1, term.last_seen, term.last_seen);
        }
        Ok(term)
    }

    /// The time since the newest sample; it grows while nothing arrives.
    fn age(&self, call: &Call, at: Timestamp) -> Term {
        let kept: Vec<&Kept> = self.selected(&call.selector).collect();
        let last_seen = kept.iter().filter_map(|kept| kept.newest(at)).max();
        Term {
            call: call.clone(),
            quantity: last_seen.map(|last| Quantity::measured(at.since(last).secs_f64(), Some("s".into()))),
            samples: kept
                .iter()
                .map(|kept| {
                    kept.within(Timestamp::MIN, at).len()
                        + kept.windows_within(Timestamp::MIN, at).len()
                        + usize::from(kept.before.is_some())
                })
                .sum::<usize>() as f64,
            series: kept.len(),
            oldest: kept.iter().filter_map(|kept| kept.oldest()).min(),
            newest: last_seen,
            last_seen,
            sampled: false,
            error: None,
        }
    }
}

/// A test with what is measured on the left: `5 < x` is told as `x > 5`.
fn turned(test: &Test) -> Test {
    match &test.kind {
        TestKind::Compare { left, compare, right } if is_typed(left) && !is_typed(right) => {
            Test { kind: TestKind::Compare { left: right.clone(), compare: compare.turned(), right: left.clone() }, ..test.clone() }
        }
        _ => test.clone(),
    }
}

/// Whether nothing of a sum is measured.
fn is_typed(sum: &Sum) -> bool {
    match &sum.kind {
        SumKind::Literal(_) => true,
        SumKind::Call(_) => false,
        SumKind::Negative(inner) => is_typed(inner),
        SumKind::Binary(left, _, right) => is_typed(left) && is_typed(right),
    }
}

/// Calls back for every selector of a condition.
pub(super) fn each_selector(logic: &Logic, each: &mut dyn FnMut(&Selector)) {
    fn sum(part: &Sum, each: &mut dyn FnMut(&Selector)) {
        match &part.kind {
            SumKind::Literal(_) => {}
            SumKind::Call(call) => each(&call.selector),
            SumKind::Negative(inner) => sum(inner, each),
            SumKind::Binary(left, _, right) => {
                sum(left, each);
                sum(right, each);
            }
        }
    }
    match logic {
        Logic::And(parts) | Logic::Or(parts) => parts.iter().for_each(|part| each_selector(part, each)),
        Logic::Not(part) | Logic::For(part, _) | Logic::Times(part, _) => each_selector(part, each),
        Logic::Test(test) => match &test.kind {
            TestKind::Compare { left, right, .. } => {
                sum(left, each);
                sum(right, each);
            }
            TestKind::In { value, .. } => sum(value, each),
            TestKind::Absent { selector, .. } => each(selector),
        },
    }
}

fn arguments(call: &Call) -> String {
    call.window.map_or_else(|| call.selector.to_string(), |window| format!("{}, {window}", call.selector))
}

/// The unit of a function's result.
fn result_unit(function: Function, unit: Option<String>) -> Option<String> {
    match function {
        Function::Count | Function::Distinct => None,
        Function::Rate => Some(unit.filter(|unit| unit != "1").map_or_else(|| "1/s".to_owned(), |unit| format!("{unit}/s"))),
        _ => unit,
    }
}

fn unit_hint(measured: &Quantity, typed: &Quantity) -> String {
    match (&measured.unit, typed.origin) {
        (None, Origin::Duration) => "the metric has no unit: emit it with `--unit s`, or compare it with a bare number".into(),
        (Some(unit), Origin::Duration) => format!("the metric's unit is `{unit}`: compare it with a bare number of these"),
        (Some(unit), Origin::Percent) => format!("the metric's unit is `{unit}`, which is no share: compare it with a bare number"),
        _ => "compare what has the same unit".into(),
    }
}

/// The unit of a quantity, unless it is only an annotation: `{builds}` is a bare number in UCUM.
fn dimension(quantity: &Quantity) -> Option<&str> {
    quantity.unit.as_deref().filter(|unit| !unit.starts_with('{') || !unit.ends_with('}'))
}

fn arithmetic(left: Quantity, sign: Arithmetic, right: Quantity) -> Result<Quantity, String> {
    let plain = |quantity: &Quantity| quantity.origin == Origin::Plain || quantity.origin == Origin::Percent;
    let number = |quantity: &Quantity| if quantity.origin == Origin::Percent { quantity.value / 100.0 } else { quantity.value };
    let origin = if plain(&left) && plain(&right) { Origin::Plain } else { Origin::Measured };
    match sign {
        Arithmetic::Plus | Arithmetic::Minus => {
            // The measured side tells the unit.
            let of_right = left.origin != Origin::Measured && right.origin == Origin::Measured;
            let (a, b, unit) = if of_right {
                (left.in_unit_of(&right)?, right.value, right.unit.clone())
            } else {
                (left.value, right.in_unit_of(&left)?, left.unit.clone())
            };
            let value = if sign == Arithmetic::Plus { a + b } else { a - b };
            let origin = if left.origin == right.origin { left.origin } else { origin };
            Ok(Quantity { value, unit, origin })
        }
        Arithmetic::Times => {
            let unit = match (dimension(&left), dimension(&right)) {
                (Some(a), Some(b)) => Some(format!("{a}.{b}")),
                (a, b) => a.or(b).map(str::to_owned),
            };
            Ok(Quantity { value: number(&left) * number(&right), unit, origin })
        }
        Arithmetic::Over => {
            if let (true, Ok(divisor)) = (!plain(&right) && !plain(&left), right.in_unit_of(&left)) {
                return Ok(Quantity { value: left.value / divisor, unit: None, origin });
            }
            let unit = match (dimension(&left), dimension(&right)) {
                (Some(a), Some(b)) => Some(format!("{a}/{b}")),
                (None, Some(b)) => Some(format!("1/{b}")),
                (a, None) => a.map(str::to_owned),
            };
            Ok(Quantity { value: number(&left) / number(&right), unit, origin })
        }
    }
}

/// The comparison that a test comes to, as seen from above its `not`s.
pub(super) fn comparison(seen: &Seen) -> Option<Compare> {
    match &seen.test.kind {
        TestKind::Compare { compare, .. } => Some(if seen.negated { compare.opposite() } else { *compare }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{False, True, Unknown};

    #[test]
    fn the_truth_tables_are_those_of_kleene() {
        let and = [
            (True, True, True),
            (True, False, False),
            (True, Unknown, Unknown),
            (False, False, False),
            (False, Unknown, False),
            (Unknown, Unknown, Unknown),
        ];
        let or = [
            (True, True, True),
            (True, False, True),
            (True, Unknown, True),
            (False, False, False),
            (False, Unknown, Unknown),
            (Unknown, Unknown, Unknown),
        ];
        for (a, b, result) in and {
            assert_eq!((a.and(b), b.and(a)), (result, result), "{a:?} and {b:?}");
        }
        for (a, b, result) in or {
            assert_eq!((a.or(b), b.or(a)), (result, result), "{a:?} or {b:?}");
        }
        assert_eq!((True.not(), False.not(), Unknown.not()), (False, True, Unknown));
    }
}
