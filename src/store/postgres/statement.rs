//! One SQL statement with values bound at run time, prepared once a connection.
//!
//! `diesel::sql_query` is never cached, so this is a query fragment of its own whose text is the
//! cache key. Texts write `$` where a value stands, in order, each value once; many rows travel as
//! arrays, so that the number of texts (and of prepared statements) is bounded.

use std::marker::PhantomData;

use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, Text};

use crate::query::Scalar;

/// A value bound in place of a `$`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bind {
    Text(Option<String>),
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Bytes(Vec<u8>),
    Texts(Vec<String>),
    OptionalTexts(Vec<Option<String>>),
    Integers(Vec<i64>),
    OptionalIntegers(Vec<Option<i64>>),
    OptionalReals(Vec<Option<f64>>),
    OptionalBooleans(Vec<Option<bool>>),
    BytesArray(Vec<Vec<u8>>),
    Ordinals(Vec<i32>),
}

impl Bind {
    pub(super) fn text(value: impl Into<String>) -> Self {
        Self::Text(Some(value.into()))
    }

    pub(super) fn scalar(value: &Scalar) -> Self {
        match value {
            Scalar::Null => Self::Text(None),
            Scalar::Text(text) => Self::text(text),
            Scalar::Integer(number) => Self::Integer(*number),
            // Travels as text: the SQL casts it to numeric(20), which u64 needs.
            Scalar::Unsigned(number) => Self::text(number.to_string()),
            Scalar::Real(number) => Self::Real(*number),
            Scalar::Boolean(flag) => Self::Boolean(*flag),
        }
    }

    fn push<'b>(&'b self, pass: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Text(value) => pass.push_bind_param::<Nullable<Text>, _>(value),
            Self::Integer(value) => pass.push_bind_param::<BigInt, _>(value),
            Self::Real(value) => pass.push_bind_param::<Double, _>(value),
            Self::Boolean(value) => pass.push_bind_param::<Bool, _>(value),
            Self::Bytes(value) => pass.push_bind_param::<Binary, _>(value),
            Self::Texts(values) => pass.push_bind_param::<Array<Text>, _>(values),
            Self::OptionalTexts(values) => pass.push_bind_param::<Array<Nullable<Text>>, _>(values),
            Self::Integers(values) => pass.push_bind_param::<Array<BigInt>, _>(values),
            Self::OptionalIntegers(values) => pass.push_bind_param::<Array<Nullable<BigInt>>, _>(values),
            Self::OptionalReals(values) => pass.push_bind_param::<Array<Nullable<Double>>, _>(values),
            Self::OptionalBooleans(values) => pass.push_bind_param::<Array<Nullable<Bool>>, _>(values),
            Self::BytesArray(values) => pass.push_bind_param::<Array<Binary>, _>(values),
            Self::Ordinals(values) => pass.push_bind_param::<Array<Integer>, _>(values),
        }
    }
}

/// `Row` is the SQL type of its result columns.
pub(super) struct Statement<'a, Row = ()> {
    sql: &'a str,
    binds: Vec<Bind>,
    cached: bool,
    row: PhantomData<Row>,
}

pub(super) fn statement<Row>(sql: &str, binds: Vec<Bind>) -> Statement<'_, Row> {
    debug_assert_eq!(sql.matches('$').count(), binds.len(), "{sql}");
    Statement { sql, binds, cached: true, row: PhantomData }
}

impl<Row> Statement<'_, Row> {
    /// Planned for this one use: for texts whose number a client decides, and for what runs once.
    pub(super) fn uncached(mut self) -> Self {
        self.cached = false;
        self
    }
}

impl<Row> QueryFragment<Pg> for Statement<'_, Row> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if !self.cached {
            pass.unsafe_to_cache_prepared();
        }
        // `push_bind_param` writes `$1`, `$2` itself, so the text is cut at its own `$`.
        let mut parts = self.sql.split('$');
        pass.push_sql(parts.next().unwrap_or_default());
        for (bind, part) in self.binds.iter().zip(parts) {
            bind.push(&mut pass)?;
            pass.push_sql(part);
        }
        Ok(())
    }
}

impl<Row> QueryId for Statement<'_, Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row> Query for Statement<'_, Row> {
    type SqlType = Row;
}

impl<Row> RunQueryDsl<PgConnection> for Statement<'_, Row> {}
