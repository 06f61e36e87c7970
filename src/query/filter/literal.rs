//! The right side of a comparison → a check of the field's kind.
//!
//! Whole numbers never pass through a float; a 32-bit float is rounded as the stored one was.

use std::cmp::Ordering;

use super::grammar::{Restriction, joined};
use super::path::{ScalarKind, ScalarLeaf};
use super::problem::Problem;
use super::sign;
use super::tree::{Check, Pattern};
use crate::query::{Operator, Scalar};
use crate::schema::ResourceType;
use crate::schema::document::{scalar as canonical, time};
use crate::schema::shape::EnumShape;

pub(super) fn check(
    kind: &ResourceType,
    scalar: &ScalarLeaf,
    operator: Operator,
    restriction: &Restriction,
) -> Result<Check, Problem> {
    let reader = Reader { kind, scalar, operator, restriction };
    match (&scalar.kind, &restriction.value.pattern) {
        (ScalarKind::Duration, _) => reader.duration(),
        (ScalarKind::Text, Some(pattern)) => reader.pattern(pattern.clone()),
        _ => {
            let value = reader.value()?;
            let absent_holds =
                scalar.default.as_ref().is_some_and(|default| holds(default, operator, &value));
            Ok(Check::Compare { kind: scalar.column_kind(), operator, value, absent_holds })
        }
    }
}

struct Reader<'a> {
    kind: &'a ResourceType,
    scalar: &'a ScalarLeaf,
    operator: Operator,
    restriction: &'a Restriction,
}

impl Reader<'_> {
    fn value(&self) -> Result<Scalar, Problem> {
        let text = &self.restriction.value.text;
        match &self.scalar.kind {
            ScalarKind::Text => self.text().map(Scalar::Text),
            ScalarKind::Bytes => self.bytes(),
            ScalarKind::Enum(shape) => self.enumeration(shape),
            ScalarKind::Name => self.name(),
            ScalarKind::Boolean => self.boolean(),
            ScalarKind::Integer => {
                self.bare(text.parse().ok().map(Scalar::Integer), "a 64-bit whole number without quotes")
            }
            ScalarKind::Unsigned => self.bare(
                text.parse().ok().map(Scalar::Unsigned),
                "a whole number from 0 to 2^64 - 1 without quotes",
            ),
            ScalarKind::Float | ScalarKind::Double => {
                self.bare(self.real().map(Scalar::Real), "a number without quotes")
            }
            ScalarKind::Timestamp | ScalarKind::Duration => time::stored_timestamp(text)
                .map(Scalar::Text)
                .ok_or_else(|| self.wrong("an RFC 3339 time, as in \"2026-11-21T09:14:00Z\"")),
        }
    }

    /// Numbers and booleans stand without quotes.
    fn bare(&self, value: Option<Scalar>, expected: &str) -> Result<Scalar, Problem> {
        value.filter(|_| !self.restriction.value.quoted).ok_or_else(|| self.wrong(expected))
    }

    fn text(&self) -> Result<String, Problem> {
        let text = &self.restriction.value.text;
        // What cannot be stored cannot be compared; PostgreSQL would fail on it.
        if text.contains('\0') { Err(self.wrong("a string without NUL")) } else { Ok(text.clone()) }
    }

    fn pattern(&self, pattern: Pattern) -> Result<Check, Problem> {
        if !matches!(self.operator, Operator::Equal | Operator::NotEqual) {
            let message = format!(
                "`*` at the end of a string stands for any text with = and != only; write `\\*` in quotes for the character, \
                 or use = instead of {}",
                sign(self.operator)
            );
            return Err(Problem::new(self.restriction.value_at, message));
        }
        self.text()?;
        let negated = self.operator == Operator::NotEqual;
        let absent_holds = match &self.scalar.default {
            Some(Scalar::Text(default)) => pattern.matches(default) != negated,
            _ => false,
        };
        Ok(Check::Matches { pattern, negated, absent_holds })
    }

    fn bytes(&self) -> Result<Scalar, Problem> {
        self.refuse_order("bytes")?;
        let value = serde_json::Value::from(self.restriction.value.text.as_str());
        let canonical = canonical::bytes(&value).map_err(|_| self.wrong("a base64 string"))?;
        Ok(Scalar::Text(canonical.as_str().unwrap_or_default().to_owned()))
    }

    fn enumeration(&self, shape: &EnumShape) -> Result<Scalar, Problem> {
        self.refuse_order("an enum")?;
        let number = shape.number_of(&self.restriction.value.text);
        let name = number.and_then(|number| shape.name_of(number));
        name.map(|name| Scalar::Text(name.to_owned())).ok_or_else(|| {
            let names: Vec<&str> = shape.values.iter().map(|(name, _)| name.as_str()).collect();
            self.wrong(&format!("one of {}", names.join(", ")))
        })
    }

    fn boolean(&self) -> Result<Scalar, Problem> {
        self.refuse_order("a boolean")?;
        self.bare(self.restriction.value.text.parse().ok().map(Scalar::Boolean), "true or false")
    }

    fn name(&self) -> Result<Scalar, Problem> {
        if self.restriction.value.pattern.is_some() {
            return Err(
                self.wrong("a whole name; list the children of one parent by their path, of all with `-`")
            );
        }
        let pattern = &self.kind.pattern;
        let key = pattern.key_of(&self.restriction.value.text);
        key.map(Scalar::Text).ok_or_else(|| {
            self.wrong(&format!("a name like `{}`", pattern.resource_name(&example(pattern.depth()))))
        })
    }

    fn real(&self) -> Option<f64> {
        let text = self.restriction.value.text.as_str();
        match text {
            "Infinity" => return Some(f64::INFINITY),
            "-Infinity" => return Some(f64::NEG_INFINITY),
            _ => {}
        }
        // `inf` and `nan` are Rust's words, not ProtoJSON's; NaN equals nothing.
        let looks_like_number =
            text.chars().all(|character| character.is_ascii_digit() || "+-.eE".contains(character));
        let wide: f64 = text.parse().ok().filter(|number: &f64| looks_like_number && number.is_finite())?;
        let number = match self.scalar.kind {
            ScalarKind::Float => canonical::float(&wide.into()).ok()?.as_f64()?,
            _ => wide,
        };
        // -0 is stored as 0.
        Some(number + 0.0)
    }

    fn duration(&self) -> Result<Check, Problem> {
        let parts = time::duration_parts(&self.restriction.value.text);
        let (seconds, nanos) = parts.ok_or_else(|| self.wrong("seconds, as in \"1.5s\""))?;
        Ok(Check::Duration { operator: self.operator, seconds, nanos })
    }

    fn refuse_order(&self, what: &str) -> Result<(), Problem> {
        if matches!(self.operator, Operator::Equal | Operator::NotEqual) {
            return Ok(());
        }
        let (field, sign) = (joined(&self.restriction.path), sign(self.operator));
        let message = format!("`{field}` is {what} and has no order; use = or != instead of {sign}");
        Err(Problem::new(self.restriction.sign_at, message))
    }

    fn wrong(&self, expected: &str) -> Problem {
        let field = joined(&self.restriction.path);
        Problem::new(self.restriction.value_at, format!("`{field}` must be compared with {expected}"))
    }
}

/// Ids that show the form of a name.
fn example(depth: usize) -> String {
    vec!["id"; depth].join("/")
}

fn holds(left: &Scalar, operator: Operator, right: &Scalar) -> bool {
    let ordering = match (left, right) {
        (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
        (Scalar::Integer(left), Scalar::Integer(right)) => Some(left.cmp(right)),
        (Scalar::Unsigned(left), Scalar::Unsigned(right)) => Some(left.cmp(right)),
        (Scalar::Boolean(left), Scalar::Boolean(right)) => Some(left.cmp(right)),
        (Scalar::Real(left), Scalar::Real(right)) => left.partial_cmp(right),
        _ => None,
    };
    ordering.is_some_and(|ordering| match operator {
        Operator::Equal => ordering == Ordering::Equal,
        Operator::NotEqual => ordering != Ordering::Equal,
        Operator::Less => ordering == Ordering::Less,
        Operator::LessOrEqual => ordering != Ordering::Greater,
        Operator::Greater => ordering == Ordering::Greater,
        Operator::GreaterOrEqual => ordering != Ordering::Less,
    })
}
