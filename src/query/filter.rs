//! `filter=` of a list → comparisons joined by AND (AIP-160, the part that indexes serve today).
//!
//! Not served yet: OR, NOT, `:`, functions, parentheses, wildcards, nested fields. Each answers 501
//! with its name, never a wrong page. Invariant: every comparison is on a promoted column, its value of that kind.

mod lexer;
mod literal;

use self::lexer::{Lexer, Token};
use super::Comparison;
use super::Operator;
use crate::model::{Error, Reason, Result};
use crate::schema::ResourceType;

const BYTES_MAX: usize = 4096;
const TERMS_MAX: usize = 50;

/// An empty text is no filter.
pub fn parse(kind: &ResourceType, text: &str) -> Result<Vec<Comparison>> {
    if text.len() > BYTES_MAX {
        return Err(invalid(format!("the filter is longer than {BYTES_MAX} bytes; shorten it")));
    }
    let mut lexer = Lexer::new(text);
    let mut comparisons = Vec::new();
    while let Some(token) = lexer.next_term()? {
        if comparisons.len() == TERMS_MAX {
            return Err(invalid(format!("the filter has more than {TERMS_MAX} terms; shorten it")));
        }
        comparisons.push(comparison(kind, token, &mut lexer)?);
    }
    Ok(comparisons)
}

fn comparison(kind: &ResourceType, token: Token, lexer: &mut Lexer<'_>) -> Result<Comparison> {
    let Token::Word(field) = token else {
        return Err(invalid(format!("a term begins with a field, not with {token}; write `field = value`")));
    };
    let operator = match lexer.next()? {
        Some(Token::Operator(operator)) => operator,
        Some(Token::Has) => return Err(not_served("`:` (has)")),
        Some(Token::Open) => return Err(not_served(&format!("the function `{field}(…)`"))),
        _ => {
            return Err(invalid(format!("`{field}` is not compared with anything; write `{field} = value`")));
        }
    };
    let column = column(kind, &field)?;
    let value = match lexer.next_value()? {
        Some(value @ (Token::Word(_) | Token::Text(_))) => value,
        _ => {
            return Err(invalid(format!(
                "`{field}` is compared with nothing; write a value after the operator"
            )));
        }
    };
    let value = literal::scalar(kind, column, operator, &value)?;
    Ok(Comparison { column, operator, value })
}

/// A promoted column by the field's proto name or JSON name.
fn column(kind: &ResourceType, field: &str) -> Result<usize> {
    if field.contains('.') {
        return Err(not_served(&format!("the nested field `{field}`")));
    }
    if let Some(column) = super::column_by_name(kind, field) {
        return Ok(column);
    }
    let error = if super::has_field(kind, field) {
        format!("`{field}` is not indexed; declare it with `[(trine.v1.index) = true]` to filter by it")
    } else {
        format!("`{}` has no field `{field}`", kind.name)
    };
    Err(invalid(error).with_violation(field, "cannot be filtered by"))
}

fn invalid(message: String) -> Error {
    Error::new(Reason::InvalidFilter, message)
}

fn not_served(what: &str) -> Error {
    let message = format!("{what} is not served in filters yet; join comparisons of indexed fields by AND");
    Error::new(Reason::NotImplemented, message)
}

/// Names the operator as it is written.
fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "=",
        Operator::NotEqual => "!=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
    }
}
