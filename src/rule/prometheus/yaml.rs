//! A YAML document as a tree in which every node knows its place.
//!
//! Anchors, aliases and merge keys are refused: a rule is read where it stands, and a few aliases
//! of aliases could make more nodes than there is memory. A key that comes twice is refused too.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::Refused;
use crate::record::show;

/// How deep a document may nest, and how many nodes it may have.
const DEPTH: usize = 32;
const NODES: usize = 2_000_000;

/// A part of a document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) at: At,
}

/// Where a node begins: the line and the column, both from 1, and the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
    byte: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Map(Vec<(Node, Node)>),
    List(Vec<Node>),
    Text(String),
    /// Nothing: an empty value, `null` or `~`.
    Empty,
}

impl Kind {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Kind::Map(_) => "a mapping",
            Kind::List(_) => "a list",
            Kind::Text(_) => "a text",
            Kind::Empty => "nothing",
        }
    }
}

impl At {
    /// Something wrong at this place.
    pub(super) fn refuse(self, message: impl Into<String>) -> Refused {
        Refused { place: format!("{}:{}", self.line, self.column), message: message.into(), hint: None }
    }

    /// The place of a byte of a text that begins here, where the file holds the text as it is; else
    /// where the text begins.
    pub(super) fn within(self, source: &str, text: &str, byte: usize) -> At {
        let Some(rest) = source.get(self.byte..) else { return self };
        let Some(line) = text.get(..byte).map(|before| before.rsplit('\n').next().unwrap_or_default()) else { return self };
        let lines = text[..byte].matches('\n').count();
        let first = text.lines().next().unwrap_or_default();
        // A quote or a block's sign stands before the text itself.
        let Some(begin) =
            rest.find(first).filter(|begin| rest[..*begin].chars().all(|c| c.is_whitespace() || "\"'|>+-0123456789".contains(c)))
        else {
            return self;
        };
        let line_of = |text: &str| text.matches('\n').count();
        let (before, number) = (&source[..self.byte + begin], line_of(&source[..self.byte + begin]));
        let indent = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let Some(held) = source.lines().nth(number + lines).and_then(|held| held.get(indent..)) else { return self };
        if !held.starts_with(line) {
            return self;
        }
        At { line: number + lines + 1, column: indent + line.chars().count() + 1, byte: self.byte }
    }
}

/// Reads a file of one document.
pub(super) fn read(text: &str) -> Result<Node, Refused> {
    let mut reader = Reader { parser: Parser::new_from_str(text), nodes: 0, offsets: Offsets::new(text) };
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::StreamEnd => return Ok(Node { kind: Kind::Empty, at: At { line: 1, column: 1, byte: 0 } }),
            event => {
                let node = reader.node(event, span, 0)?;
                return reader.end().map(|()| node);
            }
        }
    }
}

/// From the parser's places, in characters, to bytes.
struct Offsets {
    bytes: Vec<usize>,
}

impl Offsets {
    fn new(text: &str) -> Offsets {
        // Of a text of plain ASCII the places are the same.
        Offsets { bytes: if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() } }
    }

    fn at(&self, span: Span) -> At {
        let index = span.start.index();
        At { line: span.start.line(), column: span.start.col() + 1, byte: self.bytes.get(index).copied().unwrap_or(index) }
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    nodes: usize,
    offsets: Offsets,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Refused> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let place = format!("{}:{}", error.marker().line(), error.marker().col() + 1);
                Err(Refused { place, message: format!("this is no YAML: {}", error.info()), hint: None })
            }
            None => Err(Refused { place: "1:1".into(), message: "the document has no end".into(), hint: None }),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Refused> {
        let at = self.offsets.at(span);
        self.nodes += 1;
        if depth > DEPTH || self.nodes > NODES {
            return Err(at.refuse(format!("a file of rules nests no deeper than {DEPTH} levels and has at most {NODES} parts")));
        }
        let kind = match event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) if anchor != 0 => {
                return Err(at.refuse("an anchor, `&…`, is not read here"));
            }
            Event::Alias(_) => return Err(at.refuse("an alias, `*…`, is not read here")),
            Event::Scalar(text, style, _, _) => match (style, text.as_ref()) {
                (ScalarStyle::Plain, "" | "~" | "null") => Kind::Empty,
                _ => Kind::Text(text.into_owned()),
            },
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(at.refuse("a value is missing")),
        };
        Ok(Node { kind, at })
    }

    fn list(&mut self, depth: usize) -> Result<Kind, Refused> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, Refused> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut known = std::collections::HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Kind::Map(entries));
            }
            let key = self.node(event, span, depth + 1)?;
            if let Kind::Text(name) = &key.kind
                && !known.insert(name.clone())
            {
                return Err(key.at.refuse(format!("the key `{}` comes twice", show(name.as_bytes(), 60))));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            entries.push((key, value));
        }
    }

    /// That nothing comes behind the document.
    fn end(&mut self) -> Result<(), Refused> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentEnd | Event::Nothing, _) => {}
                (_, span) => return Err(self.offsets.at(span).refuse("a file of rules is one document; a second one begins here")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_knows_its_place() {
        let text = "a: 1\nb:\n  - 'x y'\n  - |\n    one\n    two three\n  - ünï: \"q\"\n";
        let Kind::Map(entries) = read(text).unwrap().kind else { panic!() };
        let Kind::List(items) = &entries[1].1.kind else { panic!() };
        let place = |node: &Node| (node.at.line, node.at.column);
        assert_eq!((place(&entries[0].0), place(&entries[0].1), place(&items[0])), ((1, 1), (1, 4), (3, 5)));
        let of = |node: &Node, byte: usize| {
            let Kind::Text(inner) = &node.kind else { panic!() };
            let at = node.at.within(text, inner, byte);
            (at.line, at.column)
        };
        assert_eq!((of(&items[0], 2), of(&items[1], 0), of(&items[1], 8)), ((3, 8), (5, 5), (6, 9)));
        let Kind::Map(inner) = &items[2].kind else { panic!() };
        assert_eq!(of(&inner[0].1, 0), (7, 11));
    }

    #[test]
    fn what_is_no_plain_document_is_refused() {
        for (text, message) in [
            ("a: &x 1", "1:4: an anchor"),
            ("a: *x", "1:4: "),
            ("a: 1\na: 2", "2:1: the key `a` comes twice"),
            ("a: 1\n---\nb: 2", "2:1: a file of rules is one document"),
            ("a: [1", "this is no YAML"),
        ] {
            let found = read(text).unwrap_err().to_string();
            assert!(found.contains(message), "{text}: {found}");
        }
        assert!(read(&"- ".repeat(100)).unwrap_err().message.contains("deeper"));
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
