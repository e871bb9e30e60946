use proptest::prelude::*;

use super::week::instant;
use super::*;

/// 2024-01-08, a Monday.
const MONDAY: i64 = 1_704_672_000;
const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

/// Chance that is the same in every run (SplitMix64): uniform in 0 to 1.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A Poisson stream from a second on, of as many arrivals an hour as each hour has.
fn stream(chance: &mut Chance, from: i64, to: i64, hourly: impl Fn(i64) -> f64) -> Vec<Timestamp> {
    let minutes = (from..to).step_by(MINUTE as usize);
    let come = minutes.filter(|minute| chance.next() < hourly(*minute) / 60.0).collect::<Vec<_>>();
    come.into_iter().map(|minute| instant(minute + (chance.next() * 59.0) as i64)).collect()
}

/// People's hours: 12 an hour by day, 2 at night, and a quarter of that on weekends.
fn people(second: i64) -> f64 {
    let (day, hour) = ((second - MONDAY).rem_euclid(WEEK) / DAY, second.rem_euclid(DAY) / HOUR);
    let usual = if (8..20).contains(&hour) { 12.0 } else { 2.0 };
    if day < 5 { usual } else { usual / 4.0 }
}

/// Follows a stream; gives the begins of the silences that were surprising.
fn follow(silence: &mut Silence, stream: &[Timestamp]) -> Vec<Timestamp> {
    let mut alarms = Vec::new();
    for ts in stream {
        let newest = silence.newest;
        if silence.look(*ts).is_some_and(|look| look.answer == Answer::Surprising) {
            alarms.extend(newest);
        }
        silence.arrive(*ts);
    }
    alarms
}

/// A judge that has followed people for some weeks.
fn learned(weeks: i64) -> Silence {
    let mut silence = Silence::new(1.0);
    follow(&mut silence, &stream(&mut Chance(1), MONDAY, MONDAY + weeks * WEEK, people));
    silence
}

/// The answers in a silence since a second, minute by minute.
fn answers(silence: &Silence, minutes: i64) -> Vec<Answer> {
    let newest = second(silence.newest.unwrap());
    (0..minutes).map(|minute| silence.look(instant(newest + minute * MINUTE)).unwrap().answer).collect()
}

#[test]
fn the_first_weekend_pages_nobody_and_is_told_to_be_unknown() {
    let mut silence = Silence::new(1.0);
    let from = MONDAY + 2 * DAY;
    let mut first = stream(&mut Chance(2), from, MONDAY + 5 * DAY, people);
    assert_eq!(follow(&mut silence, &first), []);
    // Not even when nothing comes all Saturday.
    for hour in 0..30 {
        let look = silence.look(instant(MONDAY + 5 * DAY + HOUR + hour * HOUR)).unwrap();
        assert!(matches!(look.answer, Answer::Learning | Answer::Expected), "{hour}: {look:?}");
        assert_eq!(look.unknown, [5, 6], "working days tell of each other, and nothing of a weekend");
    }
    first = stream(&mut Chance(3), MONDAY + 5 * DAY, MONDAY + 7 * DAY, people);
    assert_eq!(follow(&mut silence, &first), []);
}

#[test]
fn a_silence_by_day_is_soon_surprising_and_one_on_a_weekend_cannot_be_told() {
    let mut silence = learned(6);
    let monday = MONDAY + 6 * WEEK;
    follow(&mut silence, &stream(&mut Chance(4), monday, monday + 10 * HOUR, people));
    let by_day = answers(&silence, 90);
    assert_eq!(by_day[1], Answer::Expected);
    assert_eq!(by_day.last(), Some(&Answer::Surprising), "{by_day:?}");
    assert!(!by_day.contains(&Answer::CannotTell));
    assert!(silence.look(instant(monday + 12 * HOUR)).unwrap().power.unwrap() > 0.99);
    follow(&mut silence, &stream(&mut Chance(5), monday + 10 * HOUR, monday + 5 * DAY + 22 * HOUR, people));
    let at_night = answers(&silence, 240);
    assert!(at_night.contains(&Answer::CannotTell) && !at_night.contains(&Answer::Surprising), "{at_night:?}");
    assert!(silence.look(instant(monday + 5 * DAY + 22 * HOUR)).unwrap().power.unwrap() < 0.3);
}

#[test]
fn the_budget_is_kept_on_a_poisson_stream() {
    let mut silence = Silence::new(2.0);
    let all = stream(&mut Chance(6), MONDAY, MONDAY + 30 * WEEK, people);
    let from = instant(MONDAY + 10 * WEEK);
    let alarms = follow(&mut silence, &all).into_iter().filter(|begin| *begin > from).count();
    assert!((20..=80).contains(&alarms), "{alarms} in 20 weeks, where 40 were asked for");
}

#[test]
fn a_beat_every_minute_is_missed_within_minutes_and_never_in_vain() {
    let beats: Vec<Timestamp> = (0..10 * DAY / MINUTE).map(|beat| instant(MONDAY + beat * MINUTE + beat % 3)).collect();
    let mut silence = Silence::new(1.0);
    assert_eq!(follow(&mut silence, &beats), []);
    let until = answers(&silence, 60).iter().position(|answer| *answer == Answer::Surprising);
    assert!(until.is_some_and(|minutes| minutes <= 10), "{until:?}");
}

#[test]
fn a_nightly_job_is_missed_within_two_days_and_never_in_vain() {
    let mut chance = Chance(7);
    let nights: Vec<Timestamp> = (0..200).map(|day| instant(MONDAY + day * DAY + 3 * HOUR + (chance.next() * 900.0) as i64)).collect();
    let mut silence = Silence::new(1.0);
    assert_eq!(follow(&mut silence, &nights), []);
    let until = answers(&silence, 5 * 1440).iter().position(|answer| *answer == Answer::Surprising);
    assert!(until.is_some_and(|minutes| (1440..=2 * 1440).contains(&minutes)), "{until:?}");
}

#[test]
fn a_stream_that_became_three_times_as_slow_is_adopted() {
    let mut silence = learned(8);
    let from = MONDAY + 8 * WEEK;
    let alarms = follow(&mut silence, &stream(&mut Chance(8), from, from + 6 * WEEK, |second| people(second) / 3.0));
    let late = alarms.iter().filter(|begin| **begin > instant(from + 3 * WEEK)).count();
    assert!(late <= 6, "{late} in the last three of six weeks, {} in all", alarms.len());
}

#[test]
fn working_days_that_are_like_a_sunday_make_an_alarm_each_and_not_ten() {
    let mut silence = learned(12);
    let from = MONDAY + 12 * WEEK;
    let holiday = |second: i64| people(if second < from + 3 * DAY { MONDAY + 6 * DAY + second.rem_euclid(DAY) } else { second });
    let alarms = follow(&mut silence, &stream(&mut Chance(9), from, from + 5 * DAY, holiday));
    assert!(alarms.len() <= 6, "{} in three days", alarms.len());
}

#[test]
fn one_outage_of_a_day_does_not_make_the_next_one_ordinary() {
    let mut silence = learned(6);
    let before = silence.limit().unwrap();
    let from = MONDAY + 6 * WEEK;
    let mut week = stream(&mut Chance(10), from, from + WEEK, people);
    week.retain(|ts| !(DAY..2 * DAY).contains(&(second(*ts) - from)));
    assert!(!follow(&mut silence, &week).is_empty());
    assert!(silence.limit().unwrap() < before * 1.3, "{before} became {:?}", silence.limit());
}

#[test]
fn arrivals_out_of_order_and_at_one_instant_change_nothing() {
    let mut silence = learned(4);
    let (before, newest) = (silence.clone(), silence.newest.unwrap());
    silence.arrive(newest);
    silence.arrive(newest.minus(Span::from_secs(7200)));
    assert_eq!(silence, before);
}

#[test]
fn a_year_of_arrivals_every_second_or_never_again_stays_small() {
    let mut silence = Silence::new(1.0);
    (0..5000).for_each(|second| silence.arrive(instant(MONDAY + second)));
    silence.arrive(instant(MONDAY + 400 * WEEK));
    (0..100_000).for_each(|step| silence.arrive(instant(MONDAY + 400 * WEEK + step * 311)));
    let text = serde_json::to_string(&silence).unwrap();
    assert!(text.len() < 64 * 1024, "{} bytes", text.len());
}

#[test]
fn the_longest_silences_told_are_of_this_time_of_day() {
    let silence = learned(6);
    let night = silence.look(instant(MONDAY + 6 * WEEK + 3 * HOUR)).unwrap();
    let day = silence.look(instant(MONDAY + 6 * WEEK + 14 * HOUR)).unwrap();
    assert_eq!(night.longest.len(), 3);
    assert!(night.longest.is_sorted_by(|a, b| a.lasted >= b.lasted));
    assert!(night.longest[0].lasted > day.longest[2].lasted);
    for past in &night.longest {
        let to = past.from.plus(past.lasted);
        let hours = (second(past.from) - HOUR..=second(to) + HOUR).step_by(600);
        assert!(hours.into_iter().any(|of| (of.rem_euclid(DAY) - 3 * HOUR).abs() <= 600), "{past:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn silence_is_surprising_from_the_printed_time_on_and_not_before(hour in 0i64..160, seed in 0u64..1000) {
        let mut silence = learned(3);
        let from = MONDAY + 3 * WEEK;
        follow(&mut silence, &stream(&mut Chance(seed), from, from + (hour + 2) * HOUR, people));
        let newest = silence.newest.unwrap();
        let becomes = silence.look(newest).unwrap().becomes.unwrap();
        let simulated = (0..).map(|minute| newest.plus(Span::from_secs(60 * minute)))
            .find(|at| silence.look(*at).unwrap().answer == Answer::Surprising).unwrap();
        let (printed, seen) = (becomes.since(newest).secs_f64(), simulated.since(newest).secs_f64());
        prop_assert!((printed - seen).abs() <= 0.05 * seen + 60.0, "printed {printed}, simulated {seen}");
    }

    #[test]
    fn what_comes_later_has_no_part_in_an_answer(cut in 50usize..400, minutes in 0i64..600) {
        let all = stream(&mut Chance(11), MONDAY, MONDAY + WEEK, people);
        let mut silence = Silence::new(1.0);
        all[..cut].iter().for_each(|ts| silence.arrive(*ts));
        let at = instant(second(all[cut - 1]) + minutes * MINUTE);
        let (look, saved) = (silence.look(at), silence.clone());
        // Looking, and being told that time passes, leave no other trace than time.
        prop_assert_eq!(&silence, &saved);
        silence.pass(at);
        prop_assert_eq!(silence.look(at), look);
    }

    #[test]
    fn hostile_instants_harm_nothing(instants in prop::collection::vec(any::<i64>(), 0..80), at in any::<i64>()) {
        let mut silence = Silence::new(1.0);
        for nanos in instants {
            silence.arrive(Timestamp::from_nanos(nanos));
        }
        if let Some(look) = silence.look(Timestamp::from_nanos(at)) {
            prop_assert!(look.missed.is_finite() && look.hourly.is_finite());
        }
    }
}
