//! The language of `check`: conditions that a colleague can read aloud, judged at an instant.
//!
//! ```text
//! text ──parse──▶ Condition ──needs──▶ what to keep
//!                     │                    │
//! records ────────────┼────────▶ Data ◀────┘
//!                     ▼            │
//!                  judge(at) ◀─────┘ ──▶ Judgement: truth, reason, evidence
//! ```
//!
//! Evaluation is a pure function of the records kept and the instant; it remembers nothing. A term
//! without data is unknown, and unknown spreads as in Kleene's logic of three values.
//!
//! # Choices that the language leaves open
//!
//! - A window `5m` at the instant `t` holds what came in `(t - 5m, t]`.
//! - Without `--by` a term speaks of all series that it selects: `count`, `sum`, `mean`, quantiles
//!   and so on of their samples together, `rate`, `increase` and `delta` of each series, summed up;
//!   `last` is the newest sample, and of several at one instant the greatest.
//! - `for 10m` is tried at every instant of the ten minutes at which something can change: when a
//!   sample comes into a window or falls out of it, or an age passes its limit. Where these are more
//!   than 5,000, or the samples are so many that it would take long, it is tried at an even choice.
//! - Over windows that `rollup` made, a window counts where its end lies in `(t - 5m, t]`.
//! - `age`, `count` and `absent` also speak of events and beats, when no metric has the name.

mod aggregate;
mod check;
mod data;
mod error;
mod eval;
mod evidence;
mod instants;
mod lexer;
mod literal;
mod parse;
pub mod prometheus;
mod summary;
mod syntax;
mod units;

pub use check::{Check, Judgement, Level, judge};
pub use data::{Data, Needs};
pub use error::RuleError;
pub use parse::parse;
pub use summary::Summary;
pub use syntax::Condition;
