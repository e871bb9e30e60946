//! What the host's metrics are called, and the series that carry them.
//!
//! Each file of `host` has a table of the metrics it measures; a [`Row`] holds the series of such a
//! table for one thing (the machine, one disk, one interface), in the table's order, so that a
//! metric that is not in its table cannot be written.

use crate::record::{SampleType, Series, Tags};

/// One metric, as it is documented.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name.
    pub name: &'static str,
    /// The unit, as UCUM writes it.
    pub unit: &'static str,
    /// How its values are to be read.
    pub kind: SampleType,
    /// What it says, in half a line.
    pub what: &'static str,
}

impl Metric {
    /// A value as it is now, or over the time since the last poll.
    pub(super) const fn gauge(name: &'static str, unit: &'static str, what: &'static str) -> Metric {
        Metric { name, unit, kind: SampleType::Gauge, what }
    }

    /// A count since the machine started.
    pub(super) const fn counter(name: &'static str, unit: &'static str, what: &'static str) -> Metric {
        Metric { name, unit, kind: SampleType::Counter, what }
    }

    /// The series of this metric with these tags.
    pub(super) fn series(&self, tags: &Tags) -> Series {
        Series { metric: self.name.to_owned(), kind: self.kind, unit: Some(self.unit.to_owned()), tags: tags.clone() }
    }
}

/// Where values go.
pub type Put<'a> = dyn FnMut(&Series, f64) + 'a;

/// The series of one table for one thing.
#[derive(Debug)]
pub(super) struct Row<const N: usize>([Series; N]);

impl<const N: usize> Row<N> {
    /// The series of a table's metrics, all with these tags.
    pub(super) fn new(table: &[Metric; N], tags: &Tags) -> Row<N> {
        Row(std::array::from_fn(|at| table[at].series(tags)))
    }

    /// Puts the values in the table's order; what is not known is left out.
    pub(super) fn put(&self, put: &mut Put, values: [Option<f64>; N]) {
        for (series, value) in self.0.iter().zip(values) {
            if let Some(value) = value {
                put(series, value);
            }
        }
    }
}

/// One thing of several: a disk, an interface, a core.
#[derive(Debug)]
struct Thing<S, const N: usize> {
    name: Vec<u8>,
    row: Row<N>,
    before: Option<S>,
    seen: bool,
}

/// Things that are told apart by a tag, each with its series and its last reading.
///
/// A thing that was not met in a poll is forgotten, so that one that comes back begins anew.
#[derive(Debug)]
pub(super) struct Things<S, const N: usize> {
    table: &'static [Metric; N],
    tags: Tags,
    tag: &'static str,
    known: Vec<Thing<S, N>>,
}

impl<S: Copy, const N: usize> Things<S, N> {
    /// No things yet; each will carry its name in `tag`.
    pub(super) fn new(table: &'static [Metric; N], tags: &Tags, tag: &'static str) -> Things<S, N> {
        Things { table, tags: tags.clone(), tag, known: Vec::new() }
    }

    /// Takes the new reading of a thing; gives its series and the reading before.
    pub(super) fn take(&mut self, name: &[u8], reading: S) -> (&Row<N>, Option<S>) {
        let at = match self.known.iter().position(|thing| thing.name == name) {
            Some(at) => at,
            None => {
                let mut tags = self.tags.clone();
                tags.set(self.tag, String::from_utf8_lossy(name));
                self.known.push(Thing { name: name.to_vec(), row: Row::new(self.table, &tags), before: None, seen: true });
                self.known.len() - 1
            }
        };
        let thing = &mut self.known[at];
        thing.seen = true;
        (&thing.row, thing.before.replace(reading))
    }

    /// Forgets the things that were not met since the last call.
    pub(super) fn forget_unseen(&mut self) {
        self.known.retain_mut(|thing| std::mem::take(&mut thing.seen));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: [Metric; 1] = [Metric::counter("disk.reads", "{reads}", "reads")];

    #[test]
    fn a_thing_that_went_away_begins_anew() {
        let mut disks: Things<u64, 1> = Things::new(&TABLE, &Tags::new(), "device");
        assert_eq!(disks.take(b"sda", 1).1, None);
        disks.forget_unseen();
        assert_eq!(disks.take(b"sda", 2).1, Some(1));
        disks.forget_unseen();
        disks.forget_unseen();
        assert_eq!(disks.take(b"sda", 3).1, None);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let row = Row::new(&TABLE, &Tags::new());
        let mut seen = Vec::new();
        row.put(&mut |series, value| seen.push((series.metric.clone(), value)), [None]);
        row.put(&mut |series, value| seen.push((series.metric.clone(), value)), [Some(2.0)]);
        assert_eq!(seen, [("disk.reads".to_owned(), 2.0)]);
    }
}
