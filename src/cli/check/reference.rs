//! `--reference FILE`: the history that `reference(...)` is of; and without a condition, every metric of a
//! run held against those of the reference.

use std::path::Path;
use std::sync::Arc;

use clap::{Arg, ArgMatches};

use super::feed::Feed;
use super::plan::Output as Form;
use super::rules::{Typed, no_data};
use super::{TOOL, bring_out, say};
use crate::cli::input::Flush;
use crate::cli::{Code, Failure, Inputs, Io, Output, Trouble};
use crate::ndjson::{Item, Samples};
use crate::record::{Record, Status, Value, check_name, show};
use crate::rule::{Compare, Engine, Runs, Tolerance, parse};
use crate::store::read::Range;
use crate::time::Timestamp;

/// How many samples of a run that is compared are kept at most.
const SAMPLES: usize = 2_000_000;

/// How many series that the reference lacks are named.
const NAMED: usize = 3;

/// The options `--reference` and `--tolerance`.
pub(super) fn options() -> [Arg; 2] {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    [
        value("reference", "FILE", "What `reference(…)` is of; alone: compare every metric with it"),
        value("tolerance", "SHARE", "How much medians may differ, without a CONDITION [default: 10%]"),
    ]
}

/// Reads the reference for the conditions that ask for it.
///
/// # Errors
/// When a condition asks for one and none is named, or none asks, or it can't be read.
pub(super) fn refer(engine: &mut Engine, rules: &Typed, matches: &ArgMatches, io: &mut Io) -> Result<(), Failure> {
    if matches.contains_id("tolerance") {
        let hint = "write the factor into it, like `p95(x) > 1.1 * reference(x)`";
        return Err(Failure::usage_hint("--tolerance is for comparing whole runs, and there is a condition", hint));
    }
    let asked = engine.asks_reference();
    let Some(path) = matches.get_one::<String>("reference") else {
        return asked.map_or(Ok(()), |senseless| Err(rules.wrong(&senseless)));
    };
    if asked.is_none() {
        let hint = "write like `p95(build.duration) > 1.1 * reference(build.duration)`, or leave the condition out to compare all";
        return Err(Failure::usage_hint("--reference: no condition asks for `reference(…)`", hint));
    }
    let mut reader = engine.reader();
    let mut feed = Feed::new(Range::default());
    let mut left_out = 0u64;
    read(path, matches, io, &mut |line| {
        if reader.held() >= SAMPLES {
            left_out += 1;
            return Ok(());
        }
        feed.line(line, &mut reader, &|| Timestamp::MAX).map(|_| ())
    })?;
    tell_left_out("--reference", left_out, io);
    engine.refer(reader);
    Ok(())
}

/// Reads every line of a reference.
fn read(path: &str, matches: &ArgMatches, io: &mut Io, each: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>) -> Result<(), Failure> {
    if path == "-" {
        let hint = "keep it in a file and name that";
        return Err(Failure::usage_hint("--reference -: standard input is for what is judged", hint));
    }
    let mut inputs = Inputs::of_one(TOOL.name, path, matches.get_flag("strict"))?;
    // Standard input is for what is judged.
    let stdin = std::mem::replace(&mut io.stdin, Box::new(std::io::empty()));
    let done = inputs.each(io, &mut Nowhere, &mut |line, _| each(line));
    io.stdin = stdin;
    done
}

/// Where reading a reference leads to: nothing is written meanwhile.
struct Nowhere;

impl Flush for Nowhere {
    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

fn tell_left_out(what: &str, left_out: u64, io: &mut Io) {
    if left_out > 0 {
        io.tell(TOOL.name, format!("{what}: only the first {SAMPLES} samples are compared; {left_out} more lines were left out"));
    }
}

/// Every metric of a run against a reference.
pub(super) struct Comparison {
    reference: String,
    paths: Vec<String>,
    compare: Compare,
    form: Form,
}

impl Comparison {
    /// What was typed, if it is a reference and no condition.
    ///
    /// # Errors
    /// When options were typed that belong to a condition.
    pub(super) fn new(matches: &ArgMatches) -> Result<Option<Comparison>, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
        let conditioned = ["warning", "critical", "file"].into_iter().any(|id| matches.contains_id(id));
        let Some(reference) = text("reference") else { return Ok(None) };
        if conditioned || paths.first().is_some_and(|first| is_condition(first)) {
            return Ok(None);
        }
        if let Some(option) = ["by", "state"].into_iter().find(|id| matches.contains_id(id)) {
            return Err(Failure::usage(format!("--{option} belongs to a condition, and there is none")));
        }
        if let Some(option) = ["live", "pass"].into_iter().find(|id| matches.get_flag(id)) {
            return Err(Failure::usage(format!("--{option} belongs to a condition, and there is none")));
        }
        let tolerance = text("tolerance").map_or(Ok(Tolerance::DEFAULT), |text| {
            let found = show(text.as_bytes(), 40);
            Tolerance::parse(text)
                .ok_or_else(|| Failure::usage(format!("--tolerance: expected a share below 1, like `10%` or `0.1`, found `{found}`")))
        })?;
        let name = text("name").unwrap_or("reference");
        check_name(name).map_err(|error| Failure::usage(format!("--name: a name {error}")))?;
        let playbook = text("playbook").map(str::to_owned);
        let compare = Compare { name: name.to_owned(), tolerance, no_data: no_data(text("no-data"))?, playbook };
        let form = if matches.get_flag("nagios") { Form::Nagios } else { Form::Records };
        Ok(Some(Comparison { reference: reference.to_owned(), paths, compare, form }))
    }

    /// Compares, tells, and gives the code of the worst.
    ///
    /// # Errors
    /// When something can't be read or written, or the reference has no samples.
    pub(super) fn run(&self, matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
        let mut gathered = Gathered::default();
        read(&self.reference, matches, io, &mut |line| gathered.line(line, Range::default()))?;
        tell_left_out("--reference", gathered.left_out, io);
        let reference = std::mem::take(&mut gathered.runs);
        if reference.held() == 0 {
            let shown = show(self.reference.as_bytes(), 200);
            let message = format!("--reference {shown}: no samples to compare with; windows of rollup are not compared");
            return Err(Failure::Data(message));
        }
        let mut inputs = Inputs::of_paths(TOOL.name, self.paths.clone(), matches, io)?;
        let (mut gathered, range) = (Gathered::default(), inputs.range);
        let mut out = Output::take(io, false);
        inputs.each(io, &mut out, &mut |line, _| gathered.line(line, range))?;
        tell_left_out("the run", gathered.left_out, io);
        tell_lacking(&gathered.runs, &reference, io);
        let judgements = gathered.runs.compare(&reference, &self.compare, io.now());
        bring_out(self.form, &self.compare.name, &judgements, &mut out)?;
        if matches.get_flag("human") || (io.stdout_is_terminal && self.form == Form::Records) {
            let colour = io.colour_stderr();
            judgements.iter().for_each(|judgement| say(judgement, colour, &mut io.stderr));
        }
        let worst = judgements.iter().map(|judgement| judgement.verdict.status).max_by_key(|status| status.rank());
        Ok(if matches.get_flag("exit-zero") { Code::OK } else { Code::of(worst.unwrap_or(Status::Unknown).code()) })
    }
}

/// Whether an argument is a condition rather than a file: a file that is there is none.
fn is_condition(text: &str) -> bool {
    text != "-" && !Path::new(text).exists() && (parse(text).is_ok() || text.contains(['<', '>', '=', '(', ' ']))
}

/// The samples of one run.
#[derive(Default)]
struct Gathered {
    samples: Samples,
    runs: Runs,
    left_out: u64,
}

impl Gathered {
    fn line(&mut self, line: &[u8], range: Range) -> Result<(), Trouble> {
        let (series, ts, value) = match self.samples.read(line)? {
            Item::Sample { series, ts, value, .. } => match self.samples.series(series) {
                Some(series) => (Arc::clone(series), ts, value),
                None => return Ok(()),
            },
            Item::Other(record) => match *record {
                Record::Sample(sample) => match sample.value {
                    Value::Number(value) => (Arc::new(sample.series), sample.ts, value),
                    Value::Member(_) => return Ok(()),
                },
                _ => return Ok(()),
            },
        };
        if !range.holds(ts) {
        } else if self.runs.held() >= SAMPLES {
            self.left_out += 1;
        } else {
            self.runs.add(&series, ts, value);
        }
        Ok(())
    }
}

/// Tells of what only the run has.
fn tell_lacking(run: &Runs, reference: &Runs, io: &mut Io) {
    let names: Vec<String> =
        run.lacking(reference).map(|series| format!("`{}{}`", show(series.metric.as_bytes(), 80), series.tags)).collect();
    if names.is_empty() {
        return;
    }
    let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
    let named = names[..names.len().min(NAMED)].join(", ");
    io.tell(TOOL.name, format!("not in the reference, so not compared: {named}{more}"));
}
