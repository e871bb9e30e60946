use std::fs;

use proptest::prelude::*;

use super::*;

const ROOM: u64 = 1 << 20;

fn spool(folder: &tempfile::TempDir, most_bytes: u64) -> Spool {
    Spool::open(&folder.path().join("spool"), most_bytes).unwrap()
}

fn line(number: usize) -> String {
    format!("{{\"ts\":\"2026-11-22T10:00:00Z\",\"beat\":\"a{number}\"}}\n")
}

/// Sends everything one line at a time, and gives what was sent.
fn all(spool: &Spool) -> Vec<String> {
    let mut sent = Vec::new();
    let drained = spool.sender().unwrap().unwrap().drain(1, &mut |lines| {
        sent.push(String::from_utf8(lines.to_vec()).unwrap());
        Given::Sent
    });
    assert!(drained.unwrap().is_empty);
    sent
}

#[test]
fn lines_leave_in_the_order_in_which_they_came() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, ROOM);
    let lines: Vec<String> = (0..100).map(line).collect();
    for line in &lines {
        assert_eq!(spool.push(line.as_bytes()).unwrap(), Pushed::default());
    }
    assert_eq!((spool.waiting_lines().unwrap(), spool.is_empty().unwrap()), (100, false));
    assert_eq!(all(&spool), lines);
    assert!(spool.is_empty().unwrap() && spool.parts().unwrap().is_empty());
}

#[test]
fn what_fails_stays_with_all_behind_it_and_what_is_out_does_not_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let waiting = spool(&folder, ROOM);
    for number in 0..5 {
        waiting.push(line(number).as_bytes()).unwrap();
    }
    let mut left = 2;
    let drained = waiting.sender().unwrap().unwrap().drain(1, &mut |_| {
        left -= 1;
        if left >= 0 { Given::Sent } else { Given::Failed }
    });
    assert_eq!(drained.unwrap(), Drained { sent_lines: 2, refused_lines: 0, is_empty: false });
    // As another process finds it.
    let later = spool(&folder, ROOM);
    later.push(line(5).as_bytes()).unwrap();
    assert_eq!(later.waiting_lines().unwrap(), 4);
    assert_eq!(all(&later), (2..6).map(line).collect::<Vec<_>>());
}

#[test]
fn a_spool_that_was_emptied_loses_nothing_that_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, ROOM);
    for round in 0..4 {
        for number in 0..=round {
            spool.push(line(number).as_bytes()).unwrap();
        }
        assert_eq!(all(&spool).len(), round + 1);
    }
}

#[test]
fn what_is_refused_is_put_aside_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, ROOM);
    (0..3).for_each(|number| assert_eq!(spool.push(line(number).as_bytes()).unwrap().dropped_lines, 0));
    let drained =
        spool.sender().unwrap().unwrap().drain(1, &mut |lines| if lines == line(1).as_bytes() { Given::Refused } else { Given::Sent });
    assert_eq!(drained.unwrap(), Drained { sent_lines: 2, refused_lines: 1, is_empty: true });
    assert_eq!(fs::read_to_string(spool.folder().join("refused.ndjson")).unwrap(), line(1));
}

#[test]
fn past_the_bound_the_oldest_go_and_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let most_bytes = 8_000;
    let spool = spool(&folder, most_bytes);
    let mut dropped = 0;
    for number in 0..1000 {
        dropped += spool.push(line(number).as_bytes()).unwrap().dropped_lines;
        let bytes: u64 = spool.parts().unwrap().into_iter().map(|part| spool.part_bytes(part)).sum();
        assert!(bytes <= most_bytes, "{bytes}");
    }
    let left = all(&spool);
    assert_eq!(dropped + left.len() as u64, 1000);
    assert!(left.len() > 100, "most of the bound is used: {}", left.len());
    assert_eq!(left, (1000 - left.len()..1000).map(line).collect::<Vec<_>>());
    assert!(matches!(spool.push(&vec![b'\n'; 8_001]), Err(SpoolError::TooLarge { bytes: 8_001, most_bytes: 8_000 })));
}

#[test]
fn one_at_a_time_sends() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, ROOM);
    let sender = spool.sender().unwrap();
    assert!(sender.is_some() && spool.sender().unwrap().is_none());
    spool.push(line(0).as_bytes()).unwrap();
    drop(sender);
    assert_eq!(all(&spool).len(), 1);
}

#[test]
fn a_line_torn_by_a_kill_is_given_last_and_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, ROOM);
    spool.push(line(0).as_bytes()).unwrap();
    let whole = fs::read_to_string(spool.part(1)).unwrap();
    fs::write(spool.part(1), format!("{whole}{{\"ts\":\"2026")).unwrap();
    assert_eq!(all(&spool), [line(0), "{\"ts\":\"2026".into()]);
    fs::write(spool.part(9), format!("{whole}{{\"ts\":\"2026")).unwrap();
    spool.push(line(1).as_bytes()).unwrap();
    assert_eq!(all(&spool), [line(0), line(1)]);
}

#[test]
fn only_the_owner_reads_what_waits() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = fs::metadata(spool(&folder, ROOM).folder()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn pushing_while_another_sends_loses_and_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(&folder, ROOM);
    let mut sent = Vec::new();
    std::thread::scope(|scope| {
        let pushers: Vec<_> = (0..4)
            .map(|worker| {
                let spool = &spool;
                scope.spawn(move || (0..100).for_each(|number| assert!(spool.push(line(worker * 1000 + number).as_bytes()).is_ok())))
            })
            .collect();
        while pushers.iter().any(|pusher| !pusher.is_finished()) {
            sent.extend(all(&spool));
        }
    });
    sent.extend(all(&spool));
    for worker in 0..4 {
        let own: Vec<String> = (0..100).map(|number| line(worker * 1000 + number)).collect();
        let found: Vec<String> = sent.iter().filter(|line| own.contains(line)).cloned().collect();
        assert_eq!(found, own);
    }
    assert_eq!(sent.len(), 400);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pushes and drains of any sizes, batches and failures: everything leaves once and in order.
    #[test]
    fn any_mix_of_pushes_and_sends_keeps_every_line_in_order(steps in prop::collection::vec((0usize..200, 0usize..4, 1usize..300), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let spool = spool(&folder, 4_000_000);
        let (mut pushed, mut sent) = (String::new(), String::new());
        for (number, (length, takes, batch)) in steps.into_iter().enumerate() {
            let line = format!("{number} {}\n", "x".repeat(length));
            spool.push(line.as_bytes()).unwrap();
            pushed.push_str(&line);
            let mut left = takes;
            spool.sender().unwrap().unwrap().drain(batch, &mut |lines| {
                if left == 0 { return Given::Failed }
                left -= 1;
                sent.push_str(std::str::from_utf8(lines).unwrap());
                Given::Sent
            }).unwrap();
        }
        sent.push_str(&all(&spool).concat());
        prop_assert_eq!(sent, pushed);
    }
}
