//! `chart` as a user runs it: records in, a picture out.

use std::fmt::Write;
use std::process::{Command, Stdio};

use crate::peers::find;
use crate::programs::{in_process, run, skip};
use pipewatch::cli::chart::TOOL;

/// Ten minutes of a queue and of requests, with a deploy and a verdict.
fn records() -> String {
    let mut text = String::new();
    for second in 0..600u32 {
        let ts = format!("2026-11-22T10:{:02}:{:02}Z", second / 60, second % 60);
        let depth = if second == 300 { 900 } else { 10 + second % 20 };
        let _ = writeln!(text, "{{\"ts\":\"{ts}\",\"metric\":\"queue.depth\",\"value\":{depth},\"tags\":{{\"queue\":\"linux\"}}}}");
        let _ = writeln!(text, "{{\"ts\":\"{ts}\",\"metric\":\"requests\",\"value\":{},\"type\":\"counter\"}}", second * 5);
    }
    text.push_str("{\"ts\":\"2026-11-22T10:02:00Z\",\"event\":\"deploy\",\"text\":\"api <b>4f2a</b>\"}\n");
    text.push_str("{\"ts\":\"2026-11-22T10:05:00Z\",\"check\":\"queue\",\"status\":\"critical\",\"reason\":\"900 wait\"}\n");
    text
}

#[test]
fn lines_have_axes_marks_and_a_sentence_with_the_numbers_of_the_data() {
    let (code, out, err) = in_process(&TOOL, &["--metric", "queue.*", "--limit", "500"], &records());
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("limit 500") && out.contains('▲') && out.contains('!'), "{out}");
    let sentence = "queue.depth{queue=linux}: 29 at the end, between 10 and 900 (highest Nov 22 10:05:00), 21 on average";
    assert!(out.contains(sentence), "{out}");
    assert!(
        out.contains("▲ Nov 22 10:02:00 deploy: api <b>4f2a</b>") && out.contains("! Nov 22 10:05:00 queue critical: 900 wait"),
        "{out}"
    );
    assert!(out.lines().all(|line| line.chars().count() <= 130), "{out}");
}

#[test]
fn counters_are_drawn_per_second() {
    let (_, out, _) = in_process(&TOOL, &["--metric", "requests", "--kind", "bars"], &records());
    assert!(out.contains("requests  5/s █"), "{out}");
}

#[test]
fn every_kind_is_drawn_in_characters_and_in_ascii() {
    for kind in ["lines", "sparks", "horizon", "heat", "bars"] {
        let (code, out, err) = in_process(&TOOL, &["--kind", kind], &records());
        assert_eq!((code, err.as_str()), (0, ""), "{kind}");
        assert!(out.lines().count() >= 2, "{kind}: {out}");
        let (code, out, _) = in_process(&TOOL, &["--kind", kind, "--ascii", "--width", "60"], &records());
        assert!(code == 0 && out.is_ascii(), "{kind}: {out}");
    }
}

#[test]
fn nothing_to_draw_and_what_was_typed_wrong_are_told() {
    let (code, out, err) = in_process(&TOOL, &["--metric", "other"], &records());
    assert_eq!((code, out.as_str(), err.as_str()), (1, "", "chart: no record of a metric was found in that time: nothing to draw\n"));
    let (code, _, err) = in_process(&TOOL, &["--kind", "line"], "");
    assert_eq!(
        (code, err.as_str()),
        (64, "chart: --kind: `line` is none of lines, sparks, horizon, heat, bars\nhint: did you mean `lines`?\n")
    );
    let (code, _, err) = in_process(&TOOL, &["--live"], &records());
    assert_eq!(code, 64);
    assert!(err.contains("--live draws on a terminal"), "{err}");
}

#[test]
fn a_page_holds_no_markup_from_records_and_asks_for_nothing() {
    let (code, out, _) = in_process(&TOOL, &["--html", "--title", "a <i>day</i>"], &records());
    assert_eq!(code, 0);
    assert!(out.contains("a &lt;i&gt;day&lt;/i&gt;") && out.contains("api &lt;b&gt;4f2a"), "{out}");
    assert!(!out.contains("<b>") && !out.contains("<i>") && !out.contains("<script") && !out.contains("https://"));
    assert_eq!(out.matches("http://").count(), out.matches("http://www.w3.org/2000/svg").count());
}

#[test]
fn a_page_opens_in_a_real_browser_without_a_word() {
    let test = "a_page_opens_in_a_real_browser_without_a_word";
    let Some(browser) = find(test, "chromium") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (_, page, _) = in_process(&TOOL, &["--html"], &records());
    std::fs::write(folder.path().join("page.html"), page).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", folder.path().join("page.html").display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (dom, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(dom.contains("<svg") && dom.contains("</figure>"), "{dom}\n{told}");
    assert!(!told.contains("CONSOLE"), "{told}");
}

#[test]
fn a_live_screen_is_drawn_on_a_terminal_and_the_terminal_given_back() {
    let test = "a_live_screen_is_drawn_on_a_terminal_and_the_terminal_given_back";
    // `script` of util-linux runs a command on a terminal of its own.
    if find(test, "script").is_none() {
        skip(test, "script is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.ndjson"), records()).unwrap();
    let (out, err, code) =
        run(folder.path(), "script -qec 'stty rows 24 cols 80; cat in.ndjson | chart --live --at 2026-11-22T10:10:00Z' /dev/null");
    assert_eq!(code, 0, "{out}{err}");
    let (entered, left) = (out.find("\u{1b}[?1049h"), out.rfind("\u{1b}[?1049l"));
    assert!(entered.is_some() && entered < left && out.rfind("\u{1b}[?25h") > entered, "{out:?}");
    // What was seen last stays below.
    assert!(out[left.unwrap()..].contains("queue.depth{queue=linux}"), "{out:?}");
}
