//! Checks as object definitions of Nagios and of what reads its configuration: a command and a service each.
//!
//! The command is `check` itself with the check's conditions on its command line, so that the server
//! runs, schedules and shows what `check` judges. What the options of `check` cannot say (`clear`,
//! `needs` and so on) is refused by name; nothing is left out silently.
//!
//! A condition passes through three readers, and is quoted for each:
//!
//! | reader            | means something     | written as                                |
//! |-------------------|---------------------|-------------------------------------------|
//! | the object file   | `;` (a comment)     | `\;`, in an address `%3B`                |
//! | macros            | `$`                 | `$$`                                      |
//! | the shell         | all but a few       | in single quotes, a quote as `'\''`       |
//!
//! `!` separates arguments only in `check_command`, where none are given. A line's end is a space in
//! the language, and is written as one.
//!
//! Source: Nagios Core 4 documentation, "Object Definitions", "Custom Object Variables", "Understanding
//! Macros and How They Work", and `illegal_object_name_chars` of its main configuration file.

use super::check::{Check, Level};
use super::parse::parse;
use crate::record::{Status, show};

/// What stands in the definitions beside the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NagiosOptions {
    /// The program `check`, as the server finds it.
    pub program: String,
    /// What stands behind the conditions: the inputs, and options like `--since`.
    pub arguments: Vec<String>,
    /// The host that the services belong to.
    pub host: String,
    /// The service template that says when to check and whom to tell.
    pub template: String,
}

/// A check that can't be said in Nagios' configuration, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its name.
    pub check: String,
    /// What can't be said: a key, or what is wrong with it.
    pub why: String,
}

/// Writes a command and a service for each check.
///
/// # Errors
/// Every check that can't be said, with each of its reasons; then nothing is written.
pub fn export_nagios(checks: &[Check], options: &NagiosOptions) -> Result<String, Vec<Refused>> {
    let mut refused = Vec::new();
    let mut text = String::from("# Written by `check export nagios`; each command runs one check where the records are.\n");
    for check in checks {
        let reasons = reasons(check, options);
        refused.extend(reasons.into_iter().map(|why| Refused { check: check.name.clone(), why }));
        text.push_str(&definition(check, options));
    }
    if refused.is_empty() { Ok(text) } else { Err(refused) }
}

fn definition(check: &Check, options: &NagiosOptions) -> String {
    let name = &check.name;
    let mut service = vec![
        ("use", options.template.clone()),
        ("host_name", options.host.clone()),
        ("service_description", name.clone()),
        ("check_command", format!("pipewatch-{name}")),
    ];
    service.extend(check.playbook.as_ref().map(|address| ("notes_url", address.replace('$', "$$").replace(';', "%3B"))));
    let command = [
        ("command_name", format!("pipewatch-{name}")),
        ("command_line", command_line(check, options).replace('$', "$$").replace(';', r"\;")),
    ];
    format!("\n{}\n{}", object("command", &command), object("service", &service))
}

fn object(kind: &str, keys: &[(&str, String)]) -> String {
    let lines: String = keys.iter().map(|(key, value)| format!("    {key:<20} {value}\n")).collect();
    format!("define {kind} {{\n{lines}}}\n")
}

/// The command as a shell reads it.
fn command_line(check: &Check, options: &NagiosOptions) -> String {
    let mut words = vec![options.program.clone(), "--nagios".into(), "--name".into(), check.name.clone()];
    for level in &check.levels {
        words.extend([format!("--{}", level.status.name()), one_line(level)]);
    }
    if !check.by.is_empty() {
        words.extend(["--by".into(), check.by.join(",")]);
    }
    if check.no_data != Status::Unknown {
        words.extend(["--no-data".into(), check.no_data.name().into()]);
    }
    if !check.extrapolate {
        words.push("--no-extrapolation".into());
    }
    words.extend(options.arguments.iter().cloned());
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A condition's text with its line ends as spaces.
fn one_line(level: &Level) -> String {
    level.condition.text().replace(char::is_control, " ").trim().to_owned()
}

/// A word as a shell takes it for one, whatever is in it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,+@".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Why a check can't be said.
fn reasons(check: &Check, options: &NagiosOptions) -> Vec<String> {
    let keys = [
        ("clear", check.clear.is_some()),
        ("keep_firing_for", !check.keep_firing_for.is_zero()),
        ("grace", !check.grace.is_zero()),
        ("needs", !check.needs.is_empty()),
        ("summary", check.summary.is_some()),
        ("for of no_data", !check.no_data_for.is_zero()),
        ("tags", !check.tags.is_empty()),
        ("every", check.every != Check::EVERY),
    ];
    let mut reasons: Vec<String> = keys
        .into_iter()
        .filter(|(_, set)| *set)
        .map(|(key, _)| format!("`{key}` is no option of a command; leave it out, or run the rule file by `check -f` from cron"))
        .collect();
    if let Some(character) = check.name.chars().find(|c| ILLEGAL.contains(*c) || c.is_control()) {
        reasons.push(format!("its name has a `{}`, which no name of an object may have", show(character.to_string().as_bytes(), 4)));
    }
    for level in &check.levels {
        let (name, text) = (level.status.name(), one_line(level));
        if text.contains(r"\;") {
            reasons.push(format!(r"its `{name}` has a `\;`, which an object file reads as `;` alone"));
        }
        // A line's end within quotes is a part of a name, and no space.
        if !parse(&text).is_ok_and(|condition| condition.to_string() == level.condition.to_string()) {
            reasons.push(format!("its `{name}` has a control character in a name, which an object file can't hold"));
        }
    }
    let words = [("the program", &options.program)].into_iter().chain(options.arguments.iter().map(|word| ("the argument", word)));
    for (what, text) in words.chain(check.by.iter().map(|tag| ("the tag", tag))) {
        reasons.extend(unheld(what, text, text.contains(r"\;")));
    }
    for (what, text) in [("the host", &options.host), ("the template", &options.template)] {
        reasons.extend(unheld(what, text, text.contains(';')));
    }
    reasons.extend(check.playbook.as_ref().and_then(|address| unheld("the playbook", address, false)));
    reasons
}

/// Why a text can't stand in an object file, if it has a `wrong` mark or a control character.
fn unheld(what: &str, text: &str, wrong: bool) -> Option<String> {
    let shown = show(text.as_bytes(), 60);
    let why = format!("{what} `{shown}` has a `;` or a control character, which an object file can't hold there");
    (wrong || text.contains(char::is_control)).then_some(why)
}

/// What may stand in no object's name, by the main configuration file that is installed; and what ends or divides a value.
const ILLEGAL: &str = "`~!$%^&*\"|'<>?,()=;\\";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Summary;
    use crate::time::Span;

    fn check(name: &str, critical: &str) -> Check {
        Check::new(name, vec![Level { status: Status::Critical, condition: parse(critical).unwrap() }])
    }

    fn options() -> NagiosOptions {
        NagiosOptions {
            program: "/usr/bin/check".into(),
            arguments: vec!["--since".into(), "2h".into(), "/var/lib/my history".into()],
            host: "localhost".into(),
            template: "generic-service".into(),
        }
    }

    #[test]
    fn a_check_becomes_a_command_and_a_service() {
        let mut queue = check("queue depth", "last(queue.depth)\n  > 2000 for 5m");
        queue.levels.push(Level { status: Status::Warning, condition: parse("last(queue.depth) > 500 for 5m").unwrap() });
        queue.by = vec!["queue".into(), "region".into()];
        queue.no_data = Status::Critical;
        queue.extrapolate = false;
        queue.playbook = Some("https://wiki.example/p?a=$x;b#queue".into());
        let expected = "# Written by `check export nagios`; each command runs one check where the records are.\n\
            \n\
            define command {\n    \
                command_name         pipewatch-queue depth\n    \
                command_line         /usr/bin/check --nagios --name 'queue depth' --critical 'last(queue.depth)   > 2000 for 5m' \
            --warning 'last(queue.depth) > 500 for 5m' --by queue,region --no-data critical --no-extrapolation --since 2h \
            '/var/lib/my history'\n\
            }\n\
            \n\
            define service {\n    \
                use                  generic-service\n    \
                host_name            localhost\n    \
                service_description  queue depth\n    \
                check_command        pipewatch-queue depth\n    \
                notes_url            https://wiki.example/p?a=$$x%3Bb#queue\n\
            }\n";
        assert_eq!(export_nagios(&[queue], &options()).unwrap(), expected);
    }

    #[test]
    fn what_means_something_to_a_macro_or_a_shell_is_quoted() {
        let condition = r#"count(errors{path=~"^/a$|it's `b`; \"!\\ #*"}, 5m) > 0"#;
        let text = export_nagios(&[check("errors", condition)], &options()).unwrap();
        let written = r#"--critical 'count(errors{path=~"^/a$$|it'\''s `b`\; \"!\\ #*"}, 5m) > 0'"#;
        assert!(text.contains(written), "{text}");
    }

    #[test]
    fn what_cannot_be_said_is_refused_by_name() {
        let mut all = check("a", "x > 1");
        all.clear = Some(parse("x < 1").unwrap());
        all.keep_firing_for = Span::from_secs(1);
        all.grace = Span::from_secs(1);
        all.needs = vec!["b".into()];
        all.summary = Some(Summary::parse("text").unwrap());
        all.no_data_for = Span::from_secs(1);
        all.tags.set("team", "x");
        all.every = Span::from_secs(10);
        let refused = export_nagios(&[all, check("fine", "x > 1")], &options()).unwrap_err();
        let named: Vec<&str> = refused.iter().map(|refused| refused.why.split('`').nth(1).unwrap()).collect();
        assert_eq!(named, ["clear", "keep_firing_for", "grace", "needs", "summary", "for of no_data", "tags", "every"]);
        assert!(refused.iter().all(|refused| refused.check == "a"));

        for (check, why) in [
            (check("a!b", "x > 1"), "its name has a `!`, which no name of an object may have"),
            (check("a", r#"last("a\;b") > 1"#), r"its `critical` has a `\;`, which an object file reads as `;` alone"),
            (check("a", "x{a=\"b\tc\"} > 1"), "its `critical` has a control character in a name, which an object file can't hold"),
        ] {
            let refused = export_nagios(&[check], &options()).unwrap_err();
            assert_eq!(refused.iter().map(|refused| refused.why.as_str()).collect::<Vec<_>>(), [why]);
        }
        let wrong = NagiosOptions { host: "a;b".into(), ..options() };
        assert!(export_nagios(&[check("a", "x > 1")], &wrong).unwrap_err()[0].why.starts_with("the host `a;b` has a `;`"));
    }
}
