//! A job's command inside `heartbeat run`, so that it runs as it ran before.
//!
//! Cron gives a command to a shell. One that is only a program and plain words is given to
//! `heartbeat run` as it is; any other in quotes to the same shell. What cron does with `%` and `\`
//! it does before any shell reads the text, quotes or not; a `'` that is quoted brings no `%`, and
//! its `\` stands before the next `'`, so the marks that cron sees stay in their order.

/// Commands that are part of the shell, or mean something only there.
const OF_THE_SHELL: [&str; 30] = [
    ".", ":", "[", "alias", "bg", "cd", "command", "eval", "exec", "exit", "export", "fg", "hash", "if", "jobs", "read", "readonly",
    "return", "set", "shift", "source", "time", "times", "trap", "type", "ulimit", "umask", "unset", "wait", "while",
];

/// The command of a crontab's line with `heartbeat run` around `command`, which has no standard input behind it.
pub(super) fn wrap(command: &str, name: &str, program: &str, shell: Option<&str>) -> String {
    let before = format!("{program} run {name} -- ");
    if is_plain(command) {
        return before + command;
    }
    let body = command.trim_end_matches([' ', '\t']);
    // The blank behind a `\` is the command's.
    let body = if body.ends_with('\\') { command } else { body };
    let after = &command[body.len()..];
    format!("{before}{} -c '{}'{after}", shell.unwrap_or("sh"), body.replace('\'', r"'\''"))
}

/// Whether a command is a program and plain words, which no shell changes.
fn is_plain(command: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | ':' | ',' | '+' | '-' | '@' | '=' | ' ' | '\t');
    let program = command.split_whitespace().next().unwrap_or_default();
    command.chars().all(plain) && !program.contains('=') && !OF_THE_SHELL.contains(&program) && !program.starts_with('-')
}

/// The name of a job that is wrapped already.
pub(super) fn wrapped_name(command: &str) -> Option<&str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let is_run = |pair: &[&str]| pair[0].rsplit('/').next().is_some_and(|program| program.ends_with("heartbeat")) && pair[1] == "run";
    let at = words.windows(2).position(is_run)?;
    words.get(at + 2).map(|name| name.trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What cron gives to the shell, and to standard input: as Vixie's cron does it, which takes the
    /// `\` before `%`; some descendants take that before `\` too.
    fn by_cron(command: &str, also_backslash: bool) -> (String, Option<String>) {
        let mut out = String::new();
        let mut characters = command.chars();
        while let Some(c) = characters.next() {
            match c {
                '%' => return (out, Some(characters.collect())),
                '\\' => match characters.next() {
                    Some('%') => out.push('%'),
                    Some('\\') if also_backslash => out.push('\\'),
                    Some(other) => out.extend(['\\', other]),
                    None => out.push('\\'),
                },
                c => out.push(c),
            }
        }
        (out, None)
    }

    /// The one word that a shell makes of a text of quotes: `'a'\''b'`.
    fn unquoted(text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("\\'") {
                out.push('\'');
                rest = after;
            } else {
                let (inner, after) = rest.strip_prefix('\'').unwrap().split_once('\'').unwrap();
                out.push_str(inner);
                rest = after;
            }
        }
        out
    }

    #[test]
    fn plain_commands_stay_as_they_are_and_others_go_to_the_shell() {
        for (command, expected) in [
            ("/usr/local/bin/backup --all", "heartbeat run n -- /usr/local/bin/backup --all"),
            ("cd /srv && ./run", "heartbeat run n -- sh -c 'cd /srv && ./run'"),
            ("cd /srv", "heartbeat run n -- sh -c 'cd /srv'"),
            ("A=1 run", "heartbeat run n -- sh -c 'A=1 run'"),
            ("run >/dev/null 2>&1", "heartbeat run n -- sh -c 'run >/dev/null 2>&1'"),
            ("echo 'it is'", r"heartbeat run n -- sh -c 'echo '\''it is'\'''"),
            ("date +\\%F", r"heartbeat run n -- sh -c 'date +\%F'"),
            ("a | b  ", "heartbeat run n -- sh -c 'a | b'  "),
        ] {
            assert_eq!(wrap(command, "n", "heartbeat", None), expected);
        }
        assert_eq!(wrap("a;b", "n", "/opt/heartbeat", Some("/bin/bash")), "/opt/heartbeat run n -- /bin/bash -c 'a;b'");
    }

    #[test]
    fn what_is_wrapped_is_known() {
        assert_eq!(wrapped_name("/usr/bin/heartbeat run nightly --lock -- x"), Some("nightly"));
        assert_eq!(wrapped_name("nice -n 5 pw-heartbeat run 'nightly' -- x"), Some("nightly"));
        assert_eq!(wrapped_name("heartbeat beat nightly"), None);
        assert_eq!(wrapped_name("./heartbeat-check run x"), None);
    }

    proptest! {
        /// Whatever the command: cron, and then the shell, find in the wrapped line what they found in the bare one.
        #[test]
        fn the_shell_is_given_what_it_was_given_before(command in "[a'\\\\ \"$;]{0,4}x[a'\\\\% \"$;]{0,12}", also_backslash: bool) {
            let line = format!("* * * * * {command}");
            let super::super::crontab::Line::Job(job) = super::super::crontab::lines(&line, super::super::crontab::Form::User).remove(0) else {
                return Ok(());
            };
            let wrapped = wrap(job.command, "n", "heartbeat", None) + job.input;
            let (bare, input) = by_cron(&format!("{}{}", job.command, job.input), also_backslash);
            let (around, same_input) = by_cron(&wrapped, also_backslash);
            prop_assert_eq!(same_input, input);
            let around = around.strip_prefix("heartbeat run n -- ").unwrap();
            match around.strip_prefix("sh -c ") {
                Some(quoted) => prop_assert_eq!(unquoted(quoted.trim_end()).trim_end().to_owned(), bare.trim_end().to_owned()),
                None => prop_assert_eq!(around, bare),
            }
        }
    }
}
