//! A job's standing as a verdict: how bad, since when, why, and its history.
//!
//! | the job | status |
//! |---|---|
//! | is late, hangs or has failed | its severity, critical where none is told |
//! | took too long or was suspiciously short; flaps | warning |
//! | was never seen | unknown, and from its first due and grace on its severity |
//! | is paused or maintained | ok, and told |

use serde_json::{Map, Value, json};

use super::course::{Kind, Odd, Ran, Seen, Why};
use super::job::{Job, State};
use super::through;
use super::watch::Away;
use crate::record::{Json, Status, Verdict, show};
use crate::time::{Span, Timestamp};

/// What was concluded.
struct Finding {
    status: Status,
    since: Timestamp,
    reason: String,
}

/// The verdict on a job, where it is the path of a generator by what that made.
pub(super) fn of(job: &Job, generator: Option<&Job>, away: &[Away], now: Timestamp) -> Verdict {
    let expectation = job.expectation();
    let mut finding = judged(job, generator, now);
    let away: Vec<&Away> = away.iter().filter(|away| concerns(away, job, finding.since)).collect();
    if finding.status != Status::Ok {
        away.iter().for_each(|away| finding.reason.push_str(&format!("; {}", away.told())));
    }
    let told_away: Vec<Value> = away.iter().map(|away| json!({"from": away.from, "to": away.to, "why": away.why})).collect();
    let evidence = evidence(job, now, told_away);
    Verdict {
        ts: now,
        check: expectation.name.clone(),
        status: finding.status,
        since: Some(finding.since),
        value: None,
        unit: None,
        reason: Some(finding.reason),
        evidence: Json::of(&json!([evidence])).ok(),
        playbook: expectation.playbook.clone(),
        tags: expectation.tags.clone(),
    }
}

/// The same without the words.
pub(super) fn brief(job: &Job, generator: Option<&Job>, now: Timestamp) -> (Status, Timestamp) {
    let Finding { status, since, .. } = judged(job, generator, now);
    (status, since)
}

/// What is concluded: of a path by its generator too, and of a generator nothing that wakes anybody.
fn judged(job: &Job, generator: Option<&Job>, now: Timestamp) -> Finding {
    let own = find(job, job.state(now).state, now);
    if job.expectation().through.is_some() && own.status == Status::Critical {
        return Finding { status: Status::Warning, ..own };
    }
    let is_expected = !job.expectation().paused && job.expectation().maintained_until(now).is_none();
    let Some(generator) = generator.filter(|_| is_expected) else { return own };
    match through::finding(job, generator, now) {
        through::Finding::AsItIs => own,
        through::Finding::Broken { since, reason } => Finding { status: job.expectation().severity, since, reason },
        through::Finding::CannotTell { reason } => Finding { status: Status::Unknown, since: own.since, reason },
    }
}

/// Whether an absence bears on what is told of a job: it touches the time from the last beat to what was concluded.
fn concerns(away: &Away, job: &Job, since: Timestamp) -> bool {
    let from = job.course().last.unwrap_or(job.known_since());
    away.to >= from && away.from <= since.max(from)
}

fn find(job: &Job, state: State, now: Timestamp) -> Finding {
    let (expectation, course) = (job.expectation(), job.course());
    if let State::Paused = state {
        let since = if expectation.paused { course.last.unwrap_or(job.known_since()) } else { course.since };
        return Finding { status: Status::Ok, since, reason: "paused: nothing is expected".into() };
    }
    if let Some(until) = expectation.maintained_until(now) {
        let begin = expectation.maintenance.iter().filter_map(|one| begin(one, now)).min().unwrap_or(now);
        return Finding { status: Status::Ok, since: begin, reason: format!("maintenance until {until}: nothing is expected") };
    }
    match state {
        State::Down { since, why } => Finding { status: expectation.severity, since, reason: down(job, why, since, now) },
        State::New => never_seen(job, now),
        State::Up | State::Grace(_) | State::Paused => well(job, state),
    }
}

/// When a maintenance began that an instant lies in.
fn begin(maintenance: &super::Maintenance, now: Timestamp) -> Option<Timestamp> {
    match maintenance {
        super::Maintenance::Once(from, to) => (*from <= now && now < *to).then_some(*from),
        super::Maintenance::Again(window) => window.around(now).map(|(from, _)| from),
    }
}

/// Why a job is down, in a sentence.
fn down(job: &Job, why: Why, since: Timestamp, now: Timestamp) -> String {
    let (expectation, course) = (job.expectation(), job.course());
    let grace = expectation.grace.human();
    let last =
        course.last.map_or("it was never done".to_owned(), |last| format!("its last beat came at {last}, {} ago", now.since(last).human()));
    let failed_since = course.failing_since.filter(|_| why != Why::Failed);
    let failed = failed_since.map_or(String::new(), |at| format!("; and it failed at {at}"));
    match why {
        Why::Late => {
            let due = course.last.and_then(|last| expectation.due_after(last)).map_or(since, |due| due.at);
            format!("late: due at {due} ({}), with a grace of {grace} until {since}; {last}{failed}", expectation.schedule)
        }
        Why::Hung => {
            let run = course.open.first();
            let began = run.map_or(since.minus(expectation.hung_after()), |run| run.since);
            let id = run.and_then(|run| run.run.as_deref()).map_or(String::new(), |id| format!(" `{}`", show(id.as_bytes(), 40)));
            let limit = expectation.hung_after().human();
            format!("hung: run{id} began at {began} and has not ended, {limit} at most are expected; {last}{failed}")
        }
        Why::Failed => failed_reason(job, since),
    }
}

fn failed_reason(job: &Job, since: Timestamp) -> String {
    let (failures, course) = (job.expectation().failures, job.course());
    let last = job.recent().rev().find(|seen| seen.kind == Kind::Fail);
    let status = last.and_then(|seen| seen.exit).map_or(String::new(), |exit| format!(" with exit status {exit}"));
    let said = last.and_then(|seen| seen.message.as_deref()).map(str::trim).filter(|text| !text.is_empty());
    let said = said.and_then(|text| text.lines().next_back()).map_or(String::new(), |text| format!(": {}", show(text.as_bytes(), 160)));
    let count = match (failures.of_these, course.failures_in_row()) {
        (1, 0 | 1) => String::new(),
        (_, row) if failures.among > failures.of_these => {
            let _ = row;
            format!(", {} of its last {} runs", (course.outcomes & mask(failures.among)).count_ones(), failures.among)
        }
        (_, row) => format!(", {row} times in a row"),
    };
    format!("failed at {}{status}{count}; down since {since}{said}", last.map_or(since, |seen| seen.ts))
}

fn mask(among: u32) -> u64 {
    if among >= 64 { u64::MAX } else { (1 << among) - 1 }
}

fn never_seen(job: &Job, now: Timestamp) -> Finding {
    let (expectation, known) = (job.expectation(), job.course().since);
    match job.never_seen_from() {
        Some(deadline) if deadline <= now => {
            let due = expectation.due_after(known).map_or(deadline, |due| due.at);
            let reason = format!("never seen: expected since {known} ({}), first due at {due}, late from {deadline}", expectation.schedule);
            Finding { status: expectation.severity, since: deadline, reason }
        }
        Some(deadline) => {
            let reason = format!("not seen yet: expected since {known} ({}), has time until {deadline}", expectation.schedule);
            Finding { status: Status::Unknown, since: known, reason }
        }
        None => {
            let reason = format!("never seen, and its schedule ({}) comes no more", expectation.schedule);
            Finding { status: Status::Unknown, since: known, reason }
        }
    }
}

/// What is told of a job that is not down.
fn well(job: &Job, state: State) -> Finding {
    let (expectation, course) = (job.expectation(), job.course());
    let last = course.last.unwrap_or(course.since);
    if course.flapping {
        let failures = (course.outcomes & mask(21)).count_ones();
        let reason = format!("flaps: {failures} of its last 21 runs failed, now and then");
        return Finding { status: Status::Warning, since: course.since, reason };
    }
    if let Some(odd) = course.odd {
        return odd_finding(job, odd);
    }
    if course.failures_in_row() > 0 && course.last.is_some() {
        let needed = match (expectation.failures.of_these, expectation.failures.among) {
            (of_these, among) if among > of_these => format!("{of_these} of {among} are needed"),
            (of_these, _) => format!("{of_these} in a row are needed"),
        };
        let reason = format!("failed at {last}, {} in a row; {needed} to count", course.failures_in_row());
        return Finding { status: Status::Ok, since: course.since, reason };
    }
    let done = match course.runs.back().and_then(|run| run.duration_s).and_then(Span::from_secs_f64) {
        Some(duration) => format!("done at {last} in {}", duration.human()),
        None => format!("done at {last}"),
    };
    let reason = match (state, job.due()) {
        (State::Grace(due), _) => format!("due since {}, has time until {}; {done}", due.at, due.deadline),
        (_, Some(due)) => format!("{done}; next due at {}", due.at),
        _ => format!("{done}; its schedule comes no more"),
    };
    Finding { status: Status::Ok, since: course.since, reason }
}

fn odd_finding(job: &Job, odd: Odd) -> Finding {
    let (expectation, course) = (job.expectation(), job.course());
    let took = course.runs.back().and_then(|run| run.duration_s).and_then(Span::from_secs_f64).unwrap_or_default().human();
    let typical = typical(&course.runs).map_or(String::new(), |typical| format!("; typically it takes {}", typical.human()));
    let (since, reason) = match odd {
        Odd::Short { since } => {
            let least = expectation.shortest.unwrap_or_default().human();
            (since, format!("too short: took {took}, at least {least} are expected, so that it may have done nothing{typical}"))
        }
        Odd::Long { since } => {
            let most = expectation.longest.unwrap_or_default().human();
            (since, format!("too long: took {took}, at most {most} are expected{typical}"))
        }
    };
    Finding { status: Status::Warning, since, reason }
}

/// How long a run takes: the median of the last ones that ended well.
fn typical<'a>(runs: impl IntoIterator<Item = &'a Ran>) -> Option<Span> {
    let mut durations: Vec<f64> = runs.into_iter().filter(|run| !run.failed).filter_map(|run| run.duration_s).collect();
    durations.sort_by(f64::total_cmp);
    let (low, high) = (durations.get(durations.len().checked_sub(1)? / 2)?, durations.get(durations.len() / 2)?);
    Span::from_secs_f64((low + high) / 2.0)
}

/// The history of a job, as far as it helps at night.
fn evidence(job: &Job, now: Timestamp, away: Vec<Value>) -> Value {
    let (expectation, course) = (job.expectation(), job.course());
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        if !(value.is_null() || value.as_array().is_some_and(Vec::is_empty)) {
            out.insert(key.to_owned(), value);
        }
    };
    put("expected", expectation.schedule.to_string().into());
    put("due", json!(job.due().map(|due| due.at)));
    put("late_from", json!(job.due().map(|due| due.deadline).or(job.never_seen_from())));
    put("last", job.recent().next_back().map_or(Value::Null, beat));
    put("runs", course.runs.iter().rev().take(5).map(run).collect::<Vec<_>>().into());
    put(
        "open",
        course
            .open
            .iter()
            .take(5)
            .map(|run| json!({"run": run.run, "since": run.since, "hangs_from": job.hung_at(run)}))
            .collect::<Vec<_>>()
            .into(),
    );
    put("typical_duration", json!(typical(&course.runs).map(Span::secs_f64)));
    put("outages", course.outages.iter().rev().map(|outage| {
        json!({"from": outage.from, "to": outage.to, "for": outage.to.since(outage.from).secs_f64(), "why": outage.why.name()})
    }).collect::<Vec<_>>().into());
    put("failures_in_row", json!(Some(course.failures_in_row()).filter(|count| *count > 0)));
    put("untimed", json!(Some(course.untimed).filter(|count| *count > 0)));
    put("maintenance_until", json!(expectation.maintained_until(now)));
    put("watcher_away", away.into());
    Value::Object(out)
}

fn beat(seen: &Seen) -> Value {
    let mut out = json!({"ts": seen.ts, "state": seen.kind});
    let texts =
        [("run", json!(seen.run)), ("exit", json!(seen.exit)), ("duration", json!(seen.duration_s)), ("message", json!(seen.message))];
    if let Value::Object(map) = &mut out {
        map.extend(texts.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)));
    }
    out
}

fn run(run: &Ran) -> Value {
    let mut out = json!({"ended": run.ended, "state": if run.failed { "fail" } else { "ok" }});
    if let Value::Object(map) = &mut out {
        let numbers = [("duration", json!(run.duration_s)), ("exit", json!(run.exit))];
        map.extend(numbers.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)));
    }
    out
}
