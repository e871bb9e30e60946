//! `emit` to StatsD and Graphite: what arrives, and what happens when nobody listens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_emit"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn receiver() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

fn receive(socket: &UdpSocket) -> String {
    let mut buffer = [0; 65536];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

/// A port that nobody listens on, and a socket that holds it, so that nobody else gets it meanwhile.
fn closed_port() -> (socket2::Socket, u16) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn samples(count: usize) -> String {
    (0..count).map(|value| format!("{{\"ts\":\"2026-11-22T10:00:00Z\",\"metric\":\"m\",\"value\":{value}}}\n")).collect()
}

#[test]
fn a_sample_arrives_as_the_scheme_says() {
    let (socket, port) = receiver();
    let cases = [
        ("statsd", "build.duration.queue.linux:12500|ms\n"),
        ("dogstatsd", "build.duration:12500|ms|#queue:linux\n"),
        ("graphite+udp", "build.duration;queue=linux 12.5 1795341600\n"),
    ];
    for (scheme, line) in cases {
        let to = format!("{scheme}://127.0.0.1:{port}");
        let sample = ["build.duration", "12.5", "--unit", "s", "--tag", "queue=linux", "--at", "2026-11-22T10:00:00Z"];
        let output = run(&[&sample[..], &["--to", &to]].concat(), "");
        assert!(output.status.success() && told(&output).is_empty(), "{}", told(&output));
        assert_eq!(receive(&socket), line);
    }
}

#[test]
fn many_samples_share_a_datagram_and_none_is_too_large() {
    let (socket, port) = receiver();
    let output = run(&["--to", &format!("statsd://127.0.0.1:{port}")], &samples(1000));
    assert!(output.status.success());
    let (mut lines, mut datagrams) = (Vec::new(), 0);
    while lines.len() < 1000 {
        let datagram = receive(&socket);
        assert!(datagram.len() <= 1432 && datagram.ends_with('\n'), "{}", datagram.len());
        lines.extend(datagram.lines().map(str::to_owned));
        datagrams += 1;
    }
    assert_eq!(lines, (0..1000).map(|value| format!("m:{value}|g")).collect::<Vec<_>>());
    assert!(datagrams < 10, "{datagrams}");
}

#[test]
fn nobody_listening_delays_and_fails_nobody() {
    // The port is held for TCP only; by UDP nobody is there.
    let (_held, port) = closed_port();
    let to = format!("statsd://127.0.0.1:{port}");
    let begun = Instant::now();
    let output = run(&["x", "1", "--to", &to], "");
    // A debug build's start is most of it; the release build's time is measured by scripts/bench.
    assert!(begun.elapsed() < Duration::from_millis(250), "{:?}", begun.elapsed());
    assert_eq!((output.status.code(), told(&output).as_str()), (Some(0), ""));
    let output = run(&["--verbose", "--to", &to], &samples(1000));
    assert_eq!(output.status.code(), Some(0));
    assert!(told(&output).ends_with(" 1000 records lost\n"), "{}", told(&output));
}

#[test]
fn a_name_that_is_not_known_delays_for_a_second_and_fails_nobody() {
    let begun = Instant::now();
    let output = run(&["x", "1", "--verbose", "--to", "statsd://no-such-host.invalid"], "");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!((output.status.code(), told(&output).as_str()), (Some(0), "emit: no-such-host.invalid:8125: 1 record lost\n"));
}

#[test]
fn what_is_no_sample_is_left_out_and_counted() {
    let (socket, port) = receiver();
    let input = format!("{{\"ts\":1763800000,\"event\":\"deploy\"}}\n{}", samples(1));
    let output = run(&["-v", "--to", &format!("statsd://127.0.0.1:{port}")], &input);
    assert_eq!(receive(&socket), "m:0|g\n");
    assert!(told(&output).contains("1 record left out") && output.status.success(), "{}", told(&output));
}

#[test]
fn graphite_gets_every_line_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("graphite://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    let output = run(&["--to", &to], &samples(50_000));
    assert!(output.status.success() && told(&output).is_empty(), "{}", told(&output));
    let expected: String = (0..50_000).map(|value| format!("m {value} 1795341600\n")).collect();
    assert!(server.join().unwrap() == expected);
}

#[test]
fn a_graphite_that_comes_late_misses_nothing() {
    let (socket, port) = closed_port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_emit"))
        .args(["--to", &format!("graphite://127.0.0.1:{port}")])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(samples(3).as_bytes()).unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    stderr.read_line(&mut told).unwrap();
    let expected = format!("emit: cannot connect to 127.0.0.1:{port}: connection refused; kept, and tried again with what follows\n");
    assert_eq!(told, expected);
    socket.listen(1).unwrap();
    drop(stdin);
    let mut text = String::new();
    TcpListener::from(socket).accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text, "m 0 1795341600\nm 1 1795341600\nm 2 1795341600\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_graphite_that_stays_away_is_told_with_what_is_lost() {
    let (_held, port) = closed_port();
    let begun = Instant::now();
    let output = run(&["--to", &format!("graphite://127.0.0.1:{port}")], &samples(10));
    assert!(begun.elapsed() < Duration::from_secs(10));
    let expected = format!("emit: cannot connect to 127.0.0.1:{port}: connection refused\nemit: 127.0.0.1:{port}: 10 records lost\n");
    assert_eq!((output.status.code(), told(&output)), (Some(69), expected));
}

#[test]
fn a_graphite_that_closed_the_connection_is_connected_to_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("graphite://{}", listener.local_addr().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_emit")).args(["--to", &to]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(samples(1).as_bytes()).unwrap();
    let mut first = listener.accept().unwrap().0;
    let mut buffer = [0; 100];
    let length = first.read(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"m 0 1795341600\n");
    // Shut down, not dropped: while another test starts a program, that has the socket as well for a moment.
    first.shutdown(std::net::Shutdown::Both).unwrap();
    stdin.write_all(samples(1).as_bytes()).unwrap();
    drop(stdin);
    let mut text = String::new();
    listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text, "m 0 1795341600\n");
    assert!(child.wait().unwrap().success());
}
