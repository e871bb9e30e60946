//! Why a line is no record.

/// Why a line is no record, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// The cause in a few words, the same for every line that has it; mistakes are counted by it.
    pub cause: &'static str,
    /// The byte where it shows, counted from 1.
    pub column: usize,
    /// What was expected and what was found, safe for a terminal.
    pub message: String,
}

impl LineError {
    /// A mistake at a byte column counted from 1.
    pub fn new(cause: &'static str, column: usize, message: impl Into<String>) -> LineError {
        LineError { cause, column, message: message.into() }
    }

    /// A line longer than a record may be; `bytes` is its length.
    pub fn too_long(bytes: u64) -> LineError {
        let most = crate::record::LINE_BYTES;
        LineError::new("too long", most + 1, format!("a line may be {most} bytes at most, found {bytes}"))
    }
}

impl std::fmt::Display for LineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for LineError {}
