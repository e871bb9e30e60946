//! Numbers about many numbers: sums and moments, quantiles, sketches of distributions.
//!
//! Holds [`Moments`] (count, sum, extremes, mean, spread), [`Sketch`] (quantiles with a bounded
//! relative error), and exact quantiles of values at hand; and for windows
//! that slide [`ExactSum`] and [`ExactMoments`] (values are added and taken away without any rounding). Knows no time, no records and no units.
//!
//! Always: what is merged gives what the whole would have given (counts, extremes and sketches
//! exactly, sums to rounding); a result is finite or `None`, never NaN or infinite.

mod exact;
mod exact_moments;
mod moments;
mod quantile;
mod sketch;

pub use exact::ExactSum;
pub use exact_moments::ExactMoments;
pub use moments::Moments;
pub use quantile::{quantile_sorted, quantile_weighted, quantiles, sort_values};
pub use sketch::{Sketch, SketchError};
