//! Lines of JSON to records and back.
//!
//! Holds the reader of lines ([`Blocks`]), the two decoders ([`decode()`] for any record, owned;
//! [`Samples`] for the hot path, without allocation for a known series), and [`write()`].
//! Knows nothing of files and streams but `std::io::Read`.

mod blocks;
mod decode;
mod error;
mod json;
mod number;
mod samples;
mod write;

pub use blocks::{Block, Blocks, Source};
pub use decode::{decode, decode_at};
pub use error::LineError;
pub use samples::{Item, Samples, SeriesId};
pub use write::{WindowLine, write, write_number, write_sample, write_string};
