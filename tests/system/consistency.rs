//! Reading one's own writes from a replica.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::blog;
use crate::support::nginx::Nginx;
use crate::support::seed;
use crate::support::stack::{Options, Stack};
use crate::support::trine::Launch;
use crate::support::wait::{PATIENCE, wait_for, wait_until};
use rand::RngExt;

fn stack() -> Stack {
    Stack::start(&Options::default().method(blog::PUBLISH, "async"))
}

/// Write, then read through the proxy with the token: never stale, and from the replica where it keeps up.
#[test]
fn a_client_with_a_token_reads_its_own_writes() {
    let stack = stack();
    let proxy = Nginx::start(stack.monolith.public, stack.nanoservice.public);
    let mut from_replica = 0;
    for number in 0..300 {
        let created = blog::create_user(&proxy.api(), &format!("u{number}")).expect(201);
        assert_eq!(created.role(), "monolith");
        let path = format!("/blog/v1/users/u{number}");
        let read = proxy.api().request("GET", &path).token(&created.token()).send().expect(200);
        from_replica += i32::from(read.role() == "nanoservice");
    }
    println!("{from_replica} of 300 reads came from the replica");
    // A busy machine's replica is often later than a read waits; then the monolith answers, rightly.
    assert!(from_replica > 30, "only {from_replica} of 300 reads came from the replica");
}

#[test]
fn a_stalled_replica_sends_the_client_to_the_monolith() {
    let stack = stack();
    let proxy = Nginx::start(stack.monolith.public, stack.nanoservice.public);
    let before = blog::create_user(&stack.api(), "before").expect(201).token();
    stack.databases.wait_caught_up();
    stack.databases.replica.sql("SELECT pg_wal_replay_pause()");
    stack.databases.replica.await_sql("SELECT pg_get_wal_replay_pause_state()", "paused");

    let after = blog::create_user(&stack.api(), "after").expect(201).token();
    let nanoservice = stack.nanoservice.api();
    let behind = nanoservice.request("GET", "/blog/v1/users/after").token(&after).send();
    let behind = behind.refused(421, "REPLICA_BEHIND");
    assert_eq!(behind.header("Cache-Control"), Some("no-store"));
    // Without the token nobody asked for more than the replica has; an older token is satisfied.
    nanoservice.get("/blog/v1/users/after").refused(404, "NOT_FOUND");
    nanoservice.request("GET", "/blog/v1/users/before").token(&before).send().expect(200);
    let read = proxy.api().request("GET", "/blog/v1/users/after").token(&after).send().expect(200);
    assert_eq!(read.role(), "monolith");

    stack.databases.replica.sql("SELECT pg_wal_replay_resume()");
    let read = wait_for("the replica catches up", PATIENCE, || {
        let answer = nanoservice.request("GET", "/blog/v1/users/after").token(&after).send();
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(read.role(), "nanoservice");
}

#[test]
fn tokens_that_are_not_ours_are_refused() {
    let stack = stack();
    let token = blog::create_user(&stack.api(), "ada").expect(201).token();
    let mut random = seed::generator("tokens");
    let bytes = URL_SAFE_NO_PAD.decode(&token).expect("base64url");
    for api in [stack.monolith.api(), stack.nanoservice.api()] {
        let read = |token: &str| api.request("GET", "/blog/v1/users/ada").token(token).send();
        for bit in 0..bytes.len() * 8 {
            // Every eighth or so is enough, and another one at each run.
            if random.random_ratio(1, 8) {
                let mut forged = bytes.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                read(&URL_SAFE_NO_PAD.encode(&forged)).refused(400, "CONSISTENCY_TOKEN_INVALID");
            }
        }
        for malformed in ["x", "not base64 at all", &token[..token.len() - 4], &token.repeat(40)] {
            read(malformed).refused(400, "CONSISTENCY_TOKEN_INVALID");
        }
        read(&token).expect(200);
    }
    let home = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite:{}", home.path().join("other.db").display());
    let other = Launch::role("monolith").argument("--database", &url).ready();
    let foreign = blog::create_user(&other.api(), "eve").expect(201).token();
    let answer = stack.nanoservice.api().request("GET", "/blog/v1/users/ada").token(&foreign).send();
    answer.refused(400, "CONSISTENCY_TOKEN_INVALID");
}

#[test]
fn an_expired_token_is_worth_no_wait() {
    let options = Options::default().method(blog::PUBLISH, "async").monolith("consistency.token_ttl_s", "1");
    let stack = Stack::start(&options);
    stack.databases.replica.sql("SELECT pg_wal_replay_pause()");
    stack.databases.replica.await_sql("SELECT pg_get_wal_replay_pause_state()", "paused");
    let token = blog::create_user(&stack.api(), "ada").expect(201).token();
    let nanoservice = stack.nanoservice.api();
    wait_until("the token expires", PATIENCE, || {
        let answer = nanoservice.request("GET", "/blog/v1/users/ada").token(&token).send();
        assert!([404, 421].contains(&answer.status), "{}", answer.text());
        answer.status == 404
    });
    stack.databases.replica.sql("SELECT pg_wal_replay_resume()");
}
