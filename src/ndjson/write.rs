//! Records to lines, with the keys in the order that the format fixes.

use crate::record::{Beat, Event, Notice, Record, Sample, SampleType, Series, SketchBins, Stats, Tags, Value, Verdict, Window};
use crate::time::{Span, Timestamp};

/// Appends a record as one line, its newline included.
pub fn write(out: &mut Vec<u8>, record: &Record) {
    match record {
        Record::Sample(sample) => write_sample_record(out, sample),
        Record::Window(window) => write_window(out, window),
        Record::Event(event) => write_event(out, event),
        Record::Beat(beat) => write_beat(out, beat),
        Record::Verdict(verdict) => write_verdict(out, verdict),
        Record::Notice(notice) => write_notice(out, notice),
    }
}

/// Appends a sample with a number and weight 1 as one line, its newline included.
pub fn write_sample(out: &mut Vec<u8>, ts: Timestamp, series: &Series, value: f64) {
    begin(out, ts);
    text(out, "metric", &series.metric);
    number(out, "value", value);
    end_sample(out, series, 1.0);
}

fn write_sample_record(out: &mut Vec<u8>, sample: &Sample) {
    begin(out, sample.ts);
    text(out, "metric", &sample.series.metric);
    match &sample.value {
        Value::Number(value) => number(out, "value", *value),
        Value::Member(member) => text(out, "value", member),
    }
    end_sample(out, &sample.series, sample.weight);
}

fn end_sample(out: &mut Vec<u8>, series: &Series, weight: f64) {
    if series.kind != SampleType::Gauge {
        text(out, "type", series.kind.name());
    }
    optional_text(out, "unit", series.unit.as_deref());
    if weight != 1.0 {
        number(out, "weight", weight);
    }
    end(out, &series.tags);
}

fn write_window(out: &mut Vec<u8>, window: &Window) {
    let line = WindowLine::new(&window.metric, window.window, window.unit.as_deref(), &window.tags);
    let mut ts = Vec::with_capacity(30);
    window.ts.write(&mut ts);
    line.write(out, &ts, &window.stats, window.error, window.sketch.as_ref());
}

/// What stays the same in the windows of one group: their lines are made of it and the numbers.
#[derive(Debug, Clone)]
pub struct WindowLine {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl WindowLine {
    /// The frame of the windows of one metric and tag set.
    pub fn new(metric: &str, window: Span, unit: Option<&str>, tags: &Tags) -> WindowLine {
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        head.push(b'"');
        text(&mut head, "metric", metric);
        text(&mut head, "window", &window.to_string());
        optional_text(&mut tail, "unit", unit);
        end(&mut tail, tags);
        WindowLine { head, tail }
    }

    /// Appends one window as a line; `ts` is the text of its start.
    pub fn write(&self, out: &mut Vec<u8>, ts: &[u8], stats: &Stats, error: Option<f64>, sketch: Option<&SketchBins>) {
        out.extend_from_slice(b"{\"ts\":\"");
        out.extend_from_slice(ts);
        out.extend_from_slice(&self.head);
        optional_number(out, "count", stats.count);
        optional_number(out, "sum", stats.sum);
        optional_number(out, "min", stats.min);
        optional_number(out, "max", stats.max);
        optional_number(out, "mean", stats.mean);
        optional_number(out, "first", stats.first);
        optional_number(out, "last", stats.last);
        optional_number(out, "stddev", stats.stddev);
        optional_number(out, "rate", stats.rate);
        optional_number(out, "distinct", stats.distinct);
        for (percentile, value) in &stats.quantiles {
            out.extend_from_slice(b",\"");
            percentile.write(out);
            out.extend_from_slice(b"\":");
            write_number(out, *value);
        }
        optional_number(out, "error", error);
        if let Some(sketch) = sketch {
            key(out, "sketch");
            write_sketch(out, sketch);
        }
        out.extend_from_slice(&self.tail);
    }
}

/// Appends a sketch as the format has it: `{"gamma":1.02,"zero":0,"bins":[[1,2]],"negative":[]}`.
fn write_sketch(out: &mut Vec<u8>, sketch: &SketchBins) {
    out.extend_from_slice(b"{\"gamma\":");
    write_number(out, sketch.gamma);
    number(out, "zero", sketch.zero);
    for (name, bins) in [("bins", &sketch.bins), ("negative", &sketch.negative)] {
        key(out, name);
        out.push(b'[');
        for (at, (index, count)) in bins.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.push(b'[');
            write_number(out, f64::from(*index));
            out.push(b',');
            write_number(out, *count);
            out.push(b']');
        }
        out.push(b']');
    }
    out.push(b'}');
}

fn write_event(out: &mut Vec<u8>, event: &Event) {
    begin(out, event.ts);
    text(out, "event", &event.event);
    optional_text(out, "text", event.text.as_deref());
    optional_text(out, "link", event.link.as_deref());
    end(out, &event.tags);
}

fn write_beat(out: &mut Vec<u8>, beat: &Beat) {
    begin(out, beat.ts);
    text(out, "beat", &beat.beat);
    optional_text(out, "state", beat.state.as_deref());
    optional_number(out, "duration", beat.duration);
    if let Some(exit) = beat.exit {
        key(out, "exit");
        out.extend_from_slice(itoa::Buffer::new().format(exit).as_bytes());
    }
    optional_text(out, "run", beat.run.as_deref());
    optional_text(out, "message", beat.message.as_deref());
    end(out, &beat.tags);
}

fn write_verdict(out: &mut Vec<u8>, verdict: &Verdict) {
    begin(out, verdict.ts);
    text(out, "check", &verdict.check);
    text(out, "status", verdict.status.name());
    if let Some(since) = verdict.since {
        key(out, "since");
        out.push(b'"');
        since.write(out);
        out.push(b'"');
    }
    optional_number(out, "value", verdict.value);
    optional_text(out, "unit", verdict.unit.as_deref());
    optional_text(out, "reason", verdict.reason.as_deref());
    if let Some(evidence) = &verdict.evidence {
        key(out, "evidence");
        out.extend_from_slice(evidence.text().as_bytes());
    }
    optional_text(out, "playbook", verdict.playbook.as_deref());
    end(out, &verdict.tags);
}

fn write_notice(out: &mut Vec<u8>, notice: &Notice) {
    begin(out, notice.ts);
    text(out, "notice", &notice.notice);
    optional_text(out, "incident", notice.incident.as_deref());
    optional_text(out, "check", notice.check.as_deref());
    optional_text(out, "who", notice.who.as_deref());
    optional_text(out, "via", notice.via.as_deref());
    optional_text(out, "state", notice.state.as_deref());
    optional_text(out, "reason", notice.reason.as_deref());
    end(out, &notice.tags);
}

fn begin(out: &mut Vec<u8>, ts: Timestamp) {
    out.extend_from_slice(b"{\"ts\":\"");
    ts.write(out);
    out.push(b'"');
}

fn end(out: &mut Vec<u8>, tags: &Tags) {
    if !tags.is_empty() {
        out.extend_from_slice(b",\"tags\":{");
        for (at, (name, value)) in tags.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_string(out, name);
            out.push(b':');
            write_string(out, value);
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"}\n");
}

fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn text(out: &mut Vec<u8>, name: &str, value: &str) {
    key(out, name);
    write_string(out, value);
}

fn optional_text(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        text(out, name, value);
    }
}

fn number(out: &mut Vec<u8>, name: &str, value: f64) {
    key(out, name);
    write_number(out, value);
}

fn optional_number(out: &mut Vec<u8>, name: &str, value: Option<f64>) {
    if let Some(value) = value {
        number(out, name, value);
    }
}

/// Appends the shortest text that reads back as the same number; whole numbers below 2^53 without
/// a fraction, and negative zero as `0`. What is not finite has no place in a record and becomes `null`.
#[inline]
pub fn write_number(out: &mut Vec<u8>, value: f64) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    // The cast saturates, and is compared back: so it also tells what is beyond its range.
    let whole = value as i64;
    if whole as f64 == value && value.abs() < EXACT {
        out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    } else if value.is_finite() {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

/// Appends a JSON string: quotes, backslashes and control characters escaped, all else as it is.
///
/// The control characters U+0080 to U+009F are escaped too, as some terminals obey them.
pub fn write_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    let mut rest = value;
    while let Some(at) = rest.bytes().position(|b| b < 0x20 || matches!(b, b'"' | b'\\' | 0x7f | 0xc2)) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let mut characters = rest[at..].chars();
        match characters.next() {
            Some('"') => out.extend_from_slice(b"\\\""),
            Some('\\') => out.extend_from_slice(b"\\\\"),
            Some('\n') => out.extend_from_slice(b"\\n"),
            Some('\r') => out.extend_from_slice(b"\\r"),
            Some('\t') => out.extend_from_slice(b"\\t"),
            Some(control) if control.is_control() => out.extend_from_slice(format!("\\u{:04x}", control as u32).as_bytes()),
            Some(other) => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            None => {}
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(record: &Record) -> String {
        let mut out = Vec::new();
        write(&mut out, record);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_sample_is_written_as_the_format_shows_it() {
        let ts = Timestamp::parse("2026-11-22T19:45:03.250Z").unwrap();
        let series = Series::new("build.duration").unit("s").tag("queue", "linux").tag("host", "web-1");
        assert_eq!(
            line(&Record::Sample(Sample::new(ts, series, 12.5))),
            "{\"ts\":\"2026-11-22T19:45:03.250Z\",\"metric\":\"build.duration\",\"value\":12.5,\"unit\":\"s\",\"tags\":{\"host\":\"web-1\",\"queue\":\"linux\"}}\n"
        );
    }

    #[test]
    fn numbers_are_short_and_exact() {
        let cases = [
            (12.5, "12.5"),
            (181_233.0, "181233"),
            (-0.0, "0"),
            (1e300, "1e300"),
            (0.1, "0.1"),
            (5e-324, "5e-324"),
            (-3.0, "-3"),
            (1e17, "1e17"),
        ];
        for (value, expected) in cases {
            let mut out = Vec::new();
            write_number(&mut out, value);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.parse::<f64>().unwrap(), value);
            assert_eq!(text.replace("e+", "e"), expected);
        }
    }

    #[test]
    fn strings_are_escaped() {
        let mut out = Vec::new();
        write_string(&mut out, "a\"b\\c\nd\u{1b}é\u{7f}\u{9b}\u{a0}");
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"b\\\\c\\nd\\u001b\u{e9}\\u007f\\u009b\u{a0}\"");
    }
}
