//! The reading connection: point reads, lists, kept answers, operations.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::SqliteConnection;

use super::clock::Clock;
use super::connection::unavailable;
use super::document::StoredDocument;
use super::list::{count_sql, list_sql};
use super::records;
use super::statement::{Bind, run, statement};
use super::table::{Row, RowType, column_name, identifier, stored};
use crate::model::{Answer, Fingerprint, IdempotencyKey, Operation, OperationId, Position, Result, Stored};
use crate::query::ListQuery;
use crate::schema::ResourceType;
use crate::store::backend::{Asked, Read, Reader};
use crate::store::list_timeout::explain_timeout;

/// List texts kept prepared on one connection; their number is decided by clients.
const LIST_SHAPES_MAX: usize = 256;

pub(super) struct SqliteReader {
    pub connection: SqliteConnection,
    pub cluster: u64,
    pub list_shapes: HashSet<u64>,
    clock: Clock,
}

/// The counter beside each row: row and position are one statement's. Last the question that it answers.
type FoundType = (
    BigInt,
    (Nullable<Text>, Nullable<Text>, Nullable<BigInt>),
    (Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<Text>, Nullable<BigInt>),
    Nullable<BigInt>,
);
type Found = (
    i64,
    (Option<String>, Option<StoredDocument>, Option<i64>),
    (Option<String>, Option<String>, Option<String>, Option<String>, Option<i64>),
    Option<i64>,
);

impl SqliteReader {
    pub(super) fn new(mut connection: SqliteConnection, cluster: u64, timeout_ms: u32) -> Result<Self> {
        let clock = Clock::new(&mut connection, timeout_ms)?;
        Ok(Self { connection, cluster, list_shapes: HashSet::new(), clock })
    }

    fn position(&self, offset: i64) -> Position {
        Position { cluster: self.cluster, timeline: 1, offset: offset.unsigned_abs() }
    }

    /// Several statements on one snapshot.
    fn snapshot<T>(&mut self, read: impl FnOnce(&mut Self) -> diesel::QueryResult<T>) -> Result<T> {
        self.begin_snapshot()?;
        let value = read(self);
        let ended = self.end_snapshot();
        let value = value.map_err(|error| self.clock.explain(&error))?;
        ended.map(|()| value)
    }

    /// A list or a count with its position, within the time that lists have.
    fn timed<T>(
        &mut self,
        query: &ListQuery,
        read: impl FnOnce(&mut SqliteConnection) -> diesel::QueryResult<T>,
    ) -> Result<Read<T>> {
        let found = self.snapshot(|reader| {
            let counter = statement::<BigInt>("SELECT value FROM trine_counter", vec![]);
            let offset: i64 = counter.get_result(&mut reader.connection)?;
            reader.clock.start();
            let value = read(&mut reader.connection)?;
            Ok(Read { value, position: reader.position(offset) })
        });
        found.map_err(|error| explain_timeout(error, query))
    }

    /// All keys in one statement: the position is of the same snapshot as the rows.
    fn get_all(
        &mut self,
        kind: &ResourceType,
        asked: &[Asked],
    ) -> diesel::QueryResult<Read<Vec<Option<Stored>>>> {
        let binds = vec![Bind::text(questions(kind, asked))];
        let found: Vec<Found> = statement::<FoundType>(&get_sql(kind), binds).load(&mut self.connection)?;
        let offset = found.first().map_or(0, |row| row.0);
        let mut value = vec![None; asked.len()];
        for (_, (key, doc, version), times, place) in found {
            let (create, update, delete, purge, schema_id) = times;
            let row = || Some((key?, doc?, version?, create?, update?, delete, purge, schema_id?));
            let place = place.and_then(|place| value.get_mut(usize::try_from(place).ok()?));
            if let (Some(row), Some(place)) = (row(), place) {
                *place = Some(stored(&kind.name, row));
            }
        }
        Ok(Read { value, position: self.position(offset) })
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
    fn get(&mut self, kind: &ResourceType, asked: &[Asked]) -> Result<Read<Vec<Option<Stored>>>> {
        self.get_all(kind, asked).map_err(|error| unavailable(error.to_string()))
    }

    fn begin_snapshot(&mut self) -> Result<()> {
        let begun = run(&mut self.connection, "BEGIN", vec![]);
        begun.map(drop).map_err(|error| unavailable(error.to_string()))
    }

    fn end_snapshot(&mut self) -> Result<()> {
        let ended = run(&mut self.connection, "ROLLBACK", vec![]);
        ended.map(drop).map_err(|error| unavailable(error.to_string()))
    }

    fn list(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<Vec<Stored>>> {
        let sql = list_sql(kind, query);
        let kept = self.keep_shape(&sql.text);
        let rows = self.timed(query, |connection| {
            let list = statement::<RowType>(&sql.text, sql.binds);
            let list = if kept { list } else { list.uncached() };
            list.load::<Row>(connection)
        })?;
        let value = rows.value.into_iter().map(|row| stored(&kind.name, row)).collect();
        Ok(Read { value, position: rows.position })
    }

    fn count(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<i64>> {
        let sql = count_sql(kind, query);
        self.timed(query, |connection| {
            statement::<BigInt>(&sql.text, sql.binds).uncached().get_result(connection)
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

/// Each row beside the question that it answers; where there are owners a question is key and owner.
fn get_sql(kind: &ResourceType) -> String {
    let (key, owned) = match kind.owner_column() {
        None => ("k.value", String::new()),
        Some(column) => {
            let owner = "json_extract(k.value, '$[1]')";
            let column = column_name(column);
            ("json_extract(k.value, '$[0]')", format!(" AND ({owner} IS NULL OR e.{column} = {owner})"))
        }
    };
    format!(
        "SELECT c.value, e.key, e.doc, e.version, e.create_time, e.update_time, e.delete_time, e.purge_time, e.schema_id, \
         k.key FROM trine_counter c LEFT JOIN json_each(?) k LEFT JOIN {} e ON e.key = {key}{owned}",
        identifier(kind.name.as_str())
    )
}

/// A JSON array: of keys, or of keys with owners.
fn questions(kind: &ResourceType, asked: &[Asked]) -> String {
    let question = |asked: &Asked| match kind.owner {
        None => serde_json::Value::from(asked.key.as_str()),
        Some(_) => serde_json::json!([asked.key.as_str(), asked.sight.owner()]),
    };
    serde_json::Value::Array(asked.iter().map(question).collect()).to_string()
}
