//! The judge of silence on a real stream of people's activity: the bars that it holds.

#[path = "absence/measure.rs"]
mod measure;

use measure::{Judge, Score, instants, score};
use pipewatch::rule::absence::Answer;

/// Real commit times; see the README beside them.
fn pushes() -> Vec<pipewatch::time::Timestamp> {
    let packed = std::fs::read("tests/data/pushes/commits.txt.zst").expect("the pushes");
    let text = zstd::decode_all(&packed[..]).expect("zstd");
    instants(std::str::from_utf8(&text).expect("text"))
}

fn learned(alarms_per_week: f64) -> Score {
    score(Judge::learned(alarms_per_week), &pushes(), 1)
}

#[test]
fn silence_is_judged_within_its_budget_and_finds_what_it_says_it_would() {
    let Score { alarms_per_week, weekday, weekend } = learned(2.0);
    assert!((1.0..=2.2).contains(&alarms_per_week), "{alarms_per_week} false alarms a week, where 2 were asked for");
    assert!(weekday.percent() >= 87.0, "{} % of weekday outages", weekday.percent());
    assert!(weekday.median().expect("some") <= 90, "{:?} min", weekday.median());
    let (said, seen) = (weekday.power().expect("told"), weekday.percent());
    assert!((said - seen).abs() <= 5.0, "said {said} %, found {seen} %");
    // On weekends four hours are too short for most, and that is told, always.
    assert!((10.0..40.0).contains(&weekend.power().expect("told")), "{:?} %", weekend.power());
    assert!(weekend.told() >= 99.0, "told in {} % of those missed", weekend.told());
}

#[test]
fn fixed_limits_alarm_too_often_or_too_late_on_the_same_stream() {
    let hour = score(Judge::Fixed(60), &pushes(), 1);
    assert!(hour.alarms_per_week > 30.0, "{hour:?}");
    let long = score(Judge::Fixed(235), &pushes(), 1);
    assert!(long.alarms_per_week > 2.0 && long.weekday.median() > Some(200), "{long:?}");
    assert_eq!(long.weekend.told, 0);
}

#[test]
fn what_is_saved_and_restored_at_any_arrival_judges_as_what_went_on() {
    let stream = pushes();
    let mut whole = pipewatch::rule::absence::Silence::new(2.0);
    let mut cut = whole.clone();
    for (count, ts) in stream.iter().take(6000).enumerate() {
        assert_eq!(whole.look(*ts), cut.look(*ts), "before {ts}");
        whole.arrive(*ts);
        cut.arrive(*ts);
        if count % 97 == 0 {
            let text = serde_json::to_string(&cut).expect("saved");
            assert!(text.len() < 64 * 1024, "{} bytes", text.len());
            cut = serde_json::from_str::<pipewatch::rule::absence::Silence>(&text).expect("restored").restored();
        }
    }
    assert!(whole.look(stream[6000]).is_some_and(|look| look.answer != Answer::Learning));
}
