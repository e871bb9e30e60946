//! Real clients against `heartbeat listen`, unchanged but for the base address: curl, and the libraries of PyPI and npm.
//!
//! The libraries are looked for in target/peers (scripts/test puts them there), or where the interpreters find them.

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::heartbeat_listen::Listener;
use crate::peers::find;
use crate::programs::{project, skip};

fn text(output: Output) -> String {
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn curl_pings_as_the_documents_of_healthchecks_show() {
    let test = "curl_pings_as_the_documents_of_healthchecks_show";
    let Some(curl) = find(test, "curl") else { return };
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let base = format!("http://127.0.0.1:{}/ping/{}/backup", listener.port, listener.keys[0]);
    let call = |arguments: &[&str]| text(Command::new(&curl).args(["-fsS", "-m", "10", "--retry", "5"]).args(arguments).output().unwrap());
    assert_eq!(call(&["-w", " %{http_code}", &format!("{base}?create=1")]), "Created 201");
    assert_eq!(call(&[&format!("{base}/start")]), "OK");
    assert_eq!(call(&["--data-raw", "all went well", &format!("{base}/0")]), "OK");
    assert_eq!(call(&["-I", "-o", "/dev/null", "-w", "%{http_code}", &base]), "200");
    assert_eq!(call(&["-0", &base]), "OK", "by the old protocol");
    let failed = Command::new(&curl).args(["-fsS", &format!("{base}-nobody")]).output().unwrap();
    assert_eq!(failed.status.code(), Some(22), "an unknown slug is an error to curl");
}

#[test]
fn the_lines_of_the_readme_bring_a_first_job() {
    let test = "the_lines_of_the_readme_bring_a_first_job";
    if find(test, "curl").is_none() {
        return;
    }
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    let block =
        readme.split("```sh\n").filter_map(|rest| rest.split("```").next()).find(|block| block.contains("heartbeat listen")).unwrap();
    let port = crate::peers::free_port().to_string();
    let lines = block.replace("heartbeat listen >", &format!("heartbeat listen --bind {port} >")).replace("8700", &port);
    let folder = tempfile::tempdir().unwrap();
    let (out, told, code) = crate::programs::run(folder.path(), &format!("set -e\n{lines}\nkill $!; wait $! || exit 9"));
    assert_eq!((out.as_str(), code), ("Created", 0), "{told}");
    let (beats, _, _) = crate::programs::run(folder.path(), "cat state/pipewatch/beats/*");
    assert!(beats.contains(r#""beat":"nightly-backup","state":"ok""#), "{beats}");
}

const PYTHON: &str = r#"
import sys
from healthchecks_io import Client, CheckCreate, CheckUpdate, CheckTrap, CheckNotFoundError, HCAPIAuthError, BadAPIRequestError
base, ping, manage, read = sys.argv[1:]
for version in (1, 2, 3):
    client = Client(api_key=manage, ping_key=ping, api_url=base + "/api/", ping_url=base + "/ping/", api_version=version)
    made = client.create_check(CheckCreate(name=f"python {version}", tags="python x", timeout=300, grace=60, unique=["name"]))
    assert (made.name, made.timeout, made.grace, made.status) == (f"python {version}", 300, 60, "new"), made
    assert client.success_ping(uuid=made.uuid) == (True, "OK")
    assert client.start_ping(uuid=made.uuid) == (True, "OK")
    assert client.get_check(made.uuid).status == ("started" if version == 1 else "up")
    assert client.exit_code_ping(3, uuid=made.uuid, data="it broke") == (True, "OK")
    assert client.get_check(made.uuid).status == "down"
    with CheckTrap(client, uuid=made.uuid) as trap:
        trap.add_log("a line")
    pings = client.get_check_pings(made.uuid)
    assert [one.type for one in pings][:2] == ["success", "start"] and pings[0].duration is not None, pings
    flips = client.get_check_flips(made.uuid)
    assert [flip.up for flip in flips] == [1, 0, 1], flips
    assert client.update_check(made.uuid, CheckUpdate(desc="said")).desc == "said"
    assert client.pause_check(made.uuid).status == "paused"
    assert "python" in client.get_badges() and client.get_integrations() == []
    assert any(check.uuid == made.uuid for check in client.get_checks(tags=["python", "x"]))
    reader = Client(api_key=read, api_url=base + "/api/", api_version=version)
    seen = [check for check in reader.get_checks() if check.name == made.name][0]
    assert seen.uuid is None and reader.get_check(seen.unique_key).name == made.name
    try:
        reader.delete_check(made.uuid)
        assert False, "who may only read has deleted"
    except HCAPIAuthError:
        pass
    assert client.delete_check(made.uuid).name == made.name
    try:
        client.get_check(made.uuid)
        assert False, "it was deleted"
    except CheckNotFoundError:
        pass
print("all well")
"#;

#[test]
fn the_client_library_of_pypi_works_unchanged() {
    let test = "the_client_library_of_pypi_works_unchanged";
    let own = project().join("target/peers/venv/bin/python3");
    let python = if own.is_file() { own } else { PathBuf::from("python3") };
    if !Command::new(&python).args(["-c", "import healthchecks_io"]).output().is_ok_and(|output| output.status.success()) {
        return skip(test, "the library healthchecks-io of PyPI is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let base = format!("http://127.0.0.1:{}", listener.port);
    let said = text(Command::new(python).args(["-W", "ignore", "-c", PYTHON, &base]).args(&listener.keys).output().unwrap());
    assert_eq!(said, "all well\n");
}

const NODE: &str = r#"
const assert = require('assert');
const { HealthChecksApiClient, HealthChecksPingClient } = require('healthchecks-io-client');
const [baseUrl, , manage] = process.argv.slice(1);
(async () => {
  for (const apiVersion of [1, 2, 3]) {
    const client = new HealthChecksApiClient({ apiKey: manage, baseUrl, apiVersion });
    const made = await client.createCheck({ name: `node ${apiVersion}`, tags: 'node', timeout: 300, grace: 60, unique: ['name'] });
    const uuid = made.ping_url.split('/').pop();
    for (const at of [baseUrl, `${baseUrl}/ping`]) {
      const pinger = new HealthChecksPingClient({ uuid, baseUrl: at, returnResponse: true });
      assert.strictEqual(await pinger.start(), 'OK');
      assert.strictEqual(await pinger.success('with a body'), 'OK');
      assert.strictEqual(await pinger.fail(), 'OK');
    }
    assert.strictEqual((await client.getCheck(uuid)).status, 'down');
    assert.strictEqual((await client.getChecks(['node'])).checks.length, 1);
    assert.strictEqual((await client.updateCheck(uuid, { desc: 'said' })).desc, 'said');
    assert.strictEqual((await client.listPings(uuid)).pings.length, 6);
    assert.strictEqual((await client.listFlips(uuid, { seconds: 3600 })).length, 4);
    assert.deepStrictEqual(await client.getIntegrations(), { channels: [] });
    assert.strictEqual((await client.pauseCheck(uuid)).status, 'paused');
    assert.strictEqual((await client.deleteCheck(uuid)).name, `node ${apiVersion}`);
    await assert.rejects(client.getCheck(uuid));
  }
  console.log('all well');
})().catch((error) => { console.error(error); process.exit(1); });
"#;

#[test]
fn the_client_library_of_npm_works_unchanged() {
    let test = "the_client_library_of_npm_works_unchanged";
    let Some(node) = find(test, "node") else { return };
    let modules = project().join("target/peers/npm/node_modules");
    let with = |script: &str| {
        let mut command = Command::new(&node);
        command.env("NODE_PATH", &modules).args(["-e", script]);
        command
    };
    if !with("require('healthchecks-io-client')").output().is_ok_and(|output| output.status.success()) {
        return skip(test, "the library healthchecks-io-client of npm is not installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::start(folder.path(), &[]);
    let base = format!("http://127.0.0.1:{}", listener.port);
    let said = text(with(NODE).arg(&base).args(&listener.keys).output().unwrap());
    assert_eq!(said, "all well\n");
}
