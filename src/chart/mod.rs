//! Pictures of series: in characters for a terminal, as SVG and HTML for a report.
//!
//! ```text
//! records ─▶ Trace (a series, bounded) ─▶ Panel (traces of one unit, a stretch of time) ─▶ text | svg
//!            Spread (a distribution)   ─▶                       marks, limits, offset
//! ```
//!
//! No record is read here and no stream written; what time it is, is given. Always: an extreme is never
//! reduced away, nothing is told by colour alone, and texts from records are safe where they are shown.

pub mod axis;
mod panel;
mod sentence;
mod spread;
pub mod svg;
pub mod text;
mod trace;

pub use panel::{Limit, Mark, MarkKind, Panel};
pub use sentence::sentence;
pub use spread::Spread;
pub use trace::{Cell, MOST_CELLS, Reading, Trace};
