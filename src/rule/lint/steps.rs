//! What is wrong by how often a check is judged: times that are shorter than the step between two
//! evaluations, or do not fall on it.

use super::{Part, Report, conditions, each_part};
use crate::rule::Check;
use crate::time::Span;

pub(super) fn lint(check: &Check, found: &mut Report) {
    let step = check.every;
    for (key, condition) in conditions(check) {
        each_part(&condition.logic, &mut |part| match part {
            Part::For(span) if span < step => {
                let message = format!("`for {span}` is shorter than the step of {step} between evaluations, so it holds nothing back");
                let or = if span >= Check::EVERY { format!(", or set `every = \"{span}\"`") } else { String::new() };
                found.tell((key, None), message, format!("write `for {step}` or more{or}"));
            }
            Part::For(span) if span.nanos() % step.nanos() != 0 => {
                let message = format!("`for {span}` is no multiple of the step of {step} between evaluations");
                found.tell((key, None), message, format!("write `for {}`, as which it counts", rounded_up(span, step)));
            }
            Part::Call(call) => {
                if let Some(window) = call.window.filter(|window| *window < step) {
                    let message =
                        format!("window {window} is shorter than the step of {step}: what comes between two evaluations is never seen");
                    found.tell((key, Some(call.place)), message, "make the window longer, or `every` shorter".to_owned());
                }
            }
            _ => {}
        });
    }
    let spans = [("keep_firing_for", check.keep_firing_for), ("grace", check.grace), ("no_data", check.no_data_for)];
    for (key, span) in spans {
        if !span.is_zero() && span < step {
            let message = format!("`{key}` of {span} is shorter than the step of {step} between evaluations, so it changes nothing");
            found.tell((key, None), message, None);
        }
    }
}

/// The least multiple of a step that is not less than a span.
fn rounded_up(span: Span, step: Span) -> Span {
    let steps = (span.nanos() / step.nanos()).saturating_add(1);
    Span::from_nanos(steps.saturating_mul(step.nanos()))
}
