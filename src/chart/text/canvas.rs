//! A sheet of characters, each with its ink, and how it becomes lines for a terminal.

use crate::record::Status;

/// What a character is drawn with; without colour it is left out, and says nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ink {
    /// As the terminal has it.
    #[default]
    Plain,
    /// Less important: axes and grids.
    Faint,
    /// A series by its number.
    Series(usize),
    /// What a check concluded.
    Status(Status),
    /// A step of a scale, 0 to 255, from little to much.
    Heat(u8),
    /// A band of a horizon chart: 1 is the lowest; negative ones are of values below the base.
    Band(i8),
}

/// Colours of the 256 that can be told apart by those who see fewer: after Okabe and Ito (2008),
/// "Color universal design", as near as the cube has them.
const SERIES: [u8; 7] = [74, 208, 36, 175, 220, 32, 166];

/// Blues for what is above the base, browns for what is below, from faint to strong.
const ABOVE: [u8; 4] = [153, 74, 32, 25];
const BELOW: [u8; 4] = [223, 215, 172, 130];

/// From dark blue over grey to yellow, as even to the eye as the cube allows; after Nuñez, Anderton
/// and Renslow (2018), "Optimizing colormaps with consideration for color vision deficiency".
const HEAT: [u8; 10] = [17, 18, 60, 61, 102, 145, 144, 186, 221, 227];

impl Ink {
    /// The number of its colour, of 256; `None` for the terminal's own.
    fn colour(self) -> Option<u8> {
        match self {
            Ink::Plain => None,
            Ink::Faint => Some(244),
            Ink::Series(number) => Some(SERIES[number % SERIES.len()]),
            Ink::Status(Status::Ok) => Some(36),
            Ink::Status(Status::Warning) => Some(220),
            Ink::Status(Status::Critical) => Some(203),
            Ink::Status(Status::Unknown) => Some(175),
            Ink::Heat(step) => Some(HEAT[usize::from(step) * HEAT.len() / 256]),
            Ink::Band(0) => None,
            Ink::Band(band) => {
                let scale = if band > 0 { ABOVE } else { BELOW };
                Some(scale[usize::from(band.unsigned_abs() - 1).min(scale.len() - 1)])
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Spot {
    character: char,
    ink: Ink,
    ground: Ink,
}

const EMPTY: Spot = Spot { character: ' ', ink: Ink::Plain, ground: Ink::Plain };

/// A sheet of `width` times `height` characters, empty at first. What is drawn outside is left out.
#[derive(Debug, Clone)]
pub struct Canvas {
    width: usize,
    height: usize,
    spots: Vec<Spot>,
}

impl Canvas {
    /// An empty sheet.
    pub fn new(width: usize, height: usize) -> Canvas {
        Canvas { width, height, spots: vec![EMPTY; width * height] }
    }

    /// Draws one character, and leaves the ground below it as it is.
    pub fn put(&mut self, x: usize, y: usize, character: char, ink: Ink) {
        if x < self.width && y < self.height {
            let spot = &mut self.spots[y * self.width + x];
            (spot.character, spot.ink) = (character, ink);
        }
    }

    /// Draws one character on a ground.
    pub fn put_on(&mut self, x: usize, y: usize, character: char, ink: Ink, ground: Ink) {
        if x < self.width && y < self.height {
            self.spots[y * self.width + x] = Spot { character, ink, ground };
        }
    }

    /// The character at a place.
    pub fn at(&self, x: usize, y: usize) -> char {
        if x < self.width && y < self.height { self.spots[y * self.width + x].character } else { ' ' }
    }

    /// Writes a text from a place to the right, as far as there is room.
    pub fn text(&mut self, x: usize, y: usize, text: &str, ink: Ink) {
        for (offset, character) in text.chars().enumerate() {
            self.put(x + offset, y, character, ink);
        }
    }

    /// Writes a text that ends before a place.
    pub fn text_before(&mut self, x: usize, y: usize, text: &str, ink: Ink) {
        let length = text.chars().count();
        let skipped = length.saturating_sub(x);
        let rest: String = text.chars().skip(skipped).collect();
        self.text(x + skipped - length.min(x + skipped), y, &rest, ink);
    }

    /// The lines, without spaces at their ends; with colours as escape sequences where asked.
    pub fn lines(&self, colour: bool) -> Vec<String> {
        self.spots.chunks(self.width.max(1)).map(|row| line(row, colour)).collect()
    }
}

fn line(row: &[Spot], colour: bool) -> String {
    let blank = |spot: &Spot| spot.character == ' ' && (!colour || spot.ground == Ink::Plain);
    let end = row.iter().rposition(|spot| !blank(spot)).map_or(0, |last| last + 1);
    if !colour {
        return row[..end].iter().map(|spot| spot.character).collect();
    }
    let mut out = String::new();
    let mut now = (None, None);
    for spot in &row[..end] {
        let wanted = (if spot.character == ' ' { now.0 } else { spot.ink.colour() }, spot.ground.colour());
        if wanted != now {
            out.push_str("\x1b[0");
            if let Some(ink) = wanted.0 {
                out.push_str(&format!(";38;5;{ink}"));
            }
            if let Some(ground) = wanted.1 {
                out.push_str(&format!(";48;5;{ground}"));
            }
            out.push('m');
            now = wanted;
        }
        out.push(spot.character);
    }
    if now != (None, None) {
        out.push_str("\x1b[0m");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_left_out_unless_asked_for_and_ended_with_its_line() {
        let mut canvas = Canvas::new(6, 2);
        canvas.text(1, 0, "ab", Ink::Series(0));
        canvas.put(3, 0, 'c', Ink::Plain);
        canvas.text_before(6, 1, "long text", Ink::Faint);
        assert_eq!(canvas.lines(false), [" abc", "g text"]);
        assert_eq!(canvas.lines(true), [" \u{1b}[0;38;5;74mab\u{1b}[0mc", "\u{1b}[0;38;5;244mg text\u{1b}[0m"]);
    }

    #[test]
    fn what_is_outside_is_left_out() {
        let mut canvas = Canvas::new(2, 1);
        canvas.text(1, 0, "abc", Ink::Plain);
        canvas.put(0, 5, 'x', Ink::Plain);
        assert_eq!(canvas.lines(false), [" a"]);
        assert_eq!(canvas.at(9, 9), ' ');
    }
}
