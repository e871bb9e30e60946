//! `check export nagios`: what was typed for it, and the definitions it prints.

use clap::{Arg, ArgMatches};

use super::super::Failure;
use crate::record::show;
use crate::rule::{Check, NagiosOptions, Refused, export_nagios};

/// The options that only this export has.
pub(super) fn options() -> [Arg; 3] {
    let option = |id: &'static str, name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(id).long(id).value_name(name).default_value(value).help(help)
    };
    [
        option("host", "NAME", "localhost", "The host that the services belong to"),
        option("use", "NAME", "generic-service", "The service template that says when to check and whom to tell"),
        option("program", "PATH", "/usr/local/bin/check", "Where the monitoring server finds check"),
    ]
}

/// The definitions of a command and a service for each check; `inputs` are what the commands are to read, as it
/// would be typed: files, folders, options like `--since 2h`.
///
/// # Errors
/// [`Failure::Config`] with every check that can't be said, and why; nothing is exported then.
pub(super) fn nagios(checks: &[Check], matches: &ArgMatches, inputs: &[String]) -> Result<String, Failure> {
    let text = |id: &str| matches.get_one::<String>(id).cloned().unwrap_or_default();
    let options = NagiosOptions { program: text("program"), arguments: inputs.to_vec(), host: text("host"), template: text("use") };
    if inputs.is_empty() {
        let hint = "name them as the monitoring server sees them, like check export nagios -f check.toml /var/lib/pipewatch/history";
        return Err(Failure::usage_hint("export nagios: there are no records for the commands to read", hint));
    }
    export_nagios(checks, &options).map_err(|refused| Failure::Config(told(&refused), None))
}

/// One line a reason.
fn told(refused: &[Refused]) -> String {
    let lines = refused.iter().map(|refused| format!("\n  {}: {}", show(refused.check.as_bytes(), 80), refused.why));
    format!("export nagios: not everything can be said in an object file; nothing is exported{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;
    use crate::record::Status;
    use crate::rule::{Level, parse};

    #[test]
    fn what_is_typed_stands_in_the_definitions_and_what_cannot_be_said_is_told() {
        let export = |checks: &[Check], inputs: &[&str]| {
            let matches = Command::new("nagios").args(options()).get_matches_from(["nagios", "--host", "web-1", "--use", "mine"]);
            nagios(checks, &matches, &inputs.iter().map(|input| (*input).to_owned()).collect::<Vec<_>>())
        };
        let mut checks = [Check::new("a", vec![Level { status: Status::Critical, condition: parse("x > 1").unwrap() }])];
        let text = export(&checks, &["--since", "1h", "/h"]).unwrap();
        assert!(text.contains("/usr/local/bin/check --nagios --name a --critical 'x > 1' --since 1h /h\n"), "{text}");
        assert!(text.contains(" web-1\n") && text.contains(" mine\n"), "{text}");
        assert!(matches!(export(&checks, &[]), Err(Failure::Usage(..))));

        checks[0].needs = vec!["b".into()];
        let Err(Failure::Config(message, None)) = export(&checks, &["/h"]) else { panic!("`needs` is refused") };
        let expected = "export nagios: not everything can be said in an object file; nothing is exported\n  a: `needs` is no option of \
                        a command; leave it out, or run the rule file by `check -f` from cron";
        assert_eq!(message, expected);
    }
}
