//! An explanation as text for a person: safe to show, 80 columns wide, in colour only when asked.

use super::moved::Moved;
use super::past::{Past, Times};
use super::{Explanation, Surroundings};
use crate::record::{Status, show};
use crate::time::{Span, Timestamp};

/// The width of a page, and that of its curve.
const WIDTH: usize = 80;
const COLUMNS: usize = 60;

/// How many times before, and how many lines of a part are told.
const TIMES: usize = 5;
const LINES: usize = 8;

/// How a page looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Only ASCII.
    pub ascii: bool,
    /// With the colours of a terminal.
    pub colour: bool,
}

/// All that a page tells.
#[derive(Debug)]
pub struct Story<'a> {
    /// What the group comes to.
    pub told: &'a Explanation,
    /// What it came to before.
    pub past: &'a Past,
    /// What else was read.
    pub around: &'a Surroundings,
    /// The other groups and checks, that are as they should be: `group {queue=linux}`, `check disk`.
    pub fine: &'a [String],
    /// The others that are not: `check disk is warning`.
    pub not_fine: &'a [String],
}

/// The page of a group of a check.
pub fn page(story: &Story<'_>, look: Look) -> String {
    let mut page = Page { look, text: String::new() };
    let verdict = &story.told.judgement.verdict;
    page.verdict(story.told);
    page.part("Condition", std::slice::from_ref(&story.told.condition));
    let seen = story
        .told
        .seen
        .iter()
        .flat_map(|(sentence, rests)| std::iter::once(sentence.clone()).chain(rests.iter().map(|rest| format!("  {rest}"))));
    page.part("Seen", &seen.collect::<Vec<_>>());
    page.part("Missing", &story.told.missing);
    page.curve(story);
    page.part("To fire", &outlook(story));
    let moved = Moved::told(story.around.moved(verdict.ts), |metric| story.told.asks_for(metric));
    page.part("Just before", &before(&story.told.events, moved, verdict.ts));
    page.part("In the past", &past(story, verdict.ts));
    page.part("Not so at the same time", &not_so(story));
    let mut wrong = story.around.down(&verdict.tags, verdict.ts);
    wrong.extend(story.told.wrong_if.iter().cloned());
    page.part("It would be wrong if", &wrong);
    page.part("What to do", &verdict.playbook.iter().cloned().collect::<Vec<_>>());
    page.text
}

/// How far it is from firing, and when it gets there.
fn outlook(story: &Story<'_>) -> Vec<String> {
    let mut all = story.told.distance.clone();
    let curve = story.told.curve.as_ref().filter(|curve| curve.plain && !story.told.distance.is_empty());
    if let Some(curve) = curve
        && let Some((limit, text)) = &curve.limit
        && let Some(span) = story.past.reaches(curve.test, *limit)
    {
        all.push(format!("if it goes on as in the last {}, it is at {text} in about {}", story.past.span().human(), about(span)));
    }
    all
}

/// A length of time without what an estimate does not know.
fn about(span: Span) -> String {
    let whole = if span > Span::from_secs(600) { 60 } else { 10 };
    let seconds = (span.secs_f64() / f64::from(whole)).round() as u32 * whole;
    Span::from_secs(seconds.max(whole)).human()
}

/// Events and metrics that moved.
fn before(events: &[(Timestamp, String)], moved: Vec<String>, at: Timestamp) -> Vec<String> {
    let events = events.iter().map(|(ts, event)| format!("{} before: {event}", at.since(*ts).human()));
    let mut all: Vec<String> = events.chain(moved).collect();
    if all.is_empty() {
        all.push("no event in the hour before, and no other metric left its range".into());
    }
    all
}

/// How often it fired before, and what became of it.
fn past(story: &Story<'_>, at: Timestamp) -> Vec<String> {
    let Some(first) = story.past.first else { return Vec::new() };
    let ended: Vec<&Times> = story.past.ended().collect();
    let over = at.since(first).human();
    let before = if story.past.goes_on() { " before this time" } else { "" };
    let mut all = vec![match ended.len() {
        0 => format!("it has not fired{before} in the {over} that the history goes back"),
        count => format!("it fired {}{before}, in {over}", often(count as u32)),
    }];
    for times in ended.iter().rev().take(TIMES) {
        let to = times.to.unwrap_or(at);
        let said = judged(story, times);
        all.push(format!("  {} for {}, {}{said}", times.from, to.since(times.from).human(), times.worst.name()));
    }
    let (real, noise) = story.told.judged.iter().fold((0, 0), |(real, noise), (_, was)| (real + u32::from(*was), noise + u32::from(!was)));
    match (real, noise) {
        (0, 0) => {}
        (real, 0) => all.push(format!("people judged it real {}", often(real))),
        (0, noise) => all.push(format!("people judged it noise {}", often(noise))),
        (real, noise) => all.push(format!("people judged it real {}, and noise {}", often(real), often(noise))),
    }
    all
}

/// How many times, in words.
fn often(count: u32) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        count => format!("{count} times"),
    }
}

/// What people said of one time: since it began, and before the next one did.
fn judged(story: &Story<'_>, times: &Times) -> String {
    let next = story.past.times.iter().map(|other| other.from).find(|from| *from > times.from).unwrap_or(Timestamp::MAX);
    let of = story.told.judged.iter().rev().find(|(ts, _)| *ts >= times.from && *ts < next);
    of.map_or(String::new(), |(_, real)| format!(", judged {}", if *real { "real" } else { "noise" }))
}

fn not_so(story: &Story<'_>) -> Vec<String> {
    let mut all = story.told.not_so.clone();
    if !story.fine.is_empty() {
        let shown = story.fine.iter().take(LINES).cloned().collect::<Vec<_>>().join(", ");
        let more = story.fine.len().saturating_sub(LINES);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        all.push(format!("ok: {shown}{more}"));
    }
    if !story.not_fine.is_empty() {
        all.push(format!("but also: {}", story.not_fine.join(", ")));
    }
    all
}

struct Page {
    look: Look,
    text: String,
}

impl Page {
    /// `queue-depth{queue=mac} is critical since 19:40:10, 20 min ago`, and why.
    fn verdict(&mut self, told: &Explanation) {
        let verdict = &told.judgement.verdict;
        let colour = match (self.look.colour, verdict.status) {
            (false, _) => "",
            (true, Status::Ok) => "\u{1b}[32m",
            (true, Status::Warning) => "\u{1b}[33m",
            (true, _) => "\u{1b}[1;31m",
        };
        let since = verdict.since.filter(|since| *since < verdict.ts);
        let since = since.map_or(String::new(), |since| format!(" since {since}, {} ago", verdict.ts.since(since).human()));
        let line = format!("{}{} is {}{since}", verdict.check, verdict.tags, verdict.status.name());
        self.lines(&line, 0, colour);
        self.lines(&format!("at {}", verdict.ts), 2, "");
        self.lines(verdict.reason.as_deref().unwrap_or_default(), 2, "");
    }

    /// A heading, and lines under it; nothing where there are none.
    fn part(&mut self, heading: &str, lines: &[String]) {
        if lines.iter().all(|line| line.is_empty()) {
            return;
        }
        self.text.push('\n');
        self.lines(heading, 0, if self.look.colour { "\u{1b}[1m" } else { "" });
        for line in lines {
            let indent = line.len() - line.trim_start().len();
            self.lines(line.trim_start(), 2 + indent, "");
        }
    }

    /// The points that led there: bars from the least to the greatest value, and where the limit was passed.
    fn curve(&mut self, story: &Story<'_>) {
        let Some(curve) = &story.told.curve else { return };
        let columns = story.past.columns(curve.test, COLUMNS, curve.above != Some(false));
        let known = || columns.iter().flatten().copied();
        let (Some(low), Some(high)) = (known().reduce(f64::min), known().reduce(f64::max)) else {
            return;
        };
        let bars = bars(&columns, low, high, self.look.ascii);
        let step = Span::from_nanos(story.past.span().nanos() / COLUMNS as i64).human();
        let number =
            |value: f64| if curve.plain { super::shown(value, curve.unit.as_deref(), curve.percent) } else { super::aged_text(value) };
        let mut lines = vec![bars];
        if let (Some((limit, _)), Some(above)) = (&curve.limit, curve.above) {
            let beyond = |value: f64| if above { value > *limit } else { value < *limit };
            let marks: String = columns.iter().map(|value| if value.is_some_and(beyond) { '^' } else { ' ' }).collect();
            if marks.contains('^') && known().any(|value| !beyond(value)) {
                lines.push(format!("{} beyond the limit", marks));
            }
        }
        let limit = curve.limit.as_ref().map_or(String::new(), |(_, text)| format!("; the limit is {text}"));
        let now = curve.now.map_or_else(|| "not known".to_owned(), number);
        let ends = if number(low) == number(high) {
            format!("always {}", number(low))
        } else {
            format!("from {} to {}", number(low), number(high))
        };
        lines.push(format!("{}: {ends}, now {now}{limit}; a column is {step}", curve.what));
        self.text.push('\n');
        let heading = format!("The last {}", story.past.span().human());
        self.lines(&heading, 0, if self.look.colour { "\u{1b}[1m" } else { "" });
        let words = lines.pop().unwrap_or_default();
        for line in lines {
            self.text.push_str(&format!("  {}\n", line.trim_end()));
        }
        self.lines(&words, 2, "");
    }

    /// A text from anywhere, made safe and broken into lines.
    fn lines(&mut self, text: &str, indent: usize, colour: &str) {
        let mut safe = show(text.as_bytes(), 2000);
        if self.look.ascii {
            safe = safe.replace('…', "...").chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        }
        let (mut line, mut first) = (String::new(), true);
        let mut out = Vec::new();
        for word in safe.split(' ') {
            let mut word = word;
            loop {
                let room = WIDTH - indent - if first { 0 } else { 2 };
                let length = line.chars().count();
                if length == 0 && word.chars().count() > room {
                    // What has no space is broken all the same.
                    let at = word.char_indices().nth(room).map_or(word.len(), |(at, _)| at);
                    out.push((first, word[..at].to_owned()));
                    (word, first) = (&word[at..], false);
                } else if length == 0 || length + 1 + word.chars().count() <= room {
                    line.push_str(if length == 0 { "" } else { " " });
                    line.push_str(word);
                    break;
                } else {
                    out.push((first, std::mem::take(&mut line)));
                    first = false;
                }
            }
        }
        out.push((first, line));
        for (first, line) in out {
            let indent = indent + if first { 0 } else { 2 };
            let reset = if colour.is_empty() { "" } else { "\u{1b}[0m" };
            self.text.push_str(&format!("{}{colour}{line}{reset}\n", " ".repeat(indent)));
        }
    }
}

/// One sign for each value, by its height between the least and the greatest; a space for none.
fn bars(columns: &[Option<f64>], low: f64, high: f64, ascii: bool) -> String {
    let signs: Vec<char> = if ascii { "_.-=+*#@".chars().collect() } else { "▁▂▃▄▅▆▇█".chars().collect() };
    let most = signs.len() - 1;
    let sign = |value: &Option<f64>| match value {
        None => ' ',
        Some(_) if high == low => signs[0],
        Some(value) => signs[(((value - low) / (high - low) * most as f64).round() as usize).min(most)],
    };
    columns.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_reach_from_the_least_to_the_greatest() {
        let columns = [Some(0.0), None, Some(5.0), Some(10.0)];
        assert_eq!(bars(&columns, 0.0, 10.0, false), "▁ ▅█");
        assert_eq!(bars(&columns, 0.0, 10.0, true), "_ +@");
        assert_eq!(bars(&[Some(3.0)], 3.0, 3.0, true), "_");
    }

    #[test]
    fn no_line_is_wider_than_a_page_and_nothing_from_outside_acts_on_the_terminal() {
        let mut page = Page { look: Look { ascii: true, colour: false }, text: String::new() };
        page.part("A part", &["word ".repeat(50), "x".repeat(300), "a\u{1b}[2J\u{7}b\nc ü …".into()]);
        assert!(page.text.lines().all(|line| line.chars().count() <= WIDTH), "{}", page.text);
        assert!(page.text.is_ascii() && !page.text.contains('\u{1b}'), "{}", page.text);
        assert_eq!(page.text.matches('x').count(), 300);
    }
}
