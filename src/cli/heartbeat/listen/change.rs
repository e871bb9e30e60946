//! What a client wishes a check to be: read strictly, with the errors that clients know.

use serde_json::Value;

use super::check::Spec;
use super::schedule::{Schedule, is_zone};
use crate::heartbeat::ping::slug_of;

/// The longest period and grace, in seconds: 365 days.
const LONGEST: u64 = 31_536_000;

/// The fields of a wish, all of them optional.
#[derive(Debug, Default)]
pub(super) struct Wish {
    texts: Vec<(&'static str, String)>,
    flags: Vec<(&'static str, bool)>,
    timeout: Option<u64>,
    grace: Option<u64>,
    unique: Vec<String>,
}

/// Fields of text, and how long each may be.
const TEXTS: [(&str, usize); 13] = [
    ("name", 100),
    ("slug", 100),
    ("tags", 500),
    ("desc", 10_000),
    ("schedule", 1000),
    ("tz", 100),
    ("methods", 10),
    ("start_kw", 200),
    ("success_kw", 200),
    ("failure_kw", 200),
    ("subject", 200),
    ("subject_fail", 200),
    ("channels", 10_000),
];

/// Fields that are true or false.
const FLAGS: [&str; 5] = ["manual_resume", "filter_subject", "filter_body", "filter_http_body", "filter_default_fail"];

/// What a check may be found by.
const UNIQUE: [&str; 5] = ["name", "slug", "tags", "timeout", "grace"];

impl Wish {
    /// Reads the body of a request, an object.
    ///
    /// # Errors
    /// The text of the first thing that is wrong, as healthchecks words it.
    pub(super) fn read(body: &Value) -> Result<Wish, String> {
        let mut wish = Wish::default();
        for (name, most) in TEXTS {
            let Some(value) = body.get(name) else { continue };
            let text = value.as_str().ok_or_else(|| wrong(name, "is not a string"))?;
            if text.chars().count() > most {
                return Err(wrong(name, "is too long"));
            }
            check_text(name, text)?;
            wish.texts.push((name, text.to_owned()));
        }
        for name in FLAGS {
            if let Some(value) = body.get(name) {
                wish.flags.push((name, value.as_bool().ok_or_else(|| wrong(name, "is not a boolean"))?));
            }
        }
        wish.timeout = seconds(body, "timeout")?;
        wish.grace = seconds(body, "grace")?;
        if let Some(value) = body.get("unique") {
            let names = value.as_array().ok_or_else(|| wrong("unique", "is not an array"))?;
            for name in names {
                let name = name.as_str().filter(|name| UNIQUE.contains(name));
                wish.unique.push(name.ok_or_else(|| wrong("an item in 'unique'", "has unexpected value"))?.to_owned());
            }
        }
        if let (Some(schedule), zone) = (wish.text("schedule"), wish.text("tz").unwrap_or("UTC"))
            && Schedule::of(schedule, zone).is_none()
        {
            return Err(wrong("schedule", "is not a valid cron or OnCalendar expression"));
        }
        Ok(wish)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(other, _)| *other == name).map(|(_, text)| text.as_str())
    }

    /// Whether a check is the one that is meant, by the fields named in `unique`.
    pub(super) fn is_same(&self, spec: &Spec) -> bool {
        !self.unique.is_empty()
            && self.unique.iter().all(|name| match name.as_str() {
                "name" => self.text("name") == Some(&spec.name),
                "slug" => self.text("slug") == Some(&spec.slug),
                "tags" => self.text("tags") == Some(&spec.tags),
                "timeout" => self.timeout == Some(spec.timeout),
                _ => self.grace == Some(spec.grace),
            })
    }

    /// Makes a check what is wished. Before version 3 the slug follows the name.
    pub(super) fn apply(&self, spec: &mut Spec, version: u8) {
        if let Some(name) = self.text("name")
            && version < 3
            && *name != spec.name
        {
            spec.slug = slug_of(name);
        }
        if let Some(timeout) = self.timeout {
            spec.timeout = timeout;
            spec.schedule.clear();
        }
        for (name, flag) in &self.flags {
            match *name {
                "manual_resume" => spec.manual_resume = *flag,
                "filter_subject" => spec.filter_subject = *flag,
                "filter_body" => spec.filter_body = *flag,
                "filter_http_body" => spec.filter_http_body = *flag,
                _ => spec.filter_default_fail = *flag,
            }
        }
        for (name, text) in &self.texts {
            self.apply_text(spec, name, text.clone());
        }
        spec.grace = self.grace.unwrap_or(spec.grace);
    }

    fn apply_text(&self, spec: &mut Spec, name: &str, text: String) {
        match name {
            "name" => spec.name = text,
            "slug" => spec.slug = text,
            "tags" => spec.tags = text,
            "desc" => spec.desc = text,
            "schedule" => spec.schedule = text,
            "tz" => spec.tz = text,
            "methods" => spec.methods = text,
            "start_kw" => spec.start_kw = text,
            "success_kw" => spec.success_kw = text,
            "failure_kw" => spec.failure_kw = text,
            "subject" => {
                spec.success_kw = text;
                spec.filter_subject = !(spec.success_kw.is_empty() && spec.failure_kw.is_empty());
            }
            "subject_fail" => {
                spec.failure_kw = text;
                spec.filter_subject = !(spec.success_kw.is_empty() && spec.failure_kw.is_empty());
            }
            _ => {}
        }
    }
}

fn check_text(name: &str, text: &str) -> Result<(), String> {
    match name {
        "slug" if !text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')) => {
            Err(wrong(name, "does not match pattern"))
        }
        "methods" if !["", "POST"].contains(&text) => Err(wrong(name, "has unexpected value")),
        "tz" if !is_zone(text) => Err(wrong(name, "is not a valid timezone")),
        _ => Ok(()),
    }
}

fn seconds(body: &Value, name: &str) -> Result<Option<u64>, String> {
    let Some(value) = body.get(name) else { return Ok(None) };
    match value.as_u64() {
        None if value.is_number() => Err(wrong(name, "is too small")),
        None => Err(wrong(name, "is not a number")),
        Some(..60) => Err(wrong(name, "is too small")),
        Some(seconds) if seconds > LONGEST => Err(wrong(name, "is too large")),
        Some(seconds) => Ok(Some(seconds)),
    }
}

fn wrong(name: &str, what: &str) -> String {
    format!("json validation error: {name} {what}")
}

/// Refuses to change when a check is due whose expectation stands in a file.
///
/// # Errors
/// The text to answer with.
pub(super) fn keep_file_rhythm(old: &Spec, new: &mut Spec) -> Result<(), String> {
    let rhythm = |spec: &Spec| (spec.timeout, spec.grace, spec.schedule.clone(), spec.tz.clone());
    match old.from_file && rhythm(old) != rhythm(new) {
        true => Err("this check stands in a file, which says when it is due; change it there".into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_wishes_are_refused_in_the_words_that_clients_know() {
        let cases = [
            (json!({"name": 1}), "name is not a string"),
            (json!({"name": null}), "name is not a string"),
            (json!({"name": "x".repeat(101)}), "name is too long"),
            (json!({"slug": "A"}), "slug does not match pattern"),
            (json!({"timeout": 59}), "timeout is too small"),
            (json!({"timeout": 31_536_001}), "timeout is too large"),
            (json!({"grace": "60"}), "grace is not a number"),
            (json!({"methods": "PUT"}), "methods has unexpected value"),
            (json!({"tz": "Mars/Base"}), "tz is not a valid timezone"),
            (json!({"schedule": "nonsense"}), "schedule is not a valid cron or OnCalendar expression"),
            (json!({"manual_resume": 1}), "manual_resume is not a boolean"),
            (json!({"unique": "name"}), "unique is not an array"),
            (json!({"unique": ["color"]}), "an item in 'unique' has unexpected value"),
        ];
        for (body, want) in cases {
            assert_eq!(Wish::read(&body).unwrap_err(), format!("json validation error: {want}"));
        }
    }

    #[test]
    fn a_wish_changes_what_it_names_and_finds_by_what_is_unique() {
        let mut spec = Spec::default();
        let wish = Wish::read(&json!({"name": "DB Backup", "timeout": 3600, "unique": ["name"], "api_key": "x", "channels": "*"})).unwrap();
        assert!(!wish.is_same(&spec));
        wish.apply(&mut spec, 1);
        assert!(wish.is_same(&spec));
        assert_eq!((spec.name.as_str(), spec.slug.as_str(), spec.timeout, spec.grace), ("DB Backup", "db-backup", 3600, 3600));
        Wish::read(&json!({"name": "Other"})).unwrap().apply(&mut spec, 3);
        assert_eq!(spec.slug, "db-backup", "in version 3 the slug stays");
        let lacking = Wish::read(&json!({"unique": ["name"]})).unwrap();
        assert!(!lacking.is_same(&Spec::default()), "what is not given finds nothing");
    }
}
