//! What the proposals would have done, and which limits to take: within a budget of alerts.
//!
//! Each variant was run over the whole history by the engine that will judge later on. An alert that overlaps a grave
//! episode found it; all others are false, as far as anybody knows. Of the variants of a proposal the one is taken that
//! finds most grave episodes, then has the fewest false alerts, then is earliest (by five minutes and more),
//! then has the widest margin. The false alerts of all that is taken together stay within half of the budget, as
//! what is chosen on a history looks better on it than it will be; those that matter most choose first. What
//! could be watched is kept only where it tells a grave episode that nothing else tells, or tells it earlier.
//!
//! What is chosen on a history looks better on it than it will be. So the price of a proposal is told twice:
//! over the whole history, and crosswise: chosen on each half and counted on the other.

use super::Study;
use super::propose::{Group, Proposal, Proposals};
use crate::record::Status;
use crate::rule::backtest::{Alert, Course};
use crate::time::{Span, Timestamp};

const WEEK: f64 = 604_800.0;
/// After an episode what it left behind may still be told.
const AFTER: Span = Span::from_secs(1800);
/// Alerts this much earlier are better.
const EARLIER: Span = Span::from_secs(300);
/// So much of the budget is spent on what is seen in this history.
const SPENT: f64 = 0.5;
/// How long before an episode stands out an alert may begin that belongs to it.
const BEFORE: Span = Span::from_secs(3600);

/// How many alerts there may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// In a week, all checks together.
    pub per_week: f64,
}

impl Budget {
    /// How many episodes may be grave over a stretch of time: half of the alerts there may be.
    pub(super) fn most_grave(self, covered: Span) -> usize {
        ((self.per_week * covered.secs_f64() / WEEK / 2.0).round() as usize).max(2)
    }

    /// One a week.
    pub const DEFAULT: Budget = Budget { per_week: 1.0 };

    /// Reads `1 per week`, `2 per day`, `3 per month`; `None` when it is none of these.
    pub fn parse(text: &str) -> Option<Budget> {
        let mut words = text.split_whitespace();
        let count: f64 = words.next()?.parse().ok()?;
        let unit = match (words.next(), words.next(), words.next()) {
            (Some("per" | "a"), Some(unit), None) => unit,
            _ => return None,
        };
        let weeks = match unit {
            "day" => 1.0 / 7.0,
            "week" => 1.0,
            "month" => 30.4 / 7.0,
            _ => return None,
        };
        (count.is_finite() && count > 0.0).then_some(Budget { per_week: count / weeks })
    }
}

/// One proposal with its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// The place of the proposal.
    pub proposal: usize,
    /// The place of its variant.
    pub variant: usize,
    /// All its alerts.
    pub alerts: usize,
    /// Those that found no grave episode.
    pub false_alerts: usize,
    /// False alerts a week, chosen on each half of the history and counted on the other.
    pub crosswise: f64,
    /// The grave episodes that it found, and how long after their begin.
    pub found: Vec<(usize, Delay)>,
}

/// How long after an episode's begin an alert began, in nanoseconds; negative: before it.
pub(super) type Delay = i64;

/// What one variant did.
#[derive(Debug, Clone, Default)]
struct Deeds {
    alerts: usize,
    false_alerts: usize,
    found: Vec<(usize, Delay)>,
}

/// Chooses a limit for each proposal; those that keep none within the budget are left out, told in the second list.
pub(super) fn choose(study: &Study, proposals: &Proposals, pages: &[Vec<Course>], budget: Budget) -> (Vec<Chosen>, Vec<usize>) {
    let weeks = (study.covered().secs_f64() / WEEK).max(1.0 / 7.0);
    let mut left = (budget.per_week * weeks * SPENT).floor();
    let (mut chosen, mut dropped) = (Vec::new(), Vec::new());
    let middle = study.from.plus(Span::from_nanos(study.until.since(study.from).nanos() / 2));
    let halves = [(Timestamp::MIN, middle), (middle, Timestamp::MAX), (Timestamp::MIN, Timestamp::MAX)];
    let mut first = 0;
    for (at, proposal) in proposals.all.iter().enumerate() {
        let own = &pages[first..first + proposal.variants.len()];
        first += proposal.variants.len();
        let deeds = halves.map(|half| own.iter().map(|courses| deeds(study, courses, half)).collect::<Vec<_>>());
        let [early, late, whole] = &deeds;
        let most = left / 2.0;
        let taken = best(proposal, whole, most).filter(|taken| is_worth(study, proposal, &whole[*taken], &chosen));
        let Some(variant) = taken else {
            dropped.push(at);
            continue;
        };
        let across =
            [(early, late), (late, early)].map(|(on, other)| best(proposal, on, most / 2.0).map_or(0, |taken| other[taken].false_alerts));
        let Deeds { alerts, false_alerts, found } = whole[variant].clone();
        left -= false_alerts as f64;
        let crosswise = across.iter().sum::<usize>() as f64 / weeks;
        chosen.push(Chosen { proposal: at, variant, alerts, false_alerts, crosswise, found });
    }
    (chosen, dropped)
}

/// Whether a check is worth its place: what found nothing is only there because everybody should have it.
fn is_worth(study: &Study, proposal: &Proposal, deeds: &Deeds, chosen: &[Chosen]) -> bool {
    let nothing_to_find = !study.episodes.iter().any(|episode| episode.grave);
    let is_soul = proposal.group == Group::Must && !proposal.name.ends_with("-missing");
    let earliest =
        |at: usize| chosen.iter().flat_map(|chosen| &chosen.found).filter(|(found, _)| *found == at).map(|(_, delay)| *delay).min();
    let adds = deeds.found.iter().any(|(at, delay)| earliest(*at).is_none_or(|least| *delay < least));
    proposal.is_known || adds || (proposal.group == Group::Must && !deeds.found.is_empty()) || (is_soul && nothing_to_find)
}

/// The best variant with no more false alerts than `most`.
fn best(proposal: &Proposal, deeds: &[Deeds], most: f64) -> Option<usize> {
    let fits = (0..deeds.len()).filter(|at| deeds[*at].false_alerts as f64 <= most);
    fits.max_by(|one, other| {
        let (a, b) = (&deeds[*one], &deeds[*other]);
        let found = a.found.len().cmp(&b.found.len());
        let quiet = b.false_alerts.cmp(&a.false_alerts);
        let soon = slot(b).cmp(&slot(a));
        // Variants stand with the tightest limit first.
        found.then(quiet).then(soon).then(one.cmp(other))
    })
    .filter(|at| *at < proposal.variants.len())
}

/// How late a variant finds what it finds, in slots of five minutes.
fn slot(deeds: &Deeds) -> i64 {
    let sum: i64 = deeds.found.iter().map(|(_, delay)| *delay).sum();
    (sum / deeds.found.len().max(1) as i64).div_euclid(EARLIER.nanos())
}

/// What the groups of a variant did within a stretch of time.
fn deeds(study: &Study, courses: &[Course], (from, to): (Timestamp, Timestamp)) -> Deeds {
    let mut deeds = Deeds::default();
    let grave: Vec<_> = study.episodes.iter().enumerate().filter(|(_, episode)| episode.grave).collect();
    for alert in courses.iter().flat_map(|course| &course.alerts).filter(|alert| alert.begin >= from && alert.begin < to) {
        deeds.alerts += 1;
        let mut hit = false;
        for (at, episode) in &grave {
            if !touches(alert, episode.from, episode.to.plus(AFTER)) {
                continue;
            }
            hit = true;
            let delay = alert.begin.nanos() - episode.from.nanos();
            match deeds.found.iter_mut().find(|(found, _)| found == at) {
                Some((_, least)) => *least = delay.min(*least),
                None if alert.begin <= episode.to && -delay <= BEFORE.nanos() => deeds.found.push((*at, delay)),
                None => {}
            }
        }
        deeds.false_alerts += usize::from(!hit);
    }
    deeds
}

fn touches(alert: &Alert, from: Timestamp, to: Timestamp) -> bool {
    matches!(alert.status, Status::Warning | Status::Critical) && alert.touches(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_as_it_is_said() {
        for (text, per_week) in [("1 per week", Some(1.0)), ("2 per day", Some(14.0)), ("0.5 a week", Some(0.5))] {
            assert_eq!(Budget::parse(text).map(|budget| budget.per_week), per_week);
        }
        for text in ["", "1", "0 per week", "x per week", "1 per", "1 per week or so", "1 per hour", "NaN per week"] {
            assert_eq!(Budget::parse(text), None, "{text}");
        }
    }
}
