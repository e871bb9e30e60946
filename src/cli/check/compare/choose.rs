//! Which two stretches are compared.
//!
//! | typed                          | now                               | before                                |
//! |--------------------------------|-----------------------------------|---------------------------------------|
//! | `--since A [--until B]`        | A to B                            | as long, right before A               |
//! | `… --reference-since C [--reference-until D]` | A to B             | C to D, or as long as now             |
//! | `--reference FILE`             | the inputs                        | that file                             |
//! | `--around EVENT`               | a span from the newest such event | as long, right before it              |
//! | `--after EVENT`                | a span from the newest such event | as long, from the event before that   |

use clap::{Arg, ArgMatches};

use super::{Nowhere, SPAN};
use crate::cli::check::TOOL;
use crate::cli::{Failure, Inputs, Io, input};
use crate::ndjson::{Item, Samples};
use crate::record::{Record, nearest, show};
use crate::rule::compare::Stretch;
use crate::store::read::Range;
use crate::time::{Span, Timestamp};

/// The options that choose.
pub(super) fn options() -> [Arg; 6] {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    [
        value("reference", "FILE", "Compare with this file or history").conflicts_with_all(["around", "after"]),
        value("reference-since", "TIME", "Where the stretch to compare with begins").conflicts_with_all(["around", "after"]),
        value("reference-until", "TIME", "Where it ends").conflicts_with_all(["around", "after"]),
        value("around", "EVENT", "What came after the newest EVENT against what came before it").conflicts_with_all(["after", "since"]),
        value("after", "EVENT", "What came after the newest EVENT against what came after the one before").conflicts_with("since"),
        value("span", "DURATION", "How long both stretches are, with --around and --after [default: 1h]"),
    ]
}

/// The stretches; `None`: all of that input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretches {
    pub(super) now: Option<Stretch>,
    pub(super) before: Option<Stretch>,
}

impl Stretches {
    /// What of the inputs is to be read.
    pub(super) fn whole(&self, apart: bool) -> Range {
        let range = |stretch: Stretch| Range { since: Some(stretch.from), until: Some(stretch.to) };
        match (self.now, self.before) {
            (Some(now), Some(before)) if !apart => Range { since: Some(now.from.min(before.from)), until: Some(now.to.max(before.to)) },
            (now, _) => now.map_or(Range::default(), range),
        }
    }
}

/// What was typed.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) reference: Option<String>,
    how: How,
}

#[derive(Debug)]
enum How {
    Times { now: Range, before: Range },
    Around(String, Span),
    After(String, Span),
}

impl Choice {
    pub(super) fn new(matches: &ArgMatches, io: &Io) -> Result<Choice, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let reference = text("reference").map(str::to_owned);
        let span = text("span").map(|text| Span::parse(text).map_err(|error| Failure::usage(format!("--span: {error}")))).transpose()?;
        let span_or = span.unwrap_or(SPAN);
        if span_or.is_zero() {
            return Err(Failure::usage("--span: a stretch can't be no time; write a duration like `1h`"));
        }
        let how = match (text("around"), text("after")) {
            (Some(event), _) => How::Around(event.to_owned(), span_or),
            (_, Some(event)) => How::After(event.to_owned(), span_or),
            _ if span.is_some() => return Err(Failure::usage("--span belongs to --around or --after")),
            _ => How::Times { now: input::range(matches, io)?, before: reference_range(matches, io)? },
        };
        let has_time = matches!(&how, How::Times { now: Range { since: None, .. }, .. }).then_some(());
        if reference.is_none() && has_time.is_some() {
            let hint = "name them: --since TIME, --around EVENT, --after EVENT, or --reference FILE; see check compare --help";
            return Err(Failure::usage_hint("there are no two stretches to compare", hint));
        }
        Ok(Choice { reference, how })
    }

    /// Works out the stretches; for events the inputs are read.
    pub(super) fn stretches(&self, paths: &[String], matches: &ArgMatches, io: &mut Io) -> Result<Stretches, Failure> {
        match &self.how {
            How::Times { now, before } => times(*now, *before, self.reference.is_some(), io.now()),
            How::Around(event, span) => {
                let [.., at] = instants(event, paths, matches, io)?[..] else { return Err(none(event)) };
                Ok(Stretches { now: Some(of(at, *span)), before: Some(of(at.minus(*span), *span)) })
            }
            How::After(event, span) => {
                let [.., last, at] = instants(event, paths, matches, io)?[..] else {
                    return Err(Failure::Data(format!("--after {}: there are not two such events", show(event.as_bytes(), 80))));
                };
                // What follows the earlier one ends where the newer one begins.
                let span = (*span).min(at.since(last));
                Ok(Stretches { now: Some(of(at, span)), before: Some(of(last, span)) })
            }
        }
    }
}

fn of(from: Timestamp, span: Span) -> Stretch {
    Stretch { from, to: from.plus(span) }
}

fn reference_range(matches: &ArgMatches, io: &Io) -> Result<Range, Failure> {
    let instant = |id: &str| -> Result<Option<Timestamp>, Failure> {
        let text = matches.get_one::<String>(id);
        text.map(|text| Timestamp::parse_loose(text, io.now()).map_err(|error| Failure::usage(format!("--{id}: {error}")))).transpose()
    };
    Ok(Range { since: instant("reference-since")?, until: instant("reference-until")? })
}

/// The stretches of times that were typed.
fn times(now: Range, before: Range, apart: bool, clock: Timestamp) -> Result<Stretches, Failure> {
    let judged = |range: Range| range.since.map(|from| Stretch { from, to: range.until.unwrap_or(clock) });
    let this = match (judged(now), now.until) {
        (None, Some(to)) => Some(Stretch { from: Timestamp::MIN, to }),
        (this, _) => this,
    };
    let length = this.map(Stretch::length);
    let that = match (before.since, before.until) {
        (Some(from), Some(to)) => Some(Stretch { from, to }),
        (Some(from), None) => Some(Stretch { from, to: if apart { Timestamp::MAX } else { from.plus(length.unwrap_or(SPAN)) } }),
        (None, Some(to)) => Some(Stretch { from: if apart { Timestamp::MIN } else { to.minus(length.unwrap_or(SPAN)) }, to }),
        (None, None) if apart => None,
        (None, None) => this.map(|this| Stretch { from: this.from.minus(this.length()), to: this.from }),
    };
    for (what, stretch) in [("--since", this), ("--reference-since", that)] {
        if let Some(Stretch { from, to }) = stretch.filter(|stretch| stretch.from >= stretch.to) {
            return Err(Failure::usage(format!("{what} {from} is not before {to}, where the stretch ends")));
        }
    }
    if let (Some(this), Some(that), false) = (this, that, apart)
        && this.from < that.to
        && that.from < this.to
    {
        return Err(Failure::usage(format!("the stretches overlap: {} to {}, and {} to {}", this.from, this.to, that.from, that.to)));
    }
    Ok(Stretches { now: this, before: that })
}

/// When the events of a name were, ascending.
fn instants(name: &str, paths: &[String], matches: &ArgMatches, io: &mut Io) -> Result<Vec<Timestamp>, Failure> {
    let mut inputs = Inputs::of_paths(TOOL.name, paths.to_vec(), matches, io)?;
    if inputs.has_stdin() {
        let hint = "write it to a file first";
        return Err(Failure::usage_hint("events are looked for first, and standard input can be read only once", hint));
    }
    let mut samples = Samples::new();
    let (mut found, mut names) = (Vec::new(), std::collections::BTreeSet::new());
    let now = io.now();
    inputs.each(io, &mut Nowhere, &mut |line, _| {
        if let Item::Other(record) = samples.read(line)?
            && let Record::Event(event) = *record
        {
            match event.event == name {
                true if event.ts <= now => found.push(event.ts),
                _ if names.len() < 1000 => drop(names.insert(event.event)),
                _ => {}
            }
        }
        Ok(())
    })?;
    found.sort();
    if found.is_empty() {
        let near = nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{}`?", show(near.as_bytes(), 80)));
        let message = format!("there is no event `{}`", show(name.as_bytes(), 80));
        return Err(near.map_or_else(|| none(name), |hint| Failure::usage_hint(message, hint)));
    }
    Ok(found)
}

fn none(event: &str) -> Failure {
    Failure::Data(format!("there is no event `{}`", show(event.as_bytes(), 80)))
}
