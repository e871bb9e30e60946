//! How many different members there are, in bounded memory.
//!
//! Keeps the [`KEPT`] smallest hashes. Up to so many members the count is exact (but for equal
//! 64-bit hashes); beyond, it is estimated from how small the largest kept hash is, with a
//! relative standard error of 1 / sqrt(KEPT - 2), about 0.8 %. Any order and any split of the
//! members gives the same set of hashes.
//!
//! Source: Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan (2002), Counting Distinct Elements in a
//! Data Stream; Beyer, Haas, Reinwald, Sismanis, Gemulla (2007), section 3, for the estimator.

use std::collections::BTreeSet;
use std::hash::Hasher;

/// How many hashes are kept.
const KEPT: usize = 1 << 14;

/// A set of which only the size is wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Distinct(BTreeSet<u64>);

impl Distinct {
    /// Adds a member by its hash.
    pub(super) fn add(&mut self, hash: u64) {
        if self.0.len() >= KEPT {
            match self.0.last() {
                Some(largest) if hash >= *largest => return,
                _ => {}
            }
        }
        if self.0.insert(hash) && self.0.len() > KEPT {
            self.0.pop_last();
        }
    }

    /// Adds every member of another set.
    pub(super) fn merge(&mut self, other: &Distinct) {
        for hash in &other.0 {
            self.add(*hash);
        }
    }

    /// How many members there are, or about how many.
    pub(super) fn count(&self) -> f64 {
        match self.0.last() {
            Some(largest) if self.0.len() >= KEPT => {
                let share = (*largest as f64 + 1.0) / 2f64.powi(64);
                ((KEPT - 1) as f64 / share).round()
            }
            _ => self.0.len() as f64,
        }
    }
}

/// The hash of a member; the same in every run of one build.
pub(super) fn hash(member: &[u8]) -> u64 {
    // SipHash with fixed keys: well mixed, as the estimator needs, and the same each time.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(member);
    hasher.finish()
}

/// The hash of a number.
pub(super) fn hash_number(value: f64) -> u64 {
    hash(&(value + 0.0).to_bits().to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sets_are_counted_and_large_ones_estimated() {
        let mut set = Distinct::default();
        for n in 0..10_000u64 {
            set.add(hash(&(n % 1000).to_le_bytes()));
        }
        assert_eq!(set.count(), 1000.0);
        for n in 0..300_000u64 {
            set.add(hash(&n.to_le_bytes()));
        }
        assert!((set.count() / 300_000.0 - 1.0).abs() < 0.03, "{}", set.count());
    }

    #[test]
    fn a_merge_equals_the_whole() {
        let (mut whole, mut left, mut right) = (Distinct::default(), Distinct::default(), Distinct::default());
        for n in 0..40_000u64 {
            let hash = hash(&n.to_le_bytes());
            whole.add(hash);
            if n % 3 == 0 { left.add(hash) } else { right.add(hash) }
        }
        left.merge(&right);
        assert_eq!(left.0, whole.0);
    }
}
