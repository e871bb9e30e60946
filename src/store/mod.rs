//! What is kept on disk: history folders and how they are read.
//!
//! A history is a folder with one file a UTC day, `YYYY-MM-DD.ndjson`, older days compressed as
//! `.ndjson.zst`; each holds records as they came, nearly sorted by time. What `check` remembers between
//! runs is in one SQLite file; what waits for a destination that is away is in a spool.

pub mod append;
pub mod read;
pub mod spool;
pub mod state;
