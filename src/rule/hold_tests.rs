//! What a check's status is, evaluation by evaluation.

use super::*;
use crate::record::Status::{Critical, Ok, Unknown, Warning};
use crate::rule::{Level, parse};
use crate::time::Span;
use Truth::{False as F, True as T, Unknown as U};

/// A check with a warning and a critical level; what they say does not matter here.
fn check() -> Check {
    let level = |status| Level { status, condition: parse("x > 1").unwrap() };
    Check::new("c", vec![level(Critical), level(Warning)])
}

fn second(at: usize) -> Timestamp {
    Timestamp::from_nanos(0).plus(Span::from_secs(at as u32))
}

/// The statuses of evaluations a second apart, from the truths of critical, warning and clear.
fn statuses(check: &Check, truths: &[(Truth, Truth, Option<Truth>)]) -> Vec<Status> {
    let mut hold = Hold::new(check);
    let one = |(at, (critical, warning, clear)): (usize, &(Truth, Truth, Option<Truth>))| {
        let truths = Truths { levels: &[(*critical, None), (*warning, None)], clear: *clear, unmet: None };
        hold.step(check, &truths, second(at)).status
    };
    truths.iter().enumerate().map(one).collect()
}

/// As [`statuses`], without a clear condition.
fn plain(check: &Check, truths: &[(Truth, Truth)]) -> Vec<Status> {
    statuses(check, &truths.iter().map(|(critical, warning)| (*critical, *warning, None)).collect::<Vec<_>>())
}

#[test]
fn the_worst_level_that_is_true_is_the_status_and_missing_data_is_not_fine() {
    let cases =
        [((T, T), Critical), ((T, F), Critical), ((F, T), Warning), ((F, F), Ok), ((F, U), Unknown), ((U, F), Unknown), ((U, U), Unknown)];
    for (truths, expected) in cases {
        assert_eq!(plain(&check(), &[truths]), [expected], "{truths:?}");
    }
    // What is known to be bad is told, whatever else is missing.
    assert_eq!(plain(&check(), &[(U, T), (T, U)]), [Warning, Critical]);
}

#[test]
fn what_no_data_means_is_the_check_s_to_say() {
    for status in [Ok, Warning, Critical, Unknown] {
        let check = Check { no_data: status, ..check() };
        assert_eq!(plain(&check, &[(U, U)]), [status]);
    }
    // A warning must not hide missing data that is critical.
    assert_eq!(plain(&Check { no_data: Critical, ..check() }, &[(U, T)]), [Critical]);
    assert_eq!(plain(&Check { no_data: Ok, ..check() }, &[(U, T)]), [Warning]);
}

#[test]
fn no_data_counts_only_once_it_has_lasted() {
    let check = Check { no_data: Critical, no_data_for: Span::from_secs(2), ..check() };
    let truths = [(F, F), (U, U), (U, U), (U, U), (F, F), (U, U)];
    assert_eq!(plain(&check, &truths), [Ok, Ok, Ok, Critical, Ok, Ok]);
    // What fired goes on firing until it is known to have ended.
    assert_eq!(plain(&check, &[(F, T), (U, U), (U, U), (U, U), (F, F)]), [Warning, Warning, Warning, Critical, Ok]);
}

#[test]
fn hysteresis_needs_the_condition_of_its_own_to_clear() {
    let check = Check { clear: Some(parse("x < 1").unwrap()), ..check() };
    let cases = [
        (F, F, Some(F), Ok),
        (F, T, Some(F), Warning),
        (F, F, Some(F), Warning),
        (T, T, Some(F), Critical),
        // From critical to warning nothing has to clear.
        (F, T, Some(F), Warning),
        (F, F, Some(U), Warning),
        (F, F, Some(T), Ok),
        (F, F, Some(F), Ok),
    ];
    let truths: Vec<_> = cases.iter().map(|(critical, warning, clear, _)| (*critical, *warning, *clear)).collect();
    assert_eq!(statuses(&check, &truths), cases.map(|case| case.3));
}

#[test]
fn it_is_kept_firing_from_when_it_was_last_true() {
    let check = Check { keep_firing_for: Span::from_secs(3), ..check() };
    assert_eq!(plain(&check, &[(F, T), (F, T), (F, F), (F, F), (F, F), (F, F)]), [Warning, Warning, Warning, Warning, Ok, Ok]);
    // The worse level is kept as long, though the lesser one is true.
    assert_eq!(plain(&check, &[(T, T), (F, T), (F, T), (F, T), (F, T)]), [Critical, Critical, Critical, Warning, Warning]);
}

#[test]
fn a_group_is_not_judged_before_its_grace_is_over() {
    let check = Check { grace: Span::from_secs(2), ..check() };
    let mut hold = Hold::new(&check);
    hold.first_seen = Some(second(1));
    let mut step = |at, truth| {
        let truths = Truths { levels: &[(truth, None), (F, None)], clear: None, unmet: None };
        hold.step(&check, &truths, second(at))
    };
    assert_eq!([step(1, T).status, step(2, U).status, step(3, T).status], [Ok, Ok, Critical]);
}

#[test]
fn a_need_that_is_not_met_makes_it_unknown_and_says_which() {
    let check = check();
    let mut hold = Hold::new(&check);
    let unmet = Because::Needs { name: "canary".into(), status: Some(Critical) };
    let mut step = |at, unmet| hold.step(&check, &Truths { levels: &[(T, None), (F, None)], clear: None, unmet }, second(at));
    let finding = step(0, Some(unmet.clone()));
    assert_eq!((finding.status, finding.because), (Unknown, vec![unmet]));
    assert_eq!(step(1, None).status, Critical);
}

#[test]
fn flapping_starts_at_half_and_stops_below_a_quarter() {
    // Twenty-one results that all differ: 20 of 20 changes. Then steady: the share falls as they age.
    let mut truths: Vec<(Truth, Truth)> = (0..21).map(|at| if at % 2 == 0 { (T, F) } else { (F, F) }).collect();
    truths.extend(vec![(F, F); 21]);
    let found = plain(&check(), &truths);
    assert_eq!(found[19..21], [Ok, Critical], "before there are 21 results nothing flaps");
    assert_eq!(found[21], Critical, "the worst of them stands");
    // By weights of 0.8 to 1.2 over 20 changes, the last 6 changes are 6 · 0.84 / 20 = 25 %, and 5 of them 21 %.
    assert_eq!(found[21 + 14 - 1], Critical);
    assert_eq!(found[21 + 15], Ok);
    // A single change is none.
    let mut once = vec![(F, F); 21];
    once.extend(vec![(T, F); 5]);
    assert_eq!(plain(&check(), &once)[21..], [Critical; 5]);
}

#[test]
fn an_episode_lasts_until_it_is_ok_and_is_remembered() {
    let check = check();
    let mut hold = Hold::new(&check);
    for (at, (critical, warning)) in [(F, F), (F, T), (T, T), (U, U), (F, T), (F, F), (F, F)].into_iter().enumerate() {
        let truths = Truths { levels: &[(critical, None), (warning, None)], clear: None, unmet: None };
        hold.step(&check, &truths, second(at));
    }
    assert_eq!(hold.last, Some(Episode { from: second(1), to: Some(second(5)), worst: Critical }));
    assert_eq!((hold.times, hold.since), (1, second(5)));
}

#[test]
fn what_is_remembered_is_read_back() {
    let check = Check { levels: vec![Level { status: Warning, condition: parse("x > 1 for 2 of 3 times").unwrap() }], ..check() };
    let mut hold = Hold::new(&check);
    hold.memories[0].counted(T, crate::rule::syntax::Times { least: 2, of: 3 });
    hold.step(&check, &Truths { levels: &[(T, None)], clear: None, unmet: None }, second(7));
    let text = serde_json::to_string(&hold).unwrap();
    assert!(text.contains("1970-01-01T00:00:07Z"), "a person can read it: {text}");
    let back: Hold = serde_json::from_str(&text).unwrap();
    assert_eq!(back, hold);
    assert!(back.fits(&check) && !back.fits(&self::check()));
}
