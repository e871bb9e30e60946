//! Sparklines: a row for each series, as many on a screen as it has rows.

use super::{Canvas, EIGHTHS, Ink, cut, width};
use crate::chart::axis::value;
use crate::chart::{Cell, Trace};
use crate::time::Timestamp;

/// Draws a row for each trace: its name, its course, its least, greatest and newest value, and the change
/// since the first.
///
/// A column shows the value of its stretch of time that is farthest from the series' mean, so that no
/// extreme is lost. Each row has a scale of its own, from its least to its greatest value.
pub fn sparks(traces: &[&Trace], from: Timestamp, until: Timestamp, columns: usize) -> Canvas {
    let texts: Vec<[String; 4]> = traces.iter().map(|trace| numbers(trace, from, until)).collect();
    let widths = [0, 1, 2, 3].map(|at| texts.iter().map(|texts| width(&texts[at])).max().unwrap_or(0));
    let name = traces.iter().map(|trace| width(&trace.label)).max().unwrap_or(0).min(columns * 2 / 5);
    let room = |shown: &[usize]| columns.saturating_sub(name + 2 + shown.iter().map(|at| widths[*at] + 2).sum::<usize>());
    // Where there is no room for all numbers, the newest is the one that stays.
    let shown: &[usize] = [&[0, 1, 2, 3][..], &[2, 3], &[2]].into_iter().find(|shown| room(shown) >= 16).unwrap_or(&[2]);
    let room = room(shown).max(8);
    let mut canvas = Canvas::new(columns, traces.len());
    for (row, (trace, texts)) in traces.iter().zip(&texts).enumerate() {
        canvas.text(0, row, &cut(&trace.label, name), Ink::Plain);
        let cells = trace.columns(from, until, room);
        for (x, level) in levels(&cells).into_iter().enumerate() {
            canvas.put(name + 2 + x, row, level.map_or(' ', |level| EIGHTHS[level]), Ink::Series(0));
        }
        let mut right = name + 2 + room;
        for at in shown {
            right += 2 + widths[*at];
            canvas.text_before(right, row, &texts[*at], if *at == 2 { Ink::Plain } else { Ink::Faint });
        }
    }
    canvas
}

/// The least, the greatest and the newest value, and by how much that differs from the first.
fn numbers(trace: &Trace, from: Timestamp, until: Timestamp) -> [String; 4] {
    // What is counted stands in the name; a row has no room to say it four times.
    let unit = trace.unit.as_deref().filter(|unit| !unit.contains('{'));
    let Some(all) = trace.columns(from, until, 1)[0] else { return ["-", "-", "none", ""].map(str::to_owned) };
    let change = all.last - all.first;
    let change = match change {
        0.0 => "=".to_owned(),
        _ if all.first == 0.0 => (if change > 0.0 { "+" } else { "" }).to_owned() + &value(change, unit),
        _ => format!("{:+.0}%", (change / all.first.abs() * 100.0).clamp(-999.0, 999.0)),
    };
    [format!("{} to", value(all.min, unit)), value(all.max, unit), value(all.last, unit), change]
}

/// The height of every column in eighths, 1 to 8; `None` where there is nothing.
fn levels(cells: &[Option<Cell>]) -> Vec<Option<usize>> {
    let all = || cells.iter().flatten();
    let low = all().map(|cell| cell.min).fold(f64::INFINITY, f64::min);
    let high = all().map(|cell| cell.max).fold(f64::NEG_INFINITY, f64::max);
    let (sum, count) = all().fold((0.0, 0.0), |(sum, count), cell| (sum + cell.sum, count + cell.count));
    let mean = sum / count;
    let farthest = |cell: &Cell| if cell.max - mean >= mean - cell.min { cell.max } else { cell.min };
    let level = |cell: &Cell| match high > low {
        true => 1 + (((farthest(cell) - low) / (high - low)) * 7.0).round() as usize,
        false => 4,
    };
    cells.iter().map(|cell| cell.as_ref().map(level)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Reading;
    use crate::time::Span;

    #[test]
    fn a_row_shows_name_course_and_numbers() {
        let from = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let trace = |name: &str, value: fn(u32) -> f64| {
            let mut trace = Trace::new(name, Some("s".into()), Reading::Level);
            (0..160).for_each(|second| trace.add(from.plus(Span::from_secs(second)), value(second)));
            trace
        };
        let (ramp, dip) = (trace("ramp", f64::from), trace("a.dip", |second| if second == 83 { 1.0 } else { 9.0 }));
        let found = sparks(&[&ramp, &dip], from, from.plus(Span::from_secs(160)), 64).lines(false);
        assert_eq!(found[0], "ramp   ▁▁▂▂▃▃▃▄▄▅▅▆▆▆▇▇██  0 s to  2.65 min  2.65 min  +2.65 min");
        let narrow = sparks(&[&ramp, &dip], from, from.plus(Span::from_secs(160)), 40).lines(false);
        assert!(narrow[0].ends_with("█  2.65 min") && narrow.iter().all(|row| row.chars().count() <= 40), "{narrow:?}");
        assert!(found[1].starts_with("a.dip  ████") && found[1].contains("█▁█"), "{}", found[1]);
    }
}
