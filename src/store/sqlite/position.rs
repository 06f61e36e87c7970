//! The file's own id and version counter: where it is in its history. A SQLite reader sees the file
//! itself, so it is never behind and nothing is in trouble while it can be read.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use diesel::sqlite::SqliteConnection;

use super::connection::unavailable;
use super::statement::statement;
use crate::model::{Position, Result};
use crate::store::backend::{Identity, Observed, PositionSource};

pub(super) struct SqlitePositions {
    pub connection: SqliteConnection,
}

impl PositionSource for SqlitePositions {
    fn observe(&mut self) -> Result<Observed> {
        let (cluster, offset) = statement::<(BigInt, BigInt)>(
            "SELECT i.cluster, c.value FROM trine_identity i, trine_counter c",
            vec![],
        )
        .get_result::<(i64, i64)>(&mut self.connection)
        .map_err(|error| unavailable(error.to_string()))?;
        let position =
            Position { cluster: cluster.unsigned_abs(), timeline: 1, offset: offset.unsigned_abs() };
        Ok(Observed { position, trouble: None, lag_bytes: 0 })
    }

    fn identity(&mut self) -> Result<Identity> {
        identity(&mut self.connection)
    }
}

pub(super) fn identity(connection: &mut SqliteConnection) -> Result<Identity> {
    let (cluster, token_secret) =
        statement::<(BigInt, Binary)>("SELECT cluster, token_secret FROM trine_identity", vec![])
            .get_result::<(i64, Vec<u8>)>(connection)
            .map_err(|error| unavailable(format!("no identity yet: {error}")))?;
    Ok(Identity { cluster: cluster.unsigned_abs(), token_secret })
}
