//! What people and other programs look at: the status page, badges, metrics, and whether it is well.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use super::desk::{Desk, locked};
use crate::heartbeat::badge::{self, Form, Tally};
use crate::heartbeat::page::{self, Mood, Page, Row};
use crate::net::listener::{Reply, Request, decoded, is_loopback, pairs, same};
use crate::time::Timestamp;

/// What a page may do: nothing but show itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// Answers `/`, `/metrics` and `/healthz`.
pub(super) fn answer(desk: &Desk, path: &str, request: &Request) -> Reply {
    if !["GET", "HEAD"].contains(&request.method()) {
        return Reply::text(405, "method not allowed");
    }
    if path == "/healthz" {
        return Reply::text(200, "OK\n").header("cache-control", "no-store");
    }
    if !may_look(desk, request) {
        return Reply::text(403, "add ?key=READ_KEY to the address; `heartbeat listen --show-keys` tells the key\n");
    }
    match path {
        "/metrics" => Reply::new(200, "text/plain; version=0.0.4; charset=utf-8", metrics(desk).into_bytes()),
        _ => Reply::new(200, "text/html; charset=utf-8", page(desk, request).into_bytes())
            .header("content-security-policy", POLICY)
            .header("referrer-policy", "no-referrer"),
    }
    .header("x-content-type-options", "nosniff")
    .header("cache-control", "no-store")
}

/// Whether somebody may look without changing anything: with the key, or as one who is on this machine.
///
/// A browser that was led here by another site's name, and what a proxy passes on from elsewhere, need the key.
fn may_look(desk: &Desk, request: &Request) -> bool {
    let key = pairs(request.query()).take(20).find(|(name, _)| name == "key").map(|(_, value)| value);
    let header = request
        .header("x-api-key")
        .or_else(|| request.header("authorization").and_then(|value| value.strip_prefix("Bearer ").map(|key| key.to_owned().into())));
    let shown =
        [key.as_deref(), header.as_deref()].into_iter().flatten().any(|key| same(key, &desk.keys.read) | same(key, &desk.keys.manage));
    let host = request.header("host").unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(&*host, |(name, _)| name);
    let here = ["", "localhost", "127.0.0.1", "[::1]"].contains(&name) && is_loopback(request.from);
    shown || (here && !desk.plan.public && request.header("x-forwarded-for").is_none() && request.header("forwarded").is_none())
}

fn page(desk: &Desk, request: &Request) -> String {
    let now = desk.now();
    let refresh_s = pairs(request.query())
        .take(20)
        .find(|(name, _)| name == "refresh")
        .and_then(|(_, value)| value.parse().ok())
        .filter(|seconds| (5..=86_400).contains(seconds));
    let mut book = locked(&desk.book);
    let rows = book.each_mut().map(|check| {
        check.pass(now);
        Row {
            name: check.spec.title().to_owned(),
            mood: check.mood(now),
            running: check.pinged.last_start.is_some(),
            why: super::say::reason(check, now),
            last: check.pinged.last_ping,
            due: check.due(),
            playbook: check.spec.playbook.clone(),
        }
    });
    let rows = rows.collect();
    drop(book);
    page::render(&Page { now, rows, refresh_s })
}

/// Answers `/badge/KEY/SIGNATURE[-2][/TAG].FORM` and `/b/STATES/KEY.FORM`.
pub(super) fn badge(desk: &Desk, path: &str) -> Reply {
    found(desk, path)
        .map_or_else(
            || Reply::text(404, "not found"),
            |(form, label, tally, late)| Reply::new(200, form.kind(), badge::render(form, &label, tally, late).into_bytes()),
        )
        .header("access-control-allow-origin", "*")
        .header("cache-control", "max-age=0, no-cache, no-store, must-revalidate, private")
}

fn found(desk: &Desk, path: &str) -> Option<(Form, String, Tally, bool)> {
    let (stem, ending) = path.rsplit_once('.')?;
    let form = Form::parse(ending)?;
    let parts: Vec<&str> = stem.trim_start_matches('/').splitn(4, '/').collect();
    let now = desk.now();
    let mut tally = Tally::default();
    let mut book = locked(&desk.book);
    if let ["b", states @ ("2" | "3"), key] = parts[..] {
        let check = book.each_mut().find(|check| same(&check.spec.badge_key, key))?;
        check.pass(now);
        tally.add(check.mood(now));
        return Some((form, check.spec.title().to_owned(), tally, states == "3"));
    }
    let ["badge", key, signature, ref tag @ ..] = parts[..] else { return None };
    let tag = tag.first().map_or_else(|| "*".to_owned(), |tag| decoded(tag, false));
    let (signature, late) = signature.strip_suffix("-2").map_or((signature, true), |signature| (signature, false));
    if !(same(key, &desk.keys.badge) & same(signature, &badge::signature(&desk.keys.sign, &tag))) {
        return None;
    }
    for check in book.each_mut().filter(|check| tag == "*" || check.spec.tag_list().any(|own| own == tag)) {
        check.pass(now);
        tally.add(check.mood(now));
    }
    let label = if tag == "*" { "heartbeat".into() } else { tag };
    Some((form, label, tally, late))
}

/// The metrics, as Prometheus reads them.
fn metrics(desk: &Desk) -> String {
    let now = desk.now();
    let mut out = String::with_capacity(4096);
    let mut book = locked(&desk.book);
    book.each_mut().for_each(|check| check.pass(now));
    let seconds = |ts: Timestamp| ts.nanos() as f64 / 1e9;
    out.push_str("# HELP pipewatch_heartbeat_jobs How many jobs stand so.\n# TYPE pipewatch_heartbeat_jobs gauge\n");
    for mood in [Mood::Up, Mood::Late, Mood::Down, Mood::Paused, Mood::New] {
        let count = book.each().filter(|check| check.mood(now) == mood).count();
        let _ = writeln!(out, "pipewatch_heartbeat_jobs{{state=\"{}\"}} {count}", mood.word());
    }
    let mut family = |name: &str, kind: &str, help: &str, value: &dyn Fn(&super::book::Check) -> Option<f64>| {
        let _ = write!(out, "# HELP pipewatch_{name} {help}\n# TYPE pipewatch_{name} {kind}\n");
        for check in book.each() {
            if let Some(value) = value(check) {
                let _ = writeln!(out, "pipewatch_{name}{{job=\"{}\"}} {value}", label(&check.spec.beat));
            }
        }
    };
    family(
        "heartbeat_up",
        "gauge",
        "Whether a job is as it should be: 1, also while it is late within its grace; 0 when it is down.",
        &|check| match check.mood(now) {
            Mood::Down => Some(0.0),
            Mood::Up | Mood::Late => Some(1.0),
            Mood::Paused | Mood::New => None,
        },
    );
    family("heartbeat_running", "gauge", "Whether a run is under way.", &|check| {
        Some(f64::from(u8::from(check.pinged.last_start.is_some())))
    });
    family("heartbeat_last_seconds", "gauge", "When a job was last heard of, as a Unix time.", &|check| {
        check.pinged.last_ping.map(seconds)
    });
    family("heartbeat_due_seconds", "gauge", "When a job is due, as a Unix time.", &|check| check.due().map(seconds));
    family("heartbeat_duration_seconds", "gauge", "How long the last run took.", &|check| {
        check.pinged.last_duration.map(crate::time::Span::secs_f64)
    });
    family("heartbeat_pings_total", "counter", "Pings that came, of every kind.", &|check| Some(check.pinged.pings as f64));
    let (beats, bad) = (book.beats_read, book.bad_lines);
    drop(book);
    own(desk, &mut out, beats, bad);
    out
}

/// The metrics of the listener itself.
fn own(desk: &Desk, out: &mut String, beats: u64, bad: u64) {
    let (server, counted) = (&desk.server, &desk.counted);
    let read = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let all = [
        ("connections_open", "gauge", "Connections that are open.", read(&server.open)),
        ("connections_total", "counter", "Connections that were accepted.", read(&server.accepted)),
        ("connections_evicted_total", "counter", "Connections that were closed to make room.", read(&server.evicted)),
        ("requests_total", "counter", "Requests that were answered.", read(&server.answered)),
        ("requests_refused_total", "counter", "Requests that were too large or too slow.", read(&server.refused)),
        ("pings_total", "counter", "Pings that are on the disk.", read(&counted.pings)),
        ("pings_failed_total", "counter", "Pings that could not be written.", read(&counted.lost)),
        ("groups_total", "counter", "Writes to the disk, each of all pings that waited.", read(&counted.groups)),
        ("beats_read_total", "counter", "Beats that were read from the history.", beats),
        ("lines_bad_total", "counter", "Lines of the history that were no records.", bad),
    ];
    for (name, kind, help, value) in all {
        let _ =
            write!(out, "# HELP pipewatch_listen_{name} {help}\n# TYPE pipewatch_listen_{name} {kind}\npipewatch_listen_{name} {value}\n");
    }
}

/// A label's value, escaped as the format wants it.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
