//! All tests that stand outside the library, in one binary so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod backtest;
mod check;
mod check_edges;
mod check_live;
mod check_modes;
mod collect_csv;
mod collect_host;
mod collect_lines;
mod collect_log;
mod conditions;
mod docs;
mod emit;
mod emit_durable;
mod emit_network;
mod emit_time;
mod examples;
mod explain;
mod forecast;
mod golden;
mod hostile;
mod install;
mod layers;
mod man;
mod nagios;
mod peers;
mod pipes;
mod programs;
mod prometheus;
mod reasons;
mod reference;
mod rollup;
mod rule_test;
mod rules;
mod state;
mod statsd;
