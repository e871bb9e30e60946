//! The ways that tags are written: DogStatsD's behind the value, and three inside the name.

use std::borrow::Cow;

use crate::record::Tags;
use crate::wire::DecodeError;

/// The most tags that one metric may have.
const MOST: usize = 256;

/// Which tags inside names are read. DogStatsD's, behind the value, always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameTags {
    /// None: the name is kept as it is.
    #[default]
    Kept,
    /// `name,key=value,key=value`, as Telegraf has it.
    Influx,
    /// `name#key=value,key=value`.
    Librato,
    /// `name[key=value,key=value]`, also in the middle of the name.
    SignalFx,
    /// Whichever of the three is found.
    All,
}

impl NameTags {
    /// Reads the name of a way: `dogstatsd` is none in names.
    pub fn parse(text: &str) -> Option<NameTags> {
        Some(match text {
            "dogstatsd" => NameTags::Kept,
            "influx" => NameTags::Influx,
            "librato" => NameTags::Librato,
            "signalfx" => NameTags::SignalFx,
            "all" => NameTags::All,
            _ => return None,
        })
    }

    /// Every name that [`NameTags::parse`] reads.
    pub const NAMES: [&'static str; 5] = ["dogstatsd", "influx", "librato", "signalfx", "all"];
}

/// Takes the tags out of a name. What is no `key=value` is left out.
pub(super) fn from_name(name: &str, names: NameTags) -> Result<(Cow<'_, str>, Tags), DecodeError> {
    let found = match names {
        NameTags::Kept => None,
        NameTags::Influx => cut(name, &[',']),
        NameTags::Librato => cut(name, &['#']),
        NameTags::SignalFx => brackets(name),
        // A bracket without its other half is part of the name, and so is all else then.
        NameTags::All if name.contains(['[', ']']) => brackets(name),
        NameTags::All => cut(name, &[',', '#']),
    };
    let Some((name, list)) = found else { return Ok((Cow::Borrowed(name), Tags::new())) };
    let mut tags = Tags::new();
    for pair in list.split(',') {
        if let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) {
            set(&mut tags, key, value)?;
        }
    }
    Ok((name, tags))
}

fn cut<'a>(name: &'a str, at: &[char]) -> Option<(Cow<'a, str>, &'a str)> {
    let start = name.find(at)?;
    Some((Cow::Borrowed(&name[..start]), &name[start + 1..]))
}

fn brackets(name: &str) -> Option<(Cow<'_, str>, &str)> {
    let (before, rest) = name.split_once('[')?;
    let (list, after) = rest.split_once(']')?;
    Some((if after.is_empty() { Cow::Borrowed(before) } else { Cow::Owned(format!("{before}{after}")) }, list))
}

/// Adds DogStatsD's tags, `key:value,flag`. A `#` in front of a key, as some clients write, is left out.
pub(super) fn add_dog(tags: &mut Tags, list: &[u8]) -> Result<(), DecodeError> {
    let list = std::str::from_utf8(list).map_err(|_| DecodeError::at(0, "a tag is not UTF-8"))?;
    for tag in list.split(',') {
        let tag = tag.strip_prefix('#').unwrap_or(tag);
        let (key, value) = tag.split_once(':').unwrap_or((tag, "true"));
        if !key.is_empty() {
            set(tags, key, value)?;
        }
    }
    Ok(())
}

fn set(tags: &mut Tags, key: &str, value: &str) -> Result<(), DecodeError> {
    tags.set(key, value);
    if tags.len() > MOST { Err(DecodeError::at(0, "more than 256 tags")) } else { Ok(()) }
}
