//! The suite on PostgreSQL, a database each in one scratch cluster, and what only a server has.

mod batches;
pub mod evolution;
mod grants;
mod lost_commit;
mod operator;
mod proxy;
mod replica;
mod retention;
mod sql_transactions;
mod starts;
mod time_outs;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use trine::model::{Error, WriteSet};
use trine::store::backend::Database;
use trine::store::{Committed, DatabaseUrl, Patience, Verdict, Writer};

use crate::conformance::fixture::{TestDatabase, catalogue, deadline, options};
use crate::support;

pub fn fresh() -> TestDatabase {
    TestDatabase { url: DatabaseUrl::Postgres(fresh_url()), keep: Box::new(()) }
}

conformance!(crate::postgres::fresh);

pub fn fresh_url() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    support::shared().create_database(&format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// A database with the blog's tables, and a writer on it.
fn prepared(url: &str) -> (Arc<dyn Database>, Box<dyn Writer>) {
    let database = trine::store::postgres::open(url, options()).unwrap();
    database.prepare_primary(catalogue(), trine::store::Admission::Permanent).unwrap();
    let writer = database.writer().unwrap();
    (database, writer)
}

fn commit(writer: &mut Box<dyn Writer>, batch: &[WriteSet]) -> Vec<Verdict> {
    let verdicts = writer.commit(catalogue(), batch, Patience::SkipLocked(deadline().instant()));
    assert_eq!(verdicts.len(), batch.len());
    verdicts
}

fn committed(verdict: &Verdict) -> &Committed {
    match verdict {
        Verdict::Committed(committed) => committed,
        other => panic!("{other:?}"),
    }
}

fn rejected(verdict: &Verdict) -> &Error {
    match verdict {
        Verdict::Rejected(error) => error,
        other => panic!("{other:?}"),
    }
}
