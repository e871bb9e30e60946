//! Limits that are worth a try for an aggregate: from what it came to in quiet times.

use super::episodes::Episode;
use super::table::{Row, Table};
use crate::math::{quantile_sorted, sort_values};

/// On which side a value is worrying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    High,
    Low,
}

/// The limits to try, the tightest first, for a mean of `width` columns of a row.
///
/// Quiet is what lies in no grave episode. The limits are the quantile 0.999 of the quiet, a twentieth and a half of
/// its reach beyond its extreme (the reach: how far that lies from the middle), and the middle between the extremes
/// of the quiet and of the episodes. Rounded to two digits that matter, and to whole numbers where all values are.
pub(super) fn limits(table: &Table, row: &Row, episodes: &[Episode], width: usize, side: Side) -> Vec<f64> {
    let is_grave =
        |column: usize| episodes.iter().any(|episode| episode.grave && (episode.columns.0..=episode.columns.1 + width).contains(&column));
    let sign = if side == Side::High { 1.0 } else { -1.0 };
    let (mut quiet, mut wild) = (Vec::new(), Vec::new());
    for column in 0..table.times.len() {
        if let Some(mean) = mean_before(row, column, width) {
            if is_grave(column) { wild.push(sign * mean) } else { quiet.push(sign * mean) }
        }
    }
    sort_values(&mut quiet);
    sort_values(&mut wild);
    let (Some(middle), Some(most)) = (quantile_sorted(&quiet, 0.5), quiet.last().copied()) else { return Vec::new() };
    let reach = most - middle;
    let mut limits: Vec<f64> = quantile_sorted(&quiet, 0.999).into_iter().collect();
    limits.extend([0.05, 0.5].map(|more| most + more * reach));
    limits.extend(wild.last().filter(|wild| **wild > most).map(|wild| (most + wild) / 2.0));
    limits.retain(|limit| *limit > middle);
    let floor = row.values.iter().flatten().all(|value| *value >= 0.0);
    let is_whole = width == 1 && row.values.iter().flatten().all(|value| value.fract() == 0.0);
    let whole = |limit: f64| {
        if !is_whole {
            limit
        } else if side == Side::High {
            limit.ceil()
        } else {
            limit.floor()
        }
    };
    let mut limits: Vec<f64> =
        limits.into_iter().map(|limit| whole(rounded(sign * limit, side))).filter(|limit| !floor || *limit > 0.0).collect();
    limits.sort_by(|one, other| (sign * one).total_cmp(&(sign * other)));
    limits.dedup();
    limits
}

/// The mean of what a row has in the `width` columns up to one.
fn mean_before(row: &Row, column: usize, width: usize) -> Option<f64> {
    let (sum, count) = row.values[(column + 1).saturating_sub(width)..=column]
        .iter()
        .flatten()
        .fold((0.0, 0.0), |(sum, count), value| (sum + f64::from(*value), count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// Two digits that matter, away from the quiet side.
pub(super) fn rounded(value: f64, side: Side) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 1.0);
    let parts = value / unit;
    let whole = if side == Side::High { (parts - 1e-9).ceil() } else { (parts + 1e-9).floor() } * unit;
    format!("{whole:.6e}").parse().unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_round_and_never_nearer_than_it_was() {
        let cases = [(1234.0, Side::High, 1300.0), (0.0456, Side::High, 0.046), (97.3, Side::Low, 97.0), (120.0, Side::High, 120.0)];
        for (value, side, expected) in cases {
            assert_eq!(rounded(value, side), expected, "{value}");
        }
    }
}
