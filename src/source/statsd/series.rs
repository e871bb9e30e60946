//! From the bytes of a metric to its place in a table, without allocation where it is known.
//!
//! A metric is found by its name, type and tags as they came. Only bytes that are new are read into a
//! series; those of a series that is known under other bytes (the tags in another order) get its place.
//!
//! Always bounded: at most so many series, twice as many spellings, and 512 bytes of text for each.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::record::Series;
use crate::wire::DecodeError;
use crate::wire::statsd::{Kind, Metric, NameTags};

/// The text that a series may take on average, in bytes.
const TEXT_BYTES: usize = 512;

/// Series with a `T` for each.
pub(super) struct Known<T> {
    hasher: DefaultHashBuilder,
    spellings: HashTable<Spelling>,
    places: HashTable<u32>,
    series: Vec<(Kind, Series)>,
    data: Vec<T>,
    most: usize,
    text_bytes: usize,
}

/// The bytes by which a series was named. With a short text it is one line of the processor's cache, so
/// that finding a series among many thousands costs one wait for memory and not two.
struct Spelling {
    /// The name and behind it the tags.
    text: Text,
    name_bytes: u32,
    place: u32,
    kind: Kind,
}

/// Bytes, kept in place where they are few.
enum Text {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

/// The most bytes that are kept in place.
const SHORT: usize = 46;

const _: () = assert!(size_of::<Spelling>() == 64);

impl Text {
    /// The two parts behind one another.
    fn of(name: &[u8], tags: &[u8]) -> Text {
        let long = [name, tags].concat();
        match u8::try_from(long.len()) {
            Ok(bytes) if long.len() <= SHORT => {
                let mut short = [0; SHORT];
                short[..long.len()].copy_from_slice(&long);
                Text::Short(bytes, short)
            }
            _ => Text::Long(long.into_boxed_slice()),
        }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Text::Short(bytes, short) => short.get(..usize::from(*bytes)).unwrap_or(short),
            Text::Long(long) => long,
        }
    }
}

/// Where a metric belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At this place.
    At(u32),
    /// Nowhere: there is no room for a further series.
    Full,
}

impl<T> Known<T> {
    /// An empty table for at most so many series.
    pub(super) fn new(most: usize) -> Known<T> {
        Known {
            hasher: DefaultHashBuilder::default(),
            spellings: HashTable::new(),
            places: HashTable::new(),
            series: Vec::new(),
            data: Vec::new(),
            most,
            text_bytes: 0,
        }
    }

    /// Finds the place of a metric, making one with `new` where the series is new.
    #[inline]
    pub(super) fn find(&mut self, metric: &Metric<'_>, names: NameTags, new: impl FnOnce(Kind) -> T) -> Result<Place, DecodeError> {
        let hash = hash_of(&self.hasher, metric.kind, metric.name, metric.tags);
        match self.spellings.find(hash, |known| known.is(metric)) {
            Some(known) => Ok(Place::At(known.place)),
            None => self.learn(hash, metric, names, new),
        }
    }

    #[cold]
    fn learn(&mut self, hash: u64, metric: &Metric<'_>, names: NameTags, new: impl FnOnce(Kind) -> T) -> Result<Place, DecodeError> {
        let full = self.data.len() >= self.most || self.text_bytes >= self.most.saturating_mul(TEXT_BYTES);
        // Where the table is full, only what may be a known series in another spelling is worth reading.
        if full && names == NameTags::Kept && !metric.tags.contains(&b',') {
            return Ok(Place::Full);
        }
        let series = metric.series(names)?;
        let place = match self.place_of(metric.kind, &series) {
            Some(place) => place,
            None if full => return Ok(Place::Full),
            None => self.add(metric.kind, series, new(metric.kind)),
        };
        if self.spellings.len() < self.most.saturating_mul(2) {
            let hasher = &self.hasher;
            let spelling =
                Spelling { text: Text::of(metric.name, metric.tags), name_bytes: metric.name.len() as u32, kind: metric.kind, place };
            self.text_bytes += spelling.text.bytes().len();
            self.spellings.insert_unique(hash, spelling, |known| known.hash(hasher));
        }
        Ok(Place::At(place))
    }

    fn place_of(&self, kind: Kind, series: &Series) -> Option<u32> {
        let is = |place: &u32| self.series[*place as usize].0 == kind && self.series[*place as usize].1 == *series;
        self.places.find(self.hasher.hash_one((kind, series)), is).copied()
    }

    /// Adds a series that is not there, beyond the bound too.
    pub(super) fn add(&mut self, kind: Kind, series: Series, data: T) -> u32 {
        let place = self.data.len() as u32;
        let hash = self.hasher.hash_one((kind, &series));
        self.series.push((kind, series));
        self.data.push(data);
        let (hasher, all) = (&self.hasher, &self.series);
        self.places.insert_unique(hash, place, |place| hasher.hash_one((all[*place as usize].0, &all[*place as usize].1)));
        place
    }

    /// The place of a series that is none of a metric's spelling, making it where it is new.
    pub(super) fn find_series(&mut self, kind: Kind, series: Series, new: impl FnOnce(Kind) -> T) -> u32 {
        self.place_of(kind, &series).unwrap_or_else(|| self.add(kind, series, new(kind)))
    }

    /// What is kept at a place.
    #[inline]
    pub(super) fn at(&mut self, place: u32) -> Option<&mut T> {
        self.data.get_mut(place as usize)
    }

    /// The series of a place, and what is kept there.
    pub(super) fn both(&mut self, place: u32) -> Option<(&mut Series, &mut T)> {
        Some((&mut self.series.get_mut(place as usize)?.1, self.data.get_mut(place as usize)?))
    }

    /// Every series with its type and what is kept, ascending by series.
    pub(super) fn sorted(&mut self) -> impl Iterator<Item = (Kind, &Series, &mut T)> {
        let mut all: Vec<_> = self.series.iter().zip(&mut self.data).map(|((kind, series), data)| (*kind, series, data)).collect();
        all.sort_by(|a, b| a.1.cmp(b.1));
        all.into_iter()
    }

    /// How many series there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Forgets the series of which `keep` says so.
    pub(super) fn retain(&mut self, keep: impl FnMut(&mut T) -> bool) {
        let kept: Vec<bool> = self.data.iter_mut().map(keep).collect();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let mut next = 0u32;
        let mut place = || {
            next += 1;
            next - 1
        };
        let places: Vec<Option<u32>> = kept.iter().map(|kept| kept.then(&mut place)).collect();
        let mut flags = kept.iter().copied();
        self.data.retain(|_| flags.next().unwrap_or(true));
        let mut flags = kept.iter().copied();
        self.series.retain(|_| flags.next().unwrap_or(true));
        self.spellings.retain(|known| match places[known.place as usize] {
            Some(place) => {
                known.place = place;
                true
            }
            None => false,
        });
        self.text_bytes = self.spellings.iter().map(|known| known.text.bytes().len()).sum();
        self.places.clear();
        let (hasher, all) = (&self.hasher, &self.series);
        let hash = |place: &u32| hasher.hash_one((all[*place as usize].0, &all[*place as usize].1));
        for place in 0..next {
            self.places.insert_unique(hash(&place), place, hash);
        }
    }
}

impl Spelling {
    #[inline]
    fn is(&self, metric: &Metric<'_>) -> bool {
        let text = self.text.bytes();
        let same = self.kind == metric.kind && self.name_bytes as usize == metric.name.len();
        same && text.len() == metric.name.len() + metric.tags.len() && text.starts_with(metric.name) && text.ends_with(metric.tags)
    }

    fn hash(&self, hasher: &DefaultHashBuilder) -> u64 {
        let (name, tags) = self.text.bytes().split_at(self.name_bytes as usize);
        hash_of(hasher, self.kind, name, tags)
    }
}

#[inline]
fn hash_of(hasher: &DefaultHashBuilder, kind: Kind, name: &[u8], tags: &[u8]) -> u64 {
    let mut state = hasher.build_hasher();
    state.write(name);
    if !tags.is_empty() {
        state.write(tags);
    }
    state.write_u8(kind as u8);
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(known: &mut Known<u8>, line: &str) -> Place {
        known.find(&Metric::scan(line.as_bytes()).unwrap(), NameTags::Kept, |_| 0).unwrap()
    }

    #[test]
    fn a_series_has_one_place_however_it_is_spelt() {
        let mut known = Known::new(10);
        let first = place(&mut known, "a:1|c|#x:1,y:2");
        assert_eq!(place(&mut known, "a:2|c|@0.1|#y:2,x:1|c:id"), first);
        assert_eq!(place(&mut known, "a:2|c|#y:2,x:1"), first);
        for other in ["a:1|g|#x:1,y:2", "a:1|h|#x:1,y:2", "a:1|c|#x:1", "ax:1|c|#:1,y:2"] {
            assert_ne!(place(&mut known, other), first, "{other}");
        }
        assert_eq!(known.len(), 5);
    }

    #[test]
    fn short_and_long_texts_are_told_apart() {
        let mut known = Known::new(1000);
        let lines: Vec<String> =
            (40..52).flat_map(|bytes| [format!("{}:1|c", "n".repeat(bytes)), format!("{}:1|c|#abc", "n".repeat(bytes))]).collect();
        let places: Vec<Place> = lines.iter().map(|line| place(&mut known, line)).collect();
        assert_eq!(known.len(), lines.len());
        assert_eq!(lines.iter().map(|line| place(&mut known, line)).collect::<Vec<_>>(), places);
        assert_ne!(
            place(&mut known, &format!("{}:1|c|#{}", "n".repeat(40), "n".repeat(3))),
            place(&mut known, &format!("{}:1|c", "n".repeat(43)))
        );
    }

    #[test]
    fn a_full_table_knows_what_it_knows() {
        let mut known = Known::new(2);
        let (a, b) = (place(&mut known, "a:1|c"), place(&mut known, "b:1|c|#x:1,y:1"));
        assert_eq!(place(&mut known, "c:1|c"), Place::Full);
        assert_eq!(place(&mut known, "c:1|c|#x:1,y:1"), Place::Full);
        assert_eq!((place(&mut known, "a:1|c"), place(&mut known, "b:1|c|#y:1,x:1")), (a, b));
    }

    #[test]
    fn what_is_forgotten_makes_room_and_the_rest_keeps_its_data() {
        let mut known = Known::new(1000);
        for i in 0..100u8 {
            let Place::At(at) = place(&mut known, &format!("m{i}:1|c")) else { panic!() };
            *known.at(at).unwrap() = i;
        }
        known.retain(|data| *data % 3 == 0);
        assert_eq!(known.len(), 34);
        for i in 0..100u8 {
            let Place::At(at) = place(&mut known, &format!("m{i}:1|c")) else { panic!() };
            let (series, data) = known.both(at).unwrap();
            assert_eq!((series.metric.as_str(), *data), (format!("m{i}").as_str(), if i % 3 == 0 { i } else { 0 }));
        }
        assert!(known.sorted().is_sorted_by_key(|(_, series, _)| series.metric.clone()));
    }

    #[test]
    fn long_texts_fill_the_table_too() {
        let mut known = Known::<u8>::new(100);
        let long = "k".repeat(40_000);
        let full = (0..10).position(|i| place(&mut known, &format!("m:1|c|#{long}:{i}")) == Place::Full);
        assert_eq!(full, Some(2));
    }
}
