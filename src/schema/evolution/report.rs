//! Collects what was found, each with its place in the new schema's source.

use std::collections::HashSet;

use prost_reflect::{FieldDescriptor, FileDescriptor, MessageDescriptor};

use super::harm::Harm;
use super::{Asks, Comparison, Question};
use crate::model::TypeName;
use crate::schema::location::Problems;
use crate::schema::options::Options;
use crate::schema::shape::Behavior;
use crate::schema::{Catalogue, SchemaProblem};

pub(super) struct Report<'a> {
    pub old: &'a Catalogue,
    pub new: &'a Catalogue,
    options: [Options; 2],
    /// Full names of the old messages that documents are made of.
    stored: HashSet<String>,
    found: Comparison,
}

/// Where in the new schema: a file of it and an item in the file; or a file that may be gone.
pub(super) enum Place<'p> {
    At(&'p FileDescriptor, &'p [i32]),
    File(&'p str),
}

impl<'a> Report<'a> {
    pub fn new(old: &'a Catalogue, new: &'a Catalogue) -> Self {
        let tables = old.types.iter().chain(&old.tombstones);
        let mut stored = HashSet::new();
        tables.for_each(|kind| drop(reach(&kind.descriptor, &mut stored)));
        let options = [Options::new(&old.pool), Options::new(&new.pool)];
        Self { old, new, options, stored, found: Comparison::default() }
    }

    pub fn is_stored(&self, message: &MessageDescriptor) -> bool {
        self.stored.contains(message.full_name())
    }

    /// Of a field of the old schema and of its successor.
    pub fn behaviors(&self, old: &FieldDescriptor, new: &FieldDescriptor) -> [Behavior; 2] {
        [self.options[0].behavior(old), self.options[1].behavior(new)]
    }

    /// `what changed`, whom it breaks, `the remedy`.
    pub fn breaks(&mut self, place: &Place<'_>, change: &str, harm: Harm, remedy: &str) {
        let problem = self.problem(place, format!("{change}, which breaks {harm}; {remedy}"));
        self.found.breaks.push(problem);
    }

    pub fn note(&mut self, place: &Place<'_>, sentence: String) {
        let problem = self.problem(place, sentence);
        self.found.notes.push(problem);
    }

    pub fn ask(&mut self, place: &Place<'_>, kind: &TypeName, asks: Asks, change: String) {
        let change = self.problem(place, change);
        self.found.questions.push(Question { kind: kind.clone(), asks, change });
    }

    pub fn into_comparison(self) -> Comparison {
        let mut comparison = Comparison::default();
        comparison.merge(self.found);
        comparison
    }

    fn problem(&self, place: &Place<'_>, sentence: String) -> SchemaProblem {
        match place {
            Place::At(file, path) => {
                let mut problems = Problems::new(self.new.sources.as_ref());
                problems.add(file, path, sentence.clone());
                let found = problems.into_result(()).err().unwrap_or_default();
                found.into_iter().next().unwrap_or_else(|| SchemaProblem::at(file.name(), sentence))
            }
            Place::File(name) => SchemaProblem::at(name, sentence),
        }
    }
}

/// A message and all that its fields are made of, apart from what is in `reached` already. By a list of what is
/// open: a chain of messages may be longer than a stack.
pub(super) fn reach(message: &MessageDescriptor, reached: &mut HashSet<String>) -> Vec<MessageDescriptor> {
    let (mut found, mut open) = (Vec::new(), vec![message.clone()]);
    while let Some(message) = open.pop() {
        if reached.insert(message.full_name().to_owned()) {
            open.extend(message.fields().filter_map(|field| field.kind().as_message().cloned()));
            found.push(message);
        }
    }
    found
}
