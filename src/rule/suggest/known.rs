//! What is known of metrics by their names: what they tell, where they stand, and what to do about them.
//!
//! A table, read from the top: the first row whose words all stand in the name holds. It holds no code for any row;
//! a row that is wrong is mended here. Each advice names who gave it.
//!
//! Sources: Gregg, Thinking methodically about performance, Communications of the ACM 56(2), 2013 (USE: utilisation, saturation,
//! errors); Wilkie, The RED method, 2018 (rate, errors, duration); Ewaschuk, Monitoring distributed systems, in
//! Beyer et al., Site Reliability Engineering, O'Reilly 2016, chapter 6 (the four golden signals); Weiner,
//! Tracking pressure-stall information, LWN 2018; the RabbitMQ documentation, Monitoring, and Memory Alarms; the PostgreSQL
//! documentation, chapter 27; proc(5) and vmstat(8).

/// What a metric tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sign {
    /// How long something took, or waits.
    Latency,
    /// Which share of it was good.
    Availability,
    /// How often it went wrong.
    Errors,
    /// How much waits to be done.
    Backlog,
    /// How much comes or is done.
    Traffic,
    /// How full something is that queues when it is full.
    Saturation,
    /// How full something is that fails when it is full.
    Capacity,
    /// Nothing that its name tells.
    Other,
}

impl Sign {
    /// The sign in words.
    pub const fn name(self) -> &'static str {
        match self {
            Sign::Latency => "latency",
            Sign::Availability => "availability",
            Sign::Errors => "errors",
            Sign::Backlog => "backlog",
            Sign::Traffic => "traffic",
            Sign::Saturation => "saturation",
            Sign::Capacity => "capacity",
            Sign::Other => "unknown kind",
        }
    }

    /// How directly it speaks of what users feel, 0 to 1: Ewaschuk's symptoms before causes.
    pub(super) const fn felt(self) -> f64 {
        match self {
            Sign::Latency | Sign::Availability => 1.0,
            Sign::Errors => 0.8,
            Sign::Backlog => 0.5,
            Sign::Traffic => 0.4,
            Sign::Saturation | Sign::Capacity => 0.15,
            Sign::Other => 0.1,
        }
    }
}

/// A limit that holds whatever the history was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fixed {
    /// Above this for so many minutes.
    Above(&'static str, u32),
    /// Below this for so many minutes.
    Below(&'static str, u32),
    /// Any growth of a counter within so many minutes.
    Grows(u32),
    /// A disk: nearly full, or full soon.
    Fills(&'static str),
}

/// One row.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) words: &'static [&'static str],
    /// Its part of a system: `host`, `queue`, `database`, `web`, `jobs`.
    pub(super) layer: &'static str,
    pub(super) fixed: Option<Fixed>,
    pub(super) advice: &'static str,
    pub(super) source: &'static str,
}

const fn row(
    words: &'static [&'static str],
    layer: &'static str,
    fixed: Option<Fixed>,
    advice: &'static str,
    source: &'static str,
) -> Known {
    Known { words, layer, fixed, advice, source }
}

const USE: &str = "USE (Gregg 2013)";
const RED: &str = "RED (Wilkie 2018)";
const GOLDEN: &str = "golden signals (Ewaschuk, SRE book, chapter 6)";
const PSI: &str = "Weiner, pressure-stall information, LWN 2018";
const RABBIT: &str = "RabbitMQ documentation, Monitoring";
const POSTGRES: &str = "PostgreSQL documentation, chapter 27";

/// Every row.
pub(super) const KNOWN: &[Known] = &[
    row(&["collect", "up"], "host", Some(Fixed::Below("1", 5)), "a source that is down leaves every check on it without data", GOLDEN),
    row(
        &["disk", "inode", "used"],
        "host",
        Some(Fixed::Above("90%", 10)),
        "without inodes no file can be made, whatever space is left",
        USE,
    ),
    row(
        &["disk", "used"],
        "host",
        Some(Fixed::Fills("90%")),
        "a full disk stops everything that writes; when it will be full tells more than how full it is",
        USE,
    ),
    row(
        &["filesystem", "used"],
        "host",
        Some(Fixed::Fills("90%")),
        "a full disk stops everything that writes; when it will be full tells more than how full it is",
        USE,
    ),
    row(&["memory", "oom"], "host", Some(Fixed::Grows(15)), "the kernel has ended a process for want of memory", "proc(5)"),
    row(
        &["memory", "used"],
        "host",
        Some(Fixed::Above("95%", 10)),
        "what is used and can't be given back; near its end processes are ended",
        USE,
    ),
    row(&["swap", "in"], "host", None, "pages read back from swap are memory that was missing", "vmstat(8)"),
    row(&["pressure", "memory", "full"], "host", Some(Fixed::Above("10%", 10)), "for this share of time everything waited for memory", PSI),
    row(&["pressure", "io", "full"], "host", Some(Fixed::Above("40%", 15)), "for this share of time everything waited for disks", PSI),
    row(
        &["pressure", "cpu", "some"],
        "host",
        Some(Fixed::Above("80%", 30)),
        "for this share of time something that could run had no CPU",
        PSI,
    ),
    row(&["cpu", "steal"], "host", Some(Fixed::Above("20%", 15)), "time that the hypervisor gave to others", "proc(5)"),
    row(
        &["cpu", "used"],
        "host",
        Some(Fixed::Above("95%", 30)),
        "a busy CPU is no harm by itself; one that is busy for half an hour makes others wait",
        USE,
    ),
    row(&["file", "used"], "host", Some(Fixed::Above("90%", 5)), "past the limit of open files nothing can be opened", USE),
    row(
        &["tcp", "listen", "overflow"],
        "host",
        Some(Fixed::Grows(15)),
        "connections were refused as nobody took them: users saw that",
        USE,
    ),
    row(&["process", "zombie"], "host", None, "processes that ended and were not asked for", "proc(5)"),
    row(&["message", "unacked"], "queue", None, "messages that were delivered and not confirmed: consumers hang or are slow", RABBIT),
    row(&["message", "ready"], "queue", None, "messages that nobody takes", RABBIT),
    row(&["queue", "depth"], "queue", None, "how much waits; when it grows more comes in than goes out", GOLDEN),
    row(&["queue", "length"], "queue", None, "how much waits; when it grows more comes in than goes out", GOLDEN),
    row(&["replication", "lag"], "database", None, "how old what a replica answers is", POSTGRES),
    row(&["lock", "waiting"], "database", None, "sessions that wait for locks of others", POSTGRES),
    row(&["connection", "active"], "database", None, "past the limit of connections everything is refused", POSTGRES),
    row(&["query", "latency"], "database", None, "what everything above the database waits for", RED),
    row(&["transaction"], "database", None, "the work that is done; its fall tells of a stall", POSTGRES),
    row(&["http", "latency"], "web", None, "what users wait for", RED),
    row(&["http", "error"], "web", None, "the requests that failed, as a share of all", RED),
    row(&["http", "request"], "web", None, "the demand; its fall tells of what lies before you", RED),
    row(&["availability"], "web", None, "the share of requests that were answered well", GOLDEN),
    row(&["latency"], "web", None, "what users wait for; a high percentile, not the mean", GOLDEN),
    row(&["duration"], "jobs", None, "how long the work takes; a high percentile, not the mean", RED),
    row(&["wait"], "jobs", None, "how long people wait until their work begins", GOLDEN),
    row(&["failed"], "jobs", None, "the share that fails", RED),
    row(&["error"], "web", None, "the share that fails, not the number", RED),
    row(&["started"], "jobs", None, "the time since the last one, and only while there is something to do", GOLDEN),
    row(&["finished"], "jobs", None, "the time since the last one, and only while there is something to do", GOLDEN),
];

/// The row of a name.
pub(super) fn known(words: &[String]) -> Option<&'static Known> {
    KNOWN.iter().find(|row| row.words.iter().all(|word| words.iter().any(|own| own == word)))
}

/// Words of what users never see: machines, stores, what services say to one another.
const INNER: &[&str] = &[
    "cpu",
    "memory",
    "disk",
    "filesystem",
    "inode",
    "network",
    "tcp",
    "udp",
    "socket",
    "swap",
    "system",
    "load",
    "process",
    "file",
    "pressure",
    "collect",
    "db",
    "database",
    "sql",
    "pgsql",
    "postgre",
    "postgresql",
    "mysql",
    "redis",
    "cache",
    "memcached",
    "broker",
    "rabbitmq",
    "kafka",
    "amqp",
    "sqs",
    "sns",
    "dynamo",
    "dynamodb",
    "rds",
    "s3",
    "lambda",
    "aws",
    "ecs",
    "table",
    "remote",
    "client",
    "internal",
    "upstream",
    "backend",
    "gc",
    "heap",
    "thread",
    "pool",
    "replication",
    "lock",
    "index",
    "worker",
    "scheduler",
    "container",
    "pod",
    "node",
    "sidecar",
    "function",
    "ssm",
    "sts",
    "kernel",
    "interrupt",
];

/// Words of where users come in.
const EDGE: &[&str] = &[
    "http",
    "https",
    "web",
    "site",
    "website",
    "www",
    "page",
    "user",
    "customer",
    "checkout",
    "cart",
    "login",
    "signup",
    "front",
    "frontend",
    "edge",
    "ingress",
    "public",
    "api",
    "order",
    "storefront",
    "app",
];

/// How near to users a name says that something is, 0 to 1; what is neither a machine nor a door is what the
/// service is for.
pub(super) fn nearness(words: &[String]) -> f64 {
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    match (any(INNER), any(EDGE)) {
        (true, _) => 0.0,
        (false, true) => 1.0,
        (false, false) => 0.7,
    }
}

/// What a name, a unit and a type tell.
pub(super) fn sign(words: &[String], unit: Option<&str>, counts: bool) -> Sign {
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let is_time = unit.is_some_and(|unit| crate::record::time_unit(unit).is_some());
    let is_share = matches!(unit, Some("1" | "%"));
    if any(&[
        "error",
        "failed",
        "failure",
        "fail",
        "fault",
        "exception",
        "5xx",
        "drop",
        "overflow",
        "timeout",
        "refused",
        "reject",
        "retransmit",
        "oom",
    ]) {
        return Sign::Errors;
    }
    if any(&["availability", "success", "apdex", "up"]) {
        return Sign::Availability;
    }
    if !counts && (is_time && !any(&["uptime"]) || (any(&["latency", "duration", "wait", "delay", "rtt", "lag", "response"]) && !is_share))
    {
        return Sign::Latency;
    }
    if any(&["disk", "filesystem", "inode"]) && any(&["used", "usage", "full"]) {
        return Sign::Capacity;
    }
    if any(&["used", "usage", "utilization", "busy", "saturation", "pressure", "iowait", "steal"]) && (is_share || unit.is_none())
        || any(&["load"])
    {
        return Sign::Saturation;
    }
    if !counts && any(&["queue", "backlog", "depth", "pending", "waiting", "unacked", "ready", "inflight", "flight", "blocked"]) {
        return Sign::Backlog;
    }
    if counts || any(&["request", "hit", "throughput", "rate"]) {
        return Sign::Traffic;
    }
    Sign::Other
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    #[test]
    fn names_tell_what_they_are() {
        let cases = [
            ("http.latency", Some("ms"), false, Sign::Latency),
            ("http.errors", Some("{errors}"), true, Sign::Errors),
            ("availability", Some("%"), false, Sign::Availability),
            ("disk.used", Some("1"), false, Sign::Capacity),
            ("disk.free", Some("By"), false, Sign::Other),
            ("cpu.used", Some("1"), false, Sign::Saturation),
            ("pressure.io.full", Some("1"), false, Sign::Saturation),
            ("queue.depth", None, false, Sign::Backlog),
            ("commits.received", None, true, Sign::Traffic),
            ("system.uptime", Some("s"), false, Sign::Other),
        ];
        for (name, unit, counts, expected) in cases {
            assert_eq!(sign(&words(name), unit, counts), expected, "{name}");
        }
    }

    #[test]
    fn the_first_row_that_fits_holds() {
        assert_eq!(known(&words("disk.inodes.used")).unwrap().fixed, Some(Fixed::Above("90%", 10)));
        assert_eq!(known(&words("disk.used")).unwrap().fixed, Some(Fixed::Fills("90%")));
        assert!(known(&words("temperature")).is_none());
        assert!(KNOWN.iter().all(|row| row.words.iter().all(|word| words(word) == [*word])), "a word that no name is cut into");
    }

    #[test]
    fn a_door_is_nearer_than_a_machine() {
        assert!(nearness(&words("PetSite")) > nearness(&words("build.wait")));
        assert!(nearness(&words("build.wait")) > nearness(&words("http.client.latency")));
    }
}
