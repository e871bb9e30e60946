//! How a tool ends: exit codes, chosen in one place from the kind of failure, and failures as text.

use super::Tool;

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(u8);

impl Code {
    /// Done.
    pub const OK: Code = Code(0);
    /// A negative answer.
    pub const NEGATIVE: Code = Code(1);
    /// `check` could not tell, or failed.
    pub const UNKNOWN: Code = Code(3);
    /// The arguments were wrong.
    pub const USAGE: Code = Code(64);
    /// Some input was not valid; the rest was done.
    pub const DATA: Code = Code(65);
    /// A remote side was silent.
    pub const REMOTE: Code = Code(69);
    /// A bug of ours.
    pub const BUG: Code = Code(70);
    /// Reading or writing failed.
    pub const IO: Code = Code(74);
    /// Try again later.
    pub const AGAIN: Code = Code(75);
    /// The configuration is wrong.
    pub const CONFIG: Code = Code(78);

    /// A code by its number, as a child process or a verdict gave it.
    pub const fn of(number: u8) -> Code {
        Code(number)
    }

    /// The number that the shell sees.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Why a tool could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// What was typed makes no sense: the message, and perhaps what to do.
    Usage(String, Option<String>),
    /// The input was not valid.
    Data(String),
    /// A remote side did not answer.
    Remote(String),
    /// Reading or writing failed: what, and the system's words.
    Io(String, std::io::Error),
    /// Something is held by another process; later it may work.
    Again(String),
    /// A configuration file is wrong: the message, and perhaps what to do.
    Config(String, Option<String>),
    /// The reader of standard output has left.
    ClosedPipe,
}

impl Failure {
    /// What was typed makes no sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::Usage(message.into(), None)
    }

    /// What was typed makes no sense, and what to do about it.
    pub fn usage_hint(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::Usage(message.into(), Some(hint.into()))
    }

    /// Reading or writing `what` failed.
    pub fn io(what: impl Into<String>, error: std::io::Error) -> Failure {
        Failure::Io(what.into(), error)
    }

    /// Writing to standard output failed; a reader that left is told apart.
    pub fn stdout(error: std::io::Error) -> Failure {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Io("standard output: cannot write".into(), error),
        }
    }

    /// The exit code, for every failure of every tool.
    pub(crate) fn code(&self, tool: &Tool) -> Code {
        if matches!(self, Failure::ClosedPipe) {
            return Code::OK;
        }
        if tool.usage_code == Code::UNKNOWN {
            return Code::UNKNOWN;
        }
        match self {
            Failure::Usage(..) => Code::USAGE,
            Failure::Data(_) => Code::DATA,
            Failure::Remote(_) => Code::REMOTE,
            Failure::Io(..) => Code::IO,
            Failure::Again(_) => Code::AGAIN,
            Failure::Config(..) => Code::CONFIG,
            Failure::ClosedPipe => Code::OK,
        }
    }

    /// The text for standard error: `tool: message`, and a hint on its own line.
    pub(crate) fn text(&self, tool: &str) -> String {
        match self {
            Failure::ClosedPipe => String::new(),
            Failure::Usage(message, Some(hint)) | Failure::Config(message, Some(hint)) => format!("{tool}: {message}\nhint: {hint}\n"),
            Failure::Usage(message, None) | Failure::Config(message, None) => format!("{tool}: {message}\n"),
            Failure::Data(message) | Failure::Remote(message) | Failure::Again(message) => format!("{tool}: {message}\n"),
            Failure::Io(what, error) => format!("{tool}: {what}: {}\n", system_words(error)),
        }
    }
}

/// The system's words for an error, lower case and without its number.
pub(super) fn system_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => "unknown error".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_words_come_without_their_number() {
        assert_eq!(system_words(&std::io::Error::from_raw_os_error(2)), "no such file or directory");
    }
}
