//! Bytes to blocks of whole lines, in bounded memory.
//!
//! A block is what arrived since the last one, cut behind its last newline; what is behind the cut
//! begins the next block. A line over [`LINE_BYTES`] is passed over as it streams by, its length
//! counted, and reported with the block behind it.
//!
//! ```text
//! read:    {"ts":…}\n{"ts":…}\n{"ts"      :…}\n
//! blocks:  [ line   ][ line   ][carried ──▶ line ]
//! ```

use std::io::Read;

use crate::record::LINE_BYTES;

/// The usual size of a block: it fits a second-level cache with room for what is made of it.
const BLOCK_BYTES: usize = 256 << 10;

/// Something to read from that can say whether reading would wait.
pub trait Source: Read {
    /// Whether a read would return at once: with data, the end, or an error.
    fn ready(&mut self) -> bool {
        true
    }

    /// Whether the end that was read is only where a signal cut the input: a last line without its
    /// newline is then but the beginning of one, and is left out.
    fn is_cut(&self) -> bool {
        false
    }
}

impl Source for std::io::Cursor<Vec<u8>> {}
impl Source for &[u8] {}
impl Source for std::fs::File {}

impl<S: Source + ?Sized> Source for Box<S> {
    fn ready(&mut self) -> bool {
        (**self).ready()
    }

    fn is_cut(&self) -> bool {
        (**self).is_cut()
    }
}

/// Whole lines.
#[derive(Debug, Default)]
pub struct Block {
    data: Vec<u8>,
    end: usize,
    /// The length of a line too long to keep, which stood before these lines.
    pub too_long: Option<u64>,
}

impl Block {
    /// The lines, each ended by a newline; but the input's last one may lack it.
    pub fn bytes(&self) -> &[u8] {
        &self.data[..self.end]
    }

    /// The lines, without their newlines.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let at = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..at];
            rest = rest.get(at + 1..).unwrap_or_default();
            Some(line)
        })
    }
}

/// Cuts a stream of bytes into blocks of whole lines.
pub struct Blocks<S> {
    source: S,
    carried: Vec<u8>,
    /// How much of a line that is too long went by, while one does.
    passing: Option<u64>,
    ended: bool,
}

impl<S: Source> Blocks<S> {
    /// Begins at the source's present place.
    pub fn new(source: S) -> Blocks<S> {
        Blocks { source, carried: Vec::new(), passing: None, ended: false }
    }

    /// Reads the next block into `block`, whose memory is used again; `false` at the end.
    ///
    /// Calls `before_wait` whenever it is about to wait for more input.
    ///
    /// # Errors
    /// When reading fails, or `before_wait` does.
    pub fn next(&mut self, block: &mut Block, before_wait: &mut dyn FnMut() -> std::io::Result<()>) -> std::io::Result<bool> {
        block.end = 0;
        block.too_long = None;
        if self.passing.is_some() {
            block.too_long = Some(self.pass(block, before_wait)?);
        }
        if block.data.len() < BLOCK_BYTES {
            block.data.resize(BLOCK_BYTES, 0);
        }
        let mut filled = self.carried.len();
        if block.data.len() <= filled {
            block.data.resize(LINE_BYTES + 1, 0);
        }
        block.data[..filled].copy_from_slice(&self.carried);
        self.carried.clear();
        let mut searched = 0;
        let mut cut = 0;
        while !self.ended {
            if !self.source.ready() {
                if cut > 0 {
                    break;
                }
                before_wait()?;
            }
            let read = read(&mut self.source, &mut block.data[filled..])?;
            self.ended = read == 0;
            filled += read;
            if let Some(at) = memchr::memrchr(b'\n', &block.data[searched..filled]) {
                cut = searched + at + 1;
            }
            searched = filled;
            if filled == block.data.len() {
                if cut > 0 {
                    break;
                }
                if filled > LINE_BYTES {
                    self.passing = Some(filled as u64);
                    return Ok(true);
                }
                block.data.resize((filled * 2).min(LINE_BYTES + 1), 0);
            }
        }
        // The last line may lack its newline.
        block.end = if self.ended && !self.source.is_cut() { filled } else { cut };
        self.carried.extend_from_slice(&block.data[block.end..filled]);
        Ok(block.end > 0 || block.too_long.is_some())
    }

    /// Reads up to the end of a line that is too long; gives its length. What follows is carried.
    fn pass(&mut self, block: &mut Block, before_wait: &mut dyn FnMut() -> std::io::Result<()>) -> std::io::Result<u64> {
        let mut length = self.passing.take().unwrap_or(0);
        block.data.resize(BLOCK_BYTES.max(block.data.len()), 0);
        while !self.ended {
            if !self.source.ready() {
                before_wait()?;
            }
            let read = read(&mut self.source, &mut block.data[..BLOCK_BYTES])?;
            self.ended = read == 0;
            if let Some(at) = memchr::memchr(b'\n', &block.data[..read]) {
                self.carried.extend_from_slice(&block.data[at + 1..read]);
                return Ok(length + at as u64);
            }
            length += read as u64;
        }
        Ok(length)
    }
}

/// Reads once, again when a signal came between.
fn read(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives the bytes in pieces, and waits between them.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Some(piece) = self.0.first_mut() else { return Ok(0) };
            let length = piece.len().min(buffer.len());
            buffer[..length].copy_from_slice(&piece[..length]);
            piece.drain(..length);
            if piece.is_empty() {
                self.0.remove(0);
            }
            Ok(length)
        }
    }

    impl Source for Pieces {
        fn ready(&mut self) -> bool {
            false
        }
    }

    /// All lines, a line too long as its length.
    fn lines(pieces: Vec<Vec<u8>>) -> Vec<Result<Vec<u8>, u64>> {
        let mut blocks = Blocks::new(Pieces(pieces));
        let mut block = Block::default();
        let mut all = Vec::new();
        while blocks.next(&mut block, &mut || Ok(())).unwrap() {
            all.extend(block.too_long.map(Err));
            all.extend(block.lines().map(|line| Ok(line.to_vec())));
        }
        all
    }

    #[test]
    fn a_line_is_out_before_the_next_one_is_waited_for() {
        let mut blocks = Blocks::new(Pieces(vec![b"one\ntw".to_vec(), b"o\n".to_vec()]));
        let mut block = Block::default();
        let mut waits = 0;
        blocks
            .next(&mut block, &mut || {
                waits += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!((block.bytes(), waits), (&b"one\n"[..], 1));
        blocks
            .next(&mut block, &mut || {
                waits += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!((block.bytes(), waits), (&b"two\n"[..], 2));
    }

    #[test]
    fn a_line_too_long_is_counted_and_its_neighbours_are_kept() {
        let huge = vec![b'x'; 3 << 20];
        let input = [b"a\n".as_slice(), &huge, b"\nb\n", &huge].concat();
        let expected = vec![Ok(b"a".to_vec()), Err(3 << 20), Ok(b"b".to_vec()), Err(3 << 20)];
        assert_eq!(lines(vec![input.clone()]), expected);
        assert_eq!(lines(input.chunks(70_001).map(<[u8]>::to_vec).collect()), expected);
    }

    #[test]
    fn a_line_of_the_greatest_length_is_kept() {
        let longest = vec![b'x'; LINE_BYTES];
        let input = [&longest, b"\n".as_slice(), &longest].concat();
        assert_eq!(lines(vec![input]), vec![Ok(longest.clone()), Ok(longest)]);
    }

    proptest! {
        #[test]
        fn the_lines_are_the_same_however_they_arrive(text in "[a\\n]{0,40}", cuts in prop::collection::vec(1usize..6, 0..20)) {
            let mut rest = text.as_bytes();
            let mut pieces = Vec::new();
            for cut in cuts {
                if rest.is_empty() { break; }
                let (piece, next) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece.to_vec());
                rest = next;
            }
            if !rest.is_empty() { pieces.push(rest.to_vec()); }
            let expected: Vec<Result<Vec<u8>, u64>> = text.strip_suffix('\n').or(Some(text.as_str())).filter(|t| !text.is_empty() || !t.is_empty())
                .map(|t| t.split('\n').map(|line| Ok(line.as_bytes().to_vec())).collect()).unwrap_or_default();
            prop_assert_eq!(lines(pieces), expected);
        }
    }
}
