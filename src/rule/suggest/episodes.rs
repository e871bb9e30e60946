//! Stretches of time in which much was out of the ordinary at once: past deviations, incidents perhaps.
//!
//! In each column counts of how many entities some series deviates (three columns may lie between what
//! belongs together). Were they independent, that number would be one of Poisson around its usual; where it
//! is far beyond (four roots and two more), an episode stands. Neighbours within half an hour are one.

use super::table::Table;
use crate::math::{quantile_sorted, sort_values};
use crate::time::{Span, Timestamp};

/// Episodes so near to one another are one.
const NEAR: Span = Span::from_secs(1800);
/// How many are kept, the gravest.
const MOST: usize = 50;
/// An episode counts as grave when it has so many times the weight of the one in the middle.
const GRAVE: f64 = 2.0;
/// Of fewer episodes none is in the middle, and all may be grave.
const SOME: usize = 5;
/// Farther than so many times its reach no entity counts: one alone must not be the whole weight.
const MOST_TIMES: f64 = 50.0;

/// A stretch in which much deviated.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// The start of its first column.
    pub from: Timestamp,
    /// The end of its last one.
    pub to: Timestamp,
    /// How far what users feel went, added up over the entities: for each, how many times as far from its middle as
    /// all but one in two hundred of its values, times how much its sign is felt.
    pub weight: f64,
    /// Whether it is among the gravest, or was named by people.
    pub grave: bool,
    /// Its columns.
    pub(super) columns: (usize, usize),
}

/// Finds the episodes of a history, in the order of time; `most_grave` of them are grave at most.
pub(super) fn episodes(table: &Table, most_grave: usize) -> Vec<Episode> {
    let (counts, entities) = deviating(table);
    let mut sorted = counts.clone();
    sort_values(&mut sorted);
    let mean = counts.iter().sum::<f64>() / counts.len().max(1) as f64;
    let usual = quantile_sorted(&sorted, 0.5).unwrap_or(0.0).max(mean.min(entities / 4.0));
    let border = (usual + 4.0 * usual.sqrt() + 2.0).min((usual + entities) / 2.0).max(2.0);
    let near = table.columns_of(NEAR);
    let mut episodes: Vec<Episode> = Vec::new();
    for (column, _) in counts.iter().enumerate().filter(|(_, count)| **count >= border) {
        let to = table.times[column].plus(table.step);
        match episodes.last_mut().filter(|last| column - last.columns.1 <= near && table.times[column].since(last.to) <= NEAR) {
            Some(last) => (last.to, last.columns.1) = (to, column),
            None => episodes.push(Episode { from: table.times[column], to, weight: 0.0, grave: false, columns: (column, column) }),
        }
    }
    episodes.iter_mut().for_each(|episode| episode.weight = weight(table, episode));
    episodes.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    let least = if episodes.len() < SOME { 0.0 } else { GRAVE * episodes[episodes.len() / 2].weight };
    episodes.truncate(MOST);
    let grave = episodes.iter_mut().take(most_grave.max(1));
    grave.for_each(|episode| episode.grave = episode.weight >= least);
    episodes.sort_by_key(|episode| episode.from);
    episodes
}

/// How grave an episode is.
fn weight(table: &Table, episode: &Episode) -> f64 {
    let mut worst = vec![0.0_f64; table.entities.len()];
    for row in table.rows.iter().filter(|row| !row.constant && row.reach > 0.0) {
        let values = row.values[episode.columns.0..=episode.columns.1].iter().flatten();
        let farthest = values.map(|value| (f64::from(*value) - row.middle).abs()).fold(0.0, f64::max);
        let weight = row.sign.felt() * (farthest / row.reach).min(MOST_TIMES);
        worst[row.entity] = worst[row.entity].max(if farthest > row.reach { weight } else { 0.0 });
    }
    worst.iter().sum()
}

/// The stretches that people named, as episodes.
pub(super) fn named(table: &Table, stretches: &[(Timestamp, Timestamp)]) -> Vec<Episode> {
    let columns = |from: Timestamp, to: Timestamp| {
        let first = table.times.partition_point(|time| time.plus(table.step) <= from);
        let end = table.times.partition_point(|time| *time <= to);
        (first < end).then(|| (first, end - 1))
    };
    let named = stretches.iter().filter_map(|(from, to)| {
        let columns = columns(*from, *to)?;
        Some(Episode { from: *from, to: *to, weight: to.since(*from).secs_f64() / 3600.0, grave: true, columns })
    });
    let mut named: Vec<Episode> = named.collect();
    named.sort_by_key(|episode| episode.from);
    named
}

/// In how many entities something deviates, for each column; and how many entities there are.
fn deviating(table: &Table) -> (Vec<f64>, f64) {
    let columns = table.times.len();
    let mut counts = vec![0.0; columns];
    let mut moving = 0.0;
    for entity in 0..table.entities.len() {
        let rows: Vec<_> = table.rows.iter().filter(|row| row.entity == entity && !row.constant).collect();
        moving += f64::from(u8::from(!rows.is_empty()));
        let mut until = 0;
        for (column, count) in counts.iter_mut().enumerate() {
            if rows.iter().any(|row| row.deviates(column)) {
                until = column + 3;
            }
            // What deviated a moment ago belongs to what deviates now.
            *count += f64::from(u8::from(column < until));
        }
    }
    (counts, moving)
}
