//! The management interface of healthchecks, as far as client libraries use it: `/api/v1`, `/api/v2` and `/api/v3`.
//!
//! What only reads is answered at once; what changes goes through the clerk. There are no channels: telling people
//! is for other tools, and `channels` is taken and forgotten.
//!
//! Source: healthchecks 4.4 (templates/docs/api.md, hc/api/views.py) as of 2026-08-21.

use std::sync::Arc;

use serde_json::{Value, json};

use super::change::{self, Wish};
use super::clerk;
use super::desk::{Desk, locked};
use super::shape::{self, Look};
use crate::heartbeat::badge;
use crate::heartbeat::ping::is_code;
use crate::heartbeat::pinged::Stored;
use crate::net::listener::{Answer, Keeper, Reply, Request, pairs, promise, same};
use crate::store::state::State;
use crate::time::{Span, Timestamp};

/// How much of a request's body is read.
pub(super) const BODY_BYTES: usize = 64 << 10;

/// Requests a second, over all who have a key.
const RATE: u32 = 200;

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed {
    Read,
    Change,
}

/// Where a request goes.
enum Place<'a> {
    Checks,
    Check(&'a str),
    Pause(&'a str),
    Resume(&'a str),
    Pings(&'a str),
    Body(&'a str, u64),
    Flips(&'a str),
    Channels,
    Badges,
}

/// The answer to a browser that asks whether it may ask.
pub(super) fn preflight() -> Reply {
    Reply::text(204, "")
        .header("access-control-allow-origin", "*")
        .header("access-control-allow-headers", "X-Api-Key")
        .header("access-control-allow-methods", "GET, POST, DELETE")
        .header("access-control-max-age", "600")
}

/// Answers a request to the interface.
pub(super) fn answer(desk: &Arc<Desk>, path: &str, request: Request) -> Answer {
    let mut parts = path.trim_start_matches("/api/").splitn(2, '/');
    let version = match parts.next() {
        Some("v1") => 1,
        Some("v2") => 2,
        Some("v3") => 3,
        _ => return nothing().into(),
    };
    let rest = parts.next().unwrap_or_default().trim_end_matches('/');
    if rest == "status" {
        return Reply::text(200, "OK").into();
    }
    let Some(place) = place(rest) else { return nothing().into() };
    match handle(desk, version, &place, request) {
        Ok(answer) => match answer {
            Answer::Now(reply) => Answer::Now(open(reply)),
            later => later,
        },
        Err(reply) => open(reply).into(),
    }
}

fn place(rest: &str) -> Option<Place<'_>> {
    let parts: Vec<&str> = rest.split('/').collect();
    Some(match parts[..] {
        ["checks"] => Place::Checks,
        ["checks", id] => Place::Check(id),
        ["checks", id, "pause"] => Place::Pause(id),
        ["checks", id, "resume"] => Place::Resume(id),
        ["checks", id, "pings"] => Place::Pings(id),
        ["checks", id, "pings", n, "body"] => Place::Body(id, n.parse().ok()?),
        ["checks", id, "flips"] => Place::Flips(id),
        ["channels" | "integrations"] => Place::Channels,
        ["badges"] => Place::Badges,
        _ => return None,
    })
}

fn handle(desk: &Arc<Desk>, version: u8, place: &Place<'_>, request: Request) -> Result<Answer, Reply> {
    let method = request.method().to_owned();
    let body = match method.as_str() {
        "POST" if !request.body.is_empty() => Some(read_body(&request)?),
        _ => None,
    };
    let allowed = allowed(desk, &request, body.as_ref())?;
    locked(&desk.manage_bucket)
        .take(desk.now(), RATE)
        .map_err(|wait| super::pings::slow_down(super::pings::Dialect::Healthchecks, wait))?;
    let full = || if allowed == Allowed::Change { Ok(()) } else { Err(error(401, "wrong api key")) };
    let look = Look { version, read_only: allowed == Allowed::Read, root: shape::root(desk, &request), now: desk.now() };
    Ok(match (place, method.as_str()) {
        (Place::Checks, "GET") => list(desk, &look, &request).into(),
        (Place::Check(id), "GET") => one(desk, &look, id)?.into(),
        (Place::Flips(id), "GET") => flips(desk, &look, id, &request)?.into(),
        (Place::Badges, "GET") => badges(desk, &look).into(),
        (Place::Channels, "GET") => full().map(|()| reply(200, &json!({"channels": []})).into())?,
        (Place::Pings(id), "GET") => full().and_then(|()| pings(desk, &look, id))?.into(),
        (Place::Body(id, n), "GET") => full().and_then(|()| ping_body(desk, id, *n))?.into(),
        (Place::Checks, "POST") => full().map(|()| create(desk, look, body.unwrap_or_default()))?,
        (Place::Check(id), "POST" | "PUT") => full().and_then(|()| update(desk, look, id, body.unwrap_or_default()))?,
        (Place::Check(id), "DELETE") => full().and_then(|()| delete(desk, look, id))?,
        (Place::Pause(id), "POST") => full().and_then(|()| hold(desk, look, id, true))?,
        (Place::Resume(id), "POST") => full().and_then(|()| hold(desk, look, id, false))?,
        _ => return Err(Reply::text(405, "method not allowed")),
    })
}

fn nothing() -> Reply {
    Reply::text(404, "not found")
}

/// Lets pages of other origins read a reply; without a key they learn nothing.
fn open(reply: Reply) -> Reply {
    reply.header("access-control-allow-origin", "*")
}

/// A reply of JSON.
pub(super) fn reply(status: u16, value: &Value) -> Reply {
    Reply::new(status, "application/json", value.to_string().into_bytes())
}

fn error(status: u16, text: &str) -> Reply {
    reply(status, &json!({ "error": text }))
}

fn read_body(request: &Request) -> Result<Value, Reply> {
    if request.body_bytes > request.body.len() as u64 {
        return Err(error(413, "the request body is too large"));
    }
    let value: Value = serde_json::from_slice(&request.body).map_err(|_| error(400, "could not parse request body"))?;
    if value.is_object() { Ok(value) } else { Err(error(400, "json validation error: value is not an object")) }
}

/// What the key of a request allows.
fn allowed(desk: &Desk, request: &Request, body: Option<&Value>) -> Result<Allowed, Reply> {
    let header = request.header("x-api-key");
    let key = header.as_deref().or_else(|| body.and_then(|body| body.get("api_key")).and_then(Value::as_str)).unwrap_or_default();
    // Both are compared each time, so that the time tells nothing.
    match (same(key, &desk.keys.manage), same(key, &desk.keys.read)) {
        (true, _) => Ok(Allowed::Change),
        (_, true) => Ok(Allowed::Read),
        _ if key.is_empty() => Err(error(401, "missing api key")),
        _ => Err(error(401, "wrong api key")),
    }
}

/// The place of a check by its UUID, or by the key of who may only read.
fn find(desk: &Desk, id: &str) -> Result<usize, Reply> {
    let book = locked(&desk.book);
    let found = if is_code(id) { book.by_code(id) } else { book.by_unique_key(id) };
    found.ok_or_else(nothing)
}

fn list(desk: &Desk, look: &Look, request: &Request) -> Reply {
    let query: Vec<(String, String)> = pairs(request.query()).take(50).collect();
    let tags: Vec<&str> = query.iter().filter(|(name, _)| name == "tag").map(|(_, value)| value.as_str()).collect();
    let slug = query.iter().find(|(name, value)| name == "slug" && !value.is_empty()).map(|(_, value)| value.as_str());
    let mut book = locked(&desk.book);
    let wanted = book.each_mut().filter(|check| {
        tags.iter().all(|tag| check.spec.tag_list().any(|own| own == *tag)) && slug.is_none_or(|slug| check.spec.slug == slug)
    });
    let checks: Vec<Value> = wanted.map(|check| shape::check(check, look)).collect();
    reply(200, &json!({ "checks": checks }))
}

fn one(desk: &Desk, look: &Look, id: &str) -> Result<Reply, Reply> {
    let at = find(desk, id)?;
    let mut book = locked(&desk.book);
    let check = book.get_mut(at).ok_or_else(nothing)?;
    Ok(reply(200, &shape::check(check, look)))
}

fn pings(desk: &Desk, look: &Look, id: &str) -> Result<Reply, Reply> {
    let at = find(desk, id)?;
    let book = locked(&desk.book);
    let check = book.get(at).ok_or_else(nothing)?;
    Ok(reply(200, &json!({ "pings": shape::pings(check, look) })))
}

fn ping_body(desk: &Desk, id: &str, n: u64) -> Result<Reply, Reply> {
    let at = find(desk, id)?;
    let book = locked(&desk.book);
    let recent = book.get(at).and_then(|check| check.recent.iter().find(|recent| recent.n == n));
    let body = recent.and_then(|recent| shape::body(&recent.line)).ok_or_else(nothing)?;
    Ok(Reply::new(200, "text/plain", body).header("x-content-type-options", "nosniff"))
}

fn flips(desk: &Desk, look: &Look, id: &str, request: &Request) -> Result<Reply, Reply> {
    let at = find(desk, id)?;
    let mut range = (None::<Timestamp>, None::<Timestamp>);
    for (name, value) in pairs(request.query()).take(20) {
        let whole = || value.parse::<u32>().map_err(|_| Reply::text(400, "invalid query parameter"));
        let instant = |seconds: u32| Timestamp::from_nanos(i64::from(seconds) * 1_000_000_000);
        match name.as_str() {
            "seconds" => range.0 = range.0.max(Some(look.now.minus(Span::from_secs(whole()?)))),
            "start" => range.0 = range.0.max(Some(instant(whole()?))),
            "end" => range.1 = Some(instant(whole()?)),
            _ => {}
        }
    }
    let mut book = locked(&desk.book);
    let check = book.get_mut(at).ok_or_else(nothing)?;
    check.pass(look.now);
    let wanted = check.pinged.flips.iter().rev().filter(|flip| matches!(flip.to, Stored::Up | Stored::Down));
    let wanted = wanted.filter(|flip| range.0.is_none_or(|start| flip.ts >= start) && range.1.is_none_or(|end| flip.ts < end));
    let flips: Vec<Value> = wanted.map(|flip| json!({"timestamp": shape::iso(flip.ts), "up": u8::from(flip.to == Stored::Up)})).collect();
    Ok(reply(200, &Value::from(flips)))
}

fn badges(desk: &Desk, look: &Look) -> Reply {
    let book = locked(&desk.book);
    let mut tags: Vec<String> = book.each().flat_map(|check| check.spec.tag_list().map(str::to_owned)).collect();
    tags.push("*".into());
    tags.sort();
    tags.dedup();
    let address = |tag: &str, late: bool, form: &str| {
        let (key, mark) = (&desk.keys.badge, if late { "" } else { "-2" });
        let signature = badge::signature(&desk.keys.sign, tag);
        match tag {
            "*" => format!("{}/badge/{key}/{signature}{mark}.{form}", look.root),
            _ => format!("{}/badge/{key}/{signature}{mark}/{}.{form}", look.root, shape::quoted(tag)),
        }
    };
    let all = tags.iter().map(|tag| {
        let urls = json!({
            "svg": address(tag, false, "svg"), "svg3": address(tag, true, "svg"),
            "json": address(tag, false, "json"), "json3": address(tag, true, "json"),
            "shields": address(tag, false, "shields"), "shields3": address(tag, true, "shields"),
        });
        (tag.clone(), urls)
    });
    reply(200, &json!({ "badges": all.collect::<serde_json::Map<String, Value>>() }))
}

/// Hands a change to the clerk.
fn later(desk: &Arc<Desk>, change: impl FnOnce(&Arc<Desk>, &mut State) -> Result<Reply, Reply> + Send + 'static) -> Answer {
    let (promise, keeper) = promise();
    clerk::work(desk, keeper, move |desk, state, keeper: Keeper| {
        let (Ok(reply) | Err(reply)) = change(desk, state);
        keeper.reply(open(reply));
    });
    Answer::Later(promise)
}

fn create(desk: &Arc<Desk>, look: Look, body: Value) -> Answer {
    later(desk, move |desk, state| {
        let wish = Wish::read(&body).map_err(|text| error(400, &text))?;
        let found = locked(&desk.book).each().find(|check| wish.is_same(&check.spec)).map(|check| check.code.clone());
        if let Some(code) = found {
            return apply(desk, state, &look, &code, &wish);
        }
        if locked(&desk.book).len() >= desk.plan.checks {
            return Err(Reply::text(403, ""));
        }
        let at = clerk::make(desk, state, |spec| wish.apply(spec, look.version))?;
        let mut book = locked(&desk.book);
        let check = book.get_mut(at).ok_or_else(nothing)?;
        Ok(reply(201, &shape::check(check, &look)))
    })
}

fn update(desk: &Arc<Desk>, look: Look, id: &str, body: Value) -> Result<Answer, Reply> {
    let code = code_of(desk, id)?;
    Ok(later(desk, move |desk, state| {
        let wish = Wish::read(&body).map_err(|text| error(400, &text))?;
        apply(desk, state, &look, &code, &wish)
    }))
}

fn code_of(desk: &Desk, id: &str) -> Result<String, Reply> {
    let found = locked(&desk.book).by_code(id);
    found.map(|_| id.to_owned()).ok_or_else(nothing)
}

/// Changes a check that is there.
fn apply(desk: &Desk, state: &mut State, look: &Look, code: &str, wish: &Wish) -> Result<Reply, Reply> {
    let book = locked(&desk.book);
    let old = book.by_code(code).and_then(|at| book.get(at)).map(|check| check.spec.clone()).ok_or_else(nothing)?;
    // Not held while the state is written.
    drop(book);
    let mut spec = old.clone();
    wish.apply(&mut spec, look.version);
    change::keep_file_rhythm(&old, &mut spec).map_err(|text| error(400, &text))?;
    if spec != old {
        clerk::keep(state, code, &spec)?;
    }
    let mut book = locked(&desk.book);
    let at = book.put(code, spec);
    let check = book.get_mut(at).ok_or_else(nothing)?;
    Ok(reply(200, &shape::check(check, look)))
}

fn delete(desk: &Arc<Desk>, look: Look, id: &str) -> Result<Answer, Reply> {
    let code = code_of(desk, id)?;
    Ok(later(desk, move |desk, state| {
        let mut book = locked(&desk.book);
        let at = book.by_code(&code).ok_or_else(nothing)?;
        let check = book.get_mut(at).ok_or_else(nothing)?;
        if check.spec.from_file {
            return Err(error(403, "this check stands in a file; take it out there"));
        }
        let shape = shape::check(check, &look);
        drop(book);
        state.listen_forget(&code).map_err(|_| Reply::text(503, "cannot write the state"))?;
        locked(&desk.book).remove(&code);
        Ok(reply(200, &shape))
    }))
}

/// Pauses or resumes. What is remembered is written before the reply, as it is in no beat.
fn hold(desk: &Arc<Desk>, look: Look, id: &str, pause: bool) -> Result<Answer, Reply> {
    let code = code_of(desk, id)?;
    Ok(later(desk, move |desk, state| {
        let now = desk.now();
        let mut book = locked(&desk.book);
        let at = book.by_code(&code).ok_or_else(nothing)?;
        let check = book.get_mut(at).ok_or_else(nothing)?;
        check.pass(now);
        if pause {
            check.pinged.pause(now);
        } else if !check.pinged.resume(now) {
            return Err(Reply::text(409, "check is not paused"));
        }
        check.changed();
        let shape = shape::check(check, &look);
        drop(book);
        super::sweep::remember(desk, state).map_err(|_| Reply::text(503, "cannot write the state"))?;
        Ok(reply(200, &shape))
    }))
}
