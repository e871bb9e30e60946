//! What `heartbeat listen` keeps: checks, keys, and its memory.
//!
//! It knows no check: a spec and the memory are JSON texts, which only the listener understands.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::{State, StateError};

/// A check as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its UUID.
    pub code: String,
    /// What is known of it: the text of one JSON value.
    pub spec: String,
}

impl State {
    /// All checks, by their UUID.
    ///
    /// # Errors
    /// [`StateError`] when the file can't be read.
    pub fn listen_checks(&mut self) -> Result<Vec<Kept>, StateError> {
        self.read(|transaction| {
            let mut found = transaction.prepare("SELECT code, spec FROM listen_checks ORDER BY code")?;
            let rows = found.query_map([], |row| Ok(Kept { code: row.get(0)?, spec: row.get(1)? }))?;
            rows.collect()
        })
    }

    /// Keeps checks, new or changed, all or none; when this returns, they are on the disk.
    ///
    /// # Errors
    /// [`StateError`] when they could not be written.
    pub fn listen_keep(&mut self, checks: &[Kept]) -> Result<(), StateError> {
        self.change(|transaction| {
            let mut keep = transaction.prepare_cached(
                "INSERT INTO listen_checks (code, spec) VALUES (?1, ?2) ON CONFLICT (code) DO UPDATE SET spec = excluded.spec",
            )?;
            checks.iter().try_for_each(|check| keep.execute(params![check.code, check.spec]).map(|_| ()))
        })
    }

    /// Forgets a check.
    ///
    /// # Errors
    /// [`StateError`] when that could not be written.
    pub fn listen_forget(&mut self, code: &str) -> Result<(), StateError> {
        self.change(|transaction| transaction.execute("DELETE FROM listen_checks WHERE code = ?1", [code]).map(|_| ()))
    }

    /// The key of a name; where there is none, the one that `make` makes is kept, and given.
    ///
    /// # Errors
    /// [`StateError`] when the file can't be read or written.
    pub fn listen_key(&mut self, name: &str, make: impl FnOnce() -> String) -> Result<String, StateError> {
        self.change(|transaction| {
            let found = transaction.query_row("SELECT key FROM listen_keys WHERE name = ?1", [name], |row| row.get(0)).optional()?;
            match found {
                Some(key) => Ok(key),
                None => {
                    let key = make();
                    transaction.execute("INSERT INTO listen_keys (name, key) VALUES (?1, ?2)", [name, &key])?;
                    Ok(key)
                }
            }
        })
    }

    /// What the listener remembered last: the text of one JSON value.
    ///
    /// # Errors
    /// [`StateError`] when the file can't be read.
    pub fn listen_memory(&mut self) -> Result<Option<String>, StateError> {
        self.read(|transaction| transaction.query_row("SELECT memory FROM listen_memory", [], |row| row.get(0)).optional())
    }

    /// Remembers; what was remembered before is replaced.
    ///
    /// # Errors
    /// [`StateError`] when it could not be written.
    pub fn listen_remember(&mut self, memory: &str) -> Result<(), StateError> {
        self.change(|transaction| {
            let sql = "INSERT INTO listen_memory (id, memory) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET memory = excluded.memory";
            transaction.execute(sql, [memory]).map(|_| ())
        })
    }

    /// Makes a change as a whole.
    fn change<T>(&mut self, change: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, StateError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let result = transaction.and_then(|transaction| {
            let changed = change(&transaction)?;
            transaction.commit().map(|()| changed)
        });
        result.map_err(|error| StateError::of(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_keys_and_memory_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = State::open(folder.path()).unwrap();
        let kept = |code: &str, spec: &str| Kept { code: code.into(), spec: spec.into() };
        state.listen_keep(&[kept("b", "{}"), kept("a", "1")]).unwrap();
        state.listen_keep(&[kept("b", "2")]).unwrap();
        let mut again = State::open(folder.path()).unwrap();
        assert_eq!(again.listen_checks().unwrap(), [kept("a", "1"), kept("b", "2")]);
        again.listen_forget("a").unwrap();
        assert_eq!(state.listen_checks().unwrap(), [kept("b", "2")]);
        assert_eq!(state.listen_key("ping", || "one".into()).unwrap(), "one");
        assert_eq!(again.listen_key("ping", || "two".into()).unwrap(), "one", "the first key stays");
        assert_eq!(state.listen_memory().unwrap(), None);
        state.listen_remember("[1]").unwrap();
        state.listen_remember("[2]").unwrap();
        assert_eq!(again.listen_memory().unwrap().as_deref(), Some("[2]"));
    }
}
