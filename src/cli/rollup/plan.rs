//! What was typed for `rollup`, and what it means.

use clap::ArgMatches;

use crate::cli::Failure;
use crate::math::Sketch;
use crate::record::{Stat, Synthetic};
use crate::time::Span;
use crate::window::{By, Fill, Plan};

/// The numbers given when none were asked for.
const STATS: &str = "count,sum,min,max,mean,p50,p95,p99";

/// What to do.
#[derive(Debug)]
pub(super) struct Work {
    /// The windows to make.
    pub(super) plan: Plan,
    /// Windows by gap instead.
    pub(super) session: Option<Span>,
    /// Whether windows are merged as they are, their length told by the first one.
    pub(super) merge: bool,
    /// How far in the future a record may be.
    pub(super) ahead: Span,
}

impl Work {
    /// Reads what was typed; every mistake is found here.
    pub(super) fn new(matches: &ArgMatches) -> Result<Work, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let span = |id: &str| -> Result<Option<Span>, Failure> {
            text(id).map(|text| Span::parse(text).map_err(|error| Failure::usage(format!("--{id}: {error}")))).transpose()
        };
        let every = span("every")?;
        let slide = span("slide")?;
        let session = span("session")?;
        let merge = matches.get_flag("merge");
        let (every_or, slide_or) = lengths(every, slide)?;
        if session.is_some_and(Span::is_zero) {
            return Err(Failure::usage("--session: the gap must be longer than 0s"));
        }
        let plan = Plan {
            every: every_or,
            slide: slide_or,
            late: span("late")?.unwrap_or(Span::from_secs(2)),
            by: by(text("by")),
            stats: stats(text("stats").unwrap_or(STATS))?,
            fill: fill(text("fill"))?,
            max_groups: max_series(text("max-series"))?,
            synthetic: synthetic(text("synthetic"))?,
            sketch: sketch(text("error").unwrap_or("1%"))?,
        };
        // Merging keeps every tag unless told otherwise: the parts differ in what was left out before.
        let plan = if merge && text("by").is_none() { Plan { by: By::All, ..plan } } else { plan };
        Ok(Work { plan, session, merge: merge && every.is_none(), ahead: span("ahead")?.unwrap_or(Span::from_secs(86_400)) })
    }
}

/// The length of a window and the step between windows.
fn lengths(every: Option<Span>, slide: Option<Span>) -> Result<(Span, Span), Failure> {
    let every = every.unwrap_or(Span::from_secs(10));
    let slide = slide.unwrap_or(every);
    if every.is_zero() || slide.is_zero() {
        return Err(Failure::usage("--every and --slide must be longer than 0s"));
    }
    if slide > every || every.nanos() % slide.nanos() != 0 {
        let hint = "choose a --slide that fits a whole number of times into --every";
        return Err(Failure::usage_hint(format!("--slide {slide} does not divide --every {every}"), hint));
    }
    if every.nanos() / slide.nanos() > 10_000 {
        return Err(Failure::usage(format!("--slide {slide} makes more than 10000 windows overlap within --every {every}")));
    }
    Ok((every, slide))
}

fn synthetic(text: Option<&str>) -> Result<Synthetic, Failure> {
    let read = text.map(|text| Synthetic::parse(text).map_err(|why| Failure::usage(format!("--synthetic: {why}"))));
    Ok(read.transpose()?.unwrap_or_default())
}

fn by(text: Option<&str>) -> By {
    match text {
        Some("*") => By::All,
        Some(text) => By::Tags(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()),
        None => By::Tags(Vec::new()),
    }
}

fn stats(text: &str) -> Result<Vec<Stat>, Failure> {
    let mut stats = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let Some(stat) = Stat::parse(name) else {
            let message = format!("--stats: `{}` is no statistic", crate::record::show(name.as_bytes(), 40));
            let hint = match crate::record::nearest(name, Stat::NAMES) {
                Some(near) => format!("did you mean `{near}`? There are {} and pNN", Stat::NAMES.join(", ")),
                None => format!("there are {} and pNN, like p95 or p99.9", Stat::NAMES.join(", ")),
            };
            return Err(Failure::usage_hint(message, hint));
        };
        if !stats.contains(&stat) {
            stats.push(stat);
        }
    }
    if stats.is_empty() {
        return Err(Failure::usage("--stats: name at least one"));
    }
    stats.sort();
    Ok(stats)
}

fn fill(text: Option<&str>) -> Result<Fill, Failure> {
    match text {
        None => Ok(Fill::None),
        Some("null") => Ok(Fill::Null),
        Some("zero") => Ok(Fill::Zero),
        Some("last") => Ok(Fill::Last),
        Some(other) => {
            Err(Failure::usage(format!("--fill: expected null, zero or last, found `{}`", crate::record::show(other.as_bytes(), 40))))
        }
    }
}

fn max_series(text: Option<&str>) -> Result<usize, Failure> {
    match text.map(str::parse::<usize>) {
        None => Ok(100_000),
        Some(Ok(most)) if (1..=10_000_000).contains(&most) => Ok(most),
        Some(_) => Err(Failure::usage("--max-series: expected a number from 1 to 10000000")),
    }
}

/// Reads `1%` or `0.01` as the relative error of sketches.
fn sketch(text: &str) -> Result<Sketch, Failure> {
    let ratio = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    let shown = crate::record::show(text.as_bytes(), 40);
    let Ok(ratio) = ratio else {
        return Err(Failure::usage(format!("--error: expected a ratio like 1% or 0.01, found `{shown}`")));
    };
    Sketch::new(ratio).map_err(|error| Failure::usage(format!("--error: {error}")))
}
