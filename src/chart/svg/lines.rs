//! Lines as SVG: each column of pixels reaches from its least to its greatest value.

use super::{Area, Path, Sheet, escape};
use crate::chart::axis::{ticks, value};
use crate::chart::{Cell, Panel, sentence};

/// Columns of values: finer than this no picture is looked at, and a file stays small.
const COLUMNS: usize = 600;

/// Draws a panel as a document of so many pixels, a legend of a line for each trace below it.
pub fn lines(panel: &Panel<'_>, title: &str, width: usize, height: usize) -> String {
    let mut sheet = Sheet::new(width, height + 24 + panel.traces.len() * 18);
    let columns = panel.columns(COLUMNS);
    let ghosts = panel.ghost_columns(COLUMNS);
    let (low, high) = panel.range(&[columns.clone(), ghosts.clone()].concat(), 6);
    let area = Area { left: 64.0, top: 18.0, width: width as f64 - 90.0, height: height as f64 - 42.0 };
    let y = |value: f64| area.top + area.height * (1.0 - (value - low) / (high - low));
    for tick in ticks(low, high, 6) {
        sheet.line((area.left, y(tick)), (area.left + area.width, y(tick)), "faint");
        sheet.text(area.left - 6.0, y(tick) + 4.0, "quiet", "end", &value(tick, panel.unit()));
    }
    area.marks(&mut sheet, panel);
    let across = |x: usize| area.left + area.width * x as f64 / COLUMNS as f64;
    for (ghost, cells) in panel.ghosts.iter().zip(&ghosts) {
        let path = course(cells, panel.bridge(ghost, COLUMNS), across, y);
        sheet.body.push_str(&format!("<path class=\"faint\" d=\"{}\"><title>{} before</title></path>", path.text, escape(&ghost.label)));
    }
    for (number, (trace, cells)) in panel.traces.iter().zip(&columns).enumerate() {
        let path = course(cells, panel.bridge(trace, COLUMNS), across, y);
        sheet.body.push_str(&format!(
            "<path class=\"line s{}\" d=\"{}\"><title>{}</title></path>",
            number % 7,
            path.text,
            escape(&trace.label)
        ));
        if let Some(last) = cells.iter().flatten().next_back() {
            sheet.text(area.left + area.width + 4.0, y(last.last) + 4.0, "", "start", &letter(number));
        }
    }
    for limit in panel.limits {
        sheet.line((area.left, y(limit.value)), (area.left + area.width, y(limit.value)), "limit");
        let text = format!("{} {}", limit.label, value(limit.value, panel.unit()));
        sheet.text(area.left + 4.0, y(limit.value) - 3.0, "", "start", &text);
    }
    area.time_axis(&mut sheet, panel);
    for (number, trace) in panel.traces.iter().enumerate() {
        let row = (height + 16 + number * 18) as f64;
        sheet.line((area.left, row - 4.0), (area.left + 24.0, row - 4.0), &format!("line s{}", number % 7));
        let newest = trace.newest().map_or_else(String::new, |(_, newest)| value(newest, panel.unit()));
        sheet.text(area.left + 30.0, row, "", "start", &format!("{}  {}  {newest}", letter(number), trace.label));
    }
    sheet.document(title, &sentence(panel))
}

/// The course of one trace; a gap begins a new stroke.
fn course(cells: &[Option<Cell>], bridge: usize, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) -> Path {
    let mut path = Path::default();
    let mut before: Option<(usize, f64)> = None;
    for (at, cell) in cells.iter().enumerate() {
        let Some(cell) = cell else { continue };
        let jump = before.is_none_or(|(then, _)| at - then > bridge.max(1));
        if cell.min == cell.max {
            path.to(x(at), y(cell.min), jump);
        } else {
            // The extreme that is nearer to where the line comes from is drawn first.
            let from = before.map_or(cell.first, |(_, last)| last);
            let (one, other) = if (from - cell.min).abs() <= (from - cell.max).abs() { (cell.min, cell.max) } else { (cell.max, cell.min) };
            path.to(x(at), y(one), jump);
            path.to(x(at), y(other), false);
        }
        before = Some((at, cell.last));
    }
    path
}

/// What a trace is called where there is no room for its name: a to z, then numbers.
fn letter(number: usize) -> String {
    u8::try_from(number)
        .ok()
        .filter(|number| *number < 26)
        .map_or_else(|| number.to_string(), |number| ((b'a' + number) as char).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Limit, Mark, MarkKind, Reading, Trace};
    use crate::time::{Span, Timestamp};

    #[test]
    fn a_day_at_a_second_of_fifty_series_is_under_a_megabyte() {
        let from = Timestamp::parse("2026-11-22T00:00:00Z").unwrap();
        let noise = |second: u32, number: u32| f64::from((second.wrapping_mul(2_654_435_761) ^ number.wrapping_mul(40_503)) >> 20);
        let traces: Vec<Trace> = (0..50u32)
            .map(|number| {
                let mut trace = Trace::new(format!("metric{{host=web-{number}}}"), None, Reading::Level);
                (0..8640).for_each(|step| trace.add(from.plus(Span::from_secs(step * 10)), noise(step, number)));
                trace
            })
            .collect();
        let offset = |_| 0;
        let until = from.plus(Span::from_secs(86_400));
        let panel = Panel::new(traces.iter().collect(), from, until, &offset);
        let bytes = lines(&panel, "a day", 900, 300).len();
        assert!(bytes < 1_000_000, "{bytes} bytes");
    }

    #[test]
    fn extremes_gaps_limits_and_marks_are_drawn() {
        let from = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let mut trace = Trace::new("x<y>", Some("s".into()), Reading::Level);
        for second in (0..600u32).filter(|second| !(200..300).contains(second)) {
            trace.add(from.plus(Span::from_secs(second)), if second == 400 { 50.0 } else { 1.0 });
        }
        let offset = |_| 0;
        let marks = [Mark { at: from.plus(Span::from_secs(60)), kind: MarkKind::Event, text: "deploy <b>".into() }];
        let limits = [Limit { value: 40.0, label: "limit".into() }];
        let until = from.plus(Span::from_secs(600));
        let panel = Panel { limits: &limits, marks: &marks, ..Panel::new(vec![&trace], from, until, &offset) };
        let text = lines(&panel, "t", 800, 200);
        let path = text.split("class=\"line s0\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(path.matches('M').count(), 2, "one gap makes two strokes: {path}");
        assert!(text.contains("x&lt;y&gt;") && text.contains("deploy &lt;b&gt;") && !text.contains("<b>"));
        assert!(text.contains("class=\"limit\"") && text.contains("limit 40 s") && text.contains(">▲<"));
        assert!(text.contains("<desc>x&lt;y&gt;: 1 s at the end, between 1 s and 50 s (highest Nov 22 10:06:40)"), "{text}");
    }
}
