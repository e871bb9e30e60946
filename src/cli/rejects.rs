//! Lines that are no records: told to people, kept whole where wished, counted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use super::{Code, Failure, Io};
use crate::ndjson::LineError;
use crate::record::show;

/// How many lines of one cause are told one by one.
const TOLD: u64 = 10;

/// Where a line stood.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The input's name, as typed; `stdin` for standard input.
    pub input: &'a str,
    /// The line's number, from 1.
    pub line: u64,
}

/// Tells, keeps and counts the lines of one tool's input that are no records.
pub struct Rejects {
    tool: &'static str,
    file: Option<(String, File)>,
    strict: bool,
    causes: BTreeMap<&'static str, u64>,
    /// For each input that had some: its name, how many, and the first one's line.
    inputs: Vec<(String, u64, u64)>,
}

impl Rejects {
    /// Nothing rejected yet; `file` is created anew when given.
    ///
    /// # Errors
    /// When the file can't be created.
    pub fn new(tool: &'static str, file: Option<&str>, strict: bool) -> Result<Rejects, Failure> {
        let file = match file {
            None => None,
            Some(path) => {
                let file = File::create(path)
                    .map_err(|error| Failure::io(format!("--rejects {}: cannot create", show(path.as_bytes(), 200)), error))?;
                Some((path.to_owned(), file))
            }
        };
        Ok(Rejects { tool, file, strict, causes: BTreeMap::new(), inputs: Vec::new() })
    }

    /// Tells of one line; the first ten of a cause are shown, all are counted.
    ///
    /// # Errors
    /// With `--strict`, and when the file of rejected lines can't be written.
    pub fn reject(&mut self, io: &mut Io, place: Place<'_>, error: &LineError, line: &[u8]) -> Result<(), Failure> {
        self.reject_part(io, place, error, line, "line")
    }

    /// As [`Rejects::reject`], where `part` says what was skipped: a `line`, or a `cell` of one.
    ///
    /// # Errors
    /// As [`Rejects::reject`].
    pub fn reject_part(&mut self, io: &mut Io, place: Place<'_>, error: &LineError, line: &[u8], part: &str) -> Result<(), Failure> {
        let input = show(place.input.as_bytes(), 200);
        let told = format!("{input}:{}:{}: {error}", place.line, error.column);
        if let Some((path, file)) = &mut self.file {
            let written = file.write_all(line).and_then(|()| file.write_all(b"\n"));
            written.map_err(|error| Failure::io(format!("--rejects {}: cannot write", show(path.as_bytes(), 200)), error))?;
        }
        if self.strict {
            return Err(Failure::Data(told));
        }
        let count = self.causes.entry(error.cause).or_default();
        *count += 1;
        if *count <= TOLD {
            let shown = if line.is_empty() { String::new() } else { format!(": {}", show(line, 80)) };
            io.tell(self.tool, format!("{told}; {part} skipped{shown}"));
        }
        match self.inputs.iter_mut().find(|(name, ..)| *name == input) {
            Some((_, count, _)) => *count += 1,
            None => self.inputs.push((input, 1, place.line)),
        }
        Ok(())
    }

    /// How many lines were rejected.
    pub fn count(&self) -> u64 {
        self.inputs.iter().map(|(_, count, _)| count).sum()
    }

    /// Tells what one input came to, `lines` being all of its lines.
    pub fn close_input(&mut self, io: &mut Io, input: &str, lines: u64) {
        let input = show(input.as_bytes(), 200);
        if let Some((name, count, first)) = self.inputs.iter().find(|(name, ..)| *name == input) {
            let line = if lines == 1 { "line" } else { "lines" };
            io.tell(self.tool, format!("{name}: {count} of {lines} {line} skipped, first at {first}"));
        }
    }

    /// Tells, at the end, of causes of which not every line was shown.
    pub fn close(&mut self, io: &mut Io) {
        for (cause, count) in &self.causes {
            if *count > TOLD {
                io.tell(self.tool, format!("{} more lines skipped for the same cause: {cause}", count - TOLD));
            }
        }
    }

    /// The exit code that the lines come to.
    pub fn code(&self) -> Code {
        if self.count() == 0 { Code::OK } else { Code::DATA }
    }
}
