//! Crontabs, line by line, as Vixie's cron and its descendants (Debian's, cronie) read them.
//!
//! ```text
//! MAILTO=ops@example.org                      a variable, for the lines behind it
//! # m h dom mon dow command                   a comment
//! 15 2 * * *   /usr/local/bin/backup --all    five fields and a command
//! 17 * * * *   root  run-parts /etc/cron.d    in a system's crontab with a user before it
//! @daily       certbot renew                  a name for five fields
//! ```
//!
//! A command ends at its first `%` that has no `\` before it; what follows is its standard input.
//!
//! Always: the lines, joined by newlines, are the text that was read.
//!
//! Source: crontab(5) of Debian's cron 3.0pl1 and of cronie 1.7.

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A comment, an empty line, or what can't be understood.
    Other(&'a str),
    /// A variable and its value, without quotes.
    Variable {
        /// The whole line.
        text: &'a str,
        name: &'a str,
        value: &'a str,
    },
    Job(Job<'a>),
}

/// A line that runs something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job<'a> {
    /// Everything before the command, its spaces included.
    pub(super) before: &'a str,
    /// The five fields, or the name for them.
    pub(super) schedule: &'a str,
    /// The command, up to its standard input.
    pub(super) command: &'a str,
    /// The `%` that ends the command, and the standard input behind it.
    pub(super) input: &'a str,
}

/// Whether jobs have a user's name before the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    User,
    System,
}

/// Reads a crontab.
pub(super) fn lines(text: &str, form: Form) -> Vec<Line<'_>> {
    text.split('\n').map(|text| line(text, form)).collect()
}

fn line(text: &str, form: Form) -> Line<'_> {
    let start = text.trim_start();
    if start.is_empty() || start.starts_with('#') {
        return Line::Other(text);
    }
    if start.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '"' | '\'')) {
        return match start.split_once('=') {
            Some((name, value)) => Line::Variable { text, name: unquoted(name.trim()), value: unquoted(value.trim()) },
            None => Line::Other(text),
        };
    }
    job(text, form).map_or(Line::Other(text), Line::Job)
}

fn job(text: &str, form: Form) -> Option<Job<'_>> {
    let start = text.len() - text.trim_start().len();
    let fields = if text[start..].starts_with('@') { 1 } else { 5 };
    let mut at = start;
    for _ in 0..fields {
        at = next_field(text, at)?;
    }
    // Some crons take a `-` before the fields, which keeps a job out of their log.
    let schedule = text[start..at].trim_end().trim_start_matches('-');
    if form == Form::System {
        at = next_field(text, at)?;
    }
    let (command, input) = text[at..].split_at(input_at(&text[at..]));
    (!command.trim().is_empty()).then_some(Job { before: &text[..at], schedule, command, input })
}

/// Where the field after the one that begins at `at` begins; `None` when there is none.
fn next_field(text: &str, at: usize) -> Option<usize> {
    let end = at + text[at..].find([' ', '\t'])?;
    let next = end + text[end..].find(|c| c != ' ' && c != '\t')?;
    (next > at).then_some(next)
}

/// Where a command's standard input begins: at its first `%` without a `\` before it.
fn input_at(command: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in command.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'%' => return at,
            _ => {}
        }
    }
    command.len()
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// The five fields that a name stands for; `None` for `@reboot` and what is not known.
pub(super) fn fields_of(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        "@every_minute" => "* * * * *",
        _ => return None,
    })
}

/// Whether a text looks like a system's crontab: its heading says so, or the sixth word of every
/// job is the name of a user, and a command follows.
pub(super) fn detect(text: &str, is_user: &dyn Fn(&str) -> bool) -> Form {
    let mut words = text.lines().filter(|line| line.trim_start().starts_with('#')).map(str::split_whitespace);
    if words.any(|words| words.collect::<Vec<_>>().windows(2).any(|pair| pair[0].starts_with("dow") && pair[1].starts_with("user"))) {
        return Form::System;
    }
    let sixths: Vec<Option<&str>> = lines(text, Form::User)
        .into_iter()
        .filter_map(|line| if let Line::Job(job) = line { Some(job.command) } else { None })
        .map(|command| command.split_once([' ', '\t']).filter(|(_, rest)| !rest.trim().is_empty()).map(|(first, _)| first))
        .collect();
    let system = !sixths.is_empty() && sixths.iter().all(|word| word.is_some_and(is_user));
    if system { Form::System } else { Form::User }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn job_of(text: &str, form: Form) -> Job<'_> {
        match line(text, form) {
            Line::Job(job) => job,
            other => panic!("{text:?} is {other:?}"),
        }
    }

    #[test]
    fn lines_are_told_apart() {
        for (text, expected) in [
            ("  # comment", Line::Other("  # comment")),
            ("", Line::Other("")),
            ("MAILTO = \"a b\"", Line::Variable { text: "MAILTO = \"a b\"", name: "MAILTO", value: "a b" }),
            (" CRON_TZ=Europe/Riga", Line::Variable { text: " CRON_TZ=Europe/Riga", name: "CRON_TZ", value: "Europe/Riga" }),
            ("15 2 * * *", Line::Other("15 2 * * *")),
            ("nonsense", Line::Other("nonsense")),
            ("@daily", Line::Other("@daily")),
        ] {
            assert_eq!(line(text, Form::User), expected);
        }
    }

    #[test]
    fn a_job_has_a_schedule_perhaps_a_user_and_a_command() {
        let job = job_of(" 15 2\t* * *   /bin/backup --all ", Form::User);
        assert_eq!((job.before, job.schedule, job.command), (" 15 2\t* * *   ", "15 2\t* * *", "/bin/backup --all "));
        let job = job_of("@daily\troot  certbot renew", Form::System);
        assert_eq!((job.before, job.schedule, job.command), ("@daily\troot  ", "@daily", "certbot renew"));
        assert_eq!(job_of("-*/5 * * * * x", Form::User).schedule, "*/5 * * * *");
    }

    #[test]
    fn a_command_ends_at_its_first_percent_sign_that_is_not_escaped() {
        for (text, command, input) in [
            ("date +\\%F", "date +\\%F", ""),
            ("cat%a%b", "cat", "%a%b"),
            ("date +\\%F %in", "date +\\%F ", "%in"),
            ("echo \\\\% x", "echo \\\\", "% x"),
        ] {
            let text = format!("* * * * * {text}");
            let job = job_of(&text, Form::User);
            assert_eq!((job.command, job.input), (command, input), "{text}");
        }
    }

    #[test]
    fn a_systems_crontab_is_known_by_its_heading_or_its_users() {
        let is_user = |name: &str| ["root", "www-data", "backup"].contains(&name);
        for (text, form) in [
            ("# m h dom mon dow user  command\n17 * * * * nobody x\n", Form::System),
            ("17 * * * * root cd / && run-parts /etc/cron.hourly\n09,39 * * * * www-data x y", Form::System),
            ("17 * * * * root x\n18 * * * * /bin/x y", Form::User),
            ("17 * * * * backup", Form::User),
            ("# m h  dom mon dow   command\n17 * * * * /bin/x y", Form::User),
            ("", Form::User),
        ] {
            assert_eq!(detect(text, &is_user), form, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_line_are_the_line(text in "[ \t]?(\\*|5|@daily|A=)?[ \t*a\\\\%'=-]{0,30}", system: bool) {
            let form = if system { Form::System } else { Form::User };
            let whole = match line(&text, form) {
                Line::Other(text) | Line::Variable { text, .. } => text.to_owned(),
                Line::Job(job) => format!("{}{}{}", job.before, job.command, job.input),
            };
            prop_assert_eq!(whole, text);
        }
    }
}
