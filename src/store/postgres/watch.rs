//! Looks at positions and at the health of a replica, on a connection of its own.
//!
//! A replica is ready while it answers as a replica: how old its answers are is told by metrics, by
//! one log line when it changes, and to each reader by the consistency token. A replica that has lost
//! its primary looks perfect: everything received is replayed. So whether it follows is the
//! receiver's state, not the lag. The time of the last replayed transaction says nothing: it grows on
//! an idle primary.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};

use super::history::token_secret;
use super::ownership::Ownership;
use super::position::POSITION_SQL;
use super::session::Session;
use super::statement::statement;
use crate::model::Result;
use crate::store::backend::{Identity, Observed, PositionSource};

/// More than this and still growing means that replay does not keep up.
const LAG_BYTES_MAX: u64 = 64 << 20;
/// Growth is judged over this long: between two looks of a few milliseconds anything may happen.
const LAG_COMPARED_OVER: Duration = Duration::from_secs(1);

/// Whether the lag shrinks, judged once a while and not at each look.
struct Trend {
    since: Instant,
    lag_bytes: u64,
    falls_behind: bool,
}

impl Trend {
    fn new(now: Instant) -> Self {
        // Nothing to compare with yet: the first verdict is the second one's.
        Self { since: now, lag_bytes: u64::MAX, falls_behind: false }
    }

    /// True when replay has more before it than it may have and is not catching up.
    fn falls_behind(&mut self, now: Instant, lag_bytes: u64) -> bool {
        if now.duration_since(self.since) >= LAG_COMPARED_OVER {
            self.falls_behind = lag_bytes >= self.lag_bytes;
            (self.since, self.lag_bytes) = (now, lag_bytes);
        }
        self.falls_behind && lag_bytes > LAG_BYTES_MAX
    }
}

pub(super) struct PostgresPositions {
    session: Session,
    /// Of a primary, which is looked after here; none: a replica.
    ownership: Option<Arc<Ownership>>,
    trend: Trend,
    /// Why the replica falls behind, as last told.
    held_back: Option<&'static str>,
    identity: Option<Identity>,
}

/// What a replica knows about its stream.
struct Stream {
    in_recovery: bool,
    paused: bool,
    /// None: no receiver. `hidden`: one whose state this login may not see.
    receiver: Option<String>,
    silent_ms: i64,
    silent_ms_max: i64,
    lag_bytes: u64,
}

const STREAM_SQL: &str = "\
    SELECT pg_is_in_recovery(), \
           pg_is_in_recovery() AND pg_is_wal_replay_paused(), \
           (SELECT coalesce(status, 'hidden') FROM pg_stat_wal_receiver), \
           (SELECT coalesce(extract(epoch FROM clock_timestamp() - last_msg_receipt_time) * 1000, 0)::bigint \
            FROM pg_stat_wal_receiver), \
           greatest(2 * extract(epoch FROM current_setting('wal_receiver_status_interval')::interval), \
                    extract(epoch FROM current_setting('wal_receiver_timeout')::interval) / 2 + 5)::bigint * 1000, \
           CASE WHEN pg_is_in_recovery() THEN \
               greatest(0, (SELECT coalesce(latest_end_lsn, pg_last_wal_receive_lsn()) FROM pg_stat_wal_receiver) \
                           - pg_last_wal_replay_lsn()) END::bigint, \
           lsn, timeline FROM (";

type StreamType = (Bool, Bool, Nullable<Text>, Nullable<BigInt>, BigInt, Nullable<BigInt>, BigInt, BigInt);
type StreamRow = (bool, bool, Option<String>, Option<i64>, i64, Option<i64>, i64, i64);

impl PostgresPositions {
    pub(super) fn new(session: Session, ownership: Option<Arc<Ownership>>) -> Self {
        Self { session, ownership, trend: Trend::new(Instant::now()), held_back: None, identity: None }
    }

    /// Why this database must not be asked at all.
    fn trouble(&self, stream: &Stream) -> Option<String> {
        let Some(ownership) = &self.ownership else {
            return (!stream.in_recovery)
                .then(|| "the replica was promoted: it no longer follows its primary".to_owned());
        };
        if stream.in_recovery {
            return Some(
                "the primary is in recovery: this is a replica, or a failover is under way".to_owned(),
            );
        }
        ownership.keep().err().map(|error| error.message)
    }

    /// Why a replica does not follow its primary, if so.
    fn held_back(&mut self, stream: &Stream) -> Option<&'static str> {
        if stream.paused {
            return Some("replay is paused on the replica: pg_wal_replay_resume()");
        }
        match stream.receiver.as_deref() {
            None => return Some("the replica receives no WAL: look at its primary_conninfo and log"),
            Some("streaming" | "hidden") => {}
            Some(_) => return Some("the replica's WAL receiver is not streaming"),
        }
        if stream.silent_ms > stream.silent_ms_max {
            return Some("the primary has been silent for too long");
        }
        let falls_behind = self.trend.falls_behind(Instant::now(), stream.lag_bytes);
        falls_behind.then_some("the replica is far behind and not catching up")
    }

    fn tell(&mut self, held_back: Option<&'static str>) {
        metrics::gauge!("trine_replica_streaming").set(if held_back.is_none() { 1.0 } else { 0.0 });
        if self.held_back == held_back {
            return;
        }
        self.held_back = held_back;
        match held_back {
            Some(why) => tracing::warn!(why, "the replica falls behind; its reads grow old"),
            None => tracing::info!("the replica follows its primary again"),
        }
    }
}

impl PositionSource for PostgresPositions {
    fn observe(&mut self) -> Result<Observed> {
        let sql = format!("{STREAM_SQL}{POSITION_SQL}) p");
        let row = self
            .session
            .run(|connection| statement::<StreamType>(&sql, vec![]).get_result::<StreamRow>(connection))?;
        let (in_recovery, paused, receiver, silent_ms, silent_ms_max, lag, lsn, timeline) = row;
        let stream = Stream {
            in_recovery,
            paused,
            receiver,
            silent_ms: silent_ms.unwrap_or(0),
            silent_ms_max,
            lag_bytes: lag.unwrap_or(0).unsigned_abs(),
        };
        if self.ownership.is_none() {
            let held_back = self.held_back(&stream);
            self.tell(held_back);
        }
        let trouble = self.trouble(&stream);
        let position = self.session.position_of(lsn, timeline);
        Ok(Observed { position, trouble, lag_bytes: stream.lag_bytes })
    }

    fn identity(&mut self) -> Result<Identity> {
        if let Some(identity) = &self.identity {
            return Ok(identity.clone());
        }
        let identity =
            Identity { cluster: self.session.cluster, token_secret: token_secret(&mut self.session)? };
        self.identity = Some(identity.clone());
        Ok(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_that_wavers_between_looks_is_judged_over_a_second() {
        let begin = Instant::now();
        let mut trend = Trend::new(begin);
        let mut look = |after_ms, lag| trend.falls_behind(begin + Duration::from_millis(after_ms), lag);
        assert!(!look(2, LAG_BYTES_MAX * 3));
        assert!(!look(1000, LAG_BYTES_MAX * 3));
        assert!(look(2000, LAG_BYTES_MAX * 3 + 1), "it has grown");
        assert!(look(2002, LAG_BYTES_MAX * 3 - 1));
        assert!(!look(3000, LAG_BYTES_MAX * 2), "it shrinks");
        assert!(!look(3002, LAG_BYTES_MAX * 2 + 1));
    }
}
