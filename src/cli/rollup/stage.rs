//! The three steps of the work on a block of lines: read, take in order, write out.
//!
//! ```text
//! block ──read──▶ batch ──take──▶ pieces ──render──▶ lines
//!         any core        in turn          any core
//! ```
//!
//! Only `take` touches what the windows remember, and it does little: so the steps before and
//! after it may run on other cores, and the result is that of one core, whatever the cut.

use std::sync::Arc;

use crate::ndjson::{Block, Item, LineError, Samples, SeriesId, WindowLine, write};
use crate::record::{Kind, LINE_BYTES, Record, Sample, Synthetic, Tags, Value, Window};
use crate::store::read::Range;
use crate::time::{Span, Timestamp};
use crate::window::{Closed, ClosedSession, Group, Late, Route, Row, Sessions, Windows};

use super::plan::Work;

/// What a block of lines held, in the order of its lines.
#[derive(Default)]
pub(super) struct Batch {
    samples: Vec<Read>,
    /// What was not a plain sample, and how many of `samples` stand before it.
    others: Vec<(usize, Other)>,
    /// How many lines there were.
    pub(super) lines: u64,
}

struct Read {
    series: SeriesId,
    ts: Timestamp,
    value: f64,
    weight: f64,
}

enum Other {
    Record { line: u64, text: Vec<u8>, record: Box<Record> },
    Bad(Bad),
}

/// A line that is no record, or can't be used.
pub(super) struct Bad {
    /// Counted from the block's first line, 1.
    pub(super) line: u64,
    pub(super) error: LineError,
    pub(super) text: Vec<u8>,
}

/// Which records are wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) range: Range,
    /// Nothing is taken from after this instant.
    pub(super) newest: Timestamp,
}

impl Batch {
    /// Reads every line of a block.
    pub(super) fn read(&mut self, block: &Block, samples: &mut Samples, wanted: &Wanted) {
        self.samples.clear();
        self.others.clear();
        self.lines = 0;
        if let Some(length) = block.too_long {
            self.lines += 1;
            self.bad(LineError::too_long(length), b"");
        }
        for line in block.lines() {
            self.lines += 1;
            if line.len() > LINE_BYTES {
                self.bad(LineError::too_long(line.len() as u64), line);
                continue;
            }
            match samples.read(line) {
                Ok(Item::Sample { series, ts, value, weight }) => {
                    if wanted.range.holds(ts) {
                        self.samples.push(Read { series, ts, value, weight });
                    }
                }
                Ok(Item::Other(record)) => {
                    if wanted.range.holds(record.ts()) {
                        let other = Other::Record { line: self.lines, text: line.to_vec(), record };
                        self.others.push((self.samples.len(), other));
                    }
                }
                Err(error) => self.bad(error, line),
            }
        }
    }

    fn bad(&mut self, error: LineError, text: &[u8]) {
        let bad = Bad { line: self.lines, error, text: text.to_vec() };
        self.others.push((self.samples.len(), Other::Bad(bad)));
    }
}

/// What is to be written, in order.
pub(super) enum Piece {
    Closed(Closed),
    Sessions(Vec<(ClosedSession, Arc<Group>)>),
    Lines(Vec<u8>),
}

/// The windows, of either sort.
enum Engine {
    Windows(Box<Windows>),
    Sessions(Box<Sessions>),
    /// Windows whose length the first record will tell.
    Unknown,
}

/// What the windows remember; taken by one batch after the other.
pub(super) struct Taker {
    work: Work,
    engine: Engine,
    /// How many records came from too far in the future, and the first of them.
    ahead: (u64, Option<Timestamp>),
    /// How many were left out by `--synthetic`.
    left_out: u64,
}

/// Where the series of one reader go, if anywhere; kept with the reader.
#[derive(Default)]
pub(super) struct Routes(Vec<Option<Route>>);

impl Taker {
    pub(super) fn new(work: Work) -> Taker {
        let engine = match work.session {
            Some(gap) => Engine::Sessions(Box::new(Sessions::new(work.plan.clone(), gap))),
            None if work.merge => Engine::Unknown,
            None => Engine::Windows(Box::new(Windows::new(work.plan.clone()))),
        };
        Taker { work, engine, ahead: (0, None), left_out: 0 }
    }

    /// How far in the future a record may be.
    pub(super) fn ahead(&self) -> Span {
        self.work.ahead
    }

    /// Takes a batch in; gives what is due, and what of the lines could not be used.
    pub(super) fn take(&mut self, batch: &mut Batch, samples: &Samples, routes: &mut Routes, wanted: &Wanted) -> (Vec<Piece>, Vec<Bad>) {
        let (mut pieces, mut bad) = (Vec::new(), Vec::new());
        let mut done = 0;
        for (before, other) in std::mem::take(&mut batch.others) {
            self.take_samples(&batch.samples[done..before], samples, routes, wanted);
            done = before;
            match other {
                Other::Bad(line) => bad.push(line),
                Other::Record { line, text, record } => {
                    if let Err(error) = self.take_other(&record, &text, &mut pieces, wanted) {
                        bad.push(Bad { line, error, text });
                    }
                }
            }
        }
        self.take_samples(&batch.samples[done..], samples, routes, wanted);
        self.due(&mut pieces);
        (pieces, bad)
    }

    /// Whether records with such tags are taken at all.
    fn takes(&self, tags: &Tags) -> bool {
        takes(&self.work, tags)
    }

    fn take_samples(&mut self, reads: &[Read], samples: &Samples, routes: &mut Routes, wanted: &Wanted) {
        match &mut self.engine {
            Engine::Windows(windows) => {
                for series in &samples.all()[routes.0.len()..] {
                    routes.0.push(takes(&self.work, &series.tags).then(|| windows.route(series)));
                }
                for read in reads {
                    if read.ts > wanted.newest {
                        self.ahead = (self.ahead.0 + 1, self.ahead.1.or(Some(read.ts)));
                        continue;
                    }
                    match routes.0[read.series.0 as usize] {
                        Some(route) => windows.add(route, read.ts, read.value, read.weight),
                        None => self.left_out += 1,
                    }
                }
            }
            Engine::Sessions(sessions) => {
                for read in reads {
                    if read.ts > wanted.newest {
                        self.ahead = (self.ahead.0 + 1, self.ahead.1.or(Some(read.ts)));
                    } else if let Some(series) = samples.series(read.series) {
                        if takes(&self.work, &series.tags) {
                            sessions.add(series, read.ts, read.value, read.weight);
                        } else {
                            self.left_out += 1;
                        }
                    }
                }
            }
            Engine::Unknown if reads.is_empty() => {}
            Engine::Unknown => {
                // Samples among windows to be merged: their windows are those of --every's default.
                self.engine = Engine::Windows(Box::new(Windows::new(self.work.plan.clone())));
                self.take_samples(reads, samples, routes, wanted);
            }
        }
    }

    /// Takes a record that is no plain sample; one that is not consumed passes through in its place.
    fn take_other(&mut self, record: &Record, text: &[u8], pieces: &mut Vec<Piece>, wanted: &Wanted) -> Result<(), LineError> {
        if record.ts() > wanted.newest && matches!(record.kind(), Kind::Sample | Kind::Window) {
            self.ahead = (self.ahead.0 + 1, self.ahead.1.or(Some(record.ts())));
            return Ok(());
        }
        if matches!(record.kind(), Kind::Sample | Kind::Window) && !self.takes(record.tags()) {
            self.left_out += 1;
            return Ok(());
        }
        match record {
            Record::Sample(sample) => self.take_sample(sample),
            Record::Window(window) => return self.take_window(window),
            _ => {
                self.due(pieces);
                match pieces.last_mut() {
                    Some(Piece::Lines(lines)) => lines.extend([text, b"\n"].concat()),
                    _ => pieces.push(Piece::Lines([text, b"\n"].concat())),
                }
            }
        }
        Ok(())
    }

    /// Takes a member of a set, or a sample past the bound of known series.
    fn take_sample(&mut self, sample: &Sample) {
        if let Engine::Unknown = self.engine {
            self.engine = Engine::Windows(Box::new(Windows::new(self.work.plan.clone())));
        }
        match (&mut self.engine, &sample.value) {
            (Engine::Windows(windows), Value::Member(member)) => {
                let route = windows.route(&sample.series);
                windows.add_member(route, sample.ts, member);
            }
            (Engine::Windows(windows), Value::Number(value)) => {
                let route = windows.route(&sample.series);
                windows.add(route, sample.ts, *value, sample.weight);
            }
            (Engine::Sessions(sessions), Value::Member(member)) => sessions.add_member(&sample.series, sample.ts, member),
            (Engine::Sessions(sessions), Value::Number(value)) => sessions.add(&sample.series, sample.ts, *value, sample.weight),
            (Engine::Unknown, _) => {}
        }
    }

    fn take_window(&mut self, window: &Window) -> Result<(), LineError> {
        if let Engine::Unknown = self.engine {
            let plan = crate::window::Plan { every: window.window, slide: window.window, ..self.work.plan.clone() };
            self.engine = Engine::Windows(Box::new(Windows::new(plan)));
        }
        match &mut self.engine {
            Engine::Windows(windows) => windows.add_window(window).map_err(|why| LineError::new("a window that does not fit", 1, why)),
            _ => Err(LineError::new("a window that does not fit", 1, "windows can't be made into sessions")),
        }
    }

    fn due(&mut self, pieces: &mut Vec<Piece>) {
        match &mut self.engine {
            Engine::Windows(windows) => pieces.extend(windows.due().into_iter().map(Piece::Closed)),
            Engine::Sessions(sessions) => {
                let closed = sessions.due();
                push_sessions(sessions, closed, pieces);
            }
            Engine::Unknown => {}
        }
    }

    /// What is still open, as the input has ended.
    pub(super) fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        match &mut self.engine {
            Engine::Windows(windows) => pieces.extend(windows.finish().into_iter().map(Piece::Closed)),
            Engine::Sessions(sessions) => {
                let closed = sessions.finish();
                push_sessions(sessions, closed, &mut pieces);
            }
            Engine::Unknown => {}
        }
        pieces
    }

    /// What people should be told at the end.
    pub(super) fn told(&self) -> Vec<String> {
        let none = Late::default();
        let (late, overflowed) = match &self.engine {
            Engine::Windows(windows) => (windows.late(), windows.overflowed()),
            Engine::Sessions(sessions) => (sessions.late(), sessions.overflowed()),
            Engine::Unknown => (&none, 0),
        };
        let records = |count: u64| if count == 1 { "record" } else { "records" };
        let mut told = Vec::new();
        if late.count > 0 {
            let wait = self.work.plan.late;
            told.push(format!(
                "{} {} came too late and are in no window: up to {} after it closed; --late {wait} would have to be {}",
                late.count,
                records(late.count),
                late.worst,
                wait.plus(late.worst).plus(Span::from_nanos(1)).human(),
            ));
        }
        if let (count @ 1.., Some(first)) = self.ahead {
            let ahead = self.work.ahead;
            told.push(format!("{count} {} more than --ahead {ahead} in the future are in no window, the first at {first}", records(count)));
        }
        if self.left_out > 0 {
            let (count, how) = (self.left_out, self.work.plan.synthetic.name());
            told.push(format!("{count} {} are in no window, by --synthetic {how}", records(count)));
        }
        if overflowed > 0 {
            let most = self.work.plan.max_groups;
            told.push(format!("{overflowed} series past --max-series {most} went to the metric `{}`", crate::window::OVERFLOW));
        }
        told
    }
}

/// Whether records with such tags are taken: made activity, or other, may be left out.
fn takes(work: &Work, tags: &Tags) -> bool {
    let how = work.plan.synthetic;
    matches!(how, Synthetic::Apart | Synthetic::Include) || how.takes(tags.is_synthetic())
}

fn push_sessions(sessions: &Sessions, closed: Vec<ClosedSession>, pieces: &mut Vec<Piece>) {
    if closed.is_empty() {
        return;
    }
    let group = |session: ClosedSession| sessions.groups().get(session.row.group.0 as usize).cloned().map(|group| (session, group));
    pieces.push(Piece::Sessions(closed.into_iter().filter_map(group).collect()));
}

/// Makes lines of what is to be written; keeps the frame of each group's lines.
#[derive(Default)]
pub(super) struct Renderer {
    lines: Vec<Option<WindowLine>>,
}

impl Renderer {
    /// Appends the lines of some pieces.
    pub(super) fn render(&mut self, pieces: Vec<Piece>, out: &mut Vec<u8>) {
        for piece in pieces {
            match piece {
                Piece::Lines(lines) => out.extend_from_slice(&lines),
                Piece::Closed(closed) => self.closed(&closed, out),
                Piece::Sessions(sessions) => {
                    for (session, group) in sessions {
                        write(out, &Record::Window(window_of(session, &group)));
                    }
                }
            }
        }
    }

    fn closed(&mut self, closed: &Closed, out: &mut Vec<u8>) {
        let mut ts = Vec::with_capacity(30);
        closed.start.write(&mut ts);
        if self.lines.len() < closed.groups().len() {
            self.lines.resize(closed.groups().len(), None);
        }
        let (lines, groups) = (&mut self.lines, closed.groups());
        closed.rows(&mut |row: &Row| {
            let at = row.group.0 as usize;
            let group = &groups[at];
            let line = lines[at].get_or_insert_with(|| WindowLine::new(&group.metric, closed.length, group.unit.as_deref(), &group.tags));
            line.write(out, &ts, &row.stats, row.error, row.sketch.as_ref());
        });
    }
}

fn window_of(session: ClosedSession, group: &Group) -> Window {
    Window {
        ts: session.start,
        metric: group.metric.clone(),
        window: session.length,
        stats: session.row.stats,
        error: session.row.error,
        sketch: session.row.sketch,
        unit: group.unit.clone(),
        tags: group.tags.clone(),
    }
}
