//! What is kept, and for how long.

use trine::store::postgres::retention::retain;

use super::batches::Locker;
use super::{commit, committed, fresh_url, prepared};
use crate::conformance::fixture::options;
use crate::conformance::write_sets::{create_user, with_key};
use crate::support::shared;

/// Given keys of an hour that is over, then their partition is dropped whole and younger keys stay.
#[test]
fn old_keys_go_by_the_partition() {
    let url = fresh_url();
    let (_database, mut writer) = prepared(&url);
    committed(&commit(&mut writer, &[with_key(create_user("alice"), "k1", 1)])[0]);
    let old = "CREATE TABLE trine.idempotency_1000 PARTITION OF trine.idempotency FOR VALUES FROM (1000) TO (1001); \
               INSERT INTO trine.idempotency (digest, fingerprint, answer, hour) \
               SELECT '\\x00', fingerprint, answer, unnest(ARRAY[1000, 2000]) FROM trine.idempotency";
    shared().sql_in(&url, old);
    retain(&url, &options(), 24).unwrap();
    retain(&url, &options(), 24).unwrap();
    let hours = "SELECT count(*) FILTER (WHERE hour <= 2000) || ' ' || count(*) FROM trine.idempotency";
    assert_eq!(shared().sql_in(&url, hours), "0 1");
    assert_eq!(shared().sql_in(&url, "SELECT to_regclass('trine.idempotency_1000') IS NULL"), "t");
    let replayed = commit(&mut writer, &[with_key(create_user("alice"), "k1", 1)]);
    assert!(committed(&replayed[0]).replayed);
}

/// Given an old partition that somebody reads, when it cannot be dropped, then that is told and all else is done.
#[test]
fn one_step_that_fails_keeps_no_other_from_its_work() {
    let url = fresh_url();
    let (_database, _writer) = prepared(&url);
    let old = "CREATE TABLE trine.idempotency_1000 PARTITION OF trine.idempotency FOR VALUES FROM (1000) TO (1001); \
               INSERT INTO trine.writers (id, mark, since) VALUES (-1, 0, now() - interval '2 days')";
    shared().sql_in(&url, old);
    let locker = Locker::hold(&url, "LOCK TABLE trine.idempotency_1000 IN ACCESS SHARE MODE");
    retain(&url, &options(), 24).unwrap_err();
    assert_eq!(shared().sql_in(&url, "SELECT count(*) FROM trine.writers WHERE id = -1"), "0");
    locker.release();
    retain(&url, &options(), 24).unwrap();
    assert_eq!(shared().sql_in(&url, "SELECT to_regclass('trine.idempotency_1000') IS NULL"), "t");
}
