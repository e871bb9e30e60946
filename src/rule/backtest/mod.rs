//! What checks would have done over a history: outcomes gathered into alerts, and what those come to.
//!
//! ```text
//! Engine ──outcomes──▶ Ledger ──▶ alerts of each group ──▶ Totals
//!                                        │
//!            incidents, judgements ──────┴──▶ Score, Judged
//! ```
//!
//! An alert begins at the first evaluation that is warning or critical, and ends at the first one
//! after it that is ok: what is not known has not ended, as in the verdicts' own `since`. Nothing
//! here reads a file or evaluates anything.

mod ledger;
mod score;
mod sweep;
mod totals;

pub use ledger::{Alert, Course, Ledger};
pub use score::{Incident, Judgement, Opinion, Score, Tally, judged, score};
pub use sweep::{Knob, Measure, limits, long_alerts, propose};
pub use totals::{SHORT, Totals, Zone};

/// A value with its unit for a person: `12.5 s`, `2310`.
pub fn told(value: f64, unit: Option<&str>) -> String {
    super::units::human(value, unit, super::units::Origin::Measured)
}
