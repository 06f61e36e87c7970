//! The chassis' own rows beside resources: answers under idempotency keys, finished operations.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};
use diesel::sqlite::SqliteConnection;

use super::statement::{Bind, run, statement};
use crate::model::{
    Answer, Error, Fingerprint, Idempotency, IdempotencyKey, Operation, OperationId, Result, Timestamp,
};
pub(super) use crate::store::json::{from_json, to_json};

pub(super) fn find_answer(
    connection: &mut SqliteConnection,
    key: &IdempotencyKey,
) -> diesel::QueryResult<Option<Result<(Fingerprint, Answer)>>> {
    let found = statement::<(Binary, Text)>(
        "SELECT fingerprint, answer FROM trine_idempotency WHERE principal = ? AND scope = ? AND key = ?",
        key_binds(key),
    )
    .load::<(Vec<u8>, String)>(connection)?;
    Ok(found.into_iter().next().map(|(fingerprint, answer)| {
        let bytes =
            fingerprint.try_into().map_err(|_| Error::internal("stored fingerprint of another length"))?;
        Ok((Fingerprint(bytes), from_json(&answer)?))
    }))
}

pub(super) fn store_answer(
    connection: &mut SqliteConnection,
    idempotency: &Idempotency,
    answer: &Answer,
    hour: i64,
) -> Result<diesel::QueryResult<usize>> {
    let mut binds = key_binds(&idempotency.key);
    binds.push(Bind::Bytes(idempotency.fingerprint.0.to_vec()));
    binds.push(Bind::text(to_json(answer)?));
    binds.push(Bind::integer(hour));
    Ok(run(
        connection,
        "INSERT INTO trine_idempotency (principal, scope, key, fingerprint, answer, hour) \
         VALUES (?, ?, ?, ?, ?, ?)",
        binds,
    ))
}

pub(super) fn find_operation(
    connection: &mut SqliteConnection,
    id: &OperationId,
) -> diesel::QueryResult<Option<Result<Operation>>> {
    let found = statement::<Text>(
        "SELECT operation FROM trine_operations WHERE id = ?",
        vec![Bind::text(id.0.as_str())],
    )
    .load::<String>(connection)?;
    Ok(found.first().map(|text| from_json(text)))
}

pub(super) fn store_operation(
    connection: &mut SqliteConnection,
    operation: &Operation,
    now: &Timestamp,
) -> Result<diesel::QueryResult<usize>> {
    let binds =
        vec![Bind::text(operation.id.0.as_str()), Bind::text(to_json(operation)?), Bind::text(now.as_str())];
    Ok(run(connection, "INSERT INTO trine_operations (id, operation, done_time) VALUES (?, ?, ?)", binds))
}

/// Newest first, `before` exclusive.
pub(super) fn list_operations(
    connection: &mut SqliteConnection,
    before: Option<&OperationId>,
    limit: u32,
) -> diesel::QueryResult<Vec<Result<Operation>>> {
    let limit = Bind::integer(i64::from(limit));
    let found = match before {
        Some(id) => statement::<Text>(
            "SELECT operation FROM trine_operations WHERE id < ? ORDER BY id DESC LIMIT ?",
            vec![Bind::text(id.0.as_str()), limit],
        ),
        None => {
            statement::<Text>("SELECT operation FROM trine_operations ORDER BY id DESC LIMIT ?", vec![limit])
        }
    }
    .load::<String>(connection)?;
    Ok(found.iter().map(|text| from_json(text)).collect())
}

fn key_binds(key: &IdempotencyKey) -> Vec<Bind> {
    vec![Bind::text(key.principal.as_str()), Bind::text(key.scope.as_str()), Bind::text(key.key.as_str())]
}
