//! Horizon charts as SVG: a row for each trace, bands laid upon each other.
//!
//! Source: Heer, Kong, Agrawala (2009), "Sizing the horizon", CHI.

use super::{Area, Path, Sheet};
use crate::chart::axis::value;
use crate::chart::{Cell, Panel, sentence};

const COLUMNS: usize = 400;
const ROW: f64 = 28.0;

/// Draws a row of 28 pixels for each trace, each with a scale of its own, from a base on.
pub fn horizon(panel: &Panel<'_>, bands: usize, base: f64, title: &str, width: usize) -> String {
    let bands = bands.clamp(1, 4);
    let rows = panel.traces.len();
    let mut sheet = Sheet::new(width, (rows as f64 * ROW) as usize + 40);
    let area = Area { left: 170.0, top: 16.0, width: width as f64 - 280.0, height: rows as f64 * ROW };
    for (row, trace) in panel.traces.iter().enumerate() {
        let cells = trace.columns(panel.from, panel.until, COLUMNS);
        let bottom = area.top + (row + 1) as f64 * ROW - 2.0;
        let most = cells.iter().flatten().map(|cell| (cell.max - base).max(base - cell.min)).fold(0.0, f64::max);
        sheet.text(area.left - 6.0, bottom - 8.0, "", "end", &trace.label);
        for (below, class) in [(false, 'u'), (true, 'd')] {
            for band in 0..bands {
                let path = band_path(&cells, &area, bottom, |cell| {
                    let size = if below { base - cell.min } else { cell.max - base };
                    if most > 0.0 { (size / most * bands as f64 - band as f64).clamp(0.0, 1.0) } else { 0.0 }
                });
                if !path.is_empty() {
                    sheet.body.push_str(&format!("<path class=\"{class}{}\" d=\"{path}\"/>", band + 1));
                }
            }
        }
        let newest = trace.newest().map_or_else(String::new, |(_, newest)| value(newest, trace.unit.as_deref()));
        let text = format!("{newest} (±{})", value(most, trace.unit.as_deref()));
        sheet.text(area.left + area.width + 6.0, bottom - 8.0, "quiet", "start", &text);
    }
    area.marks(&mut sheet, panel);
    area.time_axis(&mut sheet, panel);
    sheet.document(title, &sentence(panel))
}

/// The outline of one band; empty when nothing reaches into it.
fn band_path(cells: &[Option<Cell>], area: &Area, bottom: f64, height: impl Fn(&Cell) -> f64) -> String {
    let step = area.width / COLUMNS as f64;
    let mut path = Path::default();
    let mut open = false;
    for (at, cell) in cells.iter().enumerate() {
        let size = cell.as_ref().map_or(0.0, &height);
        let x = area.left + at as f64 * step;
        if size > 0.0 {
            if !open {
                path.to(x, bottom, true);
            }
            path.to(x, bottom - size * (ROW - 4.0), false);
            path.to(x + step, bottom - size * (ROW - 4.0), false);
            open = true;
        } else if open {
            path.to(x, bottom, false);
            open = false;
        }
    }
    if open {
        path.to(area.left + area.width, bottom, false);
    }
    path.text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Reading, Trace};
    use crate::time::{Span, Timestamp};

    #[test]
    fn a_higher_band_is_drawn_only_where_it_is_reached() {
        let from = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let drawn = |values: fn(u32) -> f64| {
            let mut trace = Trace::new("x", None, Reading::Level);
            (0..100).for_each(|second| trace.add(from.plus(Span::from_secs(second)), values(second)));
            let offset = |_| 0;
            let until = from.plus(Span::from_secs(100));
            let panel = Panel::new(vec![&trace], from, until, &offset);
            horizon(&panel, 2, 0.0, "t", 800)
        };
        let up = drawn(f64::from);
        assert!(up.contains("class=\"u1\"") && up.contains("class=\"u2\"") && !up.contains("class=\"d1\""));
        let down = drawn(|second| -f64::from(second));
        assert!(down.contains("class=\"d1\"") && !down.contains("class=\"u1\""));
        assert!(!drawn(|_| 0.0).contains("class=\"u1\""));
    }
}
