//! The parts of a test in its file: instants, events and beats, expectations.

use toml::de::DeValue;

use super::file::{dotted, items, keyed};
use super::{Bounds, Case, Expectation, What, When, Wording};
use crate::record::{Beat, Event, Status, Tags, check_name, nearest, show};
use crate::rule::RuleError;
use crate::rule::file::value::{Entry, unknown};
use crate::settings::Text;
use crate::time::{Span, Timestamp};

/// The most events or beats that one line may stand for.
const MOST_HAPPENINGS: i64 = 100_000;

const EVENT_KEYS: [&str; 7] = ["at", "every", "to", "event", "text", "link", "tags"];
const BEAT_KEYS: [&str; 6] = ["at", "every", "to", "beat", "state", "tags"];
const EXPECT_KEYS: [&str; 9] = ["at", "from", "to", "status", "never", "firing", "reason", "since", "value"];
const STATUSES: [&str; 4] = ["ok", "warning", "critical", "unknown"];

/// An instant: so long after the test's start, where there is one, or a time.
pub(super) fn instant(entry: &Entry<'_>, start: Option<Timestamp>) -> Result<Timestamp, RuleError> {
    let expected = match start {
        Some(_) => "so long after the start, like \"5m\", or a time, like \"2026-01-05T00:05:00Z\"",
        None => "a time, like \"2026-01-05T00:00:00Z\"",
    };
    if let DeValue::Datetime(time) = entry.value {
        return Timestamp::parse(&time.to_string()).map_err(|_| entry.wrong(expected));
    }
    let text = entry.text(expected)?;
    let span = Span::parse(&text.text);
    match (start, span) {
        (Some(start), Ok(span)) => Ok(start.plus(span)),
        // What looks like neither is told as the duration that it is more likely to be.
        (Some(_), Err(error)) if !text.text.contains(['-', ':']) => Err(entry.error(error.to_string())),
        _ if text.text.contains('-') => Timestamp::parse(&text.text).map_err(|error| entry.error(error.to_string())),
        _ => Err(entry.wrong(expected)),
    }
}

/// The mistake of a word that is none of those known.
pub(super) fn known(entry: &Entry<'_>, word: &str, names: &[&str]) -> RuleError {
    let (last, others) = names.split_last().unwrap_or((&"", &[]));
    let expected = format!("{} or {last}", others.join(", "));
    let error = entry.error(format!("`{}` must be {expected}, found `{}`", entry.name(), show(word.as_bytes(), 40)));
    match nearest(word, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// The tags of a table of texts.
fn pairs(entry: &Entry<'_>) -> Result<Tags, RuleError> {
    let mut tags = Tags::new();
    for part in entry.table("a table of texts, like { queue = \"linux\" }")? {
        check_name(part.key).map_err(|why| RuleError::new(format!("a tag {why}"), part.key_place))?;
        match part.value {
            DeValue::String(value) => tags.set(part.key, value.to_string()),
            _ => return Err(part.wrong("a text").hint("tags are texts: put the value in quotes")),
        };
    }
    Ok(tags)
}

/// An event or a beat, once or again and again.
#[derive(Debug)]
pub(super) struct Happening {
    instants: Vec<Timestamp>,
    name: String,
    text: Option<String>,
    link: Option<String>,
    state: Option<String>,
    tags: Tags,
}

impl Happening {
    /// Reads the table of an `event` or a `beat`.
    pub(super) fn read(item: &Entry<'_>, parts: &[Entry<'_>], what: &str, start: Timestamp) -> Result<Happening, Vec<RuleError>> {
        let keys: &[&str] = if what == "event" { &EVENT_KEYS } else { &BEAT_KEYS };
        let mut found = Happening { instants: Vec::new(), name: String::new(), text: None, link: None, state: None, tags: Tags::new() };
        let (mut at, mut every, mut to, mut errors) = (None, None, None, Vec::new());
        for part in parts {
            let done = match part.key {
                "at" => instant(part, Some(start)).map(|instant| at = Some(instant)),
                "every" => part.span().map(|span| every = Some(span)),
                "to" => instant(part, Some(start)).map(|instant| to = Some(instant)),
                "event" | "beat" if part.key == what => name(part).map(|name| found.name = name),
                "text" if what == "event" => part.text("what happened, in words").map(|text| found.text = Some(text.text)),
                "link" if what == "event" => part.text("an address").map(|text| found.link = Some(text.text)),
                "state" if what == "beat" => state(part).map(|state| found.state = Some(state)),
                "tags" => pairs(part).map(|tags| found.tags = tags),
                _ => Err(unknown(part, if what == "event" { "an event" } else { "a beat" }, keys)),
            };
            errors.extend(done.err());
        }
        for key in ["at", what] {
            if !parts.iter().any(|part| part.key == key) {
                let example = if key == "at" { "at = \"3m\"".to_owned() } else { format!("{key} = \"…\"") };
                errors.push(RuleError::new(format!("the {what} has no `{key}`"), item.place).hint(format!("write `{example}`")));
            }
        }
        match (at, every, to) {
            (Some(at), None, None) => found.instants = vec![at],
            (Some(at), Some(every), Some(to)) if !every.is_zero() && to.since(at).nanos() / every.nanos() < MOST_HAPPENINGS => {
                found.instants = std::iter::successors(Some(at), |at| Some(at.plus(every))).take_while(|at| *at <= to).collect();
            }
            (Some(_), Some(_), Some(_)) => {
                errors.push(RuleError::new(format!("these are more than {MOST_HAPPENINGS} {what}s"), item.place));
            }
            (Some(_), _, _) => {
                let error = RuleError::new("`every` and `to` go together", item.place);
                errors.push(error.hint("write `{ at = \"0m\", every = \"5m\", to = \"1h\", … }`"));
            }
            (None, _, _) => {}
        }
        if errors.is_empty() { Ok(found) } else { Err(errors) }
    }

    pub(super) fn events(self) -> impl Iterator<Item = Event> {
        let Happening { instants, name: event, text, link, tags, .. } = self;
        let all = instants.into_iter().map(move |ts| Event {
            ts,
            event: event.clone(),
            text: text.clone(),
            link: link.clone(),
            tags: tags.clone(),
        });
        all.collect::<Vec<_>>().into_iter()
    }

    pub(super) fn beats(self) -> impl Iterator<Item = Beat> {
        let Happening { instants, name: beat, state, tags, .. } = self;
        let all = instants.into_iter().map(move |ts| Beat {
            ts,
            beat: beat.clone(),
            state: state.clone(),
            tags: tags.clone(),
            ..Beat::default()
        });
        all.collect::<Vec<_>>().into_iter()
    }
}

fn name(entry: &Entry<'_>) -> Result<String, RuleError> {
    let text = entry.text("a name")?;
    check_name(&text.text).map_err(|why| entry.error(format!("a name {why}")))?;
    Ok(text.text)
}

fn state(entry: &Entry<'_>) -> Result<String, RuleError> {
    const STATES: [&str; 3] = ["start", "ok", "fail"];
    let text = entry.text("start, ok or fail")?;
    if STATES.contains(&text.text.as_str()) { Ok(text.text) } else { Err(known(entry, &text.text, &STATES)) }
}

fn status(entry: &Entry<'_>) -> Result<Status, RuleError> {
    let text = entry.text("ok, warning, critical or unknown")?;
    Status::parse(&text.text).ok_or_else(|| known(entry, &text.text, &STATUSES))
}

/// Reads the table of expectations: of each check and group what is expected of it.
pub(super) fn expect(entry: &Entry<'_>, case: &mut Case, errors: &mut Vec<RuleError>) {
    let all = match entry.table("a table: `[test.expect]`") {
        Ok(all) => all,
        Err(error) => return errors.push(error),
    };
    if all.is_empty() {
        let error = RuleError::new("the test expects nothing", entry.key_place);
        errors.push(error.hint("write below it `NAME = { at = \"5m\", status = \"ok\" }`, with the name of a check"));
    }
    for of_check in &all {
        if let DeValue::Table(_) = of_check.value
            && let Some(error) = dotted(of_check)
        {
            errors.push(error);
            continue;
        }
        let whom = match keyed(of_check) {
            Ok(whom) => whom,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for item in items(of_check) {
            match one(&item, case.start) {
                Ok((when, what)) => {
                    let place = item.place;
                    case.expectations.push(Expectation { check: whom.metric.clone(), tags: whom.tags.clone(), when, what, place });
                }
                Err(wrong) => errors.extend(wrong),
            }
        }
    }
}

/// Reads one expectation: a table, or a status for all of the test.
fn one(item: &Entry<'_>, start: Timestamp) -> Result<(When, What), Vec<RuleError>> {
    if let DeValue::String(_) = item.value {
        let status = status(item).map_err(|error| vec![error])?;
        return Ok((When::Within(start, None), What::is(status)));
    }
    let parts = item.table("a status, or a table like { at = \"5m\", status = \"ok\" }").map_err(|error| vec![error])?;
    let mut found = Parts::default();
    let mut errors: Vec<RuleError> = parts.iter().filter_map(|part| found.take(part, start).err()).collect();
    for part in parts.iter().filter(|part| matches!(part.key, "reason" | "since" | "value")) {
        let error = |message: String| RuleError::new(message, part.key_place);
        if found.at.is_none() && errors.is_empty() {
            errors.push(error(format!("`{}` is expected at an instant", part.name())).hint("write `at = \"5m\"`"));
        } else if found.status.is_none() && errors.is_empty() {
            errors.push(error(format!("`{}` stands beside a `status`", part.name())).hint("write `status = \"warning\"`"));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    found.both(start).map_err(|(message, hint)| vec![RuleError::new(message, item.place).hint(hint)])
}

/// What the keys of an expectation say.
#[derive(Default)]
struct Parts {
    at: Option<Timestamp>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    status: Option<Status>,
    never: Option<Status>,
    firing: Option<Vec<Tags>>,
    reason: Option<Wording>,
    since: Option<Timestamp>,
    value: Option<Bounds>,
}

impl Parts {
    fn take(&mut self, part: &Entry<'_>, start: Timestamp) -> Result<(), RuleError> {
        match part.key {
            "at" => self.at = Some(instant(part, Some(start))?),
            "from" => self.from = Some(instant(part, Some(start))?),
            "to" => self.to = Some(instant(part, Some(start))?),
            "since" => self.since = Some(instant(part, Some(start))?),
            "status" => self.status = Some(status(part)?),
            "never" => self.never = Some(status(part)?),
            "firing" => match part.value {
                DeValue::Array(_) => self.firing = Some(items(part).iter().map(pairs).collect::<Result<_, _>>()?),
                _ => return Err(part.wrong("a list of tags, like [{ queue = \"linux\" }], or []")),
            },
            "reason" => {
                let text = part.text("words of the reason, or a pattern, like \"/over .* limit/\"")?;
                let built = Wording::new(&text.text);
                self.reason = Some(built.map_err(|why| part.error(format!("this is not a regular expression: {why}")))?);
            }
            "value" => self.value = Some(bounds(part)?),
            _ => return Err(unknown(part, "an expectation", &EXPECT_KEYS)),
        }
        Ok(())
    }

    /// When and what; or what does not go together, and what to do.
    fn both(self, start: Timestamp) -> Result<(When, What), (&'static str, &'static str)> {
        let what = match (self.status, self.never, self.firing) {
            (Some(status), None, None) => What::Is { status, reason: self.reason, since: self.since, value: self.value },
            (None, Some(status), None) => What::Never(status),
            (None, None, Some(firing)) => What::Firing(firing),
            (None, None, None) => return Err(("the expectation does not say what", "write `status = \"ok\"`, `never` or `firing`")),
            _ => {
                return Err((
                    "`status`, `never` and `firing` are different expectations",
                    "keep one, and write another table for the other",
                ));
            }
        };
        let when = match (self.at, self.from, self.to) {
            (Some(at), None, None) => When::At(at),
            (None, from, to) => When::Within(from.unwrap_or(start), to),
            _ => return Err(("`at` is one instant, and `from` and `to` a stretch of time", "keep the one or the other")),
        };
        match (when, &what) {
            (When::Within(from, Some(to)), _) if to < from => Err(("`to` lies before `from`", "change one of them")),
            (When::Within(..), What::Firing(_)) => Err(("`firing` is expected at an instant", "write `at = \"5m\"`")),
            (When::At(_), What::Never(_)) => {
                Err(("`never` is about a stretch of time", "write `from` and `to`, or neither for all of the test"))
            }
            _ => Ok((when, what)),
        }
    }
}

fn bounds(entry: &Entry<'_>) -> Result<Bounds, RuleError> {
    let expected = "a number, or between two of them, like \"590..610\"";
    if let Some(number) = entry.number() {
        return Ok(Bounds::exactly(number));
    }
    let text: Text = entry.text(expected)?;
    let parse = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let both = text.text.split_once("..").and_then(|(low, high)| Some((parse(low)?, parse(high)?)));
    match both {
        Some((low, high)) if low <= high => Ok(Bounds { low, high }),
        _ => Err(entry.wrong(expected)),
    }
}
