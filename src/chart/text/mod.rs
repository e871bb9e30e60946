//! Pictures in characters.
//!
//! | picture | a character shows |
//! |---|---|
//! | [`lines`] | two columns and four rows of dots (braille, Unicode block 2800) |
//! | [`sparks`] | a column, in eighths of its height |
//! | [`horizon`] | a column, in eighths, a band upon the other by its colour; without colour one above the other |
//! | [`heat`] | a column and a range of values, by its shade |
//! | [`bars`] | an eighth of its width |

mod bars;
mod canvas;
mod heat;
mod horizon;
mod lines;
mod sparks;

pub use bars::bars;
pub use canvas::{Canvas, Ink};
pub use heat::heat;
pub use horizon::{Horizon, horizon};
pub use lines::lines;
pub use sparks::sparks;

use super::axis::instants;
use super::{MarkKind, Panel};

/// Heights in eighths.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How many characters a text takes.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// A text cut to so many characters.
fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Draws the axis of time on one row and its texts below it, from column `left` on, `count` columns.
fn time_axis(canvas: &mut Canvas, panel: &Panel<'_>, left: usize, row: usize, count: usize) {
    for x in 0..count {
        canvas.put(left + x, row, '─', Ink::Faint);
    }
    let mut free = 0;
    for (at, text) in instants(panel.from, panel.until, (count / 14).max(1), panel.offset) {
        let Some(x) = panel.column(at, count) else { continue };
        canvas.put(left + x, row, '┬', Ink::Faint);
        let begin = (left + x).saturating_sub(width(&text) / 2);
        // A text that would touch the one before it, or be cut, is left out; its mark stays.
        if begin >= free && begin + width(&text) <= left + count + 2 {
            canvas.text(begin, row + 1, &text, Ink::Faint);
            free = begin + width(&text) + 1;
        }
    }
}

/// Draws what happened on one row; the worst of what falls into a column.
fn mark_row(canvas: &mut Canvas, panel: &Panel<'_>, left: usize, row: usize, count: usize) {
    let weight = |kind: MarkKind| match kind {
        MarkKind::Verdict(status) => 2 + status.rank(),
        MarkKind::Event => 1,
        MarkKind::Notice => 0,
    };
    let mut worst: Vec<Option<MarkKind>> = vec![None; count];
    for mark in panel.marks {
        if let Some(x) = panel.column(mark.at, count)
            && worst[x].is_none_or(|held| weight(mark.kind) > weight(held))
        {
            worst[x] = Some(mark.kind);
        }
    }
    for (x, kind) in worst.into_iter().enumerate() {
        let Some(kind) = kind else { continue };
        let ink = if let MarkKind::Verdict(status) = kind { Ink::Status(status) } else { Ink::Plain };
        canvas.put(left + x, row, kind.sign(), ink);
    }
}

/// A character in ASCII for one of ours.
pub fn ascii(character: char) -> char {
    match character {
        ' '..='~' => character,
        '\u{2800}' => ' ',
        '\u{2801}'..='\u{28ff}' => '*',
        '─' | '╌' | '━' => '-',
        '│' | '┤' | '├' => '|',
        '┬' | '└' | '┼' => '+',
        '▁' | '░' => '.',
        '▂' | '▏' | '▎' => ':',
        '▃' | '▒' => '-',
        '▄' | '▍' | '▌' => '=',
        '▅' => '+',
        '▆' | '▓' => '*',
        '▇' | '▋' | '▊' | '▉' => '#',
        '█' => '@',
        '▲' => '^',
        '…' => '~',
        '±' => '~',
        _ => '?',
    }
}
