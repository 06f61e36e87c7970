//! The reading connection: point reads and lists, each one statement that also tells its position.

use std::collections::HashMap;

use diesel::prelude::*;

use super::list::list_sql;
use super::records;
use super::session::Session;
use super::shapes::Shapes;
use super::statement::{Bind, statement};
use super::table::{PlacedRow, PlacedRowType, get_sql, placed};
use crate::model::{
    Answer, Error, Fingerprint, IdempotencyKey, Key, Operation, OperationId, Result, Stored, TypeName,
};
use crate::query::ListQuery;
use crate::schema::ResourceType;
use crate::store::backend::{Read, Reader};

pub(super) struct PostgresReader {
    pub session: Session,
    get_sql: HashMap<TypeName, String>,
    list_shapes: Shapes,
}

impl PostgresReader {
    pub(super) fn new(session: Session) -> Self {
        Self { session, get_sql: HashMap::new(), list_shapes: Shapes::default() }
    }

    fn place(&self, kind: &ResourceType, rows: Vec<PlacedRow>) -> Read<Vec<Stored>> {
        let (lsn, timeline, value) = placed(&kind.name, rows);
        Read { value, position: self.session.position_of(lsn, timeline) }
    }
}

impl Reader for PostgresReader {
    /// Each read is a transaction of its own: what failed left nothing open.
    fn is_lost_by(&self, _: &Error) -> bool {
        self.session.is_lost()
    }

    fn get(&mut self, kind: &ResourceType, keys: &[Key]) -> Result<Read<Vec<Stored>>> {
        let sql = self.get_sql.entry(kind.name.clone()).or_insert_with(|| get_sql(kind));
        let keys = Bind::Texts(keys.iter().map(|key| key.as_str().to_owned()).collect());
        let query = statement::<PlacedRowType>(sql, vec![keys]);
        let rows = self.session.run(|connection| query.load::<PlacedRow>(connection))?;
        Ok(self.place(kind, rows))
    }

    fn list(&mut self, kind: &ResourceType, query: &ListQuery) -> Result<Read<Vec<Stored>>> {
        let list = list_sql(kind, query);
        let mut query = statement::<PlacedRowType>(&list.text, list.binds);
        if !(list.cached && self.list_shapes.keeps(&list.text)) {
            query = query.uncached();
        }
        let rows = self.session.run(|connection| query.load::<PlacedRow>(connection))?;
        Ok(self.place(kind, rows))
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
