//! What is wrong with a filter and where; the place becomes a column when the client is told.

use crate::model::{Error, Reason};

#[derive(Debug)]
pub(super) struct Problem {
    /// Byte of the filter's text.
    at: usize,
    message: String,
}

impl Problem {
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// 400 with the column, counted in characters from 1.
    pub fn into_error(self, filter: &str) -> Error {
        let before = filter.get(..self.at).unwrap_or(filter);
        let column = before.chars().count() + 1;
        Error::new(Reason::InvalidFilter, format!("filter, column {column}: {}", self.message))
            .with_metadata("column", column.to_string())
            .with_violation("filter", format!("column {column}: {}", self.message))
    }
}
