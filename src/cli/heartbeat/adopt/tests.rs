use super::*;

fn plan(text: &str, form: Form) -> Plan {
    Plan { name: "crontab".into(), text: text.into(), form, zone: "Europe/Riga".into(), program: "heartbeat".into() }
}

const DEBIAN: &str = "\
# /etc/crontab: system-wide crontab
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

# m h dom mon dow user\tcommand
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
@reboot www-data /opt/warm --cache
CRON_TZ=UTC
0 3 * * 1-5 root /usr/bin/heartbeat run nightly.dump --lock -- /opt/dump
";

#[test]
fn every_job_is_wrapped_and_everything_else_stays() {
    let proposal = propose(&plan(DEBIAN, Form::System));
    assert_eq!(
        proposal.crontab,
        DEBIAN
            .replace(
                "cd / && run-parts --report /etc/cron.hourly",
                "heartbeat run run-parts-cron-hourly -- /bin/sh -c 'cd / && run-parts --report /etc/cron.hourly'"
            )
            .replace("test -x /usr", "heartbeat run run-parts-cron-daily -- /bin/sh -c 'test -x /usr")
            .replace("cron.daily; }", "cron.daily; }'")
            .replace("/opt/warm", "heartbeat run warm -- /opt/warm")
    );
}

#[test]
fn every_job_with_a_schedule_is_expected() {
    let proposal = propose(&plan(DEBIAN, Form::System));
    assert_eq!(
        proposal.toml,
        "# What crontab runs. Proposed by heartbeat adopt; `heartbeat next` shows when each job is due.\n\
         \n# cd / && run-parts --report /etc/cron.hourly\n[run-parts-cron-hourly]\ncron = \"17 * * * *\"\nzone = \"Europe/Riga\"\n\
         \n# test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }\n[run-parts-cron-daily]\ncron = \"25 6 * * *\"\nzone = \"Europe/Riga\"\n\
         \n# warm (/opt/warm --cache) runs at @reboot: nothing can be expected of it.\n\
         \n# /usr/bin/heartbeat run nightly.dump --lock -- /opt/dump\n[\"nightly.dump\"]\ncron = \"0 3 * * 1-5\"\n"
    );
}

#[test]
fn adopting_twice_changes_nothing_more() {
    let once = propose(&plan(DEBIAN, Form::System));
    let twice = propose(&plan(&once.crontab, Form::System));
    assert_eq!(twice.crontab, once.crontab);
    let keys = |toml: &str| toml.lines().filter(|line| line.starts_with('[')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(keys(&twice.toml), keys(&once.toml));
}

#[test]
fn what_is_no_line_of_a_crontab_is_left_and_told() {
    let proposal = propose(&plan("15 2 * * *\n* * * * * x", Form::User));
    assert_eq!(proposal.crontab, "15 2 * * *\n* * * * * heartbeat run x -- x");
    assert_eq!(proposal.notes[0], "line 1: is no line of a crontab; left as it is");
}

#[test]
fn a_name_for_five_fields_is_spelled_out() {
    let proposal = propose(&plan("@Weekly x\n@midnight y", Form::User));
    assert!(proposal.toml.contains("# @Weekly: x\n[x]\ncron = \"0 0 * * 0\"\n"), "{}", proposal.toml);
    assert!(proposal.toml.contains("[y]\ncron = \"0 0 * * *\"\n"), "{}", proposal.toml);
}

#[test]
fn the_toml_is_toml_whatever_the_crontab_holds() {
    let text = "* * * * * echo \"a\u{1b}]b\" 'c\\\n0 1 * * * heartbeat run \"a]b -- x\nCRON_TZ=\"\u{7}x\n5 5 * * * \u{202e}y z\n";
    let proposal = propose(&plan(text, Form::User));
    let table = toml::de::DeTable::parse(&proposal.toml).unwrap();
    assert_eq!(table.get_ref().len(), 3, "{}", proposal.toml);
    assert!(!proposal.toml.contains('\u{1b}'));
}

#[test]
fn a_line_that_cron_would_cut_is_left_and_told() {
    let text = format!("* * * * * echo {}", "x".repeat(975));
    let proposal = propose(&plan(&text, Form::User));
    assert_eq!(proposal.crontab, text);
    assert_eq!(proposal.notes[0], "line 1: would be too long for cron when wrapped; left as it is");
}
