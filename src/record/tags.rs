//! Tags: who and where, as sorted pairs of strings.

/// Pairs of key and value, sorted by key, each key once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// No tags.
    pub const fn new() -> Tags {
        Tags(Vec::new())
    }

    /// Sets a tag, replacing the value it had; returns that value.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) -> Option<String> {
        let (key, value) = (key.into(), value.into());
        match self.0.binary_search_by(|(known, _)| known.as_str().cmp(&key)) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// The value of a tag.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(key)).ok().map(|at| self.0[at].1.as_str())
    }

    /// The pairs, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many tags there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags whose keys are in `keys`.
    pub fn only<S: AsRef<str>>(&self, keys: &[S]) -> Tags {
        Tags(self.0.iter().filter(|(key, _)| keys.iter().any(|wanted| wanted.as_ref() == key)).cloned().collect())
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    /// Collects pairs in any order; of equal keys the last one counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Tags {
        let mut tags = Tags::new();
        for (key, value) in pairs {
            tags.set(key, value);
        }
        tags
    }
}

impl std::fmt::Display for Tags {
    /// Writes `{host=web-1,queue=linux}`, or nothing when there are none; made safe for a terminal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        for (at, (key, value)) in self.0.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            write!(f, "{before}{}={}", super::show(key.as_bytes(), 80), super::show(value.as_bytes(), 80))?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_and_unique() {
        let tags: Tags = [("queue", "linux"), ("host", "a"), ("queue", "gpu")].into_iter().collect();
        assert_eq!(tags.to_string(), "{host=a,queue=gpu}");
        assert_eq!(tags.get("queue"), Some("gpu"));
        assert_eq!(tags.only(&["host"]).to_string(), "{host=a}");
    }
}
