//! Signs of life, and their absence.
//!
//! ```text
//! heartbeat.toml ──file──▶ Expectation ─┐
//!                                        ├─▶ Job ──state(now)──▶ Standing
//! beats ──────────────────────observe───┘    │
//!                                        Watch ──judge(now)────▶ verdicts
//! ```
//!
//! A job that never ran reports nothing, so someone has to expect it. Here is what is expected
//! ([`Expectation`]), what was seen of it ([`Job`]), and all jobs together ([`Watch`]). No file is
//! opened and no clock read: beats, expectations and `now` come in, verdicts go out.
//!
//! Always: the state of a job follows from its beats and the time, and not from when or how often it
//! was looked at; the instant at which a state began is exact.

pub mod badge;
mod course;
mod expectation;
pub mod file;
mod job;
mod look;
pub mod page;
pub mod ping;
pub mod pinged;
pub mod through;
mod turns;
mod verdict;
mod watch;

pub use course::{Course, Kind, MOST_OPEN, Odd, Outage, RUNS, Ran, Run, Seen, Stored, Terms, Why};
pub use expectation::{Due, Expectation, Failures, GRACE, Maintenance, Schedule, Timed};
pub use job::{Job, RECENT, SavedJob, Standing, State, Took};
pub use look::{Look, Machine};
pub use turns::{Said, Turns};
pub use watch::{Absence, Away, MOST_AWAY, MOST_STRANGERS, Saved, Stranger, Watch};
