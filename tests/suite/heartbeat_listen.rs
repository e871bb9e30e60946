//! `heartbeat listen` as its clients meet it: pings and the management interface, held against the published cases.
//!
//! The tables follow tests/data/heartbeat/SOURCE.txt: healthchecks as of 2026-08-21.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::programs::{built, run};

/// A listener, ended with the test.
pub(crate) struct Listener {
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) keys: [String; 3],
}

/// A reply: status, head, body.
pub(crate) type Reply = (u16, String, String);

impl Listener {
    pub(crate) fn start(state: &Path, more: &[&str]) -> Listener {
        let program = built().join("heartbeat");
        let base = |arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.env_clear().args(["listen", "--state-dir"]).arg(state).args(arguments);
            command
        };
        let mut command = base(if more.contains(&"--bind") { &[] } else { &["--bind", "127.0.0.1:0"] });
        let out = std::fs::File::options().create(true).append(true).open(state.join("verdicts.out"));
        let out = out.map_or_else(|_| Stdio::null(), Stdio::from);
        let mut child = command.args(more).stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stderr.take().unwrap());
        told.read_line(&mut line).unwrap();
        // What else it has to say is read, so that it never waits for us.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        let port = line.trim_end().trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"));
        let shown = String::from_utf8(base(&["--show-keys"]).output().unwrap().stdout).unwrap();
        let key = |name: &str| shown.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap().to_owned();
        Listener { child, port, keys: [key("ping"), key("manage"), key("read")] }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Asks, with headers that each end in a line break.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let mut stream = self.connect();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, head.to_lowercase(), body.to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", b"")
    }

    /// Asks the management interface with its key; gives status and JSON.
    fn manage(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, text) = self.ask(method, path, &format!("X-Api-Key: {}\r\n", self.keys[1]), body.as_bytes());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Makes a check; gives its UUID.
    fn make(&self, wish: Value) -> String {
        let (status, made) = self.manage("POST", "/api/v3/checks/", &wish);
        assert_eq!(status, 201, "{made}");
        made["uuid"].as_str().unwrap().to_owned()
    }

    fn check(&self, code: &str) -> Value {
        self.manage("GET", &format!("/api/v3/checks/{code}"), &Value::Null).1
    }

    fn pings(&self, code: &str) -> Vec<Value> {
        self.manage("GET", &format!("/api/v3/checks/{code}/pings/"), &Value::Null).1["pings"].as_array().unwrap().clone()
    }

    /// Ends it as a service is ended; gives its exit code.
    fn end(mut self) -> Option<i32> {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
fn wait_for(what: &str, is: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is() {
        assert!(begin.elapsed() < Duration::from_secs(20), "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_row_of_the_table_of_pings_is_answered_so() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let code = listener.make(json!({"name": "Backup", "slug": "backup"}));
    for _ in 0..2 {
        listener.make(json!({"name": "Twice", "slug": "twice"}));
    }
    let (key, rid) = (&listener.keys[0], "0f1c66d2-6a6f-4d2f-9d2e-3a52a7c7b0aa");
    let upper = rid.to_uppercase();
    let unknown = "11111111-2222-3333-4444-555555555555";
    let bare = code.replace('-', "");
    // Method, path, status, body, the kind of ping that is recorded.
    let rows: Vec<(&str, String, u16, &str, Option<&str>)> = vec![
        ("GET", format!("/ping/{code}"), 200, "OK", Some("success")),
        ("HEAD", format!("/ping/{code}"), 200, "", Some("success")),
        ("POST", format!("/ping/{code}"), 200, "OK", Some("success")),
        ("PUT", format!("/ping/{code}"), 200, "OK", Some("success")),
        ("GET", format!("/ping/{code}/"), 200, "OK", Some("success")),
        ("GET", format!("/{code}"), 200, "OK", Some("success")),
        ("GET", format!("/ping/{code}/fail"), 200, "OK", Some("fail")),
        ("GET", format!("/ping/{code}/start"), 200, "OK", Some("start")),
        ("GET", format!("/ping/{code}/log"), 200, "OK", Some("log")),
        ("GET", format!("/ping/{code}/0"), 200, "OK", Some("success")),
        ("GET", format!("/ping/{code}/1"), 200, "OK", Some("fail")),
        ("GET", format!("/ping/{code}/255"), 200, "OK", Some("fail")),
        ("GET", format!("/ping/{code}/256"), 400, "invalid url format", None),
        ("GET", "/ping/not-uuid".into(), 404, "not found", None),
        ("GET", format!("/ping/{bare}"), 404, "not found", None),
        ("GET", format!("/ping/{unknown}"), 404, "not found", None),
        ("GET", format!("/ping/{code}?rid=nonsense"), 400, "invalid uuid format", None),
        ("GET", format!("/ping/{code}?rid={rid}0"), 400, "invalid uuid format", None),
        ("GET", format!("/ping/{code}?rid={upper}"), 200, "OK", Some("success")),
        ("GET", format!("/ping/{key}/backup"), 200, "OK", Some("success")),
        ("GET", format!("/ping/{key}/backup/start"), 200, "OK", Some("start")),
        ("GET", format!("/ping/{key}/backup/fail"), 200, "OK", Some("fail")),
        ("GET", format!("/ping/{key}/backup/log"), 200, "OK", Some("log")),
        ("GET", format!("/{key}/backup/7"), 200, "OK", Some("fail")),
        ("GET", format!("/ping/{key}/Backup"), 400, "invalid url format", None),
        ("GET", format!("/ping/{key}/twice"), 409, "ambiguous slug", None),
        ("GET", format!("/ping/{key}/nobody"), 404, "not found", None),
        ("GET", "/ping/AAAAAAAAAAAAAAAAAAAAAA/backup".into(), 404, "not found", None),
        ("GET", "/ping/AAAAAAAAAAAAAAAAAAAAAA/new?create=1".into(), 404, "not found", None),
    ];
    for (method, path, status, body, kind) in rows {
        let before = listener.check(&code)["n_pings"].as_u64().unwrap();
        let (found, head, text) = listener.ask(method, &path, "", b"");
        assert_eq!((found, text.as_str()), (status, body), "{method} {path}");
        let after = listener.check(&code)["n_pings"].as_u64().unwrap();
        assert_eq!(after - before, u64::from(kind.is_some()), "{method} {path}");
        if let Some(kind) = kind {
            let last = &listener.pings(&code)[0];
            assert_eq!((last["type"].as_str(), last["method"].as_str()), (Some(kind), Some(method)), "{path}");
            for header in ["access-control-allow-origin: *", "ping-body-limit: 10000", "no-cache"] {
                assert!(head.contains(header), "{header} is missing: {head}");
            }
        }
    }
    assert_eq!(listener.pings(&code).iter().filter(|ping| ping["rid"] == rid).count(), 1, "ids are compared as UUIDs");
}

#[test]
fn an_unknown_slug_is_created_where_that_was_asked_for_up_to_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &["--jobs", "2"]);
    let key = listener.keys[0].clone();
    let at = |slug: &str| listener.get(&format!("/ping/{key}/{slug}?create=1"));
    assert_eq!((at("new").0, at("new").0), (201, 200));
    assert_eq!(at("new").2, "OK");
    let (status, _, text) = listener.get(&format!("/ping/{key}/second/start?create=1"));
    assert_eq!((status, text.as_str()), (201, "Created"));
    assert_eq!(at("third").0, 404);
    let all = listener.manage("GET", "/api/v3/checks/", &Value::Null).1;
    let shown: Vec<(&str, u64, &str, bool)> = all["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| {
            (
                check["name"].as_str().unwrap(),
                check["timeout"].as_u64().unwrap(),
                check["status"].as_str().unwrap(),
                check["started"] == true,
            )
        })
        .collect();
    assert_eq!(shown.iter().find(|check| check.0 == "new"), Some(&("new", 86_400, "up", false)));
    assert_eq!(shown.iter().find(|check| check.0 == "second"), Some(&("second", 86_400, "new", true)));
}

#[test]
fn bodies_agents_and_senders_are_kept_as_the_table_says() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let code = listener.make(json!({"name": "x"}));
    let long: Vec<u8> = (0..12_000).map(|n| b'a' + (n % 26) as u8).collect();
    let path = format!("/ping/{code}");
    assert_eq!(listener.ask("POST", &path, "", &long).0, 200);
    let body = |n: u64| {
        let path = format!("/api/v3/checks/{code}/pings/{n}/body");
        let mut stream = listener.connect();
        write!(stream, "GET {path} HTTP/1.0\r\nX-Api-Key: {}\r\n\r\n", listener.keys[1]).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        answer[head..].to_vec()
    };
    assert_eq!(body(1), &long[..10_000], "the beginning is kept");
    assert_eq!(listener.ask("POST", &path, "", b"\xff\x00raw\n\xfe").0, 200);
    assert_eq!(body(2), b"\xff\x00raw\n\xfe", "raw bytes are kept");
    let agents = format!("User-Agent: {}\r\n", "u".repeat(300));
    listener.ask("GET", &path, &agents, b"");
    assert_eq!(listener.pings(&code)[0]["ua"].as_str().unwrap().len(), 200);
    for (header, want) in [("1.2.3.4, 5.6.7.8", "1.2.3.4"), ("1.2.3.4:80", "1.2.3.4"), ("2001:db8::1", "2001:db8::1")] {
        listener.ask("GET", &path, &format!("X-Forwarded-For: {header}\r\nX-Forwarded-Proto: https\r\n"), b"");
        let last = &listener.pings(&code)[0];
        assert_eq!((last["remote_addr"].as_str(), last["scheme"].as_str()), (Some(want), Some("https")));
    }
    assert_eq!(listener.get("/ping/none").0, 404);
}

#[test]
fn pings_count_as_the_check_listens_to_them() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let words = json!({"filter_http_body": true, "failure_kw": "ERROR,FATAL", "success_kw": "OK", "start_kw": "BEGIN"});
    let with = |more: &[(&str, Value)]| {
        let mut wish = words.clone();
        more.iter().for_each(|(name, value)| wish[*name] = value.clone());
        wish
    };
    // The check, the method, the end of the address, the body; what it counts as.
    let rows = [
        (json!({}), "GET", "/1", "", "fail"),
        (json!({"methods": "POST"}), "GET", "", "", "ign"),
        (json!({"methods": "POST"}), "HEAD", "/fail", "", "ign"),
        (json!({"methods": "POST"}), "POST", "", "", "success"),
        (words.clone(), "POST", "", "an ERROR, not OK", "fail"),
        (words.clone(), "POST", "/fail", "all OK", "success"),
        (words.clone(), "POST", "", "BEGIN", "start"),
        (words.clone(), "POST", "", "error ok", "ign"),
        (with(&[("filter_default_fail", json!(true))]), "POST", "", "what", "fail"),
        (with(&[("methods", json!("POST"))]), "GET", "", "", "ign"),
    ];
    for (wish, method, end, body, kind) in rows {
        let code = listener.make(wish.clone());
        let (status, _, _) = listener.ask(method, &format!("/ping/{code}{end}"), "", body.as_bytes());
        assert_eq!((status, listener.pings(&code)[0]["type"].as_str()), (200, Some(kind)), "{wish} {method} {end} {body}");
        assert_eq!(listener.check(&code)["n_pings"], 1);
        let changed = listener.check(&code)["status"] != "new";
        assert_eq!(changed, kind == "success" || kind == "fail", "{kind}");
    }
    let held = listener.make(json!({"manual_resume": true}));
    listener.manage("POST", &format!("/api/v3/checks/{held}/pause"), &Value::Null);
    listener.get(&format!("/ping/{held}/fail"));
    assert_eq!((listener.check(&held)["status"].as_str(), listener.pings(&held)[0]["type"].as_str()), (Some("paused"), Some("ign")));
}

#[test]
fn the_live_transcript_of_healthchecks_comes_out_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let code = listener.make(json!({"name": "t"}));
    let (a, b) = ("aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000");
    let steps = [
        (String::new(), "up", false, None),
        (format!("/start?rid={a}"), "up", true, None),
        (format!("?rid={b}"), "up", true, None),
        (format!("?rid={a}"), "up", false, Some(0)),
        (format!("/start?rid={a}"), "up", true, Some(0)),
        (String::new(), "up", false, None),
        (format!("/start?rid={a}"), "up", true, None),
        (format!("/fail?rid={b}"), "down", false, None),
        ("/start".into(), "down", true, None),
        ("/log".into(), "down", true, None),
        ("/0".into(), "up", false, Some(0)),
        ("pause".into(), "paused", false, Some(0)),
        ("/start".into(), "paused", true, Some(0)),
        ("/fail".into(), "down", false, Some(0)),
    ];
    for (n, (step, status, started, duration)) in steps.into_iter().enumerate() {
        match step.as_str() {
            "pause" => assert_eq!(listener.manage("POST", &format!("/api/v3/checks/{code}/pause"), &Value::Null).0, 200),
            step => assert_eq!(listener.get(&format!("/ping/{code}{step}")).0, 200),
        }
        let check = listener.check(&code);
        assert_eq!((&check["status"], &check["started"]), (&json!(status), &json!(started)), "step {n}: {step}");
        assert_eq!(check.get("last_duration"), duration.map(|duration: u64| json!(duration)).as_ref(), "step {n}: {step}");
    }
    let resume = format!("/api/v3/checks/{code}/resume");
    assert_eq!(listener.manage("POST", &resume, &Value::Null), (409, json!("check is not paused")));
    listener.manage("POST", &format!("/api/v3/checks/{code}/pause"), &Value::Null);
    let (status, resumed) = listener.manage("POST", &resume, &Value::Null);
    assert_eq!((status, &resumed["status"], &resumed["last_ping"]), (200, &json!("new"), &Value::Null));
}

#[test]
fn checks_are_made_found_changed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let wish = json!({"name": "Backups", "tags": "prod www", "timeout": 3600, "grace": 60, "unique": ["name"]});
    let (first, made) = listener.manage("POST", "/api/v1/checks/", &wish);
    let (second, again) = listener.manage("POST", "/api/v1/checks/", &json!({"name": "Backups", "grace": 120, "unique": ["name"]}));
    assert_eq!((first, second, &made["uuid"]), (201, 200, &again["uuid"]));
    assert_eq!(
        (&again["slug"], &again["grace"], &again["timeout"], &again["tags"]),
        (&json!("backups"), &json!(120), &json!(3600), &json!("prod www"))
    );
    let code = made["uuid"].as_str().unwrap();
    let root = format!("http://127.0.0.1/api/v1/checks/{code}");
    assert_eq!((&made["update_url"], &made["pause_url"]), (&json!(root), &json!(format!("{root}/pause"))));
    assert_eq!(made["ping_url"], json!(format!("http://127.0.0.1/ping/{code}")));
    for key in ["desc", "n_pings", "status", "last_ping", "next_ping", "manual_resume", "methods", "success_kw", "channels", "badge_url"] {
        assert!(made.get(key).is_some(), "{key} is missing");
    }
    let other = listener.make(json!({"name": "Other", "tags": "prod"}));
    let listed =
        |query: &str| listener.manage("GET", &format!("/api/v3/checks/{query}"), &Value::Null).1["checks"].as_array().unwrap().len();
    assert_eq!(
        (listed(""), listed("?tag=prod"), listed("?tag=prod&tag=www"), listed("?tag=pro"), listed("?slug=backups")),
        (2, 2, 1, 0, 1)
    );
    // The key may stand in the body, and errors are worded as clients know them.
    let (status, _, _) =
        listener.ask("POST", "/api/v3/checks/", "", json!({"api_key": listener.keys[1], "name": "in body"}).to_string().as_bytes());
    assert_eq!(status, 201);
    let cases = [
        (json!({"timeout": 5}), "json validation error: timeout is too small"),
        (json!({"schedule": "nonsense"}), "json validation error: schedule is not a valid cron or OnCalendar expression"),
    ];
    for (wish, error) in cases {
        assert_eq!(listener.manage("POST", "/api/v3/checks/", &wish), (400, json!({ "error": error })));
    }
    let bad = listener.ask("POST", "/api/v3/checks/", &format!("X-Api-Key: {}\r\n", listener.keys[1]), b"{");
    assert_eq!((bad.0, bad.2.as_str()), (400, r#"{"error":"could not parse request body"}"#));
    let cron = json!({"name": "cron", "schedule": "15 5 * * *", "tz": "Europe/Riga", "timeout": 300});
    let (status, made) = listener.manage("POST", "/api/v3/checks/", &cron);
    assert_eq!((status, &made["schedule"], &made["tz"], made.get("timeout")), (201, &json!("15 5 * * *"), &json!("Europe/Riga"), None));
    let code = made["uuid"].as_str().unwrap();
    listener.get(&format!("/ping/{code}"));
    assert!(["02:15:00+00:00", "03:15:00+00:00"].iter().any(|end| listener.check(code)["next_ping"].as_str().unwrap().ends_with(end)));
    let (status, gone) = listener.manage("DELETE", &format!("/api/v3/checks/{other}"), &Value::Null);
    assert_eq!((status, &gone["name"]), (200, &json!("Other")));
    assert_eq!(listener.manage("GET", &format!("/api/v3/checks/{other}"), &Value::Null).0, 404);
    assert_eq!(listener.get(&format!("/ping/{other}")).0, 404);
    assert_eq!(listener.manage("GET", "/api/v3/channels/", &Value::Null), (200, json!({"channels": []})));
    assert_eq!(listener.manage("PATCH", "/api/v3/checks/", &Value::Null).0, 405);
    assert_eq!(listener.get("/api/v3/status/").0, 200);
}

#[test]
fn keys_open_what_they_are_for_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let code = listener.make(json!({"name": "x"}));
    let with = |key: &str, method: &str, path: &str| listener.ask(method, path, &format!("X-Api-Key: {key}\r\n"), b"");
    let [ping, _, read] = &listener.keys;
    for key in ["", "wrong", ping.as_str(), &read[1..]] {
        assert_eq!(with(key, "GET", "/api/v3/checks/").0, 401, "{key}");
    }
    let (status, _, text) = with(read, "GET", "/api/v3/checks/");
    let check = &serde_json::from_str::<Value>(&text).unwrap()["checks"][0];
    assert_eq!(status, 200);
    assert!(!text.contains(&code) && !text.contains("ping_url"), "who may only read could ping: {text}");
    let unique = check["unique_key"].as_str().unwrap();
    assert_eq!((unique.len(), with(read, "GET", &format!("/api/v3/checks/{unique}")).0), (40, 200));
    assert_eq!(with(read, "GET", &format!("/api/v3/checks/{unique}/flips/")).0, 200);
    assert_eq!(with(read, "GET", "/api/v3/badges/").0, 200);
    for (method, path) in
        [("POST", "/api/v3/checks/".into()), ("DELETE", format!("/api/v3/checks/{code}")), ("GET", format!("/api/v3/checks/{code}/pings/"))]
    {
        assert_eq!(with(read, method, &path).0, 401, "{method} {path}");
    }
    let state = folder.path().join("pipewatch.sqlite");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(state).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn uptime_kumas_push_becomes_a_beat_and_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let code = listener.make(json!({"name": "push", "slug": "push"}));
    let push = |query: &str| listener.get(&format!("/api/push/{code}{query}"));
    let (status, _, text) = push("?status=up&msg=all+fine&ping=12.5");
    assert_eq!((status, text.as_str()), (200, r#"{"ok":true}"#));
    assert_eq!(listener.check(&code)["status"], "up");
    push("?status=down&msg=broken");
    assert_eq!(listener.check(&code)["status"], "down");
    push("");
    assert_eq!(listener.check(&code)["status"], "up");
    assert_eq!(listener.get(&format!("/api/push/{}.push", listener.keys[0])).0, 200);
    let (status, _, text) = listener.get("/api/push/nobody?status=up");
    assert_eq!(status, 404);
    assert!(text.contains(r#""ok":false"#));
    let (out, _, _) = run(folder.path(), "cat beats/*.ndjson");
    assert!(out.contains(r#""beat":"push","state":"ok","message":"all fine""#), "{out}");
    assert!(out.contains(r#""metric":"push.ping","value":12.5,"unit":"ms"}"#), "{out}");
}

#[test]
fn a_spooled_beat_keeps_its_instant_within_bounds_and_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let code = listener.make(json!({"name": "spooled"}));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    let at = |seconds: i64| pipewatch::time::Timestamp::from_nanos((now + seconds) * 1_000_000_000).to_string();
    let send = |ts: &str| listener.ask("GET", &format!("/ping/{code}"), &format!("Pipewatch-Ts: {ts}\r\n"), b"").0;
    assert_eq!((send(&at(-3600)), send(&at(-3600))), (200, 200));
    let check = listener.check(&code);
    assert_eq!((&check["n_pings"], &check["last_ping"]), (&json!(1), &json!(at(-3600).replace('Z', "+00:00"))));
    assert_eq!((send(&at(30)), send(&at(600)), send(&at(-31 * 86_400)), send("yesterday")), (200, 400, 400, 400));
    assert_eq!(send(&at(-86_400)), 200, "one of yesterday comes late");
    let check = listener.check(&code);
    assert_eq!(check["last_ping"], json!(at(30).replace('Z', "+00:00")), "and changes nothing now");
    wait_for("the late one is counted", || listener.check(&code)["n_pings"] == 3);
}

#[test]
fn who_comes_too_often_is_told_to_wait() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &["--rate", "1"]);
    let (one, other) = (listener.make(json!({"name": "one"})), listener.make(json!({"name": "other"})));
    let mut statuses = Vec::new();
    for _ in 0..20 {
        let (status, head, _) = listener.get(&format!("/ping/{one}"));
        assert_eq!(head.contains("retry-after: "), status == 429, "{head}");
        statuses.push(status);
    }
    assert!(statuses[..2] == [200, 200] && statuses.contains(&429), "{statuses:?}");
    assert_eq!(listener.get(&format!("/ping/{other}")).0, 200, "the other one is not held up");
}

#[test]
fn the_page_the_badges_and_the_metrics_tell_how_jobs_stand_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let good = listener.make(json!({"name": "good <b>", "tags": "web a/b"}));
    let bad = listener.make(json!({"name": "bad", "tags": "web"}));
    listener.get(&format!("/ping/{good}"));
    listener.ask("POST", &format!("/ping/{bad}/3"), "", b"<script>");
    let (status, head, page) = listener.get("/");
    assert_eq!(status, 200);
    assert!(head.contains("content-security-policy: default-src 'none'") && head.contains("text/html"), "{head}");
    assert!(page.contains("<h1>1 of 2 down</h1>") && page.contains("good &lt;b&gt;</th>"), "{page}");
    let metrics = listener.get("/metrics").2;
    assert!(
        metrics.contains("pipewatch_heartbeat_jobs{state=\"down\"} 1\n") && metrics.contains("pipewatch_heartbeat_up{job=\"bad\"} 0\n"),
        "{metrics}"
    );
    let badges = listener.manage("GET", "/api/v3/badges/", &Value::Null).1;
    let path = |tag: &str, form: &str| badges["badges"][tag][form].as_str().unwrap().trim_start_matches("http://127.0.0.1").to_owned();
    assert_eq!(listener.get(&path("web", "json")).2, r#"{"status": "down", "total": 2, "grace": 0, "down": 1}"#);
    assert_eq!(listener.get(&path("a/b", "shields3")).2, r#"{"schemaVersion": 1, "label": "a/b", "message": "up", "color": "success"}"#);
    let (_, head, svg) = listener.get(&path("*", "svg"));
    assert!(head.contains("image/svg+xml") && svg.starts_with("<svg") && svg.contains("heartbeat: down"), "{svg}");
    assert_eq!(listener.get(&path("web", "json").replace("/web.", "/other.")).0, 404, "one tag's address gives no other's");
    let own = listener.check(&bad)["badge_url"].as_str().unwrap().trim_start_matches("http://127.0.0.1").to_owned();
    assert!(listener.get(&own).2.contains("bad: down"));
    for text in [&page, &metrics, &svg] {
        for secret in listener.keys.iter().chain([&good, &bad]) {
            assert!(!text.contains(secret.as_str()), "{secret} is told: {text}");
        }
    }
    // Who is not on this machine, or was led here under another name, must show the key.
    let ask = |path: &str, header: &str| {
        let mut stream = listener.connect();
        write!(stream, "GET {path} HTTP/1.0\r\n{header}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    for path in ["/", "/metrics"] {
        assert_eq!(ask(path, "Host: evil.example"), "403");
        assert_eq!(ask(path, "X-Forwarded-For: 1.2.3.4"), "403");
        assert_eq!(ask(&format!("{path}?key={}", listener.keys[2]), "Host: evil.example"), "200");
    }
    assert_eq!(listener.get("/healthz").2, "OK\n");
}

#[test]
fn bound_to_more_than_this_machine_the_page_asks_for_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &["--bind", "0.0.0.0:0"]);
    assert_eq!((listener.get("/").0, listener.get("/metrics").0, listener.get("/healthz").0), (403, 403, 200));
    assert_eq!(listener.get(&format!("/?key={}", listener.keys[2])).0, 200);
    assert_eq!(listener.get(&format!("/?key={}", listener.keys[0])).0, 403, "the key of pings shows nothing");
}

#[test]
fn a_restart_brings_the_same_states_and_what_others_wrote_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let (one, two) = (listener.make(json!({"name": "one", "slug": "one"})), listener.make(json!({"name": "two", "slug": "two"})));
    let keys = listener.keys.clone();
    listener.get(&format!("/ping/{one}/start"));
    listener.ask("POST", &format!("/ping/{one}"), "", b"said");
    listener.get(&format!("/ping/{two}/fail"));
    listener.manage("POST", &format!("/api/v3/checks/{two}/pause"), &Value::Null);
    let shown = |listener: &Listener, code: &str| {
        (listener.check(code), listener.manage("GET", &format!("/api/v3/checks/{code}/flips/"), &Value::Null))
    };
    let before = [shown(&listener, &one), shown(&listener, &two)];
    let pings = listener.pings(&one);
    assert_eq!(listener.end(), Some(0));
    let beat = format!("{{\"ts\":\"{}\",\"beat\":\"two\",\"state\":\"ok\"}}\n", pipewatch_now());
    let listener = Listener::start(folder.path(), &[]);
    assert_eq!([shown(&listener, &one), shown(&listener, &two)], before);
    assert_eq!((listener.pings(&one), &listener.keys), (pings, &keys));
    // Written beside it, as `heartbeat beat` does.
    let day = std::fs::read_dir(folder.path().join("beats")).unwrap().next().unwrap().unwrap().path();
    std::fs::File::options().append(true).open(&day).unwrap().write_all(beat.as_bytes()).unwrap();
    wait_for("a beat of another writer", || listener.check(&two)["status"] == "up");
    drop(listener); // Killed: what it had not remembered is read again.
    let listener = Listener::start(folder.path(), &[]);
    assert_eq!((&listener.check(&two)["status"], &listener.check(&two)["n_pings"]), (&json!("up"), &json!(2)));
}

fn pipewatch_now() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as i64;
    pipewatch::time::Timestamp::from_nanos(now).to_string()
}

#[test]
fn verdicts_are_said_when_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let code = listener.make(json!({"name": "job", "slug": "job"}));
    let said = || std::fs::read_to_string(folder.path().join("verdicts.out")).unwrap();
    listener.get(&format!("/ping/{code}"));
    listener.get(&format!("/ping/{code}/fail"));
    wait_for("the verdict", || said().contains(r#""check":"job","status":"critical""#));
    listener.get(&format!("/ping/{code}"));
    wait_for("the all-clear", || said().contains(r#""check":"job","status":"ok""#));
    let lines: Vec<Value> = said().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let flips = listener.manage("GET", &format!("/api/v3/checks/{code}/flips/"), &Value::Null).1;
    let since = lines[0]["since"].as_str().unwrap();
    assert_eq!(since.split('.').next().unwrap(), flips[1]["timestamp"].as_str().unwrap().trim_end_matches("+00:00"));
    assert_eq!(lines.len(), 2, "{}", said());
}
