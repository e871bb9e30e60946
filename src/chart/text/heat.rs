//! Heat maps: how often which values came, over time.

use super::{Canvas, Ink, mark_row, time_axis, width};
use crate::chart::axis::value;
use crate::chart::{Panel, Spread};

/// Shades from few to many; without colour they alone tell it.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// Draws a distribution on a sheet of so many characters, with axes and marks.
///
/// A shade stands for the logarithm of a count, so that one slow request among thousands is seen.
pub fn heat(spread: &Spread, panel: &Panel<'_>, columns: usize, rows: usize) -> Canvas {
    let marks = usize::from(!panel.marks.is_empty());
    let height = rows.saturating_sub(2 + marks).max(3);
    let mut canvas = Canvas::new(columns, height + 2 + marks);
    let unit = panel.unit();
    // Two rows of characters share a text.
    let texts: Vec<String> =
        (0..height).map(|row| share(row, height)).map(|share| value(spread_value(spread, panel, share), unit)).collect();
    let left = texts.iter().map(|text| width(text)).max().unwrap_or(0) + 2;
    let count = columns.saturating_sub(left).max(1);
    let grid = spread.grid(panel.from, panel.until, count, height);
    let most = grid.most();
    for (row, text) in texts.iter().enumerate() {
        if row % 2 == 0 {
            canvas.text_before(left - 1, row, text, Ink::Faint);
        }
        canvas.put(left - 1, row, '│', Ink::Faint);
        for x in 0..count {
            let held = grid.counts[x][height - 1 - row];
            if held > 0.0 {
                let strength = if most > 1.0 { (1.0 + held).ln() / (1.0 + most).ln() } else { 1.0 };
                let shade = SHADES[((strength * 4.0).ceil() as usize).clamp(1, 4)];
                canvas.put(left + x, row, shade, Ink::Heat((strength * 255.0) as u8));
            }
        }
    }
    if marks > 0 {
        mark_row(&mut canvas, panel, left, height, count);
    }
    time_axis(&mut canvas, panel, left, height + marks, count);
    canvas
}

/// The share of the height at the middle of a row.
fn share(row: usize, height: usize) -> f64 {
    1.0 - (row as f64 + 0.5) / height as f64
}

fn spread_value(spread: &Spread, panel: &Panel<'_>, share: f64) -> f64 {
    spread.grid(panel.from, panel.until, 1, 1).value(share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Reading, Trace};
    use crate::time::{Span, Timestamp};

    #[test]
    fn what_comes_often_is_darker_and_what_comes_once_is_seen() {
        let from = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let mut spread = Spread::default();
        for second in 0..1000u32 {
            spread.add(from.plus(Span::from_secs(second)), if second == 500 { 1000.0 } else { 1.0 }, 1.0);
        }
        let offset = |_| 0;
        let trace = Trace::new("x", None, Reading::Level);
        let panel = Panel::new(vec![&trace], from, from.plus(Span::from_secs(1000)), &offset);
        let found = heat(&spread, &panel, 60, 10).lines(false);
        assert!(found[0].contains('░'), "{}", found.join("\n"));
        assert!(found[7].matches('█').count() > 40, "{}", found.join("\n"));
    }
}
