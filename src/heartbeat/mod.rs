//! Signs of life, and their absence.

pub mod badge;
pub mod page;
pub mod ping;
pub mod pinged;
pub mod through;
