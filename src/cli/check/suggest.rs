//! `check suggest`: what should I even monitor?
//!
//! Reads the history twice: once to study it, and once to run every proposal over it.

use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::TOOL;
use super::backtest::{Order, labels, pass};
use crate::cli::input::Flush;
use crate::cli::{Code, Failure, Inputs, Io, Output, Trouble, args, input};
use crate::ndjson::{Item, Samples, write};
use crate::record::{Event, Record, Series, Value, Window, show};
use crate::rule::Engine;
use crate::rule::backtest::{Course, Incident, Ledger};
use crate::rule::suggest::{Budget, Draft, Gatherer, Names, Proposals, Ranked, Standing, Study, Written};
use crate::store::read::Range;
use crate::time::{Span, Timestamp};

const EXAMPLES: &str = "\
Examples:
  check suggest HISTORY > check.toml              which metrics, which limits, and why
  check suggest -o check.toml HISTORY             the file there, and the ranking here
  check suggest --budget '2 per month' --labels incidents.csv HISTORY
  check suggest --format ndjson HISTORY | jq 'select(.suggest.rank <= 10)'";

const NOTES: &str = "\
Ranks all metrics by how well they stand for what users feel, leaves out what never moves, repeats
another or is noise, and proposes checks for the rest, with limits from a backtest of many: within
the budget of false alerts, all checks together. The file tells of each check why it is there, what
it would have cost and what it would have found; it is to be read and edited, not to be trusted.
Past incidents are what much deviated in at once, or what --labels names: lines `FROM,TO`, as for
check backtest. Exit status: 0, or 3 for a failure.";

/// How late a record may be behind the others of its input.
const LATE: Span = Span::from_secs(600);

/// The arguments of `check suggest`.
pub(super) fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let command = Command::new("suggest")
        .about("Ranks the metrics of a history, and proposes checks with limits")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .override_usage("check suggest [OPTIONS] HISTORY…")
        .styles(args::styles())
        .arg(value("output", "FILE", "Write the rules to FILE, and the ranking to standard output").short('o'))
        .arg(value("budget", "RATE", "How many false alerts there may be: `1 per week`").default_value("1 per week"))
        .arg(value("labels", "FILE", "Known incidents, instead of those that are found"))
        .arg(value("format", "FORMAT", "What to print: toml, text or ndjson [default: toml, with -o text]").value_parser(format))
        .arg(value("top", "COUNT", "How many metrics text lists; 0: all").value_parser(clap::value_parser!(usize)).default_value("20"))
        .arg(
            Arg::new("without-names")
                .long("without-names")
                .action(ArgAction::SetTrue)
                .help("Rank by values, units and types alone, not by what names say"),
        )
        .arg(args::at_option());
    input::options(command).mut_arg("files", |files| files.value_name("HISTORY").help("Files or history folders, in any order"))
}

/// Reads the name of a format.
fn format(text: &str) -> Result<String, String> {
    if ["toml", "text", "ndjson"].contains(&text) { Ok(text.to_owned()) } else { Err("must be toml, text or ndjson".into()) }
}

/// What is to be printed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Toml,
    Text,
    Records,
}

/// What is wanted.
struct Plan {
    form: Form,
    output: Option<String>,
    budget: Budget,
    incidents: Vec<Incident>,
    top: usize,
    names: Names,
    now: Timestamp,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let output = text("output").map(str::to_owned);
        let form = match (text("format"), &output) {
            (Some("ndjson"), _) => Form::Records,
            (Some("text"), _) | (None, Some(_)) => Form::Text,
            _ => Form::Toml,
        };
        let budget = text("budget").map_or(Some(Budget::DEFAULT), Budget::parse).ok_or_else(|| {
            let found = show(text("budget").unwrap_or_default().as_bytes(), 40);
            Failure::usage_hint(
                format!("--budget: `{found}` is no rate of alerts"),
                "write it like `1 per week`, `2 per month` or `1 per day`",
            )
        })?;
        let incidents = text("labels").map(|path| labels::read(path, io.now())).transpose()?.unwrap_or_default();
        let top = matches.get_one::<usize>("top").copied().filter(|top| *top > 0).unwrap_or(usize::MAX);
        let names = if matches.get_flag("without-names") { Names::Ignored } else { Names::Read };
        Ok(Plan { form, output, budget, incidents, top, names, now: io.now() })
    }
}

/// Studies the history, prices the proposals, writes what came of it.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
    let mut inputs = Inputs::of_paths(TOOL.name, paths.clone(), matches, io)?;
    if inputs.has_stdin() {
        let hint = "write it to a file first: check suggest FILE";
        return Err(Failure::usage_hint("check suggest reads the history twice, and standard input can be read only once", hint));
    }
    let range = inputs.range;
    let mut reading = Reading { samples: Samples::new(), gatherer: Gatherer::new(), places: Vec::new(), range, now: plan.now };
    inputs.each(io, &mut Nowhere, &mut |line, _| reading.line(line))?;
    let stretches: Vec<(Timestamp, Timestamp)> = plan.incidents.iter().map(|incident| (incident.from, incident.to)).collect();
    let study = Study::new(reading.gatherer, &stretches, plan.budget, plan.names)
        .ok_or_else(|| Failure::Data("there is no sample, event or beat in the range of time that was asked for".into()))?;
    let mut out = Output::take(io, false);
    if plan.form == Form::Records {
        study.ranking().try_for_each(|ranked| record(&study, &ranked, &mut out))?;
        if plan.output.is_none() {
            out.flush()?;
            return Ok(Code::OK);
        }
    }
    let proposals = Proposals::new(&study);
    let mut inputs = Inputs::of_paths(TOOL.name, paths, matches, io)?;
    let pages = backtest(&proposals, &mut inputs, &plan, io)?;
    let draft = Draft::new(&study, &proposals, &pages, plan.budget);
    let written = draft.write(&study, &proposals);
    match (&plan.output, plan.form) {
        (Some(path), form) => {
            std::fs::write(path, &written.text)
                .map_err(|error| Failure::io(format!("{}: cannot write", show(path.as_bytes(), 200)), error))?;
            if form == Form::Text {
                out.lines(text(&study, plan.top).as_bytes())?;
            }
        }
        (None, Form::Text) => out.lines(text(&study, plan.top).as_bytes())?,
        (None, _) => out.lines(written.text.as_bytes())?,
    }
    out.flush()?;
    tell(&study, &written, plan.output.as_deref(), io);
    Ok(Code::OK)
}

/// Runs every proposal with every limit over the history.
fn backtest(proposals: &Proposals, inputs: &mut Inputs, plan: &Plan, io: &mut Io) -> Result<Vec<Vec<Course>>, Failure> {
    let checks = proposals.checks();
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let mut engine = Engine::new(checks);
    let mut ledger = Ledger::new(&engine, Timestamp::MIN);
    let order = Order { range: inputs.range, late: LATE, now: plan.now };
    let passed = pass::run(&mut engine, inputs, order, io, &mut |engine, outcome| {
        ledger.note(engine, &outcome);
    })?;
    Ok(ledger.close(passed.until))
}

/// Says on standard error what came of it.
fn tell(study: &Study, written: &Written, output: Option<&str>, io: &mut Io) {
    if let Some(short) = study.too_short() {
        io.tell(TOOL.name, short);
    }
    let place = output.map_or("standard output".to_owned(), |path| show(path.as_bytes(), 200));
    let checks = if written.checks == 1 { "check" } else { "checks" };
    if output.is_some() {
        io.tell(TOOL.name, format!("{} {checks} proposed in {place}: read and edit them, then: check lint -f {place}", written.checks));
    }
}

/// The ranking for a person.
fn text(study: &Study, top: usize) -> String {
    let mut rows =
        vec![["rank", "score", "felt", "near", "holds", "follows", "episodes", "tells", "metric", "note"].map(str::to_owned).to_vec()];
    let ranked = |ranked: &Ranked<'_>| {
        let parts = ranked.parts;
        let number = |value: f64| format!("{value:.2}");
        let rank = if ranked.standing == Standing::Ranked { ranked.rank.to_string() } else { "-".to_owned() };
        let mut cells = vec![rank, number(ranked.score)];
        cells.extend([parts.felt, parts.near, parts.holds, parts.follows].map(number));
        cells.push(parts.episodes.to_string());
        cells.extend([ranked.sign.name().to_owned(), show(ranked.series.to_string().as_bytes(), 100), note(ranked)]);
        cells
    };
    rows.extend(study.ranking().take(top).map(|of| ranked(&of)));
    super::backtest::table(&rows, 0, &[7, 8, 9])
}

/// What else there is to say of a series.
fn note(ranked: &Ranked<'_>) -> String {
    match (ranked.standing, ranked.repeats, &ranked.leading.before) {
        (Standing::Constant, _, _) => "never moved".to_owned(),
        (Standing::Repeats(_, r), Some(series), _) => format!("repeats {} ({r:.2})", show(series.to_string().as_bytes(), 100)),
        (Standing::Noise, _, _) => "noise".to_owned(),
        (Standing::Short, _, _) => "too few samples".to_owned(),
        (_, _, Some((before, r, _))) => format!("leads the first by {} ({r:.2})", before.human()),
        _ => String::new(),
    }
}

/// Writes one place of the ranking as an event whose key `suggest` holds the numbers.
fn record(study: &Study, ranked: &Ranked<'_>, out: &mut Output) -> Result<(), Failure> {
    let mut tags = ranked.series.tags.clone();
    tags.set("metric", ranked.series.metric.as_str());
    let standing = match ranked.standing {
        Standing::Ranked => "ranked",
        Standing::Constant => "constant",
        Standing::Repeats(..) => "repeats",
        Standing::Noise => "noise",
        Standing::Short => "short",
    };
    let parts = ranked.parts;
    let mut told = serde_json::json!({
        "rank": ranked.rank, "standing": standing, "tells": ranked.sign.name(), "score": ranked.score,
        "felt": parts.felt, "near": parts.near, "holds": parts.holds, "follows": parts.follows, "episodes": parts.episodes,
    });
    if let (Some((before, correlation, p)), Some(told)) = (ranked.leading.before, told.as_object_mut()) {
        told.insert("leads".into(), serde_json::json!({ "by": before.to_string(), "correlation": correlation, "p": p }));
    }
    let event =
        Event { ts: study.until, event: "suggest".into(), text: Some(note(ranked)).filter(|note| !note.is_empty()), link: None, tags };
    out.append(|block| {
        write(block, &Record::Event(event));
        // Before the tags, which stand last in every record.
        let at = block.windows(8).rposition(|part| part == b",\"tags\":").unwrap_or(block.len());
        block.splice(at..at, format!(",\"suggest\":{told}").into_bytes());
    })
}

/// Where studying leads to: nothing is written meanwhile.
struct Nowhere;

impl Flush for Nowhere {
    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The first reading of the history.
struct Reading {
    samples: Samples,
    gatherer: Gatherer,
    /// Where each series of `samples` is gathered, once it was asked for.
    places: Vec<Option<usize>>,
    range: Range,
    now: Timestamp,
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), Trouble> {
        match self.samples.read(line)? {
            Item::Sample { series, ts, value, .. } => {
                while self.places.len() <= series.0 as usize {
                    let next = Arc::clone(&self.samples.all()[self.places.len()]);
                    self.places.push(self.gatherer.place(&next));
                }
                if let Some(place) = self.places[series.0 as usize].filter(|_| self.holds(ts)) {
                    self.gatherer.add(place, ts, value);
                }
            }
            Item::Other(record) => self.other(*record),
        }
        Ok(())
    }

    fn other(&mut self, record: Record) {
        if !self.holds(record.ts()) {
            return;
        }
        match record {
            Record::Event(event) => self.gatherer.occur(&event.event, &event.tags, event.ts),
            Record::Beat(beat) => self.gatherer.occur(&beat.beat, &beat.tags, beat.ts),
            Record::Sample(sample) => {
                if let (Value::Number(value), Some(place)) = (&sample.value, self.gatherer.place(&Arc::new(sample.series.clone()))) {
                    self.gatherer.add(place, sample.ts, *value);
                }
            }
            Record::Window(window) => self.window(&window),
            Record::Verdict(_) | Record::Notice(_) => {}
        }
    }

    /// A window stands for its mean.
    fn window(&mut self, window: &Window) {
        let series = Series { metric: window.metric.clone(), unit: window.unit.clone(), tags: window.tags.clone(), ..Series::default() };
        let mean = window.stats.mean.or_else(|| Some(window.stats.sum? / window.stats.count?));
        if let (Some(mean), Some(place)) = (mean.filter(|mean| mean.is_finite()), self.gatherer.place(&Arc::new(series))) {
            self.gatherer.add(place, window.ts, mean);
        }
    }

    fn holds(&self, ts: Timestamp) -> bool {
        self.range.holds(ts) && ts <= self.now
    }
}
