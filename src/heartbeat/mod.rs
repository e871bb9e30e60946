//! Signs of life, and their absence.

pub mod through;
