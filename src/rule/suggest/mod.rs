//! What should I even monitor? The metrics of a history ranked, and checks proposed for those that matter.
//!
//! ```text
//! records ─▶ Gatherer: cells ─▶ Study: what is usual, episodes, scores, leads, repeats
//!                                 │
//!                                 ▼
//!             Proposals: conditions with several limits ─▶ Engine, Ledger (a backtest of them all)
//!                                                              │
//!                         Draft: the limits that were chosen ◀─┘  within a budget of alerts
//! ```
//!
//! Nothing here reads a file or a clock. The ranking looks at the whole history at once: it is advice for a
//! person, not a detector. What it says of names stands in one table, [`known`].
//!
//! Always: the same records give the same advice, in whatever order the inputs were named.

mod draft;
mod episodes;
mod gather;
mod known;
mod leads;
mod limits;
mod price;
mod propose;
mod rank;
mod silence;
mod table;
mod twins;
mod words;

use std::cmp::Reverse;

pub use draft::{Draft, Written};
pub use episodes::Episode;
pub use gather::Gatherer;
pub use known::Sign;
pub use leads::Leading;
pub use price::{Budget, Chosen};
pub use propose::{Group, Proposal, Proposals};
pub use rank::{Names, Parts};
pub use twins::Standing;

use self::table::Table;
use crate::record::Series;
use crate::time::{Span, Timestamp};

/// A history studied.
pub struct Study {
    table: Table,
    /// Past deviations, in the order of time.
    pub episodes: Vec<Episode>,
    parts: Vec<Parts>,
    standings: Vec<Standing>,
    leads: Vec<Leading>,
    /// The ranked rows, best first.
    order: Vec<usize>,
    /// The first and the last instant of the history.
    pub from: Timestamp,
    /// The last one.
    pub until: Timestamp,
    /// How many samples, events and beats it rests on.
    pub records: u64,
    /// How many series there was no room for.
    pub left_out: u64,
    /// Whether people said when things went wrong.
    pub told: bool,
}

/// One series and its place.
#[derive(Debug, Clone)]
pub struct Ranked<'a> {
    /// From 1; those that are not ranked come last.
    pub rank: usize,
    /// Which.
    pub series: &'a Series,
    /// What it tells.
    pub sign: Sign,
    /// From 0 to 1.
    pub score: f64,
    /// What the score is made of.
    pub parts: Parts,
    /// Why it is ranked or not.
    pub standing: Standing,
    /// The series it repeats.
    pub repeats: Option<&'a Series>,
    /// How it moves beside the first of the ranking.
    pub leading: &'a Leading,
}

impl Study {
    /// Studies what was gathered; `incidents` are stretches in which people know that something was wrong. Where none are
    /// given, as many past deviations count as grave as the budget has room for.
    ///
    /// Returns `None` when nothing was gathered.
    pub fn new(gatherer: Gatherer, incidents: &[(Timestamp, Timestamp)], budget: Budget, names: Names) -> Option<Study> {
        let (from, until) = (gatherer.oldest?, gatherer.newest?);
        let (records, left_out) = (gatherer.records, gatherer.left_out);
        let table = Table::new(gatherer);
        let named = episodes::named(&table, incidents);
        let told = !named.is_empty();
        let episodes = if told { named } else { episodes::episodes(&table, budget.most_grave(table.covered())) };
        let parts = rank::parts(&table, &episodes, names);
        let standings = twins::standings(&table, &parts);
        let mut order: Vec<usize> = (0..table.rows.len()).filter(|row| standings[*row] == Standing::Ranked).collect();
        order.sort_by(|one, other| parts[*other].score().total_cmp(&parts[*one].score()).then(one.cmp(other)));
        let leads = match order.first() {
            Some(soul) => leads::leads(&table, *soul, &episodes),
            None => vec![Leading::default(); table.rows.len()],
        };
        Some(Study { table, episodes, parts, standings, leads, order, from, until, records, left_out, told })
    }

    /// All series: the ranked ones, best first, then those that are not worth a look.
    pub fn ranking(&self) -> impl Iterator<Item = Ranked<'_>> {
        let mut rest: Vec<usize> = (0..self.table.rows.len()).filter(|row| self.standings[*row] != Standing::Ranked).collect();
        rest.sort_by_key(|row| Reverse((self.parts[*row].score() * 1e6) as i64));
        self.order.iter().copied().chain(rest).enumerate().map(|(place, row)| self.ranked(place + 1, row))
    }

    fn ranked(&self, rank: usize, row: usize) -> Ranked<'_> {
        let of = &self.table.rows[row];
        let repeats = match self.standings[row] {
            Standing::Repeats(other, _) => Some(&*self.table.rows[other].series),
            _ => None,
        };
        let (parts, standing) = (self.parts[row], self.standings[row]);
        Ranked { rank, series: &of.series, sign: of.sign, score: parts.score(), parts, standing, repeats, leading: &self.leads[row] }
    }

    /// Whether a row deviated in a grave episode.
    fn deviated_gravely(&self, row: &table::Row) -> bool {
        let grave = self.episodes.iter().filter(|episode| episode.grave);
        grave.into_iter().any(|episode| (episode.columns.0..=episode.columns.1).any(|column| row.deviates(column)))
    }

    /// How much time the history covers; stretches without any sample are left out.
    pub fn covered(&self) -> Span {
        self.table.covered()
    }

    /// What the history is too short for, in words; nothing when it is long enough.
    pub fn too_short(&self) -> Option<String> {
        let hours = self.covered().secs_f64() / 3600.0;
        let covered = self.covered().human();
        match hours {
            h if h < 2.0 => Some(format!(
                "the history covers {covered}: too short for limits of its own; what stands here are limits that are known to be sensible. Let it run for a week, and ask again"
            )),
            h if h < 72.0 => Some(format!(
                "the history covers {covered}: no limit knows the nights and weekends yet, and alerts a week are a guess. Ask again after two weeks"
            )),
            h if h < 330.0 => Some(format!("the history covers {covered}: it has not seen two of each weekday. Ask again after two weeks")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
