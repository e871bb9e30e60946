//! What is not worth a look: series that never move, that repeat another, and noise.
//!
//! Two rows repeat one another when they correlate in level and in their steps: two disks that both fill up
//! share the first, not the second. A row is noise when it does not hang together over time (its
//! autocorrelations at the first three lags are within what chance gives), with no row of another entity, and
//! not with the episodes.

use super::rank::Parts;
use super::table::Table;
use crate::math::correlation;

/// From which correlation of levels on, and of steps, two rows repeat one another.
const SAME: (f64, f64) = (0.98, 0.5);
/// Columns that are compared at most.
const MOST: usize = 2048;
/// A first look at so many columns tells most pairs apart.
const GLANCE: usize = 256;
/// Strangeness beyond this says no more: one spike would be the whole correlation.
const CLIP: f32 = 10.0;

/// Why a series has its place, or has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Standing {
    /// It is ranked.
    Ranked,
    /// It never moves.
    Constant,
    /// It repeats another, by its place; with the correlation.
    Repeats(usize, f64),
    /// It hangs together with nothing, and not with itself.
    Noise,
    /// Too little of it is there to say anything.
    Short,
}

/// Samples of fewer cells say nothing.
pub(super) const LEAST: usize = 20;

/// The levels and the steps of one row, at the columns that are compared.
struct Looks {
    levels: Vec<Option<f64>>,
    steps: Vec<Option<f64>>,
}

/// The standing of every row; of those that repeat one another the one with the better score stays, then the first.
pub(super) fn standings(table: &Table, parts: &[Parts]) -> Vec<Standing> {
    let looks: Vec<Looks> = (0..table.rows.len()).map(|row| looks(table, row)).collect();
    let mut standings: Vec<Standing> = table
        .rows
        .iter()
        .map(|row| match (row.constant, row.present().count()) {
            (true, _) => Standing::Constant,
            (false, count) if count < LEAST => Standing::Short,
            _ => Standing::Ranked,
        })
        .collect();
    let mut linked = vec![0.0_f64; table.rows.len()];
    let mut order: Vec<usize> = (0..table.rows.len()).filter(|row| standings[*row] == Standing::Ranked).collect();
    order.sort_by(|one, other| parts[*other].score().total_cmp(&parts[*one].score()).then(one.cmp(other)));
    for (place, row) in order.iter().enumerate() {
        for before in &order[..place] {
            let glance = glance(&looks[*row].levels, &looks[*before].levels);
            if table.rows[*row].entity != table.rows[*before].entity {
                linked[*row] = linked[*row].max(glance.abs());
                linked[*before] = linked[*before].max(glance.abs());
            }
            if standings[*row] != Standing::Ranked || standings[*before] != Standing::Ranked || glance.abs() < SAME.0 - 0.1 {
                continue;
            }
            let (level, pairs) = correlation(&looks[*row].levels, &looks[*before].levels);
            let (step, _) = correlation(&looks[*row].steps, &looks[*before].steps);
            if pairs >= LEAST && level.abs() >= SAME.0 && step.abs() >= SAME.1 {
                standings[*row] = Standing::Repeats(*before, level);
            }
        }
    }
    for row in order {
        if standings[row] == Standing::Ranked && parts[row].follows < 0.15 && is_white(table, row, linked[row]) {
            standings[row] = Standing::Noise;
        }
    }
    standings
}

/// The columns that are compared: all, or some in equal distances.
fn columns(table: &Table) -> impl Iterator<Item = usize> + use<> {
    (0..table.times.len()).step_by(table.times.len().div_ceil(MOST).max(1))
}

fn looks(table: &Table, row: usize) -> Looks {
    let strange = &table.rows[row].strange;
    let at = |column: usize| strange[column].map(|value| f64::from(value.clamp(-CLIP, CLIP)));
    let step = |column: usize| Some(at(column)? - at(column.checked_sub(1)?)?).filter(|_| table.follows(column));
    Looks { levels: columns(table).map(at).collect(), steps: columns(table).map(step).collect() }
}

fn glance(one: &[Option<f64>], other: &[Option<f64>]) -> f64 {
    let stride = one.len().div_ceil(GLANCE).max(1);
    let some = |values: &[Option<f64>]| values.iter().step_by(stride).copied().collect::<Vec<_>>();
    correlation(&some(one), &some(other)).0
}

/// Whether a row hangs together neither with itself nor, by `linked`, with another.
fn is_white(table: &Table, row: usize, linked: f64) -> bool {
    let strange: Vec<Option<f64>> =
        table.rows[row].strange.iter().map(|value| value.map(|value| f64::from(value.clamp(-CLIP, CLIP)))).collect();
    let own = (1..=3).map(|lag| correlation(&strange, strange.get(lag..).unwrap_or_default()));
    let is_alone = own.into_iter().all(|(r, pairs)| r.abs() * (pairs as f64).sqrt() < 3.5);
    let seen = table.rows[row].strange.len().min(GLANCE) as f64;
    // The greatest of many correlations by chance is greater than one.
    is_alone && linked * seen.sqrt() < (2.0 * (table.rows.len() as f64 * 20.0).ln()).sqrt() + 1.0
}
