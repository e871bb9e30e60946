//! PromQL as a condition of our language, where it means the same.
//!
//! An expression there is a number, a vector of numbers for label sets, or a vector that was
//! filtered. A vector that was filtered is a condition: it fires for every label set that is left.
//! So the label sets must be known, as they become the tags that the check is judged `by`: from
//! `by (…)`, or for series that are not aggregated from what the reader is told.
//!
//! `a unless b` fires there where `b` has no data, and `a and not b` does not here; so it becomes
//! `a and (not b or absent(…))`, where what `b` needs can be asked for.

use super::Import;
use super::filter::{Filter, Need};
use super::promql::{Expression, Form, Grouping, Matching, Select};
use super::write::{Rank, Text, number};
use crate::rule::RuleError;
use crate::rule::syntax::{Compare, How, Matcher, Place, Selector};
use crate::time::Span;

/// A part of an expression, as it was understood.
#[derive(Debug, Clone)]
pub(super) enum Part {
    Scalar(f64),
    Vector(Vector),
    Filter(Filter, Vec<String>),
}

/// A number for each group.
#[derive(Debug, Clone)]
pub(super) struct Vector {
    /// The sum in our language.
    text: Text,
    by: Vec<String>,
    /// The function there, when the vector is that and nothing else, not yet aggregated over series.
    leaf: Option<&'static str>,
    needs: Vec<Need>,
    /// Whether a lack of data can be told by `absent` for each need.
    plain: bool,
}

/// Reads expressions, and notes what is assumed.
pub(super) struct Reader<'a> {
    pub(super) options: &'a Import,
    pub(super) source: &'a str,
    /// All labels that some aggregation keeps.
    pub(super) kept: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Functions over a window: there, here, and what they may be aggregated by without a promise.
const OVER_TIME: [(&str, &str, &str); 10] = [
    ("count_over_time", "count", "sum"),
    ("sum_over_time", "sum", "sum"),
    ("min_over_time", "min", "min"),
    ("max_over_time", "max", "max"),
    ("rate", "rate", "sum"),
    ("increase", "increase", "sum"),
    ("delta", "delta", "sum"),
    ("avg_over_time", "mean", ""),
    ("last_over_time", "last", ""),
    ("first_over_time", "first", ""),
];

impl<'a> Reader<'a> {
    /// A reader of one expression.
    pub(super) fn new(options: &'a Import, source: &'a str, expression: &Expression) -> Reader<'a> {
        let mut kept = options.by.clone();
        labels(expression, &mut kept);
        Reader { options, source, kept, notes: Vec::new() }
    }

    /// Reads a whole expression as a condition, and what it is judged by.
    ///
    /// # Errors
    /// [`RuleError`] with what cannot be said here.
    pub(super) fn condition(&mut self, expression: &Expression) -> Result<(Filter, Vec<String>), RuleError> {
        match self.read(expression)? {
            Part::Filter(filter, by) => Ok((filter, by)),
            Part::Vector(vector) => self.present(vector, expression.place),
            Part::Scalar(_) => {
                self.notes.push("a number alone fires always there, whatever it is".into());
                let one = || number(1.0);
                let test = Filter::Test { left: one(), compare: Compare::Equal, right: one(), needs: Vec::new(), plain: true };
                Ok((test, Vec::new()))
            }
        }
    }

    /// Reads an expression as a sum, as it stands in a query within a template.
    pub(super) fn sum(&mut self, expression: &Expression) -> Result<String, RuleError> {
        match self.read(expression)? {
            Part::Vector(vector) => Ok(vector.text.text),
            Part::Scalar(value) => Ok(number(value).text),
            Part::Filter(..) => Err(RuleError::new("a condition is no number", expression.place)),
        }
    }

    fn read(&mut self, expression: &Expression) -> Result<Part, RuleError> {
        let place = expression.place;
        match &expression.kind {
            Form::Number(value) => Ok(Part::Scalar(*value)),
            Form::Text => Err(RuleError::new("a text is neither true nor false", place)),
            Form::Subquery => Err(RuleError::new("a subquery, `[…:…]`, can't be said here", place)),
            Form::Select(select) => self.instant(select, place),
            Form::Call { name, arguments } => self.call(name, arguments, place),
            Form::Aggregate { name, grouping, arguments } => self.aggregate(name, grouping, arguments, place),
            Form::Negative(inner) => match self.read(inner)? {
                Part::Scalar(value) => Ok(Part::Scalar(-value)),
                Part::Vector(vector) => {
                    let text = Text { text: format!("-{}", vector.text.at(Rank::Unary)), rank: Rank::Unary };
                    Ok(Part::Vector(Vector { text, leaf: None, ..vector }))
                }
                Part::Filter(..) => Err(RuleError::new("a comparison's values can't be reckoned with here", place)),
            },
            Form::Binary { sign, matching, left, right } => self.binary((sign, matching), left, right, place),
        }
    }

    /// The tags that tell series apart, which an expression that does not aggregate leaves open.
    fn each(&self, place: Place) -> Result<Vec<String>, RuleError> {
        if self.options.by.is_empty() && !self.options.one_series {
            let what = self.source.get(place.0..place.1).unwrap_or_default();
            let what = crate::record::show(what.as_bytes(), 60);
            let error = RuleError::new(format!("`{what}` fires for each series, and which labels tell them apart is not said"), place);
            return Err(error.hint("say them, like --by instance,job, or promise by --one-series that there is one"));
        }
        Ok(self.options.by.clone())
    }

    fn selector(&self, select: &Select, place: Place) -> Selector {
        // A label that a group is made by is there in every series of a group.
        let kept =
            select.matchers.iter().filter(|(label, how, value)| !(*how == How::IsNot && value.is_empty() && self.kept.contains(label)));
        let matchers = kept.map(|(tag, how, value)| Matcher { tag: tag.clone(), how: *how, value: value.clone() });
        Selector { name: select.name.clone(), glob: false, matchers: matchers.collect(), place }
    }

    /// A window there in ours, which is open at its begin.
    fn window(&self, range: Span) -> Span {
        match self.options.target {
            super::Target::Prometheus2 => range.plus(Span::from_millis(1)),
            _ => range,
        }
    }

    fn instant(&mut self, select: &Select, place: Place) -> Result<Part, RuleError> {
        if select.range.is_some() {
            return Err(RuleError::new("a range needs a function over it", place));
        }
        let by = self.each(place)?;
        let window = self.window(self.options.look_back);
        self.notes.push(format!("the newest sample counts for {window}; that a series was marked as ended is not known here"));
        Ok(Part::Vector(self.vector("last", "", select, window, by, place)))
    }

    fn vector(&self, function: &str, leaf: &'static str, select: &Select, window: Span, by: Vec<String>, place: Place) -> Vector {
        let selector = self.selector(select, place).to_string();
        let ago = select.offset.map_or_else(String::new, |ago| format!(", {ago} ago"));
        let text = Text::atom(format!("{function}({selector}, {window}{ago})"));
        let plain = select.offset.is_none() && !matches!(function, "rate" | "increase" | "delta");
        Vector { text, by, leaf: Some(leaf), needs: vec![Need { selector, window }], plain }
    }

    fn call(&mut self, name: &str, arguments: &[Expression], place: Place) -> Result<Part, RuleError> {
        if matches!(name, "absent" | "absent_over_time") {
            return self.absent(name, arguments, place);
        }
        if let (Some((there, here, _)), [argument]) = (OVER_TIME.iter().find(|(there, ..)| *there == name), arguments) {
            let (select, window) = self.range(argument)?;
            let by = self.each(place)?;
            return Ok(Part::Vector(self.vector(here, there, select, window, by, place)));
        }
        if let ("quantile_over_time", [Expression { kind: Form::Number(q), .. }, argument]) = (name, arguments) {
            let (select, window) = self.range(argument)?;
            if !(0.0..=1.0).contains(q) {
                return Err(RuleError::new(format!("there is no quantile {q}"), place));
            }
            let by = self.each(place)?;
            // 0.95 * 100 is 94.99999999999999 in doubles.
            let percent = (q * 100.0 * 1e9).round() / 1e9;
            return Ok(Part::Vector(self.vector(&format!("p{percent}"), "", select, window, by, place)));
        }
        let what = crate::record::show(name.as_bytes(), 40);
        let error = RuleError::new(format!("the function `{what}` can't be said here"), place);
        Err(match name {
            "stddev_over_time" => error.hint("it divides by n, and `stddev` here by n - 1"),
            "predict_linear" => error.hint("`forecast` here is another estimate, which single samples do not move"),
            "histogram_quantile" => error.hint("quantiles here are of samples: `p95(latency, 5m)`"),
            "irate" | "idelta" | "deriv" => error.hint("`rate`, `increase` and `delta` over a window can be"),
            _ => error,
        })
    }

    fn range<'e>(&self, argument: &'e Expression) -> Result<(&'e Select, Span), RuleError> {
        match &argument.kind {
            Form::Select(select) => match select.range {
                Some(range) if !range.is_zero() => Ok((select, self.window(range))),
                _ => Err(RuleError::new("expected a metric over a window, like `x[5m]`", argument.place)),
            },
            Form::Subquery => Err(RuleError::new("a subquery, `[…:…]`, can't be said here", argument.place)),
            _ => Err(RuleError::new("expected a metric over a window, like `x[5m]`", argument.place)),
        }
    }

    fn absent(&mut self, name: &str, arguments: &[Expression], place: Place) -> Result<Part, RuleError> {
        let [argument] = arguments else { return Err(RuleError::new(format!("`{name}` takes one argument"), place)) };
        let (select, window) = match &argument.kind {
            Form::Select(select) if name == "absent" && select.range.is_none() => (select, self.window(self.options.look_back)),
            _ => self.range(argument)?,
        };
        if select.offset.is_some() {
            return Err(RuleError::new("`absent` has no `ago` here", place));
        }
        let need = Need { selector: self.selector(select, place).to_string(), window };
        Ok(Part::Filter(Filter::Absent(need), Vec::new()))
    }

    fn aggregate(&mut self, name: &str, grouping: &Grouping, arguments: &[Expression], place: Place) -> Result<Part, RuleError> {
        let by = match grouping {
            Grouping::By(labels) => labels.clone(),
            Grouping::Without(labels) if !self.options.by.is_empty() => {
                self.options.by.iter().filter(|label| !labels.contains(label)).cloned().collect()
            }
            Grouping::Without(_) => {
                let error = RuleError::new("`without` keeps labels that are not named", place);
                return Err(error.hint("say all of them, like --by instance,job"));
            }
        };
        let refuse = |what: String| Err(RuleError::new(what, place));
        let [argument] = arguments else { return refuse(format!("`{name}` can't be said here")) };
        if !matches!(name, "sum" | "min" | "max" | "avg") {
            return refuse(format!("`{name}` over series can't be said here"));
        }
        if let Some(text) = self.deviation(argument) {
            let (select, window) = text;
            return self.promised(name, place).map(|()| Part::Vector(self.vector("stddev", "", &select, window, by, place)));
        }
        if let Form::Select(select) = &argument.kind
            && select.range.is_none()
        {
            self.promised(name, place)?;
            let window = self.window(self.options.look_back);
            return Ok(Part::Vector(self.vector("last", "", select, window, by, place)));
        }
        // What stands within is judged by what this aggregation keeps.
        match self.inner(argument)? {
            Part::Filter(Filter::Absent(need), _) if by.is_empty() => Ok(Part::Filter(Filter::Absent(need), by)),
            Part::Vector(vector) => {
                let free = vector.leaf.is_some_and(|leaf| OVER_TIME.iter().any(|(there, _, across)| *there == leaf && *across == name));
                if !free {
                    self.promised(name, place)?;
                }
                Ok(Part::Vector(Vector { by, leaf: None, ..vector }))
            }
            _ => refuse(format!("`{name}` over what a comparison leaves can't be said here")),
        }
    }

    /// Reads what an aggregation is of; its series need no telling apart.
    fn inner(&mut self, argument: &Expression) -> Result<Part, RuleError> {
        let options = Import { one_series: true, ..self.options.clone() };
        let mut inner = Reader { options: &options, source: self.source, kept: self.kept.clone(), notes: Vec::new() };
        let part = inner.read(argument)?;
        self.notes.append(&mut inner.notes);
        Ok(part)
    }

    fn promised(&self, name: &str, place: Place) -> Result<(), RuleError> {
        if self.options.one_series {
            return Ok(());
        }
        let error = RuleError::new(format!("`{name}` over several series of this sort can't be said here"), place);
        Err(error.hint("promise by --one-series that each group has one series of each metric"))
    }

    /// The deviation that divides by n - 1, as it is exported.
    fn deviation(&self, expression: &Expression) -> Option<(Select, Span)> {
        let Form::Binary { sign, left, .. } = &expression.kind else { return None };
        let Form::Call { name, arguments } = &left.kind else { return None };
        let ("*", "stddev_over_time", [argument]) = (sign.as_str(), name.as_str(), arguments.as_slice()) else { return None };
        let (select, window) = self.range(argument).ok()?;
        let tight = |(start, end): Place| self.source.get(start..end).map(|text| text.split_whitespace().collect::<String>());
        let (range, whole) = (tight(argument.place)?, tight(expression.place)?);
        let written = format!("stddev_over_time({range})*sqrt(count_over_time({range})/((count_over_time({range})-1)>0))");
        (whole == written).then(|| (select.clone(), window))
    }

    fn binary(
        &mut self,
        (sign, matching): (&str, &Matching),
        left: &Expression,
        right: &Expression,
        place: Place,
    ) -> Result<Part, RuleError> {
        if matching.bool {
            return Err(RuleError::new("`bool` makes numbers of truths, which can't be said here", place));
        }
        if matching.group || matching.ignoring.is_some() {
            return Err(RuleError::new("`ignoring`, `group_left` and `group_right` can't be said here", place));
        }
        if let "/" = sign {
            return self.quotient(matching, left, right, place);
        }
        let (left, right) = (self.read(left)?, self.read(right)?);
        match sign {
            "+" | "-" | "*" => self.arithmetic((sign, matching), left, right, place),
            "and" | "or" | "unless" => self.set((sign, matching), left, right, place),
            _ => match Compare::ALL.iter().find(|(known, _)| *known == sign) {
                Some((_, compare)) => self.compare((*compare, matching), left, right, place),
                None => Err(RuleError::new(format!("the operator `{sign}` can't be said here"), place)),
            },
        }
    }

    fn arithmetic(&mut self, (sign, matching): (&str, &Matching), left: Part, right: Part, place: Place) -> Result<Part, RuleError> {
        let rank = if matches!(sign, "*" | "/") { Rank::Multiply } else { Rank::Add };
        if let (Part::Scalar(a), Part::Scalar(b)) = (&left, &right) {
            let value = match sign {
                "+" => a + b,
                "-" => a - b,
                "*" => a * b,
                _ => a / b,
            };
            let error = || RuleError::new("this is no number", place);
            return if value.is_finite() { Ok(Part::Scalar(value)) } else { Err(error()) };
        }
        let (left, right) = (self.operand(left, place)?, self.operand(right, place)?);
        let mut joined = self.joined(left, right, matching, place)?;
        joined.0.text = Text::binary(&joined.0.text, sign, &joined.1, rank);
        Ok(Part::Vector(Vector { leaf: None, ..joined.0 }))
    }

    /// What is a number for each group, or one for all.
    fn operand(&self, part: Part, place: Place) -> Result<Vector, RuleError> {
        match part {
            Part::Vector(vector) => Ok(vector),
            Part::Scalar(value) => Ok(Vector { text: number(value), by: Vec::new(), leaf: None, needs: Vec::new(), plain: true }),
            Part::Filter(..) => Err(RuleError::new("a comparison's values can't be reckoned with here", place)),
        }
    }

    /// Two operands brought together: the left one with the needs of both, and the text of the right one.
    fn joined(&self, left: Vector, right: Vector, matching: &Matching, place: Place) -> Result<(Vector, Text), RuleError> {
        let by = match (left.needs.is_empty(), right.needs.is_empty()) {
            (true, _) => right.by.clone(),
            (_, true) => left.by.clone(),
            _ => alike(&left.by, &right.by, matching, place)?,
        };
        let mut needs = left.needs;
        needs.extend(right.needs.into_iter().filter(|need| !needs.contains(need)).collect::<Vec<_>>());
        Ok((Vector { text: left.text, by, leaf: None, needs, plain: left.plain && right.plain }, right.text))
    }

    fn quotient(&mut self, matching: &Matching, left: &Expression, right: &Expression, place: Place) -> Result<Part, RuleError> {
        // A divisor without its zeros is what a divisor is here.
        let (guarded, right) = match &right.kind {
            Form::Binary { sign, left: inner, right: zero, .. } if sign == "!=" && matches!(zero.kind, Form::Number(0.0)) => {
                (true, &**inner)
            }
            _ => (false, right),
        };
        let (left, right) = (self.read(left)?, self.read(right)?);
        match (&left, &right) {
            (_, Part::Scalar(0.0)) => return Err(RuleError::new("what is divided by zero is never known here", place)),
            (Part::Vector(sum), Part::Vector(count)) => {
                let inner = |vector: &Vector, name: &str| vector.text.text.strip_prefix(name).map(str::to_owned);
                let same = inner(sum, "sum(").filter(|rest| inner(count, "count(").as_ref() == Some(rest));
                if let Some(rest) = same.filter(|_| sum.by == count.by && sum.needs.len() == 1 && count.needs == sum.needs) {
                    return Ok(Part::Vector(Vector { text: Text::atom(format!("mean({rest}")), leaf: None, ..sum.clone() }));
                }
                if !guarded {
                    self.notes.push("what is divided by zero is infinite or no number there, and unknown here".into());
                }
            }
            _ => {}
        }
        let measured = matches!(right, Part::Vector(_));
        let mut part = self.arithmetic(("/", matching), left, right, place)?;
        if let Part::Vector(vector) = &mut part {
            vector.plain &= !measured;
        }
        Ok(part)
    }

    fn compare(&mut self, (compare, matching): (Compare, &Matching), left: Part, right: Part, place: Place) -> Result<Part, RuleError> {
        match (left, right) {
            (Part::Scalar(_), Part::Scalar(_)) => Err(RuleError::new("two numbers are compared by `bool` only", place)),
            // The values that a comparison left are compared once more.
            (Part::Filter(Filter::Test { left, compare: before, right, needs, plain }, by), Part::Scalar(limit)) => {
                let again = Filter::Test { left: left.clone(), compare, right: number(limit), needs: needs.clone(), plain };
                Ok(Part::Filter(Filter::And(vec![Filter::Test { left, compare: before, right, needs, plain }, again]), by))
            }
            (left, right) => {
                let (left, right) = (self.operand(left, place)?, self.operand(right, place)?);
                let (left, right) = self.joined(left, right, matching, place)?;
                let Vector { text, by, needs, plain, .. } = left;
                Ok(Part::Filter(Filter::Test { left: text, compare, right, needs, plain }, by))
            }
        }
    }

    fn set(&mut self, (sign, matching): (&str, &Matching), left: Part, right: Part, place: Place) -> Result<Part, RuleError> {
        let filter = |reader: &Self, part: Part| match part {
            Part::Filter(filter, by) => Ok((filter, by)),
            Part::Vector(vector) => reader.present(vector, place),
            Part::Scalar(_) => Err(RuleError::new(format!("`{sign}` is of vectors"), place)),
        };
        let ((left, ours), (right, theirs)) = (filter(self, left)?, filter(self, right)?);
        let by = alike(&ours, &theirs, matching, place)?;
        let joined = match sign {
            "and" => Filter::and(left, right),
            "or" => Filter::or(left, right),
            _ => Filter::and(left, right.unless(place)?),
        };
        Ok(Part::Filter(joined, by))
    }

    /// A vector whose values do not matter: that there is something in the window.
    fn present(&self, vector: Vector, place: Place) -> Result<(Filter, Vec<String>), RuleError> {
        match vector.needs.as_slice() {
            [need] if vector.plain && !vector.text.text.starts_with("stddev") => Ok((Filter::Present(need.clone()), vector.by)),
            _ => Err(RuleError::new("that there is a number at all can't be asked here", place).hint("compare it with a limit")),
        }
    }
}

/// The tags of two sides that have the same ones.
fn alike(ours: &[String], theirs: &[String], matching: &Matching, place: Place) -> Result<Vec<String>, RuleError> {
    let on = matching.on.as_deref().unwrap_or(ours);
    if ours != theirs || on != ours {
        let list = |labels: &[String]| format!("({})", labels.join(", "));
        let message = format!("the two sides are told apart by {} and {}, which can't be said here", list(ours), list(theirs));
        return Err(RuleError::new(message, place).hint("aggregate both by the same labels"));
    }
    Ok(ours.to_vec())
}

fn labels(expression: &Expression, kept: &mut Vec<String>) {
    match &expression.kind {
        Form::Aggregate { grouping, arguments, .. } => {
            if let Grouping::By(labels) = grouping {
                kept.extend(labels.iter().cloned());
            }
            arguments.iter().for_each(|argument| labels(argument, kept));
        }
        Form::Call { arguments, .. } => arguments.iter().for_each(|argument| labels(argument, kept)),
        Form::Negative(inner) => labels(inner, kept),
        Form::Binary { left, right, .. } => {
            labels(left, kept);
            labels(right, kept);
        }
        _ => {}
    }
}
