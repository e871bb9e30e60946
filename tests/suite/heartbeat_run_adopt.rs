//! `heartbeat adopt`, and the examples of watched jobs: crontabs and units as their own programs read them.

use std::path::Path;

use pipewatch::cli::heartbeat::TOOL;

use crate::peers::find;
use crate::programs::{in_process, project, run, skip};

/// A crontab as users have them.
const CRONTAB: &str = r#"# m h  dom mon dow   command
SHELL=/bin/bash
MAILTO="ops@example.org"
CRON_TZ=America/New_York

15 2 * * *	/usr/local/bin/backup --all
*/5 * * * *   cd /srv/shop && php artisan schedule:run >> /dev/null 2>&1
0 3 * * 0     mysqldump shop | gzip > "/backup/shop-$(date +\%F).sql.gz"
@daily        certbot -q renew --post-hook 'systemctl reload nginx'
@reboot       sleep 30 && /opt/warm
30 9 1-7 * 1  [ "$(date '+\%u')" = 1 ] && mail -s "it's due" ops%Hello,%the rent%
"#;

/// `heartbeat adopt -` in process: the crontab or the toml alone.
fn adopt(crontab: &str, what: &str) -> String {
    let arguments = ["adopt", "-", "--zone", "UTC", "--program", "/usr/bin/heartbeat", what, "-"];
    let (code, out, told) = in_process(&TOOL, &arguments, crontab);
    assert_eq!((code, told.as_str()), (0, ""));
    out
}

#[test]
fn only_the_commands_of_jobs_change() {
    let adopted = adopt(CRONTAB, "--crontab-out");
    let changed: Vec<(&str, &str)> = CRONTAB.lines().zip(adopted.lines()).filter(|(before, after)| before != after).collect();
    let shell = "/usr/bin/heartbeat run";
    assert_eq!(
        changed.iter().map(|(_, after)| *after).collect::<Vec<_>>(),
        [
            format!("15 2 * * *\t{shell} backup -- /usr/local/bin/backup --all"),
            format!(
                "*/5 * * * *   {shell} artisan-schedule-run -- /bin/bash -c 'cd /srv/shop && php artisan schedule:run >> /dev/null 2>&1'"
            ),
            format!(r#"0 3 * * 0     {shell} mysqldump-shop -- /bin/bash -c 'mysqldump shop | gzip > "/backup/shop-$(date +\%F).sql.gz"'"#),
            format!(r"@daily        {shell} certbot -- /bin/bash -c 'certbot -q renew --post-hook '\''systemctl reload nginx'\'''"),
            format!("@reboot       {shell} warm -- /bin/bash -c 'sleep 30 && /opt/warm'"),
            format!(
                r#"30 9 1-7 * 1  {shell} mail -- /bin/bash -c '[ "$(date '\''+\%u'\'')" = 1 ] && mail -s "it'\''s due" ops'%Hello,%the rent%"#
            ),
        ]
    );
    assert_eq!(CRONTAB.lines().count(), adopted.lines().count());
}

#[test]
fn what_is_expected_has_the_schedules_and_the_zone() {
    let toml = adopt(CRONTAB, "--toml-out");
    let table = |name: &str, cron: &str| format!("[{name}]\ncron = \"{cron}\"\nzone = \"America/New_York\"\n");
    for expected in [
        table("backup", "15 2 * * *"),
        table("artisan-schedule-run", "*/5 * * * *"),
        table("mysqldump-shop", "0 3 * * 0"),
        table("certbot", "0 0 * * *"),
        table("mail", "30 9 1-7 * 1"),
    ] {
        assert!(toml.contains(&expected), "{expected}{toml}");
    }
    assert!(!toml.contains("[warm]"));
}

#[test]
fn nothing_that_is_there_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["jobs", "kept", "heartbeat.toml"] {
        std::fs::write(folder.path().join(name), CRONTAB).unwrap();
    }
    let (out, told, code) = run(folder.path(), "heartbeat adopt jobs > /dev/null 2>&1; heartbeat adopt jobs --crontab-out kept");
    assert_eq!((out.as_str(), code), ("", 64));
    assert!(told.starts_with("heartbeat: `kept`: is there already\nhint: "), "{told}");
    assert_eq!(run(folder.path(), "heartbeat adopt jobs --toml-out heartbeat.toml").2, 64);
    for name in ["jobs", "kept", "heartbeat.toml"] {
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), CRONTAB);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_user_is_told_when_cron_would_not_find_the_program() {
    let (code, out, told) = in_process(&TOOL, &["adopt", "-", "--program", "heartbeat-of-nowhere"], "PATH=/nowhere\n* * * * * x\n");
    assert_eq!(code, 0);
    assert!(out.contains("heartbeat-of-nowhere run x -- x") && out.contains("[x]"), "{out}");
    assert!(told.contains("cron would not find `heartbeat-of-nowhere` in PATH (/nowhere)"), "{told}");
}

/// Whether cron's own program finds nothing wrong with a crontab.
fn cron_takes(crontab: &Path) -> Result<(), String> {
    // Debian's has -n for that, later -T.
    let try_with = |option: &str| std::process::Command::new("crontab").arg(option).arg(crontab).output().unwrap();
    let mut output = try_with("-T");
    if String::from_utf8_lossy(&output.stderr).contains("usage") {
        output = try_with("-n");
    }
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

#[test]
fn cron_itself_takes_what_is_proposed_and_the_example() {
    if find("cron_itself_takes_what_is_proposed_and_the_example", "crontab").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crontab");
    std::fs::write(&path, adopt(CRONTAB, "--crontab-out")).unwrap();
    cron_takes(&path).unwrap();
    cron_takes(&project().join("examples/heartbeat/crontab")).unwrap();
    std::fs::write(&path, "61 * * * * x\n").unwrap();
    assert!(cron_takes(&path).is_err(), "it looks at all");
}

#[test]
fn a_shell_runs_a_wrapped_job_as_it_ran_the_bare_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bin")).unwrap();
    for command in [
        r#"cd bin && pwd | sed 's/.*\///' && echo "it's $((1 + 1))" 'a  b' \$HOME"#,
        r"echo out; echo err >&2; exit 3",
        r#"A='x y' sh -c 'echo "$A"'"#,
        r"printf 'a\\b\n'; printf '%s\n' *",
        "cat",
        "true",
        "[ -d bin ] && { echo yes; }",
    ] {
        // What cron gives to the shell has no `%` that is escaped any more; without one it is the text itself.
        let line = format!("* * * * * {}", command.replace('%', "\\%"));
        let arguments = ["adopt", "-", "--user", "--program", "heartbeat", "--crontab-out", "-"];
        let (code, out, _) = in_process(&TOOL, &arguments, &line);
        assert_eq!(code, 0);
        let wrapped = out.strip_prefix("* * * * * ").unwrap().replace("\\%", "%");
        let bare = run(folder.path(), &format!("echo in | ({command})"));
        let around = run(folder.path(), &format!("export PIPEWATCH_STATE=$HOME/.state; echo in | ({wrapped})"));
        assert_eq!(around, bare, "{wrapped}");
    }
}

/// Programs that the examples run, each of which says its name; put first on PATH.
fn with_programs(folder: &Path) -> String {
    let programs = folder.join("programs");
    std::fs::create_dir_all(&programs).unwrap();
    for (name, script) in [("backup", "echo copied; exit 0"), ("sync-mirror", "echo synced"), ("weekly-report", "exit 4")] {
        let path = programs.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    format!("PATH={}:$PATH; ", programs.display())
}

#[test]
fn the_jobs_of_the_crontab_beat() {
    let folder = tempfile::tempdir().unwrap();
    let setup = with_programs(folder.path());
    let text = std::fs::read_to_string(project().join("examples/heartbeat/crontab")).unwrap();
    let jobs: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '*'))
        .map(|line| line.split_whitespace().skip(5).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(jobs.len(), 3);
    for job in &jobs {
        assert!(!job.contains('%'), "{job}");
        let (out, told, code) = run(folder.path(), &format!("{setup}{job}"));
        assert_eq!((out.as_str(), told.as_str(), code), ("", "", 0), "{job}");
    }
    let (beats, ..) = run(folder.path(), "cat state/pipewatch/beats/*.ndjson");
    for end in [
        "\"beat\":\"nightly-backup\",\"state\":\"ok\"",
        "\"beat\":\"mirror\",\"state\":\"ok\"",
        "\"beat\":\"weekly-report\",\"state\":\"fail\",\"exit\":4",
    ] {
        assert!(beats.contains(end), "{end}: {beats}");
    }
    assert_eq!(std::fs::read_to_string(folder.path().join("mirror.log")).unwrap(), "synced\n");
}

/// The commands that a unit gives for a key, with its continued lines joined.
fn commands(unit: &str, key: &str) -> Vec<String> {
    let text = std::fs::read_to_string(project().join("examples/heartbeat").join(unit)).unwrap().replace("\\\n", "");
    text.lines().filter_map(|line| line.strip_prefix(&format!("{key}="))).map(|line| line.trim_start_matches('-').to_owned()).collect()
}

#[test]
fn what_the_units_run_beats() {
    let folder = tempfile::tempdir().unwrap();
    let setup = with_programs(folder.path());
    let plain = |command: &str| command.replace("/usr/local/bin/", "").replace("%N", "certbot");
    let service = commands("nightly-backup.service", "ExecStart").concat();
    assert_eq!(run(folder.path(), &format!("{setup}{}", plain(&service))), ("copied\n".into(), String::new(), 0));
    let (pre, post) = (commands("beat.conf", "ExecStartPre").concat(), commands("beat.conf", "ExecStopPost").concat());
    for (result, code, status) in [("success", "exited", "0"), ("exit-code", "exited", "3"), ("signal", "killed", "TERM")] {
        let unit = format!(
            "export INVOCATION_ID=0f1c9e8a00004000800000000000000a SERVICE_RESULT={result} EXIT_CODE={code} EXIT_STATUS={status}; "
        );
        for command in [&pre, &post] {
            let (out, told, code) = run(folder.path(), &format!("{unit}{}", plain(command)));
            assert_eq!((out.as_str(), told.as_str(), code), ("", "", 0), "{command}");
        }
    }
    let (beats, ..) = run(folder.path(), "grep -h certbot state/pipewatch/beats/*.ndjson | sed 's/.*\"state\"://'");
    let start = "\"start\",\"run\":\"0f1c9e8a00004000800000000000000a\"}\n";
    let ends = ["\"ok\"", "\"fail\"", "\"fail\""].into_iter().zip(["success: exited 0", "exit-code: exited 3", "signal: killed TERM"]);
    let expected: String = ends
        .map(|(state, said)| format!("{start}{state},\"run\":\"0f1c9e8a00004000800000000000000a\",\"message\":\"{said}\"}}\n"))
        .collect();
    assert_eq!(beats, expected);
}

#[test]
fn the_units_are_units_to_systemd() {
    let folder = project().join("examples/heartbeat");
    let units = ["nightly-backup.service", "nightly-backup.timer"].map(|name| folder.join(name));
    match std::process::Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output() {
        Err(_) => skip("the_units_are_units_to_systemd", "systemd-analyze is not installed"),
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            // That the programs are not installed here is nothing about the units.
            let about: Vec<&str> =
                told.lines().filter(|line| line.contains("nightly-backup") && !line.contains("is not executable")).collect();
            assert!(about.is_empty(), "{told}");
        }
    }
}
