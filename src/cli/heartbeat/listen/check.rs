//! One check: what was said of it, and when it is due.

use serde::{Deserialize, Serialize};

use super::keys;
use super::schedule::Schedule;
use crate::heartbeat::ping::{Filter, slug_of};
use crate::heartbeat::pinged::Due;
use crate::time::{Span, Timestamp};

/// What is known of a check, as the management interface has it; kept as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    /// The name that its beats have; it never changes.
    pub(super) beat: String,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) tags: String,
    pub(super) desc: String,
    /// The period in seconds, where there is no schedule.
    pub(super) timeout: u64,
    /// The grace in seconds.
    pub(super) grace: u64,
    /// A cron expression, or one or more of OnCalendar; empty where the period counts.
    pub(super) schedule: String,
    pub(super) tz: String,
    pub(super) methods: String,
    pub(super) manual_resume: bool,
    pub(super) start_kw: String,
    pub(super) success_kw: String,
    pub(super) failure_kw: String,
    pub(super) filter_subject: bool,
    pub(super) filter_body: bool,
    pub(super) filter_http_body: bool,
    pub(super) filter_default_fail: bool,
    /// Names it to who may only read.
    pub(super) unique_key: String,
    /// In the addresses of its badges.
    pub(super) badge_key: String,
    /// Whether its expectation stands in a file, which then says when it is due.
    pub(super) from_file: bool,
    /// When it was made.
    pub(super) made: Timestamp,
    /// Where to read what to do; of a file.
    pub(super) playbook: Option<String>,
}

impl Default for Spec {
    fn default() -> Spec {
        Spec {
            beat: String::new(),
            name: String::new(),
            slug: String::new(),
            tags: String::new(),
            desc: String::new(),
            timeout: 86_400,
            grace: 3_600,
            schedule: String::new(),
            tz: "UTC".into(),
            methods: String::new(),
            manual_resume: false,
            start_kw: String::new(),
            success_kw: String::new(),
            failure_kw: String::new(),
            filter_subject: false,
            filter_body: false,
            filter_http_body: false,
            filter_default_fail: false,
            unique_key: String::new(),
            badge_key: String::new(),
            from_file: false,
            made: Timestamp::from_nanos(0),
            playbook: None,
        }
    }
}

impl Spec {
    /// A new check with keys of its own.
    pub(super) fn new(now: Timestamp) -> std::io::Result<Spec> {
        Ok(Spec { unique_key: keys::unique_key()?, badge_key: keys::code()?, made: now, ..Spec::default() })
    }

    /// Which pings it listens to.
    pub(super) fn filter(&self) -> Filter<'_> {
        Filter {
            post_only: self.methods == "POST",
            body: self.filter_http_body,
            failure: &self.failure_kw,
            success: &self.success_kw,
            start: &self.start_kw,
            default_fail: self.filter_default_fail,
        }
    }

    /// Its tags, as words.
    pub(super) fn tag_list(&self) -> impl Iterator<Item = &str> {
        self.tags.split_whitespace()
    }

    /// What a person calls it.
    pub(super) fn title(&self) -> &str {
        if self.name.is_empty() { &self.beat } else { &self.name }
    }

    /// The name that beats of a new check get, where no other has it: its slug, or one made of its name.
    pub(super) fn wished_beat(&self) -> String {
        if self.slug.is_empty() { slug_of(&self.name) } else { self.slug.clone() }
    }

    /// Its schedule, ready to be asked; of one that can't be read the period.
    pub(super) fn rhythm(&self) -> Rhythm {
        let schedule = Schedule::of(&self.schedule, &self.tz).unwrap_or_else(|| Schedule::every(seconds(self.timeout)));
        Rhythm { schedule, grace: seconds(self.grace) }
    }
}

fn seconds(count: u64) -> Span {
    Span::from_secs(u32::try_from(count.min(366 * 86_400)).unwrap_or(0))
}

/// When a check is due.
#[derive(Debug, Clone)]
pub(super) struct Rhythm {
    pub(super) schedule: Schedule,
    pub(super) grace: Span,
}

impl Due for Rhythm {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        self.schedule.next(after)
    }

    fn grace(&self) -> Span {
        self.grace
    }
}
