//! Heat maps as SVG: how often which values came, over time.

use super::{Area, Sheet};
use crate::chart::axis::value;
use crate::chart::{Panel, Spread, sentence};

const COLUMNS: usize = 160;
const ROWS: usize = 32;

/// Draws a distribution; the strength of a spot stands for the logarithm of a count.
pub fn heat(spread: &Spread, panel: &Panel<'_>, title: &str, width: usize, height: usize) -> String {
    let mut sheet = Sheet::new(width, height);
    let area = Area { left: 74.0, top: 18.0, width: width as f64 - 90.0, height: height as f64 - 42.0 };
    let grid = spread.grid(panel.from, panel.until, COLUMNS, ROWS);
    let most = grid.most();
    let (wide, tall) = (area.width / COLUMNS as f64, area.height / ROWS as f64);
    // One path for each strength: a rectangle for each spot would be ten times as large.
    let mut paths = vec![String::new(); 9];
    for (x, column) in grid.counts.iter().enumerate() {
        for (row, count) in column.iter().enumerate().filter(|(_, count)| **count > 0.0) {
            let strength = if most > 1.0 { (1.0 + count).ln() / (1.0 + most).ln() } else { 1.0 };
            let (left, top) = (area.left + x as f64 * wide, area.top + area.height - (row + 1) as f64 * tall);
            let path = &mut paths[((strength * 8.0).ceil() as usize).clamp(1, 8)];
            path.push_str(&format!("M{left:.1} {top:.1}h{wide:.1}v{tall:.1}h-{wide:.1}z"));
        }
    }
    for (strength, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
        sheet.body.push_str(&format!("<path class=\"u3\" fill-opacity=\"{:.2}\" d=\"{path}\"/>", strength as f64 / 8.0));
    }
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let y = area.top + area.height * (1.0 - share);
        sheet.text(area.left - 6.0, y + 4.0, "quiet", "end", &value(grid.value(share), panel.unit()));
    }
    area.marks(&mut sheet, panel);
    area.time_axis(&mut sheet, panel);
    sheet.document(title, &sentence(panel))
}
