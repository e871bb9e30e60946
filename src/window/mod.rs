//! Samples to windows, in event time.
//!
//! Samples fall into panes, the stretches between two possible window borders; a window is one
//! pane (tumbling) or several in a row (sliding). [`Windows`] keeps the open panes, says what is
//! late, and hands out what is due as [`Closed`] windows, whose numbers are worked out apart, so
//! that it may be done on another core. [`Sessions`] does the same for windows by gap.
//!
//! ```text
//! every 30s, slide 10s      pane   pane   pane   pane            newest
//!                          |------|------|------|------|··········|
//!                          [   window 1         ]      <- late ->
//!                                 [   window 2         ]
//!                                              watermark = newest - late
//! ```
//!
//! A window is due when the watermark has reached its end; a sample is late when the watermark
//! has reached its pane's end. Both are decided record by record, so the result does not depend
//! on how the input was cut; and no sample within the lateness is ever late, so it does not depend
//! on the order within that bound either.
//!
//! Quantiles are exact for up to [`ROWS`] values in a window, and from a sketch beyond.

mod distinct;
mod finish;
mod groups;
mod pane;
mod sessions;
mod windows;

pub use finish::Row;
pub use groups::{Group, GroupId, OVERFLOW};
pub use sessions::{ClosedSession, Sessions};
pub use windows::{Closed, Route, Windows};

use crate::math::Sketch;
use crate::record::{Stat, Synthetic};
use crate::time::Span;

/// How many values a window keeps as they are; beyond, all its groups are kept as sketches.
pub const ROWS: usize = 8 << 20;

/// Which tags keep groups apart, beside metric, unit and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// These tags; none of them: one group a metric.
    Tags(Vec<String>),
    /// Every tag.
    All,
}

/// What stands for a window in which a known group has no samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// No record.
    None,
    /// A record with `count` 0 and no other number.
    Null,
    /// A record with every number 0.
    Zero,
    /// The numbers of the window before, with `count` 0.
    Last,
}

/// What windows to make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The length of a window.
    pub every: Span,
    /// From one window's start to the next one's; `every` where windows do not overlap.
    pub slide: Span,
    /// How much later than the newest record a record may come.
    pub late: Span,
    /// What keeps groups apart.
    pub by: By,
    /// The numbers wanted.
    pub stats: Vec<Stat>,
    /// What stands for empty windows.
    pub fill: Fill,
    /// How many groups there may be; further ones share one.
    pub max_groups: usize,
    /// What becomes of made activity: where it is [`Synthetic::Apart`] it has groups of its own, which keep its tag.
    /// Whether records are taken at all is for the caller to ask by [`Synthetic::takes`].
    pub synthetic: Synthetic,
    /// An empty sketch, of which all others are copies.
    pub sketch: Sketch,
}

impl Plan {
    /// Whether a number is wanted.
    pub fn wants(&self, stat: Stat) -> bool {
        self.stats.contains(&stat)
    }

    /// Whether the distribution is wanted: quantiles or the sketch.
    pub fn wants_distribution(&self) -> bool {
        self.stats.iter().any(|stat| matches!(stat, Stat::Quantile(_) | Stat::Sketch))
    }

    /// Whether the first or the last value is wanted, which needs every value's time.
    pub fn wants_edges(&self) -> bool {
        self.wants(Stat::First) || self.wants(Stat::Last)
    }
}

/// Records that no window took, and why; each with the first of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Late {
    /// How many came after their window had closed.
    pub count: u64,
    /// By how much the latest of them missed it.
    pub worst: Span,
}
