//! The network: interfaces from `/proc/net/dev`, protocols from `snmp`, `netstat` and `sockstat`.
//!
//! `snmp` and `netstat` have two lines a protocol, `Tcp: names…` and `Tcp: numbers…`
//! (proc_net(5)); names are looked up, as kernels differ in their order.

use super::Subject;
use super::metric::{Metric, Put, Row, Things};
use super::text::{fields, lines, value, whole};
use crate::record::Tags;
use crate::time::Span;

/// One interface, in tag `interface`.
pub(super) static INTERFACE: [Metric; 8] = [
    Metric::counter("network.received", "By", "bytes received, by the interface in tag `interface`"),
    Metric::counter("network.sent", "By", "bytes sent"),
    Metric::counter("network.received.packets", "{packets}", "packets received"),
    Metric::counter("network.sent.packets", "{packets}", "packets sent"),
    Metric::counter("network.received.errors", "{packets}", "packets received damaged"),
    Metric::counter("network.sent.errors", "{packets}", "packets that could not be sent"),
    Metric::counter("network.received.drops", "{packets}", "packets received and dropped"),
    Metric::counter("network.sent.drops", "{packets}", "packets dropped before they were sent"),
];

/// Protocols, from `snmp`.
pub(super) static PROTOCOL: [Metric; 13] = [
    Metric::gauge("tcp.connections", "{connections}", "connections that are established"),
    Metric::counter("tcp.opened", "{connections}", "connections opened from here"),
    Metric::counter("tcp.accepted", "{connections}", "connections accepted"),
    Metric::counter("tcp.failed", "{connections}", "connections that could not be made"),
    Metric::counter("tcp.resets", "{segments}", "resets sent"),
    Metric::counter("tcp.received", "{segments}", "segments received"),
    Metric::counter("tcp.sent", "{segments}", "segments sent"),
    Metric::counter("tcp.retransmits", "{segments}", "segments sent again because no answer came"),
    Metric::counter("tcp.errors", "{segments}", "segments received damaged"),
    Metric::counter("udp.received", "{datagrams}", "datagrams delivered to programs"),
    Metric::counter("udp.sent", "{datagrams}", "datagrams sent"),
    Metric::counter("udp.errors", "{datagrams}", "datagrams that could not be delivered"),
    Metric::counter("udp.overflows", "{datagrams}", "datagrams lost because a program read too slowly"),
];

/// What went wrong in TCP, from `netstat`.
pub(super) static TROUBLE: [Metric; 3] = [
    Metric::counter("tcp.listen.overflows", "{connections}", "times a program accepted too slowly"),
    Metric::counter("tcp.listen.drops", "{connections}", "connections lost before they were accepted"),
    Metric::counter("tcp.timeouts", "{timeouts}", "times an answer did not come in time"),
];

/// Sockets, from `sockstat`.
pub(super) static SOCKET: [Metric; 5] = [
    Metric::gauge("sockets.used", "{sockets}", "sockets of every kind"),
    Metric::gauge("sockets.tcp", "{sockets}", "TCP sockets over IPv4 in use"),
    Metric::gauge("sockets.udp", "{sockets}", "UDP sockets over IPv4 in use"),
    Metric::gauge("sockets.tcp.waiting", "{sockets}", "TCP sockets that wait out their end (TIME_WAIT)"),
    Metric::gauge("sockets.tcp.orphaned", "{sockets}", "TCP sockets that no program holds any more"),
];

/// The reader of `/proc/net/dev`.
///
/// The loopback and the halves of container pairs (`veth…`) are left out: their bytes are met
/// again elsewhere or never left the machine. So are interfaces that never carried a packet.
pub(super) struct Interfaces(Things<(), 8>);

impl Interfaces {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Interfaces {
        Interfaces(Things::new(&INTERFACE, tags, "interface"))
    }
}

impl Subject for Interfaces {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        for line in lines(text) {
            // The name may touch the first number: `eth0:123`. Names hold colons (aliases) at most
            // before the last one.
            let Some(colon) = memchr::memrchr(b':', line) else { continue };
            let name = line[..colon].trim_ascii();
            if name == b"lo" || name.starts_with(b"veth") {
                continue;
            }
            let mut columns = [0u64; 12];
            let found = fields(&line[colon + 1..]).zip(columns.iter_mut());
            if found.map(|(field, column)| whole(field).map(|number| *column = number)).filter(Option::is_some).count() < 12 {
                continue;
            }
            let [bytes_in, in_, errors_in, drops_in, _, _, _, _, bytes_out, out, errors_out, drops_out] = columns;
            if in_ == 0 && out == 0 {
                continue;
            }
            let (row, _) = self.0.take(name, ());
            let values = [bytes_in, bytes_out, in_, out, errors_in, errors_out, drops_in, drops_out];
            row.put(put, values.map(|count| Some(count as f64)));
        }
        self.0.forget_unseen();
    }
}

/// Reads pairs of lines, names above numbers, and hands out `(protocol, name, number)`.
fn name_pairs(text: &[u8], mut found: impl FnMut(&[u8], &[u8], Option<u64>)) {
    let mut lines = lines(text);
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        let (mut names, mut numbers) = (fields(names), fields(numbers));
        let protocol = names.next().unwrap_or_default();
        if numbers.next() != Some(protocol) {
            return;
        }
        for (name, number) in names.zip(numbers) {
            found(protocol, name, whole(number));
        }
    }
}

/// The reader of `/proc/net/snmp`.
pub(super) struct Protocols(Row<13>);

impl Protocols {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Protocols {
        Protocols(Row::new(&PROTOCOL, tags))
    }
}

impl Subject for Protocols {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let mut values = [None; 13];
        name_pairs(text, |protocol, name, number| {
            let at = match (protocol, name) {
                (b"Tcp:", b"CurrEstab") => 0,
                (b"Tcp:", b"ActiveOpens") => 1,
                (b"Tcp:", b"PassiveOpens") => 2,
                (b"Tcp:", b"AttemptFails") => 3,
                (b"Tcp:", b"OutRsts") => 4,
                (b"Tcp:", b"InSegs") => 5,
                (b"Tcp:", b"OutSegs") => 6,
                (b"Tcp:", b"RetransSegs") => 7,
                (b"Tcp:", b"InErrs") => 8,
                (b"Udp:", b"InDatagrams") => 9,
                (b"Udp:", b"OutDatagrams") => 10,
                (b"Udp:", b"InErrors") => 11,
                (b"Udp:", b"RcvbufErrors") => 12,
                _ => return,
            };
            values[at] = value(number);
        });
        self.0.put(put, values);
    }
}

/// The reader of `/proc/net/netstat`.
pub(super) struct Trouble(Row<3>);

impl Trouble {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Trouble {
        Trouble(Row::new(&TROUBLE, tags))
    }
}

impl Subject for Trouble {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let mut values = [None; 3];
        name_pairs(text, |protocol, name, number| {
            let at = match (protocol, name) {
                (b"TcpExt:", b"ListenOverflows") => 0,
                (b"TcpExt:", b"ListenDrops") => 1,
                (b"TcpExt:", b"TCPTimeouts") => 2,
                _ => return,
            };
            values[at] = value(number);
        });
        self.0.put(put, values);
    }
}

/// The reader of `/proc/net/sockstat`: lines such as `TCP: inuse 4 orphan 0 tw 4`.
pub(super) struct Sockets(Row<5>);

impl Sockets {
    /// A reader whose series carry these tags.
    pub(super) fn new(tags: &Tags) -> Sockets {
        Sockets(Row::new(&SOCKET, tags))
    }
}

impl Subject for Sockets {
    fn take(&mut self, text: &[u8], _elapsed: Option<Span>, put: &mut Put) {
        let mut values = [None; 5];
        for line in lines(text) {
            let mut fields = fields(line);
            let protocol = fields.next().unwrap_or_default();
            while let (Some(name), Some(number)) = (fields.next(), fields.next()) {
                let at = match (protocol, name) {
                    (b"sockets:", b"used") => 0,
                    (b"TCP:", b"inuse") => 1,
                    (b"UDP:", b"inuse") => 2,
                    (b"TCP:", b"tw") => 3,
                    (b"TCP:", b"orphan") => 4,
                    _ => continue,
                };
                values[at] = value(whole(number));
            }
        }
        self.0.put(put, values);
    }
}
