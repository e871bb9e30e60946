//! A file of checks is read or refused at places within it; what is read can be ordered and looked
//! through, and every finding has a place in the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::rule::{FileError, MOST_ERRORS, Rules, Source, lint, order};

fuzz_target!(|text: &str| {
    let source = Source { name: "check.toml".into(), text: text.to_owned() };
    let is_told = |error: &FileError| {
        let lines = text.matches('\n').count() + 1;
        assert!((1..=lines).contains(&error.line), "{error:?}");
        assert!(error.column >= 1, "{error:?}");
        assert!(!error.to_string().chars().any(|c| c.is_control() && c != '\n'), "a message can steer a terminal");
    };
    match Rules::read(vec![source]) {
        Err(errors) => {
            assert!(!errors.is_empty() && errors.len() <= MOST_ERRORS);
            errors.iter().for_each(is_told);
        }
        Ok(rules) => {
            let mut ordered = order(&rules.checks);
            ordered.sort_unstable();
            assert!(ordered.into_iter().eq(0..rules.checks.len()));
            for check in &rules.checks {
                assert!(!check.levels.is_empty());
            }
            for finding in lint(&rules.checks, None) {
                is_told(&rules.at(finding.check, finding.key, finding.place, finding.message.as_str()));
            }
        }
    }
});
