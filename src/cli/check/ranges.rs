//! Ranges of monitoring plugins as `--warning` and `--critical`, held against a value.
//!
//! `check -w 10:20 -c ~:30 'last(queue.depth)' FILE` says the same as two conditions. What stands
//! where is told by the language: an option is a condition when it reads as one, and no text is both a
//! condition and a range. Only when no option is a condition are they ranges, and the first argument
//! is then the value, a sum without a comparison; else it is a file, as it is beside conditions.

use super::super::Failure;
use crate::record::show;
use crate::rule::{Range, RuleError, is_value, parse};

/// Turns ranges into conditions, and takes the value that they are held against from the arguments.
///
/// Shape: `levels` are options by their names. Does nothing when these are conditions, or are not given.
///
/// # Errors
/// [`Failure::Usage`] when ranges and conditions are mixed, a range is wrong, or there is no value.
pub(super) fn to_conditions(arguments: &mut Vec<String>, levels: [(&str, &mut Option<String>); 2]) -> Result<(), Failure> {
    let first = arguments.first().cloned();
    let mut ranges = Vec::new();
    let mut condition = None;
    for (option, slot) in levels {
        let Some(text) = slot.clone() else { continue };
        if parse(&text).is_ok() {
            condition.get_or_insert((option, text));
        } else if looks_like_range(&text) || first.as_deref().is_some_and(is_surely_value) {
            ranges.push((option, text, slot));
        }
    }
    if let (Some((range, text, _)), Some((other, condition))) = (ranges.first(), &condition) {
        let message = format!("--{range}: `{}` is a range, and --{other} `{}` a condition: choose one", quoted(text), quoted(condition));
        return Err(Failure::usage_hint(message, "two ranges go with a value, like -w 10:20 -c ~:30 'last(x)'; two conditions with files"));
    }
    for (option, text, slot) in ranges.iter_mut() {
        let range = Range::parse(text).map_err(|error| wrong(option, text, error))?;
        let value = first.as_deref().filter(|value| is_value(value)).ok_or_else(|| no_value(option, text, first.as_deref()))?;
        **slot = Some(range.condition(value));
    }
    if !ranges.is_empty() {
        arguments.remove(0);
    }
    Ok(())
}

/// Whether a text can only be meant as a range: it begins as one, and nothing in it is said of a metric.
fn looks_like_range(text: &str) -> bool {
    text.is_empty()
        || Range::parse(text).is_ok()
        || (text.starts_with(|c: char| c.is_ascii_digit() || "@~:-.+".contains(c)) && !text.contains(['(', '<', '>', '=', '{']))
}

/// Whether a text is a value and no file: `queue.depth` may be both.
fn is_surely_value(text: &str) -> bool {
    text.contains(['(', ' ', '{']) && is_value(text)
}

fn wrong(option: &str, text: &str, error: RuleError) -> Failure {
    Failure::Usage(format!("--{option}:{}", error.render(text)), error.hint)
}

fn no_value(option: &str, range: &str, found: Option<&str>) -> Failure {
    let range = quoted(range);
    let hint = format!("name the value first, like check --{option} {range} 'last(queue.depth)' FILE");
    let message = match found {
        None => format!("--{option}: the range `{range}` has no value to be held against"),
        Some(found) if parse(found).is_ok() => {
            format!("--{option}: the range `{range}` is held against a value, and `{}` is a condition", quoted(found))
        }
        Some(found) => format!("--{option}: the range `{range}` is held against a value, and `{}` is none", quoted(found)),
    };
    Failure::usage_hint(message, hint)
}

fn quoted(text: &str) -> String {
    show(text.as_bytes(), 60)
}
