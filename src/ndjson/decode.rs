//! Any record from its line, owned; with the place of every mistake.

use std::borrow::Cow;

use super::LineError;
use super::json::{Cursor, Scalar};
use super::number;
use crate::record::{
    Beat, Event, Json, Kind, Notice, Percentile, Record, Sample, SampleType, Series, SketchBins, Stats, Status, Tags, Value, Verdict,
    Window, check_name, show,
};
use crate::time::{Span, Timestamp};

/// How many keys a record may have.
const KEYS: usize = 256;

/// Reads one line, without its newline, as a record.
///
/// # Errors
/// [`LineError`] when the line is no JSON object, has no `ts`, or a field has the wrong form.
pub fn decode(line: &[u8]) -> Result<Record, LineError> {
    decode_at(line, None)
}

/// Reads one line as [`decode`] does; a record without `ts` gets `arrival`, if there is one.
///
/// # Errors
/// As [`decode`].
pub fn decode_at(line: &[u8], arrival: Option<Timestamp>) -> Result<Record, LineError> {
    let text = std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        let found = show(&line[at..line.len().min(at + 1)], 4);
        LineError::new("not UTF-8", at + 1, format!("not UTF-8: a byte that begins no character, found {found}"))
    })?;
    let fields = Fields::read(text)?;
    let ts = fields.ts(arrival)?;
    Ok(match fields.kind()? {
        Kind::Sample => Record::Sample(sample(&fields, ts)?),
        Kind::Window => Record::Window(window(&fields, ts)?),
        Kind::Event => Record::Event(event(&fields, ts)?),
        Kind::Beat => Record::Beat(beat(&fields, ts)?),
        Kind::Verdict => Record::Verdict(verdict(&fields, ts)?),
        Kind::Notice => Record::Notice(notice(&fields, ts)?),
    })
}

/// The keys of a record and their values, in the line's order.
struct Fields<'a>(Vec<Field<'a>>);

struct Field<'a> {
    key: Cow<'a, str>,
    column: usize,
    value: Scalar<'a>,
}

impl<'a> Fields<'a> {
    fn read(text: &'a str) -> Result<Fields<'a>, LineError> {
        let mut cursor = Cursor::new(text, 0);
        if !cursor.take(b'{') {
            return cursor.expected("a record, which begins with `{`");
        }
        let mut fields: Vec<Field<'a>> = Vec::with_capacity(8);
        if !cursor.take(b'}') {
            loop {
                let key = cursor.key()?;
                cursor.skip_space();
                let column = cursor.column();
                let value = cursor.value()?;
                if fields.iter().any(|field| field.key == key) {
                    let message = format!("the key `{}` comes twice", show(key.as_bytes(), 40));
                    return Err(LineError::new("a key twice", column, message));
                }
                if fields.len() == KEYS {
                    return Err(LineError::new("too many keys", column, format!("a record may have {KEYS} keys at most")));
                }
                fields.push(Field { key, column, value });
                if cursor.take(b',') {
                    continue;
                }
                if cursor.take(b'}') {
                    break;
                }
                return cursor.expected("`,` or `}`");
            }
        }
        cursor.skip_space();
        if !cursor.at_end() {
            return cursor.expected("the line's end after the record");
        }
        Ok(Fields(fields))
    }

    fn get(&self, key: &str) -> Option<&Field<'a>> {
        self.0.iter().find(|field| field.key == key)
    }

    fn ts(&self, arrival: Option<Timestamp>) -> Result<Timestamp, LineError> {
        let Some(field) = self.get("ts") else {
            let message = "a record must have a `ts`, the time it speaks of";
            return arrival.ok_or_else(|| LineError::new("no `ts`", 1, message));
        };
        field.timestamp()
    }

    /// Which kind the naming key tells.
    fn kind(&self) -> Result<Kind, LineError> {
        let has = |key: &str| self.get(key).is_some();
        // A notice also names its check; every other pair of names is a mistake.
        let names: Vec<&str> = ["notice", "check", "metric", "event", "beat"].into_iter().filter(|key| has(key)).collect();
        match names.as_slice() {
            ["notice"] | ["notice", "check"] => Ok(Kind::Notice),
            ["check"] => Ok(Kind::Verdict),
            ["event"] => Ok(Kind::Event),
            ["beat"] => Ok(Kind::Beat),
            ["metric"] if has("window") => Ok(Kind::Window),
            ["metric"] if has("value") => Ok(Kind::Sample),
            ["metric"] => Err(LineError::new("no `value`", 1, "a record with `metric` must have a `value` or a `window`")),
            [first, second, ..] => Err(LineError::new("two names", 1, format!("a record has one name, found `{first}` and `{second}`"))),
            _ => {
                let message = "a record is named by `metric`, `event`, `beat`, `check` or `notice`; found none of them";
                Err(LineError::new("no name", 1, message))
            }
        }
    }

    /// The name of the record, checked.
    fn name(&self, key: &'static str) -> Result<String, LineError> {
        let Some(field) = self.get(key) else { return Err(LineError::new("no name", 1, format!("`{key}` is missing"))) };
        let name = field.text()?;
        check_name(name).map_err(|why| LineError::new("bad name", field.column, format!("`{key}` {why}")))?;
        Ok(name.to_owned())
    }

    fn text(&self, key: &str) -> Result<Option<String>, LineError> {
        self.present(key).map(|field| field.text().map(str::to_owned)).transpose()
    }

    fn number(&self, key: &str) -> Result<Option<f64>, LineError> {
        self.present(key).map(Field::number).transpose()
    }

    /// A field that is there and not `null`.
    fn present(&self, key: &str) -> Option<&Field<'a>> {
        self.get(key).filter(|field| field.value != Scalar::Null)
    }

    fn tags(&self) -> Result<Tags, LineError> {
        let Some(field) = self.present("tags") else { return Ok(Tags::new()) };
        let Scalar::Object(text) = field.value else { return field.wrong("an object of strings") };
        let mut cursor = Cursor::new(text, field.column - 1);
        let mut tags = Tags::new();
        cursor.take(b'{');
        if cursor.take(b'}') {
            return Ok(tags);
        }
        loop {
            let key = cursor.key()?;
            cursor.skip_space();
            let column = cursor.column();
            let value = match cursor.value()? {
                Scalar::Text(text) => text.into_owned(),
                Scalar::Number(text) => text.to_owned(),
                Scalar::Bool(value) => value.to_string(),
                other => {
                    let message = format!("the tag `{}` must be a string, found {}", show(key.as_bytes(), 40), other.found());
                    return Err(LineError::new("bad tag", column, message));
                }
            };
            if tags.set(key.as_ref(), value).is_some() {
                let message = format!("the tag `{}` comes twice", show(key.as_bytes(), 40));
                return Err(LineError::new("bad tag", column, message));
            }
            if !cursor.take(b',') {
                return Ok(tags);
            }
        }
    }
}

impl Field<'_> {
    fn wrong<T>(&self, expected: &str) -> Result<T, LineError> {
        let key = show(self.key.as_bytes(), 40);
        Err(LineError::new("wrong type", self.column, format!("`{key}` must be {expected}, found {}", self.value.found())))
    }

    fn text(&self) -> Result<&str, LineError> {
        match &self.value {
            Scalar::Text(text) => Ok(text),
            _ => self.wrong("a string"),
        }
    }

    fn number(&self) -> Result<f64, LineError> {
        match self.value {
            Scalar::Number(text) => number::parse(text, &show(self.key.as_bytes(), 40), self.column),
            _ => self.wrong("a number"),
        }
    }

    fn timestamp(&self) -> Result<Timestamp, LineError> {
        let parsed = match &self.value {
            Scalar::Text(text) => Timestamp::parse(text),
            Scalar::Number(text) => Timestamp::from_epoch_text(text),
            _ => return self.wrong("a time, like \"2026-11-22T19:45:03Z\" or an epoch number"),
        };
        parsed.map_err(|error| LineError::new("bad time", self.column, format!("`{}`: {error}", self.key)))
    }
}

fn sample(fields: &Fields<'_>, ts: Timestamp) -> Result<Sample, LineError> {
    let metric = fields.name("metric")?;
    let kind = sample_type(fields)?;
    let Some(field) = fields.get("value") else { return Err(LineError::new("no `value`", 1, "`value` is missing")) };
    let value = match (&field.value, kind) {
        (Scalar::Text(text), SampleType::Set) => Value::Member(text.clone().into_owned()),
        (Scalar::Number(text), SampleType::Set) => Value::Member((*text).to_owned()),
        (Scalar::Text(_), _) => return field.wrong("a number (a string only with \"type\":\"set\")"),
        _ => Value::Number(field.number()?),
    };
    let weight = match fields.present("weight") {
        None => 1.0,
        Some(field) => match field.number()? {
            weight if weight > 0.0 => weight,
            _ => return field.wrong("a number above 0"),
        },
    };
    let series = Series { metric, kind, unit: fields.text("unit")?, tags: fields.tags()? };
    Ok(Sample { ts, series, value, weight })
}

fn sample_type(fields: &Fields<'_>) -> Result<SampleType, LineError> {
    let Some(field) = fields.present("type") else { return Ok(SampleType::Gauge) };
    match SampleType::parse(field.text()?) {
        Some(kind) => Ok(kind),
        None => field.wrong("gauge, counter, delta or set"),
    }
}

fn window(fields: &Fields<'_>, ts: Timestamp) -> Result<Window, LineError> {
    let metric = fields.name("metric")?;
    let Some(length) = fields.get("window") else { return Err(LineError::new("no `window`", 1, "`window` is missing")) };
    let span = Span::parse(length.text()?).map_err(|error| LineError::new("bad duration", length.column, format!("`window`: {error}")))?;
    let mut quantiles = Vec::new();
    for field in &fields.0 {
        if let Some(percentile) = field.key.strip_prefix('p').and_then(Percentile::parse)
            && field.value != Scalar::Null
        {
            quantiles.push((percentile, field.number()?));
        }
    }
    quantiles.sort_by_key(|(percentile, _)| *percentile);
    let stats = Stats {
        count: fields.number("count")?,
        sum: fields.number("sum")?,
        min: fields.number("min")?,
        max: fields.number("max")?,
        mean: fields.number("mean")?,
        first: fields.number("first")?,
        last: fields.number("last")?,
        stddev: fields.number("stddev")?,
        rate: fields.number("rate")?,
        distinct: fields.number("distinct")?,
        quantiles,
    };
    let sketch = fields.present("sketch").map(sketch).transpose()?;
    Ok(Window { ts, metric, window: span, stats, error: fields.number("error")?, sketch, unit: fields.text("unit")?, tags: fields.tags()? })
}

/// Reads `{"gamma":1.02,"zero":0,"bins":[[index,count],…],"negative":[[index,count],…]}`.
fn sketch(field: &Field<'_>) -> Result<SketchBins, LineError> {
    let Scalar::Object(text) = field.value else { return field.wrong("an object") };
    let bad = |why: &str| LineError::new("bad sketch", field.column, format!("`sketch` {why}"));
    let mut sketch = SketchBins::default();
    let mut cursor = Cursor::new(text, field.column - 1);
    cursor.take(b'{');
    while !cursor.take(b'}') {
        let key = cursor.key()?;
        match (key.as_ref(), cursor.value()?) {
            ("gamma", Scalar::Number(text)) => sketch.gamma = number::parse(text, "gamma", field.column)?,
            ("zero", Scalar::Number(text)) => sketch.zero = number::parse(text, "zero", field.column)?,
            ("bins", Scalar::Array(text)) => sketch.bins = bins(text, field.column)?,
            ("negative", Scalar::Array(text)) => sketch.negative = bins(text, field.column)?,
            ("gamma" | "zero" | "bins" | "negative", other) => {
                return Err(bad(&format!("has a wrong `{key}`, found {}", other.found())));
            }
            _ => {}
        }
        cursor.take(b',');
    }
    if sketch.gamma.is_nan() || sketch.gamma <= 1.0 {
        return Err(bad("must have a `gamma` above 1"));
    }
    if sketch.zero < 0.0 {
        return Err(bad("must have a `zero` of at least 0"));
    }
    Ok(sketch)
}

/// Reads `[[index,count],…]`; indices ascend, counts are above zero.
fn bins(text: &str, column: usize) -> Result<Vec<(i32, f64)>, LineError> {
    let bad = || LineError::new("bad sketch", column, "the bins of a `sketch` must be [index,count] pairs, ascending, with counts above 0");
    let pairs: Vec<(i32, f64)> = serde_json::from_str(text).map_err(|_| bad())?;
    let ascending = pairs.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let counted = pairs.iter().all(|(_, count)| *count > 0.0 && count.is_finite());
    if ascending && counted { Ok(pairs) } else { Err(bad()) }
}

fn event(fields: &Fields<'_>, ts: Timestamp) -> Result<Event, LineError> {
    Ok(Event { ts, event: fields.name("event")?, text: fields.text("text")?, link: fields.text("link")?, tags: fields.tags()? })
}

fn beat(fields: &Fields<'_>, ts: Timestamp) -> Result<Beat, LineError> {
    let exit = match fields.present("exit") {
        None => None,
        Some(field) => match field.number()? {
            exit if exit.fract() == 0.0 && exit.abs() < 1e15 => Some(exit as i64),
            _ => return field.wrong("a whole number"),
        },
    };
    Ok(Beat {
        ts,
        beat: fields.name("beat")?,
        state: fields.text("state")?,
        duration: fields.number("duration")?,
        exit,
        run: fields.text("run")?,
        message: fields.text("message")?,
        tags: fields.tags()?,
    })
}

fn verdict(fields: &Fields<'_>, ts: Timestamp) -> Result<Verdict, LineError> {
    let Some(field) = fields.get("status") else {
        return Err(LineError::new("no `status`", 1, "a record with `check` must have a `status`: ok, warning, critical or unknown"));
    };
    let Some(status) = Status::parse(field.text()?) else { return field.wrong("ok, warning, critical or unknown") };
    let evidence = fields.present("evidence").map(|field| match &field.value {
        Scalar::Array(text) => Ok(Json::checked((*text).to_owned())),
        _ => field.wrong("an array"),
    });
    Ok(Verdict {
        ts,
        check: fields.name("check")?,
        status,
        since: fields.present("since").map(Field::timestamp).transpose()?,
        value: fields.number("value")?,
        unit: fields.text("unit")?,
        reason: fields.text("reason")?,
        evidence: evidence.transpose()?,
        playbook: fields.text("playbook")?,
        tags: fields.tags()?,
    })
}

fn notice(fields: &Fields<'_>, ts: Timestamp) -> Result<Notice, LineError> {
    Ok(Notice {
        ts,
        notice: fields.name("notice")?,
        incident: fields.text("incident")?,
        check: fields.text("check")?,
        who: fields.text("who")?,
        via: fields.text("via")?,
        state: fields.text("state")?,
        reason: fields.text("reason")?,
        tags: fields.tags()?,
    })
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
