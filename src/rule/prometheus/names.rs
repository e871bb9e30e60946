//! Names of metrics and tags as Prometheus takes them.
//!
//! A metric's name there matches `[a-zA-Z_:][a-zA-Z0-9_:]*` and a label's `[a-zA-Z_][a-zA-Z0-9_]*`;
//! every other character becomes `_`. No two names become one: the second is refused.
//!
//! Source: Prometheus documentation, "Data model", "Metric names and labels".

use std::collections::BTreeMap;

use crate::record::show;

/// The names that were given so far, each with the one it stands for.
#[derive(Debug, Default)]
pub(super) struct Names {
    metrics: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

impl Names {
    /// The name of a metric there, or why it has none.
    pub(super) fn metric(&mut self, name: &str) -> Result<String, String> {
        take(&mut self.metrics, name, mapped(name, true), "metric")
    }

    /// The name of a tag there, or why it has none.
    pub(super) fn label(&mut self, tag: &str) -> Result<String, String> {
        let label = mapped(tag, false);
        if label.starts_with("__") || label == "alertname" || label == "severity" {
            return Err(format!("the label `{}` has a meaning of its own there", show(label.as_bytes(), 60)));
        }
        take(&mut self.labels, tag, label, "tag")
    }

    /// Every name that is another one there: `build.duration is build_duration there`.
    pub(super) fn changed(&self) -> Vec<String> {
        let changed = |names: &BTreeMap<String, String>, what: &str| -> Vec<String> {
            let changed = names.iter().filter(|(there, here)| there != here);
            changed.map(|(there, here)| format!("the {what} `{}` is `{there}` there", show(here.as_bytes(), 200))).collect()
        };
        let mut all = changed(&self.metrics, "metric");
        all.extend(changed(&self.labels, "tag"));
        all
    }
}

fn take(names: &mut BTreeMap<String, String>, here: &str, there: String, what: &str) -> Result<String, String> {
    match names.get(&there) {
        Some(known) if known != here => {
            let (known, here) = (show(known.as_bytes(), 100), show(here.as_bytes(), 100));
            Err(format!("the {what}s `{known}` and `{here}` would both be `{there}` there"))
        }
        Some(_) => Ok(there),
        None => {
            names.insert(there.clone(), here.to_owned());
            Ok(there)
        }
    }
}

fn mapped(name: &str, colon: bool) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    let mut there: String = name.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if there.starts_with(|c: char| c.is_ascii_digit()) || there.is_empty() {
        there.insert(0, '_');
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_apart_what_is_apart() {
        let mut names = Names::default();
        assert_eq!(names.metric("build.duration").unwrap(), "build_duration");
        assert_eq!(names.metric("build.duration").unwrap(), "build_duration");
        assert_eq!(names.metric("5xx").unwrap(), "_5xx");
        assert_eq!(names.metric("job:up").unwrap(), "job:up");
        assert_eq!(
            names.metric("build-duration").unwrap_err(),
            "the metrics `build.duration` and `build-duration` would both be `build_duration` there"
        );
        assert_eq!(names.label("k8s.pod").unwrap(), "k8s_pod");
        assert!(names.label("severity").unwrap_err().contains("meaning of its own"));
        assert_eq!(names.changed().len(), 3);
    }
}
