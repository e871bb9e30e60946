//! `--sweep`: limit and `for` of checks varied, and what each variant would have done.
//!
//! Two passes: the first one, at a coarse step, learns which values each check sees, so that the
//! limits that are tried are sensible ones; in the second one all variants run side by side in one
//! engine, which measures what they have in common once.

use super::report::{Object, brief, event, score_of, share, stretch, totals_of};
use super::table::table;
use super::{Passed, Plan, pass, report, tell_read, watched};
use crate::cli::check::TOOL;
use crate::cli::{Failure, Inputs, Io, Output};
use crate::math::Sketch;
use crate::record::{nearest, show};
use crate::rule::backtest::{Course, Incident, Knob, Measure, Tally, limits, long_alerts, propose};
use crate::rule::{Check, Engine};
use crate::time::Span;

/// The step at which values are looked at, when a check's own is shorter.
const COARSE: Span = Span::from_secs(60);

/// An alert of what was given that lasts so long stands for an incident, when none are known.
const LONG: Span = Span::from_secs(900);

/// The relative error of the limits that are tried.
const ROUGHLY: f64 = 0.01;

/// One level of a check that is varied.
struct Varied {
    /// Which check.
    check: usize,
    knob: Knob,
    limits: Vec<f64>,
    /// The engine's number of its first variant.
    first: usize,
}

/// Varies the named checks, or all, and tells what came of it.
pub(super) fn run(plan: &Plan, names: &[String], inputs: &mut Inputs, out: &mut Output, io: &mut Io) -> Result<(), Failure> {
    if inputs.has_stdin() {
        let hint = "write it to a file first: check backtest --sweep -f check.toml FILE";
        return Err(Failure::usage_hint("--sweep reads the history twice, and standard input can be read only once", hint));
    }
    let mut varied = choose(plan, names, io)?;
    look(plan, &mut varied, inputs, io)?;
    let checks = &plan.rules.checks;
    let mut all = checks.clone();
    for varied in &mut varied {
        varied.first = all.len();
        let combinations = varied.combinations();
        all.extend(combinations.into_iter().map(|(limit, hold)| varied.variant(checks, limit, hold)));
    }
    let mut engine = Engine::new(all);
    let order = plan.order(&engine, inputs.range);
    let (passed, pages) = watched(plan, &mut engine, order, inputs, io, &mut |_, _| {})?;
    tell_read(&passed.read, plan, io);
    let mut text = stretch(plan, &passed);
    for varied in &varied {
        let found = Found::new(plan, varied, &passed, &pages);
        if plan.records {
            found.records(out)?;
        } else {
            text += &found.text();
        }
    }
    if plan.records { Ok(()) } else { out.lines(text.as_bytes()) }
}

/// Which levels are varied; tells why others are not.
fn choose(plan: &Plan, names: &[String], io: &mut Io) -> Result<Vec<Varied>, Failure> {
    let checks = &plan.rules.checks;
    for name in names {
        if !checks.iter().any(|check| check.name == *name) {
            let message = format!("--sweep: there is no check `{}`", show(name.as_bytes(), 80));
            return Err(match nearest(name, checks.iter().map(|check| check.name.as_str())) {
                Some(near) => Failure::usage_hint(message, format!("did you mean `{}`?", show(near.as_bytes(), 80))),
                None => Failure::usage(message),
            });
        }
    }
    let mut varied = Vec::new();
    let mut refused = Vec::new();
    for (at, check) in checks.iter().enumerate().filter(|(_, check)| names.is_empty() || names.contains(&check.name)) {
        for level in 0..check.levels.len() {
            match Knob::of(check, level) {
                Ok(knob) => varied.push(Varied { check: at, knob, limits: Vec::new(), first: 0 }),
                Err(why) => refused.push(format!("{} can't be varied: {why}", called(check, level))),
            }
        }
    }
    if varied.is_empty() {
        return Err(Failure::usage(format!("--sweep: {}", refused.join("\ncheck: "))));
    }
    refused.into_iter().for_each(|why| io.tell(TOOL.name, why));
    Ok(varied)
}

/// What a level is called: the check's name, and its status where there are several.
fn called(check: &Check, level: usize) -> String {
    let name = show(check.name.as_bytes(), 80);
    if check.levels.len() == 1 { name } else { format!("{name} ({})", check.levels[level].status.name()) }
}

/// Finds the limits to try, out of the values that are seen in a first pass.
fn look(plan: &Plan, varied: &mut [Varied], inputs: &mut Inputs, io: &mut Io) -> Result<(), Failure> {
    let checks = &plan.rules.checks;
    let given = varied.iter().map(|varied| varied.variant(checks, varied.knob.limit, Span::ZERO));
    let mut all: Vec<Check> = checks.iter().cloned().chain(given).collect();
    all.iter_mut().for_each(|check| check.every = check.every.max(COARSE));
    let mut engine = Engine::new(all);
    let order = plan.order(&engine, inputs.range);
    inputs.range = order.range;
    let empty = || Sketch::new(ROUGHLY).map_err(|error| Failure::Data(error.to_string()));
    let mut seen = varied.iter().map(|_| Ok((empty()?, None))).collect::<Result<Vec<(Sketch, Option<f64>)>, Failure>>()?;
    pass::run(&mut engine, inputs, order, io, &mut |engine, outcome| {
        let Some(at) = outcome.rule.checked_sub(checks.len()) else { return };
        let ((values, scale), Some(value)) = (&mut seen[at], outcome.value) else { return };
        if scale.is_none() {
            let unit = engine.judge_group(outcome.rule, outcome.group, outcome.at).ok().and_then(|judgement| judgement.verdict.unit);
            *scale = varied[at].knob.scale(unit.as_deref());
        }
        values.add(value, 1.0);
    })?;
    for (varied, (values, scale)) in varied.iter_mut().zip(seen) {
        varied.limits = limits(&varied.knob, &values, scale.unwrap_or(1.0));
    }
    Ok(())
}

impl Varied {
    fn combinations(&self) -> Vec<(f64, Span)> {
        let holds = self.knob.holds();
        self.limits.iter().flat_map(|limit| holds.iter().map(|hold| (*limit, *hold))).collect()
    }

    fn variant(&self, checks: &[Check], limit: f64, hold: Span) -> Check {
        self.knob.variant(&checks[self.check], limit, hold)
    }
}

/// What the variants of one level came to.
struct Found<'a> {
    plan: &'a Plan,
    passed: &'a Passed,
    varied: &'a Varied,
    measures: Vec<Measure>,
    tallies: Vec<Option<Tally>>,
    /// Whether people told the incidents.
    known: bool,
}

impl<'a> Found<'a> {
    fn new(plan: &'a Plan, varied: &'a Varied, passed: &'a Passed, pages: &[Vec<Course>]) -> Found<'a> {
        let check = &plan.rules.checks[varied.check];
        let combinations = varied.combinations();
        let own = &pages[varied.first..varied.first + combinations.len()];
        let given = combinations.iter().position(|(limit, hold)| *limit == varied.knob.limit && *hold == varied.knob.hold);
        let long = given.map(|given| long_alerts(&own[given], LONG, passed.until)).unwrap_or_default();
        let incidents: Vec<&Incident> = plan.incidents_of(&check.name).unwrap_or_else(|| long.iter().collect());
        let stretch = (passed.from, passed.until);
        let measure =
            |((limit, hold), courses): (&(f64, Span), &Vec<Course>)| Measure::new(*limit, *hold, courses, &incidents, stretch, plan.zone);
        let measures = combinations.iter().zip(own).map(measure).collect();
        let tallies = own.iter().map(|courses| report::tally(&passed.judgements, &check.name, courses)).collect();
        Found { plan, passed, varied, measures, tallies, known: plan.incidents.is_some() }
    }

    fn check(&self) -> &Check {
        &self.plan.rules.checks[self.varied.check]
    }

    fn text(&self) -> String {
        let (check, knob) = (self.check(), &self.varied.knob);
        let mut text = format!("\n{}: {}\n", called(check, knob.level), show(knob.text(check, knob.limit, knob.hold).as_bytes(), 400));
        text += &self.matrix("alerts a week", &|at| format!("{:.1}", self.measures[at].totals.per_week));
        let weeks = self.passed.until.since(self.passed.from).secs_f64().max(3600.0) / 604_800.0;
        text +=
            &self.matrix("minutes alerting a week", &|at| format!("{:.0}", self.measures[at].totals.alerting.secs_f64() / 60.0 / weeks));
        if self.known {
            text += &self.matrix("precision", &|at| share(self.measures[at].score.precision()));
            text += &self.matrix("recall", &|at| share(self.measures[at].score.recall()));
            text +=
                &self.matrix("delay to detection, in the middle", &|at| self.measures[at].score.delay().map_or_else(|| "-".into(), brief));
        }
        if self.tallies.iter().any(Option::is_some) {
            text += &self.matrix("precision by judgements", &|at| share(self.tallies[at].and_then(|tally| tally.precision())));
            text += &self.matrix("recall by judgements", &|at| share(self.tallies[at].and_then(|tally| tally.recall())));
        }
        text + &format!("  proposed: {}\n", self.proposal())
    }

    /// One number for each combination: a line for each limit, a column for each `for`.
    fn matrix(&self, title: &str, cell: &dyn Fn(usize) -> String) -> String {
        let knob = &self.varied.knob;
        let holds = knob.holds();
        let mut rows = vec![std::iter::once("for".to_owned()).chain(holds.iter().map(|hold| hold.to_string())).collect::<Vec<_>>()];
        for (at, limit) in self.varied.limits.iter().enumerate() {
            let mut row = vec![format!("{} {}", knob.sign(), knob.told(*limit))];
            for (column, hold) in holds.iter().enumerate() {
                let is_given = *limit == knob.limit && *hold == knob.hold;
                let cell = cell(at * holds.len() + column);
                row.push(if is_given { format!("[{cell}]") } else { format!("{cell} ") });
            }
            rows.push(row);
        }
        // The brackets of the given one stand in a column of their own.
        rows[0].iter_mut().skip(1).for_each(|cell| cell.push(' '));
        format!("  {title}\n{}", table(&rows, 4, &[0]))
    }

    /// Which variant to take, and why, in words.
    fn proposal(&self) -> String {
        let (check, knob) = (self.check(), &self.varied.knob);
        let given = self.measures.iter().find(|measure| measure.limit == knob.limit && measure.hold == knob.hold);
        let Some(given) = given else { return "to keep it as it is".into() };
        let Some(best) = propose(knob, &self.measures, self.known) else {
            return match given.score.found {
                0 if self.known => "nothing, as no incident is about this check".into(),
                0 => format!(
                    "nothing: no alert lasted {} or longer, and without incidents (--labels) it can't be told what matters",
                    brief(LONG)
                ),
                _ => "to keep it as it is: no variant is quieter without missing something".into(),
            };
        };
        let text = show(knob.text(check, best.limit, best.hold).as_bytes(), 400);
        let quieter = format!("{:.1} alerts a week instead of {:.1}", best.totals.per_week, given.totals.per_week);
        let all = best.score.found + best.score.missed.len();
        let delay = best.score.delay().map_or(String::new(), |delay| format!(", {} after the begin in the middle", brief(delay)));
        if self.known {
            let (was, is) = (&given.score, &best.score);
            let precision = format!("precision {} instead of {}", share(is.precision()), share(was.precision()));
            return format!("{text}: {precision}, recall {} instead of {}, {quieter}{delay}", share(is.recall()), share(was.recall()));
        }
        format!("{text}: {quieter}, and it tells {} of {all} alerts that lasted {} or longer{delay}", best.score.found, brief(LONG))
    }

    fn records(&self, out: &mut Output) -> Result<(), Failure> {
        let (check, knob) = (self.check(), &self.varied.knob);
        let proposed = propose(knob, &self.measures, self.known).map(|measure| (measure.limit, measure.hold));
        for (at, measure) in self.measures.iter().enumerate() {
            let mut told: Object = totals_of(&measure.totals);
            told.insert("level".into(), check.levels[knob.level].status.name().into());
            told.insert("limit".into(), measure.limit.into());
            told.insert("for_s".into(), measure.hold.secs_f64().into());
            told.insert("given".into(), (measure.limit == knob.limit && measure.hold == knob.hold).into());
            told.insert("proposed".into(), (proposed == Some((measure.limit, measure.hold))).into());
            if self.known {
                told.insert("incidents".into(), score_of(&measure.score));
            }
            if let Some(tally) = &self.tallies[at] {
                told.insert("judged".into(), report::judged_of(tally));
            }
            event(out, self.passed.until, &check.name, knob.text(check, measure.limit, measure.hold), told)?;
        }
        Ok(())
    }
}
