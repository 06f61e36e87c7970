//! Sight: whether the database that a rule reads shows what its request relies on.
//!
//! A position is a point of one history. After a failover the primary goes on in another one, and a
//! position of the history before is never reached again: it counts as seen as soon as the database
//! has moved on. What the failover lost nobody can wait for, and what a rule writes is guarded.

use crate::events::guards::current_position;
use crate::model::{Deadline, Position};
use crate::schema::Catalogue;
use crate::store::ReadStore;

/// Replicas are seldom further behind; whoever waits longer asks whether waiting helps.
const USUAL_WAIT_MS: u64 = 50;

/// Waits for `position`, at most until `wait_ms_max` have passed.
pub async fn shows(
    catalogue: &Catalogue,
    reads: &ReadStore,
    position: Position,
    wait_ms_max: u64,
    deadline: Deadline,
) -> bool {
    let usual_ms = wait_ms_max.min(USUAL_WAIT_MS);
    if reads.caught_up(position, usual_ms).await {
        return true;
    }
    if let Ok(Some(here)) = current_position(catalogue, reads, deadline).await
        && has_moved_on(here, position)
    {
        tracing::debug!(?here, ?position, "a position of another history counts as seen");
        return true;
    }
    wait_ms_max > usual_ms && reads.caught_up(position, wait_ms_max - usual_ms).await
}

/// Whether the history of `position` is over here: the primary was promoted, or is another one.
fn has_moved_on(here: Position, position: Position) -> bool {
    here.cluster != position.cluster || here.timeline > position.timeline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_history_that_is_over_is_not_waited_for() {
        let at = |cluster, timeline, offset| Position { cluster, timeline, offset };
        assert!(has_moved_on(at(1, 2, 50), at(1, 1, 100)), "a failover");
        assert!(has_moved_on(at(2, 1, 50), at(1, 1, 100)), "another cluster");
        assert!(!has_moved_on(at(1, 1, 50), at(1, 1, 100)), "behind");
        assert!(!has_moved_on(at(1, 1, 50), at(1, 2, 10)), "behind a failover");
    }
}
