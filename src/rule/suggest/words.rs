//! Names taken apart: `PetSite.latency.p90` is of `pet`, `site`, `latency`, `p90`.

use crate::record::Series;

/// The words of a name, in lower case; a plural is its singular.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for character in name.chars() {
        let begins = character.is_uppercase() && before.is_lowercase();
        if (begins || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(singular(std::mem::take(&mut word)));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    if !word.is_empty() {
        words.push(singular(word));
    }
    words
}

fn singular(word: String) -> String {
    let is_plural = word.len() > 3
        && word.ends_with('s')
        && !["ss", "us", "is", "os", "as", "rds", "dns", "tls", "aws", "ecs", "sqs", "sns", "ebs"].iter().any(|end| word.ends_with(end));
    if is_plural { word[..word.len() - 1].to_owned() } else { word }
}

/// The words of a series: of its metric, and of the values of its tags.
pub(super) fn words_of(series: &Series) -> Vec<String> {
    let tags = series.tags.iter().flat_map(|(_, value)| words(value));
    words(&series.metric).into_iter().chain(tags).collect()
}

/// Words that say how something was measured, not what.
const MEASURES: [&str; 34] = [
    "latency",
    "duration",
    "time",
    "wait",
    "request",
    "availability",
    "error",
    "fault",
    "count",
    "sum",
    "average",
    "mean",
    "median",
    "min",
    "max",
    "total",
    "rate",
    "p50",
    "p75",
    "p90",
    "p95",
    "p99",
    "p999",
    "second",
    "millisecond",
    "ms",
    "started",
    "finished",
    "failed",
    "received",
    "hit",
    "response",
    "success",
    "statistic",
];

/// What a series is of: its words without those that say how it was measured; the same for the latency and the
/// requests of one service.
pub(super) fn entity(series: &Series) -> String {
    let metric = words(&series.metric).into_iter().filter(|word| !MEASURES.contains(&word.as_str()));
    let tags = series.tags.iter().filter(|(_, value)| !words(value).iter().all(|word| MEASURES.contains(&word.as_str())));
    metric.chain(tags.map(|(key, value)| format!("{key}={value}"))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_where_a_reader_does() {
        assert_eq!(words("PetSite.latency.p90"), ["pet", "site", "latency", "p90"]);
        assert_eq!(words("http_requests-total"), ["http", "request", "total"]);
        assert_eq!(words("PetSearch_AWS::ECS::Fargate"), ["pet", "search", "aws", "ecs", "fargate"]);
        assert_eq!(words("disk.busy"), ["disk", "busy"]);
    }

    #[test]
    fn what_is_of_one_service_is_one_entity() {
        let latency = Series::new("latency").tag("service", "PetSite").tag("statistic", "p90");
        let requests = Series::new("requests").tag("service", "PetSite").tag("statistic", "Sum");
        assert_eq!(entity(&latency), entity(&requests));
        assert_eq!(entity(&Series::new("PetSite.latency.p90")), entity(&Series::new("PetSite.requests.Sum")));
        assert_ne!(entity(&latency), entity(&Series::new("latency").tag("service", "PetSearch")));
    }
}
