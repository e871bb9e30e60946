//! The JSON that the management interface gives.

use serde_json::{Map, Value, json};

use super::book::{Check, Recent};
use super::desk::Desk;
use super::keys::unhex;
use crate::net::listener::Request;
use crate::time::{Span, Timestamp};

/// A run longer than this has no duration.
const LONGEST_RUN: Span = Span::from_secs(72 * 3600);

/// Who looks, and how.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// The version of the interface.
    pub(super) version: u8,
    /// Whether what could be used to ping or change is left out.
    pub(super) read_only: bool,
    /// The beginning of addresses.
    pub(super) root: String,
    pub(super) now: Timestamp,
}

/// The beginning of this listener's addresses: as configured, or as the client calls it.
pub(super) fn root(desk: &Desk, request: &Request) -> String {
    if let Some(url) = &desk.plan.url {
        return url.clone();
    }
    let fine = |host: &str| host.len() <= 255 && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
    let host = request.header("host").filter(|host| !host.is_empty() && fine(host));
    let proxied = crate::net::listener::is_loopback(request.from);
    let scheme = request.header("x-forwarded-proto").filter(|scheme| proxied && scheme == "https").map_or("http", |_| "https");
    format!("{scheme}://{}", host.as_deref().unwrap_or("localhost"))
}

/// An instant in whole seconds: `2020-03-24T14:02:03+00:00`.
pub(super) fn iso(ts: Timestamp) -> String {
    format!("{}+00:00", ts.floor_to(Span::from_secs(1)).to_string().trim_end_matches('Z'))
}

/// An instant in microseconds: `2020-06-09T14:51:06.113073+00:00`.
fn iso_micros(ts: Timestamp) -> String {
    let whole = ts.floor_to(Span::from_secs(1));
    let micros = ts.since(whole).nanos() / 1000;
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{}{fraction}+00:00", whole.to_string().trim_end_matches('Z'))
}

/// A text as a part of an address.
pub(super) fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A check, after time has passed.
pub(super) fn check(check: &mut Check, look: &Look) -> Value {
    check.pass(look.now);
    let (spec, pinged) = (&check.spec, &check.pinged);
    let started = pinged.last_start.is_some();
    let hung = pinged.last_start.is_some_and(|start| look.now >= start.plus(check.rhythm.grace));
    let shown = if look.version == 1 && started && !hung { "started" } else { pinged.shown(look.now, &check.rhythm) };
    let subject = |words: &String| if spec.filter_subject { words.clone() } else { String::new() };
    let mut out = json!({
        "name": spec.name, "slug": spec.slug, "tags": spec.tags, "desc": spec.desc, "grace": spec.grace,
        "n_pings": pinged.pings, "status": shown, "started": started,
        "last_ping": pinged.last_ping.map(iso), "next_ping": check.due().map(iso),
        "manual_resume": spec.manual_resume, "methods": spec.methods,
        "subject": subject(&spec.success_kw), "subject_fail": subject(&spec.failure_kw),
        "start_kw": spec.start_kw, "success_kw": spec.success_kw, "failure_kw": spec.failure_kw,
        "filter_subject": spec.filter_subject, "filter_body": spec.filter_body,
        "filter_http_body": spec.filter_http_body, "filter_default_fail": spec.filter_default_fail,
        "badge_url": format!("{}/b/2/{}.svg", look.root, spec.badge_key),
    });
    let Some(object) = out.as_object_mut() else { return out };
    if let Some(duration) = pinged.last_duration {
        object.insert("last_duration".into(), json!(duration.nanos() / 1_000_000_000));
    }
    if spec.schedule.is_empty() {
        object.insert("timeout".into(), json!(spec.timeout));
    } else {
        object.insert("schedule".into(), json!(spec.schedule));
        object.insert("tz".into(), json!(spec.tz));
    }
    addresses(object, check, look);
    out
}

/// What names a check, and where it is pinged and changed.
fn addresses(object: &mut Map<String, Value>, check: &Check, look: &Look) {
    if look.read_only {
        object.insert("unique_key".into(), json!(check.spec.unique_key));
        return;
    }
    let own = format!("{}/api/v{}/checks/{}", look.root, look.version, check.code);
    object.insert("uuid".into(), json!(check.code));
    object.insert("ping_url".into(), json!(format!("{}/ping/{}", look.root, check.code)));
    object.insert("pause_url".into(), json!(format!("{own}/pause")));
    object.insert("resume_url".into(), json!(format!("{own}/resume")));
    object.insert("update_url".into(), json!(own));
    object.insert("channels".into(), json!(""));
}

/// A line of the history as JSON; what can't be read is empty.
fn parsed(line: &[u8]) -> Value {
    serde_json::from_slice(line).unwrap_or_default()
}

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The name of a ping's kind, from its line.
fn kind(line: &Value) -> &'static str {
    match text(line, "state") {
        "start" => "start",
        "fail" => "fail",
        "" | "ok" => "success",
        _ if line.get("ignored") == Some(&Value::Bool(true)) => "ign",
        _ => "log",
    }
}

/// The pings of a check that can be listed, the newest first.
pub(super) fn pings(check: &Check, look: &Look) -> Vec<Value> {
    let mut starts: Map<String, Value> = Map::new();
    let mut out: Vec<Value> = check.recent.iter().map(|recent| ping(check, recent, &mut starts, look)).collect();
    out.reverse();
    out
}

/// One ping. `starts` holds the starts that have no end yet, by run.
fn ping(check: &Check, recent: &Recent, starts: &mut Map<String, Value>, look: &Look) -> Value {
    let line = parsed(&recent.line);
    let ts = Timestamp::parse(text(&line, "ts")).unwrap_or(Timestamp::from_nanos(0));
    let (kind, run) = (kind(&line), text(&line, "run"));
    let (scheme, method) = text(&line, "via").split_once(' ').unwrap_or_default();
    let body = body(&recent.line).map(|_| format!("{}/api/v{}/checks/{}/pings/{}/body", look.root, look.version, check.code, recent.n));
    let mut out = json!({
        "type": kind, "date": iso_micros(ts), "n": recent.n, "scheme": scheme, "remote_addr": text(&line, "from"),
        "method": method, "ua": text(&line, "agent"), "rid": line.get("run").cloned().unwrap_or_default(), "body_url": body,
    });
    if kind == "start" {
        starts.insert(run.to_owned(), json!(ts));
    } else if matches!(kind, "success" | "fail")
        && let Some(start) = starts.remove(run).as_ref().and_then(Value::as_str).and_then(|start| Timestamp::parse(start).ok())
        && ts.since(start) < LONGEST_RUN
    {
        out["duration"] = json!(ts.since(start).nanos() as f64 / 1e9);
    }
    out
}

/// The body of a ping, from its line; `None` where it had none.
pub(super) fn body(line: &[u8]) -> Option<Vec<u8>> {
    let line = parsed(line);
    match line.get("bytes").and_then(Value::as_str) {
        Some(hex) => unhex(hex),
        None => line.get("message").and_then(Value::as_str).map(|text| text.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_clients_read_them() {
        let ts = Timestamp::parse("2020-06-09T14:51:06.1130735Z").unwrap();
        assert_eq!(iso(ts), "2020-06-09T14:51:06+00:00");
        assert_eq!(iso_micros(ts), "2020-06-09T14:51:06.113073+00:00");
        assert_eq!(quoted("a b/ä"), "a%20b%2F%C3%A4");
    }
}
