//! Looks at positions and at the health of a replica, on a connection of its own.
//!
//! A replica that has lost its primary looks perfect: everything received is replayed. So health
//! is the receiver's, not the lag's. The time of the last replayed transaction says nothing: it
//! grows on an idle primary.

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
        Self { session, ownership, trend: Trend::new(Instant::now()), identity: None }
    }

    fn trouble(&mut self, stream: &Stream) -> Option<String> {
        if let Some(ownership) = &self.ownership {
            if stream.in_recovery {
                return Some(
                    "the primary is in recovery: this is a replica, or a failover is under way".to_owned(),
                );
            }
            return ownership.keep().err().map(|error| error.message);
        }
        if !stream.in_recovery {
            return Some("the replica was promoted: it no longer follows its primary".to_owned());
        }
        if stream.paused {
            return Some("replay is paused on the replica: pg_wal_replay_resume()".to_owned());
        }
        match stream.receiver.as_deref() {
            None => {
                return Some("the replica receives no WAL: look at its primary_conninfo and log".to_owned());
            }
            Some("streaming" | "hidden") => {}
            Some(status) => return Some(format!("the replica's WAL receiver is {status}, not streaming")),
        }
        if stream.silent_ms > stream.silent_ms_max {
            return Some(format!("the primary has been silent for {} ms", stream.silent_ms));
        }
        self.trend
            .falls_behind(Instant::now(), stream.lag_bytes)
            .then(|| format!("the replica is {} bytes behind and not catching up", stream.lag_bytes))
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
