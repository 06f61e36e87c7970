//! The right side of a comparison → a value of the column's kind.

use super::lexer::Token;
use super::{invalid, not_served, sign};
use crate::model::Result;
use crate::query::{Operator, Scalar};
use crate::schema::{Column, ColumnKind, ResourceType};

pub(super) fn scalar(
    kind: &ResourceType,
    column: usize,
    operator: Operator,
    value: &Token,
) -> Result<Scalar> {
    let column = &kind.columns[column];
    let (Token::Word(text) | Token::Text(text)) = value else {
        return Err(wrong(column, "a value"));
    };
    match column.kind {
        ColumnKind::Text => textual(kind, column, operator, text),
        ColumnKind::Integer => {
            whole(text, value).map(Scalar::Integer).ok_or_else(|| wrong(column, "a 64-bit whole number"))
        }
        ColumnKind::Unsigned => whole(text, value)
            .map(Scalar::Unsigned)
            .ok_or_else(|| wrong(column, "a whole number from 0 to 2^64 - 1")),
        ColumnKind::Real => text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite() && matches!(value, Token::Word(_)))
            .map(Scalar::Real)
            .ok_or_else(|| wrong(column, "a number")),
        ColumnKind::Boolean => {
            refuse_order(column, operator, "a boolean")?;
            let value = match (text.as_str(), value) {
                ("true", Token::Word(_)) => Some(true),
                ("false", Token::Word(_)) => Some(false),
                _ => None,
            };
            value.map(Scalar::Boolean).ok_or_else(|| wrong(column, "true or false"))
        }
        ColumnKind::Timestamp => crate::schema::document::time::stored_timestamp(text)
            .map(Scalar::Text)
            .ok_or_else(|| wrong(column, "an RFC 3339 time, as in \"2026-11-21T09:14:00Z\"")),
    }
}

fn textual(kind: &ResourceType, column: &Column, operator: Operator, text: &str) -> Result<Scalar> {
    if !column.enum_values.is_empty() {
        refuse_order(column, operator, "an enum")?;
        return kind
            .enum_name(&column.field, text)
            .map(Scalar::Text)
            .ok_or_else(|| wrong(column, &format!("one of {}", column.enum_values.join(", "))));
    }
    if text.starts_with('*') || text.ends_with('*') {
        return Err(not_served("`*` at the end of a string"));
    }
    // What cannot be stored cannot be compared; PostgreSQL would fail on it.
    if text.contains('\0') {
        return Err(wrong(column, "a string without NUL"));
    }
    Ok(Scalar::Text(text.to_owned()))
}

fn whole<T: std::str::FromStr>(text: &str, token: &Token) -> Option<T> {
    if matches!(token, Token::Text(_)) { None } else { text.parse().ok() }
}

fn refuse_order(column: &Column, operator: Operator, what: &str) -> Result<()> {
    if matches!(operator, Operator::Equal | Operator::NotEqual) {
        return Ok(());
    }
    let field = &column.field;
    Err(invalid(format!("`{field}` is {what} and has no order; use = or != instead of {}", sign(operator)))
        .with_violation(field, "has no order"))
}

fn wrong(column: &Column, expected: &str) -> crate::model::Error {
    let field = &column.field;
    invalid(format!("`{field}` must be compared with {expected}"))
        .with_violation(field, format!("must be compared with {expected}"))
}
