//! Bars: a row for each series, as long as its value, the longest first.

use super::{Canvas, Ink, cut, width};
use crate::chart::axis::value;

/// Widths in eighths.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Draws a bar for each value with its name; negative ones to the left of a common base.
pub fn bars(rows: &[(String, f64)], unit: Option<&str>, columns: usize) -> Canvas {
    let texts: Vec<String> = rows.iter().map(|(_, size)| value(*size, unit)).collect();
    let name = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0).min(columns / 3);
    let number = texts.iter().map(|text| width(text)).max().unwrap_or(0);
    let room = columns.saturating_sub(name + number + 4).max(4);
    let high = rows.iter().map(|(_, size)| *size).fold(0.0, f64::max);
    let low = rows.iter().map(|(_, size)| *size).fold(0.0, f64::min);
    let scale = if high > low { room as f64 / (high - low) } else { 0.0 };
    let base = (-low * scale).round() as usize;
    let mut canvas = Canvas::new(columns, rows.len());
    for (row, ((label, size), text)) in rows.iter().zip(&texts).enumerate() {
        canvas.text(0, row, &cut(label, name), Ink::Plain);
        canvas.text_before(name + 2 + number, row, text, Ink::Plain);
        let left = name + number + 3;
        if *size < 0.0 {
            let begin = ((size - low) * scale).round() as usize;
            (begin..base).for_each(|x| canvas.put(left + x, row, '█', Ink::Series(1)));
        } else {
            let eighths = (size * scale * 8.0).round() as usize;
            (0..eighths / 8).for_each(|x| canvas.put(left + base + x, row, '█', Ink::Series(0)));
            if !eighths.is_multiple_of(8) {
                canvas.put(left + base + eighths / 8, row, EIGHTHS[eighths % 8], Ink::Series(0));
            }
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        let rows = [("linux".to_owned(), 8.0), ("mac".to_owned(), 4.0), ("none".to_owned(), 0.0)];
        assert_eq!(bars(&rows, None, 20).lines(false), ["linux  8 ██████████", "mac    4 █████", "none   0"]);
        let rows = [("up".to_owned(), 5.0), ("down".to_owned(), -5.0)];
        assert_eq!(bars(&rows, None, 20).lines(false), ["up     5      █████", "down  -5 █████"]);
    }
}
