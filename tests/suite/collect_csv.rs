//! `collect csv` as a program: tables as spreadsheets and loggers write them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use assert_cmd::cargo::CommandCargoExt;

fn collect(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("collect").unwrap();
    command.arg("csv").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Standard output, standard error and the exit code.
fn out(arguments: &[&str], input: &[u8]) -> (String, String, i32) {
    let mut child = collect(arguments).spawn().unwrap();
    // A tool that refuses its arguments does not read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

#[test]
fn a_file_of_time_and_value_needs_no_options() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/csv/speed_6005.csv");
    let (text, errors, code) = out(&[file, "--name", "speed", "--unit", "[mi_i]/h"], b"");
    assert_eq!((errors.as_str(), code), ("", 0));
    assert_eq!(text.lines().count(), 39);
    assert!(text.starts_with("{\"ts\":\"2015-08-31T18:22:00Z\",\"metric\":\"speed\",\"value\":90,\"unit\":\"[mi_i]/h\"}\n"), "{text}");
}

#[test]
fn a_spreadsheets_mark_quotes_returns_and_blank_rows_are_read() {
    let table =
        b"\xef\xbb\xbf\"time\",\"t, inside\",note\r\n2026-01-02 10:00,\"1.5\",\"says \"\"hi\"\",\r\ntwice\"\r\n,,\r\n2026-01-02 10:01,2,x";
    let (text, errors, code) = out(&["--tag", "note", "--tag", "room=1"], table);
    assert_eq!((errors.as_str(), code), ("", 0));
    assert_eq!(
        text,
        "{\"ts\":\"2026-01-02T10:00:00Z\",\"metric\":\"t, inside\",\"value\":1.5,\"tags\":{\"note\":\"says \\\"hi\\\",\\r\\ntwice\",\"room\":\"1\"}}\n\
         {\"ts\":\"2026-01-02T10:01:00Z\",\"metric\":\"t, inside\",\"value\":2,\"tags\":{\"note\":\"x\",\"room\":\"1\"}}\n"
    );
}

#[test]
fn a_bad_cell_is_told_with_its_line_and_column_and_the_rest_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let rejects = folder.path().join("rejects.csv");
    for end in ["\n", "\r\n"] {
        let table = ["time,a,b", "1,\"2\",3", "2,\"x\ny\",4", "3,n/a,5", "soon,6,7", ""].join(end);
        let (text, errors, code) = out(&["--value", "a", "--value", "b", "--rejects", rejects.to_str().unwrap()], table.as_bytes());
        assert_eq!(code, 65);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert_eq!(
            errors.lines().collect::<Vec<_>>(),
            [
                "collect: stdin:3:2: column `a` must be a number, found \"x\\ny\"; cell skipped: 2,\"x\\ny\",4",
                "collect: stdin:5:2: column `a` must be a number, found \"n/a\"; cell skipped: 3,n/a,5",
                "collect: stdin:6:1: column `time` must be a time, found \"soon\"; row skipped: soon,6,7",
                "collect: stdin: 3 of 6 lines skipped, first at 3",
            ]
        );
        assert_eq!(std::fs::read_to_string(&rejects).unwrap(), "2,\"x\ny\",4\n3,n/a,5\nsoon,6,7\n");
    }
}

#[test]
fn strict_ends_at_the_first_bad_cell() {
    let (text, errors, code) = out(&["--strict"], b"time,a\n1,2\n2,x\n3,4\n");
    assert_eq!(code, 65);
    assert!(errors.starts_with("collect: stdin:3:2: column `a` must be a number"), "{errors}");
    assert!(!text.contains("\"value\":4"));
}

#[test]
fn columns_may_be_numbers_where_there_is_no_header() {
    let arguments = ["--no-header", "--time", "1", "--time-format", "%d.%m.%Y %H:%M", "--delimiter", ";", "--unit", "2=Cel"];
    let (text, _, code) = out(&arguments, b"02.01.2026 10:00;1.5;7\n");
    assert_eq!(code, 0);
    assert_eq!(
        text,
        "{\"ts\":\"2026-01-02T10:00:00Z\",\"metric\":\"column.2\",\"value\":1.5,\"unit\":\"Cel\"}\n\
         {\"ts\":\"2026-01-02T10:00:00Z\",\"metric\":\"column.3\",\"value\":7}\n"
    );
}

#[test]
fn a_row_is_out_before_the_next_one_is_sent() {
    let mut child = collect(&[]).spawn().unwrap();
    let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (give, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || BufReader::new(output).lines().try_for_each(|line| give.send(line.unwrap())));
    input.write_all(b"time,a\n").unwrap();
    for row in ["1,2\n", "2,3\n"] {
        input.write_all(row.as_bytes()).unwrap();
        let line = lines.recv_timeout(std::time::Duration::from_secs(10)).expect("the record of the row");
        assert!(line.contains(&format!("\"value\":{}", &row[2..3])), "{line}");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_does_not_fit_is_told_with_a_way_out() {
    for (arguments, table, code, words) in [
        (["--value", "vlaue"].as_slice(), "time,value\n1,2\n", 64, "there is no column `vlaue`\nhint: did you mean `value`?"),
        (&[], "a,b\n1,2\n", 64, "which column is the time?\nhint: name it with --time; the columns are `a`, `b`"),
        (&["--time-format", "iso"], "", 64, "`iso` is neither"),
        (&["--delimiter", "abc"], "", 64, "must be one character"),
        (&["--type", "set"], "", 64, "must be gauge, counter or delta"),
        (&[], "", 65, "stdin: no record found"),
        (&[], "time,a\n", 65, "stdin: no record found"),
        (&["/nowhere.csv"], "", 74, "/nowhere.csv: cannot read: no such file or directory"),
    ] {
        let (text, errors, found) = out(arguments, table.as_bytes());
        assert_eq!((text.as_str(), found), ("", code), "{errors}");
        assert!(errors.contains(words), "{errors}");
    }
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let mut table = b"time,a\n1,\"".to_vec();
    table.resize(4 << 20, b'x');
    let (_, errors, code) = out(&[], &table);
    assert_eq!(code, 65);
    assert!(errors.contains("a quote may not be closed"), "{errors}");
}
