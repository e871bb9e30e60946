//! Talking over sockets, in plain messages: datagrams in batches, and lines over TCP.
//!
//! Knows bytes and addresses only; what the bytes mean is for `wire`.

pub mod datagram;
pub mod lines;
