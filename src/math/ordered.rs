//! Values kept in order while they come and go, for the quantiles of windows that slide.
//!
//! The values lie, ascending, in chunks of at most 512. A value's chunk is found by binary search
//! over the chunks' last values, its place by binary search within; a full chunk is split in two, and
//! one that has become small is joined with its neighbour. The n-th value is found by adding up
//! the chunks' lengths, from the nearer end. With 86,400 values that are some 250 chunks.
//!
//! Always: order is that of [`f64::total_cmp`], so -0 stands before 0 and is another value than it;
//! the quantiles are those of [`quantile_sorted`](super::quantile_sorted), bit for bit; no chunk is empty.

use super::quantile::{between, rank};

/// A chunk of so many values is split before another comes in.
const MOST: usize = 512;
/// A chunk and its neighbour are joined when together they have no more than so many values.
const JOIN: usize = MOST / 2;

/// A multiset of finite values in ascending order.
#[derive(Debug, Clone, Default)]
pub struct Ordered {
    chunks: Vec<Vec<f64>>,
    len: usize,
}

impl Ordered {
    /// Nothing in it yet.
    pub fn new() -> Ordered {
        Ordered::default()
    }

    /// Puts a value in; what is not finite is left out.
    pub fn insert(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.len += 1;
        let mut at = self.chunk_of(value);
        if self.chunks.get(at).is_some_and(|chunk| chunk.len() >= MOST) {
            self.split(at);
            at = self.chunk_of(value);
        }
        match self.chunks.get_mut(at) {
            Some(chunk) => chunk.insert(place_in(chunk, value), value),
            None => self.chunks.push(vec![value]),
        }
    }

    /// Takes a value out once; tells whether it was there.
    pub fn remove(&mut self, value: f64) -> bool {
        let at = self.chunk_of(value);
        let Some(chunk) = self.chunks.get_mut(at) else { return false };
        let place = place_in(chunk, value);
        if chunk.get(place).is_none_or(|found| found.total_cmp(&value).is_ne()) {
            return false;
        }
        chunk.remove(place);
        self.len -= 1;
        if chunk.len() < JOIN / 2 {
            self.join(at);
        }
        true
    }

    /// Takes all values out.
    pub fn clear(&mut self) {
        self.chunks.clear();
        self.len = 0;
    }

    /// How many values there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value at `index`, counted from 0 at the least.
    pub fn nth(&self, index: usize) -> Option<f64> {
        self.pair_at(index).map(|(value, _)| value)
    }

    /// The least value.
    pub fn min(&self) -> Option<f64> {
        self.chunks.first()?.first().copied()
    }

    /// The greatest value.
    pub fn max(&self) -> Option<f64> {
        self.chunks.last()?.last().copied()
    }

    /// Estimates the value below which the fraction `q` lies, as [`quantile_sorted`](super::quantile_sorted) does.
    ///
    /// Returns `None` when there are no values or `q` is outside 0 to 1.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let (below, part) = rank(self.len as f64, q)?;
        let (low, next) = self.pair_at(below as usize)?;
        Some(between(low, next.unwrap_or(low), part))
    }

    /// All values, ascending.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        self.chunks.iter().flatten().copied()
    }

    /// The first chunk whose last value is not less than `value`; of a value above all, the last chunk.
    fn chunk_of(&self, value: f64) -> usize {
        let at = self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last.total_cmp(&value).is_lt()));
        at.min(self.chunks.len().saturating_sub(1))
    }

    /// Splits a chunk into two halves.
    fn split(&mut self, at: usize) {
        let Some(chunk) = self.chunks.get_mut(at) else { return };
        let mut upper = Vec::with_capacity(MOST);
        upper.extend(chunk.drain(chunk.len() / 2..));
        self.chunks.insert(at + 1, upper);
    }

    /// Joins a chunk with its neighbour when they are small together; drops it when it is empty.
    fn join(&mut self, at: usize) {
        let len = |at: usize| self.chunks.get(at).map(Vec::len);
        let lower = match (at.checked_sub(1).and_then(len), len(at), len(at + 1)) {
            (_, Some(0), _) => {
                self.chunks.remove(at);
                return;
            }
            (_, Some(own), Some(next)) if own + next <= JOIN => at,
            (Some(previous), Some(own), _) if previous + own <= JOIN => at - 1,
            _ => return,
        };
        let upper = self.chunks.remove(lower + 1);
        self.chunks[lower].extend(upper);
    }

    /// The value at `index`, and the next if there is one.
    fn pair_at(&self, index: usize) -> Option<(f64, Option<f64>)> {
        if index >= self.len {
            return None;
        }
        let (at, place) = if index < self.len / 2 { self.place_from_start(index) } else { self.place_from_end(index) }?;
        let chunk = self.chunks.get(at)?;
        let next = chunk.get(place + 1).or_else(|| self.chunks.get(at + 1)?.first());
        Some((*chunk.get(place)?, next.copied()))
    }

    /// The chunk that holds the value at `index`, and the place within it.
    fn place_from_start(&self, index: usize) -> Option<(usize, usize)> {
        let mut before = 0;
        for (at, chunk) in self.chunks.iter().enumerate() {
            if index < before + chunk.len() {
                return Some((at, index - before));
            }
            before += chunk.len();
        }
        None
    }

    /// As [`Ordered::place_from_start`], for an index in the upper half.
    fn place_from_end(&self, index: usize) -> Option<(usize, usize)> {
        let mut before = self.len;
        for (at, chunk) in self.chunks.iter().enumerate().rev() {
            before -= chunk.len();
            if index >= before {
                return Some((at, index - before));
            }
        }
        None
    }
}

/// The place of the first value in a chunk that is not less than `value`.
fn place_in(chunk: &[f64], value: f64) -> usize {
    chunk.partition_point(|other| other.total_cmp(&value).is_lt())
}

impl FromIterator<f64> for Ordered {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Ordered {
        let mut ordered = Ordered::new();
        values.into_iter().for_each(|value| ordered.insert(value));
        ordered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{quantile_sorted, sort_values};
    use proptest::prelude::*;

    /// Checks every promise against a sorted list of the same values.
    fn check(ordered: &Ordered, sorted: &[f64]) {
        let bits = |values: &mut dyn Iterator<Item = f64>| values.map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&mut ordered.iter()), bits(&mut sorted.iter().copied()));
        assert_eq!((ordered.len(), ordered.is_empty()), (sorted.len(), sorted.is_empty()));
        let same = |one: Option<f64>, other: Option<f64>| assert_eq!(one.map(f64::to_bits), other.map(f64::to_bits));
        same(ordered.min(), sorted.first().copied());
        same(ordered.max(), sorted.last().copied());
        for index in [0, 1, sorted.len() / 3, sorted.len() / 2, sorted.len().saturating_sub(1), sorted.len()] {
            same(ordered.nth(index), sorted.get(index).copied());
        }
        for q in [0.0, 0.01, 0.25, 1.0 / 3.0, 0.5, 0.95, 0.99, 0.999, 1.0, -0.1, 1.1, f64::NAN] {
            same(ordered.quantile(q), quantile_sorted(sorted, q));
        }
        assert!(ordered.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= MOST));
    }

    /// Numbers that look random, always the same.
    fn noise(count: usize) -> Vec<f64> {
        (0..count as u64).map(|at| ((at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / 1000.0).collect()
    }

    #[test]
    fn a_window_that_slides_has_the_quantiles_of_its_values() {
        let values = noise(9_000);
        for window in [1, 10, 511, 512, 513, 3_600] {
            let mut ordered = Ordered::new();
            for at in 0..values.len() {
                ordered.insert(values[at]);
                if at >= window {
                    assert!(ordered.remove(values[at - window]));
                }
                if at % 997 == 0 {
                    let mut sorted = values[(at + 1).saturating_sub(window)..=at].to_vec();
                    sort_values(&mut sorted);
                    check(&ordered, &sorted);
                }
            }
        }
    }

    #[test]
    fn values_that_rise_or_fall_or_stay_are_kept_in_order() {
        for step in [-1.0, 0.0, 1.0] {
            let mut sorted: Vec<f64> = (0..3_000).map(|at| f64::from(at) * step).collect();
            let mut ordered: Ordered = sorted.iter().copied().collect();
            sort_values(&mut sorted);
            check(&ordered, &sorted);
            while let Some(value) = sorted.pop() {
                assert!(ordered.remove(value));
                if sorted.len().is_multiple_of(301) {
                    check(&ordered, &sorted);
                }
            }
            assert_eq!(ordered.chunks.len(), 0);
        }
    }

    #[test]
    fn chunks_left_nearly_empty_are_joined() {
        let values = noise(50_000);
        let mut ordered: Ordered = values.iter().copied().collect();
        values.iter().skip(1_000).for_each(|value| assert!(ordered.remove(*value)));
        assert!(ordered.chunks.len() <= 16, "{} chunks", ordered.chunks.len());
    }

    #[test]
    fn a_quantile_may_lie_between_two_chunks() {
        let sorted: Vec<f64> = (0..1_300).map(|at| f64::from(at * at)).collect();
        let ordered: Ordered = sorted.iter().copied().collect();
        assert!(ordered.chunks.len() > 2);
        for rank in 0..1_299 {
            let q = (f64::from(rank) + 0.5) / 1_299.0;
            assert_eq!(ordered.quantile(q), quantile_sorted(&sorted, q), "{q}");
        }
    }

    #[test]
    fn the_two_zeros_are_two_values() {
        let mut ordered: Ordered = [0.0, -0.0, 1.0].into_iter().collect();
        assert_eq!(ordered.min().map(f64::to_bits), Some((-0.0f64).to_bits()));
        assert!(ordered.remove(0.0) && !ordered.remove(0.0) && ordered.remove(-0.0) && !ordered.remove(2.0));
        assert_eq!((ordered.len(), ordered.min()), (1, Some(1.0)));
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let mut ordered: Ordered = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().collect();
        assert!(ordered.is_empty() && !ordered.remove(f64::NAN) && ordered.quantile(0.5).is_none());
        ordered.insert(1.0);
        ordered.clear();
        assert!(ordered.is_empty() && ordered.nth(0).is_none());
    }

    /// A value to put in, or (with `true`) to take out if it is there.
    fn steps() -> impl Strategy<Value = Vec<(bool, f64)>> {
        let value = prop_oneof![(-300i32..300).prop_map(f64::from), -1e3..1e3f64, Just(-0.0), Just(1e300), Just(-1e300)];
        prop::collection::vec((prop::bool::weighted(0.4), value), 0..3_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn it_is_a_sorted_list(steps in steps()) {
            let mut ordered = Ordered::new();
            let mut sorted: Vec<f64> = Vec::new();
            for (out, value) in steps {
                let place = sorted.partition_point(|other| other.total_cmp(&value).is_lt());
                if out {
                    let there = sorted.get(place).is_some_and(|found| found.to_bits() == value.to_bits());
                    prop_assert_eq!(ordered.remove(value), there);
                    if there { sorted.remove(place); }
                } else {
                    ordered.insert(value);
                    sorted.insert(place, value);
                }
            }
            check(&ordered, &sorted);
        }
    }
}
