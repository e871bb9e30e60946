//! `heartbeat watch --live`: verdicts as they change.
//!
//! With `--at` the beats tell the time, so that yesterday is followed as it would have been; else the
//! clock does, and silence is seen while nothing comes.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::follow::Follow;
use super::memory::{Memory, look};
use super::{Plan, TOOL, beat_of, say, tell_strangers};
use crate::cli::alive::Alive;
use crate::cli::input::Flush;
use crate::cli::{Clock, Failure, Inputs, Io, Output, Stop, Trouble};
use crate::heartbeat::{Look, Turns, Watch};
use crate::ndjson::write;
use crate::record::{Record, Status, Verdict};
use crate::time::{Span, Timestamp};

/// How often the history is looked at.
const LOOK: Span = Span::from_millis(250);

/// How often the state is committed when nothing was told.
const COMMIT: Span = Span::from_secs(10);

/// A live run.
pub(super) struct Live {
    watch: Watch,
    turns: Turns,
    memory: Option<Memory>,
    follow: Option<Follow>,
    out: Output,
    clock: Clock,
    alive: Alive,
    stop: Stop,
    input: Option<OwnedFd>,
    look: Option<Look>,
    committed: Timestamp,
    /// The latest time that a beat told, where these tell the time.
    newest: Timestamp,
    told: Vec<Verdict>,
    started: bool,
    /// Whether the history is read again and again, so that much of it is known or older than what is kept.
    is_own: bool,
    human: bool,
    colour: bool,
    voice: Box<dyn Write + Send>,
}

impl Live {
    pub(super) fn new(plan: &Plan, mut watch: Watch, memory: Option<Memory>, io: &mut Io) -> Live {
        let now = io.now();
        let usual = Some(LOOK.times(20));
        for away in memory.iter().flat_map(|memory| memory.absences(now, usual)) {
            watch.away(away);
        }
        let said = memory.as_ref().map(Memory::said).unwrap_or_default();
        let is_real = matches!(io.clock, Clock::System);
        let begin = if is_real { now } else { Timestamp::MIN };
        Live {
            turns: Turns::new(&watch, begin, said),
            watch,
            memory,
            follow: (plan.own && is_real).then(|| Follow::new(&plan.beats)),
            input: if plan.inputs.iter().any(|path| path == "-") {
                io.stdin.fd().and_then(|fd| fd.try_clone_to_owned().ok())
            } else {
                None
            },
            out: Output::take(io, false),
            clock: io.clock,
            alive: io.alive.clone(),
            stop: io.stop.clone(),
            look: is_real.then(|| look(now, true)),
            committed: now,
            newest: Timestamp::MIN,
            told: Vec::new(),
            started: false,
            is_own: plan.own,
            human: plan.human || io.stdout_is_terminal,
            colour: io.colour_stderr(),
            voice: io.voice(),
        }
    }

    /// Runs until its input ends or it is asked to; how bad the worst job is then.
    pub(super) fn run(mut self, inputs: Option<Inputs>, io: &mut Io) -> Result<Status, Failure> {
        if let Some(mut inputs) = inputs {
            inputs.each(io, &mut self, &mut |line, live| live.line(line))?;
        }
        self.begin();
        while self.follow.is_some() && !self.stop.asked() {
            self.turn()?;
            self.wait();
        }
        let end = self.clock.now();
        self.turns.pass(&self.watch, end, &mut self.told);
        self.turns.all(&self.watch, end, &mut self.told);
        self.bring_out()?;
        self.commit(end)?;
        tell_strangers(&self.watch, self.is_own, io);
        let worst = self.watch.judge(end).into_iter().map(|verdict| verdict.status).max_by_key(|status| status.rank());
        Ok(worst.unwrap_or(Status::Ok))
    }

    /// Takes one line in.
    fn line(&mut self, line: &[u8]) -> Result<(), Trouble> {
        let Some(beat) = beat_of(line)? else { return Ok(()) };
        let now = self.clock.now();
        match self.clock {
            Clock::Fixed(at) if beat.ts > at => return Ok(()),
            Clock::Fixed(_) => {
                if !self.started {
                    self.watch.known_from(beat.ts);
                    self.turns.anew(&self.watch);
                    self.started = true;
                }
                self.newest = self.newest.max(beat.ts);
                self.turns.beat(&mut self.watch, &beat, self.newest, &mut self.told);
            }
            // What was there at the beginning is taken before anything is told of it.
            Clock::System if !self.started => {
                self.watch.observe(&beat);
            }
            Clock::System => self.turns.beat(&mut self.watch, &beat, now, &mut self.told),
        }
        Ok(())
    }

    /// Tells how every job stands at the beginning.
    fn begin(&mut self) {
        if !self.started && matches!(self.clock, Clock::System) {
            self.watch.bound(self.clock.now());
            self.turns.anew(&self.watch);
            self.turns.all(&self.watch, self.clock.now(), &mut self.told);
            self.started = true;
        }
    }

    /// Takes in what came, and lets time pass.
    fn turn(&mut self) -> Result<(), Failure> {
        let now = self.clock.now();
        self.alive.turn();
        self.look_at_clocks(now);
        let (watch, turns, told) = (&mut self.watch, &mut self.turns, &mut self.told);
        if let Some(follow) = &mut self.follow {
            let read = follow.poll(now, &mut |line| {
                // What is no record was refused to whoever wrote it, or is told by those who read the history.
                if let Ok(Some(beat)) = beat_of(line) {
                    turns.beat(watch, &beat, now, told);
                }
            });
            read.map_err(|error| Failure::io("the history of beats: cannot read", error))?;
        }
        if self.watch.bound(now) > 0 {
            self.turns.anew(&self.watch);
        }
        self.turns.pass(&self.watch, now, &mut self.told);
        let news = !self.told.is_empty();
        self.bring_out()?;
        if news || now.since(self.committed) >= COMMIT || now < self.committed {
            self.commit(now)?;
        }
        Ok(())
    }

    /// Sees whether the machine slept or its clock was set since the last look.
    fn look_at_clocks(&mut self, now: Timestamp) {
        let Some(before) = &self.look else { return };
        let current = look(now, true);
        let away = current.since(before, LOOK.times(20));
        self.look = Some(current);
        if !away.is_empty() {
            for away in away {
                let _ = writeln!(self.voice, "{}: {}", TOOL.name, away.told());
                self.watch.away(away);
            }
            self.turns = Turns::new(&self.watch, now, self.turns.said().clone());
        }
    }

    fn bring_out(&mut self) -> Result<(), Failure> {
        for verdict in std::mem::take(&mut self.told) {
            self.out.append(|block| write(block, &Record::Verdict(verdict.clone())))?;
            if self.human {
                say(&verdict, self.colour, &mut self.voice);
            }
        }
        self.out.flush()
    }

    fn commit(&mut self, now: Timestamp) -> Result<(), Failure> {
        self.committed = now;
        self.memory.as_mut().map_or(Ok(()), |memory| memory.commit(&self.watch, now, self.turns.said()))
    }

    /// Waits until something may have come, a state changes, or the run is to end.
    fn wait(&self) -> bool {
        let now = self.clock.now();
        let left = self.turns.next().map_or(LOOK, |next| next.since(now).min(LOOK)).max(Span::from_millis(1));
        let stop = self.stop.fd();
        let mut fds: Vec<PollFd<'_>> = self.input.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)).collect();
        fds.extend(stop.as_ref().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)));
        let timeout = Timespec { tv_sec: left.nanos() / 1_000_000_000, tv_nsec: left.nanos() % 1_000_000_000 };
        poll(&mut fds, Some(&timeout)).is_ok_and(|count| count > 0)
    }
}

impl Flush for Live {
    /// Brings out what is gathered, and lets time pass until more beats come.
    fn flush(&mut self) -> Result<(), Failure> {
        if matches!(self.clock, Clock::Fixed(_)) || self.input.is_none() {
            return self.bring_out();
        }
        self.begin();
        loop {
            self.turn()?;
            if self.stop.asked() || self.wait() {
                return Ok(());
            }
        }
    }
}
