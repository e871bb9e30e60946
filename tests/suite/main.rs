//! All tests that stand outside the library, in one binary so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod collect_csv;
mod collect_host;
mod collect_lines;
mod collect_log;
