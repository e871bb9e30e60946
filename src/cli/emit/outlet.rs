//! All destinations of one run together, and what a person is told about them.
//!
//! Standard output comes last: a line is written there only when every file has taken it, so that
//! under `--sync always` a line that comes out is one that is safe. Lines that a file keeps back
//! (its disk is full) are kept back here too, and lines that it lost are lost here.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::failure::system_words;
use crate::cli::input::Flush;
use crate::cli::{Code, Failure, Io, Output};
use crate::sink::{self, Destination, Outgoing, Promise, Sink, SinkError, Taken};
use crate::store::append::{AppendError, Durability};

/// How much is gathered before it is brought out, when input does not pause.
const BLOCK_BYTES: usize = 256 << 10;

/// The destinations of one run.
pub(super) struct Outlet {
    ways: Vec<Way>,
    stdout: Option<Output>,
    /// What standard output gets once the others have it.
    held: Vec<u8>,
    /// How many bytes came since the last flush.
    gathered: usize,
    voice: Voice,
    /// Whether to speak of what nobody need care about.
    verbose: bool,
}

/// One sink, and how it fares.
struct Way {
    sink: Box<dyn Sink>,
    /// Whether the last try failed, and what was to be brought out is kept.
    failing: bool,
    /// What can't be made good any more.
    code: Code,
}

impl Outlet {
    /// Opens all destinations.
    pub(super) fn open(destinations: &[Destination], durability: Durability, verbose: bool, io: &mut Io) -> Result<Outlet, Failure> {
        let elapsed = super::super::elapsed();
        let mut ways = Vec::new();
        for destination in destinations {
            let sink = sink::open(destination, durability, &elapsed).map_err(failure)?;
            ways.extend(sink.map(|sink| Way { sink, failing: false, code: Code::OK }));
        }
        let stdout = destinations.contains(&Destination::Stdout).then(|| Output::take(io, false));
        let verbose = verbose || io.stderr_is_terminal;
        Ok(Outlet { ways, stdout, held: Vec::new(), gathered: 0, voice: Voice::share(io), verbose })
    }

    /// Whether any destination needs records as samples.
    pub(super) fn wants_samples(&self) -> bool {
        self.ways.iter().any(|way| way.sink.wants_samples())
    }

    /// Takes a record for all destinations.
    pub(super) fn take(&mut self, record: &Outgoing<'_>) -> Result<(), Failure> {
        let mut full = false;
        for way in &mut self.ways {
            full |= way.sink.take(record) == Taken::Full;
        }
        if let Some(stdout) = &mut self.stdout {
            if self.ways.is_empty() {
                return stdout.lines(record.line);
            }
            if !full {
                self.held.extend_from_slice(record.line);
            }
        }
        self.gathered += record.line.len();
        if self.gathered >= BLOCK_BYTES { self.flush() } else { Ok(()) }
    }

    /// Brings everything out for good; the code says what could not be.
    pub(super) fn finish(&mut self) -> Result<Code, Failure> {
        let mut code = Code::OK;
        let mut unsafe_lines = false;
        for way in &mut self.ways {
            let ended = way.finish(&self.voice, self.verbose);
            unsafe_lines |= ended != Code::OK && way.sink.promise() == Promise::Kept;
            code = worse(code, ended);
        }
        if unsafe_lines {
            self.held.clear();
        }
        self.release()?;
        Ok(code)
    }

    /// Writes to standard output what the other destinations have.
    fn release(&mut self) -> Result<(), Failure> {
        let Some(stdout) = &mut self.stdout else { return Ok(()) };
        let written = stdout.lines(&self.held).and_then(|()| stdout.flush());
        self.held.clear();
        if written.is_err() {
            self.stdout = None;
        }
        written
    }
}

impl Flush for Outlet {
    fn flush(&mut self) -> Result<(), Failure> {
        self.gathered = 0;
        let mut kept_back = false;
        for way in &mut self.ways {
            way.flush(&self.voice);
            kept_back |= way.failing && way.sink.promise() == Promise::Kept;
        }
        if kept_back { Ok(()) } else { self.release() }
    }
}

impl Way {
    /// Brings out what was taken; tells when that begins to fail, and when it works again.
    fn flush(&mut self, voice: &Voice) {
        let flushed = self.sink.flush();
        voice.notes(self.sink.as_mut());
        match flushed {
            Ok(()) if self.failing => {
                self.failing = false;
                voice.tell(&format!("{}: works again", self.sink.name()));
            }
            Ok(()) => {}
            Err(error) if error.is_done() => {
                self.code = worse(self.code, Code::IO);
                voice.tell(&words(&error));
            }
            Err(error) => {
                if !self.failing {
                    voice.tell(&format!("{}; kept, and tried again with what follows", words(&error)));
                }
                self.failing = true;
            }
        }
    }

    /// Brings out what is left, and says what became of everything.
    fn finish(&mut self, voice: &Voice, verbose: bool) -> Code {
        let finished = self.sink.finish();
        voice.notes(self.sink.as_mut());
        if let Err(error) = &finished {
            voice.tell(&words(error));
        }
        let failed = match self.sink.promise() {
            Promise::Kept => Code::IO,
            Promise::Tried => Code::REMOTE,
            Promise::Sent => Code::OK,
        };
        let counts = self.sink.counts();
        if counts.lost > 0 && (verbose || failed != Code::OK) {
            voice.tell(&format!("{}: {} lost", self.sink.name(), records(counts.lost)));
        }
        if counts.unfit > 0 && verbose {
            voice.tell(&format!("{}: {} left out, as there is no place for such there", self.sink.name(), records(counts.unfit)));
        }
        if finished.is_err() || counts.lost > 0 { worse(self.code, failed) } else { self.code }
    }
}

/// The code that is told of two.
fn worse(one: Code, other: Code) -> Code {
    if one.number() >= other.number() { one } else { other }
}

fn records(count: u64) -> String {
    if count == 1 { "1 record".into() } else { format!("{count} records") }
}

/// An error with the system's words.
fn words(error: &SinkError) -> String {
    match error.system() {
        Some(system) => format!("{error}: {}", system_words(system)),
        None => error.to_string(),
    }
}

/// A destination that could not be opened, as the tool's failure.
fn failure(error: SinkError) -> Failure {
    let text = error.to_string();
    match error {
        SinkError::Append(AppendError::Io { error, .. } | AppendError::Sync { error, .. }) => Failure::Io(text, error),
        SinkError::Append(_) => Failure::usage(text),
        SinkError::Remote { .. } => Failure::Remote(words(&error)),
    }
}

/// Standard error, for those who run while the tool reads.
struct Voice(Arc<Mutex<Box<dyn Write + Send>>>);

impl Voice {
    /// Shares standard error with `io`.
    fn share(io: &mut Io) -> Voice {
        let stderr = std::mem::replace(&mut io.stderr, Box::new(std::io::sink()));
        let shared = Arc::new(Mutex::new(stderr));
        io.stderr = Box::new(Voice(Arc::clone(&shared)));
        Voice(shared)
    }

    fn tell(&self, message: &str) {
        let mut stderr = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // When standard error is closed nobody can be told, and the work matters more.
        let _ = writeln!(stderr, "emit: {message}");
    }

    fn notes(&self, sink: &mut dyn Sink) {
        for note in sink.notes() {
            self.tell(&note);
        }
    }
}

impl Write for Voice {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
