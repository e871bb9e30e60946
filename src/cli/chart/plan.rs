//! What was typed for `chart`, and what it means.

use clap::ArgMatches;

use crate::calendar::Zone;
use crate::cli::{Failure, Io};
use crate::record::{Stat, nearest, show};
use crate::time::Span;

/// Which picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Lines,
    Sparks,
    Horizon,
    Heat,
    Bars,
}

const KINDS: [(&str, Kind); 5] =
    [("lines", Kind::Lines), ("sparks", Kind::Sparks), ("horizon", Kind::Horizon), ("heat", Kind::Heat), ("bars", Kind::Bars)];

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Svg,
    Html,
}

/// Everything about the picture but the records.
pub(super) struct Plan {
    /// `None`: by how many series there are.
    pub(super) kind: Option<Kind>,
    /// Patterns of names, in which `*` stands for anything; none: all.
    pub(super) metrics: Vec<String>,
    /// The tags that keep series apart; `None`: all.
    pub(super) by: Option<Vec<String>>,
    pub(super) stat: Option<Stat>,
    pub(super) last: Option<Span>,
    pub(super) limits: Vec<Bound>,
    pub(super) compare: Option<Span>,
    pub(super) bands: usize,
    pub(super) base: f64,
    pub(super) most: usize,
    pub(super) live: bool,
    pub(super) format: Format,
    pub(super) title: Option<String>,
    pub(super) width: Option<usize>,
    pub(super) height: Option<usize>,
    /// The reader's clock.
    pub(super) zone: Zone,
    pub(super) ascii: bool,
    pub(super) colour: bool,
}

impl Plan {
    /// Finds every mistake in what was typed.
    pub(super) fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
        let format = match (matches.get_flag("svg"), matches.get_flag("html")) {
            (true, _) => Format::Svg,
            (_, true) => Format::Html,
            _ => Format::Text,
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| io.env.get(*name).filter(|value| !value.is_empty()));
        // Who says nothing about letters is taken to read them all; who says `C` is not.
        let plain = locale.is_some_and(|locale| !locale.to_ascii_uppercase().replace('-', "").contains("UTF8"));
        Ok(Plan {
            kind: text("kind").map(kind).transpose()?,
            metrics: text("metric").map_or_else(Vec::new, list),
            by: text("by").map(list),
            stat: text("stat").map(stat).transpose()?,
            last: span(matches, "last")?,
            limits: matches.get_many::<String>("limit").into_iter().flatten().map(|text| limit(text)).collect::<Result<_, _>>()?,
            compare: span(matches, "compare")?,
            bands: number(matches, "bands", 1, 4)?.unwrap_or(2),
            base: text("base").map(base).transpose()?.unwrap_or(0.0),
            most: number(matches, "most", 1, 200)?.unwrap_or(40),
            live: matches.get_flag("live"),
            format,
            title: text("title").map(str::to_owned),
            width: number(matches, "width", 20, 4000)?,
            height: number(matches, "height", 5, 4000)?,
            zone: zone(text("zone"), io)?,
            ascii: matches.get_flag("ascii") || plain,
            colour: io.colour_stdout(),
        })
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = pattern.rsplit_once('*').map(|(_, last)| last) else { return rest.is_empty() };
    for part in parts.clone().take(parts.count().saturating_sub(1)) {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn kind(text: &str) -> Result<Kind, Failure> {
    if let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == text) {
        return Ok(*kind);
    }
    let names = KINDS.map(|(name, _)| name);
    let message = format!("--kind: `{}` is none of {}", show(text.as_bytes(), 60), names.join(", "));
    Err(match nearest(text, names) {
        Some(near) => Failure::usage_hint(message, format!("did you mean `{near}`?")),
        None => Failure::usage(message),
    })
}

/// The zone that was typed, else that of the environment or the machine, else UTC.
fn zone(typed: Option<&str>, io: &Io) -> Result<Zone, Failure> {
    if let Some(name) = typed {
        return Zone::named(name).map_err(|error| match error.hint {
            Some(hint) => Failure::usage_hint(format!("--zone: {}", error.message), hint),
            None => Failure::usage(format!("--zone: {}", error.message)),
        });
    }
    let set = io.env.get("TZ").filter(|name| !name.is_empty()).cloned();
    // Where the machine's zone is a link, as it mostly is, its name stands in the link.
    let linked = || Some(std::fs::read_link("/etc/localtime").ok()?.to_str()?.split_once("zoneinfo/")?.1.to_owned());
    let name = set.or_else(|| if io.is_process { linked() } else { None });
    Ok(name.and_then(|name| Zone::named(&name).ok()).unwrap_or(Zone::UTC))
}

fn stat(text: &str) -> Result<Stat, Failure> {
    Stat::parse(text).filter(|stat| *stat != Stat::Sketch).ok_or_else(|| {
        let message = format!("--stat: `{}` is no number of a window", show(text.as_bytes(), 60));
        match nearest(text, Stat::NAMES) {
            Some(near) => Failure::usage_hint(message, format!("did you mean `{near}`?")),
            None => Failure::usage_hint(message, format!("these are: {}, p95", Stat::NAMES.join(", "))),
        }
    })
}

fn span(matches: &ArgMatches, id: &str) -> Result<Option<Span>, Failure> {
    let Some(text) = matches.get_one::<String>(id) else { return Ok(None) };
    match Span::parse(text) {
        Ok(span) if !span.is_zero() => Ok(Some(span)),
        Ok(_) => Err(Failure::usage(format!("--{id}: must be longer than nothing"))),
        Err(error) => Err(Failure::usage(format!("--{id}: {error}"))),
    }
}

fn number(matches: &ArgMatches, id: &str, least: usize, most: usize) -> Result<Option<usize>, Failure> {
    let Some(text) = matches.get_one::<String>(id) else { return Ok(None) };
    match text.parse::<usize>() {
        Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
        _ => Err(Failure::usage(format!("--{id}: `{}` is not a whole number from {least} to {most}", show(text.as_bytes(), 40)))),
    }
}

fn base(text: &str) -> Result<f64, Failure> {
    let found = text.parse::<f64>().ok().filter(|base| base.is_finite());
    found.ok_or_else(|| Failure::usage(format!("--base: `{}` is not a number", show(text.as_bytes(), 40))))
}

/// A value to mark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    pub(super) value: f64,
    /// Whether it is a number of seconds, to be converted to the unit of what is drawn.
    pub(super) is_time: bool,
}

/// Reads `500`, `90s`, `2GiB`, `95%`.
fn limit(text: &str) -> Result<Bound, Failure> {
    if let Ok(span) = Span::parse(text) {
        return Ok(Bound { value: span.secs_f64(), is_time: true });
    }
    const SIZES: [(&str, f64); 9] = [
        ("KiB", 1024.0),
        ("MiB", 1_048_576.0),
        ("GiB", 1_073_741_824.0),
        ("TiB", 1_099_511_627_776.0),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("%", 1.0),
        ("", 1.0),
    ];
    let sized = SIZES.iter().find_map(|(unit, size)| Some(text.strip_suffix(unit)?.trim().parse::<f64>().ok()? * size));
    let value = sized.filter(|value| value.is_finite()).ok_or_else(|| {
        let message = format!("--limit: `{}` is not a value", show(text.as_bytes(), 40));
        Failure::usage_hint(message, "write a number with or without a unit: `500`, `90s`, `2GiB`, `95%`")
    })?;
    Ok(Bound { value, is_time: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_names() {
        for (pattern, name, fit) in [
            ("queue.depth", "queue.depth", true),
            ("queue.depth", "queue.depths", false),
            ("queue.*", "queue.depth", true),
            ("*.depth", "queue.depth", true),
            ("q*e.*h", "queue.depth", true),
            ("*", "x", true),
            ("a*b*c", "abxbc", true),
            ("a*b", "ac", false),
            ("a*", "", false),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }

    #[test]
    fn limits_are_read_with_their_unit() {
        for (text, value) in [("500", 500.0), ("90s", 90.0), ("2GiB", 2_147_483_648.0), ("95%", 95.0), ("1.5k", 1500.0), ("-3", -3.0)] {
            assert_eq!(limit(text).unwrap().value, value, "{text}");
        }
        assert!(limit("many").is_err() && limit("inf").is_err());
    }
}
