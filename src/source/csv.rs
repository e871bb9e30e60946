//! Tables of text: rows of cells to samples.
//!
//! One column holds the time. The others are metrics (each by its column's name), tags, or, in a
//! long table, the metric's name:
//!
//! ```text
//! wide   time,cpu,memory,host       long   time,what,reading
//!        10:00,0.5,812,web-1               10:00,cpu,0.5
//!        │     └──┬──┘ └ tag               │     │   └ value
//!        time   metrics                    time  metric
//! ```
//!
//! An empty cell is a value that is not known. A cell that should be a number and is not spoils
//! itself, not its row; a row without a time is spoilt. Knows rows, not files or quotes.

use super::when::TimeFormat;
use crate::ndjson::LineError;
use crate::record::{SampleType, Series, Tags, check_name, show};
use crate::time::Timestamp;

/// Names of columns that are taken for the time when none is named.
const TIME_NAMES: [&str; 6] = ["ts", "time", "timestamp", "datetime", "date", "@timestamp"];

/// What each column is, as a person says it: by name, or by number from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The column of the time.
    pub time: Option<String>,
    /// How times are written.
    pub time_format: TimeFormat,
    /// The columns of values; none: every further column of numbers.
    pub values: Vec<String>,
    /// The column of the metric's name.
    pub metric: Option<String>,
    /// The metric's name; with several columns of values the beginning of their names.
    pub name: Option<String>,
    /// The columns of tags.
    pub tags: Vec<String>,
    /// Tags of every sample.
    pub fixed: Tags,
    /// Units: of a column, or of all.
    pub units: Vec<(Option<String>, String)>,
    /// How values are to be read.
    pub kind: SampleType,
}

/// Why a choice does not fit a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChoiceError {
    /// There is no such column; the columns there are.
    Unknown(String, Vec<String>),
    /// No column of the time was named, and none has a usual name; the columns there are.
    NoTime(Vec<String>),
    /// No column is left for values.
    NoValue,
    /// A name can't stand in a record.
    Name(String, String),
}

/// A column of values.
#[derive(Debug, Clone)]
struct Values {
    at: usize,
    series: Series,
    /// Whether it holds numbers; `None` until a cell tells.
    numbers: Option<bool>,
}

/// A table whose columns are known.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<String>,
    time: usize,
    time_format: TimeFormat,
    values: Vec<Values>,
    metric: Option<usize>,
    prefix: Option<String>,
    tags: Vec<(usize, String)>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoilt {
    /// The first thing that is wrong; its column is the cell's number.
    pub error: LineError,
    /// Whether nothing of the row was used.
    pub whole: bool,
}

/// Where a column is: its number from 0.
fn find(columns: &[String], wanted: &str) -> Result<usize, ChoiceError> {
    let by_name = columns.iter().position(|name| name == wanted);
    let by_number = || wanted.parse::<usize>().ok().filter(|number| (1..=columns.len()).contains(number)).map(|number| number - 1);
    by_name.or_else(by_number).ok_or_else(|| ChoiceError::Unknown(wanted.to_owned(), columns.to_vec()))
}

impl Table {
    /// Fits a choice to the columns of a table.
    ///
    /// # Errors
    /// [`ChoiceError`] when a column is not there.
    pub fn new(columns: Vec<String>, choice: &Choice) -> Result<Table, ChoiceError> {
        let time = match &choice.time {
            Some(name) => find(&columns, name)?,
            None => {
                let usual = |name: &String| TIME_NAMES.contains(&name.to_lowercase().as_str());
                columns.iter().position(usual).ok_or_else(|| ChoiceError::NoTime(columns.clone()))?
            }
        };
        let metric = choice.metric.as_deref().map(|name| find(&columns, name)).transpose()?;
        let tags = choice.tags.iter().map(|name| Ok((find(&columns, name)?, name.clone())));
        let tags = tags.collect::<Result<Vec<_>, ChoiceError>>()?;
        let explicit = choice.values.iter().map(|name| find(&columns, name)).collect::<Result<Vec<_>, _>>()?;
        let chosen = if explicit.is_empty() {
            let taken = |at: &usize| *at == time || metric == Some(*at) || tags.iter().any(|(tag, _)| tag == at);
            (0..columns.len()).filter(|at| !taken(at)).collect()
        } else {
            explicit
        };
        let numbers = (!choice.values.is_empty()).then_some(true);
        let single = chosen.len() == 1;
        let values = chosen.into_iter().map(|at| Ok(Values { at, series: series(&columns, at, choice, single, metric)?, numbers }));
        let values = values.collect::<Result<Vec<_>, ChoiceError>>()?;
        if values.is_empty() {
            return Err(ChoiceError::NoValue);
        }
        let prefix = metric.and(choice.name.clone());
        Ok(Table { columns, time, time_format: choice.time_format.clone(), values, metric, prefix, tags })
    }

    /// Takes a row apart, and gives its samples.
    pub fn row(&mut self, cells: &[&[u8]], now: Timestamp, give: &mut dyn FnMut(Timestamp, &Series, f64)) -> Option<Spoilt> {
        let whole = |error| Some(Spoilt { error, whole: true });
        // Spreadsheets leave rows of nothing but separators behind.
        if cells.iter().all(|cell| cell.trim_ascii().is_empty()) {
            return None;
        }
        if cells.len() != self.columns.len() {
            let message = format!("a row must have {} cells as the first one has, found {}", self.columns.len(), cells.len());
            return whole(LineError::new("wrong number of cells", cells.len().min(self.columns.len()) + 1, message));
        }
        let ts = match text(cells, self.time).and_then(|text| self.time_format.read(text, now).map_err(|why| (self.time, why))) {
            Ok(ts) => ts,
            Err((at, why)) => return whole(self.cell_error("a cell is no time", at, &why)),
        };
        if let Err((at, why)) = self.name_series(cells) {
            return whole(self.cell_error("a cell can't be used", at, &why));
        }
        let mut first: Option<(usize, String)> = None;
        let mut spoilt = 0;
        for column in &mut self.values {
            match number(cells, column) {
                Ok(Some(value)) => give(ts, &column.series, value),
                Ok(None) => {}
                Err(why) => {
                    spoilt += 1;
                    first.get_or_insert((column.at, why));
                }
            }
        }
        let (at, mut why) = first?;
        if spoilt > 1 {
            why.push_str(&format!("; {} more cells of the row are no numbers", spoilt - 1));
        }
        Some(Spoilt { error: self.cell_error("a cell is no number", at, &why), whole: false })
    }

    /// Sets the names and tags that the cells of a row give.
    fn name_series(&mut self, cells: &[&[u8]]) -> Result<(), (usize, String)> {
        for column in &mut self.values {
            for (at, name) in &self.tags {
                let value = text(cells, *at)?;
                if column.series.tags.get(name) != Some(value) {
                    column.series.tags.set(name.as_str(), value);
                }
            }
            let Some(at) = self.metric else { continue };
            let name = text(cells, at)?.trim();
            check_name(name).map_err(|why| (at, why.to_string()))?;
            column.series.metric = match &self.prefix {
                Some(prefix) => format!("{prefix}.{name}"),
                None => name.to_owned(),
            };
        }
        Ok(())
    }

    fn cell_error(&self, cause: &'static str, at: usize, why: &str) -> LineError {
        LineError::new(cause, at + 1, format!("column `{}` {why}", show(self.columns[at].as_bytes(), 80)))
    }

    /// The columns that were not used because they hold no numbers.
    pub fn unused(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter(|column| column.numbers == Some(false)).map(|column| self.columns[column.at].as_str())
    }
}

/// The series of a column of values.
fn series(columns: &[String], at: usize, choice: &Choice, single: bool, metric: Option<usize>) -> Result<Series, ChoiceError> {
    let column = columns[at].as_str();
    let name = match &choice.name {
        Some(name) if single || metric.is_some() => name.clone(),
        Some(name) => format!("{name}.{column}"),
        None => column.to_owned(),
    };
    if metric.is_none() {
        check_name(&name).map_err(|why| ChoiceError::Name(name.clone(), why.to_string()))?;
    }
    let mut unit = None;
    for (of, text) in &choice.units {
        let meant = match of {
            None => unit.is_none(),
            Some(name) => find(columns, name)? == at,
        };
        if meant {
            unit = Some(text.clone());
        }
    }
    Ok(Series { metric: name, kind: choice.kind, unit, tags: choice.fixed.clone() })
}

/// A cell as text.
fn text<'a>(cells: &[&'a [u8]], at: usize) -> Result<&'a str, (usize, String)> {
    std::str::from_utf8(cells[at]).map_err(|_| (at, format!("must be UTF-8, found \"{}\"", show(cells[at], 40))))
}

/// A cell as a number; an empty one is not known. The first cell that says something tells whether
/// a column that nobody named holds numbers.
fn number(cells: &[&[u8]], column: &mut Values) -> Result<Option<f64>, String> {
    let cell = cells[column.at].trim_ascii();
    if cell.is_empty() || column.numbers == Some(false) {
        return Ok(None);
    }
    let value = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_finite());
    match (value, column.numbers) {
        (Some(_), _) => column.numbers = Some(true),
        (None, None) => column.numbers = Some(false),
        (None, _) => return Err(format!("must be a number, found \"{}\"", show(cell, 40))),
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice() -> Choice {
        Choice {
            time: None,
            time_format: TimeFormat::Usual,
            values: Vec::new(),
            metric: None,
            name: None,
            tags: Vec::new(),
            fixed: Tags::new(),
            units: Vec::new(),
            kind: SampleType::Gauge,
        }
    }

    fn columns(names: &str) -> Vec<String> {
        names.split(',').map(str::to_owned).collect()
    }

    /// The samples of rows, `metric{tags} value unit`, and what was wrong.
    fn rows(names: &str, choice: &Choice, rows: &[&str]) -> (Vec<String>, Vec<String>) {
        let mut table = Table::new(columns(names), choice).unwrap();
        let (mut samples, mut wrong) = (Vec::new(), Vec::new());
        for row in rows {
            let cells: Vec<&[u8]> = row.split(',').map(str::as_bytes).collect();
            let spoilt = table.row(&cells, Timestamp::default(), &mut |ts, series, value| {
                let unit = series.unit.as_deref().unwrap_or("-");
                samples.push(format!("{} {series} {value} {unit}", &ts.to_string()[..10]));
            });
            wrong.extend(spoilt.map(|spoilt| format!("{} {}{}", spoilt.error.column, spoilt.error, if spoilt.whole { " !" } else { "" })));
        }
        (samples, wrong)
    }

    #[test]
    fn every_further_column_of_numbers_is_a_metric() {
        let (samples, wrong) = rows("Time,cpu,note,memory", &choice(), &["2026-01-02,0.5,fine,812", "2026-01-03,,,900"]);
        assert_eq!(samples, ["2026-01-02 cpu 0.5 -", "2026-01-02 memory 812 -", "2026-01-03 memory 900 -"]);
        assert!(wrong.is_empty());
    }

    #[test]
    fn columns_may_be_tags_the_name_and_one_value() {
        let long = Choice {
            time: Some("1".into()),
            metric: Some("what".into()),
            values: vec!["reading".into()],
            tags: vec!["host".into()],
            name: Some("lab".into()),
            units: vec![(None, "1".into())],
            ..choice()
        };
        let (samples, _) = rows("when,what,reading,host", &long, &["2026-01-02,cpu,0.5,a", "2026-01-02,mem,7,b"]);
        assert_eq!(samples, ["2026-01-02 lab.cpu{host=a} 0.5 1", "2026-01-02 lab.mem{host=b} 7 1"]);
    }

    #[test]
    fn a_bad_cell_spoils_itself_and_a_bad_time_its_row() {
        let rows_ = ["2026-01-02,1,2", "2026-01-02,n/a,3", "soon,1,2", "2026-01-02,1", "2026-01-02,inf,NaN"];
        let (samples, wrong) = rows("time,a,b", &choice(), &rows_);
        assert_eq!(samples, ["2026-01-02 a 1 -", "2026-01-02 b 2 -", "2026-01-02 b 3 -"]);
        assert_eq!(
            wrong,
            [
                "2 column `a` must be a number, found \"n/a\"",
                "1 column `time` must be a time, found \"soon\" !",
                "3 a row must have 3 cells as the first one has, found 2 !",
                "2 column `a` must be a number, found \"inf\"; 1 more cells of the row are no numbers",
            ]
        );
    }

    #[test]
    fn a_column_that_is_not_there_is_told_with_those_that_are() {
        let wrong = Choice { values: vec!["vlaue".into()], ..choice() };
        assert_eq!(Table::new(columns("ts,value"), &wrong).unwrap_err(), ChoiceError::Unknown("vlaue".into(), columns("ts,value")));
        assert_eq!(Table::new(columns("a,b"), &choice()).unwrap_err(), ChoiceError::NoTime(columns("a,b")));
        assert_eq!(Table::new(columns("ts"), &choice()).unwrap_err(), ChoiceError::NoValue);
    }

    #[test]
    fn a_name_begins_the_names_of_several_columns() {
        let named = Choice { name: Some("room".into()), units: vec![(None, "1".into()), (Some("t".into()), "Cel".into())], ..choice() };
        let (samples, _) = rows("ts,t,h", &named, &["2026-01-02,20,40"]);
        assert_eq!(samples, ["2026-01-02 room.t 20 Cel", "2026-01-02 room.h 40 1"]);
        let (samples, _) = rows("ts,t", &named, &["2026-01-02,20"]);
        assert_eq!(samples, ["2026-01-02 room 20 Cel"]);
    }
}
