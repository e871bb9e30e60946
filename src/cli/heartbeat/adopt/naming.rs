//! Names for jobs, made of their commands: readable, and each only once.
//!
//! A name is the program's, without folder and extension, or that of the script that an interpreter
//! runs; with the word behind it where that is a subcommand: `certbot renew` is `certbot-renew`. What
//! only prepares or surrounds the program (`cd`, `test -x`, `nice`, `flock`, `timeout`) is passed over.

use std::collections::HashSet;

/// The longest name, before a number that tells it from others.
const LONGEST: usize = 40;

/// Commands that run the command behind them; with the options that are followed by a value.
const WRAPPERS: [(&str, &[&str]); 20] = [
    ("chronic", &[]),
    ("chrt", &[]),
    ("command", &[]),
    ("cronic", &[]),
    ("doas", &["-u"]),
    ("env", &["-u", "-C"]),
    ("exec", &["-a"]),
    ("flock", &["-w", "-E"]),
    ("ionice", &["-c", "-n"]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("run-one", &[]),
    ("setsid", &[]),
    ("su", &["-c", "-s"]),
    ("sudo", &["-u", "-g", "-C"]),
    ("systemd-cat", &["-t", "-p"]),
    ("systemd-run", &["-p"]),
    ("then", &[]),
    ("time", &["-f", "-o"]),
    ("timeout", &["-k", "-s"]),
];

/// Commands that only prepare what follows.
const PREPARING: [&str; 18] =
    [".", ":", "[", "[[", "cd", "echo", "elif", "export", "fi", "if", "mkdir", "set", "sleep", "source", "test", "true", "ulimit", "umask"];

/// Programs whose first argument names what is run.
const INTERPRETERS: [&str; 12] = ["ash", "bash", "dash", "java", "ksh", "node", "perl", "php", "python", "ruby", "sh", "zsh"];

/// Scripts that run many things: the word behind them says which.
const RUNNERS: [&str; 6] = ["artisan", "bundle", "console", "manage.py", "rake", "wp"];

/// Names that are taken, and the making of further ones.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// Takes a name that is in use.
    pub(super) fn take(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// Makes a name for a command that no other has.
    pub(super) fn make(&mut self, command: &str) -> String {
        let mut name = slug(&said_by(command).unwrap_or_default());
        if name.is_empty() {
            name = "job".into();
        }
        let numbered = (1_usize..).map(|number| if number == 1 { name.clone() } else { format!("{name}-{number}") });
        let free = numbered.filter(|name| !self.0.contains(name)).take(1).next().unwrap_or(name.clone());
        self.take(&free);
        free
    }
}

/// What the command itself says it is.
fn said_by(command: &str) -> Option<String> {
    let commands = simple_commands(command);
    let named = commands.iter().find_map(|words| name_of(words, true));
    // A job that does nothing but prepare is named after that.
    named.or_else(|| commands.iter().find_map(|words| name_of(words, false)))
}

/// Cuts a command line into its simple commands, each as its words, without quotes.
fn simple_commands(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), String::new());
    let (mut quote, mut escaped) = (None, false);
    for c in line.chars() {
        match (quote, c) {
            (_, c) if escaped => {
                word.push(c);
                escaped = false;
            }
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => quote = Some(c),
            (None, ';' | '|' | '&' | '(' | ')' | '{' | '}' | '\n') => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                commands.push(std::mem::take(&mut words));
            }
            (None, ' ' | '\t') => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            (None, c) => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    commands.push(words);
    commands
}

/// The name that a simple command gives; `None` when it only prepares.
fn name_of(words: &[String], pass_over: bool) -> Option<String> {
    let words: Vec<&str> = words.iter().map(String::as_str).skip_while(|word| is_assignment(word)).collect();
    let (first, rest) = words.split_first()?;
    let program = base(first);
    if pass_over && (PREPARING.contains(&program) || (program == "command" && rest.first().is_some_and(|word| word.starts_with('-')))) {
        return None;
    }
    if let Some((_, valued)) = WRAPPERS.iter().find(|(name, _)| *name == program) {
        let inner = inside(program, rest, valued);
        if let Some(name) = inner {
            return Some(name);
        }
    }
    let stem = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if INTERPRETERS.contains(&stem) {
        return script(rest).or_else(|| Some(stem.to_owned()));
    }
    if program == "run-parts" {
        return Some(format!("run-parts-{}", base(rest.iter().rev().find(|word| word.starts_with('/'))?)));
    }
    Some(with_subcommand(program, rest))
}

/// The name of what a wrapper runs.
fn inside(wrapper: &str, words: &[&str], valued: &[&str]) -> Option<String> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let is_command = matches!((wrapper, *word), ("flock" | "su", "-c"));
        if is_command {
            return said_by(words.get(at + 1)?);
        }
        at += match *word {
            word if valued.contains(&word) => 2,
            word if word.starts_with('-') || is_assignment(word) => 1,
            // How long, how nice: what begins with a digit is no program.
            word if word.starts_with(|c: char| c.is_ascii_digit()) => 1,
            _ => break,
        };
    }
    let rest: Vec<String> = words.get(at..)?.iter().map(|word| (*word).to_owned()).collect();
    // The first word behind flock is its file, behind su the user.
    let skip = usize::from(matches!(wrapper, "flock" | "su"));
    let rest = rest.get(skip..)?;
    if matches!(wrapper, "flock" | "su") && rest.first().is_some_and(|word| word == "-c") {
        return said_by(rest.get(1)?);
    }
    name_of(rest, false)
}

/// The name of what an interpreter runs.
fn script(words: &[&str]) -> Option<String> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-c" | "-lc" | "-e" => return said_by(words.next()?),
            "-m" | "-jar" => return Some(base(words.next()?).trim_end_matches(".jar").to_owned()),
            word if word.starts_with('-') || is_assignment(word) => {}
            word => {
                let rest: Vec<&str> = words.copied().collect();
                return Some(with_subcommand(base(word), &rest));
            }
        }
    }
    None
}

/// A program's name, with the word behind it where that says what it does.
fn with_subcommand(program: &str, rest: &[&str]) -> String {
    let name = without_extension(program);
    let is_word = |word: &&&str| {
        word.len() <= 20
            && word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_:".contains(c))
    };
    let is_runner = RUNNERS.contains(&program);
    // A script with an extension does one thing; the words behind it are what it does that to.
    match rest.iter().take(1).find(is_word) {
        Some(word) if is_runner || name == program => format!("{name}-{word}"),
        _ => name.to_owned(),
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn base(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn without_extension(name: &str) -> &str {
    let known = |extension: &str| matches!(extension, "sh" | "bash" | "py" | "pl" | "rb" | "php" | "js" | "cgi");
    name.rsplit_once('.').filter(|(stem, extension)| !stem.is_empty() && known(extension)).map_or(name, |(stem, _)| stem)
}

/// Lower case, with one `-` for each run of what is neither letter nor digit, and not too long.
fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => out.push(c),
            _ if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.truncate(LONGEST);
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_the_command_is_about() {
        for (command, name) in [
            ("/usr/local/bin/backup --all", "backup"),
            ("/usr/local/bin/nightly_backup.sh /data", "nightly-backup"),
            ("certbot -q renew", "certbot"),
            ("certbot renew", "certbot-renew"),
            ("cd / && run-parts --report /etc/cron.hourly", "run-parts-cron-hourly"),
            ("test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }", "run-parts-cron-daily"),
            ("[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi", "sessionclean"),
            ("command -v debian-sa1 > /dev/null && debian-sa1 1 1", "debian-sa1"),
            ("nice -n 19 ionice -c3 /opt/app/reindex", "reindex"),
            ("flock -n /tmp/lock timeout 5m /opt/sync.py --full", "sync"),
            ("flock -n /tmp/lock -c '/opt/sync.py --full'", "sync"),
            ("sudo -u www-data /usr/bin/php8.2 /var/www/artisan schedule:run", "artisan-schedule-run"),
            ("/usr/bin/python3 -m mailer.flush", "mailer-flush"),
            ("python3 /srv/manage.py clearsessions", "manage-clearsessions"),
            ("bash -lc 'cd /srv; ./report today'", "report-today"),
            ("PATH=/opt/bin:$PATH LANG=C report", "report"),
            ("su - postgres -c 'pg_dump shop | gzip'", "pg-dump-shop"),
            ("/usr/bin/wget -q -O - https://example.org/cron.php", "wget"),
            ("echo hello", "echo-hello"),
            ("java -Xmx1g -jar /opt/etl.jar", "etl"),
            ("'", "job"),
            ("%", "job"),
        ] {
            assert_eq!(Names::default().make(command), name, "{command}");
        }
    }

    #[test]
    fn no_two_jobs_have_one_name() {
        let mut names = Names::default();
        names.take("backup-2");
        assert_eq!(["/a/backup", "/b/backup --x", "backup"].map(|command| names.make(command)), ["backup", "backup-3", "backup-4"]);
    }

    #[test]
    fn a_name_is_bounded_and_plain() {
        let name = Names::default().make(&format!("/usr/bin/Ünï{} x", "long_name.".repeat(30)));
        assert!(name.len() <= LONGEST && name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
    }
}
