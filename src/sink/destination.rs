//! Destinations as they are typed: `-`, paths, and addresses with a scheme.

use std::path::{Path, PathBuf};

use crate::record::nearest;
use crate::record::{Sample, show};
use crate::wire::{graphite, statsd};

/// Where records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// `-`.
    Stdout,
    /// A path that is no folder.
    File(PathBuf),
    /// A folder, there or to be made.
    History(PathBuf),
    /// An address reached by UDP.
    Datagrams(Address, Protocol),
    /// An address reached by TCP.
    Stream(Address, Protocol),
}

/// How samples are written for the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// StatsD lines.
    Statsd(statsd::Dialect),
    /// Graphite's plaintext lines.
    Graphite(graphite::TagStyle),
}

impl Protocol {
    /// Appends a sample as its line or lines; `false` when the other side knows nothing like it.
    pub(super) fn encode(self, out: &mut Vec<u8>, sample: &Sample) -> bool {
        match self {
            Protocol::Statsd(dialect) => {
                statsd::encode(out, sample, dialect);
                true
            }
            Protocol::Graphite(style) => graphite::encode(out, sample, style),
        }
    }
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or a numeric address, an IPv6 one without its brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = show(self.host.as_bytes(), 255);
        if self.host.contains(':') { write!(f, "[{host}]:{}", self.port) } else { write!(f, "{host}:{}", self.port) }
    }
}

/// Why a text is no destination: what is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationError {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub hint: String,
}

/// A scheme: its name, its usual port, whether it goes by UDP.
struct Scheme {
    name: &'static str,
    port: u16,
    udp: bool,
    protocol: Protocol,
}

/// Durations go to StatsD as timers: only so a receiver makes percentiles of them.
const SCHEMES: [Scheme; 5] = [
    Scheme { name: "statsd", port: 8125, udp: true, protocol: Protocol::Statsd(statsd::Dialect::STATSD.with_timers()) },
    Scheme { name: "dogstatsd", port: 8125, udp: true, protocol: Protocol::Statsd(statsd::Dialect::DOGSTATSD.with_timers()) },
    Scheme { name: "graphite", port: 2003, udp: false, protocol: Protocol::Graphite(graphite::TagStyle::Tagged) },
    Scheme { name: "graphite+tcp", port: 2003, udp: false, protocol: Protocol::Graphite(graphite::TagStyle::Tagged) },
    Scheme { name: "graphite+udp", port: 2003, udp: true, protocol: Protocol::Graphite(graphite::TagStyle::Tagged) },
];

impl Destination {
    /// Reads what was typed; a path is a history when it ends in `/` or a folder is there.
    ///
    /// # Errors
    /// When the scheme is not known or the address can't be read.
    pub fn parse(text: &str) -> Result<Destination, DestinationError> {
        if text == "-" {
            return Ok(Destination::Stdout);
        }
        if text.is_empty() {
            return Err(refused("is empty".into(), "write a path, `-`, or an address such as `statsd://localhost`".into()));
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return parse_address(scheme, rest);
        }
        if let Some(scheme) = SCHEMES.iter().find(|scheme| text.strip_prefix(scheme.name).is_some_and(|rest| rest.starts_with(':'))) {
            let rest = text[scheme.name.len() + 1..].trim_start_matches('/');
            let hint = format!("write `{}://{}`, or `./{}` for a file of that name", scheme.name, clip(rest), clip(text));
            return Err(refused(format!("`{}` lacks the `//` behind the scheme", clip(text)), hint));
        }
        let path = PathBuf::from(text);
        Ok(if text.ends_with('/') || Path::is_dir(&path) { Destination::History(path) } else { Destination::File(path) })
    }
}

fn parse_address(name: &str, rest: &str) -> Result<Destination, DestinationError> {
    let Some(scheme) = SCHEMES.iter().find(|scheme| scheme.name == name) else {
        let known = SCHEMES.map(|scheme| format!("`{}://`", scheme.name)).join(", ");
        let nearest = nearest(name, SCHEMES.iter().map(|scheme| scheme.name));
        let nearest = nearest.map_or(String::new(), |nearest| format!("did you mean `{nearest}://{}`? ", clip(rest)));
        return Err(refused(format!("unknown scheme `{}://`", clip(name)), format!("{nearest}known are {known}, paths, and `-`")));
    };
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let protocol = match (query, scheme.protocol) {
        ("", protocol) => protocol,
        ("tags=path", Protocol::Graphite(_)) => Protocol::Graphite(graphite::TagStyle::InPath),
        _ => {
            let hint = "`?tags=path` is known for graphite: tags become parts of the path".into();
            return Err(refused(format!("unknown option `?{}`", clip(query)), hint));
        }
    };
    let address = parse_host(address.trim_end_matches('/'), scheme.port).ok_or_else(|| {
        let hint = format!("write `{name}://HOST:PORT`, such as `{name}://localhost:{}`", scheme.port);
        refused(format!("`{}` is no host and port", clip(address)), hint)
    })?;
    Ok(if scheme.udp { Destination::Datagrams(address, protocol) } else { Destination::Stream(address, protocol) })
}

/// Reads `host`, `host:port`, `[::1]` or `[::1]:port`.
fn parse_host(text: &str, usual: u16) -> Option<Address> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            rest.split_once(']').and_then(|(host, rest)| Some((host, if rest.is_empty() { "" } else { rest.strip_prefix(':')? })))?
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let port = if port.is_empty() && !text.ends_with(':') { usual } else { port.parse().ok().filter(|port| *port > 0)? };
    let strange = |byte: u8| byte.is_ascii_control() || b" /@?#".contains(&byte);
    (!host.is_empty() && !host.bytes().any(strange)).then(|| Address { host: host.to_owned(), port })
}

fn refused(message: String, hint: String) -> DestinationError {
    DestinationError { message, hint }
}

fn clip(text: &str) -> String {
    show(text.as_bytes(), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_what_it_looks_like() {
        assert_eq!(Destination::parse("-"), Ok(Destination::Stdout));
        assert_eq!(Destination::parse("a/b.ndjson"), Ok(Destination::File("a/b.ndjson".into())));
        assert_eq!(Destination::parse("a/not-there-yet/"), Ok(Destination::History("a/not-there-yet/".into())));
        assert_eq!(Destination::parse("src"), Ok(Destination::History("src".into())));
    }

    #[test]
    fn an_address_has_its_usual_port() {
        let cases = [
            ("statsd://localhost", "localhost:8125"),
            ("statsd://10.0.0.1:99/", "10.0.0.1:99"),
            ("statsd://[::1]", "[::1]:8125"),
            ("graphite+udp://[::1]:7", "[::1]:7"),
        ];
        for (text, address) in cases {
            match Destination::parse(text) {
                Ok(Destination::Datagrams(found, _)) => assert_eq!(found.to_string(), address),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(matches!(Destination::parse("graphite://g"), Ok(Destination::Stream(Address { port: 2003, .. }, _))));
    }

    #[test]
    fn what_is_no_destination_is_told_kindly() {
        let cases = [
            ("statds://localhost", "unknown scheme `statds://`", "did you mean `statsd://localhost`?"),
            ("kafka://localhost", "unknown scheme `kafka://`", "known are `statsd://`"),
            ("statsd:localhost:8125", "lacks the `//`", "write `statsd://localhost:8125`"),
            ("statsd://", "no host and port", "statsd://HOST:PORT"),
            ("statsd://host:0", "no host and port", "localhost:8125"),
            ("statsd://host:99999", "no host and port", "localhost:8125"),
            ("statsd://host:", "no host and port", "localhost:8125"),
            ("graphite://host?x=1", "unknown option `?x=1`", "?tags=path"),
            ("", "is empty", "write a path"),
        ];
        for (text, message, hint) in cases {
            let error = Destination::parse(text).unwrap_err();
            assert!(error.message.contains(message) && error.hint.contains(hint), "{text}: {error:?}");
        }
    }
}
