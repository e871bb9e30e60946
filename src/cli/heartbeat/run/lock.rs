//! The lock that keeps a second run of a job from starting: `STATE/locks/NAME`.
//!
//! It is held by `heartbeat run` itself, not by what the job starts: a daemon that a job leaves behind
//! must not keep the job from running ever again. The file tells who holds it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use crate::cli::beats::try_lock;
use crate::record::show;
use crate::time::Timestamp;

/// What a look at the lock found.
pub(super) enum Taken {
    /// It was free; held while this lives.
    Free(File),
    /// Another run holds it: since when, as far as that is known, to follow `already running`.
    Held(String),
}

/// Takes the lock of a job.
///
/// # Errors
/// The path and the system's answer when there can be no lock.
pub(super) fn take(state: &Path, name: &str, now: Timestamp) -> Result<Taken, (String, std::io::Error)> {
    let folder = state.join("locks");
    let path = folder.join(file_name(name));
    let cannot = |error| (show(path.as_os_str().as_encoded_bytes(), 300), error);
    std::fs::create_dir_all(&folder).map_err(cannot)?;
    match try_lock(&path).map_err(cannot)? {
        Some(mut file) => {
            // Who holds it is for people; a disk that is full takes nothing from the lock.
            let _ = file.set_len(0).and_then(|()| writeln!(file, "process {} since {now}", std::process::id()));
            Ok(Taken::Free(file))
        }
        None => {
            let mut holder = String::new();
            let _ = File::open(&path).and_then(|file| file.take(200).read_to_string(&mut holder));
            let holder = show(holder.trim().as_bytes(), 100);
            Ok(Taken::Held(if holder.is_empty() { holder } else { format!(" ({holder})") }))
        }
    }
}

/// A job's name as a file's: what is no letter, digit, `.`, `-` or `_` as `%NN`, and a dot at its beginning.
fn file_name(name: &str) -> String {
    let mut out = String::new();
    for (at, byte) in name.bytes().enumerate() {
        match byte {
            b'.' if at == 0 => out.push_str("%2E"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    // A file's name has 255 bytes at most; a name whose every byte is escaped may have more.
    out.truncate(250);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_the_folder_and_apart_from_others() {
        assert_eq!(file_name("nightly-backup.1"), "nightly-backup.1");
        assert_eq!(file_name("../../etc"), "%2E.%2F..%2Fetc");
        assert_ne!(file_name("a b"), file_name("a/b"));
    }
}
