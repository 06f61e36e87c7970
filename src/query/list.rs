//! A list request's texts → a [`ListQuery`], and the token of the page after it.

use super::page_token::{self, Scope};
use super::{After, ListQuery, filter, order};
use crate::model::{Document, Error, Result, Sight, Stored};
use crate::schema::ResourceType;

/// What a client asked for, as it was written.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// Ids of the parent joined by `/`, `-` for every one of that level; empty for a top-level collection.
    /// None: every parent.
    pub parent: Option<String>,
    pub sight: Sight,
    pub filter: String,
    pub order_by: String,
    /// Soft-deleted resources too.
    pub show_deleted: bool,
    /// Empty for the first page.
    pub page_token: String,
}

impl ListRequest {
    /// The query for one page. A valid token whose order is gone is stale, not a bad `orderBy`.
    pub fn query(&self, kind: &ResourceType, secret: &[u8], limit: u32) -> Result<ListQuery> {
        let order = order::parse(kind, &self.order_by);
        let after = match self.page_token.as_str() {
            "" => None,
            token => {
                let served = order.as_ref().ok().map(|order| order.columns.as_slice());
                Some(page_token::decode(kind, secret, self.scope(kind), served, token)?)
            }
        };
        let filter = filter::parse(kind, &self.filter)?;
        let order = order?;
        let key_descending = order.key_descending;
        Ok(ListQuery {
            parent: self.parent.clone(),
            sight: self.sight.clone(),
            filter,
            order: order.columns,
            key_descending,
            show_deleted: self.show_deleted,
            after,
            limit,
        })
    }

    /// The token of the page that begins after `last`.
    pub fn next_page_token(
        &self,
        kind: &ResourceType,
        secret: &[u8],
        query: &ListQuery,
        last: &Stored,
    ) -> Result<String> {
        page_token::encode(kind, secret, self.scope(kind), &query.order, &query.after(kind, last)?)
    }

    fn scope(&self, kind: &ResourceType) -> Scope {
        Scope::new(kind, self.parent.as_deref(), &self.filter, &self.order_by, self.show_deleted)
    }
}

impl ListQuery {
    /// Where the page after `last` begins.
    pub fn after(&self, kind: &ResourceType, last: &Stored) -> Result<After> {
        Ok(After { values: order_values(kind, self, last)?, key: last.key.clone() })
    }
}

fn order_values(kind: &ResourceType, query: &ListQuery, last: &Stored) -> Result<Vec<super::Scalar>> {
    if query.order.is_empty() {
        return Ok(Vec::new());
    }
    let document: Document = serde_json::from_str(&last.document)
        .map_err(|error| Error::internal(format!("stored {} `{}`: {error}", kind.name, last.key)))?;
    let values = kind.stored_values(last, &document);
    Ok(query.order.iter().map(|term| values[term.column].clone()).collect())
}
