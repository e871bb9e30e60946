//! Pings: from a request to a line in the history, and to the reply once that is on the disk.

use std::sync::Arc;

use super::book::BySlug;
use super::clerk;
use super::desk::{Desk, Token, locked};
use super::keys::hex;
use crate::heartbeat::ping::{Action, Address, Kind, Target, classify, is_slug, run_id, sender};
use crate::ndjson::write;
use crate::net::listener::{Answer, Keeper, Reply, Request, is_loopback, pairs, promise, same};
use crate::record::{Beat, Record, Sample, SampleType, Series, Tags, Value};
use crate::time::{Span, Timestamp};

/// What stands in the line of a ping that its check does not listen to.
pub(super) const IGNORED: &str = "\"ignored\":true";

/// The longest name of a client that is kept, in letters.
const AGENT: usize = 200;

/// How old a beat may be that was spooled.
const OLDEST: Span = Span::from_secs(30 * 86_400);

/// How far a sender's clock may be ahead.
const AHEAD: Span = Span::from_secs(60);

/// What a request says of the ping itself, apart from whom it is about.
struct Ping {
    kind: Kind,
    exit: Option<u32>,
    run: Option<String>,
    ts: Timestamp,
    /// A number that came with it, in milliseconds.
    took_ms: Option<f64>,
}

/// How a protocol words its replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Healthchecks,
    Kuma,
}

/// Answers a ping.
pub(super) fn answer(desk: &Arc<Desk>, address: Address, request: Request) -> Answer {
    let query: Vec<(String, String)> = pairs(request.query()).take(20).collect();
    let found = match find(desk, &address.target, &query) {
        Ok(found) => found,
        Err(reply) => return reply.into(),
    };
    let (promise, keeper) = promise();
    match found {
        Some(at) => take(desk, at, address.action, &request, &query, keeper, false),
        None => create(desk, address, request, query, keeper),
    }
    Answer::Later(promise)
}

/// The place of the check; `None` where it is to be made.
fn find(desk: &Desk, target: &Target, query: &[(String, String)]) -> Result<Option<usize>, Reply> {
    let unknown = || Reply::text(404, "not found");
    let book = locked(&desk.book);
    let (key, slug) = match target {
        Target::Code(code) => return book.by_code(code).map(Some).ok_or_else(unknown),
        Target::Slug { key, slug } => (key, slug),
    };
    if !is_slug(slug) {
        return Err(Reply::text(400, "invalid url format"));
    }
    if !same(key, &desk.keys.ping) {
        return Err(unknown());
    }
    match book.by_slug(slug) {
        BySlug::One(at) => Ok(Some(at)),
        BySlug::Several => Err(Reply::text(409, "ambiguous slug")),
        BySlug::None if query.iter().any(|(name, value)| name == "create" && value == "1") && book.len() < desk.plan.checks => Ok(None),
        BySlug::None => Err(unknown()),
    }
}

/// Makes the check that a ping is for, and then takes the ping.
fn create(desk: &Arc<Desk>, address: Address, request: Request, query: Vec<(String, String)>, keeper: Keeper) {
    let Target::Slug { slug, .. } = address.target else { return keeper.reply(Reply::text(404, "not found")) };
    clerk::work(desk, keeper, move |desk, state, keeper| {
        // Another ping may have made it meanwhile.
        let (at, made) = match locked(&desk.book).by_slug(&slug) {
            BySlug::One(at) => (Some(at), false),
            BySlug::Several => (None, false),
            BySlug::None => (None, true),
        };
        let at = match (at, made) {
            (None, true) => clerk::make(desk, state, |spec| (spec.name, spec.slug) = (slug.clone(), slug)).ok(),
            (at, _) => at,
        };
        match at {
            Some(at) => take(desk, at, address.action, &request, &query, keeper, made),
            None => keeper.reply(Reply::text(503, "cannot create the check")),
        }
    });
}

/// Takes a ping for a check that is there: checks it, and hands its line to be written.
fn take(desk: &Arc<Desk>, at: usize, action: Action, request: &Request, query: &[(String, String)], keeper: Keeper, made: bool) {
    let now = desk.now();
    let mut book = locked(&desk.book);
    let Some(check) = book.get_mut(at) else { return keeper.reply(Reply::text(404, "not found")) };
    let read = read(action, request, query, now).and_then(|mut ping| {
        check.bucket.take(now, desk.plan.rate).map_err(|wait| slow_down(Dialect::Healthchecks, wait))?;
        check.pass(now);
        let held = check.spec.manual_resume && check.pinged.stored == crate::heartbeat::pinged::Stored::Paused;
        let body = &request.body[..request.body.len().min(desk.plan.body)];
        ping.kind = classify(action, request.method(), body, check.spec.filter(), held);
        Ok(line(&check.spec.beat, &ping, request, body))
    });
    drop(book);
    match read {
        Ok((ts, line)) => desk.write(ts, line, Token { keeper, reply: ok(desk, made) }),
        Err(reply) => keeper.reply(reply),
    }
}

/// What to say to who comes too often.
pub(super) fn slow_down(dialect: Dialect, wait: Span) -> Reply {
    let seconds = wait.nanos() / 1_000_000_000 + 1;
    let reply = match dialect {
        Dialect::Healthchecks => Reply::text(429, "rate limited"),
        Dialect::Kuma => json(429, r#"{"ok":false,"msg":"Too many requests"}"#),
    };
    reply.header("retry-after", seconds.to_string())
}

fn json(status: u16, text: &'static str) -> Reply {
    Reply::new(status, "application/json", text.as_bytes())
}

/// The reply to a good ping.
fn ok(desk: &Desk, made: bool) -> Reply {
    let reply = if made { Reply::text(201, "Created") } else { Reply::text(200, "OK") };
    reply
        .header("access-control-allow-origin", "*")
        .header("ping-body-limit", desk.plan.body.to_string())
        .header("cache-control", "max-age=0, no-cache, no-store, must-revalidate, private")
}

fn read(action: Action, request: &Request, query: &[(String, String)], now: Timestamp) -> Result<Ping, Reply> {
    let exit = match action {
        Action::Exit(256..) => return Err(Reply::text(400, "invalid url format")),
        Action::Exit(status) => Some(status),
        _ => None,
    };
    let run = match query.iter().find(|(name, _)| name == "rid") {
        None => None,
        Some((_, id)) => Some(run_id(id).ok_or_else(|| Reply::text(400, "invalid uuid format"))?),
    };
    Ok(Ping { kind: Kind::Success, exit, run, ts: instant(request, now)?, took_ms: None })
}

/// When it happened: now, unless it was spooled and tells its own time.
fn instant(request: &Request, now: Timestamp) -> Result<Timestamp, Reply> {
    // Finer than a microsecond no clock of another machine can be compared.
    let Some(told) = request.header("pipewatch-ts") else { return Ok(now.floor_to(Span::from_nanos(1000))) };
    let ts = Timestamp::parse(&told).map_err(|_| Reply::text(400, "invalid pipewatch-ts: write RFC 3339"))?;
    if ts > now.plus(AHEAD) {
        return Err(Reply::text(400, "pipewatch-ts is more than a minute ahead of this machine's clock"));
    }
    if ts < now.minus(OLDEST) {
        return Err(Reply::text(400, "pipewatch-ts is more than 30 days ago"));
    }
    Ok(ts)
}

/// The lines of a ping: a beat, and where a number came with it a sample.
fn line(beat: &str, ping: &Ping, request: &Request, body: &[u8]) -> (Timestamp, Vec<u8>) {
    let message = (!body.is_empty()).then(|| String::from_utf8_lossy(body).into_owned());
    let record = Record::Beat(Beat {
        ts: ping.ts,
        beat: beat.to_owned(),
        state: Some(ping.kind.state().to_owned()),
        duration: None,
        exit: ping.exit.map(i64::from),
        run: ping.run.clone(),
        message,
        tags: Tags::default(),
    });
    let mut out = Vec::with_capacity(256 + body.len());
    write(&mut out, &record);
    // What is not of the beat but of the request that brought it; who reads beats leaves these keys alone.
    out.truncate(out.len().saturating_sub(2));
    details(&mut out, ping.kind, request, body);
    out.extend_from_slice(b"}\n");
    if let Some(value) = ping.took_ms {
        let metric = format!("{}.ping", &beat[..beat.floor_char_boundary(250)]);
        let series = Series { metric, kind: SampleType::Gauge, unit: Some("ms".into()), tags: Tags::default() };
        write(&mut out, &Record::Sample(Sample { ts: ping.ts, series, value: Value::Number(value), weight: 1.0 }));
    }
    (ping.ts, out)
}

fn details(out: &mut Vec<u8>, kind: Kind, request: &Request, body: &[u8]) {
    let mut text = |name: &str, value: &str| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(serde_json::Value::from(value).to_string().as_bytes());
    };
    let proxied = is_loopback(request.from);
    let scheme = request.header("x-forwarded-proto").filter(|scheme| proxied && scheme == "https").map_or("http", |_| "https");
    text("via", &format!("{scheme} {}", request.method().chars().take(10).collect::<String>()));
    // A proxy stands on this machine; from elsewhere anybody could write this header.
    let from = request.header("x-forwarded-for").filter(|_| proxied).map_or_else(|| request.from.to_string(), |list| sender(&list));
    text("from", &from);
    if let Some(agent) = request.header("user-agent").filter(|agent| !agent.is_empty()) {
        text("agent", &agent.chars().take(AGENT).collect::<String>());
    }
    if std::str::from_utf8(body).is_err() {
        text("bytes", &hex(body));
    }
    if kind == Kind::Ignored {
        out.push(b',');
        out.extend_from_slice(IGNORED.as_bytes());
    }
}

/// Answers Uptime Kuma's push: `/api/push/TOKEN?status=up&msg=OK&ping=12.5`, the token a check's UUID or `KEY.slug`.
pub(super) fn push(desk: &Arc<Desk>, token: &str, request: Request) -> Answer {
    let unknown = || Answer::Now(json(404, r#"{"ok":false,"msg":"Monitor not found or not active."}"#));
    let found = {
        let book = locked(&desk.book);
        match token.split_once('.') {
            Some((key, slug)) if same(key, &desk.keys.ping) => match book.by_slug(slug) {
                BySlug::One(at) => Some(at),
                _ => None,
            },
            _ => book.by_code(token),
        }
    };
    let Some(at) = found else { return unknown() };
    let mut book = locked(&desk.book);
    let Some(check) = book.get_mut(at) else { return unknown() };
    let now = desk.now();
    if let Err(wait) = check.bucket.take(now, desk.plan.rate) {
        return Answer::Now(slow_down(Dialect::Kuma, wait));
    }
    let query: Vec<(String, String)> = pairs(request.query()).take(20).collect();
    let value = |name: &str| query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
    let ts = match instant(&request, now) {
        Ok(ts) => ts,
        Err(reply) => return reply.into(),
    };
    let up = value("status").is_none_or(|status| status == "up");
    let took_ms = value("ping").and_then(|number| number.parse().ok()).filter(|number: &f64| number.is_finite());
    check.pass(now);
    let held = check.spec.manual_resume && check.pinged.stored == crate::heartbeat::pinged::Stored::Paused;
    let kind = if held {
        Kind::Ignored
    } else if up {
        Kind::Success
    } else {
        Kind::Fail
    };
    let message = value("msg").unwrap_or("OK").as_bytes();
    let ping = Ping { kind, exit: None, run: None, ts, took_ms };
    let (ts, line) = line(&check.spec.beat, &ping, &request, &message[..message.len().min(desk.plan.body)]);
    drop(book);
    let (promise, keeper) = promise();
    desk.write(ts, line, Token { keeper, reply: json(200, r#"{"ok":true}"#) });
    Answer::Later(promise)
}
