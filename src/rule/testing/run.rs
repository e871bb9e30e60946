//! One test run: records and evaluations in the order of time, and what differs from what was expected.

use std::collections::BTreeSet;

use super::difference::{details, fires, groups, told};
use super::expect::includes;
use super::{Case, Coverage, Difference, Expectation, What, When};
use crate::record::{Beat, Event, Tags, nearest, show};
use crate::rule::{Check, Engine, Judgement, Outcome, Senseless};
use crate::time::{Span, Timestamp};

/// The most evaluations of checks that one test may take, groups not counted.
pub const MOST_EVALUATIONS: i64 = 20_000_000;

/// Runs checks over what a test gives; what differs from what it expects, in the order of time.
///
/// `coverage` is that of the same checks; what was seen is added to it.
///
/// # Errors
/// Why the test can't be run: a check that there is not, too many samples, series or evaluations.
pub fn run(checks: &[Check], case: &Case, coverage: &mut Coverage) -> Result<Vec<Difference>, String> {
    let end = case.end();
    for expectation in &case.expectations {
        if !checks.iter().any(|check| check.name == expectation.check) {
            return Err(unknown(&expectation.check, checks));
        }
        if let (What::Firing(_), When::Within(..)) = (&expectation.what, expectation.when) {
            return Err("which groups fire is expected at an instant, not within a stretch of time".into());
        }
    }
    let length = end.since(case.start).nanos();
    let evaluations: i64 = checks.iter().map(|check| length / check.every.nanos().max(1)).fold(0, i64::saturating_add);
    if evaluations > MOST_EVALUATIONS {
        let length = end.since(case.start).human();
        return Err(format!(
            "the test is {length} long and takes {evaluations} evaluations, more than {MOST_EVALUATIONS}: make it shorter, or give the checks a longer `every`"
        ));
    }
    coverage.begin();
    Run::new(checks, case, coverage).finish(end)
}

/// The message that there is no such check.
pub(super) fn unknown(name: &str, checks: &[Check]) -> String {
    let shown = show(name.as_bytes(), 80);
    match nearest(name, checks.iter().map(|check| check.name.as_str())) {
        Some(near) => format!("there is no check `{shown}`; did you mean `{near}`?"),
        None => format!("there is no check `{shown}`"),
    }
}

struct Run<'a> {
    checks: &'a [Check],
    case: &'a Case,
    engine: Engine,
    watch: Watch<'a>,
}

/// What looks at every evaluation.
struct Watch<'a> {
    checks: &'a [Check],
    case: &'a Case,
    coverage: &'a mut Coverage,
    /// Of each check, the expectations that speak of a stretch of time.
    within: Vec<Vec<usize>>,
    /// Of those, the groups that were as expected.
    met: BTreeSet<usize>,
    /// And of which a difference was told already, as one of many is enough.
    missed: BTreeSet<(usize, Tags)>,
    differences: Vec<Difference>,
}

/// What comes at an instant.
enum Coming<'a> {
    Sample(usize, f64),
    Event(&'a Event),
    Beat(&'a Beat),
    Ask(usize),
}

impl<'a> Run<'a> {
    fn new(checks: &'a [Check], case: &'a Case, coverage: &'a mut Coverage) -> Run<'a> {
        let mut within = vec![Vec::new(); checks.len()];
        for (at, expectation) in case.expectations.iter().enumerate() {
            if let (When::Within(..), Some(check)) = (expectation.when, checks.iter().position(|check| check.name == expectation.check)) {
                within[check].push(at);
            }
        }
        let (met, missed) = (BTreeSet::new(), BTreeSet::new());
        let watch = Watch { checks, case, coverage, within, met, missed, differences: Vec::new() };
        Run { checks, case, engine: Engine::new(checks.to_vec()), watch }
    }

    /// Everything that comes, by time; what is asked comes last at its instant.
    fn coming(&self) -> Vec<(Timestamp, Coming<'a>)> {
        let case = self.case;
        let samples =
            case.lines.iter().enumerate().flat_map(|(line, of)| of.samples().map(move |(ts, value)| (ts, Coming::Sample(line, value))));
        let events = case.events.iter().map(|event| (event.ts, Coming::Event(event)));
        let beats = case.beats.iter().map(|beat| (beat.ts, Coming::Beat(beat)));
        let asked = case.expectations.iter().enumerate().filter_map(|(at, expectation)| match expectation.when {
            When::At(instant) => Some((instant, Coming::Ask(at))),
            When::Within(..) => None,
        });
        let mut coming: Vec<_> = samples.chain(events).chain(beats).chain(asked).collect();
        coming.sort_by_key(|(ts, _)| *ts);
        coming
    }

    fn finish(mut self, end: Timestamp) -> Result<Vec<Difference>, String> {
        let mut slots: Vec<Option<Option<usize>>> = vec![None; self.case.lines.len()];
        for (ts, coming) in self.coming() {
            match coming {
                Coming::Sample(line, value) => {
                    self.evaluate(ts);
                    let slot = match slots[line] {
                        Some(slot) => slot,
                        None => *slots[line].insert(self.engine.slot(&self.case.lines[line].series)?),
                    };
                    if let Some(slot) = slot {
                        self.engine.add(slot, ts, value, 1.0)?;
                    }
                }
                Coming::Event(event) => {
                    self.evaluate(ts);
                    self.engine.add_event(event)?;
                }
                Coming::Beat(beat) => {
                    self.evaluate(ts);
                    self.engine.add_beat(beat)?;
                }
                Coming::Ask(at) => {
                    self.evaluate(ts.plus(Span::from_nanos(1)));
                    if !self.ask(at, ts) {
                        return Ok(self.watch.differences);
                    }
                }
            }
        }
        self.evaluate(end.plus(Span::from_nanos(1)));
        self.watch.never_evaluated();
        self.watch.differences.sort_by_key(|difference| difference.at);
        Ok(self.watch.differences)
    }

    /// Makes the evaluations from before an instant.
    fn evaluate(&mut self, until: Timestamp) {
        let watch = &mut self.watch;
        self.engine.run(self.case.start, until, &mut |engine, outcome| watch.outcome(engine, outcome));
    }

    /// Judges what is expected at an instant; whether the test can go on.
    fn ask(&mut self, place: usize, at: Timestamp) -> bool {
        match self.engine.judge(at) {
            Ok(judgements) => {
                self.watch.judged(place, at, &judgements);
                true
            }
            Err(senseless) => {
                let difference = self.senseless(&senseless, at);
                self.watch.differences.push(difference);
                false
            }
        }
    }

    /// A condition that makes no sense for what is given: no check can be judged then.
    fn senseless(&self, senseless: &Senseless, at: Timestamp) -> Difference {
        let check = &self.checks[senseless.rule];
        let (key, condition) = match (check.levels.get(senseless.level), &check.clear) {
            (Some(level), _) => (level.status.name(), Some(&level.condition)),
            (None, clear) => ("clear", clear.as_ref()),
        };
        let name = show(check.name.as_bytes(), 80);
        let mut details: Vec<String> = condition
            .map(|condition| senseless.error.render(condition.text()))
            .iter()
            .flat_map(|text| text.lines())
            .skip(1)
            .map(str::to_owned)
            .collect();
        details.extend(senseless.error.hint.iter().map(|hint| format!("hint: {hint}")));
        let message = format!("`{key}` of {name} makes no sense for what is given: {}", senseless.error.message);
        Difference { expectation: None, at, message, details }
    }
}

impl Watch<'_> {
    fn expectation(&self, place: usize) -> &Expectation {
        &self.case.expectations[place]
    }

    /// An evaluation of one group.
    fn outcome(&mut self, engine: &mut Engine, outcome: Outcome) {
        self.coverage.note(&outcome);
        if self.within[outcome.rule].is_empty() {
            return;
        }
        let check = &self.checks[outcome.rule];
        let mut tags = engine.group(outcome.rule, outcome.group).clone();
        check.tags.iter().for_each(|(key, value)| drop(tags.set(key, value)));
        for nth in 0..self.within[outcome.rule].len() {
            let place = self.within[outcome.rule][nth];
            let expectation = self.expectation(place);
            if !expectation.when.holds(outcome.at) || !expectation.means(&tags) {
                continue;
            }
            let miss = expectation.what.miss(outcome.status);
            self.met.insert(place);
            if let Some(miss) = miss
                && self.missed.insert((place, tags.clone()))
            {
                let message = self.message(place, &tags, outcome.at, &miss);
                let judged = engine.judge_group(outcome.rule, outcome.group, outcome.at);
                let details = judged.map(|judgement| details(check, self.case, &judgement)).unwrap_or_default();
                self.differences.push(Difference { expectation: Some(place), at: outcome.at, message, details });
            }
        }
    }

    /// What was expected within a stretch of time in which there was no evaluation of such a group.
    fn never_evaluated(&mut self) {
        for place in self.within.clone().into_iter().flatten().filter(|place| !self.met.contains(place)) {
            let expectation = self.expectation(place);
            let When::Within(from, to) = expectation.when else { continue };
            let until = to.map_or(String::new(), |to| format!(" to {}", told(self.case, to)));
            let message = format!(
                "{}{}: was not evaluated from {}{until}",
                show(expectation.check.as_bytes(), 80),
                expectation.tags,
                told(self.case, from),
            );
            self.differences.push(Difference { expectation: Some(place), at: from, message, details: Vec::new() });
        }
    }

    /// Holds the verdicts of an instant against an expectation.
    fn judged(&mut self, place: usize, at: Timestamp, judgements: &[Judgement]) {
        let expectation = self.expectation(place);
        let Some(check) = self.checks.iter().find(|check| check.name == expectation.check) else { return };
        let of_check: Vec<&Judgement> = judgements.iter().filter(|judgement| judgement.verdict.check == expectation.check).collect();
        let meant: Vec<&Judgement> = of_check.iter().copied().filter(|judgement| expectation.means(&judgement.verdict.tags)).collect();
        let mut differences = Vec::new();
        let mut differs = |tags: &Tags, miss: &str, details: Vec<String>| {
            let message = self.message(place, tags, at, miss);
            differences.push(Difference { expectation: Some(place), at, message, details });
        };
        if let What::Firing(expected) = &expectation.what {
            let firing: Vec<&Judgement> = meant.iter().copied().filter(|judgement| fires(judgement.verdict.status)).collect();
            let named = |tags: &Tags| expected.iter().any(|named| includes(tags, named));
            let missing = expected.iter().any(|named| !firing.iter().any(|judgement| includes(&judgement.verdict.tags, named)));
            if missing || firing.iter().any(|judgement| !named(&judgement.verdict.tags)) {
                let found = groups(firing.iter().map(|judgement| &judgement.verdict.tags));
                let wrong = meant.iter().filter(|judgement| fires(judgement.verdict.status) != named(&judgement.verdict.tags));
                let lines = wrong.flat_map(|judgement| details(check, self.case, judgement)).collect();
                differs(&expectation.tags, &format!("expected firing {}, found {found}", groups(expected.iter())), lines);
            }
        } else if meant.is_empty() {
            let miss = format!("there is no such group, but {}", groups(of_check.iter().map(|judgement| &judgement.verdict.tags)));
            differs(&expectation.tags, &miss, Vec::new());
        } else {
            for judgement in meant {
                let misses = expectation.what.misses(judgement, |at| told(self.case, at));
                if !misses.is_empty() {
                    differs(&judgement.verdict.tags, &misses.join("; "), details(check, self.case, judgement));
                }
            }
        }
        self.differences.extend(differences);
    }

    fn message(&self, place: usize, tags: &Tags, at: Timestamp, miss: &str) -> String {
        let name = show(self.expectation(place).check.as_bytes(), 80);
        format!("{name}{tags} at {}: {miss}", told(self.case, at))
    }
}
