//! Bytes of the answers kept under idempotency keys: what their partitions take on disk.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::session::{Purpose, Session};
use super::statement::statement;
use crate::model::Result;
use crate::store::handles::OpenOptions;

const SUM: &str = "SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits \
                   WHERE inhparent = 'trine.idempotency'::regclass";

pub fn bytes(url: &str, options: &OpenOptions) -> Result<u64> {
    let mut session = Session::open(url, options, Purpose::Read)?;
    let sum = session
        .run(|connection| statement::<BigInt>(SUM, vec![]).uncached().get_result::<i64>(connection))?;
    Ok(sum.unsigned_abs())
}
