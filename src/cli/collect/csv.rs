//! `collect csv`: tables of text to samples.

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::rc::Rc;

use clap::{Arg, ArgAction, ArgMatches};
use csv::{ByteRecord, ReaderBuilder};

use crate::cli::args::{at, at_option};
use crate::cli::input::Opened;
use crate::cli::{Code, Failure, Inputs, Io, Output, Place};
use crate::ndjson::{Source, write_sample};
use crate::record::nearest;
use crate::record::{LINE_BYTES, SampleType, show};
use crate::source::csv::{Choice, ChoiceError, Table};
use crate::source::when::TimeFormat;
use crate::store::read::Stream;

const EXAMPLES: &str = "\
Examples:
  collect csv room.csv                 every column of numbers is a metric; the time is found
  collect csv room.csv --time when --time-format '%d.%m.%Y %H:%M' --delimiter ';'
  collect csv log.csv --time ts --metric name --value reading --tag host
  cut -d, -f1,3 big.csv | collect csv --no-header --time 1 --value 2 --name queue.depth";

/// How much is read at once.
const BUFFER_BYTES: usize = 64 << 10;

pub(super) fn command() -> clap::Command {
    let option = |id: &'static str, name: &'static str, help: &'static str| Arg::new(id).long(id).value_name(name).help(help);
    let several = |arg: Arg| arg.action(ArgAction::Append);
    clap::Command::new("csv")
        .about("Tables of text: a column of times, columns of numbers")
        .before_help(EXAMPLES)
        .arg(option("time", "COLUMN", "The column of the time, by name or number; else one named time, timestamp, ts, date"))
        .arg(super::time_format_option())
        .arg(several(option("value", "COLUMN", "A column of values; else every further column that holds numbers")))
        .arg(option("metric", "COLUMN", "The column that holds the metric's name"))
        .arg(option("name", "NAME", "The metric's name, else that of the column; with several columns, what their names begin with"))
        .arg(several(option("tag", "COLUMN", "A column that is a tag; or KEY=VALUE, a tag of every record")))
        .arg(several(option("unit", "UNIT", "The values' unit, or COLUMN=UNIT for one column")))
        .arg(super::type_option())
        .arg(option("delimiter", "CHAR", "What separates cells, or `tab`").default_value(","))
        .arg(Arg::new("no-header").long("no-header").action(ArgAction::SetTrue).help("The first row is data; columns are numbers, from 1"))
        .args(super::input_options())
        .arg(at_option())
}

/// What is to be done.
struct Plan {
    choice: Choice,
    delimiter: u8,
    header: bool,
}

impl Plan {
    fn new(matches: &ArgMatches, io: &Io) -> Result<Plan, Failure> {
        let one = |id: &str| matches.get_one::<String>(id).cloned();
        let many = |id: &str| matches.get_many::<String>(id).into_iter().flatten();
        let (mut tags, mut fixed) = (Vec::new(), crate::cli::args::tags_of_environment(io)?);
        for text in many("tag") {
            match text.split_once('=') {
                Some((key, value)) if !key.is_empty() => drop(fixed.set(key, value)),
                _ => tags.push(text.clone()),
            }
        }
        let units = many("unit").map(|text| match text.split_once('=') {
            Some((column, unit)) => (Some(column.to_owned()), unit.to_owned()),
            None => (None, text.clone()),
        });
        let choice = Choice {
            time: one("time"),
            time_format: matches.get_one("time-format").cloned().unwrap_or(TimeFormat::Usual),
            values: many("value").cloned().collect(),
            metric: one("metric"),
            name: one("name"),
            tags,
            fixed,
            units: units.collect(),
            kind: matches.get_one("type").copied().unwrap_or(SampleType::Gauge),
        };
        let delimiter = one("delimiter").unwrap_or_default();
        let delimiter = match delimiter.as_bytes() {
            [byte] if !matches!(byte, b'"' | b'\n' | b'\r') => *byte,
            b"tab" | b"\\t" => b'\t',
            _ => {
                let shown = show(delimiter.as_bytes(), 20);
                return Err(Failure::usage(format!("--delimiter: `{shown}` must be one character, or `tab`")));
            }
        };
        Ok(Plan { choice, delimiter, header: !matches.get_flag("no-header") })
    }
}

pub(super) fn run(matches: &ArgMatches, io: &mut Io) -> Result<Code, Failure> {
    at(matches, io)?;
    let plan = Plan::new(matches, io)?;
    let mut inputs = Inputs::new("collect", matches, io)?;
    let out = Rc::new(RefCell::new(Output::take(io, false)));
    let mut samples = 0u64;
    for opened in inputs.open(io)? {
        samples += read(&plan, opened?, &mut inputs, &out, io)?;
    }
    inputs.rejects.close(io);
    out.borrow_mut().flush()?;
    if samples == 0 {
        inputs.nothing_good(io)?;
    }
    Ok(inputs.rejects.code())
}

/// Reads one table; gives the number of its samples.
fn read(plan: &Plan, opened: Opened, inputs: &mut Inputs, out: &Rc<RefCell<Output>>, io: &mut Io) -> Result<u64, Failure> {
    let Opened { name, stream } = opened;
    let live = Live { stream, out: Rc::clone(out), failure: Rc::default(), unread: Rc::default(), first: None };
    let (failure, unread) = (Rc::clone(&live.failure), Rc::clone(&live.unread));
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(plan.delimiter).buffer_capacity(BUFFER_BYTES);
    let mut reader = builder.from_reader(live);
    let (mut row, mut table, mut samples, mut lines) = (ByteRecord::new(), None, 0, 0);
    let mut lag = 0;
    loop {
        match reader.read_byte_record(&mut row) {
            Ok(false) => break,
            // A row that the end of a stopped stream has cut may end within a number.
            Ok(true) if io.stop.asked() && reader.is_done() => break,
            Ok(true) => unread.set(0),
            Err(error) => return Err(failure.take().unwrap_or_else(|| told(&name, lines + 1, error))),
        }
        lines = row.position().map_or(0, csv::Position::line) + lag;
        let cells: Vec<&[u8]> = row.iter().collect();
        let table = match &mut table {
            Some(table) => table,
            none => {
                lag = u64::from(ended_by_return(&row, reader.position()));
                let table = none.insert(Table::new(columns(&cells, plan.header), &plan.choice).map_err(|why| misfit(&name, why))?);
                if plan.header {
                    continue;
                }
                table
            }
        };
        let mut written = Ok(());
        let spoilt = table.row(&cells, io.now(), &mut |ts, series, value| {
            samples += 1;
            if written.is_ok() {
                written = out.borrow_mut().append(|block| write_sample(block, ts, series, value));
            }
        });
        written?;
        if let Some(spoilt) = spoilt {
            let part = if spoilt.whole { "row" } else { "cell" };
            inputs.rejects.reject_part(io, Place { input: &name, line: lines }, &spoilt.error, &raw(&row, plan.delimiter), part)?;
        }
    }
    for column in table.iter().flat_map(Table::unused) {
        let (name, column) = (show(name.as_bytes(), 200), show(column.as_bytes(), 80));
        io.tell("collect", format_args!("{name}: column `{column}` holds no numbers, left out; with `--tag '{column}'` it is a tag"));
    }
    inputs.rejects.close_input(io, &name, lines);
    Ok(samples)
}

/// Whether rows end with CR LF: then a row counts as read at its CR, and the reader's count of lines
/// lags by the LF that it has not seen yet.
fn ended_by_return(first: &ByteRecord, behind: &csv::Position) -> bool {
    let within = first.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
    first.position().is_some_and(|begin| begin.line() + within == behind.line())
}

/// The columns' names: the cells of the first row, or made ones.
fn columns(cells: &[&[u8]], header: bool) -> Vec<String> {
    let named = |(at, cell): (usize, &&[u8])| match header {
        true => String::from_utf8_lossy(cell.trim_ascii()).into_owned(),
        false => format!("column.{}", at + 1),
    };
    cells.iter().enumerate().map(named).collect()
}

/// A row as text again, for the file of what was rejected.
fn raw(row: &ByteRecord, delimiter: u8) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).flexible(true).from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_byte_record(row);
    let mut line = writer.into_inner().unwrap_or_default();
    line.pop();
    line
}

/// What was typed does not fit the columns that are there.
fn misfit(input: &str, why: ChoiceError) -> Failure {
    let input = show(input.as_bytes(), 200);
    let list = |columns: &[String]| {
        let shown: Vec<String> = columns.iter().map(|name| format!("`{}`", show(name.as_bytes(), 40))).collect();
        shown.join(", ")
    };
    match why {
        ChoiceError::Unknown(wanted, columns) => {
            let hint = match nearest(&wanted, columns.iter().map(String::as_str)) {
                Some(name) => format!("did you mean `{}`?", show(name.as_bytes(), 80)),
                None => format!("the columns are {}", list(&columns)),
            };
            Failure::usage_hint(format!("{input}: there is no column `{}`", show(wanted.as_bytes(), 80)), hint)
        }
        ChoiceError::NoTime(columns) => Failure::usage_hint(
            format!("{input}: which column is the time?"),
            format!("name it with --time; the columns are {}", list(&columns)),
        ),
        ChoiceError::NoValue => Failure::usage(format!("{input}: no column is left for values")),
        ChoiceError::Name(name, why) => {
            let message = format!("{input}: `{}` can't be a metric's name: it {why}", show(name.as_bytes(), 80));
            Failure::usage_hint(message, "give names with --name, or choose columns with --value")
        }
    }
}

/// An input that can't be read on.
fn told(input: &str, line: u64, error: csv::Error) -> Failure {
    let input = show(input.as_bytes(), 200);
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Failure::Data(format!("{input}: behind line {line}: a row is longer than {LINE_BYTES} bytes; a quote may not be closed"))
        }
        csv::ErrorKind::Io(error) => Failure::io(format!("{input}: cannot read"), error),
        kind => Failure::Data(format!("{input}:{line}: {kind:?}")),
    }
}

/// A stream that writes what is gathered before it waits, and that bounds a row.
struct Live {
    stream: Stream,
    out: Rc<RefCell<Output>>,
    /// Why writing failed, which a reader can't say.
    failure: Rc<RefCell<Option<Failure>>>,
    /// Bytes read since the last row ended.
    unread: Rc<Cell<usize>>,
    /// The first bytes, once they are known to be no byte order mark; to be read first.
    first: Option<Vec<u8>>,
}

/// What some programs write before a text in UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

impl Live {
    /// Reads past a byte order mark; what was no mark is kept.
    fn skip_mark(&mut self) -> std::io::Result<Vec<u8>> {
        let (mut first, mut byte) = (Vec::with_capacity(3), [0]);
        // As few bytes as tell, so that a live pipe's first row does not wait for the second.
        while first.len() < 3 && BYTE_ORDER_MARK.starts_with(&first) && self.stream.read(&mut byte)? == 1 {
            first.push(byte[0]);
        }
        if first == BYTE_ORDER_MARK {
            first.clear();
        }
        Ok(first)
    }
}

impl Read for Live {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.unread.get() > LINE_BYTES + BUFFER_BYTES {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        if !self.stream.ready()
            && let Err(failure) = self.out.borrow_mut().flush()
        {
            self.failure.replace(Some(failure));
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        let kept = match &mut self.first {
            Some(first) => std::mem::take(first),
            None => {
                self.first = Some(Vec::new());
                self.skip_mark()?
            }
        };
        if !kept.is_empty() {
            buffer[..kept.len()].copy_from_slice(&kept);
            return Ok(kept.len());
        }
        let read = self.stream.read(buffer)?;
        self.unread.set(self.unread.get() + read);
        Ok(read)
    }
}
