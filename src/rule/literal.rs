//! What stands for itself in a condition: numbers with units, patterns, the names of functions.

use regex::RegexBuilder;

use super::error::RuleError;
use super::syntax::{Function, Literal, Place};
use crate::record::nearest;
use crate::record::show;
use crate::time::Span;

/// The units of sizes, with what they multiply by.
const SIZES: [(&str, f64); 8] = [
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
];

/// A regular expression over a tag's whole value, as Prometheus anchors it; bounded in size.
pub(super) fn pattern(value: &str) -> Result<regex::Regex, regex::Error> {
    let build = |text: &str| RegexBuilder::new(text).size_limit(1 << 20).build();
    // By itself first: `a)|(b` would be whole only between the parentheses added here.
    build(value).and_then(|_| build(&format!(r"\A(?s:{value})\z")))
}

/// A call of what is no function, with the nearest one that is.
pub(super) fn unknown_function(name: &str, place: Place) -> RuleError {
    let error = RuleError::new(format!("unknown function `{}`", show(name.as_bytes(), 40)), place);
    let known = match name {
        "avg" | "average" => Some("mean"),
        "perc" | "percentile" | "quantile" => Some("p95"),
        "std" | "dev" => Some("stddev"),
        "latest" | "current" | "value" => Some("last"),
        _ => nearest(name, Function::NAMES.into_iter().chain(["absent"])),
    };
    match known {
        Some(known) => error.hint(format!("did you mean `{known}`?")),
        None => error.hint(format!("there are {} and pNN, like p95", Function::NAMES.join(", "))),
    }
}

/// What the language has and this version does not.
pub(super) fn not_yet(what: &str, place: Place, instead: &str) -> RuleError {
    RuleError::new(format!("{what} is not yet part of this version"), place).hint(format!("until then {instead}"))
}

/// Reads `500`, `2.5k`, `4Gi`, `95%`, `90s`.
pub(super) fn literal(text: &str, place: Place) -> Result<Literal, RuleError> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let exponent =
        text[split..].starts_with(['e', 'E']) && text[split + 1..].trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit());
    let (number, unit) = if exponent { (text, "") } else { text.split_at(split) };
    let Ok(value) = number.parse::<f64>() else {
        return Err(RuleError::new(format!("`{}` is not a number", show(text.as_bytes(), 40)), place));
    };
    if !value.is_finite() {
        return Err(RuleError::new("the number is beyond the range of a double", place));
    }
    if unit.is_empty() {
        return Ok(Literal::Plain(value));
    }
    if unit == "%" {
        return Ok(Literal::Percent(value));
    }
    // Bytes may be named: `5GiB`, and `5GiBy` as the format writes them.
    let size = unit.strip_suffix("By").or(unit.strip_suffix('B')).unwrap_or(unit);
    if size.is_empty() {
        return Ok(Literal::Plain(value));
    }
    if let Some((_, factor)) = SIZES.iter().find(|(name, _)| *name == size) {
        return Ok(Literal::Plain(value * factor));
    }
    if let Ok(span) = Span::parse(text) {
        return Ok(Literal::Duration(span.secs_f64()));
    }
    let error = RuleError::new(format!("`{}` has no known unit: `{}`", show(text.as_bytes(), 40), show(unit.as_bytes(), 20)), place);
    Err(error.hint("units are %, the sizes k M G T Ki Mi Gi Ti, and the durations ms s m h d w"))
}
