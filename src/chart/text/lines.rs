//! Lines of dots: every column of dots reaches from its least to its greatest value.

use super::{Canvas, Ink, cut, mark_row, time_axis, width};
use crate::chart::axis::{ticks, value};
use crate::chart::{Cell, Panel};

/// The dots of a braille character by column and row, from the top; Unicode 15.1, block 2800.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The most series that are told apart.
const LETTERS: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";

/// Draws a panel on a sheet of so many characters, with axes, limits, marks and a legend.
///
/// Each series ends in its letter, so that it is known without colour.
pub fn lines(panel: &Panel<'_>, columns: usize, rows: usize) -> Canvas {
    let marks = usize::from(!panel.marks.is_empty());
    let legend = panel.traces.len().min(LETTERS.len());
    let height = rows.saturating_sub(2 + marks + legend).max(3);
    let mut canvas = Canvas::new(columns, height + 2 + marks + legend);
    let wanted = (height / 3).max(2);
    let rough = [panel.columns(columns * 2), panel.ghost_columns(columns * 2)].concat();
    let (low, high) = panel.range(&rough, wanted * 2);
    let labels: Vec<(f64, String)> = ticks(low, high, wanted).into_iter().map(|tick| (tick, value(tick, panel.unit()))).collect();
    let left = labels.iter().map(|(_, text)| width(text)).max().unwrap_or(0).min(columns / 3) + 1;
    let plot = Plot { left: left + 1, width: columns.saturating_sub(left + 3).max(1), height, low, high };
    plot.frame(&mut canvas, panel, &labels);
    for (ghost, cells) in panel.ghosts.iter().zip(panel.ghost_columns(plot.width * 2)) {
        plot.line(&mut canvas, &cells, panel.bridge(ghost, plot.width * 2), Ink::Faint);
    }
    let mut ends: Vec<Option<usize>> = Vec::new();
    for (number, trace) in panel.traces.iter().enumerate() {
        let cells = trace.columns(panel.from, panel.until, plot.width * 2);
        ends.push(plot.line(&mut canvas, &cells, panel.bridge(trace, plot.width * 2), Ink::Series(number)));
    }
    letters(&mut canvas, &plot, &ends);
    if marks > 0 {
        mark_row(&mut canvas, panel, plot.left, height, plot.width);
    }
    time_axis(&mut canvas, panel, plot.left, height + marks, plot.width);
    for (number, trace) in panel.traces.iter().enumerate().take(legend) {
        let row = height + 2 + marks + number;
        let newest = trace.newest().map_or_else(|| "none".to_owned(), |(_, newest)| value(newest, panel.unit()));
        canvas.put(1, row, LETTERS[number] as char, Ink::Series(number));
        canvas.text(3, row, &cut(&format!("{newest:>9}  {}", trace.label), columns.saturating_sub(3)), Ink::Plain);
    }
    canvas
}

/// Where the lines are drawn, and what its borders stand for.
struct Plot {
    left: usize,
    width: usize,
    height: usize,
    low: f64,
    high: f64,
}

impl Plot {
    /// The row of dots of a value, counted from the top.
    fn dot(&self, value: f64) -> usize {
        let rows = (self.height * 4 - 1) as f64;
        let share = (value - self.low) / (self.high - self.low);
        (rows - share.clamp(0.0, 1.0) * rows).round() as usize
    }

    fn frame(&self, canvas: &mut Canvas, panel: &Panel<'_>, labels: &[(f64, String)]) {
        for row in 0..self.height {
            canvas.put(self.left - 1, row, '│', Ink::Faint);
        }
        for (tick, text) in labels {
            let row = self.dot(*tick) / 4;
            canvas.text_before(self.left - 1, row, text, Ink::Faint);
            canvas.put(self.left - 1, row, '┤', Ink::Faint);
        }
        for limit in panel.limits {
            let row = self.dot(limit.value) / 4;
            for x in 0..self.width {
                canvas.put(self.left + x, row, '╌', Ink::Status(crate::record::Status::Critical));
            }
            let text = format!(" {} {} ", limit.label, value(limit.value, panel.unit()));
            canvas.text(self.left + 2, row, &cut(&text, self.width.saturating_sub(4)), Ink::Plain);
        }
    }

    /// Draws one series; the row where it ends.
    fn line(&self, canvas: &mut Canvas, cells: &[Option<Cell>], bridge: usize, ink: Ink) -> Option<usize> {
        let mut before: Option<(usize, f64)> = None;
        for (x, cell) in cells.iter().enumerate() {
            let Some(cell) = cell else { continue };
            if let Some((then, last)) = before
                && x - then <= bridge.max(1)
            {
                self.slope(canvas, (then, last), (x, cell.first), ink);
            }
            self.stroke(canvas, x, cell.min, cell.max, ink);
            before = Some((x, cell.last));
        }
        before.map(|(_, last)| self.dot(last) / 4)
    }

    /// Dots from one value to another, column by column.
    fn slope(&self, canvas: &mut Canvas, from: (usize, f64), to: (usize, f64), ink: Ink) {
        let at = |x: usize| from.1 + (to.1 - from.1) * (x - from.0) as f64 / (to.0 - from.0) as f64;
        for x in from.0..to.0 {
            let (one, other) = (at(x), at(x + 1));
            self.stroke(canvas, if x == from.0 { x + 1 } else { x }.min(to.0), one.min(other), one.max(other), ink);
        }
    }

    /// Dots of one column, from one value to another.
    fn stroke(&self, canvas: &mut Canvas, x: usize, low: f64, high: f64, ink: Ink) {
        for y in self.dot(high)..=self.dot(low) {
            let (column, row) = (self.left + x / 2, y / 4);
            let held = canvas.at(column, row) as u32;
            let held = if (0x2800..0x2900).contains(&held) { (held - 0x2800) as u8 } else { 0 };
            let dots = held | DOTS[x % 2][y % 4];
            canvas.put(column, row, char::from_u32(0x2800 + u32::from(dots)).unwrap_or('*'), ink);
        }
    }
}

/// Writes each series' letter to the right of where it ends, or as near to there as is free.
fn letters(canvas: &mut Canvas, plot: &Plot, ends: &[Option<usize>]) {
    let x = plot.left + plot.width;
    for (number, end) in ends.iter().enumerate().take(LETTERS.len()) {
        let Some(end) = end else { continue };
        let near = (0..plot.height as isize).flat_map(|away| [away, -away]).map(|away| *end as isize + away);
        let free = near.filter(|row| (0..plot.height as isize).contains(row)).find(|row| canvas.at(x, *row as usize) == ' ');
        if let Some(row) = free {
            canvas.put(x, row as usize, LETTERS[number] as char, Ink::Series(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Limit, Mark, MarkKind, Reading, Trace};
    use crate::record::Status;
    use crate::time::{Span, Timestamp};

    fn drawn(values: &[Option<f64>], limits: &[Limit], marks: &[Mark]) -> String {
        let from = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let mut trace = Trace::new("x", None, Reading::Level);
        for (second, value) in values.iter().enumerate() {
            if let Some(value) = value {
                trace.add(from.plus(Span::from_secs(second as u32)), *value);
            }
        }
        let offset = |_| 0;
        let until = from.plus(Span::from_secs(values.len() as u32));
        let panel = Panel { limits, marks, ..Panel::new(vec![&trace], from, until, &offset) };
        lines(&panel, 40, 10).lines(false).join("\n")
    }

    #[test]
    fn a_line_goes_from_where_it_was_to_where_it_is() {
        let values: Vec<Option<f64>> = (0..64).map(|at| Some(f64::from(at))).collect();
        let expected = "   │\n\
            \x20  │                              ⢀⣀⡤⠄a\n\
            \x2050┤                        ⣀⣀⡤⠴⠒⠋⠉\n\
            \x20  │                  ⢀⣀⡤⠴⠚⠉⠁\n\
            \x20  │            ⣀⣠⠤⠖⠚⠉⠉\n\
            \x20  │     ⢀⣀⡤⠤⠖⠚⠉⠁\n\
            \x20 0┤⣀⡤⠴⠒⠋⠉\n\
            \x20   ┬──────────────┬───────────────┬──\n\
            10:00:00       10:00:30        10:01:00\n\
            \x20a        63  x";
        assert_eq!(drawn(&values, &[], &[]), expected);
    }

    #[test]
    fn a_gap_is_not_drawn_across() {
        let mut values: Vec<Option<f64>> = (0..80).map(|_| Some(5.0)).collect();
        values[30..50].fill(None);
        let found = drawn(&values, &[], &[]);
        let row = found.lines().find(|row| row.contains('⠒') || row.contains('⣀') || row.contains('⠤') || row.contains('⠉')).unwrap();
        let plot: Vec<char> = row.chars().skip_while(|c| *c != '┤' && *c != '│').skip(1).collect();
        assert!(plot[15..20].iter().all(|c| *c == ' '), "{found}");
        assert!(plot[2] != ' ' && plot[30] != ' ', "{found}");
    }

    #[test]
    fn limits_and_marks_have_signs_of_their_own() {
        let values: Vec<Option<f64>> = (0..60).map(|at| Some(f64::from(at % 10))).collect();
        let at = Timestamp::parse("2026-11-22T10:00:30Z").unwrap();
        let marks = [MarkKind::Event, MarkKind::Verdict(Status::Critical)].map(|kind| Mark { at, kind, text: "x".into() });
        let found = drawn(&values, &[Limit { value: 15.0, label: "limit".into() }], &marks);
        assert!(found.contains("╌ limit 15 ╌"), "{found}");
        // The worse of two in one column is shown.
        assert!(found.contains('!') && !found.contains('▲'), "{found}");
    }
}
