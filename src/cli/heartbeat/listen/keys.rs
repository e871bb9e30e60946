//! Secrets and names that cannot be guessed: from the system's randomness, kept in the state.

use crate::cli::Failure;
use crate::store::state::{State, StateError};

/// Letters that stand in an address as they are; 64 of them.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The keys of a listener.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    /// For pings by slug.
    pub(super) ping: String,
    /// For the management interface.
    pub(super) manage: String,
    /// For the parts of the management interface that only read, and for the status page.
    pub(super) read: String,
    /// In the addresses of badges.
    pub(super) badge: String,
    /// For the signatures of badges; it is never shown.
    pub(super) sign: [u8; 16],
}

impl Keys {
    /// Reads the keys; those that are not there yet are made and kept.
    pub(super) fn of(state: &mut State) -> Result<Keys, Failure> {
        let mut made = Made::default();
        let mut key = |name: &str, bytes: usize| state.listen_key(name, || made.key(bytes)).map_err(|error| unkept(&error));
        let keys = Keys {
            ping: key("ping", 16)?,
            manage: key("manage", 24)?,
            read: key("read", 24)?,
            badge: key("badge", 18)?,
            sign: sign(&key("sign", 24)?),
        };
        made.0.map_or(Ok(keys), |error| Err(Failure::io("cannot make a key", error)))
    }
}

/// The first 16 letters of a key, each of six random bits.
fn sign(key: &str) -> [u8; 16] {
    let mut sign = [0; 16];
    sign.iter_mut().zip(key.bytes()).for_each(|(to, from)| *to = from);
    sign
}

/// Remembers that the system gave no randomness.
#[derive(Default)]
struct Made(Option<std::io::Error>);

impl Made {
    fn key(&mut self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        if let Err(error) = fill(&mut random) {
            self.0 = Some(error);
        }
        letters(&random)
    }
}

/// Fills bytes with randomness; all of them, or an error.
fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty()))?;
    }
    Ok(())
}

/// Six bits a letter; bytes come in threes.
fn letters(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 1);
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        let count = three.len() + 1;
        out.extend((0..count).map(|n| char::from(LETTERS[(word >> (18 - 6 * n) & 63) as usize])));
    }
    out
}

/// A random UUID (version 4).
pub(super) fn code() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Forty random hexadecimal digits: names a check to who may only read.
pub(super) fn unique_key() -> std::io::Result<String> {
    let mut bytes = [0; 20];
    fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hexadecimal text; `None` when it is none.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

/// A failure of the state.
pub(super) fn unkept(error: &StateError) -> Failure {
    match error {
        StateError::Busy { .. } => Failure::Again(error.to_string()),
        _ => Failure::Config(error.to_string(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_are_long_enough() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::of(&mut State::open(folder.path()).unwrap()).unwrap();
        let again = Keys::of(&mut State::open(folder.path()).unwrap()).unwrap();
        assert_eq!((keys.ping.len(), keys.manage.len(), keys.read.len()), (22, 32, 32));
        assert_eq!((&keys.ping, &keys.manage, &keys.read, &keys.sign), (&again.ping, &again.manage, &again.read, &again.sign));
        assert!(keys.manage != keys.read && !keys.ping.contains(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_'));
        assert!(crate::heartbeat::ping::is_code(&code().unwrap()));
        assert_ne!(code().unwrap(), code().unwrap());
        assert_eq!(unhex(&hex(b"\x00\xffa")).as_deref(), Some(&b"\x00\xffa"[..]));
        assert_eq!(letters(b"Man"), "TWFu", "as base64 has it");
    }
}
