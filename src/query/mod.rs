//! Text of a list request → a typed query over promoted columns and stored documents.
//!
//! Not here: SQL. Invariant: a [`ListQuery`] names only columns that exist, with values of their kind.

pub mod filter;
pub mod list;
pub mod mask;
pub mod order;
pub mod page_token;
pub mod parent;
#[cfg(test)]
mod tests;

pub use filter::Filter;
pub use list::ListRequest;
pub use parent::Parents;

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

/// One page of one collection. Rows are ordered by `order`, then by key.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Ids of the parent joined by `/`, `-` for every one of that level; empty for a top-level collection.
    /// None: every parent.
    pub parent: Option<String>,
    /// Whose rows, where the type has owners.
    pub sight: Sight,
    pub filter: Filter,
    pub order: Vec<OrderBy>,
    /// Ties are decided by the key, downwards.
    pub key_descending: bool,
    /// Soft-deleted rows too.
    pub show_deleted: bool,
    pub after: Option<After>,
    /// Rows wanted; the caller asks for one more than the page to learn whether there is a next.
    pub limit: u32,
}

impl ListQuery {
    /// The first `limit` rows of a parent by their keys.
    pub fn new(parent: Option<String>, sight: Sight, limit: u32) -> Self {
        let filter = Filter::default();
        let (key_descending, show_deleted) = (false, false);
        Self { parent, sight, filter, order: Vec::new(), key_descending, show_deleted, after: None, limit }
    }
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
