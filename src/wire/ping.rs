//! Beats as pings: the requests by which jobs report to a listener, as healthchecks made them customary.
//!
//! ```text
//! POST http://127.0.0.1:8700/ping/KEY/nightly-backup/3?rid=0f1c…   a run that ended with status 3
//! Pipewatch-Ts: 2026-11-22T03:00:41.250Z                          when it did
//!
//! …the last lines of its output
//! ```
//!
//! An address is of one job (`…/ping/UUID`, `…/ping/KEY/slug`), or ends in `/`: then the beat's name
//! follows as a slug. Behind that stands what happened: `/start`, `/fail`, `/log`, `/N` for an exit
//! status, nothing for a plain success. `rid` must be a UUID there; a run's id that is none becomes
//! one, the same for the same id.
//!
//! The instant goes along in a header, so that a beat that waited keeps its own; servers that do not
//! know it take the time of arrival. Duration, tags and samples have no place in a ping.
//!
//! Source: healthchecks 4, "HTTP API: pinging".

use crate::record::Beat;

/// The header that tells when the beat was.
pub const TS_HEADER: &str = "Pipewatch-Ts";

/// How much of a message a server keeps, in bytes; the end of it matters most.
pub const BODY_BYTES: usize = 10_000;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ping {
    /// The whole address.
    pub address: String,
    /// The instant of the beat, for [`TS_HEADER`].
    pub ts: String,
    /// The message's last bytes.
    pub body: Vec<u8>,
}

/// The request that tells of a beat at an address of one job, or of many.
pub fn encode(address: &str, beat: &Beat) -> Ping {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut whole = path.to_owned();
    if path.ends_with('/') {
        whole.push_str(&slug(&beat.beat));
    }
    whole.push_str(&ending(beat));
    let rid = beat.run.as_deref().map(|run| format!("rid={}", run_id(run)));
    let parts: Vec<&str> = [query].into_iter().chain(rid.as_deref()).filter(|part| !part.is_empty()).collect();
    if !parts.is_empty() {
        whole.push('?');
        whole.push_str(&parts.join("&"));
    }
    let message = beat.message.as_deref().unwrap_or_default();
    Ping { address: whole, ts: beat.ts.to_string(), body: message.as_bytes()[message.len().saturating_sub(BODY_BYTES)..].to_vec() }
}

/// What happened, as the end of the path says it.
fn ending(beat: &Beat) -> String {
    match (beat.state.as_deref(), beat.exit) {
        (Some("start"), _) => "/start".into(),
        (Some("log"), _) => "/log".into(),
        // A status of 0 is a success there, whatever else was said.
        (Some("fail"), Some(exit @ 1..=255)) => format!("/{exit}"),
        (Some("fail"), _) => "/fail".into(),
        (_, Some(0)) => "/0".into(),
        _ => String::new(),
    }
}

/// A name as addresses may hold it: lower case, with `-` for what is neither letter, digit, `-` nor `_`.
pub fn slug(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(safe).collect()
}

/// A run's id as a UUID: as it is, or one made of it.
fn run_id(run: &str) -> String {
    if is_uuid(run) {
        return run.to_owned();
    }
    // As systemd writes one in INVOCATION_ID: without its hyphens.
    if run.len() == 32
        && let Ok(bits) = u128::from_str_radix(run, 16)
    {
        return hyphened(bits);
    }
    // 128-bit FNV-1a (Fowler, Noll, Vo), with the marks of version 8, which leaves the making to us.
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = run.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    uuid(hash, 8)
}

/// A number as a UUID of a version: `0f1c9e8a-…`.
pub fn uuid(bits: u128, version: u8) -> String {
    let marked = (bits & !(0xf << 76) & !(0x3 << 62)) | (u128::from(version & 0xf) << 76) | (0x2 << 62);
    hyphened(marked)
}

fn hyphened(bits: u128) -> String {
    let text = format!("{bits:032x}");
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

fn is_uuid(text: &str) -> bool {
    let places = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    text.len() == 36 && text.bytes().enumerate().all(|(at, byte)| if places(at) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn beat(state: Option<&str>, exit: Option<i64>, run: Option<&str>) -> Beat {
        let ts = Timestamp::parse("2026-11-22T03:00:41.250Z").unwrap();
        Beat { ts, beat: "Nightly Backup".into(), state: state.map(Into::into), exit, run: run.map(Into::into), ..Beat::default() }
    }

    #[test]
    fn what_happened_stands_at_the_end_of_the_path() {
        for (state, exit, ending) in [
            (None, None, ""),
            (Some("ok"), None, ""),
            (Some("ok"), Some(0), "/0"),
            (Some("start"), None, "/start"),
            (Some("log"), Some(3), "/log"),
            (Some("fail"), None, "/fail"),
            (Some("fail"), Some(3), "/3"),
            (Some("fail"), Some(0), "/fail"),
            (Some("fail"), Some(256), "/fail"),
        ] {
            let ping = encode("http://h/ping/KEY/a", &beat(state, exit, None));
            assert_eq!(ping.address, format!("http://h/ping/KEY/a{ending}"));
            assert_eq!(ping.ts, "2026-11-22T03:00:41.250Z");
        }
    }

    #[test]
    fn an_address_of_many_jobs_gets_the_name_and_keeps_its_query() {
        let id = "0f1c9e8a-0000-4000-8000-00000000000a";
        let ping = encode("http://h/ping/KEY/?create=1", &beat(Some("start"), None, Some(id)));
        assert_eq!(ping.address, format!("http://h/ping/KEY/nightly-backup/start?create=1&rid={id}"));
        assert_eq!(encode("http://h/ping/KEY/", &beat(None, None, Some(id))).address, format!("http://h/ping/KEY/nightly-backup?rid={id}"));
    }

    #[test]
    fn a_run_that_is_no_uuid_becomes_one_and_always_the_same() {
        let of = |run: &str| encode("http://h/u", &beat(None, None, Some(run))).address;
        assert_eq!(of("job 7"), of("job 7"));
        assert_ne!(of("job 7"), of("job 8"));
        assert!(is_uuid(of("job 7").split_once("rid=").unwrap().1), "{}", of("job 7"));
        assert_eq!(run_id("0f1c9e8a00004000800000000000000a"), "0f1c9e8a-0000-4000-8000-00000000000a");
        // The 128-bit FNV-1a of the empty text is its offset basis.
        assert_eq!(run_id(""), "6c62272e-07bb-8142-a2b8-21756295c58d");
    }

    #[test]
    fn the_end_of_a_long_message_is_kept() {
        let mut long = beat(None, None, None);
        long.message = Some(format!("{}end", "é".repeat(8000)));
        let body = encode("http://h/u", &long).body;
        assert_eq!((body.len(), body.ends_with(b"end")), (BODY_BYTES, true));
    }
}
