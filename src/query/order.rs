//! `orderBy=` of a list → promoted columns and directions (AIP-132).
//!
//! Rows that are equal in all of them follow the key, so `name` may only end the list.

use super::OrderBy;
use crate::model::{Error, Reason, Result};
use crate::schema::ResourceType;

const TERMS_MAX: usize = 8;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    pub columns: Vec<OrderBy>,
    /// The key decides what is left, downwards.
    pub key_descending: bool,
}

/// An empty text is the order of keys.
pub fn parse(kind: &ResourceType, text: &str) -> Result<Order> {
    let mut order = Order::default();
    if text.trim().is_empty() {
        return Ok(order);
    }
    let terms: Vec<&str> = text.split(',').collect();
    for (index, term) in terms.iter().enumerate() {
        let (field, descending) = direction(term)?;
        if field == "name" {
            if index + 1 < terms.len() {
                return Err(invalid(field, "`name` decides alone; drop what follows it"));
            }
            order.key_descending = descending;
            return Ok(order);
        }
        let column = column(kind, field)?;
        if order.columns.iter().any(|earlier| earlier.column == column) {
            return Err(invalid(field, &format!("`{field}` is named twice; drop the second")));
        }
        if order.columns.len() == TERMS_MAX {
            return Err(invalid(field, &format!("more than {TERMS_MAX} fields; shorten the list")));
        }
        order.columns.push(OrderBy { column, descending });
    }
    Ok(order)
}

fn direction(term: &str) -> Result<(&str, bool)> {
    let words: Vec<&str> = term.split_whitespace().collect();
    match words.as_slice() {
        [field] | [field, "asc"] => Ok((field, false)),
        [field, "desc"] => Ok((field, true)),
        _ => Err(invalid(term.trim(), "write `field`, `field asc` or `field desc`, joined by commas")),
    }
}

fn column(kind: &ResourceType, field: &str) -> Result<usize> {
    super::column_by_name(kind, field).ok_or_else(|| {
        let first = field.split('.').next().unwrap_or(field);
        let reason = if super::has_field(kind, field) {
            format!("`{field}` is not indexed; declare it with `[(trine.v1.index) = true]` to order by it")
        } else if first != field && super::has_field(kind, first) {
            format!("`{field}` is nested and cannot be indexed; order by a field of `{}` itself", kind.name)
        } else {
            format!("`{}` has no field `{field}` that orders", kind.name)
        };
        invalid(field, &reason)
    })
}

fn invalid(field: &str, reason: &str) -> Error {
    Error::new(Reason::InvalidOrder, format!("orderBy: {reason}")).with_violation(field, reason)
}
