//! `heartbeat adopt`: a crontab with its jobs wrapped and named, and a `heartbeat.toml` that expects them.
//!
//! It only proposes: the crontab that is read stays as it is, and no file that is there is written
//! over. Lines that need no change come out byte for byte, so that `diff` shows what would be changed.
//!
//! Here are the arguments and the two texts; crontabs are read in [`crontab`], jobs wrapped in
//! [`wrap`] and named in [`naming`].

mod crontab;
mod naming;
mod wrap;

use std::io::{Read, Write};
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::cli::{Code, Failure, Io};
use crate::record::show;
use crontab::{Form, Job, Line};
use naming::Names;

/// The longest command that cron takes, in bytes, what it reads from standard input included (MAX_COMMAND of Vixie's cron).
const COMMAND_BYTES: usize = 998;

/// How much of a crontab is read, in bytes.
const CRONTAB_BYTES: u64 = 1 << 20;

/// What cron has in PATH when a crontab says nothing (crontab(5)).
const USUAL_PATH: &str = "/usr/bin:/bin";

pub(super) fn command() -> Command {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let flag = |id: &'static str, help: &'static str| Arg::new(id).long(id).action(ArgAction::SetTrue).help(help);
    Command::new("adopt")
        .about("Propose a crontab with its jobs wrapped in `heartbeat run`, and a heartbeat.toml that expects them")
        .override_usage("heartbeat adopt [OPTIONS] CRONTAB | -")
        .before_help(
            "Examples:\n  crontab -l | heartbeat adopt -                                     look at both\n  \
             crontab -l | heartbeat adopt - --crontab-out new --toml-out heartbeat.toml\n  \
             crontab -l | diff - new; crontab new                               look at it, and take it\n  \
             heartbeat adopt /etc/crontab --crontab-out - | diff /etc/crontab -",
        )
        .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        .arg(Arg::new("crontab").value_name("CRONTAB").required(true).help("The crontab to read; - for standard input"))
        .arg(flag("system", "Jobs have a user's name before the command, as in /etc/crontab [default: as it looks]"))
        .arg(flag("user", "Jobs have none, as in `crontab -l`").conflicts_with("system"))
        .arg(option("crontab-out", "FILE", "Write the crontab to FILE, which must not be there yet; - prints it alone"))
        .arg(option("toml-out", "FILE", "Write heartbeat.toml to FILE, which must not be there yet; - prints it alone"))
        .arg(option("zone", "ZONE", "The time zone that cron goes by [default: this machine's]"))
        .arg(option("program", "PATH", "How cron is to call heartbeat [default: heartbeat]"))
        .after_help(
            "Nothing is changed: what comes out is for you to look at and to install. Jobs keep their schedules,\n\
             users and shells, and what is wrapped already stays as it is. Names come from the commands.",
        )
}

/// What was typed.
struct Plan {
    /// The crontab's name, for people.
    name: String,
    text: String,
    form: Form,
    zone: String,
    program: String,
}

/// What is proposed.
#[derive(Debug, PartialEq, Eq)]
struct Proposal {
    crontab: String,
    toml: String,
    /// What a person should look at.
    notes: Vec<String>,
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    let plan = Plan::new(matches, io)?;
    let proposal = propose(&plan);
    let out = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let (to_crontab, to_toml) = (out("crontab-out"), out("toml-out"));
    let both = format!(
        "# The crontab; alone: --crontab-out FILE.\n{}\n# heartbeat.toml; alone: --toml-out FILE.\n{}",
        proposal.crontab, proposal.toml
    );
    match (to_crontab, to_toml) {
        (None, None) => print(&both, io)?,
        (Some("-"), Some("-")) => return Err(Failure::usage("--crontab-out and --toml-out can't both be standard output")),
        _ => {
            for (to, text) in [(to_crontab, &proposal.crontab), (to_toml, &proposal.toml)] {
                match to {
                    Some("-") => print(text, io)?,
                    Some(path) => write_new(path, text)?,
                    None => {}
                }
            }
        }
    }
    for note in &proposal.notes {
        io.tell("heartbeat", format!("{}: {note}", plan.name));
    }
    Ok(Code::OK)
}

impl Plan {
    fn new(matches: &ArgMatches, io: &mut Io) -> Result<Plan, Failure> {
        let typed = |id: &str| matches.get_one::<String>(id).cloned();
        let path = typed("crontab").unwrap_or_default();
        let name = if path == "-" { "standard input".into() } else { show(path.as_bytes(), 300) };
        let text = read(&path, &name, io)?;
        let form = match (matches.get_flag("system"), matches.get_flag("user")) {
            (true, _) => Form::System,
            (_, true) => Form::User,
            _ if path == "/etc/crontab" || path.starts_with("/etc/cron.d/") => Form::System,
            _ => {
                let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
                crontab::detect(&text, &|word| users.lines().any(|line| line.split(':').next() == Some(word)))
            }
        };
        let program = typed("program").unwrap_or_else(|| "heartbeat".into());
        if program.is_empty() || program.contains(|c: char| c.is_whitespace() || "%'\"\\$`;&|<>()".contains(c)) {
            return Err(Failure::usage("--program: must be one plain word or path"));
        }
        Ok(Plan { name, text, form, zone: typed("zone").unwrap_or_else(|| local_zone(io)), program })
    }
}

fn read(path: &str, name: &str, io: &mut Io) -> Result<String, Failure> {
    let cannot = |error| Failure::io(format!("{name}: cannot read"), error);
    let mut bytes = Vec::new();
    if path == "-" {
        (&mut io.stdin).take(CRONTAB_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    } else {
        std::fs::File::open(path).and_then(|file| file.take(CRONTAB_BYTES + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    }
    if bytes.len() as u64 > CRONTAB_BYTES {
        return Err(Failure::Data(format!("{name}: is larger than 1 MiB, so it is no crontab")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        Failure::Data(format!("{name}:{line}: is not UTF-8"))
    })
}

/// Makes both texts.
fn propose(plan: &Plan) -> Proposal {
    let lines = crontab::lines(&plan.text, plan.form);
    let mut names = Names::default();
    let taken = lines.iter().filter_map(|line| if let Line::Job(job) = line { wrap::wrapped_name(job.command) } else { None });
    taken.for_each(|name| names.take(name));
    let (mut shell, mut zone, mut path) = (None, plan.zone.as_str(), USUAL_PATH);
    let mut proposal = Proposal {
        crontab: String::new(),
        toml: format!("# What {} runs. Proposed by heartbeat adopt; `heartbeat next` shows when each job is due.\n", plan.name),
        notes: Vec::new(),
    };
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            proposal.crontab.push('\n');
        }
        match line {
            Line::Other(text) => {
                proposal.crontab.push_str(text);
                if !text.trim().is_empty() && !text.trim_start().starts_with('#') {
                    proposal.notes.push(format!("line {}: is no line of a crontab; left as it is", at + 1));
                }
            }
            Line::Variable { text, name, value } => {
                proposal.crontab.push_str(text);
                match *name {
                    "SHELL" => shell = Some(*value),
                    "CRON_TZ" => zone = if value.is_empty() { &plan.zone } else { value },
                    "PATH" => path = value,
                    _ => {}
                }
            }
            Line::Job(job) => {
                let (name, wrapped) = adopt(plan, job, shell, &mut names);
                let is_too_long = wrapped.len() + job.input.len() > COMMAND_BYTES;
                if is_too_long {
                    proposal.notes.push(format!("line {}: would be too long for cron when wrapped; left as it is", at + 1));
                }
                let command = if is_too_long { job.command } else { &wrapped };
                proposal.crontab.extend([job.before, command, job.input]);
                expect(job, &name, zone, &mut proposal.toml);
            }
        }
    }
    if !plan.program.contains('/') && !path.split(':').any(|folder| Path::new(folder).join(&plan.program).exists()) {
        let hint = "set PATH in it, or give --program /path/to/heartbeat";
        proposal.notes.push(format!("cron would not find `{}` in PATH ({}); {hint}", plan.program, show(path.as_bytes(), 200)));
    }
    proposal
}

/// A job's name, and its command, wrapped where it is not yet.
fn adopt(plan: &Plan, job: &Job<'_>, shell: Option<&str>, names: &mut Names) -> (String, String) {
    if let Some(name) = wrap::wrapped_name(job.command) {
        return (name.to_owned(), job.command.to_owned());
    }
    let name = names.make(job.command);
    let wrapped = wrap::wrap(job.command, &name, &plan.program, shell);
    (name, wrapped)
}

/// Writes what is expected of a job.
fn expect(job: &Job<'_>, name: &str, zone: &str, out: &mut String) {
    let command = show(job.command.trim().as_bytes(), 100);
    if !job.schedule.starts_with('@') {
        let fields: Vec<&str> = job.schedule.split_whitespace().collect();
        return table(name, &command, &fields.join(" "), zone, out);
    }
    match crontab::fields_of(job.schedule) {
        Some(fields) => table(name, &format!("{}: {command}", job.schedule), fields, zone, out),
        None => {
            out.push_str(&format!("\n# {name} ({command}) runs at {}: nothing can be expected of it.\n", show(job.schedule.as_bytes(), 20)))
        }
    }
}

fn table(name: &str, comment: &str, cron: &str, zone: &str, out: &mut String) {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let key = if is_bare { name.to_owned() } else { quoted(name) };
    out.push_str(&format!("\n# {comment}\n[{key}]\ncron = {}\n", quoted(cron)));
    if zone != "UTC" {
        out.push_str(&format!("zone = {}\n", quoted(zone)));
    }
}

/// A text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The zone that this machine goes by.
fn local_zone(io: &Io) -> String {
    let set = io.env.get("TZ").map(|zone| zone.trim_start_matches(':')).filter(|zone| !zone.is_empty() && !zone.starts_with('/'));
    let linked = || Some(std::fs::read_link("/etc/localtime").ok()?.to_str()?.split_once("zoneinfo/")?.1.to_owned());
    let zone = set.map(str::to_owned).or_else(linked).unwrap_or_else(|| "UTC".into());
    if matches!(zone.as_str(), "Etc/UTC" | "UCT" | "Etc/UCT" | "Universal" | "Etc/Universal" | "Zulu" | "Etc/Zulu") {
        "UTC".into()
    } else {
        zone
    }
}

fn print(text: &str, io: &mut Io) -> Result<(), Failure> {
    io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush()).map_err(Failure::stdout)
}

/// Writes a file that is not there yet.
fn write_new(path: &str, text: &str) -> Result<(), Failure> {
    let shown = show(path.as_bytes(), 300);
    match std::fs::File::create_new(path).and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Failure::usage_hint(
            format!("`{shown}`: is there already"),
            "adopt writes over nothing; choose another name, and compare them",
        )),
        Err(error) => Err(Failure::io(format!("{shown}: cannot write"), error)),
    }
}

#[cfg(test)]
mod tests;
