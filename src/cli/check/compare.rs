//! `check compare`: two stretches of time over all metrics.

mod choose;

use std::sync::Arc;

use clap::{Arg, ArgMatches, Command};

use self::choose::{Choice, Stretches};
use super::TOOL;
use crate::cli::input::Flush;
use crate::cli::{Code, Failure, Inputs, Io, Output, Trouble, args, input};
use crate::ndjson::{Item, Samples, write};
use crate::record::{Record, Series, Value, check_name, show};
use crate::rule::compare::{Compared, Side, Size, Stretch, Windows};
use crate::store::read::Range;
use crate::time::{Span, Timestamp};

const EXAMPLES: &str = "\
Examples:
  check compare --since 1h HISTORY                   the last hour against the one before it
  check compare --around deploy HISTORY              what changed with the newest deploy?
  check compare --after deploy --span 2h HISTORY     this deploy's first hours against the last one's
  check compare --reference monday.ndjson tuesday.ndjson
  check compare --format text --since 1h --reference-since 25h --reference-until 24h HISTORY";

const NOTES: &str = "\
Every series that both stretches have is compared by the ranks of its values: do they lie higher or
lower, spread wider or narrower? Neighbouring samples tell nearly the same, so they count as many
as they are worth. Of those called different one in twenty is not, on average: p is corrected by
Benjamini and Hochberg for the number of series. The effect is the probability that a value of now
is above one of before: small from 56 %, medium from 64 %, large from 71 % on.
A verdict for each series, those that differ most first: a warning where it differs, unknown where
nothing can be told. Exit status: 0 nothing differs, 1 something does, 3 for a failure.";

/// The arguments of `check compare`.
pub(super) fn command() -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let command = Command::new("compare")
        .about("Compares two stretches of time over all metrics")
        .before_help(EXAMPLES)
        .after_help(NOTES)
        .override_usage("check compare [OPTIONS] [FILE]…")
        .styles(args::styles())
        .args(choose::options())
        .arg(
            value("effect", "SIZE", "The least effect that counts: negligible, small, medium or large")
                .default_value("small")
                .value_parser(size),
        )
        .arg(value("rate", "SHARE", "How many of those called different may not be").default_value("5%").value_parser(rate))
        .arg(value("name", "NAME", "The name of the verdicts").default_value("compare"))
        .arg(value("format", "FORMAT", "What to print: ndjson or text").default_value("ndjson").value_parser(format))
        .arg(args::at_option());
    input::options(command)
        .mut_arg("since", |arg| arg.help("Where the stretch that is judged begins: an instant, or `1h` (ago)"))
        .mut_arg("until", |arg| arg.help("Where it ends"))
}

/// Reads the name of a format.
fn format(text: &str) -> Result<String, String> {
    if ["ndjson", "text"].contains(&text) { Ok(text.to_owned()) } else { Err("must be ndjson or text".into()) }
}

fn size(text: &str) -> Result<Size, String> {
    Size::parse(text).ok_or_else(|| "must be negligible, small, medium or large".into())
}

fn rate(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let share = text.strip_suffix('%').map_or_else(|| number(text), |percent| Some(number(percent)? / 100.0));
    share.filter(|share| *share > 0.0 && *share < 1.0).ok_or_else(|| "must be a share between 0 and 1, like `5%`".into())
}

/// What is wanted.
struct Plan {
    choice: Choice,
    size: Size,
    rate: f64,
    name: String,
    text: bool,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let name = text("name").unwrap_or("compare").to_owned();
        check_name(&name).map_err(|error| Failure::usage(format!("--name: a name {error}")))?;
        let (size, rate) = (matches.get_one::<Size>("effect").copied(), matches.get_one::<f64>("rate").copied());
        let choice = Choice::new(matches, io)?;
        Ok(Plan { choice, size: size.unwrap_or(Size::Small), rate: rate.unwrap_or(0.05), name, text: text("format") == Some("text") })
    }
}

/// Compares, tells, and says by the code whether anything differs.
pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let paths: Vec<String> = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
    let stretches = plan.choice.stretches(&paths, matches, io)?;
    let mut gathered = Gathered { samples: Samples::new(), windows: Windows::default(), stretches, newest: None };
    if let Some(reference) = &plan.choice.reference {
        let mut inputs = Inputs::of_one(TOOL.name, reference, matches.get_flag("strict"))?;
        inputs.range = stretches.before.map_or(Range::default(), range_of);
        inputs.each(io, &mut Nowhere, &mut |line, _| gathered.line(line, Some(Side::Before)))?;
        gathered.samples = Samples::new();
    }
    let mut inputs = Inputs::of_paths(TOOL.name, paths, matches, io)?;
    inputs.range = stretches.whole(plan.choice.reference.is_some());
    let side = plan.choice.reference.is_some().then_some(Side::Now);
    inputs.each(io, &mut Nowhere, &mut |line, _| gathered.line(line, side))?;
    let Gathered { windows, newest, .. } = gathered;
    if windows.left_out > 0 {
        io.tell(TOOL.name, format!("only the first {} samples are compared; {} more were left out", windows.held(), windows.left_out));
    }
    let seen = |side: Side, stretch: Option<Stretch>| stretch.or(windows.seen(side)).ok_or_else(|| nothing(side, stretch));
    let (now, before) = (seen(Side::Now, stretches.now)?, seen(Side::Before, stretches.before)?);
    for (side, stretch) in [(Side::Now, now), (Side::Before, before)] {
        windows.seen(side).ok_or_else(|| nothing(side, Some(stretch)))?;
    }
    let all = windows.compare(now, before, plan.rate, plan.size);
    let compared = all.iter().filter(|one| one.outcome.is_ok()).count();
    let differing = all.iter().filter(|one| one.outcome.as_ref().is_ok_and(|found| found.is_real(plan.rate, plan.size))).count();
    let mut out = Output::take(io, false);
    if plan.text {
        out.lines(text(&plan, &all, (now, before), differing).as_bytes())?;
    } else {
        let at = newest.unwrap_or(now.to);
        for one in &all {
            out.append(|block| write(block, &Record::Verdict(one.verdict(&plan.name, at, plan.rate, plan.size, compared))))?;
        }
    }
    out.flush()?;
    if compared == 0 {
        return Err(Failure::Data("no series has enough samples in both stretches to be compared".into()));
    }
    Ok(if differing > 0 { Code::NEGATIVE } else { Code::OK })
}

fn nothing(side: Side, stretch: Option<Stretch>) -> Failure {
    let what = if side == Side::Now { "the stretch that is judged" } else { "the stretch to compare with" };
    let when = stretch.map_or(String::new(), |stretch| format!(", {} to {},", stretch.from, stretch.to));
    Failure::Data(format!("{what}{when} holds no sample"))
}

fn range_of(stretch: Stretch) -> Range {
    Range { since: Some(stretch.from), until: Some(stretch.to) }
}

/// What was found, for a person.
fn text(plan: &Plan, all: &[Compared], (now, before): (Stretch, Stretch), differing: usize) -> String {
    let stretch = |stretch: Stretch| format!("{} to {} ({})", stretch.from, stretch.to, stretch.length().human());
    let compared = all.iter().filter(|one| one.outcome.is_ok()).count();
    let mut out = format!("now:    {}\nbefore: {}\n\n", stretch(now), stretch(before));
    let percent = percent(plan.rate);
    out += &format!("{differing} of {compared} series differ (false discovery rate {percent}, effect at least {})\n", plan.size.name());
    let mut rows = vec![["", "metric", "effect", "above", "q", "change"].map(str::to_owned).to_vec()];
    for (place, one) in all.iter().enumerate().take(differing) {
        let Ok(found) = &one.outcome else { continue };
        let above = format!("{:.0} % of pairs", found.shift.superiority * 100.0);
        let q = if found.q < 0.0001 { "< 0.0001".to_owned() } else { format!("{:.4}", found.q) };
        let series = show(one.series.to_string().as_bytes(), 100);
        rows.push(vec![(place + 1).to_string(), series, found.size().name().to_owned(), above, q, one.change(found)]);
    }
    if differing > 0 {
        out.push('\n');
        out += &super::backtest::table(&rows, 2, &[1, 2, 5]);
    }
    let untold: Vec<&Compared> = all.iter().filter(|one| one.outcome.is_err()).collect();
    if !untold.is_empty() {
        out += &format!("\nnothing can be told of {}:\n", untold.len());
        for one in untold.iter().take(10) {
            let why = one.outcome.as_ref().err().map_or("", String::as_str);
            out += &format!("  {}: {why}\n", show(one.series.to_string().as_bytes(), 100));
        }
        if untold.len() > 10 {
            out += &format!("  … and {} more\n", untold.len() - 10);
        }
    }
    out
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 100.0)
}

/// Where comparing leads to: nothing is written meanwhile.
struct Nowhere;

impl Flush for Nowhere {
    fn flush(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The samples of both stretches, as they are read.
struct Gathered {
    samples: Samples,
    windows: Windows,
    stretches: Stretches,
    newest: Option<Timestamp>,
}

impl Gathered {
    /// Takes in a line; without a `side` its time tells it.
    fn line(&mut self, line: &[u8], side: Option<Side>) -> Result<(), Trouble> {
        match self.samples.read(line)? {
            Item::Sample { series, ts, value, .. } => {
                if let Some(series) = self.samples.series(series).map(Arc::clone) {
                    self.add(&series, ts, value, side, false);
                }
            }
            Item::Other(record) => match *record {
                Record::Sample(sample) => {
                    if let Value::Number(value) = sample.value {
                        self.add(&Arc::new(sample.series), sample.ts, value, side, false);
                    }
                }
                Record::Event(event) => self.occur(event.event, event.tags, event.ts, side),
                Record::Beat(beat) => self.occur(beat.beat, beat.tags, beat.ts, side),
                Record::Window(window) => {
                    let mean = window.stats.mean.or_else(|| Some(window.stats.sum? / window.stats.count?)).filter(|mean| mean.is_finite());
                    let series = Series { metric: window.metric, unit: window.unit, tags: window.tags, ..Series::default() };
                    mean.into_iter().for_each(|mean| self.add(&Arc::new(series.clone()), window.ts, mean, side, false));
                }
                Record::Verdict(_) | Record::Notice(_) => {}
            },
        }
        Ok(())
    }

    fn occur(&mut self, name: String, tags: crate::record::Tags, ts: Timestamp, side: Option<Side>) {
        self.add(&Arc::new(Series { metric: name, tags, ..Series::default() }), ts, 1.0, side, true);
    }

    fn add(&mut self, series: &Arc<Series>, ts: Timestamp, value: f64, side: Option<Side>, occurs: bool) {
        let Stretches { now, before } = self.stretches;
        let within = |stretch: Option<Stretch>| stretch.is_none_or(|stretch| stretch.holds(ts));
        let side = match side {
            Some(Side::Now) => within(now).then_some(Side::Now),
            Some(Side::Before) => within(before).then_some(Side::Before),
            None if within(now) => Some(Side::Now),
            None => within(before).then_some(Side::Before),
        };
        let Some(side) = side else { return };
        if side == Side::Now {
            self.newest = Some(self.newest.map_or(ts, |newest| newest.max(ts)));
        }
        self.windows.add(side, series, ts, value, occurs);
    }
}

/// How long a stretch is when nothing else is said.
const SPAN: Span = Span::from_secs(3600);
