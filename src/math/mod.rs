//! Numbers about many numbers: sums and moments, quantiles, sketches of distributions.
//!
//! Holds [`Moments`] (count, sum, extremes, mean, spread), [`Sketch`] (quantiles with a bounded
//! relative error), and exact quantiles of values at hand. For windows that slide it holds
//! [`ExactMoments`] and [`ExactSum`] (values are added and taken away without any rounding) and
//! [`Ordered`] (their quantiles and extremes); for trends
//! [`theil_sen()`]; for two samples [`mann_whitney`] and [`ratio_interval`], for two stretches of time [`shift`] and
//! [`lead()`], and for many tests at once [`benjamini_hochberg`]. Knows no time, no records and no units.
//!
//! Always: what is merged gives what the whole would have given (counts, extremes, sketches and
//! exact sums exactly, other sums to rounding); a result is finite or `None`, never NaN or
//! infinite (but for an [`ExactSum`] beyond the range of doubles).

mod compare;
mod dependent;
mod exact;
mod exact_moments;
mod gaps;
mod lead;
mod moments;
mod multiple;
mod ordered;
mod quantile;
mod sketch;
mod student;
mod theil_sen;

pub use compare::{RankTest, RatioInterval, mann_whitney, ratio_interval};
pub use dependent::{Shift, shift, spread_shift};
pub use exact::ExactSum;
pub use exact_moments::ExactMoments;
pub use gaps::GapTail;
pub use lead::{Lead, correlation, lead};
pub use moments::Moments;
pub use multiple::benjamini_hochberg;
pub use ordered::Ordered;
pub use quantile::{quantile_sorted, quantile_weighted, quantiles, sort_values};
pub use sketch::{Sketch, SketchError};
pub use student::{student_border, student_two_sided};
pub use theil_sen::{Line, theil_sen};
