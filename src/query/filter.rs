//! `filter=` of a list → a typed tree (AIP-160): what is compared with what, checked against the schema.
//!
//! Text becomes words (`cursor`), words a syntax tree (`grammar`), the tree is then typed: `path` finds
//! the field, `literal` reads the value. Not here: SQL. Invariants: every comparison's value is of its
//! field's kind; nothing in a tree needs checking again; its size is bounded by `BYTES_MAX`,
//! `TERMS_MAX`, `DEPTH_MAX` and `SEGMENTS_MAX`.

mod cursor;
mod grammar;
mod literal;
mod path;
mod problem;
#[cfg(test)]
mod tests;
mod tree;

pub use self::tree::{Check, Container, Filter, Pattern, Step, Target, Test};

use self::grammar::{Restriction, Sign, Syntax};
use self::path::{Leaf, Place};
use self::problem::Problem;
use super::Operator;
use crate::schema::ResourceType;

const BYTES_MAX: usize = 4096;
/// Comparisons in one filter.
const TERMS_MAX: usize = 50;
/// Parentheses and NOTs within one another; lists and maps that one path goes through.
const DEPTH_MAX: usize = 10;
/// Names in one path: documents go no deeper.
const SEGMENTS_MAX: usize = 100;

/// An empty text is no filter.
pub fn parse(kind: &ResourceType, text: &str) -> crate::model::Result<Filter> {
    let typed =
        grammar::parse(text).and_then(|syntax| syntax.map_or(Ok(Filter::default()), |s| typed(kind, s)));
    typed.map_err(|problem| problem.into_error(text))
}

fn typed(kind: &ResourceType, syntax: Syntax) -> Result<Filter, Problem> {
    let all =
        |items: Vec<Syntax>| items.into_iter().map(|item| typed(kind, item)).collect::<Result<_, Problem>>();
    Ok(match syntax {
        Syntax::All(items) => Filter::All(all(items)?),
        Syntax::Any(items) => Filter::Any(all(items)?),
        Syntax::Not(inner) => Filter::Not(Box::new(typed(kind, *inner)?)),
        Syntax::Restriction(restriction) => Filter::Test(test(kind, restriction)?),
    })
}

fn test(kind: &ResourceType, restriction: Restriction) -> Result<Test, Problem> {
    let place = path::resolve(kind, &restriction)?;
    match restriction.sign {
        Sign::Has if restriction.value.is_star() => presence(place, &restriction),
        Sign::Has => has(kind, place, &restriction),
        Sign::Compare(operator) => {
            place.refuse_many(&restriction)?;
            compare(kind, place, operator, &restriction)
        }
    }
}

/// `field:*`
fn presence(place: Place, restriction: &Restriction) -> Result<Test, Problem> {
    let container = match &place.leaf {
        Leaf::List(_) => Container::List,
        Leaf::Map(..) => Container::Map,
        Leaf::Refused(what) => return Err(place.refused(restriction, what)),
        // What is absent where absence means the default is present when it is another value.
        Leaf::Scalar(scalar) => match scalar.default.clone() {
            Some(default) if !scalar.is_real() => {
                let check = Check::Compare {
                    kind: scalar.column_kind(),
                    operator: Operator::NotEqual,
                    value: default,
                    absent_holds: false,
                };
                return Ok(Test { target: place.target, check });
            }
            // NaN is promoted to null, and is present.
            _ if scalar.is_real() => {
                return Ok(Test { target: place.document(), check: Check::Present(Container::Value) });
            }
            _ => Container::Value,
        },
        Leaf::Message => Container::Value,
    };
    Ok(Test { target: place.target, check: Check::Present(container) })
}

/// `tags:"a"`, `labels:key`, `items.sku:"x"`; of a single value it is equality.
fn has(kind: &ResourceType, mut place: Place, restriction: &Restriction) -> Result<Test, Problem> {
    match place.leaf.clone() {
        Leaf::Map(key) => {
            let key = path::map_key(key, &restriction.value.text, restriction.value_at)?;
            place.push(Step::Key(key));
            Ok(Test { target: place.target, check: Check::Present(Container::Value) })
        }
        Leaf::List(element) => {
            place.push(Step::Each);
            place.leaf = *element;
            compare(kind, place, Operator::Equal, restriction)
        }
        _ => compare(kind, place, Operator::Equal, restriction),
    }
}

fn compare(
    kind: &ResourceType,
    place: Place,
    operator: Operator,
    restriction: &Restriction,
) -> Result<Test, Problem> {
    let scalar = match &place.leaf {
        Leaf::Scalar(scalar) => scalar,
        Leaf::Refused(what) => return Err(place.refused(restriction, what)),
        Leaf::Message | Leaf::List(_) | Leaf::Map(..) => return Err(place.is_no_value(restriction)),
    };
    let check = literal::check(kind, scalar, operator, restriction)?;
    Ok(Test { target: place.target, check })
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
