//! A connection lost at COMMIT: what happened is found out, and nothing is done twice.

use trine::model::Reason;

use super::proxy::{Cut, Proxy};
use super::{commit, committed, prepared, rejected};
use crate::conformance::write_sets::{create_user, with_key};
use crate::support::Cluster;

const COUNT: &str = r#"SELECT count(*) FROM trine."blog.v1.User""#;

/// Given a connection that is cut at COMMIT, then the verdict is what the database holds.
#[test]
fn the_verdict_is_what_the_database_holds() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(cluster.port());
    let (_database, mut writer) = prepared(&format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port));
    committed(&commit(&mut writer, &[create_user("warm")])[0]);

    proxy.cut_next(Cut::AfterCommit);
    let batch = [create_user("alice"), with_key(create_user("bob"), "k1", 1)];
    let verdicts = commit(&mut writer, &batch);
    assert!(proxy.has_cut());
    assert!(verdicts.iter().all(|verdict| !committed(verdict).replayed));
    assert!(committed(&verdicts[0]).position.unwrap().offset > 0);
    assert_eq!(cluster.sql(COUNT), "3");

    proxy.cut_next(Cut::BeforeCommit);
    let verdicts = commit(&mut writer, &[create_user("carol")]);
    assert!(proxy.has_cut());
    assert_eq!(rejected(&verdicts[0]).reason, Reason::DatabaseUnavailable);
    assert_eq!(cluster.sql(COUNT), "3");

    // The writer goes on by itself, and a retry of what was committed is replayed.
    let verdicts = commit(&mut writer, &[create_user("carol"), batch[1].clone()]);
    committed(&verdicts[0]);
    assert!(committed(&verdicts[1]).replayed);
}

/// Given a server that names a full disk and goes at COMMIT, then the verdict is what the database holds.
#[test]
fn an_error_that_takes_the_server_down_is_not_taken_for_a_rollback() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(cluster.port());
    let (_database, mut writer) = prepared(&format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port));
    proxy.cut_next(Cut::NoRoom);
    let verdicts = commit(&mut writer, &[create_user("alice")]);
    assert!(proxy.has_cut());
    assert!(committed(&verdicts[0]).position.is_some());
    assert_eq!(cluster.sql(COUNT), "1");
}

/// Given a connection that is cut between COMMIT and the look at its position, then the commit is told
/// without a position: an older one would pass off what was before it as the newest.
#[test]
fn a_commit_whose_position_is_not_known_has_none() {
    let cluster = Cluster::start();
    let proxy = Proxy::start(cluster.port());
    let (_database, mut writer) = prepared(&format!("postgres://postgres@127.0.0.1:{}/postgres", proxy.port));
    assert!(committed(&commit(&mut writer, &[create_user("warm")])[0]).position.is_some());

    proxy.cut_next(Cut::Afterwards);
    let verdicts = commit(&mut writer, &[create_user("alice")]);
    assert!(proxy.has_cut());
    assert_eq!(committed(&verdicts[0]).position, None);
    assert_eq!(cluster.sql(COUNT), "2");
    assert!(committed(&commit(&mut writer, &[create_user("bob")])[0]).position.is_some());
}

/// Given a server that is killed and comes back, then the writer comes back too and nothing acknowledged is lost.
#[test]
fn a_killed_server_loses_nothing_acknowledged() {
    let mut cluster = Cluster::start();
    let (_database, mut writer) = prepared(&cluster.url());
    for number in 0..20 {
        committed(&commit(&mut writer, &[create_user(&format!("u{number}"))])[0]);
    }
    cluster.kill();
    assert_eq!(rejected(&commit(&mut writer, &[create_user("away")])[0]).reason, Reason::DatabaseUnavailable);
    cluster.restart();
    committed(&commit(&mut writer, &[create_user("back")])[0]);
    assert_eq!(cluster.sql(COUNT), "21");
}
