//! OnCalendar.
use super::{CalendarError, Zone};
use crate::time::Timestamp;
/// Calendar events of systemd.
#[derive(Debug, Clone, PartialEq)]
pub struct OnCalendar {}
impl OnCalendar {
    /// x
    pub fn next_after(&self, _: Timestamp, _: Zone) -> Option<Timestamp> { None }
    /// x
    pub fn previous_before(&self, _: Timestamp, _: Zone) -> Option<Timestamp> { None }
    /// x
    pub fn parse(_: &str) -> Result<OnCalendar, CalendarError> { Ok(OnCalendar {}) }
}
impl std::fmt::Display for OnCalendar { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("") } }
