//! Pipewatch: monitoring for humans, in pipes.
//!
//! Small programs over one library. Each reads and writes records, one JSON object a line
//! (see [`record`]), so that they chain through pipes and cron.
//!
//! The modules form floors; each imports from lower floors only, and a test holds that:
//!
//! ```text
//! cli                       the programs: streams, clock, exit codes
//! source  sink              the world in, the world out
//! rule    store   net       judging; keeping; talking
//! ndjson  wire    window    heartbeat   bytes to records; foreign formats; samples to windows
//! record  calendar settings  the format's one definition; schedules; files of settings
//! time    math              nothing of ours
//! ```

pub mod calendar;
pub mod cli;
pub mod heartbeat;
pub mod math;
pub mod ndjson;
pub mod net;
pub mod record;
pub mod rule;
pub mod settings;
pub mod sink;
pub mod source;
pub mod store;
pub mod time;
pub mod window;
pub mod wire;
