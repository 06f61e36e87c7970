//! Where a mistake is: `file:line:column` of a descriptor, from the locations that the parser kept.

use prost_reflect::{DescriptorPool, FileDescriptor};

use super::SchemaProblem;

/// Collects mistakes and finds their places.
pub(super) struct Problems<'a> {
    /// The pool that still has source locations; none for an admitted descriptor set.
    sources: Option<&'a DescriptorPool>,
    found: Vec<SchemaProblem>,
    /// Something of an admitted schema is not in the catalogue.
    pub left_out: bool,
}

impl<'a> Problems<'a> {
    pub fn new(sources: Option<&'a DescriptorPool>) -> Self {
        Self { sources, found: Vec::new(), left_out: false }
    }

    /// Whether the schema is the user's, with its sources, and not one that a database has admitted.
    pub fn is_own(&self) -> bool {
        self.sources.is_some()
    }

    /// Notes a mistake in the item that `path` addresses within `file`.
    pub fn add(&mut self, file: &FileDescriptor, path: &[i32], message: impl Into<String>) {
        let location = match self.place(file.name(), path) {
            Some((line, column)) => format!("{}:{line}:{column}", file.name()),
            None => file.name().to_owned(),
        };
        self.found.push(SchemaProblem { location, message: message.into() });
    }

    /// A mistake in a schema of one's own. An admitted one may be newer than this binary: there it is something that
    /// this binary does not know yet, which is left out, and what it stands in is served.
    pub fn add_or_leave_out(&mut self, file: &FileDescriptor, path: &[i32], message: impl Into<String>) {
        if self.is_own() {
            return self.add(file, path, message);
        }
        self.left_out = true;
        let (file, problem) = (file.name(), message.into());
        tracing::warn!(
            file,
            problem,
            "the admitted schema has something that this binary does not know; left out"
        );
    }

    pub fn into_result<T>(self, value: T) -> Result<T, Vec<SchemaProblem>> {
        if self.found.is_empty() {
            return Ok(value);
        }
        let mut found = self.found;
        found.sort_by_cached_key(|problem| in_reading_order(&problem.location));
        Err(found)
    }

    fn place(&self, file: &str, path: &[i32]) -> Option<(i32, i32)> {
        let file = self.sources?.get_file_by_name(file)?;
        let info = file.file_descriptor_proto().source_code_info.as_ref()?;
        let location = info.location.iter().find(|location| location.path == path)?;
        Some((location.span.first()? + 1, location.span.get(1)? + 1))
    }
}

/// `t.proto:10:3` after `t.proto:9:1`.
fn in_reading_order(location: &str) -> (String, u32, u32) {
    let mut parts = location.rsplitn(3, ':');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    match (number(), number()) {
        (Some(column), Some(line)) => (parts.next().unwrap_or_default().to_owned(), line, column),
        _ => (location.to_owned(), 0, 0),
    }
}
