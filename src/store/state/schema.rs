//! The state file itself: made private, opened, and brought to this version's tables.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{State, StateError};

/// Says whose file it is, in its header: `pwst`.
const APPLICATION: i32 = 0x7077_7374;

/// What brings a file from the version of its place to the next one.
const STEPS: [&str; 2] = [include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// The version that this program writes.
pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Between two tries of what another process keeps from being done.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes the folder, and in it an empty file that only its owner can read; what is there stays as it is.
pub(super) fn make_private(folder: &Path, path: &Path) -> Result<(), StateError> {
    let cannot = |error| StateError::Make { path: path.to_owned(), error };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(cannot)?;
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    // Made beside its place and linked there when it is closed: the system drops all of a process's
    // locks on a file when any handle of it closes, so a thread that has it open already would lose its own.
    static MADE: AtomicU32 = AtomicU32::new(0);
    let made = folder.join(format!(".{}.{}-{}", State::FILE, std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)));
    // One of this name was left by a process that was killed here, long ago.
    let _ = std::fs::remove_file(&made);
    let create = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&made);
    drop(create.map_err(cannot)?);
    let linked = std::fs::hard_link(&made, path);
    let _ = std::fs::remove_file(&made);
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists && path.symlink_metadata().is_err() => Err(cannot(error)),
        _ => Ok(()),
    }
}

/// Opens the file and brings it to this version.
pub(super) fn connect(path: &Path) -> Result<Connection, StateError> {
    let told = |error| StateError::of(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(told)?;
    // The change to WAL and the reads before it do not always wait by themselves: they are tried again here.
    connection.busy_timeout(Duration::ZERO).map_err(told)?;
    let mut left = State::PATIENCE.as_millis() / PAUSE.as_millis();
    loop {
        match prepare(&mut connection, path) {
            Err(StateError::Busy { .. }) if left > 0 => {
                left -= 1;
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    connection.busy_timeout(State::PATIENCE).map_err(told)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StateError> {
    let told = |error| StateError::of(path, error);
    let version = version(connection, path)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(told)?;
    if mode != "wal" {
        return Err(StateError::Other { path: path.to_owned(), why: format!("this file system allows no write-ahead log, only `{mode}`") });
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON").map_err(told)?;
    if version < VERSION { migrate(connection, path) } else { Ok(()) }
}

/// Takes the steps that are missing, all or none of them.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StateError> {
    let told = |error| StateError::of(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
    // Read again under the lock: another process may have been here first.
    let version = version(&transaction, path)?;
    for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(step).map_err(told)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION).map_err(told)?;
    transaction.pragma_update(None, "user_version", VERSION).map_err(told)?;
    transaction.commit().map_err(told)
}

/// The version of the file; one that is not ours, or from a later version of ours, is refused.
fn version(connection: &Connection, path: &Path) -> Result<i64, StateError> {
    let told = |error| StateError::of(path, error);
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(told);
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(told)?;
    if application != i64::from(APPLICATION) && (tables > 0 || version != 0) {
        return Err(StateError::Foreign { path: path.to_owned() });
    }
    if version > VERSION {
        return Err(StateError::Newer { path: path.to_owned(), found: version });
    }
    Ok(version.max(0))
}
