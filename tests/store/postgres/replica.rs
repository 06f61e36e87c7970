//! Reading from a streaming replica: tokens, logins, stalls, promotion.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use trine::model::{Position, Reason, Sight};
use trine::store::postgres::grants::{Rights, grants_sql};
use trine::store::{DatabaseUrl, Health, ReadStore, WriteStore};

use crate::conformance::fixture::{catalogue, deadline, options, until_ready, users};
use crate::conformance::write_sets::{create_user, set, update, user, user_key, write_set};
use crate::support::Cluster;

/// A primary, its replica, and a nanoservice's login.
struct Pair {
    primary: Cluster,
    replica: Cluster,
    write: WriteStore,
}

impl Pair {
    fn start() -> Self {
        let primary = Cluster::start();
        let url = DatabaseUrl::Postgres(primary.url());
        let write = WriteStore::open(&url, options(), catalogue()).unwrap();
        primary.sql("CREATE ROLE reader LOGIN");
        primary.sql(&grants_sql(Rights::Reader, "reader"));
        let replica = primary.replica();
        Self { primary, replica, write }
    }

    fn read(&self) -> ReadStore {
        let url = DatabaseUrl::Postgres(self.replica.url_of("reader", "postgres"));
        ReadStore::open(&url, options(), true).unwrap()
    }

    async fn commit(&self, name: &str) -> Position {
        self.write.commit(create_user(name), deadline()).await.unwrap().position.unwrap()
    }
}

/// Given an idle primary, when each write is read back by its token, then no read waits for WAL that nobody writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_token_is_reached_soon() {
    let pair = Pair::start();
    let read = pair.read();
    until_ready(&read).await;
    pair.commit("alice").await;
    let mut waits = Vec::new();
    for number in 0..1000 {
        let edit = set("displayName", json!(format!("{number:0width$}", width = number % 97)));
        let change = write_set(vec![update(user("alice"), vec![edit])]);
        let committed = pair.write.commit(change, deadline()).await.unwrap();
        let begin = Instant::now();
        assert!(
            read.caught_up(committed.position.unwrap(), 5000).await,
            "write {number}: {:?}",
            committed.position.unwrap()
        );
        waits.push(begin.elapsed());
        let seen = read.get(users(), &user_key("alice"), &Sight::All, deadline()).await.unwrap();
        assert_eq!(seen.value.unwrap().version, committed.results[0].as_ref().unwrap().version);
        assert!(seen.position.offset >= committed.position.unwrap().offset);
    }
    waits.sort();
    println!("caught up: p50 {:?}, p99 {:?}, max {:?}", waits[500], waits[990], waits[999]);
    // The trap of the page header waits for the next background record, seconds away.
    assert!(waits[990] < Duration::from_secs(1), "{:?}", waits[990]);
}

/// Given a login that can write, then a role that only reads refuses it and says what to do.
#[tokio::test]
async fn a_login_that_can_write_is_refused() {
    let pair = Pair::start();
    let open = |cluster: &Cluster, login: &str| {
        let url = DatabaseUrl::Postgres(cluster.url_of(login, "postgres"));
        ReadStore::open(&url, options(), true)
    };
    let error = open(&pair.replica, "postgres").err().expect("refused");
    assert_eq!(error.reason, Reason::FailedPrecondition);
    assert!(error.message.contains("superuser") && error.message.contains("trine grants"), "{error}");
    pair.primary.sql(
        r#"CREATE ROLE sly LOGIN; GRANT USAGE ON SCHEMA trine TO sly; CREATE ROLE hand; GRANT hand TO sly"#,
    );
    open(&pair.primary, "sly").unwrap();
    pair.primary.sql(r#"GRANT DELETE ON trine."blog.v1.User" TO hand"#);
    let error = open(&pair.primary, "sly").err().expect("refused");
    assert!(error.message.contains("writes trine.\"blog.v1.User\""), "{error}");
}

/// Given a replica whose replay stands still, then it is behind and ready: it answers what it has, and who needs newer
/// state says so. When it goes on, it catches up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_replica_is_behind_and_answers() {
    let pair = Pair::start();
    let read = pair.read();
    until_ready(&read).await;
    pair.replica.sql("SELECT pg_wal_replay_pause()");
    pair.replica.await_sql("SELECT pg_get_wal_replay_pause_state()", "paused");
    let position = pair.commit("alice").await;
    assert!(!read.caught_up(position, 300).await);
    assert_eq!(read.health(), Health::Ready);
    assert!(read.get(users(), &user_key("alice"), &Sight::All, deadline()).await.unwrap().value.is_none());
    pair.replica.sql("SELECT pg_wal_replay_resume()");
    assert!(read.caught_up(position, 5000).await);
    until_ready(&read).await;
    let foreign = Position { cluster: position.cluster ^ 1, ..position };
    assert!(!read.caught_up(foreign, 60_000).await, "another cluster is never waited for");
}

/// Given a replica that is promoted, then it is not ready and tokens of the old timeline are behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_replica_is_another_history() {
    let pair = Pair::start();
    let read = pair.read();
    until_ready(&read).await;
    let position = pair.commit("alice").await;
    assert!(read.caught_up(position, 5000).await);
    pair.replica.promote();
    pair.replica.await_sql("SELECT pg_is_in_recovery()", "f");
    // On the way it has no receiver for a moment.
    while !matches!(read.health(), Health::NotReady(why) if why.contains("promoted")) {
        tokio::task::yield_now().await;
    }
    assert!(!read.caught_up(position, 100).await);
    let seen = read.get(users(), &user_key("alice"), &Sight::All, deadline()).await.unwrap();
    assert_eq!(seen.position.timeline, position.timeline + 1);
}
