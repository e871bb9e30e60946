//! `heartbeat watch` and `heartbeat expect`, as a user runs them.

use tempfile::tempdir;

use crate::programs::{in_process, run};

const BEATS: &str = "\
{\"ts\":\"2026-11-21T02:15:02Z\",\"beat\":\"backup\",\"state\":\"start\",\"run\":\"a\"}
{\"ts\":\"2026-11-21T02:55:02Z\",\"beat\":\"backup\",\"state\":\"ok\",\"run\":\"a\"}
{\"ts\":\"2026-11-22T19:00:00Z\",\"beat\":\"sync\",\"state\":\"fail\",\"exit\":3,\"message\":\"no route\"}
{\"ts\":\"2026-11-22T19:30:00Z\",\"beat\":\"stranger\"}
";

fn jobs() -> tempfile::TempDir {
    let folder = tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.toml"), "[backup]\ncron = '15 2 * * *'\n\n[sync]\nevery = '1h'\nplaybook = 'see wiki'\n")
        .unwrap();
    std::fs::write(folder.path().join("beats.ndjson"), BEATS).unwrap();
    folder
}

fn statuses(out: &str) -> Vec<(String, String, String)> {
    let field = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.map(|value: serde_json::Value| (field(&value, "check"), field(&value, "status"), field(&value, "since"))).collect()
}

#[test]
fn watch_tells_every_job_once_with_the_exact_instant() {
    let folder = jobs();
    let (out, err, code) = run(folder.path(), "heartbeat watch -f jobs.toml beats.ndjson --at 2026-11-22T20:00:00Z");
    let expected = [("backup", "critical", "2026-11-22T03:15:00Z"), ("sync", "critical", "2026-11-22T19:00:00Z")];
    let found = statuses(&out);
    let found: Vec<_> = found.iter().map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!((found.as_slice(), code), (expected.as_slice(), 2), "{err}");
    assert!(err.contains("nobody expects the beats of `stranger`"), "{err}");
    assert!(out.contains("with exit status 3") && out.contains("no route"), "{out}");
    let again = run(folder.path(), "heartbeat watch -f jobs.toml beats.ndjson --at 2026-11-22T20:00:00Z");
    assert_eq!(again.0, out);
    let (out, _, code) = run(folder.path(), "heartbeat watch -f jobs.toml beats.ndjson --at 2026-11-21T12:00:00Z");
    assert_eq!(statuses(&out)[0].1, "ok");
    assert_eq!((statuses(&out)[1].2.as_str(), code), ("2026-11-21T04:15:02Z", 2), "never seen from its first due and grace on: {out}");
}

#[test]
fn live_over_history_and_one_shot_agree() {
    let folder = jobs();
    let script = "heartbeat watch --live -f jobs.toml beats.ndjson --at 2026-11-22T20:00:00Z";
    let (live, err, code) = run(folder.path(), script);
    assert_eq!(code, 2, "{err}");
    let (once, _, _) = run(folder.path(), "heartbeat watch -f jobs.toml beats.ndjson --at 2026-11-22T20:00:00Z");
    for (name, status, since) in statuses(&once) {
        let last = statuses(&live).into_iter().rfind(|(job, ..)| *job == name).unwrap();
        assert_eq!((last.1, last.2), (status, since), "{live}");
    }
    assert!(live.contains("\"ts\":\"2026-11-22T03:15:00Z\",\"check\":\"backup\",\"status\":\"critical\""), "{live}");
}

#[test]
fn watch_from_cron_goes_on_from_what_it_remembers_and_reads_what_came_late() {
    let folder = jobs();
    let dir = folder.path();
    std::fs::create_dir_all(dir.join("s/beats")).unwrap();
    std::fs::copy(dir.join("jobs.toml"), dir.join("s/heartbeat.toml")).unwrap();
    std::fs::write(
        dir.join("s/beats/2026-11-22.ndjson"),
        "{\"ts\":\"2026-11-22T02:16:00Z\",\"beat\":\"backup\"}\n{\"ts\":\"2026-11-22T18:50:00Z\",\"beat\":\"sync\"}\n",
    )
    .unwrap();
    let (out, err, code) = run(dir, "heartbeat watch --state s --at 2026-11-22T19:00:00Z");
    assert_eq!((code, statuses(&out)[1].1.as_str()), (0, "ok"), "{out}{err}");
    let (out, _, code) = run(dir, "heartbeat watch --state s --at 2026-11-22T21:00:00Z");
    assert_eq!((code, statuses(&out)[1].2.as_str()), (2, "2026-11-22T20:50:00Z"), "{out}");
    // A beat that waited for its listener is appended with its own, older time.
    std::fs::write(dir.join("s/beats/2026-11-22.ndjson"), "{\"ts\":\"2026-11-22T02:16:00Z\",\"beat\":\"backup\"}\n{\"ts\":\"2026-11-22T18:50:00Z\",\"beat\":\"sync\"}\n{\"ts\":\"2026-11-22T20:40:00Z\",\"beat\":\"sync\"}\n").unwrap();
    let (out, err, code) = run(dir, "heartbeat watch --state s --at 2026-11-22T21:00:10Z");
    assert_eq!((code, statuses(&out)[1].1.as_str()), (0, "ok"), "{out}{err}");
}

#[test]
fn a_live_watch_sees_what_other_processes_append() {
    let folder = tempdir().unwrap();
    let script = "heartbeat expect quick --every 1h --state s 2>/dev/null
        heartbeat watch --live --state s --exit-zero > out & pid=$!
        while ! grep -q unknown out; do sleep 0.05; done
        heartbeat beat quick --state-dir s && while ! grep -q '\"ok\"' out; do sleep 0.05; done
        heartbeat beat quick --state-dir s --state fail && while ! grep -q critical out; do sleep 0.05; done
        kill $pid; wait $pid; cat out";
    let (out, err, code) = run(folder.path(), script);
    let found: Vec<String> = statuses(&out).into_iter().map(|(_, status, _)| status).collect();
    assert_eq!((found, code), (vec!["unknown".to_owned(), "ok".into(), "critical".into()], 0), "{out}{err}");
}

#[test]
fn expect_edits_the_file_and_keeps_what_people_wrote_in_it() {
    let folder = tempdir().unwrap();
    let dir = folder.path();
    std::fs::write(dir.join("h.toml"), "# ours\n[a]  # the first\nevery = \"1d\" # daily\ngrace='1h'\n").unwrap();
    let (_, err, code) = run(
        dir,
        "heartbeat expect a -f h.toml --every 2d && heartbeat expect b -f h.toml --cron '15 2 * * *' --zone Europe/Riga --failures '3 of 5'",
    );
    assert_eq!(code, 0, "{err}");
    let expected = "# ours\n[a]  # the first\nevery = \"2d\" # daily\ngrace='1h'\n\n[b]\ncron = \"15 2 * * *\"\nzone = \"Europe/Riga\"\nfailures = \"3 of 5\"\n";
    assert_eq!(std::fs::read_to_string(dir.join("h.toml")).unwrap(), expected);
    let (out, _, _) = run(dir, "heartbeat expect -f h.toml --state s --at 2026-11-22T20:00:00Z");
    assert_eq!(out.lines().count(), 3, "{out}");
    assert!(out.contains("15 2 * * * Europe/Riga"), "{out}");
    let (_, err, code) =
        run(dir, "heartbeat expect b -f h.toml --pause && heartbeat expect b -f h.toml --resume && heartbeat expect b -f h.toml --remove");
    assert_eq!(code, 0, "{err}");
    assert_eq!(std::fs::read_to_string(dir.join("h.toml")).unwrap(), "# ours\n[a]  # the first\nevery = \"2d\" # daily\ngrace='1h'\n");
}

#[test]
fn what_makes_no_sense_is_not_written() {
    let folder = tempdir().unwrap();
    let dir = folder.path();
    for (arguments, message, code) in [
        ("a --every soon", "--every: ", 64),
        ("a --every 1d --cron '0 0 * * *'", "--every and --cron clash", 64),
        ("a --grace 1h", "`a` is not expected yet", 64),
        ("a --cron '0 25 * * *'", "25", 78),
        ("a --cron '0 2 * * *' --zone Europe/Rga", "did you mean `Europe/Riga`?", 78),
    ] {
        let (_, err, found) = run(dir, &format!("heartbeat expect {arguments} -f h.toml"));
        assert!(err.contains(message) && found == code, "{arguments}: {found} {err}");
        assert!(!dir.join("h.toml").exists());
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_their_places() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("h.toml");
    std::fs::write(
        &path,
        "[a]\nevry = '1d'\n[b]\ncron = '15 2 * *'\nfailures = '5 of 3'\n[c]\nevery = '1d'\nzone = 'UTC'\n[d]\ngrace = '1h'\n",
    )
    .unwrap();
    let path = path.display().to_string();
    let (code, _, err) = in_process(&pipewatch::cli::heartbeat::TOOL, &["watch", "-f", &path, "-"], "");
    for told in [
        ":9:2: `d` has no schedule",
        ":2:1: unknown key `evry`",
        "did you mean `every`?",
        ":4:",
        ":5:12: `failures` must be",
        ":8:1: `zone` is for",
    ] {
        assert!(err.contains(told), "{told} in {err}");
    }
    // A schedule that is misspelled is told as such, and not as missing.
    assert!(!err.contains("`a` has no schedule"), "{err}");
    assert_eq!(code, 78);
}

#[test]
fn the_example_is_read_and_every_job_of_it_is_judged() {
    let path = crate::programs::project().join("examples/heartbeat.toml").display().to_string();
    let beat = "{\"ts\":\"2026-11-22T19:58:00Z\",\"beat\":\"mail-queue\"}\n";
    let (code, out, err) = in_process(&pipewatch::cli::heartbeat::TOOL, &["watch", "-f", &path, "-"], beat);
    let found: Vec<(String, String)> = statuses(&out).into_iter().map(|(name, status, _)| (name, status)).collect();
    let expected = [("nightly-backup", "unknown"), ("mail-queue", "ok"), ("invoices", "unknown"), ("old-report", "ok")];
    assert_eq!(found, expected.map(|(name, status)| (name.to_owned(), status.to_owned())), "{err}");
    assert_eq!(code, 3);
}

#[test]
fn a_watcher_beats_for_itself_once_or_as_time_passes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("jobs.toml"), "[job]\nevery = '1h'\n").unwrap();
    let watch = "heartbeat watch -f jobs.toml --state-dir state --heartbeat look --heartbeat-every 1s --exit-zero";
    let beats = |script: &str| {
        let (_, err, code) = crate::programs::run(folder.path(), script);
        assert_eq!(code, 0, "{err}");
        let (text, ..) = crate::programs::run(folder.path(), "grep -h '\"look\"' state/beats/*.ndjson");
        assert!(text.lines().all(|line| line.contains("\"link\":\"watcher\"")), "{text}");
        text.lines().count()
    };
    assert_eq!(beats(&format!("{watch} >/dev/null")), 1);
    // Two seconds of a live one end by a signal, which is how it is ended.
    let live = format!("{watch} --live >/dev/null & sleep 2.5; kill -TERM $!; wait $!");
    assert!(beats(&live) >= 3);
}
