//! Checks for what should come and does not: the time since the last one, and only while there is something to do.
//!
//! That no build starts says nothing on a Sunday. So what is counted is held against what drives it: another count
//! that moves with it, and not after it. Which of the two drives need not be known: the pair is tried both ways
//! round, and the backtest shows that one of them never fires.

use super::Study;
use super::gather::Sort;
use super::known::{self, Sign};
use super::propose::{self, Group, Proposal, Variant, name_of, selector};
use super::words;
use crate::math::correlation;
use crate::record::{Series, Tags, show};
use crate::time::Span;

/// Of fewer occurrences nothing is said.
const LEAST: u64 = 100;
/// A driver's hours correlate with those of what it drives at least so.
const DRIVES: f64 = 0.6;
/// How many drivers of one count are tried.
const DRIVERS: usize = 2;
/// How long may be waited while there is something to do, in minutes.
const WAITS: [u32; 6] = [10, 20, 30, 45, 60, 120];

/// All series of one metric that counts, together.
struct Count {
    metric: String,
    row: usize,
    /// How many there were in each hour that the history covers.
    hours: Vec<Option<f64>>,
    /// The longest time between two, in the history.
    gap: Span,
}

/// Proposes checks for the counts of a study.
pub(super) fn silences(study: &Study) -> Vec<Proposal> {
    let counts = counts(study);
    let every = propose::every(study);
    let mut proposals = Vec::new();
    for count in &counts {
        let mut drivers: Vec<(f64, &Count)> = counts
            .iter()
            .filter(|other| other.metric != count.metric)
            .map(|other| (correlation(&count.hours, &other.hours).0, other))
            .filter(|(r, _)| *r >= DRIVES)
            .collect();
        drivers.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.metric.cmp(&other.1.metric)));
        proposals.extend(drivers.iter().take(DRIVERS).map(|(r, driver)| driven(count, driver, *r, every)));
        if drivers.is_empty() {
            proposals.push(alone(study, count, every));
        }
    }
    proposals
}

fn counts(study: &Study) -> Vec<Count> {
    let mut counts: Vec<(Count, u64)> = Vec::new();
    let per_hour = study.table.columns_of(Span::from_secs(3600));
    for (at, row) in study.table.rows.iter().enumerate() {
        if !matches!(row.sort, Sort::Delta | Sort::Occurrence) || row.sign == Sign::Errors {
            continue;
        }
        let hours: Vec<f64> =
            row.values.chunks(per_hour).map(|chunk| chunk.iter().flatten().map(|value| f64::from(*value)).sum()).collect();
        match counts.iter_mut().find(|(count, _)| count.metric == row.series.metric) {
            Some((count, samples)) => {
                count.hours.iter_mut().zip(hours).for_each(|(all, own)| *all = all.map(|all| all + own));
                *samples += row.samples;
                count.gap = count.gap.min(gap(study, at));
            }
            None => {
                let count =
                    Count { metric: row.series.metric.clone(), row: at, hours: hours.into_iter().map(Some).collect(), gap: gap(study, at) };
                counts.push((count, row.samples));
            }
        }
    }
    counts.into_iter().filter(|(_, samples)| *samples >= LEAST).map(|(count, _)| count).collect()
}

/// The longest time without any, of those that lie within the history.
fn gap(study: &Study, row: usize) -> Span {
    let (mut longest, mut run) = (0, 0);
    for value in study.table.rows[row].values.iter().flatten() {
        run = if *value > 0.0 { 0 } else { run + 1 };
        longest = longest.max(run);
    }
    study.table.step.times(longest)
}

fn driven(count: &Count, driver: &Count, r: f64, every: Span) -> Proposal {
    let (own, drives) = (bare(&count.metric), bare(&driver.metric));
    let condition = |minutes: &u32| format!("age({own}) > {minutes}m and count({drives}, {minutes}m) > 0 for 5m");
    let variants = WAITS.iter().map(|wait| Variant { condition: condition(wait), clear: None });
    let (own, drives) = (show(count.metric.as_bytes(), 80), show(driver.metric.as_bytes(), 80));
    let mut reasons = vec![format!(
        "{own} comes when {drives} does (their hours correlate by {r:.2}). By itself its silence says nothing: it lasted {} once. That {drives} comes and {own} does not says much.",
        count.gap.human()
    )];
    reasons.extend(advice(&count.metric));
    let is_work = words::words(&count.metric)
        .iter()
        .any(|word| matches!(word.as_str(), "started" | "finished" | "delivered" | "done" | "processed" | "completed"));
    let group = if is_work { Group::Must } else { Group::Could };
    let name = format!("{}-missing", name_of(&count.metric, &Tags::new()));
    Proposal {
        name,
        group,
        reasons,
        row: count.row,
        by: Vec::new(),
        no_data_ok: true,
        variants: variants.collect(),
        is_known: false,
        every,
    }
}

fn alone(study: &Study, count: &Count, every: Span) -> Proposal {
    let own = bare(&count.metric);
    let least = count.gap.secs_f64().max(300.0);
    let variants = [1.2, 1.5, 2.0, 3.0].iter().filter_map(|factor| {
        let wait = Span::from_secs_f64((least * factor / 300.0).ceil() * 300.0)?;
        Some(Variant { condition: format!("age({own}) > {wait}"), clear: None })
    });
    let mut reasons = vec![format!("The longest time without {} was {}.", show(count.metric.as_bytes(), 80), count.gap.human())];
    reasons.extend(advice(&count.metric));
    let name = format!("{}-silent", name_of(&count.metric, &Tags::new()));
    let no_data_ok = study.table.rows[count.row].sort == Sort::Occurrence;
    Proposal {
        name,
        group: Group::Could,
        reasons,
        row: count.row,
        by: Vec::new(),
        no_data_ok,
        variants: variants.collect(),
        is_known: false,
        every,
    }
}

fn advice(metric: &str) -> Option<String> {
    let known = known::known(&words::words(metric))?;
    Some(format!("{}: {}.", known.source, known.advice))
}

fn bare(metric: &str) -> String {
    selector(&Series::new(metric), &Tags::new())
}
