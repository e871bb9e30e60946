//! A check made ready, and its groups: which meters each one reads, and what it remembers.

use hashbrown::HashMap;

use super::buffer::{Buffer, Source};
use super::check::{Check, Level};
use super::error::RuleError;
use super::hold::{Because, Finding, Hold, Truths};
use super::meter::Meter;
use super::program::{Compiler, Frame, Program};
use super::reference::History;
use super::summary::Piece;
use super::syntax::{Call, Function, Logic};
use super::truth::{Memory, Truth};
use super::want::{Counted, Wants, each_call, each_call_of_sum};
use crate::record::{Status, Tags};
use crate::time::{Span, Timestamp};

/// A check made ready.
pub(super) struct Rule {
    pub(super) check: Check,
    /// Every call of the levels, of `clear`, and of the summary, as they are written.
    calls: Vec<Asked>,
    /// How many of the calls are those of conditions.
    judged: usize,
    /// Whether what it remembers may be from any time before.
    pub(super) remembers: bool,
    /// How far before an instant what it remembers may be from, otherwise.
    pub(super) depth: Span,
    pub(super) groups: Vec<Group>,
    /// What was remembered of groups that have not come yet.
    pub(super) remembered: Vec<(Tags, Hold)>,
    /// When the group of nothing, which was not ok, gave way to others, where this was not told yet.
    pub(super) dissolved: Option<Timestamp>,
}

/// A call of a check.
struct Asked {
    call: Call,
    /// Which selector of the wants.
    want: usize,
    /// The same for calls that ask the same, of whatever check.
    id: usize,
}

/// Which series are judged together: those whose chosen tags have these values, and all series of a
/// term of which none has the tag. Where some have it, those without it are in no group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) tags: Tags,
    /// The meter of each call.
    pub(super) meters: Vec<usize>,
    values: Vec<Option<f64>>,
    /// The levels' conditions and the one of `clear`; or what is wrong with one of them.
    programs: Result<Vec<Program>, (usize, RuleError)>,
    /// A call that makes no sense for the samples of this instant.
    refused: Option<usize>,
    pub(super) hold: Hold,
    /// What the last evaluation came to, and its instant.
    pub(super) found: Option<(Timestamp, Finding)>,
    /// The status that a look between evaluations came to, and in which round.
    pub(super) looked: Option<(u64, Status)>,
}

/// The series of each selector, by the tags that tell groups apart.
pub(super) struct Links<'a> {
    pub(super) buffers: &'a [Buffer],
    takers: &'a [Vec<usize>],
    known: HashMap<(usize, Vec<String>), Apart>,
}

/// The series of one selector, apart by some tags.
struct Apart {
    keys: Vec<String>,
    slots: HashMap<Tags, Vec<usize>>,
}

impl<'a> Links<'a> {
    pub(super) fn new(buffers: &'a [Buffer], takers: &'a [Vec<usize>]) -> Links<'a> {
        Links { buffers, takers, known: HashMap::new() }
    }

    fn of(&mut self, want: usize, by: &[String]) -> &Apart {
        let (buffers, takers) = (self.buffers, self.takers);
        self.known.entry((want, by.to_vec())).or_insert_with(|| {
            let metrics = takers[want].iter().any(|slot| buffers[*slot].source != Source::Occurrences);
            let mut slots: Vec<usize> =
                takers[want].iter().copied().filter(|slot| (buffers[*slot].source == Source::Occurrences) != metrics).collect();
            // By key, so that sums over series do not depend on which came first.
            slots.sort_by(|a, b| {
                buffers[*a].series.cmp(&buffers[*b].series).then((buffers[*a].source as u8).cmp(&(buffers[*b].source as u8)))
            });
            let tagged = |slot: &usize, key: &str| buffers[*slot].series.tags.get(key).is_some();
            // A tag that no series of the term has keeps none of them out of a group.
            let keys: Vec<String> = by.iter().filter(|key| slots.iter().any(|slot| tagged(slot, key))).cloned().collect();
            let mut apart: HashMap<Tags, Vec<usize>> = HashMap::new();
            for slot in slots.into_iter().filter(|slot| keys.iter().all(|key| tagged(slot, key))) {
                apart.entry(buffers[slot].series.tags.only(&keys)).or_default().push(slot);
            }
            Apart { keys, slots: apart }
        })
    }
}

impl Rule {
    /// Makes a check ready; its calls join those that are known.
    ///
    /// What they ask for joins `wants`: of the data, and of the reference.
    pub(super) fn new(mut check: Check, wants: (&mut Wants, &mut Wants), known: &mut Vec<String>) -> Rule {
        for condition in check.levels.iter_mut().map(|level: &mut Level| &mut level.condition).chain(check.clear.as_mut()) {
            condition.logic.turn();
        }
        let mut calls = Vec::new();
        let (wants, references) = wants;
        let mut ask = |call: &Call| {
            let counted = Counted::of(&call.selector, &check);
            let name = format!("{call} {} {:?} {counted:?}", check.extrapolate, call.of);
            let id = known.iter().position(|other| *other == name).unwrap_or(known.len());
            if id == known.len() {
                known.push(name);
            }
            let wants = if call.function == Function::Reference { &mut *references } else { &mut *wants };
            calls.push(Asked { call: call.clone(), want: wants.add(call, counted), id });
        };
        let mut depth = Span::ZERO;
        for condition in check.levels.iter().map(|level| &level.condition).chain(check.clear.as_ref()) {
            each_call(&condition.logic, &mut ask);
            depth = depth.max(held_for(&condition.logic, check.every));
        }
        let pieces = check.summary.iter().flat_map(|summary| &summary.pieces);
        let mut spoken = Vec::new();
        for piece in pieces {
            if let Piece::Value(sum) = piece {
                each_call_of_sum(sum, &mut |call| spoken.push(call.clone()));
            }
        }
        spoken.iter().for_each(&mut ask);
        let judged = calls.len() - spoken.len();
        let holds = [check.keep_firing_for, check.grace, check.no_data_for];
        let remembers = check.clear.is_some() || holds.iter().any(|span| !span.is_zero());
        Rule { check, calls, judged, remembers, depth, groups: Vec::new(), remembered: Vec::new(), dissolved: None }
    }

    /// Finds the groups there are, and gives each the meters of its calls.
    pub(super) fn link(
        &mut self,
        at: Timestamp,
        links: &mut Links<'_>,
        reference: Option<&History>,
        meters: &mut Vec<Meter>,
        index: &mut HashMap<(usize, Tags), usize>,
    ) {
        self.discover(at, links);
        for group in &mut self.groups {
            group.meters.clear();
            for asked in &self.calls {
                if asked.call.function == Function::Reference {
                    group.meters.push(refer(asked, &self.check, &group.tags, reference, meters, index));
                    continue;
                }
                let buffers = links.buffers;
                let apart = links.of(asked.want, &self.check.by);
                let tags = group.tags.only(&apart.keys);
                let series = apart.slots.get(&tags).map_or(&[][..], Vec::as_slice);
                let meter = *index.entry((asked.id, tags)).or_insert_with(|| {
                    meters.push(Meter::new(&asked.call, self.check.extrapolate));
                    meters.len() - 1
                });
                meters[meter].link(series, buffers);
                group.meters.push(meter);
            }
            group.compile(&self.check, self.judged, meters);
        }
    }

    /// Every combination of the chosen tags' values; one group, where there are none.
    fn discover(&mut self, at: Timestamp, links: &mut Links<'_>) {
        let by = &self.check.by;
        let mut all: Vec<Tags> = self.remembered.iter().map(|(tags, _)| tags.clone()).filter(|tags| tags.len() == by.len()).collect();
        if by.is_empty() {
            all = vec![Tags::new()];
        }
        let asked = self.calls[..self.judged].iter().filter(|asked| asked.call.function != Function::Reference);
        for want in asked.map(|asked| asked.want).filter(|_| !by.is_empty()) {
            let tags = links.takers[want].iter().map(|slot| links.buffers[*slot].series.tags.only(by));
            all.extend(tags.filter(|tags| tags.len() == by.len()));
        }
        all.sort();
        all.dedup();
        if all.is_empty() {
            all.push(Tags::new());
        } else if !by.is_empty() {
            // Only while nothing was seen is there a group of nothing.
            let told = |group: &Group| group.tags.is_empty() && !matches!(group.hold.status, None | Some(Status::Ok));
            self.dissolved = self.groups.iter().any(told).then_some(at).or(self.dissolved);
            self.groups.retain(|group| !group.tags.is_empty());
        }
        let known: hashbrown::HashSet<Tags> = self.groups.iter().map(|group| group.tags.clone()).collect();
        for tags in all.into_iter().filter(|tags| !known.contains(tags)) {
            let remembered = self.remembered.iter().position(|(known, _)| *known == tags);
            let hold = remembered.map_or_else(|| Hold::new(&self.check), |at| self.remembered.swap_remove(at).1);
            self.groups.push(Group {
                tags,
                meters: Vec::new(),
                values: Vec::new(),
                programs: Ok(Vec::new()),
                refused: None,
                hold,
                found: None,
                looked: None,
            });
        }
    }
}

/// The meter of a reference for a group, made once.
fn refer(
    asked: &Asked,
    check: &Check,
    tags: &Tags,
    reference: Option<&History>,
    meters: &mut Vec<Meter>,
    index: &mut HashMap<(usize, Tags), usize>,
) -> usize {
    *index.entry((asked.id, tags.clone())).or_insert_with(|| {
        meters.push(match reference {
            Some(history) => {
                let mut links = Links::new(history.buffers(), &history.takers);
                let apart = links.of(asked.want, &check.by);
                let series = apart.slots.get(&tags.only(&apart.keys)).map_or(&[][..], Vec::as_slice);
                Meter::of_reference(&asked.call, check.extrapolate, series, history)
            }
            None => Meter::new(&asked.call, check.extrapolate),
        });
        meters.len() - 1
    })
}

/// How long the parts that hold may have to look back.
fn held_for(logic: &Logic, every: Span) -> Span {
    match logic {
        Logic::And(parts) | Logic::Or(parts) => parts.iter().map(|part| held_for(part, every)).max().unwrap_or(Span::ZERO),
        Logic::Not(part) => held_for(part, every),
        Logic::For(part, span) => span.plus(every).plus(held_for(part, every)),
        Logic::Times(part, times) => every.times(times.of).plus(held_for(part, every)),
        Logic::Test(_) => Span::ZERO,
    }
}

impl Group {
    fn compile(&mut self, check: &Check, judged: usize, meters: &[Meter]) {
        let units = self.meters[..judged].iter().map(|meter| meters[*meter].has_series().then(|| meters[*meter].unit.clone()));
        let units: Vec<_> = units.collect();
        self.values = vec![None; judged];
        let mut compiler = Compiler { units: &units, call: 0, memory: 0 };
        let conditions = check.levels.iter().map(|level| &level.condition).chain(check.clear.as_ref());
        let programs = conditions.enumerate().map(|(at, condition)| compiler.logic(&condition.logic).map_err(|error| (at, error)));
        self.programs = programs.collect();
    }

    /// The status in a round: that of the look that was made in it, or of the last evaluation.
    pub(super) fn status(&self, round: u64) -> Option<Status> {
        self.looked.filter(|(of, _)| *of == round).map(|(_, status)| status).or(self.hold.status)
    }

    /// Moves the meters on to an instant, and reads them.
    pub(super) fn measure(&mut self, meters: &mut [Meter], buffers: &[Buffer], at: Timestamp, round: u64) {
        self.refused = None;
        for (call, (meter, value)) in self.meters.iter().zip(&mut self.values).enumerate() {
            let meter = &mut meters[*meter];
            meter.advance(buffers, at, round);
            *value = meter.value;
            if meter.refusal.is_some() {
                self.refused.get_or_insert(call);
            }
        }
        if self.hold.first_seen.is_none() {
            self.hold.first_seen = self.meters[..self.values.len()].iter().filter_map(|meter| meters[*meter].oldest(buffers)).min();
        }
    }

    /// Moves the meters of the summary on, too.
    pub(super) fn measure_summary(&self, meters: &mut [Meter], buffers: &[Buffer], at: Timestamp, round: u64) {
        for meter in &self.meters[self.values.len()..] {
            meters[*meter].advance(buffers, at, round);
        }
    }

    /// What makes no sense for the data of this group, and in which condition.
    pub(super) fn mistake(&self, check: &Check, meters: &[Meter]) -> Option<(usize, RuleError)> {
        if let Err(mistake) = &self.programs {
            return Some(mistake.clone());
        }
        let call = self.refused?;
        let meter = &meters[self.meters[call]];
        let refusal = meter.refusal.clone()?;
        let error = |place| RuleError::new(refusal.message.clone(), place).hint(refusal.hint.clone());
        // The meter may be shared with another check: the place is that of this check's own call.
        let mut count = 0;
        for (at, condition) in check.levels.iter().map(|level| &level.condition).chain(check.clear.as_ref()).enumerate() {
            let mut place = None;
            each_call(&condition.logic, &mut |own| {
                place = place.or((count == call).then_some(own.place));
                count += 1;
            });
            if let Some(place) = place {
                return Some((at, error(place)));
            }
        }
        Some((0, error(meter.call.place)))
    }

    /// Evaluates what was measured, and goes on by one evaluation in `hold`.
    pub(super) fn find(&self, check: &Check, hold: &mut Hold, unmet: Option<Because>, at: Timestamp) -> Finding {
        find(self.programs.as_deref().ok().filter(|_| self.refused.is_none()), &self.values, check, hold, unmet, at)
    }

    /// Evaluates what was measured, and remembers it.
    pub(super) fn step(&mut self, check: &Check, unmet: Option<Because>, at: Timestamp) -> Finding {
        let programs = self.programs.as_deref().ok().filter(|_| self.refused.is_none());
        find(programs, &self.values, check, &mut self.hold, unmet, at)
    }

    /// The truth of every test, as measured.
    pub(super) fn tests(&self, at: Timestamp, memories: &[Memory]) -> Vec<Truth> {
        let mut tests = Vec::new();
        if let (Ok(programs), None) = (&self.programs, self.refused) {
            let mut memories = memories.to_vec();
            let mut frame = Frame { at, values: &self.values, memories: &mut memories, tests: Some(&mut tests) };
            for program in programs {
                program.evaluate(&mut frame);
            }
        }
        tests
    }

    /// The value on the left of every comparison of the levels, in the order in which they are written.
    pub(super) fn lefts(&self, levels: usize) -> Vec<Option<f64>> {
        let mut all = Vec::new();
        for program in self.programs.iter().flatten().take(levels) {
            program.lefts(&self.values, &mut all);
        }
        all
    }

    /// The value on the left of the first comparison: of the level that fires, or else of the first.
    pub(super) fn lead(&self, level: Option<usize>) -> Option<f64> {
        self.programs.as_ref().ok()?.get(level.unwrap_or(0))?.lead(&self.values)
    }
}

/// How many levels are worked out without memory of their own; hardly a check has more.
const FEW: usize = 4;

/// Evaluates programs, if they make sense, and goes on by one evaluation in `hold`.
fn find(
    programs: Option<&[Program]>,
    values: &[Option<f64>],
    check: &Check,
    hold: &mut Hold,
    unmet: Option<Because>,
    at: Timestamp,
) -> Finding {
    // This is done for every group at every step, so nothing is allocated.
    let (mut few, mut many) = ([(Truth::Unknown, None); FEW], Vec::new());
    let count = check.levels.len();
    let levels = if count <= FEW {
        &mut few[..count]
    } else {
        many.resize(count, (Truth::Unknown, None));
        &mut many[..]
    };
    let mut clear = check.clear.as_ref().map(|_| Truth::Unknown);
    let mut frame = Frame { at, values, memories: &mut hold.memories, tests: None };
    for (place, program) in programs.unwrap_or_default().iter().enumerate() {
        let truth = program.evaluate(&mut frame);
        let Some(level) = levels.get_mut(place) else {
            clear = Some(truth);
            continue;
        };
        let since = if let Program::For(_, _, memory) = program { frame.memories[*memory].since() } else { None };
        *level = (truth, since);
    }
    hold.step(check, &Truths { levels, clear, unmet }, at)
}
