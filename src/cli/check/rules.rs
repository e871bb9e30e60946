//! The checks that were typed: conditions among the arguments, or rule files.

use clap::{Arg, ArgAction, ArgMatches};

use super::super::{Failure, Io};
use super::{files, ranges};
use crate::record::{Status, Synthetic, check_name, show};
use crate::rule::{Check, Engine, Level, RuleError, Rules, Senseless, parse};

/// The options of a check that is typed.
pub(super) fn options() -> [Arg; 8] {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    [
        value("warning", "CONDITION", "Warn when this is true; or a RANGE that VALUE must be in").short('w'),
        value("critical", "CONDITION", "Critical when this is true, as a CONDITION alone; or a RANGE").short('c'),
        value("name", "NAME", "The name of the check in its verdicts [default: check]"),
        value("by", "TAG,…", "One verdict for each value of these tags"),
        value("no-data", "STATUS", "No data is ok, warning, critical or unknown [default: unknown]"),
        value("playbook", "URL", "Where to read what to do; goes into the verdicts"),
        value("synthetic", "HOW", "Made activity: apart, include, only or exclude [default: apart]").hide(true),
        Arg::new("no-extrapolation")
            .long("no-extrapolation")
            .action(ArgAction::SetTrue)
            .help("Do not extend increases of counters to a window's borders"),
    ]
}

/// What is to be judged.
#[derive(Debug)]
pub(super) struct Typed {
    pub(super) checks: Vec<Check>,
    /// What they are called together: the name of the one check, or of its files.
    pub(super) name: String,
    /// The files they came from.
    files: Option<Rules>,
}

impl Typed {
    /// Reads what was typed; takes the condition, if it is an argument, from the front of `paths`.
    pub(super) fn new(matches: &ArgMatches, paths: &mut Vec<String>, io: &mut Io) -> Result<Typed, Failure> {
        let named = files::paths(matches);
        if named.is_empty() {
            let check = inline(matches, paths)?;
            return Ok(Typed { name: check.name.clone(), checks: vec![check], files: None });
        }
        let alone = ["warning", "critical", "name", "by", "no-data", "playbook"];
        if let Some(option) = alone.into_iter().find(|option| matches.contains_id(option)) {
            let message = format!("--{option} belongs to a condition among the arguments, and -f names rule files: choose one");
            return Err(Failure::usage_hint(message, format!("write it into the file: `{} = …`", option.replace('-', "_"))));
        }
        let rules = files::load(&named, io)?;
        let mut checks = rules.checks.clone();
        checks.iter_mut().for_each(|check| check.extrapolate &= !matches.get_flag("no-extrapolation"));
        if let Some(synthetic) = synthetic(matches)? {
            checks.iter_mut().for_each(|check| check.synthetic = synthetic);
        }
        Ok(Typed { checks, name: named.join(","), files: Some(rules) })
    }

    /// What the state calls them: the files they are in, or what they say.
    pub(super) fn set(&self) -> String {
        match (&self.files, self.checks.first()) {
            (None, Some(check)) => format!("{}: {}", check.name, check.meaning()),
            _ => self.name.clone(),
        }
    }

    /// As [`Typed::wrong`], where the checks were judged without some of the others.
    pub(super) fn wrong_in(&self, name: &str, senseless: &Senseless) -> Failure {
        let rule = self.checks.iter().position(|check| check.name == name).unwrap_or(senseless.rule);
        self.wrong(&Senseless { rule, ..senseless.clone() })
    }

    /// Refuses conditions that ask for a reference, where none can be named.
    pub(super) fn without_reference(&self) -> Result<(), Failure> {
        let Some(mut asked) = Engine::new(self.checks.clone()).asks_reference() else { return Ok(()) };
        asked.error.hint = Some("a reference is held against by `check` itself: check --reference FILE".into());
        Err(self.wrong(&asked))
    }

    /// A mistake that only the data showed, at its place.
    pub(super) fn wrong(&self, senseless: &Senseless) -> Failure {
        let check = &self.checks[senseless.rule];
        let level = check.levels.get(senseless.level);
        if let Some(rules) = &self.files {
            let key = level.map_or("clear", |level| level.status.name());
            let place = (senseless.error.start, senseless.error.end);
            let error = rules.at(senseless.rule, key, Some(place), senseless.error.message.clone());
            return Failure::Config(error.to_string(), senseless.error.hint.clone());
        }
        let condition = level.map(|level| &level.condition).or(check.clear.as_ref());
        mistake(condition.map_or("", |condition| condition.text()), &senseless.error)
    }
}

/// The check whose conditions stand among the arguments.
fn inline(matches: &ArgMatches, paths: &mut Vec<String>) -> Result<Check, Failure> {
    let text = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let (mut warning, mut critical) = (text("warning").map(str::to_owned), text("critical").map(str::to_owned));
    ranges::to_conditions(paths, [("warning", &mut warning), ("critical", &mut critical)])?;
    if warning.is_none() && critical.is_none() {
        if paths.is_empty() {
            let hint = "write one like check 'age(build.started) > 30m' HISTORY, or name a rule file by -f; see check --help";
            return Err(Failure::usage_hint("there is no condition to judge by", hint));
        }
        critical = Some(paths.remove(0));
    }
    let levels = [(Status::Critical, critical), (Status::Warning, warning)];
    let levels = levels.into_iter().filter_map(|(status, text)| text.map(|text| level(status, &text))).collect::<Result<Vec<_>, _>>()?;
    let name = text("name").unwrap_or("check");
    check_name(name).map_err(|error| Failure::usage(format!("--name: a name {error}")))?;
    let mut check = Check::new(name, levels);
    check.by = text("by").map(tags).unwrap_or_default();
    check.no_data = no_data(text("no-data"))?;
    check.playbook = text("playbook").map(str::to_owned);
    check.extrapolate = !matches.get_flag("no-extrapolation");
    check.synthetic = synthetic(matches)?.unwrap_or_default();
    Ok(check)
}

fn synthetic(matches: &ArgMatches) -> Result<Option<Synthetic>, Failure> {
    let text = matches.try_get_one::<String>("synthetic").unwrap_or_default();
    text.map(|text| Synthetic::parse(text).map_err(|why| Failure::usage(format!("--synthetic: {why}")))).transpose()
}

fn level(status: Status, text: &str) -> Result<Level, Failure> {
    let condition = parse(text).map_err(|error| mistake(text, &error))?;
    Ok(Level { status, condition })
}

/// A condition's mistake as a failure: the place underlined, and what to do.
fn mistake(text: &str, error: &RuleError) -> Failure {
    Failure::Usage(format!("condition:{}", error.render(text)), error.hint.clone())
}

fn tags(text: &str) -> Vec<String> {
    let mut tags: Vec<String> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    tags.sort();
    tags.dedup();
    tags
}

pub(super) fn no_data(text: Option<&str>) -> Result<Status, Failure> {
    let Some(text) = text else { return Ok(Status::Unknown) };
    let names = ["ok", "warning", "critical", "unknown"];
    Status::parse(text).ok_or_else(|| {
        let message = format!("--no-data: expected {}, found `{}`", names.join(", "), show(text.as_bytes(), 40));
        match crate::record::nearest(text, names) {
            Some(near) => Failure::usage_hint(message, format!("did you mean `{near}`?")),
            None => Failure::usage(message),
        }
    })
}
