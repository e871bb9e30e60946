//! Lines come whole out of blocks however the stream was cut, and the hot path reads as the long way does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pipewatch::ndjson::{Block, Blocks, Source};

/// A stream that gives a few bytes at a time.
struct Dripping<'a>(&'a [u8], usize);

impl std::io::Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.len().min(self.1).min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        Ok(length)
    }
}

impl Source for Dripping<'_> {}

fuzz_target!(|bytes: &[u8]| {
    let Some((step, stream)) = bytes.split_first() else { return };
    let mut blocks = Blocks::new(Dripping(stream, usize::from(*step) + 1));
    let mut block = Block::default();
    let mut found: Vec<Vec<u8>> = Vec::new();
    while blocks.next(&mut block, &mut || Ok(())).expect("nothing fails") {
        found.extend(block.lines().map(<[u8]>::to_vec));
    }
    let mut lines: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    assert_eq!(found, lines);
});
