//! What a picture shows, in one sentence, for those who can't see it and those who have no time to.

use super::Panel;
use super::axis::{clock, value};

/// Says of each trace what it is now, between which values it was, and when it was highest.
///
/// `queue.depth: 95 now, between 3 and 120 (highest Nov 22 10:42:10), 40 on average`
pub fn sentence(panel: &Panel<'_>) -> String {
    let unit = panel.unit();
    let said = panel.traces.iter().map(|trace| {
        let all = trace.columns(panel.from, panel.until, 1)[0];
        let (Some(all), Some((at, highest))) = (all, trace.highest(panel.from, panel.until)) else {
            return format!("{}: nothing in this time", trace.label);
        };
        let now = value(all.last, unit);
        if all.min == all.max {
            return format!("{}: {now} all the time", trace.label);
        }
        format!(
            "{}: {now} at the end, between {} and {} (highest {}), {} on average",
            trace.label,
            value(all.min, unit),
            value(highest, unit),
            clock(at, panel.offset),
            value(all.mean(), unit)
        )
    });
    said.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use crate::chart::{Panel, Reading, Trace};
    use crate::time::{Span, Timestamp};

    #[test]
    fn the_numbers_of_the_sentence_are_those_of_the_data() {
        let from = Timestamp::parse("2026-11-22T10:00:00Z").unwrap();
        let mut trace = Trace::new("queue.depth", Some("{jobs}".into()), Reading::Level);
        for (second, value) in [(0u32, 10.0), (600, 120.0), (1200, 20.0), (1800, 50.0)] {
            trace.add(from.plus(Span::from_secs(second)), value);
        }
        let offset = |_| 0;
        let until = from.plus(Span::from_secs(2000));
        let panel = Panel::new(vec![&trace], from, until, &offset);
        assert_eq!(
            super::sentence(&panel),
            "queue.depth: 50 jobs at the end, between 10 jobs and 120 jobs (highest Nov 22 10:10:00), 50 jobs on average"
        );
        let nothing = Panel { from: until, until: until.plus(Span::from_secs(1)), ..panel };
        assert_eq!(super::sentence(&nothing), "queue.depth: nothing in this time");
    }
}
