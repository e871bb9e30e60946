//! Schedules on people's clocks: cron expressions, systemd's calendar events, recurring windows, zones.
//!
//! ```text
//! text ──parse──▶ Cron | OnCalendar ──next_after(instant, zone)──▶ instant
//!                 on the wall's clock                              in UTC
//! ```
//!
//! A schedule speaks of what a clock on the wall shows; a [`Zone`] knows which instants that is: one,
//! two where the clock is set back, none where it is set forward. What becomes of those differs by
//! schedule, and each says so. Nothing here reads a clock, the environment or a file.
//!
//! Always: the next instant is later than the one asked about, the previous one earlier; a schedule
//! that never comes says so after a bounded search.

mod civil;
mod cron;
mod error;
mod oncalendar;
mod recurrence;
mod zone;

pub use civil::{Date, Wall};
pub use cron::Cron;
pub use error::CalendarError;
pub use oncalendar::OnCalendar;
pub use recurrence::{Moved, Recurrence, Window};
pub use zone::{Placed, Zone};
