//! The pictures of what was gathered: one for each unit, or one of all.

use super::gather::Gathered;
use super::plan::{Format, Kind, Plan};
use crate::chart::svg::{Figure, page};
use crate::chart::{Limit, Mark, Panel, Trace, axis, sentence, svg, text};
use crate::record::time_unit;
use crate::time::Timestamp;

/// The most lines of one picture: more can't be told apart.
const LINES: usize = 7;
/// From how many series on sparklines are drawn unless something else is asked for.
const MANY: usize = 9;

/// What was drawn.
pub(super) struct Drawn {
    /// `None` when there was nothing to draw.
    pub(super) text: Option<String>,
    /// What was left out, in a sentence.
    pub(super) left_out: Option<String>,
}

/// Draws everything that was gathered within a stretch of time.
pub(super) fn all(plan: &Plan, gathered: &Gathered, shown: Option<(Timestamp, Timestamp)>) -> Drawn {
    let Some((from, until)) = shown else { return Drawn { text: None, left_out: None } };
    let (places, missing) = chosen(plan, gathered, from, until);
    if places.is_empty() {
        return Drawn { text: None, left_out: None };
    }
    let kind = plan.kind.unwrap_or(if places.len() < MANY { Kind::Lines } else { Kind::Sparks });
    let mut marks = gathered.marks.clone();
    marks.sort_by_key(|mark| mark.at);
    let zone = plan.zone;
    let offset = move |at: Timestamp| zone.offset(at);
    let scene = Scene { plan, gathered, from, until, marks, offset: &offset };
    let text = match plan.format {
        Format::Text => scene.text(kind, &places),
        Format::Svg | Format::Html => scene.document(kind, &places),
    };
    let missing = missing + gathered.no_room;
    let left_out =
        (missing > 0).then(|| format!("{missing} series more are not drawn; --metric chooses them, --most draws more, --by joins them"));
    Drawn { text: Some(text), left_out }
}

/// The series that are drawn, those that move most relative to their size first chosen, then by name;
/// how many others there are.
fn chosen(plan: &Plan, gathered: &Gathered, from: Timestamp, until: Timestamp) -> (Vec<usize>, usize) {
    let moved = |trace: &Trace| {
        let cell = trace.columns(from, until, 1)[0]?;
        let size = cell.max.abs().max(cell.min.abs());
        Some(if size > 0.0 { (cell.max - cell.min) / size } else { 0.0 })
    };
    let mut found: Vec<(usize, f64)> =
        gathered.traces.iter().enumerate().filter_map(|(place, trace)| Some((place, moved(trace)?))).collect();
    let missing = found.len().saturating_sub(plan.most);
    if missing > 0 {
        found.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        found.truncate(plan.most);
    }
    let mut places: Vec<usize> = found.into_iter().map(|(place, _)| place).collect();
    places.sort_by(|one, other| gathered.traces[*one].label.cmp(&gathered.traces[*other].label));
    (places, missing)
}

/// What is drawn, and when.
struct Scene<'a> {
    plan: &'a Plan,
    gathered: &'a Gathered,
    from: Timestamp,
    until: Timestamp,
    marks: Vec<Mark>,
    offset: axis::Offset<'a>,
}

impl Scene<'_> {
    fn panel<'s>(&'s self, places: &[usize], limits: &'s [Limit]) -> Panel<'s> {
        Panel {
            ghosts: places.iter().map(|place| &self.gathered.traces[*place]).filter(|_| self.plan.compare.is_some()).collect(),
            traces: places.iter().map(|place| &self.gathered.traces[*place]).collect(),
            from: self.from,
            until: self.until,
            limits,
            marks: &self.marks,
            compare: self.plan.compare,
            offset: self.offset,
        }
    }

    /// The stretch of time shown, on the reader's clock.
    fn title(&self) -> String {
        let zone = self.plan.zone.abbreviation(self.until);
        format!("{} to {} {zone}", axis::clock(self.from, self.offset), axis::clock(self.until, self.offset))
    }

    /// The limits in a unit; a time is converted, and left out where no time is drawn.
    fn limits(&self, unit: Option<&str>) -> Vec<Limit> {
        let value = |bound: &super::plan::Bound| match (bound.is_time, unit.and_then(time_unit)) {
            (false, _) => Some(bound.value),
            (true, Some(one)) => Some(bound.value / one.secs_f64()),
            (true, None) => None,
        };
        self.plan.limits.iter().filter_map(|bound| Some(Limit { value: value(bound)?, label: "limit".to_owned() })).collect()
    }

    /// The series by their units, a picture each of so many at most.
    fn by_unit(&self, places: &[usize], most: usize) -> Vec<Vec<usize>> {
        let mut groups: Vec<(Option<&str>, Vec<usize>)> = Vec::new();
        for place in places {
            let unit = self.gathered.traces[*place].unit.as_deref();
            match groups.iter_mut().find(|(known, held)| *known == unit && held.len() < most) {
                Some((_, held)) => held.push(*place),
                None => groups.push((unit, vec![*place])),
            }
        }
        groups.into_iter().map(|(_, held)| held).collect()
    }

    fn text(&self, kind: Kind, places: &[usize]) -> String {
        let width = self.plan.width.unwrap_or(80);
        let mut lines = Vec::new();
        let title = self.title();
        match kind {
            Kind::Lines => {
                let groups = self.by_unit(places, LINES);
                let rows = self.plan.height.unwrap_or(if groups.len() > 1 { 10 } else { 16 });
                for group in groups {
                    let limits = self.limits(self.gathered.traces[group[0]].unit.as_deref());
                    let panel = self.panel(&group, &limits);
                    lines.extend(self.drawn(text::lines(&panel, width, rows + group.len())));
                    lines.push(String::new());
                }
                lines.extend(self.said(places));
            }
            Kind::Sparks => {
                let traces: Vec<&Trace> = places.iter().map(|place| &self.gathered.traces[*place]).collect();
                lines.push(title);
                lines.extend(self.drawn(text::sparks(&traces, self.from, self.until, width)));
            }
            Kind::Horizon => {
                let how = text::Horizon { bands: self.plan.bands, base: self.plan.base, colour: self.plan.colour && !self.plan.ascii };
                lines.push(title);
                lines.extend(self.drawn(text::horizon(&self.panel(places, &[]), how, width)));
            }
            Kind::Heat => {
                for place in places {
                    lines.push(self.gathered.traces[*place].label.clone());
                    let panel = self.panel(&[*place], &[]);
                    let rows = self.plan.height.unwrap_or(14);
                    lines.extend(self.drawn(text::heat(&self.gathered.spreads[*place], &panel, width, rows)));
                    lines.push(String::new());
                }
            }
            Kind::Bars => {
                lines.push(title);
                for group in self.by_unit(places, usize::MAX) {
                    let rows = self.newest(&group);
                    lines.extend(self.drawn(text::bars(&rows, self.gathered.traces[group[0]].unit.as_deref(), width)));
                }
            }
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.join("\n") + "\n"
    }

    fn drawn(&self, canvas: text::Canvas) -> Vec<String> {
        let lines = canvas.lines(self.plan.colour);
        if !self.plan.ascii {
            return lines;
        }
        let plain = |line: String| line.chars().map(|c| if c == '\u{1b}' { c } else { text::ascii(c) }).collect();
        lines.into_iter().map(plain).collect()
    }

    /// The sentences, one a line, where there are few; and what the marks say.
    fn said(&self, places: &[usize]) -> Vec<String> {
        let mut lines: Vec<String> = places.iter().map(|place| sentence(&self.panel(&[*place], &[]))).collect();
        let within = self.marks.iter().filter(|mark| mark.at >= self.from && mark.at < self.until);
        for mark in within.clone().take(10) {
            let sign = if self.plan.ascii { text::ascii(mark.kind.sign()) } else { mark.kind.sign() };
            lines.push(format!("{sign} {} {}", axis::clock(mark.at, self.offset), mark.text));
        }
        let more = within.count().saturating_sub(10);
        if more > 0 {
            lines.push(format!("and {more} more marks"));
        }
        lines
    }

    /// The newest values, the largest first.
    fn newest(&self, places: &[usize]) -> Vec<(String, f64)> {
        let newest = |place: &usize| {
            let trace = &self.gathered.traces[*place];
            Some((trace.label.clone(), trace.columns(self.from, self.until, 1)[0]?.last))
        };
        let mut rows: Vec<(String, f64)> = places.iter().filter_map(newest).collect();
        rows.sort_by(|one, other| other.1.total_cmp(&one.1));
        rows
    }

    fn document(&self, kind: Kind, places: &[usize]) -> String {
        let (width, height) = (self.plan.width.unwrap_or(900), self.plan.height.unwrap_or(260));
        let groups = if kind == Kind::Heat { places.iter().map(|place| vec![*place]).collect() } else { self.by_unit(places, LINES) };
        let groups = if kind == Kind::Horizon { vec![places.to_vec()] } else { groups };
        let mut figures = Vec::new();
        for group in groups {
            let limits = self.limits(self.gathered.traces[group[0]].unit.as_deref());
            let panel = self.panel(&group, &limits);
            let caption = sentence(&panel);
            let title = self.plan.title.clone().unwrap_or_else(|| self.gathered.traces[group[0]].label.clone());
            let svg = match kind {
                Kind::Horizon => svg::horizon(&panel, self.plan.bands, self.plan.base, &title, width),
                Kind::Heat => svg::heat(&self.gathered.spreads[group[0]], &panel, &title, width, height),
                _ => svg::lines(&panel, &title, width, height),
            };
            figures.push(Figure { svg, caption });
        }
        if self.plan.format == Format::Svg {
            return svg::stack(figures.into_iter().map(|figure| figure.svg).collect());
        }
        let title = self.plan.title.clone().unwrap_or_else(|| "Metrics".to_owned());
        let lead = self.title();
        page(&title, &lead, &figures)
    }
}
