//! `collect log --follow`: files as they grow, with their places remembered.
//!
//! Order of effects: read, write and flush the records, then save the places. So a crash repeats
//! the lines of a second at most, and loses none.

use std::path::PathBuf;
use std::time::Instant;

use clap::ArgMatches;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::report::{Health, Report};
use super::Work;
use crate::cli::{Code, Failure, Io, Output, Place, Rejects, Stop, Trouble};
use crate::ndjson::LineError;
use crate::record::{Tags, show};
use crate::source::log::{News, Places, PlacesError, Seen, Tail, Watch};
use crate::time::Span;

/// How often files are looked at where the system does not tell of changes.
const LOOK: Span = Span::from_millis(200);

/// How often places are saved while lines keep coming.
const SAVE: Span = Span::from_secs(1);

/// What is to be followed.
pub(super) struct Plan {
    files: Vec<PathBuf>,
    folder: PathBuf,
    from_end: bool,
    rejects: Option<String>,
    strict: bool,
    tags: Tags,
}

impl Plan {
    pub(super) fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let files: Vec<PathBuf> = matches.get_many::<String>("files").into_iter().flatten().map(PathBuf::from).collect();
        if files.is_empty() || files.iter().any(|file| file.as_os_str() == "-") {
            return Err(Failure::usage_hint("--follow needs files", "standard input is read as it comes, without --follow"));
        }
        if let Some(twice) = (1..files.len()).find(|at| files[..*at].contains(&files[*at])) {
            return Err(Failure::usage(format!("`{}` is given twice", files[twice].display())));
        }
        let state = matches.get_one::<String>("state").map_or_else(|| io.state.clone(), PathBuf::from);
        Ok(Plan {
            files,
            folder: state.join("collect-log"),
            from_end: matches.get_one::<String>("from").is_none_or(|from| from == "end"),
            rejects: matches.get_one::<String>("rejects").cloned(),
            strict: matches.get_flag("strict"),
            tags: super::super::tags(matches, io)?,
        })
    }
}

/// One followed file.
struct Followed {
    name: String,
    tail: Tail,
    places: Places,
    lines: u64,
}

/// What happens to the lines that files give.
struct Sink<'a> {
    work: Work,
    rejects: Rejects,
    out: Output,
    io: &'a mut Io,
    /// Why the work can't go on, which a reader can't say.
    failure: Option<Failure>,
    dropped: u64,
}

impl Sink<'_> {
    /// Takes what one file gives.
    fn take(&mut self, name: &str, lines: &mut u64, seen: Seen<'_>) -> std::io::Result<()> {
        let done = match seen {
            Seen::News(news) => {
                tell(self.io, name, news);
                Ok(())
            }
            Seen::Line(line) => {
                *lines += 1;
                let now = self.io.now();
                match self.work.line(line, now, &mut self.out) {
                    Ok(()) => Ok(()),
                    Err(Trouble::End(failure)) => Err(failure),
                    Err(Trouble::Line(error)) => self.reject(name, *lines, &error, line),
                }
            }
            Seen::TooLong(length) => {
                *lines += 1;
                self.reject(name, *lines, &LineError::too_long(length), b"")
            }
        };
        done.map_err(|failure| {
            self.failure = Some(failure);
            std::io::ErrorKind::Other.into()
        })
    }

    fn reject(&mut self, name: &str, line: u64, error: &LineError, bytes: &[u8]) -> Result<(), Failure> {
        self.dropped += 1;
        self.rejects.reject(self.io, Place { input: name, line }, error, bytes)
    }
}

pub(super) fn run(work: Work, plan: &Plan, io: &mut Io) -> Result<Code, Failure> {
    let start = Instant::now();
    let clock = || Span::from_nanos(i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX));
    let rejects = Rejects::new("collect", plan.rejects.as_deref(), plan.strict)?;
    let mut sink = Sink { work, rejects, out: Output::take(io, false), io, failure: None, dropped: 0 };
    let watch = watch(plan, sink.io);
    let mut files = plan.files.iter().map(|path| open(path, plan, clock(), &mut sink)).collect::<Result<Vec<_>, _>>()?;
    let mut saved = Span::ZERO;
    let mut ends = false;
    while !ends {
        ends = sink.io.stop.asked();
        if let Some(watch) = &watch {
            // Before reading: what changes afterwards ends the wait.
            watch.clear();
        }
        let mut done = true;
        for file in &mut files {
            done &= read(file, &mut sink, clock())?;
        }
        if let Some(beat) = sink.io.alive.turn() {
            sink.out.lines(&beat)?;
        }
        sink.out.flush()?;
        let now = clock();
        if ends || now > saved.plus(SAVE) {
            saved = now;
            save(&mut files)?;
        }
        if done && !ends {
            wait(watch.as_ref(), &sink.io.stop);
        }
    }
    close(sink, &files, plan, clock())
}

/// Opens a file where reading it stood.
fn open(path: &std::path::Path, plan: &Plan, now: Span, sink: &mut Sink<'_>) -> Result<Followed, Failure> {
    let name = show(path.as_os_str().as_encoded_bytes(), 200);
    let told = |error| places_failure(&name, error);
    let mut places = Places::open(&plan.folder, path).map_err(told)?;
    let known = places.load().map_err(told)?;
    let mut lines = 0;
    let tail = Tail::new(path, known.as_deref(), plan.from_end, now, &mut |seen| sink.take(&name, &mut lines, seen));
    let tail = tail.map_err(|error| Failure::io(format!("{name}: cannot read"), error))?;
    // Remembered at once, so that what comes while nobody reads is not passed over as old.
    places.save(tail.places()).map_err(|error| places_failure(&name, error))?;
    Ok(Followed { name, tail, places, lines })
}

/// Reads what is new in one file; tells whether that was all.
fn read(file: &mut Followed, sink: &mut Sink<'_>, now: Span) -> Result<bool, Failure> {
    let Followed { name, tail, lines, .. } = file;
    let done = tail.poll(now, &mut |seen| sink.take(name, lines, seen));
    match (done, sink.failure.take()) {
        (_, Some(failure)) => Err(failure),
        (Ok(done), None) => Ok(done),
        (Err(error), None) => Err(Failure::io(format!("{name}: cannot read"), error)),
    }
}

fn save(files: &mut [Followed]) -> Result<(), Failure> {
    for file in files {
        file.places.save(file.tail.places()).map_err(|error| places_failure(&file.name, error))?;
    }
    Ok(())
}

/// Tells what it came to.
fn close(mut sink: Sink<'_>, files: &[Followed], plan: &Plan, duration: Span) -> Result<Code, Failure> {
    let now = sink.io.now();
    let health = Health { up: true, duration, lag: None, dropped: sink.dropped };
    sink.out.append(|block| Report::new("log", "{lines}", &plan.tags).write(block, now, &health))?;
    sink.out.flush()?;
    for file in files {
        sink.rejects.close_input(sink.io, &file.name, file.lines);
    }
    sink.rejects.close(sink.io);
    sink.work.close(sink.io);
    Ok(sink.rejects.code())
}

/// The system's word of changes, where it gives it.
fn watch(plan: &Plan, io: &mut Io) -> Option<Watch> {
    let files = plan.files.iter().map(PathBuf::as_path);
    match Watch::new(files) {
        Ok(watch) => Some(watch),
        Err(error) => {
            let why = crate::cli::failure::system_words(&error);
            io.tell("collect", format_args!("changes can't be watched for ({why}); looking every {}", LOOK.human()));
            None
        }
    }
}

/// Waits for a change, a signal, or the time to look.
fn wait(watch: Option<&Watch>, stop: &Stop) {
    let mut fds = Vec::with_capacity(2);
    fds.extend(watch.map(|watch| PollFd::from_borrowed_fd(watch.fd(), PollFlags::IN)));
    fds.extend(stop.fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    let timeout = Timespec { tv_sec: 0, tv_nsec: LOOK.nanos() };
    // An interruption only means to look earlier.
    let _ = poll(&mut fds, Some(&timeout));
}

fn tell(io: &mut Io, name: &str, news: News) {
    let words = match news {
        News::Missing => "not there yet; waiting for it",
        News::Appeared => "is there now",
        News::Rotated => return,
        News::Truncated => "was emptied or written anew; reading from its start",
        News::Gone => "the file that was read last is gone, and with it what was not read",
    };
    io.tell("collect", format_args!("{name}: {words}"));
}

fn places_failure(name: &str, error: PlacesError) -> Failure {
    match error {
        PlacesError::Held => Failure::Again(format!("{name}: another process follows it; give this one a folder of its own with --state")),
        PlacesError::Io(path, error) => Failure::io(format!("{}: cannot keep the place in {name}", path.display()), error),
    }
}
