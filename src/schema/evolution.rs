//! May a new schema follow an old one over the same stored documents, clients and older binaries?
//!
//! Documents are stored by JSON name and enum name, so names count as much as numbers and types do. The rules
//! are those of `buf breaking` in its category WIRE_JSON and what that misses: presence, the pbtable's identity,
//! openness of enums, ranges of numbers. What only the rows can say comes back as a [`Question`].
//! Not here: reading rows (store), which sets a database has admitted (store).

mod enums;
mod fields;
mod harm;
mod messages;
mod methods;
mod report;
mod tables;

use self::report::Report;
use super::{Catalogue, SchemaProblem};
use crate::model::TypeName;

/// What a new schema means for what an old one left behind.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Each is a reason to refuse the new schema.
    pub breaks: Vec<SchemaProblem>,
    /// Harmless only if the stored rows say so.
    pub questions: Vec<Question>,
    /// Harmless, and good to know.
    pub notes: Vec<SchemaProblem>,
}

/// What rows may not hold, for a change to be harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose rows are to be looked at.
    pub kind: TypeName,
    pub asks: Asks,
    /// What changed, where, and the remedy, in case that rows do hold it.
    pub change: SchemaProblem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asks {
    /// No row holds the enum's value, under any of these names.
    NoEnumValue { enumeration: String, names: Vec<String> },
    /// No two live rows agree in these fields (proto names), as far as they are set.
    NoDuplicates { fields: Vec<String> },
    /// Every text of these fields fits an index.
    Indexable,
    /// No row is deleted softly.
    NoneDeleted,
    /// No row at all: the pbtable is empty, was pruned, or never was.
    NoRows,
}

/// Compares the whole of two schemas; a lawful history compares each new one with every old one.
pub fn compare(old: &Catalogue, new: &Catalogue) -> Comparison {
    let mut report = Report::new(old, new);
    tables::compare(&mut report);
    messages::compare(&mut report);
    methods::compare(&mut report);
    report.into_comparison()
}

impl Comparison {
    /// One comparison of many; what several old schemas have in common is said once.
    pub fn merge(&mut self, other: Self) {
        extend(&mut self.breaks, other.breaks);
        extend(&mut self.questions, other.questions);
        extend(&mut self.notes, other.notes);
    }
}

fn extend<T: PartialEq>(into: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !into.contains(&item) {
            into.push(item);
        }
    }
}

impl Question {
    /// The change, and what a database will be asked.
    pub fn sentence(&self) -> String {
        let (kind, change) = (&self.kind, &self.change.message);
        let condition = match &self.asks {
            Asks::NoEnumValue { names, .. } => format!("no row of `{kind}` holds `{}`", names.join("`, `")),
            Asks::NoDuplicates { fields } => {
                format!("no two rows of `{kind}` agree in `{}`", fields.join("`, `"))
            }
            Asks::Indexable => format!("every value in `{kind}` is short enough for an index"),
            Asks::NoneDeleted => format!("no row of `{kind}` is deleted softly"),
            Asks::NoRows => format!("`{kind}` has no rows"),
        };
        format!("{change}; a database admits it only if {condition} (`--against database` asks it)")
    }
}
