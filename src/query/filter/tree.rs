//! The typed tree of a filter: what the databases turn into conditions.
//!
//! Two-valued: a test of what is absent is false, and its [`Filter::Not`] is true.

use crate::query::{Operator, Scalar};
use crate::schema::ColumnKind;

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// None of them: everything.
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Test(Test),
}

/// One field, one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub target: Target,
    pub check: Check,
}

/// Where the value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// Position in [`crate::schema::ResourceType::columns`].
    Column(usize),
    /// The key, which stands for `name`.
    Key,
    CreateTime,
    UpdateTime,
    DeleteTime,
    PurgeTime,
    /// Steps into the stored document; never empty.
    Document(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Member of a message, by its JSON name.
    Field(String),
    /// Entry of a map, by its key in JSON.
    Key(String),
    /// Any element of a list: the test holds when it holds for one of them.
    Each,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// There is something.
    Present(Container),
    Compare {
        kind: ColumnKind,
        operator: Operator,
        value: Scalar,
        /// The field has a default where it is absent, and the default passes. (Not where the message around
        /// it is absent; a promoted column holds the default itself.)
        absent_holds: bool,
    },
    /// google.protobuf.Duration; both parts have one sign.
    Duration { operator: Operator, seconds: i64, nanos: i32 },
    /// A text with `*` at an end.
    Matches { pattern: Pattern, negated: bool, absent_holds: bool },
}

/// When it counts as empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    Value,
    List,
    Map,
}

/// `text` with anything before it, behind it, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub text: String,
    pub open_start: bool,
    pub open_end: bool,
}

impl Default for Filter {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl Filter {
    /// A comparison of a promoted column.
    pub fn column(column: usize, kind: ColumnKind, operator: Operator, value: Scalar) -> Self {
        let check = Check::Compare { kind, operator, value, absent_holds: false };
        Self::Test(Test { target: Target::Column(column), check })
    }

    /// Whether everything passes.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(items) if items.is_empty())
    }

    /// What must all hold, flattened: each of them may use an index.
    pub fn conjuncts(&self) -> Vec<&Filter> {
        match self {
            Self::All(items) => items.iter().flat_map(Filter::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// Fields that are looked for in the documents, by JSON name: those that could have an index, and those in
    /// messages, lists and maps.
    pub fn unindexed_fields(&self) -> (Vec<&str>, Vec<&str>) {
        let (mut indexable, mut nested) = (Vec::new(), Vec::new());
        for test in self.tests() {
            let Target::Document(steps) = &test.target else { continue };
            let Some(Step::Field(name)) = steps.first() else { continue };
            // A column holds no duration.
            let can_be_column = steps.len() == 1
                && matches!(
                    test.check,
                    Check::Compare { .. } | Check::Matches { .. } | Check::Present(Container::Value)
                );
            let fields = if can_be_column { &mut indexable } else { &mut nested };
            if !fields.contains(&name.as_str()) {
                fields.push(name.as_str());
            }
        }
        (indexable, nested)
    }

    /// Every test of the tree.
    fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All(items) | Self::Any(items) => items.iter().flat_map(Filter::tests).collect(),
            Self::Not(inner) => inner.tests(),
            Self::Test(test) => vec![test],
        }
    }
}

impl Pattern {
    /// Whether `text` fits.
    pub fn matches(&self, text: &str) -> bool {
        match (self.open_start, self.open_end) {
            (true, true) => text.contains(&self.text),
            (true, false) => text.ends_with(&self.text),
            (false, true) => text.starts_with(&self.text),
            (false, false) => text == self.text,
        }
    }

    /// For a prefix: the first text and the first beyond, in the order of code points. None when the pattern is
    /// no prefix or nothing is beyond.
    pub fn range(&self) -> Option<(&str, String)> {
        if self.open_start || !self.open_end {
            return None;
        }
        let mut characters: Vec<char> = self.text.chars().collect();
        while let Some(last) = characters.pop() {
            // The next code point; a surrogate is none.
            let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
            if let Some(next) = next {
                characters.push(next);
                return Some((&self.text, characters.into_iter().collect()));
            }
        }
        None
    }
}
