//! `check --live`: verdicts as they change, while time passes and records come.
//!
//! Evaluations are made at the multiples of each check's step, a moment after they have passed, so
//! that what is of that very instant has come in. With `--at` the records tell the time, so that
//! yesterday is followed as it would have been; else the clock does, and absence is seen while nothing comes.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::feed::Feed;
use super::memory::Memory;
use super::rules::Typed;
use super::{TOOL, say};
use crate::cli::input::Flush;
use crate::cli::{Alive, Clock, Failure, Io, Output, Stop, Trouble};
use crate::ndjson::write;
use crate::record::{Record, Status, Tags, Verdict};
use crate::rule::{Engine, Judgement, Senseless};
use crate::time::{Span, Timestamp};

/// How often the state is committed at most.
const COMMIT: Span = Span::from_secs(1);

/// A live run.
pub(super) struct Live<'a> {
    rules: &'a Typed,
    pub(super) engine: Engine,
    feed: Feed,
    out: Output,
    clock: Clock,
    /// How long after an instant records of it are waited for.
    late: Span,
    pass: bool,
    memory: Option<Memory>,
    waiter: Option<Waiter>,
    /// The next instant at which something is to be done.
    due: Timestamp,
    /// The latest time that it was, by which it is seen that the clock was set back.
    latest: Timestamp,
    /// Where people are told.
    voice: Box<dyn Write + Send>,
    human: bool,
    colour: bool,
    /// What was told of records that there is no room for: once is enough.
    no_room: Option<String>,
}

/// Where it is seen that records come or that the run is to end.
pub(super) struct Waiter {
    input: OwnedFd,
    stop: Stop,
    alive: Alive,
}

impl Waiter {
    /// On standard input, where it is a stream that can be waited for.
    pub(super) fn new(io: &Io) -> Option<Waiter> {
        let input = io.stdin.fd()?.try_clone_to_owned().ok()?;
        Some(Waiter { input, stop: io.stop.clone(), alive: io.alive.clone() })
    }

    /// Waits until records come, a signal does, or the time is over; whether something came.
    fn wait(&self, span: Span) -> bool {
        if self.stop.asked() {
            return true;
        }
        let mut fds = vec![PollFd::new(&self.input, PollFlags::IN)];
        let stop = self.stop.fd();
        fds.extend(stop.as_ref().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)));
        self.alive.turn();
        let span = self.alive.rest().map_or(span, |rest| span.min(rest));
        let timeout = Timespec { tv_sec: span.nanos() / 1_000_000_000, tv_nsec: span.nanos() % 1_000_000_000 };
        // An interrupted wait is looked at again by the caller.
        poll(&mut fds, Some(&timeout)).is_ok_and(|count| count > 0)
    }
}

impl<'a> Live<'a> {
    pub(super) fn new(rules: &'a Typed, engine: Engine, feed: Feed, out: Output, io: &Io, late: Span) -> Live<'a> {
        Live {
            rules,
            engine,
            feed: feed.go_on(io.clock),
            out,
            clock: io.clock,
            late,
            pass: false,
            memory: None,
            waiter: None,
            due: Timestamp::MIN,
            latest: Timestamp::MIN,
            voice: io.voice(),
            human: false,
            no_room: None,
            colour: io.colour_stderr(),
        }
    }

    /// Passes the records on, before the verdicts.
    pub(super) fn pass(mut self, pass: bool) -> Live<'a> {
        self.pass = pass;
        self
    }

    /// Remembers between runs.
    pub(super) fn memory(mut self, memory: Option<Memory>) -> Live<'a> {
        self.memory = memory;
        self
    }

    /// Sees time pass while standard input is silent.
    pub(super) fn waiter(mut self, waiter: Option<Waiter>) -> Live<'a> {
        self.waiter = waiter;
        self
    }

    /// Explains the verdicts in plain words, too.
    pub(super) fn human(mut self, human: bool) -> Live<'a> {
        self.human = human;
        self
    }

    /// What time it is: by the clock, or by the newest record where an instant was given.
    fn now(&self) -> Timestamp {
        match self.clock {
            Clock::System => self.clock.now(),
            Clock::Fixed(at) => self.feed.newest.min(at),
        }
    }

    /// Takes one line in.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Trouble> {
        if self.pass {
            crate::ndjson::decode(line)?;
            self.out.line(line)?;
        }
        let clock = self.clock;
        let ts = self.feed.line(line, &mut self.engine, &|| clock.now())?;
        if let Some(message) = self.feed.no_room.take()
            && self.no_room.is_none()
        {
            let _ = writeln!(self.voice, "{}: {message}; what there is no room for is left out", TOOL.name);
            self.no_room = Some(message);
        }
        if self.engine.at().is_none() {
            // Nothing is judged before the run began, or before its first record where these tell the time.
            let start = if clock.now() == self.now() || matches!(clock, Clock::System) { clock.now() } else { ts };
            self.engine.resume(start.minus(Span::from_nanos(1)));
        }
        let now = self.now();
        if now >= self.due || now < self.latest {
            self.pass_time(now)?;
        }
        Ok(())
    }

    /// Makes the evaluations that are due.
    fn pass_time(&mut self, now: Timestamp) -> Result<(), Failure> {
        let until = now.minus(self.late);
        if now.plus(self.engine.step().times(2)) < self.latest {
            let _ = writeln!(self.voice, "{}: the clock was set back by {}; goes on from there", TOOL.name, self.latest.since(now).human());
            self.engine.resume(until);
            self.latest = now;
        }
        self.latest = self.latest.max(now);
        let first = self.engine.first(until);
        let mut judged = Vec::new();
        let mut wrong = None;
        if self.engine.at().is_some() {
            self.engine.run(first, until, &mut |engine, outcome| {
                if outcome.before != Some(outcome.status) {
                    match engine.judge_group(outcome.rule, outcome.group, outcome.at) {
                        Ok(judgement) => judged.push(judgement),
                        Err(senseless) => wrong = Some(senseless),
                    }
                }
            });
        }
        self.due = until.floor_to(self.engine.step()).plus(self.engine.step()).plus(self.late).plus(Span::from_nanos(1));
        for (ts, name) in self.engine.dissolved() {
            let reason = Some("its groups have come, and each is judged by itself".to_owned());
            let verdict = Verdict { ts, check: name, status: Status::Ok, reason, ..Verdict::default() };
            self.out.append(|block| write(block, &Record::Verdict(verdict)))?;
        }
        self.tell(judged)?;
        match wrong {
            Some(senseless) => Err(self.rules.wrong(&senseless)),
            None => Ok(()),
        }
    }

    fn tell(&mut self, judged: Vec<Judgement>) -> Result<(), Failure> {
        for judgement in &judged {
            self.out.append(|block| write(block, &Record::Verdict(judgement.verdict.clone())))?;
        }
        if self.human {
            // Who reads records reads what is said about them where the records are.
            judged.iter().for_each(|judgement| say(judgement, self.colour, &mut self.voice));
        }
        Ok(())
    }

    /// Commits what is remembered, when that is due.
    fn commit(&mut self, always: bool) -> Result<(), Failure> {
        let (engine, feed) = (&self.engine, &mut self.feed);
        let Some(memory) = &mut self.memory else { return Ok(()) };
        let due = match (memory.at, engine.at()) {
            (Some(last), Some(at)) => at.since(last) >= COMMIT,
            (None, at) => at.is_some(),
            (Some(_), None) => false,
        };
        if always || due {
            memory.points.append(&mut feed.kept);
            memory.commit(engine)?;
        }
        Ok(())
    }

    /// Makes the last evaluations, and judges the instant of the end; all judgements.
    ///
    /// # Errors
    /// When a condition makes no sense for the data, or writing fails.
    pub(super) fn end(&mut self) -> Result<Vec<Judgement>, Failure> {
        let at = self.clock.now();
        self.engine.advance(at);
        self.late = Span::ZERO;
        if self.engine.at().is_none() {
            self.engine.resume(at.minus(Span::from_nanos(1)));
        }
        self.pass_time(at)?;
        let judged = self.engine.judge(at).map_err(|senseless: Senseless| self.rules.wrong(&senseless))?;
        let is_new = |judgement: &&Judgement| {
            let verdict = &judgement.verdict;
            let same = |tags: &Tags| tags.iter().all(|(key, value)| verdict.tags.get(key) == Some(value));
            !self.engine.statuses().any(|(name, status, tags)| name == verdict.check && status == Some(verdict.status) && same(tags))
        };
        let news = judged.iter().filter(is_new).cloned().collect();
        self.tell(news)?;
        self.out.flush()?;
        self.commit(true)?;
        Ok(judged)
    }
}

impl Flush for Live<'_> {
    /// Brings out what is gathered, and lets time pass until more records come.
    fn flush(&mut self) -> Result<(), Failure> {
        loop {
            let now = self.now();
            if now >= self.due {
                self.pass_time(now)?;
            }
            self.out.flush()?;
            self.commit(false)?;
            let Some(waiter) = self.waiter.as_ref().filter(|_| matches!(self.clock, Clock::System)) else { return Ok(()) };
            if waiter.wait(self.due.since(self.now()).max(Span::from_millis(1))) {
                return Ok(());
            }
        }
    }
}
