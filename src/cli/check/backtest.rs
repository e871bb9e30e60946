//! `check backtest`: what the checks would have done over weeks of history.

pub(super) mod labels;
mod merge;
pub(super) mod pass;
mod report;
mod sweep;
mod table;

use clap::{Arg, ArgAction, ArgMatches, Command};

pub(super) use self::merge::Order;
use self::merge::Read;
use self::pass::Passed;
use self::report::Report;
pub(super) use self::table::table;
use super::rules::{self, Typed};
use super::{TOOL, files};
use crate::cli::{Code, Failure, Inputs, Io, Output, args, input};
use crate::ndjson::write;
use crate::record::{Record, show};
use crate::rule::backtest::{Course, Incident, Ledger, Zone};
use crate::rule::{Engine, Outcome};
use crate::store::read::Range;
use crate::time::{Span, Timestamp};

const EXAMPLES: &str = "\
Examples:
  check backtest -f check.toml HISTORY            which alerts would they have raised?
  check backtest 'last(queue.depth) > 500 for 5m' --by queue --since 4w HISTORY
  check backtest -f check.toml --labels incidents.csv HISTORY    and how many of them were real?
  check backtest -f check.toml --sweep=queue-depth HISTORY    which limit and `for` are better?
  check backtest -f check.toml --format ndjson HISTORY | jq 'select(.status == \"critical\")'";

const NOTES: &str = "\
Every check is evaluated at the multiples of its step, as it would have been live: with the records
up to then, and no others. Several inputs are merged by time. An alert goes from the first
evaluation that is warning or critical to the first one behind it that is ok.
A file of --labels has lines `FROM,TO`, `FROM,TO,CHECK` (a heading may stand first), or
{\"from\":TIME,\"to\":TIME,\"check\":NAME,\"tags\":{…}} with `check` and `tags` as wished; an alert tells
the incidents it overlaps. People's judgements in the history, notices `judged` with the state
`real`, `noise` or `missed`, are counted, too: they speak of the alerts of the day before.
With --format ndjson comes a verdict at every change of a status, then an event `backtest` for each
check, whose key `backtest` holds its totals. Exit status: 0, or 3 for a failure.";

/// The arguments of `check backtest`.
pub(super) fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let command = Command::new("backtest")
        .about("Tells what checks would have done over weeks of history")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .override_usage("check backtest [OPTIONS] CONDITION [HISTORY]…\n       check backtest [OPTIONS] -f FILE [HISTORY]…")
        .styles(args::styles())
        .args(rules::options())
        .arg(files::option())
        .arg(value("every", "DURATION", "Evaluate so often, whatever step the checks have"))
        .arg(value("late", "DURATION", "How late a record may be in its input").default_value("1m"))
        .arg(value("format", "FORMAT", "What to print: text or ndjson").value_parser(format).default_value("text"))
        .arg(
            value("alerts", "COUNT", "How many alerts of each check are listed; 0: all")
                .value_parser(clap::value_parser!(usize))
                .default_value("10"),
        )
        .arg(value("zone", "OFFSET", "Where it is night from 22:00 to 07:00: `+02:00`").default_value("UTC").allow_hyphen_values(true))
        .arg(value("labels", "FILE", "Known incidents: what was found, missed, a false alarm?"))
        .arg(
            Arg::new("sweep")
                .long("sweep")
                .value_name("CHECK,…")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("")
                .action(ArgAction::Set)
                .help("Vary limit and `for` of checks; propose the best"),
        )
        .arg(args::at_option());
    input::options(command)
        .mut_arg("since", |arg| arg.help("Judge from TIME on; what conditions look back at is read, too"))
        .mut_arg("files", |files| files.value_name("HISTORY").help("Files or history folders, in any order; `-` or none: standard input"))
}

/// Reads the name of a format.
fn format(text: &str) -> Result<String, String> {
    if ["text", "ndjson"].contains(&text) { Ok(text.to_owned()) } else { Err("must be text or ndjson".into()) }
}

/// What is wanted.
struct Plan {
    rules: Typed,
    /// From when on alerts count, if that was typed.
    since: Option<Timestamp>,
    late: Span,
    now: Timestamp,
    zone: Zone,
    records: bool,
    /// How many alerts of each check are listed.
    listed: usize,
    incidents: Option<Vec<Incident>>,
    /// Which checks to vary; empty: all.
    sweep: Option<Vec<String>>,
}

impl Plan {
    fn new(matches: &ArgMatches, paths: &mut Vec<String>, io: &mut Io) -> Result<Plan, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let span = |id: &str| {
            let span = text(id).map(|text| Span::parse(text).map_err(|error| Failure::usage(format!("--{id}: {error}"))));
            span.transpose()
        };
        let mut rules = Typed::new(matches, paths, io)?;
        rules.without_reference()?;
        if let Some(every) = span("every")? {
            if every.is_zero() {
                return Err(Failure::usage("--every: evaluations can't be no time apart; write a duration like `10s`"));
            }
            rules.checks.iter_mut().for_each(|check| check.every = every);
        }
        let zone = text("zone").unwrap_or("UTC");
        let zone = Zone::parse(zone).ok_or_else(|| {
            let message = format!("--zone: `{}` is no distance from UTC", show(zone.as_bytes(), 40));
            Failure::usage_hint(message, "write it as `+02:00`, or UTC")
        })?;
        let sweep = text("sweep").map(|names| names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect());
        Ok(Plan {
            rules,
            since: input::range(matches, io)?.since,
            late: span("late")?.unwrap_or(Span::ZERO),
            now: io.now(),
            zone,
            records: text("format") == Some("ndjson"),
            listed: match matches.get_one::<usize>("alerts") {
                None | Some(0) => usize::MAX,
                Some(count) => *count,
            },
            incidents: text("labels").map(|path| labels::read(path, io.now())).transpose()?,
            sweep,
        })
    }

    /// What an engine has to be given of the inputs: from as far before as its conditions look back.
    fn order(&self, engine: &Engine, range: Range) -> Order {
        let since = self.since.zip(engine.reach()).map(|(since, reach)| since.minus(engine.depth()).minus(reach));
        Order { range: Range { since, ..range }, late: self.late, now: self.now }
    }

    /// The incidents that a check ought to tell.
    fn incidents_of(&self, check: &str) -> Option<Vec<&Incident>> {
        self.incidents.as_ref().map(|all| all.iter().filter(|incident| incident.is_of(check)).collect())
    }
}

/// Runs the checks over the inputs, and tells what they did.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let mut paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
    let plan = Plan::new(matches, &mut paths, io)?;
    let mut inputs = Inputs::of_paths(TOOL.name, paths, matches, io)?;
    let mut out = Output::take(io, false);
    match &plan.sweep {
        Some(names) => sweep::run(&plan, names, &mut inputs, &mut out, io)?,
        None => replay(&plan, &mut inputs, &mut out, io)?,
    }
    out.flush()?;
    Ok(Code::OK)
}

/// Runs the checks as they are, and reports.
fn replay(plan: &Plan, inputs: &mut Inputs, out: &mut Output, io: &mut Io) -> Result<(), Failure> {
    let mut engine = Engine::new(plan.rules.checks.clone());
    let order = plan.order(&engine, inputs.range);
    inputs.range = order.range;
    let mut changes = Ok(());
    let (passed, pages) = watched(plan, &mut engine, order, inputs, io, &mut |engine, outcome| {
        if plan.records && changes.is_ok() && plan.since.is_none_or(|since| outcome.at >= since) {
            changes = change(plan, engine, outcome, out);
        }
    })?;
    changes?;
    tell_read(&passed.read, plan, io);
    let report = Report { plan, passed: &passed, pages: &pages };
    if plan.records {
        return report.records(out);
    }
    out.lines(report.text(io.colour_stdout()).as_bytes())
}

/// Writes the verdict of a status that has changed.
fn change(plan: &Plan, engine: &mut Engine, outcome: Outcome, out: &mut Output) -> Result<(), Failure> {
    let judgement = engine.judge_group(outcome.rule, outcome.group, outcome.at).map_err(|senseless| plan.rules.wrong(&senseless))?;
    out.append(|block| write(block, &Record::Verdict(judgement.verdict)))
}

/// Moves an engine over the inputs and gathers its alerts; calls back at every change of a status.
fn watched(
    plan: &Plan,
    engine: &mut Engine,
    order: Order,
    inputs: &mut Inputs,
    io: &mut Io,
    changed: &mut dyn FnMut(&mut Engine, Outcome),
) -> Result<(Passed, Vec<Vec<Course>>), Failure> {
    let mut ledger = Ledger::new(engine, plan.since.unwrap_or(Timestamp::MIN));
    let mut begun = plan.since.is_some();
    let mut passed = pass::run(engine, inputs, order, io, &mut |engine, outcome| {
        if !std::mem::replace(&mut begun, true) {
            ledger.begin(outcome.at);
        }
        if !ledger.note(engine, &outcome) {
            return;
        }
        let course = ledger.course(&outcome);
        if course.unit.is_none() && outcome.value.is_some() {
            // The unit is told by a verdict, and stays the same.
            let unit = engine.judge_group(outcome.rule, outcome.group, outcome.at).ok().and_then(|judgement| judgement.verdict.unit);
            course.unit = Some(unit.unwrap_or_default());
        }
        changed(engine, outcome);
    })?;
    engine.judge(passed.until).map_err(|senseless| plan.rules.wrong(&senseless))?;
    if let Some(since) = plan.since {
        passed.from = since.min(passed.until);
    }
    let pages = ledger.close(passed.until);
    Ok((passed, pages))
}

/// Tells what of the inputs did not come as it should have.
fn tell_read(read: &Read, plan: &Plan, io: &mut Io) {
    for late in &read.late {
        let (input, most) = (show(late.input.as_bytes(), 200), late.most.human());
        let records = if late.count == 1 { "record stands" } else { "records stand" };
        let message = format!("{input}: {} {records} more than {} behind newer ones, by {most} at most", late.count, plan.late);
        io.tell(TOOL.name, format!("{message}; what was judged before they came stays as it is"));
        io.tell(TOOL.name, format!("hint: --late {} waits for all of them", whole(late.most)));
    }
    if read.future > 0 {
        let records = if read.future == 1 { "record is" } else { "records are" };
        io.tell(TOOL.name, format!("{} {records} from after the current time {}, and left out", read.future, plan.now));
    }
}

/// A length rounded up to whole seconds, or minutes.
fn whole(span: Span) -> Span {
    let unit: i64 = if span > Span::from_secs(120) { 60_000_000_000 } else { 1_000_000_000 };
    Span::from_nanos((span.nanos() + unit - 1) / unit * unit)
}
