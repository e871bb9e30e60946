//! Keys of the terminal, read while records come on standard input.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Quit,
    Hold,
    Earlier,
    Later,
    Yesterday,
    LastWeek,
}

/// The terminal, which gives each key at once and shows none, until this is dropped.
pub(super) struct Keys {
    terminal: File,
    before: Termios,
}

impl Keys {
    /// The controlling terminal; `None` where there is none.
    pub(super) fn open() -> Option<Keys> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut wanted = before.clone();
        wanted.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        wanted.special_codes[SpecialCodeIndex::VMIN] = 0;
        wanted.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Now, &wanted).ok()?;
        Some(Keys { terminal, before })
    }

    /// What becomes readable when a key was pressed.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.terminal.as_fd()
    }

    /// The keys that were pressed; does not wait.
    pub(super) fn read(&mut self) -> Vec<Key> {
        let mut bytes = [0; 64];
        let count = self.terminal.read(&mut bytes).unwrap_or(0);
        keys(&bytes[..count])
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

/// The keys that these bytes stand for; arrows come as three bytes (ECMA-48, CUF and CUB).
fn keys(bytes: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while let [first, after @ ..] = rest {
        let (key, taken) = match (first, after) {
            (0x1b, [b'[' | b'O', b'C', ..]) => (Some(Key::Later), 3),
            (0x1b, [b'[' | b'O', b'D', ..]) => (Some(Key::Earlier), 3),
            (b'q' | b'Q' | 3, _) => (Some(Key::Quit), 1),
            (b' ', _) => (Some(Key::Hold), 1),
            (b'd', _) => (Some(Key::Yesterday), 1),
            (b'w', _) => (Some(Key::LastWeek), 1),
            (b'h', _) => (Some(Key::Earlier), 1),
            (b'l', _) => (Some(Key::Later), 1),
            _ => (None, 1),
        };
        found.extend(key);
        rest = &rest[taken..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Key, keys};

    #[test]
    fn keys_are_known_and_others_passed_over() {
        assert_eq!(keys(b" \x1b[D\x1bOCxq"), [Key::Hold, Key::Earlier, Key::Later, Key::Quit]);
        assert_eq!(keys(b"dw\x1b["), [Key::Yesterday, Key::LastWeek]);
    }
}
