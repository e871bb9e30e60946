//! The engine: checks over a stream of records, evaluated at the multiples of a step.
//!
//! ```text
//! records ─▶ Data: buffers of samples ─▶ Meter: one call, one set of series ─▶ values
//!                                         shared by all checks that ask the same │
//! Judgement ◀─ Hold: status, since when ◀─ Program: truths of one group ◀────────┘
//! ```
//!
//! Always: what an engine says at an instant follows from the records up to then and the
//! evaluations before, whether it is asked once at the end, goes on from a saved state, or follows
//! a stream. Evaluations stand at the multiples of each check's step since 1970; the instant that is
//! asked for may be any, and leaves no trace.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::buffer::{Point, Source};
use super::check::{Check, Judgement};
use super::data::Data;
use super::error::RuleError;
use super::explain::Explanation;
use super::group::{Links, Rule};
use super::hold::{Because, Hold, Raw};
use super::judgement::Case;
use super::meter::Meter;
use super::reference::History;
use super::syntax::Function;
use super::want::{Wants, each_call};
use crate::record::{Beat, Event, Series, Status, Tags, Window};
use crate::time::{Span, Timestamp};

/// How far behind the instant it is looked at when something began, beyond what conditions ask.
const LOOK_BACK: Span = Span::from_secs(3600);

/// How far behind the instant evaluations begin for a check that remembers without end: what clears
/// by a condition of its own, is kept firing, or was never seen before.
const MEMORY: Span = Span::from_secs(24 * 3600);

/// How many evaluations a look at the hour before may cost.
const WORK: i64 = 400_000;

/// Checks over a stream of records.
pub struct Engine {
    rules: Vec<Rule>,
    /// The rules in such an order that those needed come first.
    order: Vec<usize>,
    data: Data,
    /// What references ask for, and the history that they are of.
    references: Wants,
    reference: Option<History>,
    /// Which buffers each selector takes.
    takers: Vec<Vec<usize>>,
    meters: Vec<Meter>,
    index: HashMap<(usize, Tags), usize>,
    /// How often evaluations were made.
    round: u64,
    /// The last evaluation.
    at: Option<Timestamp>,
}

/// What is remembered of a group, and by which rule.
#[derive(Serialize, Deserialize)]
struct Remembered<'a> {
    rule: String,
    hold: std::borrow::Cow<'a, Hold>,
}

/// What an evaluation came to for one group of one check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Which check.
    pub rule: usize,
    /// Which of its groups.
    pub group: usize,
    /// The instant.
    pub at: Timestamp,
    /// The status.
    pub status: Status,
    /// The status at the evaluation before; `None` at the first.
    pub before: Option<Status>,
    /// The value on the left of the first comparison.
    pub value: Option<f64>,
    /// The level that the status is of; none when it is ok, or has another cause, as missing data.
    pub level: Option<usize>,
}

/// A mistake that only the data shows: in which check and which of its levels.
#[derive(Debug, Clone, PartialEq)]
pub struct Senseless {
    /// Which check.
    pub rule: usize,
    /// Which of its levels; past the last: its clear condition, its summary.
    pub level: usize,
    /// What makes no sense.
    pub error: RuleError,
}

impl Engine {
    /// An engine for checks, without data.
    pub fn new(checks: Vec<Check>) -> Engine {
        let (mut wants, mut references) = (Wants::default(), Wants::default());
        let mut known = Vec::new();
        let order = super::file::order(&checks);
        let rules: Vec<Rule> = checks.into_iter().map(|check| Rule::new(check, (&mut wants, &mut references), &mut known)).collect();
        let takers = vec![Vec::new(); wants.0.len()];
        let data = Data::new(wants);
        let (meters, index) = (Vec::new(), HashMap::new());
        Engine { rules, order, data, references, reference: None, takers, meters, index, round: 0, at: None }
    }

    /// The first condition that asks for a reference, as the mistake that it is where there is none.
    pub fn asks_reference(&self) -> Option<Senseless> {
        self.rules.iter().enumerate().find_map(|(rule, of)| {
            let conditions = of.check.levels.iter().map(|level| &level.condition).chain(of.check.clear.as_ref());
            let mut found = None;
            for (level, condition) in conditions.enumerate() {
                each_call(&condition.logic, &mut |call| {
                    if call.function == Function::Reference && found.is_none() {
                        found = Some((level, call.place));
                    }
                });
            }
            let (level, place) = found?;
            let error = RuleError::new("`reference` reads a history that was not named", place);
            Some(Senseless { rule, level, error: error.hint("name it by --reference FILE, a file or a history folder") })
        })
    }

    /// An engine without checks, which takes what the references of this one ask for.
    pub fn reader(&self) -> Engine {
        let mut reader = Engine::new(Vec::new());
        reader.data = Data::new(super::reference::wants(&self.references));
        reader.resume(Timestamp::MIN);
        reader
    }

    /// Takes what a reader has read as the history of all references; before anything is judged.
    pub fn refer(&mut self, reader: Engine) {
        self.reference = Some(History::new(reader.data));
    }

    /// The checks.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.rules.iter().map(|rule| &rule.check)
    }

    /// The check of an outcome.
    pub fn check(&self, rule: usize) -> &Check {
        &self.rules[rule].check
    }

    /// The tags of a group.
    pub fn group(&self, rule: usize, group: usize) -> &Tags {
        &self.rules[rule].groups[group].tags
    }

    /// How far before an instant evaluations must begin, so that nothing remembered is missing.
    pub fn depth(&self) -> Span {
        let depth = |rule: &Rule| if rule.remembers { rule.depth.max(MEMORY) } else { rule.depth };
        self.rules.iter().map(depth).max().unwrap_or(Span::ZERO).plus(LOOK_BACK)
    }

    /// How far before an evaluation samples matter; `None`: all do.
    pub fn reach(&self) -> Option<Span> {
        self.data.wants.furthest()
    }

    /// Says that no instant before this one will be asked for.
    pub fn begin(&mut self, from: Timestamp) {
        self.data.begin(from);
    }

    /// Says that no record is from after this instant; it may be moved on.
    pub fn advance(&mut self, horizon: Timestamp) {
        self.data.advance(horizon);
        if self.at.is_none() {
            // Nothing was evaluated yet, and all that will be lies within the depth.
            let from = self.data.horizon().minus(self.depth());
            self.data.begin(from);
            self.data.forget(from);
        }
    }

    /// Until when records are taken.
    pub fn horizon(&self) -> Timestamp {
        self.data.horizon()
    }

    /// Where the samples of a series go; `None` when nothing asks for them. Once a series.
    ///
    /// # Errors
    /// When there are more series than are kept: the words to say so.
    pub fn slot(&mut self, series: &Arc<Series>) -> Result<Option<usize>, String> {
        self.data.slot(series, Source::Samples)
    }

    /// Whether what goes to a slot is only counted, as it is left out.
    pub fn only_counts(&self, slot: usize) -> bool {
        self.data.only_counts(slot)
    }

    /// Adds a sample of a series.
    ///
    /// # Errors
    /// When more samples matter than are kept: the words to say so.
    #[inline]
    pub fn add(&mut self, slot: usize, ts: Timestamp, value: f64, weight: f64) -> Result<(), String> {
        self.data.add(slot, Point { ts, value, weight })
    }

    /// Adds a window that rollup made.
    ///
    /// # Errors
    /// As [`Engine::add`].
    pub fn add_window(&mut self, window: &Window) -> Result<(), String> {
        self.data.add_window(window)
    }

    /// Adds an event, to be counted and aged by its name, and to be told with verdicts.
    ///
    /// # Errors
    /// As [`Engine::add`].
    pub fn add_event(&mut self, event: &Event) -> Result<(), String> {
        self.data.add_event(event);
        self.add_occurrence(&event.event, event.ts, &event.tags)
    }

    /// Adds a beat, to be counted and aged by its name, and for those that need it.
    ///
    /// # Errors
    /// As [`Engine::add`].
    pub fn add_beat(&mut self, beat: &Beat) -> Result<(), String> {
        match beat.state.as_deref() {
            None | Some("ok") => self.data.add_verdict(&beat.beat, &beat.tags, beat.ts, Status::Ok),
            Some("fail") => self.data.add_verdict(&beat.beat, &beat.tags, beat.ts, Status::Critical),
            Some(_) => {}
        }
        self.add_occurrence(&beat.beat, beat.ts, &beat.tags)
    }

    fn add_occurrence(&mut self, name: &str, ts: Timestamp, tags: &Tags) -> Result<(), String> {
        let series = Series { metric: name.to_owned(), tags: tags.clone(), ..Series::default() };
        match self.data.slot(&Arc::new(series), Source::Occurrences)? {
            Some(slot) => self.add(slot, ts, 1.0, 1.0),
            None => Ok(()),
        }
    }

    /// Remembers what was concluded elsewhere, for the checks that need it.
    pub fn add_verdict(&mut self, name: &str, tags: &Tags, ts: Timestamp, status: Status) {
        self.data.add_verdict(name, tags, ts, status);
    }

    /// Remembers what a person judged a check's firing to be: real, or noise.
    pub fn add_judgement(&mut self, check: &str, tags: &Tags, ts: Timestamp, real: bool) {
        self.data.add_judgement(check, tags, ts, real);
    }

    /// How many samples are held.
    pub fn held(&self) -> usize {
        self.data.held()
    }

    /// The last evaluation; a run that goes on begins behind it.
    pub fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Says that the evaluations up to an instant have been made, and that none before it will be.
    pub fn resume(&mut self, at: Timestamp) {
        self.at = Some(at);
        self.data.begin(at);
    }

    /// Every group: its check's name, its status at the last evaluation, its tags.
    pub fn statuses(&self) -> impl Iterator<Item = (&str, Option<Status>, &Tags)> {
        let groups = self.rules.iter().flat_map(|rule| rule.groups.iter().map(move |group| (rule, group)));
        groups.map(|(rule, group)| (rule.check.name.as_str(), group.hold.status, &group.tags))
    }

    /// The checks whose groups have come, each once, where before nothing was there to judge and so was told.
    pub fn dissolved(&mut self) -> Vec<(Timestamp, String)> {
        let told = |rule: &mut Rule| rule.dissolved.take().map(|at| (at, rule.check.name.clone()));
        self.rules.iter_mut().filter_map(told).collect()
    }

    /// From when on the samples of each series matter to the evaluations after an instant; all do of
    /// those that are not named.
    pub fn needed(&self, at: Timestamp) -> impl Iterator<Item = (&Series, Timestamp)> {
        self.data.needed(at)
    }

    /// From when on evaluations are to be made for an instant: as far back as anything is remembered, and as
    /// far as the look at what was before is worth.
    pub fn first(&self, at: Timestamp) -> Timestamp {
        // As many groups as there may be: one for each series.
        let most = self.data.buffers().len().max(1) as i64;
        let groups = |rule: &Rule| if rule.check.by.is_empty() { 1 } else { most };
        let cost: i64 = self.rules.iter().map(|rule| groups(rule) * LOOK_BACK.nanos() / rule.check.every.nanos()).sum();
        let back = if cost > WORK { Span::from_nanos((LOOK_BACK.nanos() as f64 * (WORK as f64 / cost as f64)) as i64) } else { LOOK_BACK };
        let depth = self.depth();
        at.minus(Span::from_nanos(depth.nanos() - LOOK_BACK.nanos() + back.nanos().max(60 * self.step().nanos()).min(LOOK_BACK.nanos())))
    }

    /// The shortest step of any check.
    pub fn step(&self) -> Span {
        self.rules.iter().map(|rule| rule.check.every).min().unwrap_or(Check::EVERY)
    }

    /// Makes all evaluations from the last one, or from `first`, up to but without `until`.
    ///
    /// An evaluation at an instant is made once it has passed, as more may come of that very instant.
    pub fn run(&mut self, first: Timestamp, until: Timestamp, each: &mut dyn FnMut(&mut Engine, Outcome)) {
        while let Some(instant) = self.next(first).filter(|instant| *instant < until) {
            self.evaluate(instant, each);
        }
    }

    /// The next instant at which an evaluation stands, behind the last one, or from `first` on.
    pub fn next(&self, first: Timestamp) -> Option<Timestamp> {
        let at = self.at.map_or(first, |at| at.plus(Span::from_nanos(1)).max(first));
        let next = |rule: &Rule| {
            let floor = at.floor_to(rule.check.every);
            if floor == at { at } else { floor.plus(rule.check.every) }
        };
        self.rules.iter().map(next).min()
    }

    /// Makes the evaluations of one instant.
    fn evaluate(&mut self, at: Timestamp, each: &mut dyn FnMut(&mut Engine, Outcome)) {
        self.link(at);
        self.round += 1;
        self.at = Some(at);
        for place in 0..self.order.len() {
            let rule = self.order[place];
            if at.floor_to(self.rules[rule].check.every) != at {
                continue;
            }
            for group in 0..self.rules[rule].groups.len() {
                let outcome = self.step_group(rule, group, at);
                each(self, outcome);
            }
        }
        self.data.forget(at);
    }

    fn step_group(&mut self, rule: usize, group: usize, at: Timestamp) -> Outcome {
        let unmet = self.unmet(rule, group, at);
        let Rule { check, groups, .. } = &mut self.rules[rule];
        let group_of = &mut groups[group];
        group_of.measure(&mut self.meters, self.data.buffers(), at, self.round);
        let before = group_of.hold.status;
        let finding = group_of.step(check, unmet, at);
        let fires = |level: &usize| check.levels[*level].status == finding.status && !matches!(finding.raw, Raw::Unknown(_));
        let level = finding.level.filter(fires);
        let outcome = Outcome { rule, group, at, status: finding.status, before, value: group_of.lead(finding.level), level };
        group_of.found = Some((at, finding));
        outcome
    }

    /// A need of a group that is not met at an instant.
    fn unmet(&self, rule: usize, group: usize, at: Timestamp) -> Option<Because> {
        let rule = &self.rules[rule];
        let tags = &rule.groups[group].tags;
        let joins = |other: &Tags| other.iter().all(|(key, value)| tags.get(key).is_none_or(|own| own == value));
        rule.check.needs.iter().find_map(|name| {
            let unmet = |status: Option<Status>| Because::Needs { name: name.clone(), status };
            let here = self.rules.iter().find(|other| other.check.name == *name);
            let worst = |all: &mut dyn Iterator<Item = Option<Status>>| {
                let mut any = false;
                let worst =
                    all.inspect(|_| any = true).filter(|status| *status != Some(Status::Ok)).max_by_key(|status| status.map(Status::rank));
                if any { worst.map(unmet) } else { Some(unmet(None)) }
            };
            match here {
                Some(parent) => worst(&mut parent.groups.iter().filter(|group| joins(&group.tags)).map(|group| group.status(self.round))),
                None => worst(&mut self.data.verdicts(name, at).filter(|(tags, _)| joins(tags)).map(|(_, status)| Some(status))),
            }
        })
    }

    /// Judges every group of every check at any instant, without leaving a trace.
    ///
    /// # Errors
    /// [`Senseless`] when a condition makes no sense for the data.
    pub fn judge(&mut self, at: Timestamp) -> Result<Vec<Judgement>, Senseless> {
        self.link(at);
        self.round += 1;
        let mut judgements = Vec::new();
        for place in 0..self.order.len() {
            let rule = self.order[place];
            for group in 0..self.rules[rule].groups.len() {
                let tags = self.rules[rule].groups[group].tags.clone();
                judgements.push((rule, tags, self.judge_group(rule, group, at)?));
            }
        }
        // In the order of the checks, whoever needs whom, and of the groups, whichever came first.
        judgements.sort_by(|(rule, tags, _), (other, others, _)| rule.cmp(other).then_with(|| tags.cmp(others)));
        Ok(judgements.into_iter().map(|(.., judgement)| judgement).collect())
    }

    /// Judges one group at any instant; what was remembered for it stays as it is.
    ///
    /// # Errors
    /// As [`Engine::judge`].
    pub fn judge_group(&mut self, rule: usize, group: usize, at: Timestamp) -> Result<Judgement, Senseless> {
        self.told(rule, group, at, |case| case.judgement())
    }

    /// Explains what one group comes to at an instant; what was remembered for it stays as it is.
    ///
    /// # Errors
    /// As [`Engine::judge`].
    pub fn explain(&mut self, rule: usize, group: usize, at: Timestamp) -> Result<Explanation, Senseless> {
        self.link(at);
        self.round += 1;
        self.told(rule, group, at, |case| case.explanation())
    }

    /// What the last evaluation of a group found on the left of every comparison of its levels.
    pub fn lefts(&self, rule: usize, group: usize) -> Vec<Option<f64>> {
        let Rule { check, groups, .. } = &self.rules[rule];
        groups[group].lefts(check.levels.len())
    }

    /// How many groups a check has by now.
    pub fn groups(&mut self, rule: usize) -> usize {
        self.link(self.data.horizon());
        self.rules[rule].groups.len()
    }

    /// Tells of one group in some way.
    fn told<T>(&mut self, rule: usize, group: usize, at: Timestamp, tell: impl FnOnce(&Case<'_>) -> T) -> Result<T, Senseless> {
        let unmet = self.unmet(rule, group, at);
        let Rule { check, groups, .. } = &mut self.rules[rule];
        let group = &mut groups[group];
        group.measure(&mut self.meters, self.data.buffers(), at, self.round);
        group.measure_summary(&mut self.meters, self.data.buffers(), at, self.round);
        if let Some((level, error)) = group.mistake(check, &self.meters) {
            return Err(Senseless { rule, level, error });
        }
        let mut hold = group.hold.clone();
        let tests = group.tests(at, &hold.memories);
        // An evaluation that was made at this very instant is told as it was.
        let made = group.found.as_ref().filter(|(then, _)| *then == at).map(|(_, finding)| finding.clone());
        let finding = made.unwrap_or_else(|| group.find(check, &mut hold, unmet, at));
        group.looked = Some((self.round, finding.status));
        let case = Case { check, group, meters: &self.meters, data: &self.data, finding: &finding, hold: &hold, tests: &tests, at };
        Ok(tell(&case))
    }

    /// Gives every group the meters of its calls, when series have begun by an instant that were not there before.
    fn link(&mut self, at: Timestamp) {
        self.data.settle();
        let begun = self.data.begun(at);
        if begun.is_empty() && self.round > 0 {
            return;
        }
        for slot in begun {
            let series = &self.data.buffers()[slot].series;
            for (want, takers) in self.data.wants.0.iter().zip(&mut self.takers) {
                if want.takes(series) {
                    takers.push(slot);
                }
            }
        }
        let mut links = Links::new(self.data.buffers(), &self.takers);
        for rule in &mut self.rules {
            rule.link(at, &mut links, self.reference.as_ref(), &mut self.meters, &mut self.index);
        }
    }

    /// What is remembered, by check and group, for the state; groups that have nothing to tell among them.
    pub fn memory(&self) -> Vec<(String, Tags, String)> {
        let groups = self.rules.iter().flat_map(|rule| rule.groups.iter().map(move |group| (rule, group)));
        let text = |rule: &Rule, group: &super::group::Group| {
            serde_json::to_string(&Remembered { rule: rule.check.meaning(), hold: std::borrow::Cow::Borrowed(&group.hold) }).ok()
        };
        groups.filter_map(|(rule, group)| Some((rule.check.name.clone(), group.tags.clone(), text(rule, group)?))).collect()
    }

    /// Takes back what was remembered of a group; what does not fit its check is left out, and so told.
    pub fn remember(&mut self, check: &str, tags: &Tags, memory: &str) -> bool {
        let Some(rule) = self.rules.iter_mut().find(|rule| rule.check.name == check) else { return false };
        let Ok(remembered) = serde_json::from_str::<Remembered<'_>>(memory) else { return false };
        let fits = remembered.rule == rule.check.meaning() && remembered.hold.fits(&rule.check);
        if fits {
            rule.remembered.push((tags.clone(), remembered.hold.into_owned()));
        }
        fits
    }

    /// Which of the names that checks need are neither checks nor known in the records.
    pub fn unknown_needs(&self) -> BTreeSet<&str> {
        let needs = self.rules.iter().flat_map(|rule| rule.check.needs.iter().map(String::as_str));
        needs
            .filter(|name| {
                !self.rules.iter().any(|rule| rule.check.name == *name) && self.data.verdicts(name, Timestamp::MAX).next().is_none()
            })
            .collect()
    }
}
