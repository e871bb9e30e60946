//! Which series stand for the users' experience: each with a score from 0 to 1 and what it is made of.
//!
//! Four things count, each from 0 to 1, with fixed weights:
//!
//! - **felt** (0.25): what its sign is; users feel latency, availability, errors, not how busy a CPU is.
//! - **near** (0.2): how near to users its name stands.
//! - **holds** (0.25): how much of everybody's waiting it holds. Requests a second times seconds each is how many
//!   are under way (Little's law, L = λ·W). Whoever calls waits for all that it calls, so where users
//!   come in L is greatest. Its share of the greatest L, where traffic and latency of one entity are known.
//! - **follows** (0.3): whether it deviates when much does, and else does not: the harmonic mean of the share of episodes in
//!   which it deviated, and the share of its deviations that fell into one; less what chance alone would give.
//!
//! What never moves, repeats another or is noise has no score: see [`super::twins`].
//!
//! Source: Little (1961), A proof for the queuing formula L = λW, Operations Research 9(3).

use super::episodes::Episode;
use super::gather::Sort;
use super::known::{self, Sign};
use super::table::{Row, Table};

/// The weights of felt, near, holds and follows: set once, by what is argued above, and alike for every history.
pub(super) const WEIGHTS: [f64; 4] = [0.25, 0.2, 0.25, 0.3];

/// The parts of a score, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Parts {
    /// What its sign is.
    pub felt: f64,
    /// How near to users its name stands.
    pub near: f64,
    /// How much of all waiting it holds.
    pub holds: f64,
    /// How it follows episodes.
    pub follows: f64,
    /// In how many episodes it deviated.
    pub episodes: usize,
}

impl Parts {
    /// All together.
    pub fn score(&self) -> f64 {
        let parts = [self.felt, self.near, self.holds, self.follows];
        parts.iter().zip(WEIGHTS).map(|(part, weight)| part * weight).sum()
    }
}

/// Whether the ranking may read names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// What names say counts.
    Read,
    /// Only units, types and values count.
    Ignored,
}

/// The parts of every row's score.
pub(super) fn parts(table: &Table, episodes: &[Episode], names: Names) -> Vec<Parts> {
    let holds = holds(table);
    let part = |(row, holds): (&Row, f64)| {
        let sign = match names {
            Names::Read => row.sign,
            Names::Ignored => known::sign(&[], row.series.unit.as_deref(), row.sort != Sort::Gauge),
        };
        let (follows, episodes) = follows(table, row, episodes);
        let near = if names == Names::Read { known::nearness(&row.words) } else { 0.0 };
        // A series that counts nothing users feel stands for them only as far as it is felt.
        Parts { felt: sign.felt(), near: near * sign.felt(), holds: holds * sign.felt(), follows, episodes }
    };
    table.rows.iter().zip(holds).map(part).collect()
}

/// How much of all waiting each row's entity holds.
fn holds(table: &Table) -> Vec<f64> {
    let mut traffic = vec![0.0_f64; table.entities.len()];
    let mut latency: Vec<Option<f64>> = vec![None; table.entities.len()];
    for row in &table.rows {
        let mean = mean(row);
        match row.sign {
            Sign::Traffic => traffic[row.entity] = traffic[row.entity].max(mean),
            Sign::Latency => {
                let unit = row.series.unit.as_deref().and_then(crate::record::time_unit);
                let seconds = mean * unit.map_or(1.0, crate::time::Span::secs_f64);
                // Of several percentiles the least stands nearest to the middle.
                latency[row.entity] = Some(latency[row.entity].map_or(seconds, |least| least.min(seconds)));
            }
            _ => {}
        }
    }
    let under_way: Vec<f64> = traffic.iter().zip(&latency).map(|(traffic, latency)| traffic * latency.unwrap_or(0.0)).collect();
    let most = under_way.iter().copied().fold(0.0, f64::max);
    table.rows.iter().map(|row| if most > 0.0 { under_way[row.entity] / most } else { 0.0 }).collect()
}

fn mean(row: &Row) -> f64 {
    let (sum, count) = row.present().fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// How well a row's deviations and the episodes are one; and in how many it deviated.
fn follows(table: &Table, row: &Row, episodes: &[Episode]) -> (f64, usize) {
    if episodes.is_empty() || row.constant {
        return (0.0, 0);
    }
    let within = |(first, last): (usize, usize)| (first..=last).filter(|column| row.deviates(*column)).count();
    let all = (0..table.times.len()).filter(|column| row.deviates(*column)).count();
    let hit: usize = episodes.iter().map(|episode| within(episode.columns)).sum();
    let seen = episodes.iter().filter(|episode| within(episode.columns) > 0).count();
    let covered: usize = episodes.iter().map(|episode| episode.columns.1 - episode.columns.0 + 1).sum();
    let columns = table.times.len() as f64;
    if all == 0 || hit == 0 {
        return (0.0, 0);
    }
    // By chance as large a share of its deviations falls into episodes as they are of the time.
    let chance = covered as f64 / columns;
    let precise = ((hit as f64 / all as f64 - chance) / (1.0 - chance).max(1e-9)).max(0.0);
    let weight = |episode: &Episode| episode.weight.max(1e-9).sqrt();
    let total: f64 = episodes.iter().map(weight).sum();
    let recall: f64 = episodes.iter().filter(|episode| within(episode.columns) > 0).map(weight).sum::<f64>() / total;
    (2.0 * precise * recall / (precise + recall).max(1e-9), seen)
}
