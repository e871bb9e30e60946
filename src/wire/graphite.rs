//! Graphite's plaintext protocol: `path value seconds`, one sample a line.
//!
//! A path is dotted, `servers.web-1.load`, or tagged, `load;dc=a;host=web-1`, with the tags
//! ascending by key (the canonical form, by which carbon finds a series again). The value is a
//! decimal number, the time whole or fractional seconds since 1970, or -1 for now.
//!
//! Sources: Graphite documentation, "Feeding In Your Data" and "Graphite Tag Support"; carbon,
//! `lib/carbon/util.py` (`TaggedSeries.parse`) and `lib/carbon/protocols.py`.

use super::{number, safe};
use crate::record::{Sample, Value};

/// Where the tags of a sample go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagStyle {
    /// Behind the path, as Graphite 1.1 has them: `;key=value`.
    Tagged,
    /// Into the path, as `.key.value` for each tag, ascending by key: for older receivers.
    InPath,
}

/// Appends a sample as one line, its newline included.
///
/// Returns `false`, and appends nothing, for the member of a set: Graphite knows numbers only.
/// Times are cut to whole seconds, as Graphite keeps no finer ones; type, unit and weight are not
/// sent, save that a weighted delta is multiplied by its weight, so that sums stay right.
///
/// White space and control characters become `_`; so do, in a path, `/` `;` `~` `{` `}` (a path is
/// a file's path in carbon), in a part made from a tag also `.`, in a tag's key `;!^=` and in
/// its value `;` and a leading `~`. A tag without a value is left out, as carbon refuses it, and a
/// tag called `name` is written `_name`, as carbon keeps the path there.
pub fn encode(out: &mut Vec<u8>, sample: &Sample, style: TagStyle) -> bool {
    let Value::Number(value) = sample.value else { return false };
    let value = if sample.series.kind == crate::record::SampleType::Delta { value * sample.weight } else { value };
    safe(out, &sample.series.metric, b"/;~{}");
    for (key, value) in sample.series.tags.iter().filter(|(key, value)| !key.is_empty() && !value.is_empty()) {
        match style {
            TagStyle::Tagged => {
                out.extend_from_slice(if key == "name" { b";_" } else { b";" });
                safe(out, key, b";!^=");
                out.push(b'=');
                let value = value.strip_prefix('~').map_or_else(|| value.to_owned(), |rest| format!("_{rest}"));
                safe(out, &value, b";");
            }
            TagStyle::InPath => {
                out.push(b'.');
                safe(out, key, b"./;~{}");
                out.push(b'.');
                safe(out, value, b"./;~{}");
            }
        }
    }
    out.push(b' ');
    number::write(out, value);
    out.push(b' ');
    out.extend_from_slice(itoa::Buffer::new().format(sample.ts.nanos().div_euclid(1_000_000_000)).as_bytes());
    out.push(b'\n');
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{SampleType, Series};
    use crate::time::Timestamp;

    fn line(series: Series, style: TagStyle) -> String {
        let mut out = Vec::new();
        assert!(encode(&mut out, &Sample::new(Timestamp::parse("2026-11-22T19:45:03.250Z").unwrap(), series, 12.5), style));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tags_stand_behind_the_path_or_in_it() {
        let series = || Series::new("disk.used").tag("server", "web.1").tag("datacenter", "dc1").tag("name", "x").tag("empty", "");
        assert_eq!(line(series(), TagStyle::Tagged), "disk.used;datacenter=dc1;_name=x;server=web.1 12.5 1795376703\n");
        assert_eq!(line(series(), TagStyle::InPath), "disk.used.datacenter.dc1.name.x.server.web_1 12.5 1795376703\n");
    }

    #[test]
    fn a_hostile_name_stays_within_its_line() {
        let series = Series::new("a b\n../c;d=e").tag("k=;", "~v w");
        assert_eq!(line(series, TagStyle::Tagged), "a_b_.._c_d=e;k__=_v_w 12.5 1795376703\n");
    }

    #[test]
    fn a_member_has_no_line_and_a_weighted_delta_is_multiplied() {
        let mut out = Vec::new();
        let set = Sample { value: Value::Member("joe".into()), ..Sample::new(Timestamp::default(), Series::new("u"), 0.0) };
        assert!(!encode(&mut out, &set, TagStyle::Tagged));
        assert!(out.is_empty());
        let delta = Sample { weight: 10.0, ..Sample::new(Timestamp::default(), Series::new("u").kind(SampleType::Delta), 2.0) };
        assert!(encode(&mut out, &delta, TagStyle::Tagged));
        assert_eq!(out, b"u 20 0\n");
    }
}
