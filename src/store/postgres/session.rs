//! One connection: how it is opened, what it may do, when it is dropped.
//!
//! Every session has statement and lock time-outs and TCP limits of its own: the server cannot
//! cancel what it never heard of. A session that lost its connection stays lost; its owner opens
//! another one.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

use super::failure::{Failure, to_error, unreachable};
use super::position::{POSITION_SQL, PageSizes, PositionRow};
use super::statement::{Bind, statement};
use crate::model::{Position, Result};
use crate::store::handles::OpenOptions;

/// What a session is for; decides its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads by key.
    Point,
    /// Reads by filter and order, and what is asked once.
    Read,
    Write,
    Watch,
    /// Migrations and schema apply: no limit on statements, short ones on locks.
    Schema,
    /// Holds the writer's lock and shuts out predecessors.
    Own,
}

pub(super) struct Session {
    pub connection: PgConnection,
    pub cluster: u64,
    sizes: PageSizes,
    timeout_ms: u32,
    lost: bool,
}

impl Session {
    pub(super) fn open(url: &str, options: &OpenOptions, purpose: Purpose) -> Result<Self> {
        let mut connection =
            PgConnection::establish(&with_limits(url)).map_err(|error| unreachable(&error))?;
        let begin = Instant::now();
        let timeout_ms = statement_timeout_ms(options, purpose);
        let settings = settings(options, purpose, timeout_ms);
        let facts = connection.batch_execute(&settings).and_then(|()| facts(&mut connection));
        let (cluster, page, segment) = facts.map_err(|error| to_error(&error, begin.elapsed(), u32::MAX))?;
        let sizes = PageSizes { page: page.unsigned_abs(), segment: segment.unsigned_abs() };
        Ok(Self { connection, cluster: cluster.cast_unsigned(), sizes, timeout_ms, lost: false })
    }

    /// Runs statements; a failure is judged once, here.
    pub(super) fn run<T>(&mut self, work: impl FnOnce(&mut PgConnection) -> QueryResult<T>) -> Result<T> {
        let begin = Instant::now();
        work(&mut self.connection).map_err(|error| self.judge(&error, begin.elapsed()))
    }

    pub(super) fn judge(&mut self, error: &diesel::result::Error, took: Duration) -> crate::model::Error {
        self.lost |= Failure::of(error) == Failure::Connection;
        let timeout_ms = if self.timeout_ms == 0 { u32::MAX } else { self.timeout_ms };
        to_error(error, took, timeout_ms)
    }

    /// For a session that is in a state nobody knows.
    pub(super) fn give_up(&mut self) {
        self.lost = true;
    }

    /// The connection broke: open another session.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    pub(super) fn position(&mut self) -> Result<Position> {
        let (lsn, timeline) =
            self.run(|connection| statement::<PositionRow>(POSITION_SQL, vec![]).get_result(connection))?;
        Ok(self.position_of(lsn, timeline))
    }

    pub(super) fn position_of(&self, lsn: i64, timeline: i64) -> Position {
        self.sizes.position(self.cluster, lsn, timeline)
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        self.run(|connection| connection.batch_execute(sql))
    }

    pub(super) fn execute(&mut self, sql: &str, binds: Vec<Bind>) -> Result<usize> {
        self.run(|connection| statement::<()>(sql, binds).execute(connection))
    }

    /// By the operator's switch, or because it is a replica.
    pub(super) fn is_read_only(&mut self) -> Result<bool> {
        self.run(|connection| {
            statement::<Bool>("SELECT current_setting('transaction_read_only')::bool", vec![])
                .uncached()
                .get_result(connection)
        })
    }

    pub(super) fn has_table(&mut self, name: &str) -> Result<bool> {
        self.run(|connection| {
            statement::<Bool>("SELECT to_regclass($) IS NOT NULL", vec![Bind::text(name)])
                .uncached()
                .get_result(connection)
        })
    }

    pub(super) fn is_replica(&mut self) -> Result<bool> {
        self.run(|connection| {
            statement::<Bool>("SELECT pg_is_in_recovery()", vec![]).uncached().get_result(connection)
        })
    }
}

fn facts(connection: &mut PgConnection) -> QueryResult<(i64, i64, i64)> {
    statement::<(BigInt, BigInt, BigInt)>(
        "SELECT system_identifier, current_setting('wal_block_size')::bigint, \
                pg_size_bytes(current_setting('wal_segment_size')) \
         FROM pg_control_system()",
        vec![],
    )
    .uncached()
    .get_result(connection)
}

fn statement_timeout_ms(options: &OpenOptions, purpose: Purpose) -> u32 {
    match purpose {
        Purpose::Point | Purpose::Read => options.read_timeout_ms,
        Purpose::Write => options.write_timeout_ms,
        Purpose::Watch => 1000,
        Purpose::Schema | Purpose::Own => 0,
    }
}

/// A prepared statement keeps its plan. One made while a table was small would read a table that
/// has grown from end to end, and for a few dozen keys the planner takes that way at some thousands
/// of rows already. Compiling plans pays for none of our statements.
const PLANS: &str = "SET enable_seqscan = off; SET jit = off;";

/// Statements whose plan does not depend on what is bound: planned once a session. By itself the planner
/// takes a short array for cheaper than an unknown one and plans anew each time, which costs as much as
/// the read. Joined to a few dozen keys a table is always entered by its index.
const PLANNED_ONCE: &str =
    "SET plan_cache_mode = force_generic_plan; SET enable_hashjoin = off; SET enable_mergejoin = off;";

/// A fence that was waited for must see what was committed meanwhile, whatever a role's default is.
const ISOLATION: &str = "SET default_transaction_isolation = 'read committed';";

/// Raised where a crash of the server could lose a commit; `remote_write` and `remote_apply` are
/// the operator's choice and promise no less.
const DURABILITY: &str = "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local');";

/// The session that holds the writer's lock is idle for days. Unknown before PostgreSQL 14.
const IDLE: &str = "SELECT set_config('idle_session_timeout', '0', false) \
     WHERE current_setting('server_version_num')::int >= 140000;";

/// Failures are told apart by their words where the code is too coarse; only a superuser may choose the
/// language. No DO block: loading PL/pgSQL would be the longest part of opening a session.
const LANGUAGE: &str = "SELECT set_config('lc_messages', 'C', false) \
     FROM pg_roles WHERE rolname = current_user AND rolsuper;";

fn settings(options: &OpenOptions, purpose: Purpose, timeout_ms: u32) -> String {
    // Who writes leaves it as it is: a database that the operator put into read-only mode refuses. The
    // owner may not be refused: a predecessor whose sessions are older than the mode still writes.
    let read_only = match purpose {
        Purpose::Point | Purpose::Read | Purpose::Watch => "SET default_transaction_read_only = on;",
        Purpose::Own => "SET default_transaction_read_only = off;",
        Purpose::Schema | Purpose::Write => "",
    };
    let plans = match purpose {
        Purpose::Schema | Purpose::Own => String::new(),
        Purpose::Read => PLANS.to_owned(),
        Purpose::Point | Purpose::Write | Purpose::Watch => format!("{PLANS} {PLANNED_ONCE}"),
    };
    format!(
        "SET statement_timeout = {timeout_ms}; SET lock_timeout = {lock}; {plans} {read_only} \
         SET idle_in_transaction_session_timeout = 10000; SET application_name = 'trine {purpose}'; \
         {ISOLATION} {DURABILITY} {IDLE} {LANGUAGE}",
        lock = options.lock_timeout_ms,
        purpose = format!("{purpose:?}").to_lowercase(),
    )
}

/// libpq's own limits: a host that vanished is noticed within seconds, not hours.
fn with_limits(url: &str) -> String {
    const LIMITS: &[(&str, &str)] = &[
        ("connect_timeout", "2"),
        ("tcp_user_timeout", "5000"),
        ("keepalives_idle", "5"),
        ("keepalives_interval", "2"),
        ("keepalives_count", "3"),
    ];
    let mut url = url.to_owned();
    for (name, value) in LIMITS {
        if !url.contains(&format!("{name}=")) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&format!("{name}={value}"));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_operator_win() {
        let url = with_limits("postgres://a@b/c?connect_timeout=9");
        assert!(url.starts_with("postgres://a@b/c?connect_timeout=9&tcp_user_timeout=5000&"), "{url}");
        assert!(with_limits("postgres://a@b/c").starts_with("postgres://a@b/c?connect_timeout=2&"));
    }
}
