//! `emit`: one record, forwarding, destinations, and what is told when something is wrong.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const AT: &str = "2026-11-22T10:00:00Z";

fn emit(arguments: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_emit"));
    command.args(arguments).env_remove("PIPEWATCH_TO");
    command
}

/// What a run printed, what it told, and its code.
fn run(arguments: &[&str], stdin: &str) -> (String, String, i32) {
    let output = emit(arguments).write_stdin(stdin).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_emit"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn one_record_is_written_as_the_format_has_it() {
    let cases: [(&[&str], &str); 8] = [
        (
            &["build.duration", "12.5", "--unit", "s", "--tag", "queue=linux", "--tag", "host=a"],
            r#""metric":"build.duration","value":12.5,"unit":"s","tags":{"host":"a","queue":"linux"}"#,
        ),
        (&["temperature", "-5"], r#""metric":"temperature","value":-5"#),
        (&["temperature", "-1e-3", "--unit", "Cel"], r#""metric":"temperature","value":-0.001,"unit":"Cel""#),
        (&["requests", "181233", "--type", "counter"], r#""metric":"requests","value":181233,"type":"counter""#),
        (&["users", "joe", "--type", "set"], r#""metric":"users","value":"joe","type":"set""#),
        (&["latency", "3", "--weight", "10"], r#""metric":"latency","value":3,"weight":10"#),
        (&["--metric", "time", "-3"], r#""metric":"time","value":-3"#),
        (
            &["event", "deploy", "api 4f2a", "--tag", "app=api", "--link", "https://ci.example/1"],
            r#""event":"deploy","text":"api 4f2a","link":"https://ci.example/1","tags":{"app":"api"}"#,
        ),
    ];
    for (arguments, rest) in cases {
        for time in ["--at", "--ts"] {
            let (out, err, code) = run(&[arguments, &[time, AT]].concat(), "");
            assert_eq!((out, err, code), (format!("{{\"ts\":\"{AT}\",{rest}}}\n"), String::new(), 0), "{arguments:?}");
        }
    }
}

#[test]
fn what_was_typed_wrong_is_told_with_a_remedy() {
    let cases: [(&[&str], &str); 17] = [
        (&["x", "twelve"], "value: `twelve` is not a number"),
        (&["x", "12.5s"], "hint: write `12.5 --unit s`"),
        (&["x", "nan"], "`nan` is no finite number"),
        (&["x", "-inf"], "`-inf` is no finite number"),
        (&["x", "1e400"], "`1e400` is no finite number"),
        (&["x", "9007199254740993"], "a double can't hold exactly"),
        (&["", "1"], "the metric's name"),
        (&["x\u{1b}[2J", "1"], "the metric's name"),
        (&["x", "1", "--tag", "queue"], "hint: write `--tag queue=linux`"),
        (&["x", "1", "--weight", "0"], "must be above zero"),
        (&["x", "1", "--verbos"], "'--verbose'"),
        (&["x", "1", "--to", "statds://h"], "did you mean `statsd://h`?"),
        (&["x", "1", "--strict"], "--strict is for forwarding"),
        (&["x", "1", "queue=linux"], "`queue=linux` follows the value"),
        (&["no-such-file"], "a sample needs a value: `emit no-such-file 12.5`"),
        (&["event", "deploy", "--unit", "s"], "--unit"),
        (&["--unit", "s", "event", "deploy"], "--unit is of a sample"),
    ];
    for (arguments, told) in cases {
        let (out, err, code) = run(arguments, "");
        assert!(err.contains(told) && out.is_empty() && code == 64, "{arguments:?}: {code} {err}");
    }
}

#[test]
fn valid_lines_go_on_byte_for_byte_and_others_are_told() {
    let input = concat!(
        "{\"metric\" : \"a\", \"x_mine\":[1,2],\"ts\":1763800000,\"value\":1.50}\n",
        "not a record\n",
        "{\"event\":\"e\"}\n",
        "{\"ts\":\"2026-11-22T11:00:00+01:00\",\"check\":\"c\",\"status\":\"ok\"}",
    );
    let (out, err, code) = run(&["--at", AT], input);
    let expected = input.replace("not a record\n", "").replace("{\"event\"", &format!("{{\"ts\":\"{AT}\",\"event\"")) + "\n";
    assert_eq!((out, code), (expected, 65));
    assert!(err.starts_with("emit: stdin:2:1: ") && err.ends_with("emit: stdin: 1 of 4 lines skipped, first at 2\n"), "{err}");
}

#[test]
fn files_are_forwarded_and_a_range_of_time_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (path(&folder, "in"), path(&folder, "out/"));
    let line = |hour: u32| format!("{{\"ts\":\"2026-11-22T{hour:02}:00:00Z\",\"metric\":\"a\",\"value\":1}}\n");
    std::fs::write(&from, (0..24).map(line).collect::<String>()).unwrap();
    let (_, err, code) = run(&[&from, "--since", "2026-11-22T08:00:00Z", "--until", "2026-11-22T10:00:00Z", "--to", &to], "");
    assert_eq!((err.as_str(), code), ("", 0));
    assert_eq!(std::fs::read_to_string(folder.path().join("out/2026-11-22.ndjson")).unwrap(), line(8) + &line(9));
}

#[test]
fn a_record_goes_to_every_destination() {
    let folder = tempfile::tempdir().unwrap();
    let (file, history) = (path(&folder, "f"), path(&folder, "h/"));
    let (out, err, code) = run(&["x", "1", "--at", AT, "--to", "-", "--to", &file, "--to", &history], "");
    assert_eq!((err.as_str(), code), ("", 0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), out);
    assert_eq!(std::fs::read_to_string(folder.path().join("h/2026-11-22.ndjson")).unwrap(), out);
}

#[test]
fn the_environment_names_the_usual_destination() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "f");
    emit(&["x", "1"]).env("PIPEWATCH_TO", &file).assert().success().stdout("");
    emit(&["x", "2", "--to", "-"]).env("PIPEWATCH_TO", &file).assert().success();
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    emit(&["x", "1"])
        .env("PIPEWATCH_TO", "statds://h")
        .assert()
        .code(64)
        .stderr(predicates::str::contains("$PIPEWATCH_TO: unknown scheme"));
}

#[test]
fn a_line_comes_out_before_the_next_one_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "f");
    let mut child = spawn(&["--to", "-", "--to", &file, "--sync", "always"]);
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for value in 0..5 {
        let line = format!("{{\"ts\":\"{AT}\",\"metric\":\"a\",\"value\":{value}}}\n");
        stdin.write_all(line.as_bytes()).unwrap();
        let mut found = String::new();
        stdout.read_line(&mut found).unwrap();
        assert_eq!(found, line);
        assert!(std::fs::read_to_string(&file).unwrap().ends_with(&line), "a line that comes out is in the file");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let mut child = spawn(&[]);
    drop(child.stdout.take());
    let line = format!("{{\"ts\":\"{AT}\",\"metric\":\"a\",\"value\":1}}\n");
    // The pipe may be closed before all of it is written; that is the point.
    let _ = child.stdin.take().unwrap().write_all(line.repeat(10_000).as_bytes());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_signal_ends_it_after_what_was_read_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "f");
    let mut child = spawn(&["--to", &file, "--to", "-"]);
    let mut stdin = child.stdin.take().unwrap();
    let line = format!("{{\"ts\":\"{AT}\",\"metric\":\"a\",\"value\":1}}\n");
    stdin.write_all(line.as_bytes()).unwrap();
    let mut found = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut found).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), line);
}

#[test]
fn a_full_device_is_an_error_that_names_it() {
    for arguments in [&["x", "1", "--to", "/dev/full"][..], &["x", "1", "--to", "/dev/full", "--sync", "always"]] {
        let (_, err, code) = run(arguments, "");
        assert_eq!((err.lines().next().unwrap(), code), ("emit: /dev/full: cannot write: no space left on device", 74));
    }
    let (_, err, code) = run(&["x", "1", "--to", "/no-such-folder/f"], "");
    assert_eq!((err.as_str(), code), ("emit: /no-such-folder/f: cannot open: no such file or directory\n", 74));
}

#[test]
fn a_fifo_is_written_like_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = path(&folder, "fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read_to_string(fifo).unwrap()
    });
    let (_, err, code) = run(&["x", "1", "--at", AT, "--to", &fifo], "");
    assert_eq!((err.as_str(), code), ("", 0));
    assert_eq!(reader.join().unwrap(), format!("{{\"ts\":\"{AT}\",\"metric\":\"x\",\"value\":1}}\n"));
}

#[test]
fn a_torn_line_is_mended_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "f");
    std::fs::write(&file, "{\"ts\":\"2026-").unwrap();
    let (_, err, code) = run(&["x", "1", "--at", AT, "--to", &file], "");
    assert_eq!((err, code), (format!("emit: {file}: its last line was torn; 12 bytes moved to {file}.torn\n"), 0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{{\"ts\":\"{AT}\",\"metric\":\"x\",\"value\":1}}\n"));
}
