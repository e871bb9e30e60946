//! What a backtest found, for a person and as records.

use super::table::table;
use super::{Passed, Plan};
use crate::cli::{Failure, Output};
use crate::ndjson::write;
use crate::record::{Event, Record, Status, Tags, show};
use crate::rule::backtest::{Alert, Course, Incident, Judgement, Score, Tally, Totals, judged, score, told};
use crate::time::{Span, Timestamp};

/// How many missed incidents of a check are listed.
const MISSED: usize = 10;

/// All that is to be told.
pub(super) struct Report<'a> {
    pub(super) plan: &'a Plan,
    pub(super) passed: &'a Passed,
    /// The groups of each check.
    pub(super) pages: &'a [Vec<Course>],
}

/// A length for a table: `45s`, `3m20s`, `5h40m`, `2d5h`.
pub(super) fn brief(span: Span) -> String {
    let unit: i64 = match span.nanos() / 1_000_000_000 {
        86_400.. => 3_600,
        600.. => 60,
        _ => 1,
    };
    let unit = unit * 1_000_000_000;
    Span::from_nanos((span.nanos() + unit / 2) / unit * unit).to_string()
}

/// A share for a person: `67 %`; `-` where there is none.
pub(super) fn share(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "-".into(), |ratio| format!("{:.0} %", ratio * 100.0))
}

/// What stretch of time was judged, in words.
pub(super) fn stretch(plan: &Plan, passed: &Passed) -> String {
    let (from, until) = (plan.zone.clock(passed.from), plan.zone.clock(passed.until));
    let length = passed.until.since(passed.from).human();
    format!("{from} to {until} ({length}), {} records\n", passed.read.records)
}

impl Report<'_> {
    /// The tables.
    pub(super) fn text(&self, colour: bool) -> String {
        let mut text = stretch(self.plan, self.passed);
        text.push('\n');
        text += &self.overview();
        for (at, courses) in self.pages.iter().enumerate() {
            text += &self.details(at, courses, colour);
        }
        text
    }

    fn totals(&self, courses: &[Course]) -> Totals {
        Totals::of(courses, self.passed.from, self.passed.until, self.plan.zone)
    }

    /// One line for each check, and for each of its groups that had anything to tell.
    fn overview(&self) -> String {
        let heading = ["check", "alerts", "a week", "alerting", "longest", "flaps", "short", "night", "unknown"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        for (check, courses) in self.plan.rules.checks.iter().zip(self.pages) {
            rows.push(row(show(check.name.as_bytes(), 40), &self.totals(courses)));
            for course in courses.iter().filter(|course| !course.tags.is_empty() && !course.alerts.is_empty()) {
                rows.push(row(format!("  {}", clipped(&course.tags)), &self.totals(std::slice::from_ref(course))));
            }
        }
        table(&rows, 0, &[0])
    }

    /// What is to be told of one check below the overview.
    fn details(&self, at: usize, courses: &[Course], colour: bool) -> String {
        let check = &self.plan.rules.checks[at];
        let mut lines = self.judged(&check.name, courses);
        if let Some(incidents) = self.plan.incidents_of(&check.name) {
            lines += &self.scored(&score(courses, &incidents));
        }
        lines += &self.alerts(courses, colour);
        if lines.is_empty() { lines } else { format!("\n{}\n{lines}", show(check.name.as_bytes(), 80)) }
    }

    fn judged(&self, check: &str, courses: &[Course]) -> String {
        match tally(&self.passed.judgements, check, courses) {
            Some(tally) => format!(
                "  judged: {} real and {} noise raised, {} real and {} noise not raised, {} of {} missed ones raised; precision {}, recall {}\n",
                tally.real,
                tally.noise,
                tally.real_lost,
                tally.noise_gone,
                tally.missed_found,
                tally.missed_found + tally.missed,
                share(tally.precision()),
                share(tally.recall()),
            ),
            None => String::new(),
        }
    }

    fn scored(&self, score: &Score) -> String {
        let all = score.found + score.missed.len();
        let delay = score.delay().map_or(String::new(), |delay| format!(", {} after the begin in the middle", brief(delay)));
        let (precision, recall) = (share(score.precision()), share(score.recall()));
        let found = format!("  incidents: {} of {all} found{delay}; {} false alarms", score.found, score.false_alarms);
        let mut text = format!("{found}; precision {precision}, recall {recall}\n");
        for Incident { from, to, .. } in score.missed.iter().take(MISSED) {
            text += &format!("  missed: {} to {}\n", self.plan.zone.clock(*from), self.plan.zone.clock(*to));
        }
        if score.missed.len() > MISSED {
            text += &format!("  … and {} more\n", score.missed.len() - MISSED);
        }
        text
    }

    /// The alerts of a check, the earliest first.
    fn alerts(&self, courses: &[Course], colour: bool) -> String {
        let mut all: Vec<(&Course, &Alert)> =
            courses.iter().flat_map(|course| course.alerts.iter().map(move |alert| (course, alert))).collect();
        if all.is_empty() {
            return String::new();
        }
        all.sort_by_key(|(_, alert)| alert.begin);
        let heading = ["begin", "end", "length", "status", "worst", "group"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(all.iter().take(self.plan.listed).map(|(course, alert)| self.alert(course, alert)));
        if courses.iter().all(|course| course.tags.is_empty()) {
            rows.iter_mut().for_each(|row| row.truncate(5));
        }
        let mut text = table(&rows, 2, &[0, 1, 3, 5]);
        if colour {
            text = text
                .replace("  critical  ", "  \u{1b}[1;31mcritical\u{1b}[0m  ")
                .replace("  warning   ", "  \u{1b}[33mwarning\u{1b}[0m   ");
        }
        if all.len() > self.plan.listed {
            text += &format!("  … and {} more; --alerts 0 lists all\n", all.len() - self.plan.listed);
        }
        text
    }

    fn alert(&self, course: &Course, alert: &Alert) -> Vec<String> {
        let clock = |at: Timestamp| self.plan.zone.clock(at);
        let unit = course.unit.as_deref().filter(|unit| !unit.is_empty());
        vec![
            clock(alert.begin),
            alert.end.map_or_else(|| "still firing".into(), clock),
            brief(alert.length(self.passed.until)),
            alert.status.name().to_owned(),
            alert.value.map_or_else(|| "-".into(), |value| told(value, unit)),
            clipped(&course.tags),
        ]
    }

    /// One event for each check.
    pub(super) fn records(&self, out: &mut Output) -> Result<(), Failure> {
        for (check, courses) in self.plan.rules.checks.iter().zip(self.pages) {
            let totals = self.totals(courses);
            let mut told = totals_of(&totals);
            let fires = courses.iter().flat_map(|course| &course.alerts).any(|alert| alert.end.is_none());
            told.insert("firing".into(), fires.into());
            let critical = courses.iter().flat_map(|course| &course.alerts).filter(|alert| alert.status == Status::Critical).count();
            told.insert("critical".into(), critical.into());
            if let Some(tally) = tally(&self.passed.judgements, &check.name, courses) {
                told.insert("judged".into(), judged_of(&tally));
            }
            if let Some(incidents) = self.plan.incidents_of(&check.name) {
                told.insert("incidents".into(), score_of(&score(courses, &incidents)));
            }
            let text = format!("{} alerts, {} of alerting", totals.alerts, totals.alerting.human());
            event(out, self.passed.until, &check.name, text, told)?;
        }
        Ok(())
    }
}

/// What judgements say of a check; `None` when none is about it.
pub(super) fn tally(judgements: &[Judgement], check: &str, courses: &[Course]) -> Option<Tally> {
    let own: Vec<&Judgement> = judgements.iter().filter(|judgement| judgement.check == check).collect();
    (!own.is_empty()).then(|| judged(courses, &own))
}

fn clipped(tags: &Tags) -> String {
    let text = tags.to_string();
    if text.chars().count() > 40 { format!("{}…", text.chars().take(39).collect::<String>()) } else { text }
}

fn row(name: String, totals: &Totals) -> Vec<String> {
    let count = |count: usize| count.to_string();
    let span = |span: Span| if span.is_zero() { "-".into() } else { brief(span) };
    vec![
        name,
        count(totals.alerts),
        format!("{:.1}", totals.per_week),
        span(totals.alerting),
        span(totals.longest),
        count(totals.flaps),
        count(totals.short),
        count(totals.night),
        span(totals.unknown),
    ]
}

/// An object of JSON in the making.
pub(super) type Object = serde_json::Map<String, serde_json::Value>;

/// Totals as JSON; lengths of time in seconds.
pub(super) fn totals_of(totals: &Totals) -> Object {
    let mut told = Object::new();
    told.insert("alerts".into(), totals.alerts.into());
    told.insert("per_week".into(), totals.per_week.into());
    told.insert("alerting_s".into(), totals.alerting.secs_f64().into());
    told.insert("longest_s".into(), totals.longest.secs_f64().into());
    told.insert("flaps".into(), totals.flaps.into());
    told.insert("short".into(), totals.short.into());
    told.insert("night".into(), totals.night.into());
    told.insert("unknown_s".into(), totals.unknown.secs_f64().into());
    told
}

/// A score as JSON.
pub(super) fn score_of(score: &Score) -> serde_json::Value {
    serde_json::json!({
        "found": score.found,
        "missed": score.missed.len(),
        "false_alarms": score.false_alarms,
        "precision": score.precision(),
        "recall": score.recall(),
        "delay_s": score.delay().map(Span::secs_f64),
    })
}

/// A tally as JSON.
pub(super) fn judged_of(tally: &Tally) -> serde_json::Value {
    serde_json::json!({
        "real": tally.real,
        "real_lost": tally.real_lost,
        "noise": tally.noise,
        "noise_gone": tally.noise_gone,
        "missed": tally.missed,
        "missed_found": tally.missed_found,
        "precision": tally.precision(),
        "recall": tally.recall(),
    })
}

/// Writes the event that tells numbers of a check: a record whose key `backtest` holds them.
pub(super) fn event(out: &mut Output, ts: Timestamp, check: &str, text: String, told: Object) -> Result<(), Failure> {
    let tags: Tags = [("check", check)].into_iter().collect();
    let event = Event { ts, event: "backtest".into(), text: Some(text), link: None, tags };
    let told = serde_json::Value::Object(told).to_string();
    out.append(|block| {
        write(block, &Record::Event(event));
        // Before the tags, which stand last in every record.
        let at = block.windows(8).rposition(|part| part == b",\"tags\":").unwrap_or(block.len());
        block.splice(at..at, format!(",\"backtest\":{told}").into_bytes());
    })
}
