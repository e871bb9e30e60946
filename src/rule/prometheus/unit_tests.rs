//! Unit tests of alerting rules, as `promtool test rules` reads them, to a file that `check test` reads.
//!
//! | there | here |
//! |---|---|
//! | `evaluation_interval` | nothing: `every` stands in the rules |
//! | `interval` of a test | `interval` |
//! | `input_series` | `series` |
//! | `alert_rule_test` | `expect`: which groups are firing at an instant |
//! | `promql_expr_test` | nothing: an expression is no check |
//!
//! Annotations are not compared, and of the labels neither the alert's name nor its severity: these
//! are the check's name and its status. What two rules of one name say there is one expectation, so
//! rules with such names are no good company for these tests.
//!
//! Source: Prometheus documentation, "Unit testing for rules".

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Refused;
use super::import::{entries, key, list, span, text, texts, toml};
use super::yaml::{Kind, Node, read};
use crate::record::show;
use crate::time::Span;

/// How far apart the values of a series are where a test does not say it.
const INTERVAL: Span = Span::from_secs(60);

/// The tests of alerts, and what of the file cannot be said.
#[derive(Debug, Clone, Default)]
pub struct ImportedTests {
    /// A file of tests in TOML.
    pub text: String,
    /// What cannot be said: the tests of expressions, test by test, each by its place.
    pub refused: Vec<Refused>,
    /// How many expectations were read, of how many there are: of alerts and of expressions.
    pub expectations: (usize, usize),
}

/// Whether a text is a file of unit tests, and not one of rules.
pub fn are_tests(source: &str) -> bool {
    let Ok(Node { kind: Kind::Map(all), .. }) = read(source) else { return false };
    all.iter().any(|(key, _)| matches!(&key.kind, Kind::Text(name) if name == "tests"))
}

/// Reads a file of unit tests, and writes what they expect of alerts; `rules` names the file of checks.
pub fn import_tests(source: &str, rules: &str) -> ImportedTests {
    let mut reader = Reader { interval: INTERVAL, found: ImportedTests::default() };
    reader.found.text = format!("# Written by check import.\n\nrules = {}\n", toml(rules));
    if let Err(refused) = read(source).and_then(|node| reader.file(&node)) {
        reader.found.refused.push(refused);
    }
    reader.found
}

struct Reader {
    interval: Span,
    found: ImportedTests,
}

/// What a test expects of each alert: the instants, each with the groups that are firing.
type Expected = BTreeMap<String, Vec<(Span, Vec<Labels>)>>;

/// The labels of an alert.
type Labels = BTreeMap<String, String>;

impl Reader {
    fn file(&mut self, node: &Node) -> Result<(), Refused> {
        let known = ["rule_files", "evaluation_interval", "group_eval_order", "tests", "fuzzy_compare"];
        let entries = entries(node, &known, "a file of tests")?;
        self.interval = entries.get("evaluation_interval").map_or(Ok(INTERVAL), |node| span(node))?;
        let Some(tests) = entries.get("tests") else { return Ok(()) };
        for (number, test) in list(tests)?.iter().enumerate() {
            if let Err(refused) = self.test(test, number + 1) {
                self.found.refused.push(refused);
            }
        }
        Ok(())
    }

    fn test(&mut self, node: &Node, number: usize) -> Result<(), Refused> {
        let known = [
            "name",
            "interval",
            "input_series",
            "alert_rule_test",
            "promql_expr_test",
            "external_labels",
            "external_url",
            "start_timestamp",
        ];
        let entries = entries(node, &known, "a test")?;
        if let Some(node) = entries.get("promql_expr_test") {
            let tests = list(node)?.len();
            self.found.expectations.1 += tests;
            let tests = if tests == 1 { "a test of an expression".into() } else { format!("{tests} tests of expressions") };
            self.found.refused.push(node.at.refuse(format!("{tests} can't be said here: an expression is no check")));
        }
        let Some(alerts) = entries.get("alert_rule_test") else { return Ok(()) };
        let mut expected = Expected::new();
        for test in list(alerts)? {
            self.found.expectations.1 += 1;
            match alert(test) {
                Ok((name, at, groups)) => {
                    self.found.expectations.0 += 1;
                    expected.entry(name).or_default().push((at, groups));
                }
                Err(refused) => self.found.refused.push(refused),
            }
        }
        let interval = entries.get("interval").map_or(Ok(self.interval), |node| span(node))?;
        let name = entries.get("name").map_or(Ok(format!("test {number}")), |node| text(node).map(str::to_owned))?;
        let given = entries.get("input_series").map_or(Ok(Vec::new()), |node| series(node))?;
        self.write(&name, interval, &given, &expected);
        Ok(())
    }

    fn write(&mut self, name: &str, interval: Span, given: &[(String, String)], expected: &Expected) {
        let out = &mut self.found.text;
        let _ = writeln!(out, "\n[[test]]\nname = {}\ninterval = \"{interval}\"", toml(name));
        out.push_str("\n[test.series]\n");
        for (series, values) in given {
            let _ = writeln!(out, "{} = {}", key(series), toml(values));
        }
        out.push_str("\n[test.expect]\n");
        for (alert, instants) in expected {
            let _ = writeln!(out, "{} = [", key(alert));
            for (at, groups) in instants {
                let groups: Vec<String> = groups.iter().map(group).collect();
                let _ = writeln!(out, "  {{ at = \"{at}\", firing = [{}] }},", groups.join(", "));
            }
            out.push_str("]\n");
        }
    }
}

/// The labels of a group as an inline table.
fn group(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{} = {}", key(label), toml(value))).collect();
    if pairs.is_empty() { "{}".into() } else { format!("{{ {} }}", pairs.join(", ")) }
}

/// What is expected of one alert at one instant.
fn alert(node: &Node) -> Result<(String, Span, Vec<Labels>), Refused> {
    let entries = entries(node, &["eval_time", "groupname", "alertname", "exp_alerts"], "a test of an alert")?;
    let (Some(name), Some(at)) = (entries.get("alertname"), entries.get("eval_time")) else {
        return Err(node.at.refuse("a test of an alert has the keys `alertname` and `eval_time`"));
    };
    let groups = match entries.get("exp_alerts") {
        Some(node) => list(node)?.iter().map(labels).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    Ok((text(name)?.to_owned(), span(at)?, groups))
}

/// The labels of an expected alert that are a group's.
fn labels(node: &Node) -> Result<Labels, Refused> {
    if matches!(node.kind, Kind::Empty) {
        return Ok(Labels::new());
    }
    let entries = entries(node, &["exp_labels", "exp_annotations"], "an expected alert")?;
    let labels = entries.get("exp_labels").map_or(Ok(BTreeMap::new()), |node| texts(node))?;
    let told = |label: &String| label != "alertname" && label != "severity";
    Ok(labels.into_iter().filter(|(label, _)| told(label)).map(|(label, (value, _))| (label, value)).collect())
}

/// The series given: their names with labels, and their values in the compact notation.
fn series(node: &Node) -> Result<Vec<(String, String)>, Refused> {
    let one = |node: &Node| {
        let entries = entries(node, &["series", "values"], "a series")?;
        let (Some(name), Some(values)) = (entries.get("series"), entries.get("values")) else {
            return Err(node.at.refuse("a series has the keys `series` and `values`"));
        };
        let (name, given) = (text(name)?, text(values)?);
        if let Err(error) = crate::rule::values(given) {
            return Err(values.at.refuse(format!("the values of `{}`: {error}", show(name.as_bytes(), 100))));
        }
        Ok((name.to_owned(), given.to_owned()))
    };
    list(node)?.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: &str = "\
rule_files: [rules.yml]
tests:
- interval: 30s
  name: a server that went away
  input_series:
  - series: 'up{instance=\"a:1\"}'
    values: 0x20
  alert_rule_test:
  - {eval_time: 0, alertname: Down, exp_alerts: []}
  - eval_time: 6m
    alertname: Down
    exp_alerts:
    - exp_labels: {severity: page, instance: 'a:1'}
  promql_expr_test:
  - {expr: up, eval_time: 0}
";

    #[test]
    fn what_is_expected_of_alerts_is_kept_and_of_expressions_refused_by_place() {
        let found = import_tests(TESTS, "check.toml");
        assert_eq!(found.expectations, (2, 3));
        let refused: Vec<String> = found.refused.iter().map(ToString::to_string).collect();
        assert_eq!(refused, ["15:5: a test of an expression can't be said here: an expression is no check"]);
        let wanted = "# Written by check import.\n\nrules = \"check.toml\"\n\n[[test]]\nname = \"a server that went away\"\ninterval = \"30s\"\n\n[test.series]\n\
            'up{instance=\"a:1\"}' = \"0x20\"\n\n[test.expect]\nDown = [\n  { at = \"0s\", firing = [] },\n  { at = \"6m\", firing = [{ instance = \"a:1\" }] },\n]\n";
        assert_eq!(found.text, wanted);
    }

    #[test]
    fn a_file_of_tests_is_known_by_its_key() {
        assert!(are_tests(TESTS));
        assert!(!are_tests("groups: []"));
        assert!(!are_tests("- tests"));
    }

    #[test]
    fn what_is_no_test_is_refused_by_place() {
        for (text, wanted) in [
            ("tests:\n- alert_rule_test: [{eval_time: 1m}]", "2:21: a test of an alert has the keys `alertname` and `eval_time`"),
            ("tests:\n- alert_rule_test: []\n  input_series: [{series: a, values: '{{count:1}}'}]", "3:38: the values of `a`: "),
            ("tests:\n- alert_rule_tests: []", "2:3: the key `alert_rule_tests` of a test can't be said here"),
            ("tests: 1", "1:8: expected a list, found a text"),
        ] {
            let found = import_tests(text, "check.toml");
            assert!(found.refused[0].to_string().starts_with(wanted), "{:?}", found.refused);
        }
    }
}
