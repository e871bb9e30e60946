//! What moves before the users feel it: each row against the soul metric.
//!
//! Two looks that know nothing of one another: over the whole history, at which lag the two correlate
//! ([`crate::math::lead`]); and in each grave episode, which of the two deviated first.

use super::episodes::Episode;
use super::table::{Row, Table};
use crate::math::{Lead, benjamini_hochberg, lead};
use crate::time::Span;

/// How far apart cause and effect may lie.
const MOST: Span = Span::from_secs(3600);
/// How many lags to either side are looked at, at most.
const MOST_LAGS: usize = 30;
/// The false discovery rate of leads that are told.
const RATE: f64 = 0.01;

/// How a row moves beside the soul metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leading {
    /// The lead over the whole history, where it is one: how long before, with the correlation and its p, corrected.
    pub before: Option<(Span, f64, f64)>,
    /// In how many grave episodes it deviated before the soul metric, together with it, and after it.
    pub order: [usize; 3],
    /// How long before, in the middle of those in which it did.
    pub ahead: Option<Span>,
}

/// Holds every row against the row `soul`.
pub(super) fn leads(table: &Table, soul: usize, episodes: &[Episode]) -> Vec<Leading> {
    let lags = table.columns_of(MOST).min(MOST_LAGS);
    let values = |row: &Row| row.strange.iter().map(|value| value.map(|value| f64::from(value.clamp(-10.0, 10.0)))).collect::<Vec<_>>();
    let soul_values = values(&table.rows[soul]);
    let found: Vec<Option<Lead>> =
        table.rows.iter().map(|row| if row.constant { None } else { lead(&values(row), &soul_values, lags) }).collect();
    let corrected = benjamini_hochberg(&found.iter().map(|lead| lead.map_or(1.0, |lead| lead.p)).collect::<Vec<_>>());
    let grave: Vec<&Episode> = episodes.iter().filter(|episode| episode.grave).collect();
    let leading = |(at, (found, p)): (usize, (&Option<Lead>, f64))| {
        let lead = found.filter(|lead| p < RATE && lead.places > 0 && at != soul);
        let before = lead.map(|lead| (span(table, lead.places as usize), lead.correlation, p));
        let (order, ahead) = order(table, &table.rows[at], &table.rows[soul], &grave);
        Leading { before, order, ahead }
    };
    found.iter().zip(corrected).enumerate().map(leading).collect()
}

fn span(table: &Table, columns: usize) -> Span {
    table.step.times(u32::try_from(columns).unwrap_or(u32::MAX))
}

/// Which of two rows deviates first in each episode.
fn order(table: &Table, row: &Row, soul: &Row, episodes: &[&Episode]) -> ([usize; 3], Option<Span>) {
    let back = table.columns_of(Span::from_secs(1800));
    let first = |row: &Row, episode: &Episode| {
        (episode.columns.0.saturating_sub(back)..=episode.columns.1).find(|column| row.deviates(*column) && is_lasting(row, *column))
    };
    let mut order = [0; 3];
    let mut ahead = Vec::new();
    for episode in episodes {
        let (Some(own), Some(felt)) = (first(row, episode), first(soul, episode)) else { continue };
        order[usize::from(own >= felt) + usize::from(own > felt)] += 1;
        if own < felt {
            ahead.push(table.times[felt].since(table.times[own]));
        }
    }
    ahead.sort();
    (order, ahead.get(ahead.len() / 2).copied())
}

/// Whether a deviation is more than one cell.
fn is_lasting(row: &Row, column: usize) -> bool {
    (column + 1..(column + 4).min(row.strange.len())).any(|next| row.deviates(next))
}
