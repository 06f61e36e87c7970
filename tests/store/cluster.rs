//! The scratch clusters themselves: crash, restart, replica, promotion.

use crate::support::Cluster;

#[test]
fn a_replica_follows_a_primary_that_crashed_and_can_be_promoted() {
    let mut primary = Cluster::start();
    primary.sql("CREATE TABLE t AS SELECT 1 AS x");
    let replica = primary.replica();
    primary.kill();
    primary.restart();
    primary.sql("INSERT INTO t VALUES (2)");
    replica.await_sql("SELECT count(*) FROM t", "2");
    replica.promote();
    replica.sql("INSERT INTO t VALUES (3)");
    assert_eq!(primary.sql("SELECT count(*) FROM t"), "2");
}
