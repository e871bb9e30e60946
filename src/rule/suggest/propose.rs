//! Checks that are worth a try: for each a condition with several limits and lengths of `for`, all to be backtested.

use std::collections::BTreeSet;

use super::Study;
use super::gather::Sort;
use super::known::{self, Fixed, Known, Sign};
use super::limits::{Side, limits, rounded};
use super::table::Row;
use super::{silence, words};
use crate::record::{Series, Status, Tags, show};
use crate::rule::syntax::{How, Matcher, Selector};
use crate::rule::{Check, Level, parse};
use crate::time::Span;

/// How many of the ranked get a check of their own at most.
const RANKED: usize = 16;
/// How many of those must be watched.
const MUST: usize = 3;
/// What follows episodes less than this gets no check for its rank alone.
const FOLLOWS: f64 = 0.25;
/// The lengths that windows have.
const WINDOWS: [u32; 9] = [60, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200];
/// So many samples make a quantile of a window.
const QUANTILE: f64 = 20.0;

/// How much a check matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Watch this.
    Must,
    /// It may help.
    Could,
}

/// One condition of a proposal, and how it is taken back.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variant {
    pub(super) condition: String,
    pub(super) clear: Option<String>,
}

/// A check that is proposed, with its limit not chosen yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Its name in the file.
    pub name: String,
    /// How much it matters.
    pub group: Group,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// What it is of.
    pub(super) row: usize,
    pub(super) by: Vec<String>,
    pub(super) no_data_ok: bool,
    /// The tightest first.
    pub(super) variants: Vec<Variant>,
    /// Whether its limit is one that is known, and not of this history.
    pub(super) is_known: bool,
    /// How often it is evaluated.
    pub(super) every: Span,
}

/// All proposals of a study.
pub struct Proposals {
    /// Those that must come first.
    pub all: Vec<Proposal>,
}

impl Proposals {
    /// Proposes checks for what a study found.
    pub fn new(study: &Study) -> Proposals {
        let mut maker = Maker { study, every: every(study), names: BTreeSet::new(), all: Vec::new() };
        maker.ranked();
        maker.known();
        for silence in silence::silences(study) {
            maker.add(silence);
        }
        let mut all = maker.all;
        all.sort_by_key(|proposal| proposal.group);
        Proposals { all }
    }

    /// Every variant of every proposal as a check, in order; each with one level, a warning.
    pub fn checks(&self) -> Vec<Check> {
        let variants = self.all.iter().flat_map(|proposal| proposal.variants.iter().map(move |variant| (proposal, variant)));
        variants.map(|(proposal, variant)| Proposals::check(proposal, variant)).collect()
    }

    /// A variant as it will be written.
    fn check(proposal: &Proposal, variant: &Variant) -> Check {
        // A condition that can't be read would be a mistake of ours; such a check has no level, and never fires.
        let level = |condition| Level { status: Status::Warning, condition };
        let mut check = Check::new(proposal.name.clone(), parse(&variant.condition).ok().map(level).into_iter().collect());
        check.by = proposal.by.clone();
        check.no_data = if proposal.no_data_ok { Status::Ok } else { Status::Unknown };
        check.every = proposal.every;
        check.clear = variant.clear.as_ref().and_then(|clear| parse(clear).ok());
        check
    }
}

/// How often checks are evaluated: as often as there is something new, and not more than each ten seconds.
pub(super) fn every(study: &Study) -> Span {
    let step = study.table.step;
    [10, 60, 300].map(Span::from_secs).into_iter().find(|every| step <= *every).unwrap_or(Span::from_secs(300))
}

/// What makes proposals.
struct Maker<'a> {
    study: &'a Study,
    every: Span,
    names: BTreeSet<String>,
    all: Vec<Proposal>,
}

impl Maker<'_> {
    fn add(&mut self, mut proposal: Proposal) {
        let base = proposal.name.clone();
        let mut count = 2;
        while !self.names.insert(proposal.name.clone()) {
            proposal.name = format!("{base}-{count}");
            count += 1;
        }
        if !proposal.variants.is_empty() {
            self.all.push(proposal);
        }
    }

    /// A check for each of the best ranked, one for what is of one entity and one sign.
    fn ranked(&mut self) {
        let mut seen = BTreeSet::new();
        let study = self.study;
        let mut must = 0;
        for (place, row) in study.order.iter().copied().enumerate() {
            let (of, parts) = (&study.table.rows[row], &study.parts[row]);
            let leads = study.leads[row].before.is_some() || study.leads[row].order[0] > 0;
            let moves = !study.episodes.iter().any(|episode| episode.grave) || study.deviated_gravely(of);
            let matters = place == 0 || (moves && (parts.follows >= FOLLOWS || parts.felt >= 0.8));
            let is_counted = matches!(of.sort, Sort::Delta | Sort::Occurrence) && of.sign == Sign::Traffic;
            if seen.len() >= RANKED || !matters || is_counted || !seen.insert((of.entity, of.sign)) {
                continue;
            }
            if study.too_short().is_some() && study.covered() < Span::from_secs(7200) {
                continue;
            }
            let is_must = must < MUST && parts.felt >= 0.5 && parts.near + parts.holds > 0.3;
            must += usize::from(is_must);
            let group = if is_must { Group::Must } else { Group::Could };
            let mut reasons = vec![standing(study, place, row)];
            reasons.extend(lead(study, row).filter(|_| leads && place > 0));
            reasons.extend(known::known(&of.words).map(|known| format!("{}: {}.", known.source, known.advice)));
            for (name, side, sum, width) in aggregates(study, of) {
                let variants = self.variants(of, &sum, width, side);
                let name = name_of(&name, &of.series.tags);
                let no_data_ok = of.interval > 2.0 * self.every.secs_f64() || of.sort == Sort::Delta;
                self.add(Proposal {
                    name,
                    group,
                    reasons: reasons.clone(),
                    row,
                    by: Vec::new(),
                    no_data_ok,
                    variants,
                    is_known: false,
                    every: self.every,
                });
            }
        }
    }

    /// Every limit with every length of `for`.
    fn variants(&self, row: &Row, sum: &str, width: usize, side: Side) -> Vec<Variant> {
        let limits = limits(&self.study.table, row, &self.study.episodes, width, side);
        let holds: &[u32] = if self.every < Span::from_secs(60) {
            &[0, 60]
        } else if self.every < Span::from_secs(300) {
            &[0, 5]
        } else {
            &[0, 10]
        };
        let unit = if self.every < Span::from_secs(60) { 1 } else { 60 };
        let sign = if side == Side::High { ">" } else { "<" };
        let middle = row.present().sum::<f64>() / row.present().count().max(1) as f64;
        let variant = |limit: f64, hold: u32| {
            let held = if hold == 0 { String::new() } else { format!(" for {}", Span::from_secs(hold * unit)) };
            let clear = rounded(limit + 0.2 * (middle - limit), if side == Side::High { Side::Low } else { Side::High });
            let is_behind = if side == Side::High { clear < limit } else { clear > limit };
            let back = if side == Side::High { "<=" } else { ">=" };
            let clear = (is_behind && clear != 0.0).then(|| format!("{sum} {back} {clear}"));
            Variant { condition: format!("{sum} {sign} {limit}{held}"), clear }
        };
        limits.iter().flat_map(|limit| holds.iter().map(|hold| variant(*limit, *hold))).collect()
    }

    /// The checks that everybody should have, for the metrics that are here.
    fn known(&mut self) {
        let study = self.study;
        let mut seen = BTreeSet::new();
        for (at, row) in study.table.rows.iter().enumerate() {
            let Some((known, fixed)) = known::known(&words::words(&row.series.metric)).and_then(|known| Some((known, known.fixed?))) else {
                continue;
            };
            let counts = row.sort == Sort::Counter;
            if counts != matches!(fixed, Fixed::Grows(_)) || !seen.insert(row.series.metric.clone()) || !is_share(row, fixed) {
                continue;
            }
            let keys: BTreeSet<&str> = study
                .table
                .rows
                .iter()
                .filter(|other| other.series.metric == row.series.metric)
                .flat_map(|other| other.series.tags.iter().map(|(key, _)| key))
                .collect();
            let by: Vec<String> = keys.into_iter().map(str::to_owned).collect();
            self.fixed(at, row, known, fixed, &by);
        }
    }

    fn fixed(&mut self, at: usize, row: &Row, known: &Known, fixed: Fixed, by: &[String]) {
        let name = name_of(&row.series.metric, &Tags::new());
        let metric = selector(&row.series, &Tags::new());
        let is_must = matches!(fixed, Fixed::Fills(_) | Fixed::Grows(_) | Fixed::Below(..));
        let group = if is_must { Group::Must } else { Group::Could };
        let reasons = vec![format!("{}: {}.", known.source, known.advice)];
        let every = self.every;
        let one = |name: String, condition: String, clear: Option<String>| Proposal {
            name,
            group,
            reasons: reasons.clone(),
            row: at,
            by: by.to_vec(),
            no_data_ok: matches!(fixed, Fixed::Grows(_) | Fixed::Fills(_)),
            variants: vec![Variant { condition, clear }],
            is_known: true,
            every,
        };
        match fixed {
            Fixed::Above(limit, minutes) => self.add(one(name, format!("{metric} > {limit} for {minutes}m"), None)),
            Fixed::Below(limit, minutes) => self.add(one(name, format!("{metric} < {limit} for {minutes}m"), None)),
            Fixed::Grows(minutes) => self.add(one(name, format!("increase({metric}, {minutes}m) > 0"), None)),
            Fixed::Fills(limit) => {
                self.add(one(format!("{name}-full"), format!("{metric} > {limit} for 10m"), Some(format!("{metric} < 85%"))));
                let condition = format!("forecast({metric}, 6h, in 24h) > 100% and {metric} > 50% for 30m");
                // Hours of a line don't change within minutes, and each line is work.
                self.add(Proposal { every: Span::from_secs(900), ..one(format!("{name}-fills"), condition, None) });
            }
        }
    }
}

/// Whether a limit that is a share is one of a share.
fn is_share(row: &Row, fixed: Fixed) -> bool {
    match fixed {
        Fixed::Above(..) | Fixed::Fills(_) => row.series.unit.as_deref() == Some("1") && row.present().all(|value| value <= 1.0),
        Fixed::Below(..) | Fixed::Grows(_) => true,
    }
}

/// What is measured of a row: the check's name, its worrying side, the sum, and how many columns its window is.
fn aggregates(study: &Study, row: &Row) -> Vec<(String, Side, String, usize)> {
    let all = selector(&row.series, &row.series.tags);
    let window = window(3.0 * row.interval.max(study.table.step.secs_f64()));
    let width = study.table.columns_of(window);
    let metric = row.series.metric.as_str();
    let one = |side, sum: String, width| vec![(metric.to_owned(), side, sum, width)];
    match (row.sign, row.sort) {
        (_, Sort::Counter | Sort::Delta | Sort::Occurrence) if row.sign != Sign::Errors => Vec::new(),
        (Sign::Errors, Sort::Counter | Sort::Delta) => one(Side::High, format!("rate({all}, {window})"), width),
        (Sign::Availability, _) => one(Side::Low, format!("mean({all}, {window})"), width),
        (Sign::Backlog, _) => one(Side::High, all, 1),
        (Sign::Latency, _) if window.secs_f64() / row.interval >= QUANTILE => one(Side::High, format!("p95({all}, {window})"), width),
        (Sign::Other, _) => {
            let side = side(study, row);
            one(side, format!("mean({all}, {window})"), width)
        }
        _ => one(Side::High, format!("mean({all}, {window})"), width),
    }
}

/// On which side a row lies in grave episodes.
fn side(study: &Study, row: &Row) -> Side {
    let grave = study.episodes.iter().filter(|episode| episode.grave);
    let strange = grave.flat_map(|episode| row.strange[episode.columns.0..=episode.columns.1].iter().flatten());
    let sum: f32 = strange.map(|strange| strange.clamp(-10.0, 10.0)).sum();
    if sum < 0.0 { Side::Low } else { Side::High }
}

/// The shortest window that is as long as that.
pub(super) fn window(seconds: f64) -> Span {
    let fits = WINDOWS.iter().find(|window| f64::from(**window) >= seconds);
    Span::from_secs(*fits.unwrap_or(&WINDOWS[WINDOWS.len() - 1]))
}

/// A metric with tags as a condition names it.
pub(super) fn selector(series: &Series, tags: &Tags) -> String {
    let matcher = |(tag, value): (&str, &str)| Matcher { tag: tag.to_owned(), how: How::Is, value: value.to_owned() };
    Selector { name: series.metric.clone(), glob: false, matchers: tags.iter().map(matcher).collect(), place: (0, 0) }.to_string()
}

/// A check's name: `build-wait-linux`.
pub(super) fn name_of(metric: &str, tags: &Tags) -> String {
    let text = std::iter::once(metric).chain(tags.iter().map(|(_, value)| value)).collect::<Vec<_>>().join("-");
    let mut name = String::new();
    for character in text.chars().take(60) {
        let is_plain = character.is_ascii_alphanumeric() || character == '_';
        match is_plain {
            true => name.push(character.to_ascii_lowercase()),
            false if !name.ends_with('-') && !name.is_empty() => name.push('-'),
            false => {}
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() { "check".to_owned() } else { name.to_owned() }
}

/// Why a row stands where it stands.
fn standing(study: &Study, place: usize, row: usize) -> String {
    let (of, parts) = (&study.table.rows[row], &study.parts[row]);
    let name = show(of.series.to_string().as_bytes(), 120);
    let rank =
        if place == 0 { "stands most for what users feel".to_owned() } else { format!("is number {} for what users feel", place + 1) };
    let mut why = vec![format!("it tells {}", of.sign.name())];
    if parts.near > 0.6 {
        why.push("its name stands near to users".into());
    }
    if parts.holds > 0.5 {
        why.push(format!(
            "it holds {} of all waiting (traffic times latency)",
            if parts.holds > 0.99 { "the most".into() } else { format!("{:.0} % of the most", parts.holds * 100.0) }
        ));
    }
    if parts.episodes > 0 {
        why.push(format!("it deviated in {} of {} times when much did at once", parts.episodes, study.episodes.len()));
    }
    format!("{name} {rank}: {}.", why.join(", "))
}

/// How a row moves before the soul metric.
fn lead(study: &Study, row: usize) -> Option<String> {
    let leading = &study.leads[row];
    let soul = &study.table.rows[*study.order.first()?].series;
    let soul = show(soul.to_string().as_bytes(), 120);
    if let Some(ahead) = leading.ahead.filter(|_| leading.order[0] > leading.order[2]) {
        let all: usize = leading.order.iter().sum();
        return Some(format!("It moved before {soul} in {} of {all} grave times, by {}.", leading.order[0], ahead.human()));
    }
    let (before, correlation, p) = leading.before?;
    let surely = if p < 0.0001 { "p < 0.0001".to_owned() } else { format!("p = {p:.4}") };
    Some(format!("It moves {} before {soul} (correlation {correlation:.2}, {surely}, corrected for all).", before.human()))
}
