//! The language of `check`: conditions that a colleague can read aloud, judged at an instant.
//!
//! ```text
//! text ──parse──▶ Condition ──▶ Check ──▶ Engine ◀── records
//!                                           │
//!                     Judgement ◀───────────┘  at every step, or when asked
//! ```
//!
//! Nothing here reads a clock or a file. A term without data is unknown, and unknown spreads as in
//! Kleene's logic of three values.
//!
//! # Choices that the language leaves open
//!
//! - A window `5m` at the instant `t` holds what came in `(t - 5m, t]`.
//! - Without `--by` a term speaks of all series that it selects: `count`, `sum`, `mean`, quantiles
//!   and so on of their samples together, `rate`, `increase` and `delta` of each series, summed up;
//!   `last` is the newest sample, and of several at one instant the greatest.
//! - Evaluations stand at the multiples of the check's step (a second by default) since 1970. `for
//!   10m` is true at an evaluation when it and all those of the ten minutes before were true; `3 of
//!   5 times` speaks of the last five. An instant between two evaluations is judged as if one were
//!   there.
//! - Over windows that `rollup` made, a window counts where its end lies in `(t - 5m, t]`.
//! - `forecast` is of one series: several at a time are refused, with the tags to keep them apart by; those
//!   that follow one another in time are one. A window that rollup made stands for its mean, at its middle.
//! - `reference(x)` is of the whole history that was kept to compare with, by the function of the other side of its
//!   comparison; its groups are those of the same tags, or all of it where it has no such tag.
//! - `age`, `count` and `absent` also speak of events and beats, when no metric has the name.

pub mod absence;
mod aggregate;
pub mod backtest;
mod buffer;
mod check;
pub mod compare;
mod data;
mod engine;
mod error;
mod evidence;
mod explain;
mod file;
mod forecast;
mod group;
mod hold;
mod judgement;
mod lexer;
mod lint;
mod literal;
mod meter;
mod nagios;
mod notation;
mod parse;
mod program;
pub mod prometheus;
mod range;
mod reason;
mod reference;
pub mod suggest;
mod summary;
mod syntax;
pub mod testing;
mod trace;
mod truth;
mod units;
mod want;

pub use check::{Check, Judgement, Level};
pub use engine::{Engine, Outcome, Senseless};
pub use error::RuleError;
pub use explain::{Explanation, Look, Past, Story, Surroundings, Times, page, span_of};
pub use file::{FileError, MOST_ERRORS, Rules, Source, order, read};
pub use lint::{Facts, Finding, lint};
pub use nagios::{NagiosOptions, Refused, export_nagios};
pub use notation::{Given, MOST_VALUES, series, values};
pub use parse::parse;
pub use range::{Range, is_value};
pub use reference::{Compare, Runs, Tolerance};
pub use summary::Summary;
pub use syntax::Condition;
