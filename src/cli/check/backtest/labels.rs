//! Known incidents, from a file: CSV or lines of JSON.
//!
//! ```text
//! from,to,check                                         a heading may stand first
//! 2026-11-02T03:10:00Z,2026-11-02T03:55:00Z
//! 2026-11-09 17:00,2026-11-09 17:20,queue-depth
//! {"from":"2026-11-02T03:10:00Z","to":"2026-11-02T03:55:00Z","check":"queue-depth","tags":{"queue":"linux"}}
//! ```

use std::collections::BTreeMap;

use crate::cli::Failure;
use crate::record::{Tags, show};
use crate::rule::backtest::Incident;
use crate::time::Timestamp;

/// The most that is read of a file.
const BYTES: u64 = 64 << 20;

/// An incident as a line of JSON tells it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    from: String,
    to: String,
    check: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Reads a file of incidents.
///
/// # Errors
/// When it can't be read, or a line is no incident.
pub(in crate::cli::check) fn read(path: &str, now: Timestamp) -> Result<Vec<Incident>, Failure> {
    use std::io::Read;
    let shown = show(path.as_bytes(), 200);
    let failed = |error| Failure::io(format!("--labels {shown}: cannot read"), error);
    let mut text = String::new();
    std::fs::File::open(path).map_err(failed)?.take(BYTES).read_to_string(&mut text).map_err(failed)?;
    let incidents = parse(&text, now).map_err(|(line, why)| Failure::Config(format!("{shown}:{line}: {why}"), None))?;
    if incidents.is_empty() {
        let hint = "write one a line: FROM,TO or FROM,TO,CHECK".to_owned();
        return Err(Failure::Config(format!("{shown}: there is no incident"), Some(hint)));
    }
    Ok(incidents)
}

/// Reads the text of a file; a mistake comes with the number of its line.
fn parse(text: &str, now: Timestamp) -> Result<Vec<Incident>, (usize, String)> {
    let mut incidents = Vec::new();
    let mut first = true;
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let heading = std::mem::take(&mut first) && is_heading(line);
        if heading {
            continue;
        }
        incidents.push(incident(line, now).map_err(|why| (at + 1, why))?);
    }
    Ok(incidents)
}

/// Whether a line of CSV names its columns.
fn is_heading(line: &str) -> bool {
    !line.starts_with('{') && line.split(',').next().is_some_and(|cell| !cell.contains(|c: char| c.is_ascii_digit()))
}

fn incident(line: &str, now: Timestamp) -> Result<Incident, String> {
    let (from, to, check, tags) = if line.starts_with('{') {
        let line: Line = serde_json::from_str(line).map_err(|error| format!("is no incident: {error}"))?;
        (line.from, line.to, line.check, line.tags.into_iter().collect::<Tags>())
    } else {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        let (from, to, check) = match cells.as_slice() {
            [from, to] => (*from, *to, None),
            [from, to, check] => (*from, *to, Some((*check).to_owned()).filter(|check| !check.is_empty())),
            _ => return Err(format!("expected FROM,TO or FROM,TO,CHECK, found {} cells", cells.len())),
        };
        (from.to_owned(), to.to_owned(), check, Tags::new())
    };
    let instant = |text: &str| Timestamp::parse_loose(text, now).map_err(|error| error.to_string());
    let (from, to) = (instant(&from)?, instant(&to)?);
    if from > to {
        return Err(format!("the incident ends at {to}, before it begins at {from}"));
    }
    Ok(Incident { from, to, check, tags })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incidents_are_read_from_csv_and_json() {
        let now = Timestamp::parse("2026-11-22T20:00:00Z").unwrap();
        let text = "from,to,check\n# a note\n2026-11-02T03:10:00Z,2026-11-02T03:55:00Z\n\"2026-11-09T17:00:00Z\",2026-11-09T17:20:00Z,queue\n{\"from\":\"2026-11-02T03:10:00Z\",\"to\":\"2026-11-02T03:55:00Z\",\"tags\":{\"q\":\"a\"}}\n";
        let all = parse(text, now).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].check.as_deref(), all[1].check.as_deref()), (None, Some("queue")));
        assert_eq!(all[2].tags.get("q"), Some("a"));
        let wrong = [("a,b\n1h,2h,3,4", 2), ("2026-11-02T03:10:00Z,2026-11-01T03:10:00Z", 1), ("{\"from\":\"1h\"}", 1), ("x,y\nx,y", 2)];
        for (text, line) in wrong {
            assert_eq!(parse(text, now).unwrap_err().0, line, "{text}");
        }
    }
}
