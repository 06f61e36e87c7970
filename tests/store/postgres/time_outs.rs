//! A batch that takes too long costs one time-out, not one a member.

use std::time::Instant;

use trine::model::{Reason, WriteSet};
use trine::store::Patience;
use trine::store::request_log::{LogJob, LogReply};

use super::{fresh_url, prepared, rejected};
use crate::conformance::fixture::{catalogue, options};
use crate::conformance::request_log::request;
use crate::conformance::write_sets::create_user;
use crate::support::shared;

/// Every insert is counted, also one that is rolled back, and then fails as `raise` says.
fn spoil(url: &str, table: &str, raise: &str) {
    shared().sql_in(
        url,
        &format!(
            "CREATE SEQUENCE attempts; \
             CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
               PERFORM nextval('attempts'); {raise} RETURN NULL; END $$; \
             CREATE TRIGGER spoil AFTER INSERT ON {table} \
               REFERENCING NEW TABLE AS rows EXECUTE FUNCTION spoil()"
        ),
    );
}

fn attempts(url: &str) -> String {
    shared().sql_in(url, "SELECT last_value FROM attempts")
}

const TIME_OUT: &str = "RAISE EXCEPTION USING ERRCODE = 'query_canceled', \
     MESSAGE = 'canceling statement due to statement timeout';";

fn appends() -> Vec<LogJob> {
    let append = |number| {
        LogJob::append(request(
            &format!("01920000-0000-7000-8000-00000000000{number}"),
            &format!("k{number}"),
        ))
    };
    (0..8).map(append).collect()
}

#[test]
fn a_time_out_of_the_request_log_is_suffered_once() {
    let url = fresh_url();
    let database = trine::store::postgres::open(&url, options()).unwrap();
    database.prepare_events().unwrap();
    let mut log = database.request_log().unwrap();
    spoil(&url, "trine.requests", TIME_OUT);
    for outcome in log.run(&appends()) {
        assert_eq!(outcome.unwrap_err().reason, Reason::StatementTimeout);
    }
    assert_eq!(attempts(&url), "1");
}

#[test]
fn a_bad_request_costs_the_others_nothing_but_who_no_longer_waits_is_left_out() {
    let url = fresh_url();
    let database = trine::store::postgres::open(&url, options()).unwrap();
    database.prepare_events().unwrap();
    let mut log = database.request_log().unwrap();
    let bad = "IF EXISTS (SELECT FROM rows WHERE id LIKE '%3') THEN RAISE EXCEPTION 'no'; END IF;";
    spoil(&url, "trine.requests", bad);
    let outcomes = log.run_wanted(&appends(), &|at| at != 5);
    for (at, outcome) in outcomes.iter().enumerate() {
        match (at, outcome) {
            (3, Err(error)) => assert_eq!(error.reason, Reason::Internal),
            (5, Err(error)) => assert_eq!(error.reason, Reason::Deadline),
            (_, Ok(LogReply::Appended { existed: false, .. })) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shared().sql_in(&url, "SELECT count(*) FROM trine.requests"), "6");
}

#[test]
fn a_batch_is_not_taken_apart_when_nobody_waits_any_more() {
    let url = fresh_url();
    let (_database, mut writer) = prepared(&url);
    spoil(&url, r#"trine."blog.v1.User""#, TIME_OUT);
    let batch: Vec<WriteSet> = (0..16).map(|number| create_user(&format!("u{number}"))).collect();
    for verdict in &writer.commit(catalogue(), &batch, Patience::SkipLocked(Instant::now())) {
        assert_eq!(rejected(verdict).reason, Reason::Deadline);
    }
    assert_eq!(attempts(&url), "1");
}
