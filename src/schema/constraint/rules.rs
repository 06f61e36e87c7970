//! Rules in typed form: parsed, checked, ready to be applied many times.

use super::format::Format;
use super::number::Range;
use super::pattern::Pattern;

/// Of one message; only fields that have rules, or a message with rules below them, are listed.
#[derive(Debug, Default)]
pub(super) struct MessageRules {
    /// Position in the message's shape, rules.
    pub fields: Vec<(usize, FieldRules)>,
    pub groups: Vec<Group>,
}

/// Fields of which one must, or at most one may, be set.
#[derive(Debug)]
pub(super) struct Group {
    /// A real oneof's name; none for `(buf.validate.message).oneof`.
    pub oneof: Option<String>,
    /// Positions in the message's shape.
    pub fields: Vec<usize>,
    pub required: bool,
}

#[derive(Debug, Default)]
pub(super) struct FieldRules {
    pub required: bool,
    pub ignore: Ignore,
    pub value: ValueRules,
    /// Position of the message whose rules hold within the value, or within each of its items.
    pub within: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ignore {
    #[default]
    Never,
    /// Only for what cannot be unset; a field with presence that is set is judged.
    IfZero,
    Always,
}

#[derive(Debug, Default)]
pub(super) enum ValueRules {
    #[default]
    Nothing,
    Boolean(bool),
    Integer(Range<i128>),
    Real {
        range: Range<f64>,
        finite: bool,
    },
    Enum {
        numbers: Range<i128>,
        defined_only: bool,
    },
    Text(Box<TextRules>),
    Bytes(Box<BytesRules>),
    /// Nanoseconds.
    Duration(Range<i128>),
    Timestamp(Box<MomentRules>),
    FieldMask(MaskRules),
    /// Type URLs.
    Any(Membership<String>),
    List {
        size: Size,
        unique: bool,
        items: Box<FieldRules>,
    },
    Map {
        size: Size,
        keys: Box<FieldRules>,
        values: Box<FieldRules>,
    },
}

/// How many: of characters, bytes, items, pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub min: Option<u64>,
    pub max: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Membership<T> {
    pub among: Vec<T>,
    pub not_among: Vec<T>,
}

impl<T> Default for Membership<T> {
    fn default() -> Self {
        Self { among: Vec::new(), not_among: Vec::new() }
    }
}

#[derive(Debug, Default)]
pub(super) struct TextRules {
    pub equal: Option<String>,
    pub membership: Membership<String>,
    /// In code points.
    pub length: Size,
    /// In bytes of UTF-8.
    pub bytes: Size,
    pub pattern: Option<Pattern>,
    pub prefix: Option<String>,
    pub suffix: Option<String>,
    pub contains: Option<String>,
    pub not_contains: Option<String>,
    pub format: Option<Format>,
}

#[derive(Debug, Default)]
pub(super) struct BytesRules {
    pub equal: Option<Vec<u8>>,
    pub membership: Membership<Vec<u8>>,
    pub length: Size,
    pub pattern: Option<Pattern>,
    pub prefix: Option<Vec<u8>>,
    pub suffix: Option<Vec<u8>>,
    pub contains: Option<Vec<u8>>,
    /// Lengths that the format allows, and its name.
    pub format: Option<(&'static str, &'static [usize])>,
}

#[derive(Debug, Default)]
pub(super) struct MomentRules {
    /// Nanoseconds since 1970.
    pub range: Range<i128>,
    pub before_now: bool,
    pub after_now: bool,
    /// Nanoseconds, to either side of now.
    pub within: Option<i128>,
}

#[derive(Debug, Default)]
pub(super) struct MaskRules {
    /// The canonical text.
    pub equal: Option<String>,
    /// Paths in lowerCamelCase; one also stands for all below it.
    pub membership: Membership<String>,
}
