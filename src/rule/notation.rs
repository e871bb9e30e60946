//! The compact notation of series in tests of rules, as Prometheus' tool for them reads it.
//!
//! ```text
//! 'queue.depth{queue="linux"}' = "0+100x4 _ 500x2 stale"
//!
//! 0+100x4   0 100 200 300 400    begins at 0, then 4 more, each by 100 more
//! 9-2x3     9 7 5 3              the same downwards
//! 500x2     500 500 500          begins at 500, then 2 more
//! _         nothing came         _x3 is that three times
//! stale     nothing came         and the series has ended
//! ```
//!
//! Words stand between spaces or line ends, one interval apart. A number is decimal, with a sign and
//! an exponent if need be; the steps are added one after the other, so that `0+0.1x10` ends just
//! below 1, as there.
//!
//! `stale` puts nothing into a series here: records have no mark for an end. `last` and `age` without
//! a window go on to speak of the sample before it, where Prometheus has none from then on. NaN and
//! infinity are refused, as no record can hold them, and so are native histograms.
//!
//! Source: Prometheus documentation, Unit testing for rules; where it is silent, what promtool 2.42 does.

use super::error::RuleError;
use super::lexer::{Kind, Token, tokens};
use crate::record::{METRIC_BYTES, Series, check_name, show};

/// The most values that one text may stand for.
pub const MOST_VALUES: usize = 1_000_000;

/// What came at one interval of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Given {
    /// A sample with this value.
    Value(f64),
    /// Nothing.
    Missing,
    /// Nothing, and the series was said to have ended.
    Stale,
}

/// Reads the values of a series, one an interval.
///
/// # Errors
/// What is wrong and where: a word that is none, NaN or infinity, a histogram, more than [`MOST_VALUES`].
///
/// ```
/// use pipewatch::rule::{Given, values};
/// let expected = [1.0, 3.0, 5.0].map(Given::Value).into_iter().chain([Given::Missing, Given::Stale]);
/// assert!(values("1+2x2 _ stale").unwrap().into_iter().eq(expected));
/// assert_eq!(values("1+2").unwrap_err().to_string(), "`1+2` has a step and does not say how often it is taken");
/// ```
pub fn values(text: &str) -> Result<Vec<Given>, RuleError> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(skipped) = text[at..].find(|c: char| !c.is_whitespace()) {
        let start = at + skipped;
        let end = text[start..].find(char::is_whitespace).map_or(text.len(), |length| start + length);
        let place = (start, end);
        let item = &text[start..end];
        if item.starts_with("{{") {
            let error = RuleError::new("a native histogram can't be a sample of ours", place);
            return Err(error.hint("give the buckets or the quantiles as series of their own"));
        }
        let item = Item::read(item, place)?;
        if item.count() > MOST_VALUES - all.len() {
            return Err(RuleError::new(format!("the values are more than {MOST_VALUES}"), place));
        }
        item.expand(&mut all);
        at = end;
    }
    Ok(all)
}

/// One word: the same thing a number of times.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Missing(usize),
    Stale,
    /// The first value, the step, and how often that is taken.
    Values(f64, f64, usize),
}

impl Item {
    fn read(text: &str, place: (usize, usize)) -> Result<Item, RuleError> {
        if text == "stale" {
            return Ok(Item::Stale);
        }
        let shown = show(text.as_bytes(), 40);
        if let Some(rest) = text.strip_prefix('_') {
            return match rest.strip_prefix('x') {
                None if rest.is_empty() => Ok(Item::Missing(1)),
                Some(times) => Ok(Item::Missing(repetitions(times, &shown, place)?)),
                None => Err(no_word(text, place)),
            };
        }
        let length = number_length(text, true);
        let (first, mut rest) = text.split_at(length);
        if length == 0 {
            return Err(no_word(text, place));
        }
        let first = number(first, &shown, place)?;
        let mut step = 0.0;
        let stepped = rest.starts_with(['+', '-']);
        if stepped {
            let length = 1 + number_length(&rest[1..], false);
            if length == 1 {
                return Err(no_word(text, place));
            }
            step = number(&rest[..length], &shown, place)?;
            rest = &rest[length..];
        }
        match rest.strip_prefix('x') {
            Some(times) => Ok(Item::Values(first, step, repetitions(times, &shown, place)?)),
            None if !rest.is_empty() => Err(no_word(text, place)),
            None if stepped => {
                let error = RuleError::new(format!("`{shown}` has a step and does not say how often it is taken"), place);
                Err(error.hint(format!("write how often behind an `x`, like `{shown}x10`")))
            }
            None => Ok(Item::Values(first, 0.0, 0)),
        }
    }

    /// How many intervals it takes.
    fn count(self) -> usize {
        match self {
            Item::Missing(times) => times,
            Item::Stale => 1,
            Item::Values(_, _, times) => times.saturating_add(1),
        }
    }

    fn expand(self, all: &mut Vec<Given>) {
        match self {
            Item::Missing(times) => all.extend(std::iter::repeat_n(Given::Missing, times)),
            Item::Stale => all.push(Given::Stale),
            Item::Values(first, step, times) => {
                let mut value = first;
                all.push(Given::Value(value));
                for _ in 0..times {
                    value += step;
                    all.push(Given::Value(value));
                }
            }
        }
    }
}

/// How many bytes of a text are a decimal number; the exponent counts when it has digits.
fn number_length(text: &str, signed: bool) -> usize {
    let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = usize::from(signed && text.starts_with(['+', '-']));
    let whole = digits(&text[sign..]);
    let mut end = sign + whole;
    if text[end..].starts_with('.') {
        let fraction = digits(&text[end + 1..]);
        end += if whole + fraction > 0 { 1 + fraction } else { 0 };
    }
    if end == sign {
        return 0;
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(&text[end + 1 + sign..]);
        end += if exponent > 0 { 1 + sign + exponent } else { 0 };
    }
    end
}

fn number(text: &str, shown: &str, place: (usize, usize)) -> Result<f64, RuleError> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(RuleError::new(format!("a number in `{shown}` is beyond the range of a double"), place)),
    }
}

/// The number behind an `x`.
fn repetitions(text: &str, shown: &str, place: (usize, usize)) -> Result<usize, RuleError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        let error = RuleError::new(format!("behind the `x` of `{shown}` stands how often, a whole number"), place);
        return Err(error.hint("`5x3` is 5 5 5 5: once, and three times more"));
    }
    // What is longer than any number is more than may be, too.
    Ok(text.parse().unwrap_or(usize::MAX))
}

/// The mistake of a word that is none.
fn no_word(text: &str, place: (usize, usize)) -> RuleError {
    let shown = show(text.as_bytes(), 40);
    let bare = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if bare.starts_with("nan") || bare.starts_with("inf") {
        let error = RuleError::new(format!("`{shown}` can't be in a record: values are finite numbers"), place);
        return error.hint("write `_` where nothing came");
    }
    if bare.starts_with("stale") && text != "stale" {
        return RuleError::new(format!("`{shown}` is no value"), place).hint("the end of a series is the word `stale` by itself");
    }
    if text.contains(',') {
        return RuleError::new(format!("`{shown}` is no value"), place).hint("values stand apart by spaces, without commas");
    }
    let error = RuleError::new(format!("`{shown}` is no value"), place);
    error.hint("values are numbers, `5x3`, `0+2x10`, `9-1x4`, `_` and `stale`, with spaces between and none within")
}

/// Reads a name with tags, `queue.depth{queue="linux"}`; the quotes may be left out, as in a condition.
///
/// # Errors
/// What is wrong and where; a tag that comes twice, a pattern where one series is meant.
///
/// ```
/// let series = pipewatch::rule::series("queue.depth{queue=\"linux\", host=web-1}").unwrap();
/// assert_eq!(series.to_string(), "queue.depth{host=web-1,queue=linux}");
/// ```
pub fn series(text: &str) -> Result<Series, RuleError> {
    let tokens = tokens(text)?;
    let mut reader = Reader { text, tokens: &tokens };
    let mut series = Series::new(reader.name()?);
    if reader.sign("{") {
        // A comma may stand behind the last tag, as in Prometheus.
        while !reader.sign("}") {
            reader.tag(&mut series)?;
            if reader.sign("}") {
                break;
            }
            if !reader.sign(",") {
                return Err(reader.expected("`,` or `}`"));
            }
        }
    }
    match reader.tokens.first().map(|token| &token.kind) {
        None | Some(Kind::End) => Ok(series),
        _ => Err(reader.expected("nothing behind the name and its tags")),
    }
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        if first.kind != Kind::End {
            self.tokens = rest;
        }
        Some(first.clone())
    }

    fn place(&self) -> (usize, usize) {
        self.tokens.first().map_or((self.text.len(), self.text.len()), |token| token.span)
    }

    fn expected(&self, what: &str) -> RuleError {
        let (start, end) = self.place();
        let found = if start == self.text.len() { "the end".into() } else { format!("`{}`", show(&self.text.as_bytes()[start..end], 40)) };
        RuleError::new(format!("expected {what}, found {found}"), (start, end))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token { kind: Kind::Sign(found), .. }) if *found == sign);
        if found {
            self.next();
        }
        found
    }

    fn name(&mut self) -> Result<String, RuleError> {
        let expected = self.expected("a name, perhaps with tags, like `queue.depth{queue=\"linux\"}`");
        let place = self.place();
        match self.next().map(|token| token.kind) {
            Some(Kind::Word(name)) if name.contains('*') => {
                let error = RuleError::new(format!("`{}` is a pattern, and here one name is meant", show(name.as_bytes(), 40)), place);
                Err(error.hint("a name that has a star stands in double quotes"))
            }
            Some(Kind::Word(name) | Kind::Quoted(name)) => {
                check_name(&name).map_err(|why| RuleError::new(format!("a name {why}"), place))?;
                Ok(name)
            }
            _ => Err(expected),
        }
    }

    fn tag(&mut self, series: &mut Series) -> Result<(), RuleError> {
        let expected = self.expected("a tag, like `queue=\"linux\"`");
        let place = self.place();
        let (Some(Kind::Word(key)) | Some(Kind::Quoted(key))) = self.next().map(|token| token.kind) else { return Err(expected) };
        if let Some(Token { kind: Kind::Sign(sign @ ("!=" | "=~" | "!~" | "==")), span }) = self.tokens.first() {
            let error = RuleError::new(format!("`{sign}` chooses among series, and here one is meant"), *span);
            return Err(error.hint(format!("write `{}=\"…\"`", show(key.as_bytes(), METRIC_BYTES))));
        }
        if !self.sign("=") {
            return Err(self.expected("`=`"));
        }
        let expected = self.expected("a value, like `linux` or `\"linux\"`");
        match self.next().map(|token| token.kind) {
            Some(Kind::Word(value) | Kind::Quoted(value)) => match series.tags.set(&key, value) {
                None => Ok(()),
                Some(_) => Err(RuleError::new(format!("the tag `{}` comes twice", show(key.as_bytes(), 40)), place)),
            },
            _ => Err(expected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Values as a person writes them out.
    fn written(text: &str) -> String {
        let said = |given: &Given| match given {
            Given::Value(value) => value.to_string(),
            Given::Missing => "_".into(),
            Given::Stale => "stale".into(),
        };
        values(text).unwrap().iter().map(said).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_those_of_the_documentation_and_of_promtool() {
        let cases = [
            // From the documentation.
            ("-2+4x3", "-2 2 6 10"),
            (" 1-2x4", "1 -1 -3 -5 -7"),
            (" 1x4", "1 1 1 1 1"),
            (" 1 _x3 stale", "1 _ _ _ stale"),
            ("1+0x6 0 0 0", "1 1 1 1 1 1 1 0 0 0"),
            ("10+10x2 30+20x5", "10 20 30 30 50 70 90 110 130"),
            ("10+10x7 10+30x4", "10 20 30 40 50 60 70 80 10 40 70 100 130"),
            // From its unit-test files.
            ("0 0", "0 0"),
            ("1x2", "1 1 1"),
            ("1+1x2", "1 2 3"),
            ("0 stale", "0 stale"),
            ("0 _ _ _ _ _ _ 0", "0 _ _ _ _ _ _ 0"),
            // As promtool 2.42 reads them.
            ("1x0", "1"),
            ("_x0 5", "5"),
            ("_", "_"),
            ("", ""),
            ("1 +2x3", "1 2 2 2 2"),
            ("-1-2x3", "-1 -3 -5 -7"),
            ("+1+1x2", "1 2 3"),
            ("1e3", "1000"),
            ("1e3+1e3x3", "1000 2000 3000 4000"),
            ("1.5e+2+1e1x2", "150 160 170"),
            ("5e-1x1", "0.5 0.5"),
            (".5 5. 007", "0.5 5 7"),
            ("1.x2", "1 1 1"),
            ("0x10", "0 0 0 0 0 0 0 0 0 0 0"),
            ("1x07", "1 1 1 1 1 1 1 1"),
            ("1\t2", "1 2"),
            ("stale stale 1", "stale stale 1"),
            // Line ends are ours: promtool's texts have one line.
            ("1\n  2x1\r\n3", "1 2 2 3"),
        ];
        for (text, expected) in cases {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn steps_are_added_one_after_the_other() {
        let last = *values("0+0.1x10").unwrap().last().unwrap();
        assert_eq!(last, Given::Value(0.999_999_999_999_999_9));
    }

    #[test]
    fn what_is_no_value_is_refused_where_it_stands() {
        let cases = [
            ("1 NaN", "`NaN` can't be in a record: values are finite numbers", 2),
            ("+Inf", "`+Inf` can't be in a record: values are finite numbers", 0),
            ("-Infx2", "`-Infx2` can't be in a record: values are finite numbers", 0),
            ("{{schema:1 sum:3}}x2", "a native histogram can't be a sample of ours", 0),
            ("1 2 {{sum:1}}", "a native histogram can't be a sample of ours", 4),
            ("1e400", "a number in `1e400` is beyond the range of a double", 0),
            ("0 1+2", "`1+2` has a step and does not say how often it is taken", 2),
            ("1x", "behind the `x` of `1x` stands how often, a whole number", 0),
            ("1x-1", "behind the `x` of `1x-1` stands how often, a whole number", 0),
            ("1x1.5", "behind the `x` of `1x1.5` stands how often, a whole number", 0),
            ("1x2x3", "behind the `x` of `1x2x3` stands how often, a whole number", 0),
            ("_x", "behind the `x` of `_x` stands how often, a whole number", 0),
            ("stalex2", "`stalex2` is no value", 0),
            ("Stale", "`Stale` is no value", 0),
            ("1, 2", "`1,` is no value", 0),
            ("x3", "`x3` is no value", 0),
            ("1+ 2x3", "`1+` is no value", 0),
            ("1--2x3", "`1--2x3` is no value", 0),
            ("1X3", "`1X3` is no value", 0),
            ("1_000", "`1_000` is no value", 0),
            ("5m", "`5m` is no value", 0),
            ("1e", "`1e` is no value", 0),
            (".", "`.` is no value", 0),
            ("٣", "`٣` is no value", 0),
            ("1x1000000", "the values are more than 1000000", 0),
            ("1x500000 1x500000", "the values are more than 1000000", 9),
            ("_x99999999999999999999", "the values are more than 1000000", 0),
        ];
        for (text, expected, start) in cases {
            let error = values(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.start), (expected, start), "{text}");
        }
    }

    #[test]
    fn a_series_is_a_name_and_its_tags() {
        let cases = [
            ("up", "up"),
            ("up{}", "up"),
            ("up { job = \"prometheus\" , instance=\"localhost:9090\" , }", "up{instance=localhost:9090,job=prometheus}"),
            ("up{job=\"prometheus\", instance=\"localhost:9090\"}", "up{instance=localhost:9090,job=prometheus}"),
            ("queue-depth{queue=linux,code=500}", "queue-depth{code=500,queue=linux}"),
            ("\"disk used\"{\"the disk\"=\"a b\"}", "disk used{the disk=a b}"),
            ("count{a=\"\"}", "count{a=}"),
        ];
        for (text, expected) in cases {
            let found = series(text).map(|series| series.to_string());
            assert_eq!(found.as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_series_is_refused_where_it_stands() {
        let cases = [
            ("", "expected a name, perhaps with tags, like `queue.depth{queue=\"linux\"}`, found the end", 0),
            ("{a=b}", "expected a name, perhaps with tags, like `queue.depth{queue=\"linux\"}`, found `{`", 0),
            ("\"\"", "a name must not be empty", 0),
            ("disk.*", "`disk.*` is a pattern, and here one name is meant", 0),
            ("up{a=~\"b\"}", "`=~` chooses among series, and here one is meant", 4),
            ("up{a}", "expected `=`, found `}`", 4),
            ("up{a=}", "expected a value, like `linux` or `\"linux\"`, found `}`", 5),
            ("up{a=b c=d}", "expected `,` or `}`, found `c`", 7),
            ("up{a=b", "expected `,` or `}`, found the end", 6),
            ("up{a=b,a=c}", "the tag `a` comes twice", 7),
            ("up{a=b} > 5", "expected nothing behind the name and its tags, found `>`", 8),
        ];
        for (text, expected, start) in cases {
            let error = series(text).unwrap_err();
            assert_eq!((error.message.as_str(), error.start), (expected, start), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_at_a_place_within_it(text in "([0-9]{1,2}|\\.|x|_|e|\\+|-| |stale|NaN|\\{|,|=|\"|[a-c]|\\PC){0,12}") {
            for error in [values(&text).err(), series(&text).err()].into_iter().flatten() {
                prop_assert!(error.start <= error.end && error.end <= text.len(), "{error:?}");
                prop_assert!(text.is_char_boundary(error.start) && text.is_char_boundary(error.end));
            }
        }

        #[test]
        fn what_is_written_out_is_read_as_it_was(numbers in prop::collection::vec(prop::option::of(-1e9..1e9f64), 0..20)) {
            let words: Vec<String> = numbers.iter().map(|number| number.map_or("_".into(), |number| number.to_string())).collect();
            let expected: Vec<Given> = numbers.iter().map(|number| number.map_or(Given::Missing, Given::Value)).collect();
            prop_assert_eq!(values(&words.join(" ")).unwrap(), expected);
        }
    }
}
