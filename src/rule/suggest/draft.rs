//! The file that is proposed: checks with their limits, and as comments all that speaks for them.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::known::{self, Sign};
use super::price::{self, Budget, Chosen};
use super::propose::{Group, Proposal, Proposals};
use super::twins::Standing;
use super::{Ranked, Study};
use crate::record::show;
use crate::rule::backtest::{Course, Zone};
use crate::time::{Span, Timestamp};

/// The width of comments.
const WIDTH: usize = 100;
/// How many of the ranked, of episodes and of the left out are listed.
const LISTED: usize = 12;

/// What was chosen of the proposals.
#[derive(Debug)]
pub struct Draft {
    /// The checks with their limits, those that matter most first.
    pub chosen: Vec<Chosen>,
    /// The places of proposals that keep no limit within the budget, or find nothing.
    pub dropped: Vec<usize>,
    budget: Budget,
}

/// A file, and what it comes to.
#[derive(Debug)]
pub struct Written {
    /// TOML, as `check -f` reads it.
    pub text: String,
    /// How many checks it holds.
    pub checks: usize,
}

impl Draft {
    /// Chooses limits by what a backtest of all variants found: a page for each of [`Proposals::checks`].
    pub fn new(study: &Study, proposals: &Proposals, pages: &[Vec<Course>], budget: Budget) -> Draft {
        let (chosen, dropped) = price::choose(study, proposals, pages, budget);
        Draft { chosen, dropped, budget }
    }

    /// Writes the file.
    pub fn write(&self, study: &Study, proposals: &Proposals) -> Written {
        let mut out = String::new();
        self.head(study, &mut out);
        episodes(study, proposals, &self.chosen, &mut out);
        layers(study, &mut out);
        for (group, heading) in [(Group::Must, "what you should watch"), (Group::Could, "what you could watch")] {
            let own = || self.chosen.iter().filter(|chosen| proposals.all[chosen.proposal].group == group);
            let _ = writeln!(out, "\n# ---- {heading}: {} ----", counted(own().count(), "check"));
            own().for_each(|chosen| table(study, proposals, chosen, &mut out));
        }
        self.rest(study, proposals, &mut out);
        Written { text: out, checks: self.chosen.len() }
    }

    fn head(&self, study: &Study, out: &mut String) {
        let weeks = study.covered().secs_f64() / 604_800.0;
        let falses: usize = self.chosen.iter().map(|chosen| chosen.false_alerts).sum();
        let crosswise: f64 = self.chosen.iter().map(|chosen| chosen.crosswise).sum();
        let (from, until) = (clock(study.from), clock(study.until));
        comment(
            out,
            &format!("Proposed by check suggest from {} records, {from} to {until} UTC, {} series.", study.records, study.table.rows.len()),
        );
        comment(out, "A file to edit, not an oracle: read each reason, throw out what you know better, add what to do (playbook = \"…\").");
        if let Some(short) = study.too_short() {
            comment(out, &format!("CAUTION: {short}."));
        }
        let budget = number(self.budget.per_week);
        comment(
            out,
            &format!(
                "Budget: {budget} a week. Over this history all checks together would have alerted {} without anything grave, {} a week; with limits chosen on one half and counted on the other {} a week.",
                counted_times(falses),
                number(falses as f64 / weeks.max(1.0 / 7.0)),
                number(crosswise),
            ),
        );
    }

    /// What was left out, and why.
    fn rest(&self, study: &Study, proposals: &Proposals, out: &mut String) {
        out.push_str("\n# ---- what is not worth a check ----\n");
        let all: Vec<Ranked<'_>> = study.ranking().collect();
        let name = |ranked: &Ranked<'_>| show(ranked.series.to_string().as_bytes(), 120);
        let of = |wanted: fn(&Standing) -> bool| all.iter().filter(|ranked| wanted(&ranked.standing)).collect::<Vec<_>>();
        let mut line = |why: &str, names: Vec<String>| {
            if !names.is_empty() {
                let more = if names.len() > LISTED { format!(" and {} more", names.len() - LISTED) } else { String::new() };
                comment(out, &format!("{why}: {}{more}.", names[..names.len().min(LISTED)].join(", ")));
            }
        };
        line("Never moved", of(|standing| *standing == Standing::Constant).into_iter().map(name).collect());
        let repeats = of(|standing| matches!(standing, Standing::Repeats(..)));
        let other = |ranked: &&Ranked<'_>| ranked.repeats.map_or(String::new(), |series| show(series.to_string().as_bytes(), 120));
        line("Repeat another", repeats.iter().map(|ranked| format!("{} (as {})", name(ranked), other(ranked))).collect());
        line("Noise, that hangs together with nothing", of(|standing| *standing == Standing::Noise).into_iter().map(name).collect());
        line("Too few samples to say anything", of(|standing| *standing == Standing::Short).into_iter().map(name).collect());
        let dropped: BTreeSet<&str> = self.dropped.iter().map(|at| proposals.all[*at].name.as_str()).collect();
        line(
            "Would have told no grave time within the budget, or none that others don't tell as early",
            dropped.into_iter().map(str::to_owned).collect(),
        );
        if study.left_out > 0 {
            comment(out, &format!("Not looked at, as there are too many series: {}.", study.left_out));
        }
    }
}

/// The past deviations, and who found the grave ones.
fn episodes(study: &Study, proposals: &Proposals, chosen: &[Chosen], out: &mut String) {
    out.push_str("#\n");
    let grave: Vec<usize> = (0..study.episodes.len()).filter(|at| study.episodes[*at].grave).collect();
    if grave.is_empty() {
        comment(out, "In no stretch of this history was much out of the ordinary at once: what would have been missed can't be told.");
        return;
    }
    let how = if study.told {
        "Incidents that were named".to_owned()
    } else {
        format!("Much was out of the ordinary at once {}; the gravest", counted_times(study.episodes.len()))
    };
    comment(out, &format!("{how}, and the checks that would have told them:"));
    for at in grave.iter().take(LISTED) {
        let episode = &study.episodes[*at];
        let mut finds: Vec<(i64, &str)> = chosen
            .iter()
            .filter_map(|chosen| {
                let (_, delay) = chosen.found.iter().find(|(found, _)| found == at)?;
                Some((*delay, proposals.all[chosen.proposal].name.as_str()))
            })
            .collect();
        finds.sort();
        let told: Vec<String> = finds.iter().take(4).map(|(delay, name)| format!("{name} {}", after(*delay))).collect();
        let told = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
        let lasted = episode.to.since(episode.from).human();
        let _ = writeln!(out, "#   {} for {lasted}: {told}", clock(episode.from));
    }
}

/// What each part of the system tells of itself, and what not.
fn layers(study: &Study, out: &mut String) {
    let expected: [(&str, &[Sign], &str); 5] = [
        ("web", &[Sign::Traffic, Sign::Errors, Sign::Latency], "RED"),
        ("jobs", &[Sign::Traffic, Sign::Errors, Sign::Latency], "RED"),
        ("queue", &[Sign::Backlog, Sign::Traffic], "golden signals"),
        ("database", &[Sign::Traffic, Sign::Errors, Sign::Latency], "RED"),
        ("host", &[Sign::Saturation, Sign::Errors, Sign::Capacity], "USE"),
    ];
    let mut seen: BTreeSet<(&str, Sign)> = BTreeSet::new();
    for row in &study.table.rows {
        if let Some(known) = known::known(&row.words) {
            // The latency of a disk is no user's; it only has the word.
            let is_inner = matches!(known.layer, "web" | "jobs") && known::nearness(&row.words) == 0.0;
            seen.insert((if is_inner { "host" } else { known.layer }, row.sign));
        }
    }
    for (layer, signs, method) in expected {
        let (here, missing): (Vec<&Sign>, Vec<&Sign>) = signs.iter().partition(|sign| seen.contains(&(layer, **sign)));
        let list = |signs: &[&Sign]| signs.iter().map(|sign| sign.name()).collect::<Vec<_>>().join(", ");
        if here.is_empty() {
            continue;
        }
        let lacks = if missing.is_empty() { "nothing is missing".to_owned() } else { format!("missing: {}", list(&missing)) };
        let _ = writeln!(out, "# {layer} ({method}): here are {}; {lacks}", list(&here));
    }
}

/// One check.
fn table(study: &Study, proposals: &Proposals, chosen: &Chosen, out: &mut String) {
    let proposal = &proposals.all[chosen.proposal];
    let variant = &proposal.variants[chosen.variant];
    out.push('\n');
    proposal.reasons.iter().for_each(|reason| comment(out, reason));
    comment(out, &price_of(study, proposal, chosen));
    let _ = writeln!(out, "[{}]", proposal.name);
    let level = if proposal.group == Group::Must { "critical" } else { "warning" };
    let _ = writeln!(out, "{level:<8} = {}", quoted(&variant.condition));
    if let Some(clear) = &variant.clear {
        let _ = writeln!(out, "clear    = {}", quoted(clear));
    }
    if !proposal.by.is_empty() {
        let keys: Vec<String> = proposal.by.iter().map(|key| quoted(key)).collect();
        let _ = writeln!(out, "by       = [{}]", keys.join(", "));
    }
    if proposal.no_data_ok {
        out.push_str("no_data  = \"ok\"\n");
    }
    let _ = writeln!(out, "every    = \"{}\"", proposal.every);
}

/// What a check would have done, in words.
fn price_of(study: &Study, proposal: &Proposal, chosen: &Chosen) -> String {
    let weeks = (study.covered().secs_f64() / 604_800.0).max(1.0 / 7.0);
    let found: Vec<String> =
        chosen.found.iter().map(|(at, delay)| format!("{} ({} it stood out)", clock(study.episodes[*at].from), after(*delay))).collect();
    let found = if found.is_empty() { String::new() } else { format!(", and would have told {}", found.join(", ")) };
    let source = if proposal.is_known { "The limit is the usual one. " } else { "" };
    if study.covered() < Span::from_secs(7200) {
        return format!("{source}This history is too short to tell what it would cost.");
    }
    let (per_week, crosswise) = (number(chosen.false_alerts as f64 / weeks), number(chosen.crosswise));
    let most = number((chosen.false_alerts as f64 + 3.0) / weeks);
    let told = match (chosen.alerts, chosen.false_alerts) {
        (0, _) => "it would not have alerted".to_owned(),
        (all, falses) => format!("it would have alerted {}, {} without anything grave", counted_times(all), counted_times(falses)),
    };
    format!(
        "{source}Over this history {told}{found}. Expected: {per_week} false alerts a week (crosswise {crosswise}, at most about {most})."
    )
}

/// How long after an episode's begin, in nanoseconds.
fn after(delay: i64) -> String {
    let span = Span::from_nanos(delay.saturating_abs()).human();
    if delay < 0 { format!("{span} before") } else { format!("{span} after") }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn counted_times(count: usize) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// A rate as a person reads it.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        small if small < 0.05 => "under 0.1".to_owned(),
        value => format!("{value:.1}").trim_end_matches(".0").to_owned(),
    }
}

fn clock(at: Timestamp) -> String {
    let clock = Zone::default().clock(at);
    clock.get(..16).unwrap_or(&clock).to_owned()
}

/// Appends a comment, cut into lines where words end.
fn comment(out: &mut String, text: &str) {
    let mut width = WIDTH;
    for word in text.split_whitespace() {
        let length = word.chars().count() + 1;
        if width + length > WIDTH {
            if width < WIDTH || out.ends_with(|c: char| c != '\n') && !out.is_empty() {
                out.push('\n');
            }
            out.push('#');
            width = 1;
        }
        let _ = write!(out, " {word}");
        width += length;
    }
    out.push('\n');
}

/// A text as TOML writes it: as it is between single quotes, where that is possible.
fn quoted(text: &str) -> String {
    if !text.contains('\'') && !text.contains(char::is_control) {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_cut_where_words_end() {
        let mut out = String::from("x\n");
        comment(&mut out, &"word ".repeat(40));
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "x");
        assert!(lines[1..].iter().all(|line| line.starts_with("# word") && line.len() <= WIDTH), "{out}");
        assert_eq!(out.matches("word").count(), 40);
    }

    #[test]
    fn a_text_reads_back_whatever_is_in_it() {
        for text in ["plain", "it's", "a \"quote\" and it's \\", "control \u{1} it's \n"] {
            let line = format!("key = {}", quoted(text));
            let read = toml::de::DeTable::parse(&line)
                .map(|table| table.get_ref().get("key").and_then(|value| value.get_ref().as_str().map(str::to_owned)));
            assert_eq!(read.ok().flatten().as_deref(), Some(text), "{line}");
        }
    }

    #[test]
    fn a_rate_is_short() {
        for (value, text) in [(0.0, "0"), (0.02, "under 0.1"), (0.34, "0.3"), (12.0, "12"), (10.04, "10")] {
            assert_eq!(number(value), text);
        }
    }
}
