//! The reading connection: point reads and lists, each one statement that also tells its position.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::list::{count_sql, list_sql};
use super::looks::get_owned_sql;
use super::records;
use super::session::Session;
use super::shapes::Shapes;
use super::statement::{Bind, statement};
use super::table::{AnsweringRow, AnsweringRowType, PlacedRow, PlacedRowType, get_sql, placed};
use crate::model::{
    Answer, Error, Fingerprint, IdempotencyKey, Key, Operation, OperationId, Result, Stored, TypeName,
};
use crate::query::ListQuery;
use crate::schema::{Column, ResourceType};
use crate::store::backend::{Asked, Read, Reader};
use crate::store::list_timeout::explain_timeout;

pub(super) struct PostgresReader {
    pub session: Session,
    /// By what the text is made from: the schema may be another one by the next read.
    get_sql: HashMap<(TypeName, Option<String>), String>,
    list_shapes: Shapes,
}

impl PostgresReader {
    pub(super) fn new(session: Session) -> Self {
        Self { session, get_sql: HashMap::new(), list_shapes: Shapes::default() }
    }

    fn get_owned(
        &mut self,
        kind: &ResourceType,
        owner: &Column,
        asked: &[Asked],
    ) -> Result<Read<Vec<Option<Stored>>>> {
        let made_from = (kind.name.clone(), Some(owner.field.clone()));
        let sql = self.get_sql.entry(made_from).or_insert_with(|| get_owned_sql(kind, owner));
        let owners = asked.iter().map(|asked| asked.sight.owner().map(str::to_owned)).collect();
        let query = statement::<AnsweringRowType>(sql, vec![keys(asked), Bind::OptionalTexts(owners)]);
        let rows = self.session.run(|connection| query.load::<AnsweringRow>(connection))?;
        let ordinals: Vec<Option<i64>> = rows.iter().map(|row| row.3).collect();
        let rows = rows.into_iter().map(|(position, row, times, _)| (position, row, times)).collect();
        let placed = self.place(kind, rows);
        let mut value = vec![None; asked.len()];
        for (ordinal, row) in ordinals.into_iter().flatten().zip(placed.value) {
            let place = usize::try_from(ordinal - 1).ok().and_then(|place| value.get_mut(place));
            if let Some(place) = place {
                *place = Some(row);
            }
        }
        Ok(Read { value, position: placed.position })
    }

    fn place(&self, kind: &ResourceType, rows: Vec<PlacedRow>) -> Read<Vec<Stored>> {
        let (lsn, timeline, value) = placed(&kind.name, rows);
        Read { value, position: self.session.position_of(lsn, timeline) }
    }
}

fn keys(asked: &[Asked]) -> Bind {
    Bind::Texts(asked.iter().map(|asked| asked.key.as_str().to_owned()).collect())
}

impl Reader for PostgresReader {
    /// Each read is a transaction of its own: what failed left nothing open.
    fn is_lost_by(&self, _: &Error) -> bool {
        self.session.is_lost()
    }

    fn get(&mut self, kind: &ResourceType, asked: &[Asked]) -> Result<Read<Vec<Option<Stored>>>> {
        if let Some(owner) = kind.owner_column() {
            return self.get_owned(kind, owner, asked);
        }
        let sql = self.get_sql.entry((kind.name.clone(), None)).or_insert_with(|| get_sql(kind));
        let query = statement::<PlacedRowType>(sql, vec![keys(asked)]);
        let rows = self.session.run(|connection| query.load::<PlacedRow>(connection))?;
        let Read { value, position } = self.place(kind, rows);
        let mut rows: HashMap<Key, Stored> = value.into_iter().map(|row| (row.key.clone(), row)).collect();
        Ok(Read { value: asked.iter().map(|asked| rows.remove(&asked.key)).collect(), position })
    }

    fn begin_snapshot(&mut self) -> Result<()> {
        self.session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    }

    fn end_snapshot(&mut self) -> Result<()> {
        self.session.batch("ROLLBACK")
    }

    fn list(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<Vec<Stored>>> {
        let list = list_sql(kind, query);
        let mut statement = statement::<PlacedRowType>(&list.text, list.binds);
        if !(list.cached && self.list_shapes.keeps(&list.text)) {
            statement = statement.uncached();
        }
        let rows = self.session.run(|connection| statement.load::<PlacedRow>(connection));
        Ok(self.place(kind, rows.map_err(|error| explain_timeout(error, query))?))
    }

    fn count(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<i64>> {
        let (text, binds) = count_sql(kind, query);
        let count = statement::<(BigInt, BigInt, BigInt)>(&text, binds).uncached();
        let found = self.session.run(|connection| count.get_result::<(i64, i64, i64)>(connection));
        let (lsn, timeline, value) = found.map_err(|error| explain_timeout(error, query))?;
        Ok(Read { value, position: self.session.position_of(lsn, timeline) })
    }

    fn answers(&mut self, keys: &[IdempotencyKey]) -> Result<Vec<Option<(Fingerprint, Answer)>>> {
        let digests: Vec<Vec<u8>> = keys.iter().map(records::digest).collect();
        let found = self.session.run(|connection| records::find_answers(connection, digests.clone()))?;
        let by_digest: HashMap<Vec<u8>, (Vec<u8>, String)> =
            found.into_iter().map(|(digest, fingerprint, answer)| (digest, (fingerprint, answer))).collect();
        let answer = |digest: &Vec<u8>| {
            let (fingerprint, answer) = by_digest.get(digest)?;
            Some(records::parse_answer(fingerprint.clone(), answer))
        };
        digests.iter().map(answer).map(Option::transpose).collect()
    }

    fn operations(&mut self, ids: &[OperationId]) -> Result<Vec<Option<Operation>>> {
        let wanted = ids.iter().map(|id| id.0.clone()).collect();
        let found = self.session.run(|connection| records::find_operations(connection, wanted))?;
        let by_id: HashMap<String, String> = found.into_iter().collect();
        ids.iter().map(|id| by_id.get(&id.0).map(|text| records::parse_operation(text)).transpose()).collect()
    }

    fn list_operations(&mut self, before: Option<&OperationId>, limit: u32) -> Result<Vec<Operation>> {
        let found = self.session.run(|connection| records::list_operations(connection, before, limit))?;
        found.iter().map(|text| records::parse_operation(text)).collect()
    }
}
