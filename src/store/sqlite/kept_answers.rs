//! Bytes of the answers kept under idempotency keys.

use std::path::Path;

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::connection::{Mode, connect, unavailable};
use super::statement::statement;
use crate::model::Result;
use crate::store::handles::OpenOptions;

/// A row's keys, fingerprint and place in the index come to about 200 bytes.
const SUM: &str = "SELECT coalesce(sum(length(answer) + length(principal) + length(scope) + length(key) + 200), 0) \
                   FROM trine_idempotency";

pub fn bytes(path: &Path, options: &OpenOptions) -> Result<u64> {
    let mut connection = connect(path, Mode::Query, options.lock_timeout_ms)?;
    let sum = statement::<BigInt>(SUM, vec![]).get_result::<i64>(&mut connection);
    sum.map(i64::unsigned_abs).map_err(|error| unavailable(format!("size of kept answers: {error}")))
}
