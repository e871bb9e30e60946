//! Limits of rate: a bucket that fills with time, from which each request takes one.

use crate::time::{Span, Timestamp};

/// What is left of a rate, in nanoseconds of time: one request costs `1 s / rate`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bucket {
    /// Until when the time is spent.
    spent: Option<Timestamp>,
}

impl Bucket {
    /// Takes one request at `now`, where `per_s` a second are allowed and twice as many at once.
    ///
    /// Returns how long to wait when there are too many. A clock that was set back fills the bucket.
    pub(super) fn take(&mut self, now: Timestamp, per_s: u32) -> Result<(), Span> {
        let cost = Span::from_nanos(1_000_000_000 / i64::from(per_s.max(1)));
        let most = Span::from_secs(2);
        let spent = self.spent.map_or(now, |spent| if spent > now.plus(most) { now } else { spent.max(now) });
        let next = spent.plus(cost);
        let over = next.since(now);
        if over > most {
            return Err(Span::from_nanos(over.nanos() - most.nanos()));
        }
        self.spent = Some(next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_rate_at_once_and_then_the_rate() {
        let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
        let mut bucket = Bucket::default();
        let taken = (0..50).filter(|_| bucket.take(at(0), 10).is_ok()).count();
        assert_eq!(taken, 20);
        assert_eq!(bucket.take(at(0), 10), Err(Span::from_millis(100)));
        assert!(bucket.take(at(100), 10).is_ok());
        assert!(bucket.take(at(100), 10).is_err());
        let taken = (0..1000).filter(|n| bucket.take(at(1000 + n * 10), 10).is_ok()).count();
        assert!((100..=121).contains(&taken), "{taken} in ten seconds");
        assert!(bucket.take(at(-1_000_000), 10).is_ok(), "a clock that was set back");
    }
}
