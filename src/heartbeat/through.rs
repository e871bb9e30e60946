//! A path seen through its generator: which of the two is broken, where nothing comes out any more.
//!
//! A generator makes activity and beats for whether making it worked; what it made comes out at the far end of
//! the path, as the path's beats. A run that made something is answered when a beat of the path comes that is not from
//! before the run. The path is broken when a run stays without an answer for longer than the grace:
//!
//! ```text
//! generator   ok@10:00          ok@10:10          (silent)
//! path             ok@10:00:05       -- nothing --
//!                                        |<- grace ->| broken since 10:10 + grace: the generator worked, nothing came
//!
//! generator   ok@10:00          (silent)
//! path             ok@10:00:05                    every run was answered: cannot tell, and nobody is woken
//! ```
//!
//! So nothing has to be guessed of which of the two fell silent first: a generator that was killed leaves no run
//! without an answer. What a generator made that failed later is evidence all the same, until something comes out.
//!
//! | path   | generator ok            | generator failed, late, never seen |
//! |--------|-------------------------|------------------------------------|
//! | ok     | ok                      | ok: something came out             |
//! | failed | failed                  | cannot tell                        |
//! | late   | broken after the grace  | cannot tell                        |
//! | never  | broken after the grace  | cannot tell                        |
//!
//! In every cell a run without an answer, the grace over, is broken.
//!
//! Nothing is remembered here: all follows from the beats that the two jobs keep, so of a path that is broken for
//! longer than these reach back the instant since when is that of the oldest run that is kept.

use super::{Job, Kind, Seen, State, Why};
use crate::record::show;
use crate::time::{Span, Timestamp};

/// How far the clocks of a generator and of the far end may be apart, where the grace is not shorter.
const CLOCKS: Span = Span::from_secs(5);

/// How one of the two fares by its own beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// As expected.
    Ok,
    /// Its last beats were failures, since then.
    Failed(Timestamp),
    /// No beat came when one was due, since then.
    Late(Timestamp),
    /// No beat ever came.
    Never,
    /// Nothing is expected.
    Paused,
}

impl Sign {
    /// How a job fares at an instant by its own beats.
    fn of(job: &Job, now: Timestamp) -> Sign {
        match job.state(now).state {
            State::Up | State::Grace(_) => Sign::Ok,
            State::Down { since, why: Why::Failed } => Sign::Failed(since),
            State::Down { since, why: Why::Late | Why::Hung } => Sign::Late(since),
            State::New => Sign::Never,
            State::Paused => Sign::Paused,
        }
    }
}

/// What a path comes to at an instant, by its beats and those of its generator.
pub fn finding(path: &Job, generator: &Job, now: Timestamp) -> Finding {
    let sign = match Sign::of(path, now) {
        // What was never seen and is not due yet is not missed.
        Sign::Never if path.never_seen_from().is_none_or(|from| now < from) => Sign::Ok,
        sign => sign,
    };
    let generator_is = (generator.expectation().name.as_str(), Sign::of(generator, now));
    Through::of(path, generator).judge(sign, generator_is, path.expectation().grace, now)
}

/// When a run without an answer will be one too long.
pub fn next_change(path: &Job, generator: &Job, now: Timestamp) -> Option<Timestamp> {
    Through::of(path, generator).next_change(path.expectation().grace, now)
}

/// What a path comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// What its own beats say.
    AsItIs,
    /// The generator made something and nothing came out.
    Broken {
        /// When the grace was over.
        since: Timestamp,
        /// Why, in a sentence.
        reason: String,
    },
    /// Nothing came out, and nothing says that something should have.
    CannotTell {
        /// Why, in a sentence.
        reason: String,
    },
}

/// A run of a generator that made something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    from: Timestamp,
    to: Timestamp,
}

/// What the beats of a path and its generator say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Through {
    /// The newest beat of the path.
    seen: Option<Timestamp>,
    /// The first run since then that has no answer.
    open: Option<Made>,
    /// The newest start of a run of the generator, by its run.
    begun: Option<(Option<String>, Timestamp)>,
}

impl Through {
    /// What the beats say that are kept of the two.
    fn of(path: &Job, generator: &Job) -> Through {
        let mut all: Vec<(bool, &Seen)> =
            path.recent().map(|seen| (false, seen)).chain(generator.recent().map(|made| (true, made))).collect();
        all.sort_by_key(|(_, beat)| beat.ts);
        let (grace, mut through) = (path.expectation().grace, Through::default());
        for (is_made, beat) in all {
            if is_made { through.made(beat, grace) } else { through.seen(beat, grace) }
        }
        through
    }

    /// Takes a beat of the generator.
    fn made(&mut self, beat: &Seen, grace: Span) {
        match beat.kind {
            Kind::Start => self.begun = Some((beat.run.clone(), beat.ts)),
            Kind::Ok => {
                let made = Made { from: self.begin_of(beat), to: beat.ts };
                let is_answered = self.seen.is_some_and(|seen| answers(seen, made, grace));
                if !is_answered && self.open.is_none_or(|open| made.to < open.to) {
                    self.open = Some(made);
                }
            }
            Kind::Fail | Kind::Log | Kind::Pause | Kind::Resume => {}
        }
    }

    /// When the run that a beat ends began.
    fn begin_of(&self, beat: &Seen) -> Timestamp {
        let by_duration = beat.duration_s.and_then(Span::from_secs_f64).map(|span| beat.ts.minus(span));
        let by_start = self.begun.as_ref().filter(|(run, ts)| *run == beat.run && *ts <= beat.ts).map(|(_, ts)| *ts);
        by_duration.or(by_start).unwrap_or(beat.ts)
    }

    /// Takes a beat of the path: something came out. That something failed there says so by itself.
    fn seen(&mut self, beat: &Seen, grace: Span) {
        if !matches!(beat.kind, Kind::Ok | Kind::Fail) {
            return;
        }
        self.seen = self.seen.max(Some(beat.ts));
        self.open = self.open.filter(|made| !answers(beat.ts, *made, grace));
    }

    /// What the path comes to at an instant, as both fare by their own beats.
    ///
    /// `grace` is that of the path: how long what was made may take to come out.
    fn judge(&self, path: Sign, (name, generator): (&str, Sign), grace: Span, now: Timestamp) -> Finding {
        let name = show(name.as_bytes(), 80);
        if let Some((made, since)) = self.open.map(|made| (made, made.to.plus(grace))).filter(|(_, since)| *since <= now) {
            let reason = format!("its generator `{name}` worked at {}, and nothing of that came out within {}", made.to, grace.human());
            return Finding::Broken { since, reason };
        }
        let why = match (path, generator) {
            (Sign::Ok | Sign::Paused, _) | (Sign::Failed(_), Sign::Ok) => return Finding::AsItIs,
            (_, Sign::Failed(since)) => format!("has failed since {since}"),
            (_, Sign::Late(since)) => format!("is late since {since}"),
            (_, Sign::Never) => "was never seen".into(),
            (_, Sign::Paused) => "is paused".into(),
            (_, Sign::Ok) => match self.open {
                Some(made) => format!("worked at {}, and what it made has time until {}", made.to, made.to.plus(grace)),
                None => "has made nothing since something last came out".into(),
            },
        };
        Finding::CannotTell { reason: format!("cannot tell: its generator `{name}` {why}") }
    }

    /// When a run without an answer will be one too long.
    fn next_change(&self, grace: Span, now: Timestamp) -> Option<Timestamp> {
        self.open.map(|made| made.to.plus(grace)).filter(|due| *due > now)
    }
}

/// Whether a beat of the path is of a run or of what came after it. Two clocks never agree, so a
/// little before counts.
fn answers(seen: Timestamp, made: Made, grace: Span) -> bool {
    let slack = CLOCKS.min(Span::from_nanos(grace.nanos() / 2));
    seen >= made.from.minus(slack)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heartbeat::{Expectation, Schedule};
    use crate::record::Beat;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(1_800_000_000_000_000_000 + seconds * 1_000_000_000)
    }

    fn beat(seconds: i64, state: &str) -> Seen {
        Seen::of(&Beat { ts: at(seconds), state: Some(state.into()), ..Beat::default() })
    }

    const GRACE: Span = Span::from_secs(300);

    fn word(finding: &Finding) -> &'static str {
        match finding {
            Finding::AsItIs => "own",
            Finding::Broken { .. } => "broken",
            Finding::CannotTell { .. } => "cannot tell",
        }
    }

    #[test]
    fn the_broken_path_is_told_from_the_broken_generator_in_every_combination() {
        let signs = [Sign::Ok, Sign::Failed(at(700)), Sign::Late(at(700)), Sign::Never];
        // Of each row: every run answered; the newest run still within the grace; the grace over.
        let (own, cannot, broken) = ("own", "cannot tell", "broken");
        let table: [(usize, usize, [&str; 3]); 16] = [
            (0, 0, [own, own, broken]),
            (0, 1, [own, own, broken]),
            (0, 2, [own, own, broken]),
            (0, 3, [own, own, broken]),
            (1, 0, [own, own, broken]),
            (1, 1, [cannot, cannot, broken]),
            (1, 2, [cannot, cannot, broken]),
            (1, 3, [cannot, cannot, broken]),
            (2, 0, [cannot, cannot, broken]),
            (2, 1, [cannot, cannot, broken]),
            (2, 2, [cannot, cannot, broken]),
            (2, 3, [cannot, cannot, broken]),
            (3, 0, [cannot, cannot, broken]),
            (3, 1, [cannot, cannot, broken]),
            (3, 2, [cannot, cannot, broken]),
            (3, 3, [cannot, cannot, broken]),
        ];
        let mut answered = Through::default();
        answered.made(&beat(600, "ok"), GRACE);
        answered.seen(&beat(605, "ok"), GRACE);
        let mut open = answered.clone();
        open.made(&beat(1200, "ok"), GRACE);
        for (path, generator, expected) in table {
            let judge = |of: &Through, now: i64| word(&of.judge(signs[path], ("g", signs[generator]), GRACE, at(now)));
            let found = [judge(&answered, 1499), judge(&open, 1499), judge(&open, 1500)];
            assert_eq!(found, expected, "path {:?}, generator {:?}", signs[path], signs[generator]);
        }
    }

    #[test]
    fn the_reason_says_which_of_the_two_it_is_and_since_when() {
        let mut through = Through::default();
        let reason = |of: &Through, generator| match of.judge(Sign::Late(at(0)), ("probe", generator), GRACE, at(2000)) {
            Finding::Broken { since, reason } => format!("{since}: {reason}"),
            Finding::CannotTell { reason } => reason,
            Finding::AsItIs => "as it is".into(),
        };
        assert_eq!(reason(&through, Sign::Late(at(700))), "cannot tell: its generator `probe` is late since 2027-01-15T08:11:40Z");
        assert_eq!(reason(&through, Sign::Failed(at(700))), "cannot tell: its generator `probe` has failed since 2027-01-15T08:11:40Z");
        assert_eq!(reason(&through, Sign::Never), "cannot tell: its generator `probe` was never seen");
        through.made(&beat(1200, "ok"), GRACE);
        let told = "its generator `probe` worked at 2027-01-15T08:20:00Z, and nothing of that came out within 5 min";
        assert_eq!(reason(&through, Sign::Ok), format!("2027-01-15T08:25:00Z: {told}"));
        assert_eq!(through.next_change(GRACE, at(1300)), Some(at(1500)));
        assert_eq!(through.next_change(GRACE, at(1500)), None);
    }

    /// A path and its generator of which both beat each ten minutes, from what each said at which second.
    fn jobs(path: &[(i64, &str)], generator: &[(i64, &str)]) -> (Job, Job) {
        let job = |name: &str, beats: &[(i64, &str)]| {
            let expectation = Expectation { grace: GRACE, ..Expectation::new(name, Schedule::Every(Span::from_secs(600))) };
            let mut job = Job::new(expectation, at(0));
            for (ts, state) in beats {
                job.take(beat(*ts, state));
            }
            job
        };
        (job("checkout", path), job("probe", generator))
    }

    #[test]
    fn by_their_beats_alone_a_killed_generator_is_told_from_a_broken_system() {
        let well = [(5, "ok"), (605, "ok")];
        for (path, generator, now, expected) in [
            (&well[..], &[(0, "ok"), (600, "ok")][..], 900, "own"),
            // The generator was killed; the path is late first by its schedule.
            (&well, &[(0, "ok"), (600, "ok")], 1506, "cannot tell"),
            (&well, &[(0, "ok"), (600, "ok")], 9000, "cannot tell"),
            (&well, &[(0, "ok"), (600, "ok"), (1200, "fail")], 9000, "cannot tell"),
            // The system broke: what was made at 1200 did not come out.
            (&well, &[(0, "ok"), (600, "ok"), (1200, "ok")], 1499, "own"),
            (&well, &[(0, "ok"), (600, "ok"), (1200, "ok")], 1500, "broken"),
            (&[], &[(0, "ok"), (600, "ok")], 899, "broken"),
            (&[], &[(0, "fail")], 899, "own"),
            (&[], &[(0, "fail")], 901, "cannot tell"),
            (&[], &[], 9000, "cannot tell"),
            (&[(5, "fail")], &[(0, "ok")], 100, "own"),
        ] {
            let (checkout, probe) = jobs(path, generator);
            assert_eq!(word(&finding(&checkout, &probe, at(now))), expected, "{path:?} {generator:?} at {now}");
        }
        let (checkout, probe) = jobs(&well, &[(0, "ok"), (600, "ok"), (1200, "ok")]);
        assert_eq!(next_change(&checkout, &probe, at(1300)), Some(at(1500)));
    }

    #[test]
    fn what_comes_out_while_the_run_still_goes_on_answers_it() {
        for (start, duration) in [(true, None), (false, Some(20.0))] {
            let mut through = Through::default();
            if start {
                through.made(&Seen { run: Some("r".into()), ..beat(0, "start") }, GRACE);
            }
            through.seen(&beat(8, "ok"), GRACE);
            through.made(&Seen { run: Some("r".into()), duration_s: duration, ..beat(20, "ok") }, GRACE);
            assert_eq!(through.open, None, "{start} {duration:?}");
        }
    }

    #[test]
    fn a_failed_run_asks_for_no_answer_and_a_clock_a_little_behind_gives_one() {
        let mut through = Through::default();
        through.made(&beat(0, "fail"), GRACE);
        assert_eq!(through.open, None);
        through.made(&beat(600, "ok"), GRACE);
        through.seen(&beat(594, "ok"), GRACE);
        assert!(through.open.is_some());
        through.seen(&beat(595, "ok"), GRACE);
        assert_eq!(through.open, None);
    }

    proptest! {
        /// A generator that is killed, fails or comes back pages nobody, whatever it was that it did before:
        /// as long as the system answers each run within the grace, the path is never broken.
        #[test]
        fn while_the_system_answers_nothing_the_generator_does_makes_it_broken(runs in prop::collection::vec((0u32..2000, any::<bool>(), 0u32..299), 0..30), looks in prop::collection::vec(0u32..70_000, 1..20)) {
            let mut events = Vec::new();
            let mut now = 0i64;
            for (pause, worked, takes) in runs {
                now += i64::from(pause) + 300;
                events.push((now, true, worked));
                if worked {
                    events.push((now + i64::from(takes), false, true));
                }
            }
            events.sort();
            let signs = [Sign::Ok, Sign::Failed(at(0)), Sign::Late(at(0)), Sign::Never];
            for look in looks {
                let mut through = Through::default();
                for (ts, of_generator, worked) in events.iter().filter(|(ts, ..)| *ts <= i64::from(look)) {
                    let beat = beat(*ts, if *worked { "ok" } else { "fail" });
                    if *of_generator { through.made(&beat, GRACE) } else { through.seen(&beat, GRACE) }
                }
                for path in signs {
                    for generator in signs {
                        let finding = through.judge(path, ("g", generator), GRACE, at(i64::from(look)));
                        prop_assert_ne!(word(&finding), "broken");
                    }
                }
            }
        }

        /// From when the system answers no more, the first run that worked is told at the end of its grace, to the second.
        #[test]
        fn a_broken_system_is_told_at_the_end_of_the_grace_of_the_first_run_without_answer(answered in 0i64..20, fails in 0i64..3, later in 1i64..5) {
            let mut through = Through::default();
            for run in 0..answered {
                through.made(&beat(run * 600, "ok"), GRACE);
                through.seen(&beat(run * 600 + 10, "ok"), GRACE);
            }
            for run in 0..fails {
                through.made(&beat((answered + run) * 600, "fail"), GRACE);
            }
            let first = (answered + fails) * 600;
            for run in 0..later {
                through.made(&beat(first + run * 600, "ok"), GRACE);
            }
            let judge = |now: i64| through.judge(Sign::Late(at(0)), ("g", Sign::Ok), GRACE, at(now));
            prop_assert_ne!(word(&judge(first + 299)), "broken");
            let Finding::Broken { since, .. } = judge(first + 3000) else { return Err(TestCaseError::fail("not told")) };
            prop_assert_eq!(since, at(first + 300));
        }
    }
}
