//! Bytes as they are written, cut into lines; an unfinished one is held until it is complete.

use crate::record::LINE_BYTES;

/// The cutter of one file.
///
/// Holds at most [`LINE_BYTES`]; of a line that is longer only the length is kept.
#[derive(Debug, Default)]
pub(super) struct Cut {
    held: Vec<u8>,
    /// The length so far of a line that is too long.
    passing: Option<u64>,
}

/// What the cutter finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A whole line, without its newline.
    Line(&'a [u8]),
    /// A line that was too long; its length.
    TooLong(u64),
}

impl Cut {
    /// Takes what was read and hands out the lines that it completes.
    ///
    /// # Errors
    /// Those of `each`, at once; then what was read is not taken to the end.
    pub(super) fn take<E>(&mut self, bytes: &[u8], each: &mut dyn FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, behind) = (&rest[..at], &rest[at + 1..]);
            rest = behind;
            if let Some(length) = self.passing.take() {
                each(Piece::TooLong(length + line.len() as u64))?;
            } else if self.held.len() + line.len() > LINE_BYTES {
                let length = self.held.len() + line.len();
                self.held.clear();
                each(Piece::TooLong(length as u64))?;
            } else if self.held.is_empty() {
                each(Piece::Line(line))?;
            } else {
                self.held.extend_from_slice(line);
                let done = each(Piece::Line(&self.held));
                self.held.clear();
                done?;
            }
        }
        match &mut self.passing {
            Some(length) => *length += rest.len() as u64,
            None if self.held.len() + rest.len() > LINE_BYTES => {
                self.passing = Some((self.held.len() + rest.len()) as u64);
                self.held = Vec::new();
            }
            None => self.held.extend_from_slice(rest),
        }
        Ok(())
    }

    /// How many bytes of an unfinished line were taken.
    pub(super) fn unfinished(&self) -> u64 {
        self.passing.unwrap_or(self.held.len() as u64)
    }

    /// Gives the unfinished line, as no more will come.
    pub(super) fn finish<E>(&mut self, each: &mut dyn FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        let held = std::mem::take(&mut self.held);
        match self.passing.take() {
            Some(length) => each(Piece::TooLong(length)),
            None if held.is_empty() => Ok(()),
            None => each(Piece::Line(&held)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines of a text that comes in pieces.
    fn cut(pieces: &[&[u8]]) -> (Vec<Result<Vec<u8>, u64>>, u64) {
        let (mut cut, mut found) = (Cut::default(), Vec::new());
        for piece in pieces {
            cut.take(piece, &mut |piece| {
                found.push(match piece {
                    Piece::Line(line) => Ok(line.to_vec()),
                    Piece::TooLong(length) => Err(length),
                });
                Ok::<(), ()>(())
            })
            .unwrap();
        }
        (found, cut.unfinished())
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_the_bytes_come(text in "[ab\n]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..6)) {
            let mut places: Vec<usize> = cuts.into_iter().map(|at| at.min(text.len())).chain([0, text.len()]).collect();
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(cut(&pieces), cut(&[text.as_bytes()]));
            let (lines, unfinished) = cut(&pieces);
            let expected: Vec<_> = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(|line| Ok(line.trim_end().into())).collect();
            prop_assert_eq!(lines, expected);
            prop_assert_eq!(unfinished as usize, text.len() - text.rfind('\n').map_or(0, |at| at + 1));
        }
    }

    #[test]
    fn a_line_too_long_is_counted_and_not_held() {
        let part = vec![b'x'; LINE_BYTES];
        let (found, unfinished) = cut(&[&part, &part, b"y\nnext\nun"]);
        assert_eq!(found, [Err(2 * LINE_BYTES as u64 + 1), Ok(b"next".to_vec())]);
        assert_eq!(unfinished, 2);
        let (found, _) = cut(&[&part, b"\n"]);
        assert_eq!(found, [Ok(part)]);
    }
}
