//! Where in a document something is, without allocating until somebody must be told.

use std::fmt;

/// A linked list on the stack: `author.displayName`, `tags[3]`, `labels["a"]`.
#[derive(Clone, Copy)]
pub(in crate::schema) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    segment: Segment<'p>,
}

#[derive(Clone, Copy)]
enum Segment<'p> {
    Root,
    Field(&'p str),
    Item(usize),
    Entry(&'p str),
}

impl<'p> Path<'p> {
    pub const ROOT: Path<'static> = Path { parent: None, segment: Segment::Root };

    pub fn field(&'p self, name: &'p str) -> Path<'p> {
        Path { parent: Some(self), segment: Segment::Field(name) }
    }

    pub fn item(&'p self, index: usize) -> Path<'p> {
        Path { parent: Some(self), segment: Segment::Item(index) }
    }

    pub fn entry(&'p self, key: &'p str) -> Path<'p> {
        Path { parent: Some(self), segment: Segment::Entry(key) }
    }

    pub fn is_root(&self) -> bool {
        self.parent.is_none()
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(formatter)?;
        }
        let is_nested = self.parent.is_some_and(|parent| !parent.is_root());
        match self.segment {
            Segment::Root => Ok(()),
            Segment::Field(name) if is_nested => write!(formatter, ".{name}"),
            Segment::Field(name) => formatter.write_str(name),
            Segment::Item(index) => write!(formatter, "[{index}]"),
            Segment::Entry(key) => write!(formatter, "[{key:?}]"),
        }
    }
}
