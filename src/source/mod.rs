//! The world in: listeners and polls, whose bytes `wire` reads.

pub mod statsd;
