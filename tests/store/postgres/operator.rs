//! What an operator may do to the server under a running monolith.

use std::time::Duration;

use trine::model::{Deadline, Reason, Sight};
use trine::store::request_log::LogJob;
use trine::store::{DatabaseUrl, Health, OpenOptions, ReadStore, RequestStore, Verdict, WriteStore};

use super::batches::{Locker, rename};
use super::{commit, committed, fresh_url, prepared, rejected};
use crate::conformance::fixture::{catalogue, deadline, options, users};
use crate::conformance::lists::query;
use crate::conformance::request_log::{FIRST, SECOND, request};
use crate::conformance::write_sets::{create_user, user_key};
use crate::support::{Cluster, shared};

/// Ends them and waits until these, not their successors, have gone.
fn end_sessions(url: &str, purpose: &str) {
    let sql = format!(
        "SELECT string_agg(pid::text, ',') FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'trine {purpose}'"
    );
    let ended = shared().sql_in(url, &sql);
    assert!(!ended.is_empty());
    let sql = format!("SELECT count(pg_terminate_backend(pid)) FROM unnest(ARRAY[{ended}]) AS pid");
    shared().sql_in(url, &sql);
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid IN ({ended})");
    while shared().sql_in(url, &left) != "0" {
        std::thread::yield_now();
    }
}

/// Given a monolith whose lock's session dies alone, when another takes over, then the first writes
/// nothing until the other has gone.
#[test]
fn a_monolith_that_lost_its_lock_writes_nothing() {
    let url = fresh_url();
    let (_first, mut writer) = prepared(&url);
    committed(&commit(&mut writer, &[create_user("alice")])[0]);
    end_sessions(&url, "own");
    committed(&commit(&mut writer, &[create_user("bob")])[0]);

    let (second, mut other) = prepared(&url);
    committed(&commit(&mut other, &[create_user("carol")])[0]);
    let verdicts = commit(&mut writer, &[create_user("dave")]);
    let error = rejected(&verdicts[0]);
    assert_eq!(error.reason, Reason::DatabaseUnavailable);
    assert!(error.message.contains("another monolith"), "{error}");

    drop((second, other));
    loop {
        match &commit(&mut writer, &[create_user("erin")])[0] {
            Verdict::Committed(_) => break,
            // Its sessions end in their own time.
            verdict => assert_eq!(rejected(verdict).reason, Reason::DatabaseUnavailable),
        }
    }
    assert_eq!(
        shared().sql_in(&url, r#"SELECT string_agg(key, ',' ORDER BY key) FROM trine."blog.v1.User""#),
        "alice,bob,carol,erin"
    );
}

/// Given connections that idled while the server ended them, then no read pays for it, however many of them
/// are dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_do_not_notice_dead_idle_connections() {
    let url = DatabaseUrl::Postgres(fresh_url());
    let write = WriteStore::open(&url, options(), catalogue()).unwrap();
    write.commit(create_user("alice"), deadline()).await.unwrap();
    let options = OpenOptions { connections: 8, ..options() };
    let read = ReadStore::open(&url, options, false).unwrap();
    let DatabaseUrl::Postgres(text) = &url else { unreachable!("PostgreSQL") };
    let connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                     AND application_name IN ('trine point', 'trine read')";
    for _ in 0..3 {
        while shared().sql_in(text, connected).parse::<usize>().unwrap() < 8 {
            tokio::task::yield_now().await;
        }
        end_sessions(text, "read");
        end_sessions(text, "point");
        read.list(users(), query(Some(""), 10), deadline()).await.expect("a list");
        read.get(users(), &user_key("alice"), &Sight::All, deadline()).await.expect("a read by key");
    }
}

/// Given a monolith whose lock's session died, then its watcher takes the lock again and a second one is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lock_is_taken_again() {
    let url = fresh_url();
    let _write = WriteStore::open(&DatabaseUrl::Postgres(url.clone()), options(), catalogue()).unwrap();
    end_sessions(&url, "own");
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 2 AND granted \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while shared().sql_in(&url, held) != "1" {
        tokio::task::yield_now().await;
    }
    let second = trine::store::postgres::open(&url, options()).unwrap();
    let error = second.prepare_primary(catalogue(), trine::store::Admission::Permanent).expect_err("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
}

/// Given a role whose transactions are repeatable read, when the generation moves while a commit waits
/// for the fence, then the commit sees it.
#[test]
fn a_default_isolation_level_does_not_blind_the_fence() {
    let url = fresh_url();
    drop(prepared(&url));
    let name = url.rsplit_once('/').unwrap().1;
    shared().sql(&format!("ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"));
    let patient = OpenOptions { lock_timeout_ms: 60_000, write_timeout_ms: 60_000, ..options() };
    let database = trine::store::postgres::open(&url, patient).unwrap();
    let mut writer = database.writer().unwrap();
    let locker = Locker::hold(&url, "SELECT pg_advisory_xact_lock(1953655150, 1)");
    let commit = std::thread::spawn(move || commit(&mut writer, &[create_user("alice")]));
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while shared().sql_in(&url, waiting) != "1" {
        std::thread::yield_now();
    }
    shared().sql_in(&url, "UPDATE trine.generation SET digest = 'moved'");
    locker.release();
    let verdicts = commit.join().unwrap();
    assert!(matches!(verdicts[0], Verdict::StaleCatalogue), "{verdicts:?}");
}

/// Given a database that is put into read-only mode, then writes say so, until it is out of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_mode_is_told() {
    let url = fresh_url();
    let write = WriteStore::open(&DatabaseUrl::Postgres(url.clone()), options(), catalogue()).unwrap();
    write.commit(create_user("alice"), deadline()).await.unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    let set = |to: &str| shared().sql(&format!("ALTER DATABASE {name} {to}"));
    set("SET default_transaction_read_only = on");
    end_sessions(&url, "write");
    loop {
        match write.commit(create_user("bob"), deadline()).await {
            Err(error) if error.reason == Reason::ReadOnlyMode => break,
            Err(error) => assert_eq!(error.reason, Reason::DatabaseUnavailable, "{error}"),
            Ok(_) => panic!("written in read-only mode"),
        }
    }
    set("RESET default_transaction_read_only");
    while let Err(error) = write.commit(create_user("bob"), deadline()).await {
        assert_eq!(error.reason, Reason::ReadOnlyMode, "{error}");
    }
}

/// Given an events database that is put into read-only mode, then it is not ready and appends say why;
/// when it is out of it, then they go on by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_request_log_comes_back_from_read_only_mode() {
    let url = fresh_url();
    let log = RequestStore::open(&DatabaseUrl::Postgres(url.clone()), options()).unwrap();
    log.run(LogJob::append(request(FIRST, "k1")), deadline()).await.unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    let set = |to: &str| shared().sql(&format!("ALTER DATABASE {name} {to}"));
    let append = || log.run(LogJob::append(request(SECOND, "k2")), deadline());
    set("SET default_transaction_read_only = on");
    end_sessions(&url, "write");
    loop {
        match append().await {
            Err(error) if error.reason == Reason::ReadOnlyMode => break,
            Err(error) => assert_ne!(error.reason, Reason::Internal, "{error}"),
            Ok(_) => panic!("appended in read-only mode"),
        }
    }
    assert!(matches!(log.health(), Health::NotReady(why) if why.contains("read-only")));
    set("RESET default_transaction_read_only");
    while let Err(error) = append().await {
        assert_eq!(error.reason, Reason::ReadOnlyMode, "{error}");
    }
    assert_eq!(log.health(), Health::Ready);
}

/// Given two rows locked by two others, when the second is free, then its write set goes at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_row_holds_up_no_other_that_was_locked() {
    let url = fresh_url();
    let write = WriteStore::open(&DatabaseUrl::Postgres(url.clone()), options(), catalogue()).unwrap();
    for name in ["alice", "bob"] {
        write.commit(create_user(name), deadline()).await.unwrap();
    }
    let lock = |name: &str| {
        let sql = format!(r#"SELECT key FROM trine."blog.v1.User" WHERE key = '{name}' FOR UPDATE"#);
        Locker::hold(&url, &sql)
    };
    let (alice, bob) = (lock("alice"), lock("bob"));
    let rename_later = |name: &'static str| {
        let write = write.clone();
        tokio::spawn(async move {
            write.commit(rename(name, "x"), Deadline::after(Duration::from_secs(60))).await
        })
    };
    let (first, second) = (rename_later("alice"), rename_later("bob"));
    bob.release();
    second.await.unwrap().unwrap();
    assert!(!first.is_finished());
    alice.release();
    first.await.unwrap().unwrap();
}

/// Given a database in read-only mode, when a monolith starts, then it reads what is there and writes
/// nothing, not even a schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_does_not_override_read_only_mode() {
    let (prepared, empty) = (fresh_url(), fresh_url());
    let open = |url: &str| WriteStore::open(&DatabaseUrl::Postgres(url.to_owned()), options(), catalogue());
    open(&prepared).unwrap().commit(create_user("alice"), deadline()).await.unwrap();
    for url in [&prepared, &empty] {
        let name = url.rsplit_once('/').unwrap().1;
        shared().sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    }

    let write = open(&prepared).unwrap();
    let error = write.commit(create_user("bob"), deadline()).await.unwrap_err();
    assert_eq!(error.reason, Reason::ReadOnlyMode);
    let read = ReadStore::open(&DatabaseUrl::Postgres(prepared.clone()), options(), false).unwrap();
    assert!(read.get(users(), &user_key("alice"), &Sight::All, deadline()).await.unwrap().value.is_some());
    assert!(read.get(users(), &user_key("bob"), &Sight::All, deadline()).await.unwrap().value.is_none());

    let error = open(&empty).err().expect("refused");
    assert_eq!(error.reason, Reason::ReadOnlyMode);
    assert_eq!(shared().sql_in(&empty, "SELECT to_regnamespace('trine') IS NULL"), "t");
}

/// Given a server whose disk is full (its own error, raised by a trigger), then nothing is written and
/// that is said; when there is room again, then it goes on.
#[test]
fn a_full_disk_is_told() {
    let url = fresh_url();
    let (_database, mut writer) = prepared(&url);
    shared().sql_in(
        &url,
        r#"CREATE FUNCTION trine.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION USING ERRCODE = 'disk_full',
               MESSAGE = 'could not extend file "base/5/16384": No space left on device';
           END $$;
           CREATE TRIGGER no_room AFTER INSERT ON trine."blog.v1.User" EXECUTE FUNCTION trine.no_room()"#,
    );
    for verdict in &commit(&mut writer, &[create_user("alice"), create_user("bob")]) {
        let error = rejected(verdict);
        assert_eq!(error.reason, Reason::DatabaseUnavailable);
        assert!(error.message.contains("disk") && error.message.contains("nothing was written"), "{error}");
    }
    shared().sql_in(&url, r#"DROP TRIGGER no_room ON trine."blog.v1.User""#);
    assert_eq!(shared().sql_in(&url, r#"SELECT count(*) FROM trine."blog.v1.User""#), "0");
    committed(&commit(&mut writer, &[create_user("alice")])[0]);
}

/// Given a standby, then neither kind of database is prepared on it, and what to do is said.
#[test]
fn a_standby_is_no_primary() {
    let primary = Cluster::start();
    let standby = primary.replica();
    let database = trine::store::postgres::open(&standby.url(), options()).unwrap();
    for refusal in [
        database.prepare_primary(catalogue(), trine::store::Admission::Permanent).err(),
        database.prepare_events().err(),
    ] {
        let error = refusal.expect("refused");
        for words in ["standby", "database.replica", "nanoservice"] {
            assert!(error.message.contains(words), "`{words}` is missing: {error}");
        }
    }
}
