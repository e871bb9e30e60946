//! One value of a file, and what it must be: each asking for one sort, with the mistake told at its place.

use toml::de::{DeTable, DeValue};

use super::text::Text;
use super::{Mistake, Place};
use crate::record::{check_name, nearest, show};
use crate::time::Span;

/// A key and its value, and where they stand in the file.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The whole text of the file.
    pub(crate) file: &'a str,
    pub(crate) key: &'a str,
    pub(crate) key_place: Place,
    pub(crate) value: &'a DeValue<'a>,
    pub(crate) place: Place,
}

/// The entries of a table in the order of the file.
pub(crate) fn entries<'a>(file: &'a str, table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let entry = |(key, value): (&'a toml::Spanned<toml::de::DeString<'a>>, &'a toml::Spanned<DeValue<'a>>)| Entry {
        file,
        key: key.get_ref(),
        key_place: (key.span().start, key.span().end),
        value: value.get_ref(),
        place: (value.span().start, value.span().end),
    };
    let mut entries: Vec<Entry<'a>> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| (entry.key_place, entry.place));
    entries
}

/// A key that is not among the known ones, with the nearest of those.
pub(crate) fn unknown(entry: &Entry<'_>, of: &str, known: &[&str]) -> Mistake {
    let error = Mistake::new(format!("unknown key `{}`", show(entry.key.as_bytes(), 40)), entry.key_place);
    match nearest(entry.key, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("the keys of {of} are {}", known.join(", "))),
    }
}

impl<'a> Entry<'a> {
    /// A mistake of this value: `` `by` must be …, found … ``.
    pub(crate) fn wrong(&self, expected: &str) -> Mistake {
        Mistake::new(format!("`{}` must be {expected}, found {}", self.name(), self.found()), self.place)
    }

    /// A mistake at this value.
    pub(crate) fn error(&self, message: impl Into<String>) -> Mistake {
        Mistake::new(message, self.place)
    }

    /// The key for a message.
    pub(crate) fn name(&self) -> String {
        show(self.key.as_bytes(), 40)
    }

    /// What was found, for a message.
    fn found(&self) -> String {
        match self.value {
            DeValue::String(text) if text.is_empty() => "an empty text".into(),
            DeValue::String(text) => format!("\"{}\"", show(text.as_bytes(), 40)),
            DeValue::Integer(number) => format!("the number {}", show(number.as_str().as_bytes(), 40)),
            DeValue::Float(number) => format!("the number {}", show(number.as_str().as_bytes(), 40)),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".into(),
            DeValue::Array(list) if list.is_empty() => "an empty list".into(),
            DeValue::Array(_) => "a list".into(),
            DeValue::Table(_) => "a table".into(),
        }
    }

    /// A text that says something.
    pub(crate) fn text(&self, expected: &str) -> Result<Text, Mistake> {
        match self.value {
            DeValue::String(text) if !text.trim().is_empty() => Ok(Text::new(self.file, self.place, text)),
            _ => Err(self.wrong(expected)),
        }
    }

    /// A number, without a fraction or with.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.value {
            // What is beyond 64 bits is rounded, as in a record.
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number as f64),
            DeValue::Float(number) => number.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    pub(crate) fn bool(&self) -> Result<bool, Mistake> {
        match self.value {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.wrong("true or false, without quotes")),
        }
    }

    pub(crate) fn table(&self, expected: &str) -> Result<Vec<Entry<'a>>, Mistake> {
        match self.value {
            DeValue::Table(table) => Ok(entries(self.file, table)),
            _ => Err(self.wrong(expected)),
        }
    }

    /// A length of time, like `"10m"`.
    pub(crate) fn span(&self) -> Result<Span, Mistake> {
        if self.number().is_some() {
            let hint = format!("write `{} = \"{}s\"`, or with another of ms, s, m, h, d and w", self.name(), self.raw());
            return Err(self.wrong("a duration in quotes, like \"10m\"").hint(hint));
        }
        let text = self.text("a duration, like \"10m\"")?;
        span_of(&text, (0, text.text.len()))
    }

    fn raw(&self) -> String {
        show(self.file.get(self.place.0..self.place.1).unwrap_or_default().as_bytes(), 40)
    }

    /// Names, in a list or one by itself; each once, in the order of the file.
    pub(crate) fn names(&self, expected: &str) -> Result<Vec<String>, Vec<Mistake>> {
        let items = match self.value {
            DeValue::String(_) => vec![*self],
            DeValue::Array(list) if !list.is_empty() => {
                list.iter().map(|item| Entry { value: item.get_ref(), place: (item.span().start, item.span().end), ..*self }).collect()
            }
            _ => return Err(vec![self.wrong(expected)]),
        };
        let (mut names, mut errors) = (Vec::new(), Vec::new());
        for item in items {
            let DeValue::String(name) = item.value else {
                errors.push(item.wrong(expected));
                continue;
            };
            if let Err(why) = check_name(name) {
                errors.push(item.error(format!("a name in `{}` {why}", self.name())));
            } else if names.iter().any(|known| known == name) {
                errors.push(item.error(format!("`{}` comes twice in `{}`", show(name.as_bytes(), 40), self.name())));
            } else {
                names.push(name.to_string());
            }
        }
        if errors.is_empty() { Ok(names) } else { Err(errors) }
    }
}

/// The duration in a stretch of a text.
pub(crate) fn span_of(text: &Text, (start, end): Place) -> Result<Span, Mistake> {
    Span::parse(&text.text[start..end]).map_err(|error| Mistake::new(error.to_string(), text.place((start, end))))
}

/// A mistake in a text as one in its file.
pub(crate) fn moved(text: &Text, error: Mistake) -> Mistake {
    let (start, end) = text.place((error.start, error.end));
    Mistake { start, end, ..error }
}
