//! Pictures as SVG, for reports: no script, no font, no request; light and dark by the reader's setting.
//!
//! Every picture has a title and, as its description, the sentence that says what it shows, so that a
//! screen reader reads it. A series is known by its letter at the end of its line and by its dashes as
//! well as by its colour. Coordinates are pixels with one decimal, relative to the point before.
//!
//! Source: SVG 2 (W3C, 2018), chapters Paths and Text; WAI-ARIA Graphics Module for the roles.

mod heat;
mod horizon;
mod html;
mod lines;

pub use heat::heat;
pub use horizon::horizon;
pub use html::{Figure, page};
pub use lines::lines;

use std::fmt::Write;

use super::axis::instants;
use super::{MarkKind, Panel};
use crate::record::Status;

/// Colours after Okabe and Ito (2008), which can be told apart by those who see fewer.
const STYLE: &str = "\
.plot{font:12px system-ui,sans-serif;fill:currentColor}\
.plot text{fill:currentColor}.plot .faint{stroke:currentColor;stroke-opacity:.25;fill:none}\
.plot .quiet{fill-opacity:.65}.plot .line{fill:none;stroke-width:1.5;stroke-linejoin:round}\
.plot .s0{stroke:#0072b2}.plot .s1{stroke:#d55e00;stroke-dasharray:6 2}.plot .s2{stroke:#009e73;stroke-dasharray:2 2}\
.plot .s3{stroke:#cc79a7;stroke-dasharray:8 2 2 2}.plot .s4{stroke:#e69f00;stroke-dasharray:10 3}\
.plot .s5{stroke:#56b4e9;stroke-dasharray:4 1}.plot .s6{stroke:#8a8a8a;stroke-dasharray:1 2}\
.plot .limit{stroke:#d55e00;stroke-dasharray:3 3;fill:none}.plot .event{stroke:currentColor;stroke-opacity:.6}\
.plot .critical{stroke:#d55e00;stroke-width:2}.plot .warning{stroke:#e69f00;stroke-width:2}\
.plot .unknown{stroke:#cc79a7}.plot .ok{stroke:#009e73}\
.plot .u1{fill:#a6d3ec}.plot .u2{fill:#4aa3d0}.plot .u3{fill:#0072b2}.plot .u4{fill:#003f66}\
.plot .d1{fill:#f3cf9c}.plot .d2{fill:#e69f00}.plot .d3{fill:#d55e00}.plot .d4{fill:#7f3700}";

/// A picture being written: its size, and what is in it.
struct Sheet {
    width: usize,
    height: usize,
    body: String,
}

impl Sheet {
    fn new(width: usize, height: usize) -> Sheet {
        Sheet { width, height, body: String::new() }
    }

    fn text(&mut self, x: f64, y: f64, class: &str, anchor: &str, text: &str) {
        let _ = write!(self.body, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{}</text>", escape(text));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let _ = write!(self.body, "<path class=\"{class}\" d=\"M{:.1},{:.1}L{:.1},{:.1}\"/>", from.0, from.1, to.0, to.1);
    }

    /// The whole document.
    fn document(self, title: &str, description: &str) -> String {
        let (width, height) = (self.width, self.height);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\"><style>{STYLE}</style><title>{}</title><desc>{}</desc>{}</svg>\n",
            escape(title),
            escape(description),
            self.body
        )
    }
}

/// Where the plot is within its sheet.
struct Area {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Area {
    /// The axis of time at the bottom.
    fn time_axis(&self, sheet: &mut Sheet, panel: &Panel<'_>) {
        let bottom = self.top + self.height;
        sheet.line((self.left, bottom), (self.left + self.width, bottom), "faint");
        for (at, text) in instants(panel.from, panel.until, (self.width / 110.0) as usize, panel.offset) {
            let x = self.x(panel, at);
            sheet.line((x, bottom), (x, bottom + 4.0), "faint");
            // A text at the very border would be cut.
            if x > self.left + 20.0 && x < self.left + self.width - 20.0 {
                sheet.text(x, bottom + 17.0, "quiet", "middle", &text);
            }
        }
    }

    /// What happened, as lines from top to bottom with their signs; what it was is read by pointing.
    fn marks(&self, sheet: &mut Sheet, panel: &Panel<'_>) {
        for mark in panel.marks.iter().filter(|mark| mark.at >= panel.from && mark.at < panel.until) {
            let x = self.x(panel, mark.at);
            let class = match mark.kind {
                MarkKind::Verdict(Status::Critical) => "critical",
                MarkKind::Verdict(Status::Warning) => "warning",
                MarkKind::Verdict(Status::Unknown) => "unknown",
                MarkKind::Verdict(Status::Ok) => "ok",
                MarkKind::Event | MarkKind::Notice => "event",
            };
            let _ = write!(sheet.body, "<g><title>{}</title>", escape(&mark.text));
            sheet.line((x, self.top), (x, self.top + self.height), class);
            sheet.text(x, self.top - 3.0, "", "middle", &mark.kind.sign().to_string());
            sheet.body.push_str("</g>");
        }
    }

    fn x(&self, panel: &Panel<'_>, at: crate::time::Timestamp) -> f64 {
        let share = at.since(panel.from).nanos() as f64 / panel.length().nanos().max(1) as f64;
        self.left + share * self.width
    }
}

/// A path that is written point by point, each relative to the one before, in tenths of a pixel.
#[derive(Default)]
struct Path {
    text: String,
    at: Option<(i64, i64)>,
}

impl Path {
    /// Goes on to a point; begins a new stroke there when `jump`.
    fn to(&mut self, x: f64, y: f64, jump: bool) {
        let point = ((x * 10.0).round() as i64, (y * 10.0).round() as i64);
        match self.at {
            Some(at) if !jump => {
                let _ = write!(self.text, "l{} {}", tenths(point.0 - at.0), tenths(point.1 - at.1));
            }
            _ => {
                let _ = write!(self.text, "M{} {}", tenths(point.0), tenths(point.1));
            }
        }
        self.at = Some(point);
    }
}

/// A number of tenths, as short as it can be.
fn tenths(value: i64) -> String {
    if value % 10 == 0 {
        return (value / 10).to_string();
    }
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.abs() / 10, value.abs() % 10);
    if whole == 0 { format!("{sign}.{rest}") } else { format!("{sign}{whole}.{rest}") }
}

/// Pictures one below the other as one document.
pub fn stack(pictures: Vec<String>) -> String {
    let size = |picture: &str, name: &str| -> usize {
        let value = picture.split(&format!(" {name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    let mut pictures = pictures;
    if pictures.len() == 1 {
        return pictures.remove(0);
    }
    let width = pictures.iter().map(|picture| size(picture, "width")).max().unwrap_or(0);
    let (mut body, mut height) = (String::new(), 0);
    for picture in pictures {
        body.push_str(&picture.trim_end().replacen("<svg ", &format!("<svg y=\"{height}\" "), 1));
        height += size(&picture, "height");
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">{body}</svg>\n"
    )
}

/// Text as it may stand in markup and in attributes; control characters are left out, as XML has no
/// way to write them.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(character),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {}
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_records_is_never_markup() {
        assert_eq!(escape("<script>alert(\"a&b\")</script>'\u{1b}[2J"), "&lt;script&gt;alert(&quot;a&amp;b&quot;)&lt;/script&gt;&#39;[2J");
    }

    #[test]
    fn pictures_are_put_one_below_the_other() {
        let picture = |height| Sheet::new(100, height).document("t", "d");
        let both = stack(vec![picture(30), picture(40)]);
        assert!(both.contains("height=\"70\">") && both.contains("<svg y=\"0\" ") && both.contains("<svg y=\"30\" "), "{both}");
        assert_eq!(stack(vec![picture(30)]), picture(30));
    }

    #[test]
    fn a_path_is_written_short_and_relative() {
        let mut path = Path::default();
        for (x, y, jump) in [(1.0, 2.0, false), (1.5, 1.96, false), (1.5, 4.0, false), (9.0, 9.0, true)] {
            path.to(x, y, jump);
        }
        assert_eq!(path.text, "M1 2l.5 0l0 2M9 9");
        assert_eq!([tenths(-5), tenths(-15), tenths(-10), tenths(123)], ["-.5", "-1.5", "-1", "12.3"]);
    }
}
