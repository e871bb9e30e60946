//! What a monitoring server is told: `NAME STATUS - reason | performance data`, and the further groups.
//!
//! ```text
//! QUEUES CRITICAL - {queue=mac} last of queue.depth is 9, … (1 critical, 3 ok) | 'queues{queue=mac}'=9;7;8 'queues{queue=linux}'=2;7;8
//! OK - {queue=linux} last of queue.depth is 2, …
//! ```
//!
//! Of several checks each line and each label has the check's own name, and the first is the worst one's:
//!
//! ```text
//! DISK CRITICAL - disk.used is 97 %, … (1 critical, 1 ok) | 'disk'=97%;;90 'queues{queue=mac}'=2;7;8
//! QUEUES OK - {queue=mac} last of queue.depth is 2, …
//! ```
//!
//! The first line stands for all groups, as it is all that many servers show: the worst group's
//! reason, and how many of the others are how. All performance data stands in it too; a bar in
//! a later line would make what follows it performance data. A bar in a text becomes `/`.
//!
//! A value is a decimal number in one of the guideline's units: what is time comes in seconds
//! (or `ms`, `us`), what is bytes in `B`, percent as `%`; all else without a unit. Limits are ranges
//! in the value's unit.
//!
//! Source: Monitoring Plugins Development Guidelines, sections 2.2 (one line), 2.5 (ranges) and 2.6
//! (performance data); the order of long text and performance data is that of Nagios 3 and later.

use std::collections::BTreeMap;

use crate::record::{Status, Tags, show, time_unit};
use crate::rule::{Judgement, Range};

/// The output of a plugin, the worst group first; every line ends in a newline. `name` stands where
/// nothing was judged.
pub(super) fn lines(name: &str, judgements: &[Judgement]) -> String {
    let mut sorted: Vec<&Judgement> = judgements.iter().collect();
    sorted.sort_by_key(|judgement| std::cmp::Reverse(judgement.verdict.status.rank()));
    let Some(worst) = sorted.first() else { return format!("{} UNKNOWN - nothing to judge\n", head(name)) };
    let mut text = format!("{} {}{}", head(&worst.verdict.check), sentence(worst), census(&sorted));
    let performance: Vec<String> = sorted.iter().filter_map(|judgement| performance(judgement)).collect();
    if !performance.is_empty() {
        text.push_str(" | ");
        text.push_str(&performance.join(" "));
    }
    text.push('\n');
    let several = sorted.iter().any(|judgement| judgement.verdict.check != worst.verdict.check);
    for judgement in &sorted[1..] {
        if several {
            text.push_str(&format!("{} ", head(&judgement.verdict.check)));
        }
        text.push_str(&sentence(judgement));
        text.push('\n');
    }
    text
}

/// A check's name as plugins begin a line.
fn head(name: &str) -> String {
    plain(name, 100).to_uppercase()
}

/// `WARNING - {queue=mac} reason`.
fn sentence(judgement: &Judgement) -> String {
    let verdict = &judgement.verdict;
    let tags = if verdict.tags.is_empty() { String::new() } else { plain(&verdict.tags.to_string(), 200) + " " };
    let reason = plain(verdict.reason.as_deref().unwrap_or_default(), 1000);
    format!("{} - {tags}{reason}", verdict.status.name().to_uppercase())
}

/// How many groups have which status, where there are several: ` (1 critical, 3 ok)`.
fn census(judgements: &[&Judgement]) -> String {
    if judgements.len() < 2 {
        return String::new();
    }
    let mut counts: BTreeMap<u8, (Status, usize)> = BTreeMap::new();
    for judgement in judgements {
        let status = judgement.verdict.status;
        counts.entry(status.rank()).or_insert((status, 0)).1 += 1;
    }
    let parts: Vec<String> = counts.values().rev().map(|(status, count)| format!("{count} {}", status.name())).collect();
    format!(" ({})", parts.join(", "))
}

/// A text on one line, in which nothing begins performance data.
fn plain(text: &str, most: usize) -> String {
    show(text.as_bytes(), most).replace('|', "/")
}

/// `'label'=value[unit];[warn];[crit]`, when there is a value.
fn performance(judgement: &Judgement) -> Option<String> {
    let verdict = &judgement.verdict;
    let (unit, convert) = unit(verdict.unit.as_deref());
    let limit = |status: Status| {
        let range = judgement.limits.iter().find(|(of, _)| *of == status);
        range.map_or(String::new(), |(_, range)| range.converted(convert).to_string())
    };
    let value = Some(convert(verdict.value?)).filter(|value| value.is_finite())?;
    let text = format!(
        "'{}'={}{unit};{};{}",
        label(&verdict.check, &verdict.tags),
        Range::number(value),
        limit(Status::Warning),
        limit(Status::Critical)
    );
    Some(text.trim_end_matches(';').to_owned())
}

/// A label: quotes are doubled, and the equals sign, which may not stand in one, becomes a colon.
fn label(name: &str, tags: &Tags) -> String {
    plain(&format!("{name}{tags}"), 200).replace('\'', "''").replace('=', ":")
}

/// The guideline's unit for one of ours, and how a value comes to it.
fn unit(unit: Option<&str>) -> (&'static str, impl Fn(f64) -> f64 + Copy) {
    let unit = unit.unwrap_or_default();
    let (name, times, over) = match unit {
        "ms" => ("ms", 1.0, 1.0),
        "us" => ("us", 1.0, 1.0),
        "%" => ("%", 1.0, 1.0),
        _ => match (time_unit(unit), bytes(unit)) {
            // Divided, as a billionth is no double and a product with it is not rounded well.
            (Some(span), _) => ("s", span.nanos() as f64, 1e9),
            (None, Some(size)) => ("B", size, 1.0),
            (None, None) => ("", 1.0, 1.0),
        },
    };
    (name, move |value| value * times / over)
}

fn bytes(unit: &str) -> Option<f64> {
    let prefix = unit.strip_suffix("By")?;
    let sizes = [("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12)];
    let binary = [("Ki", 1_024.0), ("Mi", 1_048_576.0), ("Gi", 1_073_741_824.0), ("Ti", 1_099_511_627_776.0)];
    sizes.into_iter().chain(binary).find(|(name, _)| *name == prefix).map(|(_, size)| size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Verdict;
    use crate::time::Timestamp;

    fn judgement(status: Status, tags: &[(&str, &str)], value: Option<f64>, unit: Option<&str>, reason: &str) -> Judgement {
        let verdict = Verdict {
            ts: Timestamp::from_nanos(0),
            check: "queues".into(),
            status,
            since: None,
            value,
            unit: unit.map(str::to_owned),
            reason: Some(reason.into()),
            evidence: None,
            playbook: None,
            tags: tags.iter().copied().collect(),
        };
        let range = |text: &str| Range::parse(text).unwrap();
        Judgement { verdict, limits: vec![(Status::Critical, range("~:8")), (Status::Warning, range("@2:7"))] }
    }

    #[test]
    fn the_worst_group_leads_and_all_performance_data_is_in_the_first_line() {
        let all = [
            judgement(Status::Ok, &[("queue", "linux")], Some(2.0), None, "2 waiting"),
            judgement(Status::Unknown, &[("queue", "old")], None, None, "no data"),
            judgement(Status::Critical, &[("queue", "mac")], Some(9.0), None, "9 waiting"),
        ];
        let expected = "QUEUES CRITICAL - {queue=mac} 9 waiting (1 critical, 1 unknown, 1 ok) \
             | 'queues{queue:mac}'=9;@2:7;~:8 'queues{queue:linux}'=2;@2:7;~:8\n\
             UNKNOWN - {queue=old} no data\n\
             OK - {queue=linux} 2 waiting\n";
        assert_eq!(lines("queues", &all), expected);
        assert_eq!(lines("queues", &[]), "QUEUES UNKNOWN - nothing to judge\n");
    }

    #[test]
    fn of_several_checks_each_has_its_own_name_and_the_worst_leads() {
        let of = |check: &str, status: Status| {
            let mut one = judgement(status, &[], Some(2.0), None, "so it is");
            one.verdict.check = check.into();
            one
        };
        let all = [of("queues", Status::Ok), of("disk", Status::Critical), of("backup", Status::Warning)];
        let expected = "DISK CRITICAL - so it is (1 critical, 1 warning, 1 ok) \
             | 'disk'=2;@2:7;~:8 'backup'=2;@2:7;~:8 'queues'=2;@2:7;~:8\n\
             BACKUP WARNING - so it is\n\
             QUEUES OK - so it is\n";
        assert_eq!(lines("rules/check.toml", &all), expected);
    }

    #[test]
    fn nothing_from_outside_breaks_the_line() {
        let mut hostile = judgement(Status::Ok, &[("a", "x|'y\n")], Some(1.0), None, "a|b\nc\u{1b}[2J");
        hostile.verdict.check = "it's|a=b".into();
        let text = lines("checks", &[hostile]);
        assert_eq!(text.matches('|').count(), 1, "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with("IT'S/A=B OK - ") && text.ends_with("=1;@2:7;~:8\n"), "{text}");
        let label = text.split(" | '").nth(1).unwrap().rsplit_once("'=").unwrap().0;
        assert!(!label.contains('=') && label.matches("''").count() * 2 == label.matches('\'').count(), "{label}");
    }

    #[test]
    fn values_and_limits_come_in_the_units_of_the_guideline() {
        let cases = [
            (Some("s"), 0.25, "0.25s;@2:7;~:8"),
            (Some("ms"), 3.0, "3ms;@2:7;~:8"),
            (Some("min"), 2.0, "120s;@120:420;~:480"),
            (Some("ns"), 2e9, "2s;@0.000000002:0.000000007;~:0.000000008"),
            (Some("KiBy"), 1.0, "1024B;@2048:7168;~:8192"),
            (Some("By"), 1e21, "1000000000000000000000B;@2:7;~:8"),
            (Some("%"), 91.0, "91%;@2:7;~:8"),
            (Some("{builds}"), -0.0, "0;@2:7;~:8"),
            (Some("Cel"), 1e-7, "0.0000001;@2:7;~:8"),
            (None, 1.0, "1;@2:7;~:8"),
        ];
        for (unit, value, expected) in cases {
            let text = performance(&judgement(Status::Ok, &[], Some(value), unit, "")).unwrap();
            assert_eq!(text, format!("'queues'={expected}"), "{unit:?}");
        }
        let bare = Judgement { limits: Vec::new(), ..judgement(Status::Ok, &[], Some(1.0), None, "") };
        assert_eq!(performance(&bare).as_deref(), Some("'queues'=1"), "what is not known is left out at the end");
        let critical = Judgement { limits: vec![(Status::Critical, Range::parse("5").unwrap())], ..bare };
        assert_eq!(performance(&critical).as_deref(), Some("'queues'=1;;5"));
    }
}
