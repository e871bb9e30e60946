//! The status page: one plain HTML document for people.
//!
//! Needs no script and no other file; reads well on a phone, in the dark and by ear: what is wrong stands first,
//! and every state is a word, never a colour alone. All text from outside is escaped.

use std::fmt::Write;

use crate::time::Timestamp;

/// How a job stands, for people; worse is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mood {
    /// As it should be.
    Up,
    /// Not looked at.
    Paused,
    /// Never heard of.
    New,
    /// Due, and not here yet.
    Late,
    /// Late, failed or hung.
    Down,
}

impl Mood {
    /// The word for it, as badges and the management interface have it.
    pub const fn word(self) -> &'static str {
        match self {
            Mood::Up => "up",
            Mood::Paused => "paused",
            Mood::New => "new",
            Mood::Late => "late",
            Mood::Down => "down",
        }
    }
}

/// One job.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub mood: Mood,
    /// Whether a run is under way.
    pub running: bool,
    /// Why it stands so, in a sentence; may be empty.
    pub why: String,
    /// The last beat that said how it goes.
    pub last: Option<Timestamp>,
    /// When the next one is due.
    pub due: Option<Timestamp>,
    /// Where to read what to do.
    pub playbook: Option<String>,
}

/// What the page is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// When it is looked at.
    pub now: Timestamp,
    /// The jobs, in any order.
    pub rows: Vec<Row>,
    /// Seconds after which it is loaded again; `None` for never.
    pub refresh_s: Option<u32>,
}

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fff;--fg:#1a1a1a;--dim:#595959;--line:#d0d0d0;--up:#0b6b2e;--late:#8a5300;--down:#b3001b}
@media(prefers-color-scheme:dark){:root{--bg:#121212;--fg:#ececec;--dim:#a8a8a8;--line:#3a3a3a;--up:#6fdc8c;--late:#ffc266;--down:#ff8389}}
body{margin:0 auto;max-width:60rem;padding:1rem;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.5rem 0}
table{width:100%;border-collapse:collapse}
caption{text-align:left;color:var(--dim);padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.5rem .6rem .5rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.s{font-weight:700;white-space:nowrap}.up{color:var(--up)}.late{color:var(--late)}.down{color:var(--down)}.new,.paused{color:var(--dim)}
p,small{color:var(--dim)}a{color:inherit}
@media(max-width:40rem){thead{position:absolute;left:-999rem}tr,td,tbody th{display:block;border:0;padding:0}tr{border-top:1px solid var(--line);padding:.6rem 0}}
";

/// Writes the page.
pub fn render(page: &Page) -> String {
    let mut rows: Vec<&Row> = page.rows.iter().collect();
    rows.sort_by(|one, other| other.mood.cmp(&one.mood).then_with(|| one.name.cmp(&other.name)));
    let count = |mood: Mood| rows.iter().filter(|row| row.mood == mood).count();
    let headline = headline(rows.len(), count(Mood::Down), count(Mood::Late));
    let mut out = String::with_capacity(2048 + rows.len() * 300);
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    if let Some(seconds) = page.refresh_s {
        let _ = writeln!(out, "<meta http-equiv=\"refresh\" content=\"{seconds}\">");
    }
    let _ = write!(out, "<title>{headline}</title>\n<style>\n{STYLE}</style>\n<main>\n<h1>{headline}</h1>\n");
    if rows.is_empty() {
        out.push_str("<p>No job is expected yet.</p>\n");
    } else {
        table(&mut out, &rows, page.now);
    }
    let _ = writeln!(out, "</main>\n<p>As of <time datetime=\"{0}\">{0}</time></p>", page.now);
    out.push_str("</html>\n");
    out
}

fn headline(all: usize, down: usize, late: usize) -> String {
    match (down, late) {
        (0, 0) => format!("All is well: {all} job{}", if all == 1 { "" } else { "s" }),
        (0, late) => format!("{late} of {all} late"),
        (down, 0) => format!("{down} of {all} down"),
        (down, late) => format!("{down} of {all} down, {late} late"),
    }
}

fn table(out: &mut String, rows: &[&Row], now: Timestamp) {
    out.push_str("<table>\n<caption>Jobs, the worst first; times in UTC</caption>\n<thead><tr><th scope=\"col\">Job</th><th scope=\"col\">State</th><th scope=\"col\">Last heard</th><th scope=\"col\">Next due</th></tr></thead>\n<tbody>\n");
    for row in rows {
        let word = row.mood.word();
        let running = if row.running { ", running" } else { "" };
        let _ = write!(out, "<tr><th scope=\"row\">{}</th><td><span class=\"s {word}\">{word}</span>{running}", escaped(&row.name));
        if !row.why.is_empty() {
            let _ = write!(out, "<br><small>{}</small>", escaped(&row.why));
        }
        // Only what is a web address is made one to follow.
        if let Some(playbook) = row.playbook.as_deref().filter(|link| link.starts_with("https://") || link.starts_with("http://")) {
            let _ = write!(out, "<br><a href=\"{}\" rel=\"noreferrer\">what to do</a>", escaped(playbook));
        }
        let _ = writeln!(out, "</td><td>{}</td><td>{}</td></tr>", when("heard ", row.last, now), when("due ", row.due, now));
    }
    out.push_str("</tbody>\n</table>\n");
}

/// An instant as people say it: how far away, and exactly.
fn when(what: &str, instant: Option<Timestamp>, now: Timestamp) -> String {
    let Some(instant) = instant else { return "<span aria-label=\"none\">–</span>".into() };
    // To the second: what is exact is in the attribute.
    let far = |from: Timestamp, to: Timestamp| {
        let seconds = crate::time::Span::from_nanos(to.since(from).nanos() / 1_000_000_000 * 1_000_000_000);
        seconds.human()
    };
    let text = if instant <= now { format!("{} ago", far(instant, now)) } else { format!("in {}", far(now, instant)) };
    format!("<time datetime=\"{instant}\" title=\"{what}{instant}\">{text}</time>")
}

/// Text made safe for HTML, in and outside of attributes. Control characters are left out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Marks that turn the direction of text could make a name look like another one.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            _ if character.is_control() => {}
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, mood: Mood) -> Row {
        Row { name: name.into(), mood, running: false, why: String::new(), last: None, due: None, playbook: None }
    }

    #[test]
    fn the_worst_stands_first_and_states_are_words() {
        let now = Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
        let mut late = row("b", Mood::Late);
        late.last = Some(Timestamp::parse("2026-11-22T18:59:59.5Z").unwrap());
        late.running = true;
        let page = Page { now, rows: vec![row("a", Mood::Up), late, row("c", Mood::Down)], refresh_s: None };
        let html = render(&page);
        let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text} is missing: {html}"));
        assert!(place(">c</th>") < place(">b</th>") && place(">b</th>") < place(">a</th>"));
        assert!(html.contains("<title>1 of 3 down, 1 late</title>"));
        assert!(html.contains(">late</span>, running"));
        assert!(html.contains(">1 h ago</time>"), "{html}");
        assert!(html.contains("lang=\"en\"") && html.contains("scope=\"row\"") && html.contains("<caption>"));
        assert!(!html.contains("<script") && !html.contains("http-equiv"));
    }

    #[test]
    fn text_from_outside_stays_text() {
        let now = Timestamp::from_nanos(0);
        let mut bad = row("<script>alert(1)</script>\u{202e}\u{7}", Mood::Down);
        bad.why = "\"><img src=x onerror=alert(1)>".into();
        bad.playbook = Some("javascript:alert(1)".into());
        let html = render(&Page { now, rows: vec![bad.clone()], refresh_s: Some(30) });
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;</th>"));
        assert!(!html.contains("<img") && !html.contains("javascript:") && !html.contains('\u{202e}'));
        bad.playbook = Some("https://x/\"onclick=\"y".into());
        let html = render(&Page { now, rows: vec![bad], refresh_s: None });
        assert!(html.contains("href=\"https://x/&quot;onclick=&quot;y\""));
    }

    #[test]
    fn when_all_is_well_the_page_says_so() {
        let page = |rows| Page { now: Timestamp::from_nanos(0), rows, refresh_s: None };
        assert!(render(&page(vec![row("a", Mood::Up)])).contains("<h1>All is well: 1 job</h1>"));
        assert!(render(&page(Vec::new())).contains("No job is expected yet"));
    }
}
