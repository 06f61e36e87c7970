//! Text of a list request → a typed query over promoted columns.
//!
//! Not here: SQL. Invariant: a [`ListQuery`] names only columns that exist, with values of their kind.

pub mod filter;
pub mod list;
pub mod mask;
pub mod order;
pub mod page_token;
#[cfg(test)]
mod tests;

pub use list::ListRequest;

pub use crate::model::Scalar;
use crate::model::{Key, Sight};
use crate::schema::ResourceType;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Position in [`crate::schema::ResourceType::columns`].
    pub column: usize,
    pub operator: Operator,
    pub value: Scalar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OrderBy {
    pub column: usize,
    pub descending: bool,
}

/// Where a page begins: after the row with these order values and this key.
#[derive(Clone, Debug, PartialEq)]
pub struct After {
    /// One value per [`ListQuery::order`].
    pub values: Vec<Scalar>,
    pub key: Key,
}

/// One page of one collection. Rows are ordered by `order`, then by key ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Ids of the parent joined by `/`; empty for a top-level collection. None: every parent (`-`).
    pub parent: Option<String>,
    /// Whose rows, where the type has owners.
    pub sight: Sight,
    /// Joined by AND.
    pub filter: Vec<Comparison>,
    pub order: Vec<OrderBy>,
    /// Soft-deleted rows too.
    pub show_deleted: bool,
    pub after: Option<After>,
    /// Rows wanted; the caller asks for one more than the page to learn whether there is a next.
    pub limit: u32,
}

/// Position of a promoted column by the field's proto name or JSON name.
fn column_by_name(kind: &ResourceType, field: &str) -> Option<usize> {
    let descriptor =
        kind.descriptor.get_field_by_name(field).or_else(|| kind.descriptor.get_field_by_json_name(field))?;
    kind.columns.iter().position(|column| column.field == descriptor.name())
}

fn has_field(kind: &ResourceType, field: &str) -> bool {
    kind.descriptor.get_field_by_name(field).is_some()
        || kind.descriptor.get_field_by_json_name(field).is_some()
}
