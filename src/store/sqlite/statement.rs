//! One SQL statement with values bound at run time, prepared once a connection.
//!
//! `diesel::sql_query` is never cached, so this is a query fragment of its own whose text is the
//! cache key. A null is bound with the type of its column: the types belong to the key, and
//! untyped nulls would multiply the prepared statements.

use std::marker::PhantomData;

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Double, Nullable, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};

use crate::query::Scalar;
use crate::schema::ColumnKind;

/// A value bound in place of a `?`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Bind {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
    Bytes(Vec<u8>),
}

impl Bind {
    pub(super) fn text(value: impl Into<String>) -> Self {
        Self::Text(Some(value.into()))
    }

    pub(super) fn integer(value: i64) -> Self {
        Self::Integer(Some(value))
    }

    /// A promoted value in the storage class of its column.
    pub(super) fn scalar(kind: ColumnKind, value: &Scalar) -> Self {
        match value {
            Scalar::Null => match kind {
                ColumnKind::Text | ColumnKind::Timestamp | ColumnKind::Unsigned => Self::Text(None),
                ColumnKind::Integer | ColumnKind::Boolean => Self::Integer(None),
                ColumnKind::Real => Self::Real(None),
            },
            Scalar::Text(text) => Self::text(text),
            Scalar::Integer(number) => Self::integer(*number),
            Scalar::Boolean(flag) => Self::integer(i64::from(*flag)),
            Scalar::Real(number) => Self::Real(Some(*number)),
            // Fixed width, so that text order is number order beyond 2^63 too.
            Scalar::Unsigned(number) => Self::text(format!("{number:020}")),
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
    Statement { sql, binds, cached: true, row: PhantomData }
}

/// A statement without result columns.
pub(super) fn run(
    connection: &mut SqliteConnection,
    sql: &str,
    binds: Vec<Bind>,
) -> diesel::QueryResult<usize> {
    statement::<()>(sql, binds).execute(connection)
}

impl<Row> Statement<'_, Row> {
    /// Prepared for this one use: for texts whose number a client decides.
    pub(super) fn uncached(mut self) -> Self {
        self.cached = false;
        self
    }
}

impl<Row> QueryFragment<Sqlite> for Statement<'_, Row> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Sqlite>) -> diesel::QueryResult<()> {
        if !self.cached {
            pass.unsafe_to_cache_prepared();
        }
        // `push_bind_param` writes the `?` itself, so the text is cut at its own.
        let mut parts = self.sql.split('?');
        pass.push_sql(parts.next().unwrap_or_default());
        for (bind, part) in self.binds.iter().zip(parts) {
            match bind {
                Bind::Text(value) => pass.push_bind_param::<Nullable<Text>, _>(value)?,
                Bind::Integer(value) => pass.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Bind::Real(value) => pass.push_bind_param::<Nullable<Double>, _>(value)?,
                Bind::Bytes(value) => pass.push_bind_param::<Binary, _>(value)?,
            }
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

impl<Row> RunQueryDsl<SqliteConnection> for Statement<'_, Row> {}
