//! Pings: what a request to a ping address says about a job, before anything is known of the job.
//!
//! Holds the shapes of the addresses, and how a request becomes a success, a start, a failure or a note. Knows no
//! check, no state and no socket.
//!
//! ```text
//! [/ping]/UUID[/start|/fail|/log|/N]      /ping/5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278/start?rid=UUID
//! [/ping]/KEY/slug[/start|/fail|/log|/N]  /ping/fqOOd6-F4MMNuCEnzTU01w/nightly-backup/0?create=1
//! /api/push/TOKEN?status=up&msg=OK&ping=  (Uptime Kuma)
//! ```
//!
//! Source: healthchecks 4.4 (hc/api/urls.py, views.py, models.py) as of 2026-08-21; Uptime Kuma 2
//! (server/routers/api-router.js).

/// Whom a ping is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A check by its UUID, in lower case.
    Code(String),
    /// A check by its slug, and the key of those who may ping by slug.
    Slug {
        /// The key.
        key: String,
        /// The slug.
        slug: String,
    },
}

/// What the address says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It went well.
    Success,
    /// It has begun.
    Start,
    /// It went wrong.
    Fail,
    /// A note, which changes nothing.
    Log,
    /// It ended with this exit status: 0 is a success, more is a failure, over 255 is no status.
    Exit(u32),
}

/// An address of a ping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Whom it is about.
    pub target: Target,
    /// What it says.
    pub action: Action,
}

/// What a ping counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It went well.
    Success,
    /// It has begun.
    Start,
    /// It went wrong.
    Fail,
    /// A note.
    Log,
    /// It is recorded and changes nothing, as the check does not listen to such pings.
    Ignored,
}

impl Kind {
    /// The name that the management interface has for it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Success => "success",
            Kind::Start => "start",
            Kind::Fail => "fail",
            Kind::Log => "log",
            Kind::Ignored => "ign",
        }
    }

    /// The state of the beat that it becomes; what is ignored is a note.
    pub const fn state(self) -> &'static str {
        match self {
            Kind::Success => "ok",
            Kind::Start => "start",
            Kind::Fail => "fail",
            Kind::Log | Kind::Ignored => "log",
        }
    }
}

/// Which requests a check listens to, and how it reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filter<'a> {
    /// Whether only requests by POST count.
    pub post_only: bool,
    /// Whether the body tells what the ping is, by the words below.
    pub body: bool,
    /// Comma-separated words of a failure.
    pub failure: &'a str,
    /// Comma-separated words of a success.
    pub success: &'a str,
    /// Comma-separated words of a start.
    pub start: &'a str,
    /// Whether a body with none of the words is a failure; else it is ignored.
    pub default_fail: bool,
}

/// First words of paths that are something else than a key.
const TAKEN: [&str; 10] = ["ping", "api", "badge", "b", "metrics", "healthz", "static", "docs", "accounts", "projects"];

/// Reads the path of a ping; `None` when it is none.
///
/// Shape: the path as sent. A UUID is in lower case and with hyphens, as healthchecks writes them.
pub fn address(path: &str) -> Option<Address> {
    let rest = path.strip_prefix('/')?;
    let short = rest.strip_prefix("ping/");
    let mut parts: Vec<&str> = short.unwrap_or(rest).split('/').collect();
    let first = *parts.first()?;
    if short.is_none() && TAKEN.contains(&first) {
        return None;
    }
    if is_code(first) {
        let action = match parts[1..] {
            [] | [""] => Some(Action::Success),
            [word] => action(word),
            _ => None,
        };
        if let Some(action) = action {
            return Some(Address { target: Target::Code(first.to_owned()), action });
        }
    }
    let last = if parts.len() == 3 { action(parts.pop()?)? } else { Action::Success };
    let [key, slug] = parts[..] else { return None };
    let target = Target::Slug { key: key.to_owned(), slug: slug.to_owned() };
    (is_word(key) && is_word(slug)).then_some(Address { target, action: last })
}

fn action(word: &str) -> Option<Action> {
    match word {
        "start" => Some(Action::Start),
        "fail" => Some(Action::Fail),
        "log" => Some(Action::Log),
        _ if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) => Some(Action::Exit(word.parse().unwrap_or(u32::MAX))),
        _ => None,
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether a text may stand as a slug: small letters, digits, `-` and `_`, 1 to 100.
pub fn is_slug(text: &str) -> bool {
    is_word(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether a text is a UUID with hyphens, in lower case.
pub fn is_code(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Reads the id of a run: a UUID with hyphens in either case; gives it in lower case.
pub fn run_id(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    is_code(&lower).then_some(lower)
}

/// The slug of a name: small letters and digits, with one `-` for what stands between them.
pub fn slug_of(name: &str) -> String {
    let mut out = String::new();
    for character in name.to_lowercase().chars().take(400) {
        match character {
            'a'..='z' | '0'..='9' | '_' => out.push(character),
            ' ' | '-' | '\t' if !out.ends_with('-') && !out.is_empty() => out.push('-'),
            _ => {}
        }
        if out.len() >= 100 {
            break;
        }
    }
    out.trim_matches(['-', '_']).to_owned()
}

/// What a ping counts as.
///
/// | what                                   | counts as                           |
/// |----------------------------------------|-------------------------------------|
/// | paused until resumed by hand           | ignored, whatever else              |
/// | a body that is looked at               | what its words say, or the default  |
/// | only POST, and it is another method    | ignored, before its body is read    |
/// | exit status over 0                     | failure                             |
/// | else                                   | what the address says               |
pub fn classify(action: Action, method: &str, body: &[u8], filter: Filter<'_>, held: bool) -> Kind {
    if held || (filter.post_only && method != "POST") {
        return Kind::Ignored;
    }
    if filter.body {
        let text = String::from_utf8_lossy(body);
        let has = |words: &str| words.split(',').map(str::trim).any(|word| !word.is_empty() && text.contains(word));
        return match () {
            () if has(filter.failure) => Kind::Fail,
            () if has(filter.success) => Kind::Success,
            () if has(filter.start) => Kind::Start,
            () if filter.default_fail => Kind::Fail,
            () => Kind::Ignored,
        };
    }
    match action {
        Action::Success | Action::Exit(0) => Kind::Success,
        Action::Fail | Action::Exit(_) => Kind::Fail,
        Action::Start => Kind::Start,
        Action::Log => Kind::Log,
    }
}

/// Who sent a ping, as a proxy tells it: the first address named, without the port of an IPv4 one.
pub fn sender(forwarded: &str) -> String {
    let first = forwarded.split(',').next().unwrap_or_default().trim();
    let bare = if first.contains('.') && !first.starts_with("::") { first.split(':').next().unwrap_or_default() } else { first };
    bare.chars().take(45).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278";

    #[test]
    fn addresses_are_read_by_their_shape() {
        let code = |action| Some(Address { target: Target::Code(CODE.into()), action });
        let slug = |key: &str, slug: &str, action| Some(Address { target: Target::Slug { key: key.into(), slug: slug.into() }, action });
        let cases = [
            (format!("/ping/{CODE}"), code(Action::Success)),
            (format!("/ping/{CODE}/"), code(Action::Success)),
            (format!("/{CODE}"), code(Action::Success)),
            (format!("/{CODE}/fail"), code(Action::Fail)),
            (format!("/ping/{CODE}/start"), code(Action::Start)),
            (format!("/ping/{CODE}/log"), code(Action::Log)),
            (format!("/ping/{CODE}/0"), code(Action::Exit(0))),
            (format!("/ping/{CODE}/255"), code(Action::Exit(255))),
            (format!("/ping/{CODE}/99999999999"), code(Action::Exit(u32::MAX))),
            (format!("/ping/{CODE}/-1"), slug(CODE, "-1", Action::Success)),
            (format!("/ping/{}", CODE.to_uppercase()), None),
            (format!("/ping/{}", CODE.replace('-', "")), None),
            ("/ping/KEY/db-1".into(), slug("KEY", "db-1", Action::Success)),
            ("/KEY/db-1/fail".into(), slug("KEY", "db-1", Action::Fail)),
            ("/ping/KEY/db-1/7".into(), slug("KEY", "db-1", Action::Exit(7))),
            ("/ping/KEY/start".into(), slug("KEY", "start", Action::Success)),
            ("/ping/KEY/Db".into(), slug("KEY", "Db", Action::Success)),
            ("/ping/KEY/a/b".into(), None),
            ("/ping/KEY/a/fail/".into(), None),
            ("/ping/KEY/a%20b".into(), None),
            ("/api/checks".into(), None),
            ("/ping/".into(), None),
            ("/".into(), None),
            ("*".into(), None),
        ];
        for (path, want) in cases {
            assert_eq!(address(&path), want, "{path}");
        }
    }

    #[test]
    fn a_ping_counts_as_what_the_check_listens_to() {
        let words = Filter { body: true, failure: "ERROR, FATAL", success: "OK", start: "BEGIN", ..Filter::default() };
        let post = Filter { post_only: true, ..Filter::default() };
        let cases = [
            (Action::Exit(0), "GET", "", Filter::default(), false, Kind::Success),
            (Action::Exit(1), "GET", "", Filter::default(), false, Kind::Fail),
            (Action::Log, "GET", "", Filter::default(), false, Kind::Log),
            (Action::Success, "GET", "", post, false, Kind::Ignored),
            (Action::Exit(3), "HEAD", "", post, false, Kind::Ignored),
            (Action::Success, "POST", "", post, false, Kind::Success),
            (Action::Success, "POST", "an ERROR, not OK", words, false, Kind::Fail),
            (Action::Fail, "POST", "all OK", words, false, Kind::Success),
            (Action::Fail, "POST", "BEGIN", words, false, Kind::Start),
            (Action::Success, "POST", "error", words, false, Kind::Ignored),
            (Action::Success, "POST", "FATAL", Filter { post_only: true, ..words }, false, Kind::Fail),
            (Action::Success, "GET", "FATAL", Filter { post_only: true, ..words }, false, Kind::Ignored),
            (Action::Success, "POST", "what", Filter { default_fail: true, ..words }, false, Kind::Fail),
            (Action::Success, "POST", "", Filter { failure: ",", ..words }, false, Kind::Ignored),
            (Action::Success, "POST", "all OK", words, true, Kind::Ignored),
        ];
        for (action, method, body, filter, held, want) in cases {
            assert_eq!(classify(action, method, body.as_bytes(), filter, held), want, "{action:?} {method} {body}");
        }
    }

    #[test]
    fn ids_slugs_and_senders_are_read() {
        assert_eq!(run_id(&CODE.to_uppercase()).as_deref(), Some(CODE));
        for wrong in [&CODE[1..], "x", &format!("{CODE}0"), &CODE.replace('-', "0")] {
            assert_eq!(run_id(wrong), None, "{wrong}");
        }
        assert_eq!(slug_of("  DB Backup (nightly) -- 2 "), "db-backup-nightly-2");
        assert_eq!(slug_of("Ünï"), "n");
        assert!(is_slug("a-1_b") && !is_slug("A") && !is_slug(""));
        let cases = [
            ("1.2.3.4, 5.6.7.8", "1.2.3.4"),
            ("1.2.3.4:80", "1.2.3.4"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ];
        for (forwarded, want) in cases {
            assert_eq!(sender(forwarded), want);
        }
    }
}
