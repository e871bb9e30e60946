//! StatsD: one measurement a line, many lines a datagram, with DogStatsD's extensions.

mod encode;

pub use encode::{Dialect, Durations, TagStyle, encode};
