//! A job's output: passed on as it comes, or held back until it is known to have failed; and its end.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};

use super::super::beat::keep_last;
use crate::cli::Io;
use crate::cli::child::{Keep, Stream};
use crate::cli::failure::system_words;

/// How much is held back of the beginning, and again of the end, in bytes.
const HELD_BYTES: usize = 1 << 20;

/// What becomes of a job's output.
pub(super) struct Output {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// The end of it, of both streams as they came.
    last: Vec<u8>,
    /// What is held back; nothing where everything is passed on.
    held: Option<Held>,
    /// The first write that failed.
    failed: Option<std::io::Error>,
}

impl Output {
    /// Takes the streams from `io` until [`Output::finish`].
    pub(super) fn new(quiet: bool, io: &mut Io) -> Output {
        Output {
            out: std::mem::replace(&mut io.stdout, Box::new(std::io::sink())),
            err: std::mem::replace(&mut io.stderr, Box::new(std::io::sink())),
            last: Vec::new(),
            held: quiet.then(Held::default),
            failed: None,
        }
    }

    /// Takes what came on a stream.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8]) -> Keep {
        keep_last(&mut self.last, bytes);
        match &mut self.held {
            Some(held) => {
                held.add(stream, bytes);
                Keep::Open
            }
            None => self.write(stream, bytes),
        }
    }

    /// Prints what was held back where the job has failed, gives the streams back, and gives the last bytes of all.
    pub(super) fn finish(mut self, has_failed: bool, io: &mut Io) -> Vec<u8> {
        if let Some(held) = self.held.take().filter(|_| has_failed) {
            for (stream, bytes) in held.pieces() {
                self.write(stream, &bytes);
            }
        }
        (io.stdout, io.stderr) = (self.out, self.err);
        if let Some(error) = self.failed {
            io.tell("heartbeat", format!("the job's output: cannot write: {}", system_words(&error)));
        }
        self.last
    }

    /// Writes on. A reader that has left is the job's to see; any other trouble is told, and the job
    /// goes on.
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> Keep {
        let to = if stream == Stream::Out { &mut self.out } else { &mut self.err };
        match to.write_all(bytes).and_then(|()| to.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Keep::Closed,
            Err(error) => {
                self.failed.get_or_insert(error);
                Keep::Open
            }
            Ok(()) => Keep::Open,
        }
    }
}

/// Output that is held back, bounded: its beginning and its end.
#[derive(Default)]
struct Held {
    first: Vec<(Stream, Vec<u8>)>,
    first_bytes: usize,
    last: VecDeque<(Stream, Vec<u8>)>,
    last_bytes: usize,
    left_out_bytes: u64,
}

impl Held {
    fn add(&mut self, stream: Stream, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(HELD_BYTES - self.first_bytes));
        if !first.is_empty() {
            self.first_bytes += first.len();
            match self.first.last_mut() {
                Some((of, piece)) if *of == stream => piece.extend_from_slice(first),
                _ => self.first.push((stream, first.to_vec())),
            }
        }
        if rest.is_empty() {
            return;
        }
        self.last_bytes += rest.len();
        self.last.push_back((stream, rest.to_vec()));
        while self.last_bytes > HELD_BYTES {
            let Some((_, piece)) = self.last.front_mut() else { break };
            let over = (self.last_bytes - HELD_BYTES).min(piece.len());
            piece.drain(..over);
            let is_empty = piece.is_empty();
            self.last_bytes -= over;
            self.left_out_bytes += over as u64;
            if is_empty {
                self.last.pop_front();
            }
        }
    }

    /// Everything in its order, with a line where something was left out.
    fn pieces(self) -> impl Iterator<Item = (Stream, Vec<u8>)> {
        let gap = format!("\n… {} bytes are left out here …\n", self.left_out_bytes);
        let gap = (self.left_out_bytes > 0).then(|| (Stream::Out, gap.into_bytes()));
        self.first.into_iter().chain(gap).chain(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(held: Held) -> String {
        held.pieces().map(|(_, bytes)| String::from_utf8(bytes).unwrap()).collect()
    }

    #[test]
    fn what_is_held_back_comes_in_its_order() {
        let mut held = Held::default();
        for (stream, text) in [(Stream::Out, "a"), (Stream::Out, "b"), (Stream::Err, "c"), (Stream::Out, "d")] {
            held.add(stream, text.as_bytes());
        }
        let pieces: Vec<_> = held.pieces().collect();
        assert_eq!(pieces, [(Stream::Out, b"ab".to_vec()), (Stream::Err, b"c".to_vec()), (Stream::Out, b"d".to_vec())]);
    }

    #[test]
    fn of_very_much_the_beginning_and_the_end_are_held() {
        let mut held = Held::default();
        held.add(Stream::Out, b"begin");
        for _ in 0..100 {
            held.add(Stream::Out, &vec![b'x'; 60_000]);
            assert!(held.first_bytes + held.last_bytes <= 2 * HELD_BYTES);
        }
        held.add(Stream::Out, b"end");
        let left_out = 6_000_008 - 2 * HELD_BYTES;
        let text = text(held);
        assert!(text.starts_with("begin") && text.ends_with("end") && text.contains(&format!("… {left_out} bytes")), "{}", text.len());
    }
}
