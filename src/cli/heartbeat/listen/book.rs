//! All checks of a listener, and what is known of each: derived from the beats, in the order they stand in the history.
//!
//! Checks are found by UUID, by slug, by the name of their beats and by the keys of who may only read. A beat of a name
//! that no check has changes nothing here.

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::bucket::Bucket;
use super::check::{Rhythm, Spec};
use crate::heartbeat::page::Mood;
use crate::heartbeat::ping::Kind;
use crate::heartbeat::pinged::{Flip, Pinged, Stored};
use crate::ndjson::decode;
use crate::record::{Beat, Record};
use crate::time::{Span, Timestamp};

/// How many pings of a check can be listed.
const RECENT: usize = 100;

/// How many bytes the listed pings of one check may take.
const RECENT_BYTES: usize = 128 << 10;

/// One ping that can be listed.
#[derive(Debug, Clone)]
pub(super) struct Recent {
    /// Its number among the check's pings, from 1.
    pub(super) n: u64,
    /// Its line, from which all else is read when it is asked for.
    pub(super) line: Box<[u8]>,
    ts: Timestamp,
    /// Tells it from others of the same instant.
    same: (Kind, u64),
}

/// One check and what is known of it.
pub(super) struct Check {
    pub(super) code: String,
    pub(super) spec: Spec,
    pub(super) rhythm: Rhythm,
    pub(super) pinged: Pinged,
    pub(super) recent: VecDeque<Recent>,
    recent_bytes: usize,
    pub(super) bucket: Bucket,
    /// When it must be looked at again; `None` for not before something comes.
    look_at: Option<Timestamp>,
    /// Whether `look_at` must be found anew.
    stale: bool,
    /// What was said of it last.
    pub(super) told: Option<Mood>,
}

/// What of a check is remembered over a restart.
#[derive(Serialize, Deserialize)]
pub(super) struct Remembered {
    stored: String,
    last_ping: Option<Timestamp>,
    last_start: Option<Timestamp>,
    last_run: Option<String>,
    last_duration: Option<i64>,
    pings: u64,
    flips: Vec<(Timestamp, String)>,
    told: Option<String>,
}

/// All checks.
#[derive(Default)]
pub(super) struct Book {
    checks: Vec<Option<Check>>,
    codes: HashMap<String, usize>,
    beats: HashMap<String, usize>,
    slugs: HashMap<String, Vec<usize>>,
    /// How many beats were read.
    pub(super) beats_read: u64,
    /// How many lines were no records.
    pub(super) bad_lines: u64,
}

/// What was found for a slug.
pub(super) enum BySlug {
    None,
    One(usize),
    Several,
}

impl Check {
    pub(super) fn new(code: String, spec: Spec) -> Check {
        Check {
            rhythm: spec.rhythm(),
            code,
            spec,
            pinged: Pinged::default(),
            recent: VecDeque::new(),
            recent_bytes: 0,
            bucket: Bucket::default(),
            look_at: None,
            stale: true,
            told: None,
        }
    }

    /// Lets time pass; what changes by it changes at its own instant.
    pub(super) fn pass(&mut self, now: Timestamp) {
        if self.stale {
            self.stale = false;
            self.look_at = self.pinged.down_at(&self.rhythm);
        }
        if self.look_at.is_some_and(|at| at <= now) {
            self.pinged.pass(now, &self.rhythm);
            self.stale = true;
        }
    }

    /// How it stands, for people and badges.
    pub(super) fn mood(&self, now: Timestamp) -> Mood {
        match self.pinged.shown(now, &self.rhythm) {
            "up" => Mood::Up,
            "grace" => Mood::Late,
            "down" => Mood::Down,
            "paused" => Mood::Paused,
            _ => Mood::New,
        }
    }

    /// When the next ping is due; of a check that was never heard of when the first was, from its making on.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.pinged.due(&self.rhythm)
    }

    /// Changes that were made outside of pings: paused, resumed, or another schedule.
    pub(super) fn changed(&mut self) {
        self.rhythm = self.spec.rhythm();
        self.stale = true;
    }

    /// Takes one beat. One that was taken before changes nothing.
    fn take(&mut self, beat: &Beat, line: &[u8]) {
        let kind = kind_of(beat, line);
        let same = (kind, run_hash(beat.run.as_deref()));
        let newest = self.recent.back().map(|recent| recent.ts);
        if newest.is_some_and(|newest| beat.ts <= newest) && self.recent.iter().any(|old| old.ts == beat.ts && old.same == same) {
            return;
        }
        // A spooled beat that came late says nothing of now where a later one was heard.
        let late = self.pinged.last_ping.max(self.pinged.last_start).is_some_and(|last| beat.ts < last);
        if late {
            self.pinged.pings += 1;
        } else {
            self.pass(beat.ts);
            self.pinged.ping(beat.ts, kind, beat.run.as_deref());
            if let Some(duration) = beat.duration.and_then(Span::from_secs_f64).filter(|_| matches!(kind, Kind::Success | Kind::Fail)) {
                self.pinged.last_duration = Some(duration);
            }
        }
        self.stale = true;
        self.list(Recent { n: self.pinged.pings, line: line.into(), ts: beat.ts, same });
    }

    fn list(&mut self, recent: Recent) {
        self.recent_bytes += recent.line.len();
        self.recent.push_back(recent);
        while self.recent.len() > RECENT || (self.recent_bytes > RECENT_BYTES && self.recent.len() > 1) {
            self.recent_bytes -= self.recent.pop_front().map_or(0, |old| old.line.len());
        }
    }

    /// Lists a beat of before this start, which changed the state then; they come in their order.
    fn list_old(&mut self, beat: &Beat, line: &[u8]) {
        let same = (kind_of(beat, line), run_hash(beat.run.as_deref()));
        self.list(Recent { n: 0, line: line.into(), ts: beat.ts, same });
        let last = self.pinged.pings;
        let all = self.recent.len() as u64;
        self.recent.iter_mut().enumerate().for_each(|(at, recent)| recent.n = (last + 1 + at as u64).saturating_sub(all));
    }

    fn remembered(&self) -> Remembered {
        let pinged = &self.pinged;
        Remembered {
            stored: pinged.stored.name().into(),
            last_ping: pinged.last_ping,
            last_start: pinged.last_start,
            last_run: pinged.last_run.clone(),
            last_duration: pinged.last_duration.map(Span::nanos),
            pings: pinged.pings,
            flips: pinged.flips.iter().map(|flip| (flip.ts, flip.to.name().to_owned())).collect(),
            told: self.told.map(|mood| mood.word().to_owned()),
        }
    }

    fn restore(&mut self, old: Remembered) {
        self.pinged = Pinged {
            stored: stored_of(&old.stored),
            last_ping: old.last_ping,
            last_start: old.last_start,
            last_run: old.last_run,
            last_duration: old.last_duration.map(Span::from_nanos),
            pings: old.pings,
            flips: old.flips.iter().map(|(ts, to)| Flip { ts: *ts, to: stored_of(to) }).collect(),
        };
        let moods = [Mood::Up, Mood::Paused, Mood::New, Mood::Late, Mood::Down];
        self.told = old.told.and_then(|word| moods.into_iter().find(|mood| mood.word() == word));
        self.stale = true;
    }
}

fn stored_of(name: &str) -> Stored {
    let all = [Stored::New, Stored::Up, Stored::Down, Stored::Paused];
    all.into_iter().find(|stored| stored.name() == name).unwrap_or_default()
}

/// What a beat counts as; that it was ignored is told by a key of its line.
fn kind_of(beat: &Beat, line: &[u8]) -> Kind {
    match beat.state.as_deref() {
        None | Some("ok") => Kind::Success,
        Some("start") => Kind::Start,
        Some("fail") => Kind::Fail,
        _ if memchr::memmem::find(line, super::pings::IGNORED.as_bytes()).is_some() => Kind::Ignored,
        _ => Kind::Log,
    }
}

fn run_hash(run: Option<&str>) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    run.hash(&mut hasher);
    hasher.finish()
}

impl Book {
    /// Adds a check, or puts another spec in the place of its own.
    pub(super) fn put(&mut self, code: &str, spec: Spec) -> usize {
        let at = match self.codes.get(code) {
            Some(at) => {
                let at = *at;
                if let Some(check) = self.checks[at].as_mut() {
                    if check.spec.slug != spec.slug {
                        let old = check.spec.slug.clone();
                        let slugs = self.slugs.entry(old).or_default();
                        slugs.retain(|other| *other != at);
                        self.slugs.entry(spec.slug.clone()).or_default().push(at);
                    }
                    check.spec = spec;
                    check.changed();
                }
                return at;
            }
            None => self.checks.len(),
        };
        self.codes.insert(code.to_owned(), at);
        self.beats.insert(spec.beat.clone(), at);
        self.slugs.entry(spec.slug.clone()).or_default().push(at);
        self.checks.push(Some(Check::new(code.to_owned(), spec)));
        at
    }

    /// Takes a check out.
    pub(super) fn remove(&mut self, code: &str) -> Option<Check> {
        let at = self.codes.remove(code)?;
        let check = self.checks[at].take()?;
        self.beats.remove(&check.spec.beat);
        if let Some(slugs) = self.slugs.get_mut(&check.spec.slug) {
            slugs.retain(|other| *other != at);
        }
        Some(check)
    }

    /// How many checks there are.
    pub(super) fn len(&self) -> usize {
        self.codes.len()
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().flatten()
    }

    pub(super) fn each_mut(&mut self) -> impl Iterator<Item = &mut Check> {
        self.checks.iter_mut().flatten()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Check> {
        self.checks.get(at)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Check> {
        self.checks.get_mut(at)?.as_mut()
    }

    /// The place of a check by its UUID.
    pub(super) fn by_code(&self, code: &str) -> Option<usize> {
        self.codes.get(code).copied()
    }

    /// The place of a check by the name of its beats.
    pub(super) fn by_beat(&self, beat: &str) -> Option<usize> {
        self.beats.get(beat).copied()
    }

    /// The place of a check by the key of who may only read.
    pub(super) fn by_unique_key(&self, key: &str) -> Option<usize> {
        self.checks.iter().position(|check| check.as_ref().is_some_and(|check| check.spec.unique_key == key))
    }

    /// The place of a check by its slug.
    pub(super) fn by_slug(&self, slug: &str) -> BySlug {
        match self.slugs.get(slug).map_or(&[][..], Vec::as_slice) {
            [] => BySlug::None,
            [one] => BySlug::One(*one),
            _ => BySlug::Several,
        }
    }

    /// A name for the beats of a new check: what it wishes, or that with the beginning of its UUID.
    pub(super) fn free_beat(&self, wished: &str, code: &str) -> String {
        match wished {
            "" => code.to_owned(),
            _ if self.beats.contains_key(wished) => format!("{}-{}", &wished[..wished.len().min(100)], &code[..8]),
            _ => wished.to_owned(),
        }
    }

    /// Takes one line of the history.
    pub(super) fn line(&mut self, line: &[u8]) {
        if let Some((beat, at)) = self.beat(line)
            && let Some(check) = self.get_mut(at)
        {
            check.take(&beat, line);
        }
    }

    /// Takes one line of before, for the lists only.
    pub(super) fn old_line(&mut self, line: &[u8]) {
        if let Some((beat, at)) = self.beat(line)
            && let Some(check) = self.get_mut(at)
        {
            check.list_old(&beat, line);
        }
    }

    fn beat(&mut self, line: &[u8]) -> Option<(Beat, usize)> {
        // Samples stand beside beats in the history; they need not be read.
        memchr::memmem::find(line, b"\"beat\"")?;
        let beat = match decode(line) {
            Ok(Record::Beat(beat)) => beat,
            Ok(_) => return None,
            Err(_) => {
                self.bad_lines += 1;
                return None;
            }
        };
        self.beats_read += 1;
        let at = self.by_beat(&beat.beat)?;
        Some((beat, at))
    }

    /// What is to be remembered, by the names of beats.
    pub(super) fn remembered(&self) -> BTreeMap<String, Remembered> {
        self.each().map(|check| (check.spec.beat.clone(), check.remembered())).collect()
    }

    /// Takes what was remembered; what is of no check any more is let go.
    pub(super) fn restore(&mut self, remembered: BTreeMap<String, Remembered>) {
        for (beat, old) in remembered {
            if let Some(check) = self.by_beat(&beat).and_then(|at| self.get_mut(at)) {
                check.restore(old);
            }
        }
    }
}
