//! Made activity: records that a generator caused to see whether a system works, and what becomes of them.
//!
//! They carry the tag [`SYNTHETIC`] with the value `true` or `1`. Whoever counts builds, orders or requests
//! means those of people, so tools that sum up keep made records apart unless they are asked for.

use super::{Tags, nearest, show};

/// The tag of records that made activity caused.
pub const SYNTHETIC: &str = "synthetic";

/// What becomes of made records where others are summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Synthetic {
    /// They are summed up by themselves, and only where they are asked for by their tag.
    #[default]
    Apart,
    /// They count as any others.
    Include,
    /// Nothing else counts.
    Only,
    /// They are left out, whoever asks.
    Exclude,
}

impl Synthetic {
    /// The choices as options and rule files write them.
    pub const NAMES: [&'static str; 4] = ["apart", "include", "only", "exclude"];

    /// Reads a choice.
    ///
    /// # Errors
    /// The words to say what was found and which choices there are.
    pub fn parse(text: &str) -> Result<Synthetic, String> {
        let all = [Synthetic::Apart, Synthetic::Include, Synthetic::Only, Synthetic::Exclude];
        all.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
            let near = nearest(text, Synthetic::NAMES).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            format!("expected {}, found `{}`{near}", Synthetic::NAMES.join(", "), show(text.as_bytes(), 40))
        })
    }

    /// The choice as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Synthetic::Apart => "apart",
            Synthetic::Include => "include",
            Synthetic::Only => "only",
            Synthetic::Exclude => "exclude",
        }
    }

    /// Whether records count at all, made ones or others.
    pub const fn takes(self, made: bool) -> bool {
        match self {
            Synthetic::Apart | Synthetic::Include => true,
            Synthetic::Only => made,
            Synthetic::Exclude => !made,
        }
    }
}

impl Tags {
    /// Whether they are of a record that made activity caused.
    pub fn is_synthetic(&self) -> bool {
        matches!(self.get(SYNTHETIC), Some("true" | "1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_so_is_made() {
        for (value, made) in [("true", true), ("1", true), ("false", false), ("0", false), ("cotton", false), ("", false)] {
            let tags: Tags = [("synthetic", value)].into_iter().collect();
            assert_eq!(tags.is_synthetic(), made, "{value}");
        }
        assert!(!Tags::new().is_synthetic());
    }

    #[test]
    fn every_choice_is_read_as_it_is_written() {
        for name in Synthetic::NAMES {
            assert_eq!(Synthetic::parse(name).map(Synthetic::name), Ok(name));
        }
        assert_eq!(
            Synthetic::parse("exlude"),
            Err("expected apart, include, only, exclude, found `exlude`; did you mean `exclude`?".into())
        );
    }
}
