//! Positions in the write-ahead log, as tokens need them.
//!
//! Trap: when a record ends exactly at a page's end, `pg_current_wal_insert_lsn` already counts
//! the next page's header (24 bytes; 40 at a segment's start) while replay stops before it, and a
//! reader would wait for WAL that nobody writes. Hence [`PageSizes::normalise`]. The flush position
//! is no way out: it is behind the commit when `synchronous_commit` is off.

use diesel::sql_types::BigInt;

use crate::model::Position;

/// `lsn`, `timeline`: evaluated in the statement that reads. The WAL receiver's timeline needs
/// `pg_read_all_stats` (see `grants.rs`); without it the control file's lags a promotion.
/// Functions, not the views over them: a view's plan is set up for each statement, also on a primary, which
/// never looks at it.
pub(super) const POSITION_SQL: &str = "\
    SELECT (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0') \
                 ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS lsn, \
           CASE WHEN pg_is_in_recovery() \
                THEN coalesce((pg_stat_get_wal_receiver()).received_tli, \
                              (pg_control_checkpoint()).timeline_id)::bigint \
                ELSE ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint \
           END AS timeline";

/// SQL types of [`POSITION_SQL`].
pub(super) type PositionRow = (BigInt, BigInt);

/// Where headers stand in the log of one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageSizes {
    pub page: u64,
    pub segment: u64,
}

const PAGE_HEADER: u64 = 24;
const SEGMENT_HEADER: u64 = 40;

impl PageSizes {
    /// The end of the last record, where replay stops.
    pub(super) fn normalise(self, lsn: u64) -> u64 {
        if lsn % self.segment == SEGMENT_HEADER {
            lsn - SEGMENT_HEADER
        } else if lsn % self.page == PAGE_HEADER && lsn % self.segment != PAGE_HEADER {
            lsn - PAGE_HEADER
        } else {
            lsn
        }
    }

    pub(super) fn position(self, cluster: u64, lsn: i64, timeline: i64) -> Position {
        Position {
            cluster,
            timeline: u32::try_from(timeline).unwrap_or(0),
            offset: self.normalise(lsn.unsigned_abs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_next_page_are_not_counted() {
        let sizes = PageSizes { page: 8192, segment: 16 << 20 };
        let segment = 16 << 20;
        assert_eq!(sizes.normalise(8192 + 24), 8192);
        assert_eq!(sizes.normalise(segment + 40), segment);
        assert_eq!(sizes.normalise(segment + 8192 + 40), segment + 8192 + 40);
        assert_eq!(sizes.normalise(8192 + 25), 8192 + 25);
    }
}
