//! The inputs of a tool: files, history folders, standard input; and the loop over their lines.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::rejects::{Place, Rejects};
use super::{Alive, Failure, Input, Io, Output, Stop};
use crate::ndjson::{Block, Blocks, LineError, Source};
use crate::record::{LINE_BYTES, show};
use crate::store::read::{self, Range, Stream};
use crate::time::{Span, Timestamp};

/// Why the work on a line failed.
pub enum Trouble {
    /// The line is no record, or not one that can be used: it is rejected, the rest goes on.
    Line(LineError),
    /// The work can't go on.
    End(Failure),
}

impl From<LineError> for Trouble {
    fn from(error: LineError) -> Trouble {
        Trouble::Line(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::End(failure)
    }
}

/// Where the work on lines leads to; standard output, for most tools.
pub trait Flush {
    /// Brings out what is gathered, as the tool is about to wait for more input.
    ///
    /// # Errors
    /// When the tool can't go on.
    fn flush(&mut self) -> Result<(), Failure>;
}

impl Flush for Output {
    fn flush(&mut self) -> Result<(), Failure> {
        Output::flush(self)
    }
}

/// The work on one line, given without its newline.
pub type Each<'a, O = Output> = &'a mut dyn FnMut(&[u8], &mut O) -> Result<(), Trouble>;

/// The options of every tool that reads records, and the files it reads.
pub fn options(command: Command) -> Command {
    let value = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    command
        .arg(Arg::new("files").value_name("FILE").num_args(0..).help("Files or history folders to read; `-` or none: standard input"))
        .args(range_options())
        .arg(value("rejects", "FILE", "Keep lines that are no records in FILE, whole"))
        .arg(Arg::new("strict").long("strict").action(ArgAction::SetTrue).help("End at the first line that is no record"))
}

/// The options `--since` and `--until`.
pub fn range_options() -> [Arg; 2] {
    let value = |id: &'static str, help: &'static str| Arg::new(id).long(id).value_name("TIME").help(help);
    [value("since", "Leave out records before TIME: an instant, or `10m` (ago)"), value("until", "Leave out records at and after TIME")]
}

/// What to read, and what to do with lines that are no records.
pub struct Inputs {
    paths: Vec<String>,
    /// The range of time that is wanted.
    pub range: Range,
    /// What was rejected.
    pub rejects: Rejects,
}

/// One stream to read: its name for messages, and its bytes.
pub struct Opened {
    /// As typed, or the day's file of a folder; `stdin` for standard input.
    pub name: String,
    /// The bytes, unpacked.
    pub stream: Stream,
}

/// Streams that follow each other, opened as they are asked for.
pub type Chain = Box<dyn Iterator<Item = Result<Opened, Failure>> + Send>;

/// Standard input, to be read once, what ends it, and what is told while it is silent.
type Stdin = Option<(Box<dyn Input>, Stop, Alive)>;

/// Takes standard input; what reads it afterwards finds its end.
fn take_stdin(io: &mut Io) -> Stdin {
    Some((std::mem::replace(&mut io.stdin, Box::new(std::io::empty())), io.stop.clone(), io.alive.clone()))
}

/// Opens one stream.
fn open_path(path: String, range: &Range, stdin: &mut Stdin) -> Result<Opened, Failure> {
    if path == "-" {
        let Some((input, stop, alive)) = stdin.take() else {
            return Err(Failure::usage("standard input can be read only once; `-` comes twice"));
        };
        let stream = read::sniff(Box::new(Waiting::new(input, stop, alive)));
        return stream.map(|stream| Opened { name: "stdin".into(), stream }).map_err(|error| Failure::io("stdin: cannot read", error));
    }
    match read::open(&PathBuf::from(&path), range) {
        Ok(stream) => Ok(Opened { name: path, stream }),
        Err(error) => Err(Failure::io(format!("{}: cannot read", show(path.as_bytes(), 200)), error)),
    }
}

impl Inputs {
    /// Takes what was typed for [`options`].
    ///
    /// # Errors
    /// When a time can't be read or the file for rejected lines can't be created.
    pub fn new(tool: &'static str, matches: &ArgMatches, io: &Io) -> Result<Inputs, Failure> {
        let paths = matches.get_many::<String>("files").into_iter().flatten().cloned().collect();
        Inputs::of_paths(tool, paths, matches, io)
    }

    /// As [`Inputs::new`], where a tool finds the files among its arguments by itself.
    ///
    /// # Errors
    /// As [`Inputs::new`].
    pub fn of_paths(tool: &'static str, mut paths: Vec<String>, matches: &ArgMatches, io: &Io) -> Result<Inputs, Failure> {
        if paths.is_empty() {
            paths.push("-".into());
        }
        let rejects = matches.get_one::<String>("rejects").map(String::as_str);
        let rejects = Rejects::new(tool, rejects, matches.get_flag("strict"))?;
        Ok(Inputs { paths, range: range(matches, io)?, rejects })
    }

    /// All of one file or folder, whatever range of time was typed for the others.
    ///
    /// # Errors
    /// As [`Inputs::new`].
    pub fn of_one(tool: &'static str, path: &str, strict: bool) -> Result<Inputs, Failure> {
        Ok(Inputs { paths: vec![path.to_owned()], range: Range::default(), rejects: Rejects::new(tool, None, strict)? })
    }

    /// Whether every input is a file or a folder, so that nothing is live.
    pub fn are_files(&self) -> bool {
        self.paths.iter().all(|path| path != "-" && (Path::new(path).is_file() || Path::new(path).is_dir()))
    }

    /// The streams of each path: a folder's are its days within the range.
    ///
    /// # Errors
    /// When a path is not there, or a folder holds no history.
    fn expand(&self) -> Result<Vec<Vec<String>>, Failure> {
        let days_of = |path: &String| {
            let folder = Path::new(path);
            if path == "-" || !folder.is_dir() {
                return Ok(vec![path.clone()]);
            }
            let failed = |error| Failure::io(format!("{}: cannot read", show(path.as_bytes(), 200)), error);
            let days = read::days(folder, &self.range).map_err(failed)?;
            if days.is_empty() && read::days(folder, &Range::default()).map_err(failed)?.is_empty() {
                let shown = show(path.as_bytes(), 200);
                return Err(Failure::Data(format!("{shown}: a history folder holds files named like `2026-11-22.ndjson`, found none")));
            }
            Ok(days.into_iter().filter_map(|day| day.into_os_string().into_string().ok()).collect())
        };
        self.paths.iter().map(days_of).collect()
    }

    /// Whether standard input is among them.
    pub fn has_stdin(&self) -> bool {
        self.paths.iter().any(|path| path == "-")
    }

    /// Opens every stream, one after the other as they are asked for.
    ///
    /// # Errors
    /// When a path is not there, or a folder holds no history.
    pub fn open(&self, io: &mut Io) -> Result<impl Iterator<Item = Result<Opened, Failure>> + Send + use<>, Failure> {
        let range = self.range;
        let mut stdin = take_stdin(io);
        Ok(self.expand()?.into_iter().flatten().map(move |path| open_path(path, &range, &mut stdin)))
    }

    /// As [`Inputs::open`], but the streams of each path that was typed for themselves: those of a
    /// folder follow each other, and whether two paths do is not known.
    ///
    /// # Errors
    /// As [`Inputs::open`].
    pub fn open_apart(&self, io: &mut Io) -> Result<Vec<Chain>, Failure> {
        let range = self.range;
        let mut stdin = take_stdin(io);
        let chain = |paths: Vec<String>| -> Chain {
            let mut own = if paths.iter().any(|path| path == "-") { stdin.take() } else { None };
            Box::new(paths.into_iter().map(move |path| open_path(path, &range, &mut own)))
        };
        Ok(self.expand()?.into_iter().map(chain).collect())
    }

    /// Reads every line of every input; flushes `out` whenever it is about to wait.
    ///
    /// A line for which `each` says [`Trouble::Line`] is rejected: told, kept where wished, counted.
    /// Ends early, and without an error, when a signal asks for it. Empty input is an error, unless
    /// a range of time was asked for.
    ///
    /// # Errors
    /// When an input can't be read, `each` fails, or no line was a record.
    pub fn each<O: Flush>(&mut self, io: &mut Io, out: &mut O, each: Each<'_, O>) -> Result<(), Failure> {
        let mut block = Block::default();
        let mut good = 0u64;
        for opened in self.open(io)? {
            let Opened { name, stream } = opened?;
            let mut blocks = Blocks::new(stream);
            let mut line = 0u64;
            loop {
                let mut flushed = Ok(());
                let next = blocks.next(&mut block, &mut || {
                    flushed = out.flush();
                    if flushed.is_err() { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
                });
                flushed?;
                if !next.map_err(|error| Failure::io(format!("{}: cannot read", show(name.as_bytes(), 200)), error))? {
                    break;
                }
                if let Some(length) = block.too_long {
                    line += 1;
                    self.rejects.reject(io, Place { input: &name, line }, &LineError::too_long(length), b"")?;
                }
                for bytes in block.lines() {
                    line += 1;
                    let done =
                        if bytes.len() > LINE_BYTES { Err(LineError::too_long(bytes.len() as u64).into()) } else { each(bytes, out) };
                    match done {
                        Ok(()) => good += 1,
                        Err(Trouble::End(failure)) => return Err(failure),
                        Err(Trouble::Line(error)) => self.rejects.reject(io, Place { input: &name, line }, &error, bytes)?,
                    }
                }
                io.alive.turn();
                if io.stop.asked() {
                    break;
                }
            }
            self.rejects.close_input(io, &name, line);
            if io.stop.asked() {
                break;
            }
        }
        self.rejects.close(io);
        if good == 0 {
            out.flush()?;
            self.nothing_good(io)?;
        }
        Ok(())
    }

    /// Fails when no input had a record, unless a range of time may be why, or a signal.
    ///
    /// # Errors
    /// [`Failure::Data`] naming the inputs.
    pub fn nothing_good(&self, io: &Io) -> Result<(), Failure> {
        let excused = self.rejects.count() == 0 && (!self.range.is_all() || io.stop.asked());
        if excused {
            return Ok(());
        }
        let names: Vec<String> =
            self.paths.iter().map(|path| if path == "-" { "stdin".into() } else { show(path.as_bytes(), 200) }).collect();
        Err(Failure::Data(format!("{}: no record found", names.join(", "))))
    }
}

/// The range of time that was typed.
///
/// # Errors
/// When a time can't be read, or the range holds nothing.
pub fn range(matches: &ArgMatches, io: &Io) -> Result<Range, Failure> {
    let instant = |id: &str| -> Result<Option<Timestamp>, Failure> {
        // Tools that read other formats than records have no such options.
        let text = matches.try_get_one::<String>(id).unwrap_or_default();
        text.map(|text| Timestamp::parse_loose(text, io.now()).map_err(|error| Failure::usage(format!("--{id}: {error}")))).transpose()
    };
    let range = Range { since: instant("since")?, until: instant("until")? };
    match (range.since, range.until) {
        (Some(since), Some(until)) if since >= until => {
            Err(Failure::usage(format!("--since {since} is not before --until {until}: nothing lies between")))
        }
        _ => Ok(range),
    }
}

/// An input that ends when a signal asks for it, and knows whether reading would wait.
struct Waiting {
    input: Box<dyn Input>,
    stop: Stop,
    /// Told that the program goes on while nothing comes.
    alive: Alive,
}

impl Waiting {
    fn new(input: Box<dyn Input>, stop: Stop, alive: Alive) -> Waiting {
        // A larger pipe means fewer turns between writer and reader; where it is refused, it is refused.
        if let Some(fd) = input.fd() {
            let _ = rustix::pipe::fcntl_setpipe_size(fd, 1 << 20);
        }
        Waiting { input, stop, alive }
    }

    /// How long to wait at most, as the program has to tell that it lives.
    fn rest(&self) -> Option<Span> {
        self.alive.turn();
        self.alive.rest()
    }

    /// Whether there is something to read; waits for it, or a signal, when told to.
    fn poll(&self, wait: bool) -> std::io::Result<bool> {
        let Some(fd) = self.input.fd() else { return Ok(true) };
        loop {
            if self.stop.asked() {
                return Ok(true);
            }
            let mut fds = Vec::with_capacity(2);
            fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
            fds.extend(self.stop.fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            let rest = if wait { self.rest() } else { Some(Span::ZERO) };
            let timeout = rest.map(|rest| Timespec { tv_sec: rest.nanos() / 1_000_000_000, tv_nsec: rest.nanos() % 1_000_000_000 });
            match poll(&mut fds, timeout.as_ref()) {
                Ok(_) => return Ok(!fds[0].revents().is_empty()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for Waiting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while !self.poll(true)? {
            if self.stop.asked() {
                break;
            }
        }
        if self.stop.asked() {
            return Ok(0);
        }
        self.input.read(buffer)
    }
}

impl Source for Waiting {
    fn ready(&mut self) -> bool {
        self.poll(false).unwrap_or(true)
    }

    fn is_cut(&self) -> bool {
        self.stop.asked()
    }
}
