//! Lines of JSON to records and back.
//!
//! Holds the reader of lines ([`Lines`]), the two decoders ([`decode`] for any record, owned;
//! [`Samples`] for the hot path, without allocation for a known series), and [`write()`].
//! Knows nothing of files and streams but `std::io::Read`.

mod write;

pub use write::{write, write_number, write_sample, write_string};
