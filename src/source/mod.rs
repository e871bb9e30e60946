//! Where records come from: what `collect` listens to, polls and reads.
//!
//! Each source turns bytes of the world into records of ours, by a parser that knows neither
//! streams nor clock; waiting, signals and output are `cli`'s.

pub mod csv;
pub mod host;
pub mod log;
pub mod statsd;
pub mod when;
