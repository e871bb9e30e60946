//! Talking over sockets, in plain messages: datagrams in batches, lines over TCP, clients and a listener for HTTP.
//!
//! Knows bytes and addresses only; what the bytes mean is for `wire`.

pub mod datagram;
pub mod http;
pub mod lines;
pub mod listener;
pub mod plain;
