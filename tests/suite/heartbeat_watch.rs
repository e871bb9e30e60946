//! The states of a job: against healthchecks' tables, against a reference made from them, and by laws.

use pipewatch::calendar::{Cron, OnCalendar, Recurrence, Zone};
use pipewatch::heartbeat::{Absence, Away, Expectation, Failures, Job, Maintenance, Schedule, State, Timed, Turns, Watch, Why};
use pipewatch::record::{Beat, Status, Verdict};
use pipewatch::time::{Span, Timestamp};
use proptest::prelude::*;

const HOUR: Span = Span::from_secs(3600);

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// So many seconds after the beginning of 2026.
fn second(count: i64) -> Timestamp {
    Timestamp::from_nanos(at("2026-01-01T00:00:00Z").nanos() + count * 1_000_000_000)
}

fn span(text: &str) -> Span {
    Span::parse(text).unwrap()
}

fn every(period: &str, grace: &str) -> Expectation {
    Expectation { grace: span(grace), ..Expectation::new("job", Schedule::Every(span(period))) }
}

fn beat(ts: Timestamp, state: &str, run: &str) -> Beat {
    let run = (run != "-").then(|| run.to_owned());
    Beat { ts, beat: "job".into(), state: Some(state.into()), run, ..Beat::default() }
}

/// Gives a job one event of the tables.
fn give(job: &mut Job, ts: Timestamp, event: &str, run: &str) {
    match event {
        "pause" => job.pause(ts),
        "resume" => job.resume(ts),
        state => {
            job.observe(&beat(ts, state, run));
        }
    }
}

fn rows(name: &str) -> Vec<Vec<String>> {
    let path = crate::programs::project().join("tests/data/heartbeat_watch").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<String>> = text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect();
    assert!(rows.len() > 5, "{name} was found");
    rows
}

fn down(job: &Job, now: Timestamp) -> (Timestamp, Why) {
    match job.state(now).state {
        State::Down { since, why } => (since, why),
        state => panic!("{state:?} at {now}"),
    }
}

#[test]
fn a_ping_moves_every_state_as_the_table_has_it() {
    for row in rows("transitions.tsv") {
        let [before, event, after, open] = row.as_slice() else { panic!("{row:?}") };
        for timed in [Timed::Newest, Timed::Every] {
            let mut job = Job::new(Expectation { timed, ..every("1d", "1h") }, second(0));
            match before.as_str() {
                "new" => {}
                "up" => give(&mut job, second(1), "ok", "-"),
                "down" => give(&mut job, second(1), "fail", "-"),
                "paused" => {
                    give(&mut job, second(1), "ok", "-");
                    give(&mut job, second(2), "pause", "-");
                }
                other => panic!("{other}"),
            }
            assert_eq!(job.state(second(5)).state.name(), before, "{row:?}");
            give(&mut job, second(10), event, "-");
            let standing = job.state(second(10));
            assert_eq!((standing.state.name(), !standing.started.is_empty()), (after.as_str(), open == "started"), "{row:?}");
        }
    }
}

#[test]
fn a_run_is_timed_by_its_id_as_the_table_has_it() {
    for row in rows("runs.tsv") {
        let [begun, event, run, open, duration] = row.as_slice() else { panic!("{row:?}") };
        let mut job = Job::new(Expectation { timed: Timed::Newest, ..every("1d", "1h") }, second(0));
        give(&mut job, second(1), "start", begun);
        give(&mut job, second(61), event, run);
        assert_eq!(job.course().open.is_empty(), open == "cleared", "{row:?}");
        assert_eq!(job.course().duration_s, (duration == "known").then_some(60.0), "{row:?}");
        if event == "start" {
            assert_eq!(job.course().open[0].run.as_deref(), Some(run.as_str()));
        }
    }
}

#[test]
fn time_moves_a_job_as_the_table_has_it() {
    for row in rows("times.tsv") {
        let [kind, text, zone, grace, last, now, expected] = row.as_slice() else { panic!("{row:?}") };
        let zone = Zone::named(zone).unwrap();
        let schedule = match kind.as_str() {
            "every" => Schedule::Every(span(text)),
            "cron" => Schedule::Cron(Recurrence::Cron(Cron::parse(text).unwrap(), zone)),
            _ => Schedule::OnCalendar(Recurrence::OnCalendar(vec![OnCalendar::parse(text).unwrap()], zone)),
        };
        let mut job = Job::new(Expectation { grace: span(grace), ..Expectation::new("job", schedule) }, at(last));
        give(&mut job, at(last), "ok", "-");
        assert_eq!(job.state(at(now)).state.name(), expected, "{row:?}");
    }
}

#[test]
fn the_instant_of_going_down_is_exact() {
    let mut job = Job::new(every("1d", "1h"), second(0));
    give(&mut job, second(0), "ok", "-");
    assert_eq!(down(&job, second(400_000)), (second(90_000), Why::Late));
    assert_eq!(job.next_change(second(86_400)), Some(second(90_000)));
    // Started while it is paused: it hangs by the grace.
    let mut job = Job::new(every("1d", "1h"), second(0));
    give(&mut job, second(1), "pause", "-");
    give(&mut job, second(10), "start", "-");
    assert_eq!(job.course().going_down(&terms(&job)), Some((second(3610), Why::Hung)));
    assert_eq!(down(&job, second(3610)), (second(3610), Why::Hung));
    // Down already: nothing more to come.
    let mut job = Job::new(every("1d", "1h"), second(0));
    give(&mut job, second(1), "fail", "-");
    give(&mut job, second(10), "start", "-");
    assert_eq!(job.next_change(second(10)), None);
    assert_eq!(down(&job, second(99_999)), (second(1), Why::Failed));
    // A beat that comes later finds it down since that very instant.
    let mut job = Job::new(every("1h", "5m"), second(0));
    give(&mut job, second(0), "ok", "-");
    give(&mut job, second(9000), "ok", "-");
    let outage = job.course().outages[0];
    assert_eq!((outage.from, outage.to, outage.why), (second(3900), second(9000), Why::Late));
}

fn terms(job: &Job) -> pipewatch::heartbeat::Terms {
    pipewatch::heartbeat::Terms { expectation: job.expectation().clone(), skipped: Vec::new() }
}

#[test]
fn the_transcript_of_a_live_server_is_repeated() {
    let mut job = Job::new(Expectation { timed: Timed::Newest, ..every("1d", "1h") }, second(0));
    for (number, row) in rows("transcript.tsv").into_iter().enumerate() {
        let [event, run, status, started, duration] = row.as_slice() else { panic!("{row:?}") };
        let now = second(number as i64 + 1);
        give(&mut job, now, event, run);
        let standing = job.state(now);
        let known = if job.course().duration_s.is_some() { "known" } else { "-" };
        let open = if standing.started.is_empty() { "-" } else { "started" };
        // That a server keeps the duration through a resume is not of the state.
        assert_eq!((standing.state.name(), open, known), (status.as_str(), started.as_str(), duration.as_str()), "{number}: {row:?}");
    }
}

/// What the tables say, written down from them and from nothing else: seconds, one run.
#[derive(Default)]
struct Reference {
    status: &'static str,
    last_ping: Option<i64>,
    last_start: Option<(i64, String)>,
    since: i64,
    period: i64,
    grace: i64,
}

impl Reference {
    fn goes_down_at(&self) -> Option<i64> {
        let due = if self.status == "up" { self.last_ping.map(|last| last + self.period) } else { None };
        let started = self.last_start.as_ref().map(|(at, _)| *at).filter(|_| self.status != "down");
        due.into_iter().chain(started).min().map(|begin| begin + self.grace)
    }

    fn sweep(&mut self, now: i64) {
        if let Some(down) = self.goes_down_at().filter(|down| *down <= now) {
            (self.status, self.since) = ("down", down);
        }
    }

    fn ping(&mut self, now: i64, event: &str, run: &str) {
        self.sweep(now);
        let before = self.status;
        match event {
            "log" => {}
            "start" => self.last_start = Some((now, run.to_owned())),
            "ok" | "fail" => {
                let same = self.last_start.as_ref().is_some_and(|(_, begun)| begun == run);
                if same || run == "-" || event == "fail" {
                    self.last_start = None;
                }
                self.last_ping = Some(now);
                self.status = if event == "ok" { "up" } else { "down" };
            }
            "pause" if before == "paused" => {}
            "pause" => (self.status, self.last_start) = ("paused", None),
            "resume" => (self.status, self.last_start, self.last_ping) = ("new", None, None),
            _ => unreachable!(),
        }
        if self.status != before {
            self.since = now;
        }
    }

    /// What is shown: what is open for too long is down, what is due and not late is in its grace.
    fn shown(&self, now: i64) -> &'static str {
        if self.last_start.as_ref().is_some_and(|(begun, _)| now >= begun + self.grace) {
            return "down";
        }
        match (self.status, self.last_ping) {
            ("up", Some(last)) if now >= last + self.period + self.grace => "down",
            ("up", Some(last)) if now >= last + self.period => "grace",
            (status, _) => status,
        }
    }
}

#[test]
fn two_thousand_random_histories_agree_with_the_table() {
    let mut random = 7u64;
    let mut next = |below: i64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((random >> 33) % below as u64) as i64
    };
    for history in 0..2000 {
        let (period, grace) = (60 + next(600), 60 + next(300));
        let expectation = Expectation {
            grace: Span::from_secs(grace as u32),
            timed: Timed::Newest,
            ..Expectation::new("job", Schedule::Every(Span::from_secs(period as u32)))
        };
        let mut job = Job::new(expectation, second(0));
        let mut reference = Reference { status: "new", period, grace, ..Reference::default() };
        let mut now = 0;
        for _ in 0..1 + next(60) {
            let most = if next(4) == 0 { 900 } else { 120 };
            now += 1 + next(most);
            // Looking changes nothing.
            let look = now - next(2);
            reference.sweep(look);
            assert_eq!(job.state(second(look)).state.name(), reference.shown(look), "history {history} at {look}");
            let event = ["ok", "ok", "ok", "fail", "start", "start", "log", "pause", "resume"][next(9) as usize];
            if event == "resume" && reference.status != "paused" {
                continue;
            }
            let run = ["-", "-", "A", "B"][next(4) as usize];
            reference.ping(now, event, run);
            give(&mut job, second(now), event, run);
            assert_eq!(job.state(second(now)).state.name(), reference.shown(now), "history {history} at {now} after {event}");
            assert_eq!(job.course().open.is_empty(), reference.last_start.is_none(), "history {history} at {now} after {event}");
            let down = job.course().going_down(&terms(&job)).map(|(at, _)| at);
            assert_eq!(down, reference.goes_down_at().map(second), "history {history} at {now} after {event}");
            if reference.status != "new" {
                assert_eq!(job.course().since, second(reference.since), "history {history} at {now} after {event}");
            }
        }
    }
}

#[test]
fn every_run_at_once_is_timed_and_any_of_them_can_hang() {
    let expectation = Expectation { longest: Some(HOUR), ..every("1d", "1h") };
    let mut job = Job::new(expectation, second(0));
    for (ts, event, run) in [(0, "ok", "-"), (100, "start", "A"), (200, "start", "B"), (260, "ok", "B")] {
        give(&mut job, second(ts), event, run);
    }
    assert_eq!(job.course().duration_s, Some(60.0));
    assert_eq!(job.state(second(300)).started[0].run.as_deref(), Some("A"));
    assert_eq!(down(&job, second(5000)), (second(3700), Why::Hung));
    give(&mut job, second(400), "ok", "A");
    assert_eq!(job.course().duration_s, Some(300.0));
    assert_eq!(job.state(second(5000)).state, State::Up);
}

#[test]
fn a_failure_counts_when_there_are_enough_of_them() {
    let outcomes = |failures: (u32, u32), states: &str| -> String {
        let failures = Failures { of_these: failures.0, among: failures.1 };
        let mut job = Job::new(Expectation { failures, ..every("1d", "1h") }, second(0));
        let mut told = String::new();
        for (number, state) in states.chars().enumerate() {
            let ts = second(number as i64 + 1);
            give(&mut job, ts, if state == 'f' { "fail" } else { "ok" }, "-");
            told.push(if job.state(ts).state == State::Up { 'u' } else { 'd' });
        }
        told
    };
    assert_eq!(outcomes((1, 1), "ofofo"), "ududu");
    assert_eq!(outcomes((3, 3), "offofffo"), "uuuuuudu");
    assert_eq!(outcomes((3, 5), "fofofoooo"), "uuuuduuuu");
}

#[test]
fn maintenance_excuses_what_would_have_been_due_in_it() {
    let maintenance = vec![Maintenance::Once(second(3600), second(7200))];
    let mut job = Job::new(Expectation { maintenance, ..every("1h", "10m") }, second(0));
    give(&mut job, second(0), "ok", "-");
    assert_ne!(job.state(second(7799)).state.name(), "down");
    assert_eq!(down(&job, second(7800)), (second(7800), Why::Late));
    let mut watch = Watch::default();
    watch.expect(job.expectation().clone(), second(0));
    watch.observe(&beat(second(0), "ok", "-"));
    let verdict = &watch.judge(second(4000))[0];
    assert_eq!((verdict.status, verdict.since), (Status::Ok, Some(second(3600))));
    assert!(verdict.reason.as_deref().unwrap().starts_with("maintenance until 2026-01-01T02:00:00Z"));
}

fn judged(expectation: Expectation, beats: &[(i64, &str, Option<f64>)], now: i64) -> Verdict {
    let mut watch = Watch::default();
    watch.expect(expectation, second(0));
    for (ts, state, duration) in beats {
        watch.observe(&Beat { duration: *duration, ..beat(second(*ts), state, "-") });
    }
    watch.judge(second(now)).remove(0)
}

#[test]
fn a_verdict_has_its_status_its_instant_and_its_reason() {
    let limits = || Expectation { longest: Some(span("10m")), shortest: Some(span("10s")), ..every("1h", "5m") };
    let cases: [(&str, Verdict, Status, i64); 8] = [
        ("late: due at", judged(every("1h", "5m"), &[(0, "ok", None)], 9000), Status::Critical, 3900),
        ("failed at", judged(every("1h", "5m"), &[(0, "ok", None), (60, "fail", None), (90, "fail", None)], 100), Status::Critical, 60),
        ("hung: run", judged(limits(), &[(0, "ok", None), (3600, "start", None)], 9000), Status::Critical, 4200),
        ("too short: took 2 s", judged(limits(), &[(50, "ok", Some(2.0))], 60), Status::Warning, 50),
        ("too long: took 15 min", judged(limits(), &[(1000, "ok", Some(900.0))], 1001), Status::Warning, 700),
        ("not seen yet", judged(every("1h", "5m"), &[], 3899), Status::Unknown, 0),
        ("never seen", judged(every("1h", "5m"), &[], 3900), Status::Critical, 3900),
        ("paused", judged(Expectation { paused: true, ..every("1h", "5m") }, &[(5, "fail", None)], 9000), Status::Ok, 5),
    ];
    for (begin, verdict, status, since) in cases {
        assert_eq!((verdict.status, verdict.since), (status, Some(second(since))), "{begin}: {verdict:?}");
        assert!(verdict.reason.as_deref().unwrap().starts_with(begin), "{verdict:?}");
    }
    let verdict = judged(every("1h", "5m"), &[(0, "ok", Some(5.0)), (9000, "ok", Some(7.0)), (9100, "ok", Some(60.0))], 20_000);
    let evidence: serde_json::Value = serde_json::from_str(verdict.evidence.unwrap().text()).unwrap();
    assert_eq!(evidence[0]["typical_duration"], 7.0);
    assert_eq!(evidence[0]["outages"][0]["from"], "2026-01-01T01:05:00Z");
    assert_eq!(evidence[0]["outages"][0]["for"], 5100.0);
    assert_eq!(evidence[0]["runs"][0]["duration"], 60.0);
}

#[test]
fn what_was_skipped_by_sleep_or_by_the_clock_is_not_late_and_nothing_is_missed() {
    let watch = |away: Option<Away>| {
        let mut watch = Watch::default();
        watch.expect(every("1h", "10m"), second(0));
        watch.observe(&beat(second(0), "ok", "-"));
        away.into_iter().for_each(|away| watch.away(away));
        watch
    };
    let late = |watch: &Watch, now: i64| watch.brief(0, second(now)).filter(|(status, _)| *status != Status::Ok).map(|(_, since)| since);
    // Slept, or set forward, over the deadline of 4200: the grace begins again at its end.
    for why in [Absence::Slept, Absence::SetForward] {
        let watch = watch(Some(Away { from: second(3000), to: second(7200), why }));
        assert_eq!((late(&watch, 7200), late(&watch, 7799), late(&watch, 7800)), (None, None, Some(second(7800))), "{why:?}");
        let verdict = &watch.judge(second(8000))[0];
        assert!(verdict.reason.as_deref().unwrap().contains("has its grace again"), "{verdict:?}");
    }
    // The watcher alone was away: what was written is read, and the instant is that of the deadline.
    let away = Away { from: second(3000), to: second(7200), why: Absence::NotRunning };
    let down = watch(Some(away));
    assert_eq!(late(&down, 7200), Some(second(4200)));
    assert!(
        down.judge(second(7200))[0]
            .reason
            .as_deref()
            .unwrap()
            .contains("the watcher was away from 2026-01-01T00:50:00Z to 2026-01-01T02:00:00Z")
    );
    // Set back by two hours: a beat from the future would hide the silence for as long.
    let mut back = Watch::default();
    back.expect(every("1h", "10m"), second(0));
    back.observe(&beat(second(10_000), "ok", "-"));
    back.away(Away { from: second(2800), to: second(10_000), why: Absence::SetBack });
    // Read again, it is known, and puts nothing off.
    back.observe(&beat(second(10_000), "ok", "-"));
    back.bound(second(5000));
    assert_eq!((late(&back, 6999), late(&back, 7000)), (None, Some(second(7000))));
    assert!(back.judge(second(7000))[0].reason.as_deref().unwrap().contains("the clock was set back"));
}

#[test]
fn names_that_nobody_expects_and_runs_without_end_take_no_more_room_than_there_is() {
    let mut watch = Watch::default();
    watch.expect(every("1h", "10m"), second(0));
    for number in 0..5000 {
        watch.observe(&Beat { beat: format!("other-{number}"), ..beat(second(number), "ok", "-") });
        watch.observe(&beat(second(number), "start", &format!("run-{number}")));
    }
    assert_eq!((watch.strangers().0.len(), watch.strangers().1), (1000, 4000));
    let course = watch.jobs()[0].course();
    assert_eq!((course.open.len(), course.untimed), (100, 4900));
    let text = serde_json::to_string(&watch.save()).unwrap();
    assert!(text.len() < 200_000, "{}", text.len());
}

type Event = (i64, u8, u8);

fn events() -> impl Strategy<Value = Vec<Event>> {
    proptest::collection::vec((1..900i64, 0..8u8, 0..3u8), 1..50)
}

fn beats(events: &[Event]) -> Vec<Beat> {
    let mut now = 0;
    let state = |event: &Event| ["ok", "ok", "ok", "ok", "fail", "start", "start", "log"][usize::from(event.1)];
    let mut one = |event: &Event| {
        now += event.0;
        beat(second(now), state(event), ["-", "A", "B"][usize::from(event.2)])
    };
    events.iter().map(&mut one).collect()
}

fn changes(cuts: &[usize], beats: &[Beat], restart: bool) -> Vec<(Timestamp, Status, Option<Timestamp>)> {
    let expectation = || Expectation { longest: Some(span("8m")), failures: Failures { of_these: 2, among: 3 }, ..every("10m", "2m") };
    let mut watch = Watch::default();
    watch.expect(expectation(), second(0));
    let mut turns = Turns::new(&watch, second(0), Default::default());
    let mut told = Vec::new();
    for (number, beat) in beats.iter().enumerate() {
        if cuts.contains(&number) {
            // Looking in between, and going on from what was kept.
            turns.pass(&watch, Timestamp::from_nanos(beat.ts.nanos() - 1), &mut told);
            if restart {
                let saved = serde_json::from_str(&serde_json::to_string(&watch.save()).unwrap()).unwrap();
                watch = Watch::restore(vec![expectation()], saved, second(0));
                turns = Turns::new(&watch, Timestamp::from_nanos(beat.ts.nanos() - 1), turns.said().clone());
            }
        }
        turns.beat(&mut watch, beat, beat.ts, &mut told);
    }
    turns.pass(&watch, beats.last().unwrap().ts.plus(HOUR), &mut told);
    told.into_iter().map(|verdict| (verdict.ts, verdict.status, verdict.since)).collect()
}

proptest! {
    #[test]
    fn the_same_beats_cut_in_any_way_give_the_same_verdicts_at_the_same_instants(events in events(), cuts in proptest::collection::vec(0..50usize, 0..8)) {
        let beats = beats(&events);
        let whole = changes(&[], &beats, false);
        prop_assert_eq!(&changes(&cuts, &beats, false), &whole);
        prop_assert_eq!(&changes(&cuts, &beats, true), &whole);
    }

    #[test]
    fn one_look_at_the_end_says_what_a_live_watch_says(events in events(), later in 0..4000i64) {
        let beats = beats(&events);
        let expectation = || Expectation { longest: Some(span("8m")), ..every("10m", "2m") };
        let (mut once, mut live) = (Watch::default(), Watch::default());
        once.expect(expectation(), second(0));
        live.expect(expectation(), second(0));
        let mut turns = Turns::new(&live, second(0), Default::default());
        let mut told = Vec::new();
        for beat in &beats {
            once.observe(beat);
            turns.beat(&mut live, beat, beat.ts, &mut told);
        }
        let end = Timestamp::from_nanos(beats.last().unwrap().ts.nanos() + later * 1_000_000_000);
        turns.pass(&live, end, &mut told);
        let (status, since) = once.brief(0, end).unwrap();
        let said = turns.said().get("job").copied().unwrap_or((Status::Unknown, Some(second(0))));
        prop_assert_eq!(said, (status, Some(since)));
    }

    #[test]
    fn beats_that_come_late_or_twice_are_put_in_their_place(events in events(), order in proptest::collection::vec(0..1000u32, 50)) {
        let beats = beats(&events);
        let mut in_order = Job::new(every("10m", "2m"), second(0));
        beats.iter().for_each(|beat| { in_order.observe(beat); });
        let mut shuffled: Vec<_> = beats.iter().zip(&order).chain(beats.iter().zip(&order).take(5)).collect();
        shuffled.sort_by_key(|(_, order)| **order);
        let mut job = Job::new(every("10m", "2m"), second(0));
        shuffled.iter().for_each(|(beat, _)| { job.observe(beat); });
        prop_assert_eq!(job.course(), in_order.course());
    }
}
