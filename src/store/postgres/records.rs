//! The chassis' own rows beside resources: answers under idempotency keys, finished operations.

use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};
use sha2::{Digest, Sha256};

use super::statement::{Bind, statement};
use crate::model::{Answer, Error, Fingerprint, IdempotencyKey, Operation, OperationId, Result};
pub(super) use crate::store::json::{from_json, to_json};

/// What a key is stored under: principal, scope and key can be long, an index entry cannot.
pub(super) fn digest(key: &IdempotencyKey) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [&key.principal, &key.scope, &key.key] {
        // With their lengths: ("a", "bc") and ("ab", "c") are two keys.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().to_vec()
}

pub(super) type KeptAnswer = (Vec<u8>, Vec<u8>, String);

/// Digest, fingerprint, answer of those that are there.
pub(super) fn find_answers(
    connection: &mut PgConnection,
    digests: Vec<Vec<u8>>,
) -> QueryResult<Vec<KeptAnswer>> {
    statement::<(Binary, Binary, Text)>(
        "SELECT digest, fingerprint, answer FROM trine.idempotency WHERE digest = ANY($)",
        vec![Bind::BytesArray(digests)],
    )
    .load(connection)
}

pub(super) fn parse_answer(fingerprint: Vec<u8>, answer: &str) -> Result<(Fingerprint, Answer)> {
    let fingerprint =
        fingerprint.try_into().map_err(|_| Error::internal("stored fingerprint of another length"))?;
    Ok((Fingerprint(fingerprint), from_json(answer)?))
}

/// Id and JSON of those that are there.
pub(super) fn find_operations(
    connection: &mut PgConnection,
    ids: Vec<String>,
) -> QueryResult<Vec<(String, String)>> {
    statement::<(Text, Text)>(
        "SELECT id, operation FROM trine.operations WHERE id = ANY($)",
        vec![Bind::Texts(ids)],
    )
    .load(connection)
}

/// Newest first, `before` exclusive.
pub(super) fn list_operations(
    connection: &mut PgConnection,
    before: Option<&OperationId>,
    limit: u32,
) -> QueryResult<Vec<String>> {
    let limit = Bind::Integer(i64::from(limit));
    match before {
        Some(id) => statement::<Text>(
            "SELECT operation FROM trine.operations WHERE id < $ ORDER BY id DESC LIMIT $",
            vec![Bind::text(id.0.as_str()), limit],
        )
        .load(connection),
        None => {
            statement::<Text>("SELECT operation FROM trine.operations ORDER BY id DESC LIMIT $", vec![limit])
                .load(connection)
        }
    }
}

pub(super) fn parse_operation(text: &str) -> Result<Operation> {
    from_json(text)
}
