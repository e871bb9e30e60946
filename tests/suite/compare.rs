//! `check compare`: two stretches of time over all metrics.

use std::fmt::Write;

use pipewatch::cli::check::TOOL;
use pipewatch::record::{Record, Status, Verdict};
use pipewatch::time::{Span, Timestamp};

use crate::programs::in_process;

/// Four hours from 16:00 to 20:00, a sample each ten seconds; `slow` is slower from 19:00 on, `wide` spreads from 18:30 on.
fn history() -> String {
    let start = Timestamp::parse("2026-11-22T16:00:00Z").unwrap();
    let mut text = String::new();
    let mut state = 7u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    for step in 0..1440u32 {
        let ts = start.plus(Span::from_secs(10 * step));
        let slow = if step >= 1080 { 1.5 } else { 1.0 };
        for (metric, value) in [("slow", slow * (10.0 + 4.0 * noise())), ("still", 5.0 + noise()), ("flat", 3.0)] {
            writeln!(text, "{{\"ts\":\"{ts}\",\"metric\":\"{metric}\",\"value\":{value:.4},\"unit\":\"ms\",\"tags\":{{\"host\":\"a\"}}}}")
                .unwrap();
        }
        if step == 360 || step == 1080 {
            writeln!(text, "{{\"ts\":\"{ts}\",\"event\":\"deploy\",\"text\":\"api\"}}").unwrap();
        }
    }
    text
}

fn compare(arguments: &[&str]) -> (u8, String, String) {
    let work = tempfile::tempdir().unwrap();
    let path = work.path().join("h.ndjson");
    std::fs::write(&path, history()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let arguments: Vec<String> =
        std::iter::once("compare".to_owned()).chain(arguments.iter().map(|argument| argument.replace("HISTORY", &path))).collect();
    in_process(&TOOL, &arguments.iter().map(String::as_str).collect::<Vec<_>>(), "")
}

fn verdicts(out: &str) -> Vec<Verdict> {
    let verdict = |line: &str| match pipewatch::ndjson::decode(line.as_bytes()).unwrap() {
        Record::Verdict(verdict) => verdict,
        other => panic!("{other:?}"),
    };
    out.lines().map(verdict).collect()
}

#[test]
fn what_differs_stands_first_and_decides_the_exit_status() {
    for stretches in [
        &["--since", "1h"][..],
        &["--around", "deploy"],
        &["--after", "deploy", "--span", "1h"],
        &["--since", "1h", "--reference-since", "4h", "--reference-until", "2h"],
    ] {
        let (code, out, told) = compare(&[stretches, &["HISTORY"]].concat());
        assert_eq!((code, told.as_str()), (1, ""), "{stretches:?}");
        let all = verdicts(&out);
        assert_eq!(all[0].tags.get("metric"), Some("slow"), "{out}");
        assert_eq!((all[0].status, all[0].check.as_str()), (Status::Warning, "compare"));
        assert!(all[0].reason.as_ref().unwrap().contains("large effect"), "{:?}", all[0].reason);
        let evidence: serde_json::Value = serde_json::from_str(all[0].evidence.as_ref().unwrap().text()).unwrap();
        assert_eq!(evidence[0]["correction"], "benjamini-hochberg");
        assert!(all[1..].iter().all(|verdict| verdict.status != Status::Warning), "{out}");
    }
}

#[test]
fn where_nothing_changed_nothing_differs() {
    let (code, out, _) = compare(&["--since", "3h", "--until", "2h", "HISTORY"]);
    assert_eq!(code, 0, "{out}");
    assert!(verdicts(&out).iter().all(|verdict| verdict.status != Status::Warning), "{out}");
}

#[test]
fn an_effect_that_is_too_small_to_matter_does_not_count() {
    let (code, _, _) = compare(&["--since", "1h", "--effect", "large", "HISTORY"]);
    assert_eq!(code, 1);
    // Without noise in the way even the least difference is sure; whether it matters is for the user to say.
    let work = tempfile::tempdir().unwrap();
    let lines = |by: f64| {
        let line = |second: u32| {
            format!(
                "{{\"ts\":\"2026-11-22T19:{:02}:{:02}Z\",\"metric\":\"m\",\"value\":{}}}\n",
                second / 60,
                second % 60,
                f64::from(second * 7919 % 1000) + by
            )
        };
        (0..3000).map(line).collect::<String>()
    };
    let (one, other) = (work.path().join("a"), work.path().join("b"));
    std::fs::write(&one, lines(0.0)).unwrap();
    std::fs::write(&other, lines(70.0)).unwrap();
    let [one, other] = [one, other].map(|path| path.to_str().unwrap().to_owned());
    let code = |size: &str| in_process(&TOOL, &["compare", "--effect", size, "--reference", &one, &other], "").0;
    assert_eq!((code("negligible"), code("medium")), (1, 0));
}

#[test]
fn the_text_says_how_much_and_how_surely() {
    let (code, out, _) = compare(&["--format", "text", "--around", "deploy", "HISTORY"]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with(
            "now:    2026-11-22T19:00:00Z to 2026-11-22T20:00:00Z (1 h)\nbefore: 2026-11-22T18:00:00Z to 2026-11-22T19:00:00Z (1 h)\n"
        ),
        "{out}"
    );
    assert!(out.contains("1 of 3 series differ (false discovery rate 5 %, effect at least small)"), "{out}");
    assert!(out.contains("slow{host=a}") && out.contains("was 11.93 ms (+50 %)"), "{out}");
    assert!(out.contains("deploy: "), "{out}");
}

#[test]
fn mistakes_are_told_with_a_way_out() {
    let cases: [(&[&str], &str); 7] = [
        (&["HISTORY"], "hint: name them: --since TIME"),
        (&["--around", "deplyo", "HISTORY"], "hint: did you mean `deploy`?"),
        (&["--around", "restart", "HISTORY"], "there is no event `restart`"),
        (&["--span", "1h", "--since", "1h", "HISTORY"], "--span belongs to --around or --after"),
        (&["--since", "2h", "--reference-since", "3h", "HISTORY"], "the stretches overlap"),
        (&["--since", "1h", "--until", "2h", "HISTORY"], "is not before"),
        (&["--since", "20h", "--until", "19h", "HISTORY"], "holds no sample"),
    ];
    for (arguments, expected) in cases {
        let (code, out, told) = compare(arguments);
        assert_eq!((code, out.as_str()), (3, ""), "{arguments:?}: {told}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}
