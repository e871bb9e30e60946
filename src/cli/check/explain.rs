//! `check explain`: one verdict, and everything that speaks for it and against it.
//!
//! The history is read once, by three: an engine with the check that is explained, which judges it over all
//! of the history; one with all checks, for what is so at the same time; and what watches all other metrics.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::feed::Feed;
use super::files;
use super::rules::Typed;
use crate::cli::output::Output;
use crate::cli::{Clock, Code, Failure, Inputs, Io, Trouble, args, input};
use crate::ndjson::{Item, Samples};
use crate::record::{Record, Status, Tags, Value, nearest, show};
use crate::rule::{Check, Engine, Judgement, Look, Past, Story, Surroundings, page, span_of};
use crate::time::{Span, Timestamp};

/// A point of a series that is watched: its place, its time, its value.
type Watched = (usize, Timestamp, f64);

/// How many evaluations of one group the look at the past may cost.
const EVALUATIONS: i64 = 1_000_000;

const EXAMPLES: &str = "\
Examples:
  check explain builds-stale -f check.toml HISTORY
  check explain queue-depth -f check.toml --group queue=mac --at 03:12 HISTORY
  check explain 'p95(latency, 5m) > 90ms' HISTORY";

const NOTES: &str = "\
Prints text for a person. Exit status: 0 it was explained, whatever was found; 3 it could not be.
Without NAME the worst check is explained, and without --group its worst group.";

/// The arguments of `check explain`.
pub(super) fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    let command = Command::new("explain")
        .about("Explains a verdict: what was seen, what led there, and what would make it wrong")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .override_usage("check explain [NAME] -f FILE [OPTIONS] [HISTORY]…\n       check explain [OPTIONS] CONDITION [HISTORY]…")
        .styles(args::styles())
        .arg(files::option())
        .arg(value("group", "TAG=VALUE,…", "Explain the groups with these tags"))
        .arg(flag("ascii", "Draw with plain characters"))
        .arg(value("warning", "CONDITION|RANGE", "Explain a check that warns when this is true").short('w'))
        .arg(value("critical", "CONDITION|RANGE", "Explain a check that is critical when this is true").short('c'))
        .arg(value("name", "NAME", "The name of a check made of conditions [default: check]"))
        .arg(value("by", "TAG,…", "One verdict for each value of these tags"))
        .arg(value("no-data", "STATUS", "What it means when there is no data [default: unknown]"))
        .arg(value("playbook", "URL", "Where to read what to do"))
        .arg(flag("no-extrapolation", "Do not extend the increase of a counter to its window's borders"))
        .arg(args::at_option());
    input::options(command).mut_arg("files", |files| {
        files.value_name("HISTORY").help("The name of a check of -f, then files or history folders; `-`: standard input")
    })
}

/// What was typed, and what it means.
struct Plan {
    checks: Typed,
    name: Option<String>,
    paths: Vec<String>,
    group: Tags,
    look: Look,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &mut Io) -> Result<Plan, Failure> {
        let mut paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
        let checks = Typed::new(matches, &mut paths, io)?;
        checks.without_reference()?;
        let name = if !files::paths(matches).is_empty() { name(&checks.checks, &mut paths)? } else { None };
        let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| io.env.get(*name).filter(|value| !value.is_empty()));
        let utf8 = utf8.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
        let look = Look { ascii: matches.get_flag("ascii") || !utf8, colour: io.colour_stdout() };
        let group = matches.get_one::<String>("group").map(|text| group(text)).transpose()?.unwrap_or_default();
        Ok(Plan { checks, name, paths, group, look })
    }
}

/// The name of a check, where the first argument is one; what is neither that nor there is a slip.
fn name(checks: &[Check], paths: &mut Vec<String>) -> Result<Option<String>, Failure> {
    let Some(first) = paths.first() else { return Ok(None) };
    if checks.iter().any(|check| check.name == *first) {
        return Ok(Some(paths.remove(0)));
    }
    if first == "-" || std::path::Path::new(first).exists() {
        return Ok(None);
    }
    let names = || checks.iter().map(|check| check.name.as_str());
    let message = format!("there is no check `{}`, and no such file", show(first.as_bytes(), 80));
    let hint = match nearest(first, names()) {
        Some(near) => format!("did you mean `{}`?", show(near.as_bytes(), 80)),
        None => format!("there are {}", names().take(20).map(|name| show(name.as_bytes(), 80)).collect::<Vec<_>>().join(", ")),
    };
    Err(Failure::usage_hint(message, hint))
}

fn group(text: &str) -> Result<Tags, Failure> {
    let mut tags = Tags::new();
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let Some((key, value)) = part.split_once('=') else {
            return Err(Failure::usage_hint(format!("--group: `{}` is no tag", show(part.as_bytes(), 80)), "write `--group queue=mac`"));
        };
        tags.set(key.trim(), value.trim());
    }
    Ok(tags)
}

/// Explains, as text on standard output.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let mut inputs = Inputs::of_paths(super::TOOL.name, plan.paths.clone(), matches, io)?;
    let mut out = Output::take(io, false);
    let mut told = Reader::new(&plan, inputs.range);
    told.read(&mut inputs, &mut out, io)?;
    let text = told.tell(&plan)?;
    out.lines(text.as_bytes())?;
    out.flush()?;
    Ok(Code::OK)
}

/// Those that take in the history.
struct Reader {
    /// All checks, for what is so at the instant.
    all: Engine,
    to_all: Feed,
    /// For the look at the past: an engine that forgets nothing until it has judged it.
    past: Engine,
    to_past: Feed,
    range: crate::store::read::Range,
    samples: Samples,
    slots: Vec<Option<usize>>,
    around: Surroundings,
    oldest: Timestamp,
}

impl Reader {
    fn new(plan: &Plan, range: crate::store::read::Range) -> Reader {
        let mut past = Engine::new(wanted(plan));
        // An engine that has judged before keeps all that comes after.
        past.resume(Timestamp::MIN);
        Reader {
            all: Engine::new(plan.checks.checks.clone()),
            to_all: Feed::new(range),
            past,
            to_past: Feed::new(range),
            range,
            samples: Samples::new(),
            slots: Vec::new(),
            around: Surroundings::default(),
            oldest: Timestamp::MAX,
        }
    }

    fn read(&mut self, inputs: &mut Inputs, out: &mut Output, io: &mut Io) -> Result<(), Failure> {
        let clock = io.clock;
        self.all.advance(clock.now());
        self.past.advance(clock.now());
        inputs.each(io, out, &mut |line, _| {
            let (ts, point) = self.point(line)?;
            // What came after the instant that was asked for is no clock that is wrong.
            if matches!(clock, Clock::Fixed(at) if ts > at) || !self.range.holds(ts) {
                return Ok(());
            }
            self.to_all.line(line, &mut self.all, &|| clock.now())?;
            self.to_past.line(line, &mut self.past, &|| clock.now())?;
            if ts <= self.all.horizon() {
                self.oldest = self.oldest.min(ts);
                if let Some((slot, ts, value)) = point {
                    self.around.add(slot, ts, value);
                }
            }
            Ok(())
        })?;
        self.all.advance(clock.now());
        self.past.advance(self.all.horizon());
        Ok(())
    }

    /// The time of a record, and what of it is watched: samples, and the means of windows.
    fn point(&mut self, line: &[u8]) -> Result<(Timestamp, Option<Watched>), Trouble> {
        match self.samples.read(line)? {
            Item::Sample { series, ts, value, .. } => {
                while self.slots.len() <= series.0 as usize {
                    self.slots.push(self.around.slot(&self.samples.all()[self.slots.len()]));
                }
                Ok((ts, self.slots[series.0 as usize].map(|slot| (slot, ts, value))))
            }
            Item::Other(record) => {
                let at = record.ts();
                let point = point(*record).and_then(|(series, ts, value)| Some((self.around.slot(&Arc::new(series))?, ts, value)));
                Ok((at, point))
            }
        }
    }

    /// Judges, chooses what to explain, and explains it.
    fn tell(&mut self, plan: &Plan) -> Result<String, Failure> {
        let at = self.all.horizon();
        let first = self.all.first(at);
        self.all.run(first, at, &mut |_, _| {});
        let judgements = self.all.judge(at).map_err(|senseless| plan.checks.wrong(&senseless))?;
        let name = plan.name.clone().or_else(|| worst(&judgements)).unwrap_or_default();
        let rule = self.past.checks().position(|check| check.name == name).unwrap_or(0);
        let count = judgements.iter().filter(|judgement| judgement.verdict.check == name).count();
        let pasts = self.replay(rule, count, at);
        // So that groups are known that began after the last evaluation.
        self.past.judge(at).map_err(|senseless| plan.checks.wrong_in(&self.past.check(senseless.rule).name, &senseless))?;
        let chosen = self.chosen(plan, rule, at)?;
        let mut text = String::new();
        for group in chosen {
            let past = pasts.get(self.past.group(rule, group)).cloned();
            let past = past.unwrap_or_else(|| Past::new(at, span_of(self.past.check(rule))));
            let told = self.past.explain(rule, group, at).map_err(|senseless| plan.checks.wrong_in(&name, &senseless))?;
            let (fine, not_fine) = beside(&judgements, &told.judgement);
            let story = Story { told: &told, past: &past, around: &self.around, fine: &fine, not_fine: &not_fine };
            if !text.is_empty() {
                text.push_str("\n----\n\n");
            }
            text.push_str(&page(&story, plan.look));
        }
        Ok(text)
    }

    /// Judges the history over again, of about so many groups; what became of each. Groups come as they
    /// begin, so that none is judged before there was anything of it.
    fn replay(&mut self, rule: usize, groups: usize, at: Timestamp) -> BTreeMap<Tags, Past> {
        let span = span_of(self.past.check(rule));
        let step = self.past.step();
        let most = i128::from(EVALUATIONS / groups.max(1) as i64);
        let reach = Span::from_nanos((i128::from(step.nanos()) * most).min(i128::from(i64::MAX)) as i64);
        let from = self.oldest.min(at).max(at.minus(reach)).floor_to(step);
        self.past.resume(from.minus(Span::from_nanos(1)));
        let mut pasts: BTreeMap<Tags, Past> = BTreeMap::new();
        self.past.run(from, at, &mut |engine, outcome| {
            if outcome.rule != rule {
                return;
            }
            let tags = engine.group(rule, outcome.group);
            if !pasts.contains_key(tags) {
                pasts.insert(tags.clone(), Past::new(at, span));
            }
            if let Some(past) = pasts.get_mut(tags) {
                past.note(&outcome, || engine.lefts(rule, outcome.group));
            }
        });
        pasts
    }

    /// The groups to explain: those that were asked for, or else the worst.
    fn chosen(&mut self, plan: &Plan, rule: usize, at: Timestamp) -> Result<Vec<usize>, Failure> {
        let fits = |tags: &Tags| plan.group.iter().all(|(key, value)| tags.get(key) == Some(value));
        let mut all = Vec::new();
        for group in 0..self.past.groups(rule) {
            let told =
                self.past.explain(rule, group, at).map_err(|senseless| plan.checks.wrong_in(&self.past.check(rule).name, &senseless))?;
            all.push((group, told.judgement.verdict));
        }
        if plan.group.is_empty() {
            // Of equally bad ones the first by its tags.
            let worst = all.iter().min_by_key(|(_, verdict)| (std::cmp::Reverse(verdict.status.rank()), verdict.tags.clone()));
            return Ok(worst.map(|(group, _)| *group).into_iter().collect());
        }
        let chosen: Vec<usize> = all.iter().filter(|(_, verdict)| fits(&verdict.tags)).map(|(group, _)| *group).collect();
        if chosen.is_empty() {
            let there = all.iter().take(10).map(|(_, verdict)| show(verdict.tags.to_string().as_bytes(), 80)).collect::<Vec<_>>();
            let message = format!("--group: there is no group {}", show(plan.group.to_string().as_bytes(), 80));
            return Err(Failure::usage_hint(message, format!("there are {}", there.join(", "))));
        }
        Ok(chosen)
    }
}

/// The checks that are judged over the past: the one that is named, and those it needs; or all.
fn wanted(plan: &Plan) -> Vec<Check> {
    let all = &plan.checks.checks;
    let Some(name) = &plan.name else { return all.clone() };
    let mut names = vec![name.clone()];
    let mut at = 0;
    while at < names.len() {
        let needs = all.iter().filter(|check| check.name == names[at]).flat_map(|check| &check.needs);
        let fresh: Vec<String> = needs.filter(|need| !names.contains(need)).cloned().collect();
        names.extend(fresh);
        at += 1;
    }
    all.iter().filter(|check| names.contains(&check.name)).cloned().collect()
}

/// The check of the worst verdict, the first of several.
fn worst(judgements: &[Judgement]) -> Option<String> {
    let rank = |judgement: &&Judgement| std::cmp::Reverse(judgement.verdict.status.rank());
    judgements.iter().min_by_key(rank).map(|judgement| judgement.verdict.check.clone())
}

/// The other verdicts: which are ok, and which are not.
fn beside(judgements: &[Judgement], told: &Judgement) -> (Vec<String>, Vec<String>) {
    let (mut fine, mut not_fine) = (Vec::new(), Vec::new());
    let own = &told.verdict;
    for Judgement { verdict, .. } in judgements.iter().filter(|other| other.verdict.check != own.check || other.verdict.tags != own.tags) {
        let called = if verdict.check == own.check { format!("{}", verdict.tags) } else { format!("{}{}", verdict.check, verdict.tags) };
        match verdict.status {
            Status::Ok => fine.push(called),
            status => not_fine.push(format!("{called} is {}", status.name())),
        }
    }
    (fine, not_fine)
}

/// A record that has a value at a time, but is no plain sample.
fn point(record: Record) -> Option<(crate::record::Series, Timestamp, f64)> {
    match record {
        Record::Sample(sample) => match sample.value {
            Value::Number(value) => Some((sample.series, sample.ts, value)),
            Value::Member(_) => None,
        },
        Record::Window(window) => {
            let value = window.stats.mean.or(window.stats.last)?;
            let kind = crate::record::SampleType::Gauge;
            let series = crate::record::Series { metric: window.metric, kind, unit: window.unit, tags: window.tags };
            Some((series, window.ts.plus(window.window), value))
        }
        _ => None,
    }
}
