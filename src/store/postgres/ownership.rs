//! One writer a database: a session that holds an advisory lock for as long as the process lives.
//!
//! The lock goes with the session when the process dies, however it dies. It keeps two monoliths
//! from answering for one domain; it is not what keeps commits apart (their transactions do).

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Bool;
use parking_lot::Mutex;

use super::commit::LOCK_SPACE;
use super::session::Session;
use super::statement::statement;
use crate::model::{Error, Reason, Result};

const WRITER_LOCK: i32 = 2;
/// A monolith that was killed is gone from the server within this.
const PREDECESSOR_MAY_LINGER: Duration = Duration::from_secs(2);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

#[derive(Default)]
pub(super) struct Ownership {
    session: Mutex<Option<Session>>,
}

impl Ownership {
    /// Makes sure that this process is the writer.
    pub(super) fn hold(&self, open: impl Fn() -> Result<Session>) -> Result<()> {
        let mut held = self.session.lock();
        if held.as_mut().is_some_and(|session| session.batch("SELECT 1").is_ok()) {
            return Ok(());
        }
        *held = None;
        let mut session = open()?;
        let begin = Instant::now();
        while !try_lock(&mut session, WRITER_LOCK)? {
            if begin.elapsed() > PREDECESSOR_MAY_LINGER {
                return Err(Error::new(
                    Reason::FailedPrecondition,
                    "another monolith writes to this database; stop it first, or give this one the \
                     role nanoservice",
                ));
            }
            std::thread::sleep(LOOK_AGAIN_AFTER);
        }
        *held = Some(session);
        Ok(())
    }
}

/// Polled, never waited for: a waiting lock deadlocks with a concurrent index build.
pub(super) fn try_lock(session: &mut Session, lock: i32) -> Result<bool> {
    let sql = format!("SELECT pg_try_advisory_lock({LOCK_SPACE}, {lock})");
    session.run(|connection| statement::<Bool>(&sql, vec![]).uncached().get_result(connection))
}
