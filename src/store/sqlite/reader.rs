//! The reading connection: point reads, lists, kept answers, operations.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;

use super::connection::unavailable;
use super::list::list_sql;
use super::records;
use super::statement::{Bind, run, statement};
use super::table::{Row, RowType, identifier, stored};
use crate::model::{
    Answer, Fingerprint, IdempotencyKey, Key, Operation, OperationId, Position, Result, Stored,
};
use crate::query::ListQuery;
use crate::schema::ResourceType;
use crate::store::backend::{Read, Reader};

/// List texts kept prepared on one connection; their number is decided by clients.
const LIST_SHAPES_MAX: usize = 256;

pub(super) struct SqliteReader {
    pub connection: SqliteConnection,
    pub cluster: u64,
    pub list_shapes: HashSet<u64>,
}

/// The counter beside each row: row and position are one statement's.
type FoundType = (
    BigInt,
    (Nullable<Text>, Nullable<Text>, Nullable<BigInt>),
    (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>),
);
type Found = (
    i64,
    (Option<String>, Option<String>, Option<i64>),
    (Option<String>, Option<String>, Option<String>, Option<String>),
);

impl SqliteReader {
    pub(super) fn new(connection: SqliteConnection, cluster: u64) -> Self {
        Self { connection, cluster, list_shapes: HashSet::new() }
    }

    fn position(&self, offset: i64) -> Position {
        Position { cluster: self.cluster, timeline: 1, offset: offset.unsigned_abs() }
    }

    /// Several statements on one snapshot.
    fn snapshot<T>(&mut self, read: impl FnOnce(&mut Self) -> diesel::QueryResult<T>) -> Result<T> {
        let broken = |error: diesel::result::Error| unavailable(error.to_string());
        run(&mut self.connection, "BEGIN", vec![]).map_err(broken)?;
        let value = read(self);
        let ended = run(&mut self.connection, "ROLLBACK", vec![]);
        let value = value.map_err(broken)?;
        ended.map_err(broken)?;
        Ok(value)
    }

    /// All keys in one statement: the position is of the same snapshot as the rows.
    fn get_all(&mut self, kind: &ResourceType, keys: &[Key]) -> diesel::QueryResult<Read<Vec<Stored>>> {
        let sql = format!(
            "SELECT c.value, e.key, e.doc, e.version, e.create_time, e.update_time, e.delete_time, e.purge_time \
             FROM trine_counter c LEFT JOIN json_each(?) k LEFT JOIN {} e ON e.key = k.value",
            identifier(kind.name.as_str())
        );
        let found: Vec<Found> =
            statement::<FoundType>(&sql, vec![Bind::text(array(keys))]).load(&mut self.connection)?;
        let offset = found.first().map_or(0, |row| row.0);
        let rows = found.into_iter().filter_map(|(_, (key, doc, version), times)| {
            let (create, update, delete, purge) = times;
            Some(stored(&kind.name, (key?, doc?, version?, create?, update?, delete, purge)))
        });
        Ok(Read { value: rows.collect(), position: self.position(offset) })
    }

    fn keep_shape(&mut self, text: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let shape = hasher.finish();
        self.list_shapes.contains(&shape)
            || (self.list_shapes.len() < LIST_SHAPES_MAX && self.list_shapes.insert(shape))
    }
}

impl Reader for SqliteReader {
    fn get(&mut self, kind: &ResourceType, keys: &[Key]) -> Result<Read<Vec<Stored>>> {
        self.get_all(kind, keys).map_err(|error| unavailable(error.to_string()))
    }

    fn list(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<Vec<Stored>>> {
        let sql = list_sql(kind, query);
        let kept = self.keep_shape(&sql.text);
        self.snapshot(|reader| {
            let counter = statement::<BigInt>("SELECT value FROM trine_counter", vec![]);
            let offset: i64 = counter.get_result(&mut reader.connection)?;
            let list = statement::<RowType>(&sql.text, sql.binds);
            let list = if kept { list } else { list.uncached() };
            let rows: Vec<Row> = list.load(&mut reader.connection)?;
            let value = rows.into_iter().map(|row| stored(&kind.name, row)).collect();
            Ok(Read { value, position: reader.position(offset) })
        })
    }

    fn answers(&mut self, keys: &[IdempotencyKey]) -> Result<Vec<Option<(Fingerprint, Answer)>>> {
        let found = self.snapshot(|reader| {
            keys.iter()
                .map(|key| records::find_answer(&mut reader.connection, key))
                .collect::<diesel::QueryResult<Vec<_>>>()
        })?;
        found.into_iter().map(Option::transpose).collect()
    }

    fn operations(&mut self, ids: &[OperationId]) -> Result<Vec<Option<Operation>>> {
        let found = self.snapshot(|reader| {
            ids.iter()
                .map(|id| records::find_operation(&mut reader.connection, id))
                .collect::<diesel::QueryResult<Vec<_>>>()
        })?;
        found.into_iter().map(Option::transpose).collect()
    }

    fn list_operations(&mut self, before: Option<&OperationId>, limit: u32) -> Result<Vec<Operation>> {
        records::list_operations(&mut self.connection, before, limit)
            .map_err(|error| unavailable(error.to_string()))?
            .into_iter()
            .collect()
    }
}

/// A JSON array of the keys.
fn array(keys: &[Key]) -> String {
    let keys: Vec<&str> = keys.iter().map(Key::as_str).collect();
    serde_json::Value::from(keys).to_string()
}
