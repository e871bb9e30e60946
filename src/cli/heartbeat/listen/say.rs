//! What is said of a check: a sentence for people, and the verdict for programs.

use serde_json::json;

use super::book::Check;
use crate::heartbeat::page::Mood;
use crate::heartbeat::pinged::{Due, Flip, Stored};
use crate::record::{Json, Status, Tags, Verdict};
use crate::time::{Span, Timestamp};

/// Why a check stands as it does.
pub(super) fn reason(check: &Check, now: Timestamp) -> String {
    let pinged = &check.pinged;
    match check.mood(now) {
        Mood::New if pinged.last_start.is_some() => "started for the first time".into(),
        Mood::New => "never heard of".into(),
        Mood::Paused => "paused: nothing is expected".into(),
        Mood::Up => String::new(),
        Mood::Late => check.due().map_or_else(String::new, |due| format!("was due {} ago, within its grace", ago(now, due))),
        Mood::Down => down(check, now),
    }
}

/// How long ago something was, in whole seconds.
fn ago(now: Timestamp, then: Timestamp) -> String {
    Span::from_nanos(now.since(then).nanos() / 1_000_000_000 * 1_000_000_000).human()
}

fn down(check: &Check, now: Timestamp) -> String {
    let pinged = &check.pinged;
    if let Some(start) = pinged.last_start {
        return format!("started {} ago and has not ended", ago(now, start));
    }
    let fell = pinged.flips.back().filter(|flip| flip.to == Stored::Down);
    match (fell, pinged.last_ping) {
        (Some(flip), Some(last)) if flip.ts > last => format!("nothing heard for {}", ago(now, last)),
        (_, Some(last)) => format!("failed {} ago", ago(now, last)),
        _ => "down".into(),
    }
}

/// The status that a mood is for programs.
const fn status(mood: Mood) -> Status {
    match mood {
        Mood::Up | Mood::Late | Mood::Paused => Status::Ok,
        Mood::New => Status::Unknown,
        Mood::Down => Status::Critical,
    }
}

/// The verdict, where the status differs from what was said last; it is said then.
///
/// What is new and as it should be needs no verdict, nor does what nobody has heard of yet.
pub(super) fn verdict(check: &mut Check, now: Timestamp) -> Option<Verdict> {
    check.pass(now);
    let mood = check.mood(now);
    let before = check.told.replace(mood);
    if before.map_or(Status::Ok, status) == status(mood) || (before.is_none() && mood == Mood::New) {
        return None;
    }
    let since = check.pinged.flips.back().map(|flip| flip.ts);
    let reason = match mood {
        Mood::Up | Mood::Late => "heard of, as it should be".into(),
        _ => reason(check, now),
    };
    Some(Verdict {
        ts: now,
        check: check.spec.beat.clone(),
        status: status(mood),
        since,
        reason: Some(reason),
        evidence: evidence(check),
        playbook: check.spec.playbook.clone(),
        tags: Tags::default(),
        ..Verdict::default()
    })
}

/// What the verdict rests on: when it was heard of, was due, and how it went before.
fn evidence(check: &Check) -> Option<Json> {
    let pinged = &check.pinged;
    let due = pinged.last_ping.and_then(|last| check.rhythm.next(last));
    let flips: Vec<_> = pinged.flips.iter().rev().take(5).map(|Flip { ts, to }| json!({"ts": ts, "to": to.name()})).collect();
    Json::of(&json!([{
        "last": pinged.last_ping, "due": due, "grace": check.rhythm.grace().secs_f64(), "started": pinged.last_start,
        "pings": pinged.pings, "changes": flips,
    }]))
    .ok()
}
