//! What is wrong with a condition, and where: a mistake in a file of settings or in a text by itself.

pub use crate::settings::Mistake as RuleError;
