//! Horizon charts: many series, a row each, bands of a series laid upon each other.
//!
//! A value's distance from the base is cut into bands of equal height; each band is drawn into the same
//! row, the higher ones in stronger colour, and what is below the base is mirrored upwards in another
//! colour. A value is known to within one eighth of a band.
//!
//! Source: Heer, Kong, Agrawala (2009), "Sizing the horizon", CHI.

use super::{Canvas, EIGHTHS, Ink, cut, time_axis, width};
use crate::chart::axis::value;
use crate::chart::{Cell, Panel};

/// How a horizon chart is folded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Horizon {
    /// How many bands, 1 to 4.
    pub bands: usize,
    /// What values are distances from.
    pub base: f64,
    /// Whether colour tells the bands apart; else they are stacked, a row each.
    pub colour: bool,
}

/// Draws a row for each trace, or one for each band of it, with the axis of time.
///
/// Each trace has a scale of its own, whose end is written to its right.
pub fn horizon(panel: &Panel<'_>, how: Horizon, columns: usize) -> Canvas {
    let bands = how.bands.clamp(1, 4);
    let each = if how.colour { 1 } else { bands };
    let name = panel.traces.iter().map(|trace| width(&trace.label)).max().unwrap_or(0).min(columns / 3);
    let count = columns.saturating_sub(name + 24).max(8);
    let mut canvas = Canvas::new(columns, panel.traces.len() * each + 2);
    for (number, trace) in panel.traces.iter().enumerate() {
        let row = number * each;
        let cells = trace.columns(panel.from, panel.until, count);
        let most = extent(&cells, how.base);
        canvas.text(0, row, &cut(&trace.label, name), Ink::Plain);
        for (x, cell) in cells.iter().enumerate() {
            let Some(cell) = cell else { continue };
            let (size, below) = distance(cell, how.base);
            // In eighths of a band.
            let height = if most > 0.0 { (size / most * (bands * 8) as f64).round() as usize } else { 0 };
            if how.colour {
                layered(&mut canvas, name + 1 + x, row, height, below);
            } else {
                stacked(&mut canvas, name + 1 + x, row, bands, height, below);
            }
        }
        let unit = trace.unit.as_deref();
        let newest = trace.newest().map_or_else(String::new, |(_, newest)| value(newest, unit));
        canvas.text_before(name + 1 + count + 10, row, &newest, Ink::Plain);
        canvas.text(name + 1 + count + 11, row, &format!("±{}", value(most, unit)), Ink::Faint);
    }
    time_axis(&mut canvas, panel, name + 1, panel.traces.len() * each, count);
    canvas
}

/// The greatest distance from the base.
fn extent(cells: &[Option<Cell>], base: f64) -> f64 {
    cells.iter().flatten().map(|cell| distance(cell, base).0).fold(0.0, f64::max)
}

/// How far the farthest value of a cell is from the base, and whether it is below.
fn distance(cell: &Cell, base: f64) -> (f64, bool) {
    let (above, below) = (cell.max - base, base - cell.min);
    if above >= below { (above.max(0.0), false) } else { (below, true) }
}

fn layered(canvas: &mut Canvas, x: usize, row: usize, height: usize, below: bool) {
    if height == 0 {
        return;
    }
    let band = ((height - 1) / 8) as i8;
    let sign = if below { -1 } else { 1 };
    canvas.put_on(x, row, EIGHTHS[height - band as usize * 8], Ink::Band((band + 1) * sign), Ink::Band(band * sign));
}

fn stacked(canvas: &mut Canvas, x: usize, row: usize, bands: usize, height: usize, below: bool) {
    for band in 0..bands {
        let rest = height.saturating_sub(band * 8).min(8);
        if rest > 0 {
            // What is below hangs in shades, so that it is known from what stands above.
            let character = if below { if rest > 4 { '▒' } else { '░' } } else { EIGHTHS[rest] };
            canvas.put(x, row + bands - 1 - band, character, Ink::Plain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Reading, Trace};
    use crate::time::{Span, Timestamp};

    fn drawn(colour: bool, values: impl Fn(u32) -> f64) -> Vec<String> {
        let from = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let mut trace = Trace::new("x", None, Reading::Level);
        (0..25).for_each(|second| trace.add(from.plus(Span::from_secs(second)), values(second)));
        let offset = |_| 0;
        let panel = Panel::new(vec![&trace], from, from.plus(Span::from_secs(25)), &offset);
        horizon(&panel, Horizon { bands: 2, base: 0.0, colour }, 50).lines(colour)
    }

    #[test]
    fn bands_are_laid_upon_each_other_in_stronger_colour() {
        let found = drawn(true, |second| f64::from(second.min(16)));
        // The first band of eighths, then the second upon the full first.
        assert!(found[0].contains("\u{1b}[0;38;5;153m▁▂▃▄▅▆▇█"), "{}", found[0]);
        assert!(found[0].contains("\u{1b}[0;38;5;74;48;5;153m▁▂▃▄▅▆▇█"), "{}", found[0]);
        let below = drawn(true, |second| -f64::from(second.min(16)));
        assert!(below[0].contains("\u{1b}[0;38;5;215;48;5;223m▁▂▃▄▅▆▇█"), "{}", below[0]);
    }

    #[test]
    fn without_colour_bands_are_stacked_and_the_value_can_be_read_back() {
        let found = drawn(false, |second| f64::from(second.min(16)));
        let heights = |row: &str| -> Vec<usize> {
            row.chars().skip(2).take(25).map(|c| EIGHTHS.iter().position(|eighth| *eighth == c).unwrap_or(0)).collect()
        };
        let (upper, lower) = (heights(&format!("{:30}", found[0].replacen('x', " ", 1))), heights(&format!("{:30}", found[1])));
        for second in 0..25 {
            assert_eq!(upper[second] + lower[second], second.min(16), "{found:?}");
        }
    }
}
