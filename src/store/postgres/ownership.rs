//! One writer a database: a session that holds an advisory lock for as long as the process lives.
//!
//! The lock goes with the session when the process dies, however it dies. But the session can also
//! go alone, and nobody looks at it at each commit. So whoever takes the lock deletes the rows in
//! `trine.writers` of everybody else: a commit marks its own row, finds none, and must come here
//! before it may have another. The lock keeps two monoliths from answering for one domain; it is
//! not what keeps commits apart (their transactions do).

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::Bool;
use parking_lot::Mutex;

use super::ahead::Ahead;
use super::commit::LOCK_SPACE;
use super::session::{Purpose, Session};
use super::statement::{Bind, statement};
use crate::model::{Error, Reason, Result};
use crate::store::handles::OpenOptions;

const WRITER_LOCK: i32 = 2;
/// A monolith that was killed is gone from the server within this.
const PREDECESSOR_MAY_LINGER: Duration = Duration::from_secs(2);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(5);
/// How often the session is looked at when nothing else asks for it.
const KEEP_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Ownership {
    url: String,
    options: OpenOptions,
    state: Mutex<State>,
    ahead: Ahead,
}

#[derive(Default)]
struct State {
    session: Option<Session>,
    /// Rows in `trine.writers` that this process has made.
    writers: Vec<i64>,
    looked_at: Option<Instant>,
}

impl Ownership {
    pub(super) fn new(url: &str, options: OpenOptions) -> Self {
        Self { url: url.to_owned(), options, state: Mutex::default(), ahead: Ahead::default() }
    }

    /// Opens the session that will hold the lock, without taking it.
    pub(super) fn approach(&self) {
        self.ahead.open(&self.url, self.options, Purpose::Own);
    }

    /// Makes sure that this process is the writer; waits for a predecessor that is just ending.
    pub(super) fn hold(&self) -> Result<()> {
        self.ensure(&mut self.state.lock(), PREDECESSOR_MAY_LINGER)
    }

    /// A row of its own for a new writing connection. The look at the lock comes after the row is
    /// there: had another monolith taken the lock in between, it would have missed the row.
    pub(super) fn register(&self, writer: &mut Session) -> Result<i64> {
        let id = rand::random::<i64>();
        let mut state = self.state.lock();
        writer.execute("INSERT INTO trine.writers (id, mark) VALUES ($, 0)", vec![Bind::Integer(id)])?;
        state.writers.push(id);
        self.ensure(&mut state, Duration::ZERO).map_err(superseded)?;
        Ok(id)
    }

    /// Takes the lock again soon after its session went, if this process has ever held it.
    pub(super) fn keep(&self) -> Result<()> {
        let Some(mut state) = self.state.try_lock() else { return Ok(()) };
        if state.looked_at.is_none_or(|at| at.elapsed() < KEEP_EVERY) {
            return Ok(());
        }
        self.ensure(&mut state, Duration::ZERO).map_err(superseded)
    }

    fn ensure(&self, state: &mut State, patience: Duration) -> Result<()> {
        if state.session.as_mut().is_some_and(|session| session.batch("SELECT 1").is_ok()) {
            state.looked_at = Some(Instant::now());
            return Ok(());
        }
        state.session = None;
        let mut session = self.ahead.take_or_open(&self.url, &self.options, Purpose::Own)?;
        let begin = Instant::now();
        while !try_lock(&mut session, WRITER_LOCK)? {
            if begin.elapsed() >= patience {
                return Err(Error::new(
                    Reason::FailedPrecondition,
                    "another monolith writes to this database; stop it first, or give this one the \
                     role nanoservice",
                ));
            }
            std::thread::sleep(LOOK_AGAIN_AFTER);
        }
        shut_out_others(&mut session, &state.writers)?;
        state.session = Some(session);
        state.looked_at = Some(Instant::now());
        Ok(())
    }
}

/// Their next commit finds no row to mark. One that is under way ends first: it has its row locked.
/// Our own rows stay: a commit whose answer was lost is asked for by its row.
fn shut_out_others(session: &mut Session, own: &[i64]) -> Result<()> {
    if session.has_table("trine.writers")? {
        session
            .execute("DELETE FROM trine.writers WHERE id <> ALL($)", vec![Bind::Integers(own.to_vec())])?;
    }
    Ok(())
}

/// For clients it is no mistake of theirs but a state that may pass.
fn superseded(error: Error) -> Error {
    if error.reason != Reason::FailedPrecondition {
        return error;
    }
    Error::new(
        Reason::DatabaseUnavailable,
        "another monolith has taken over this database; this one writes nothing until it has it back",
    )
    .with_retry_after_s(1)
}

/// Polled, never waited for: a waiting lock deadlocks with a concurrent index build.
pub(super) fn try_lock(session: &mut Session, lock: i32) -> Result<bool> {
    let sql = format!("SELECT pg_try_advisory_lock({LOCK_SPACE}, {lock})");
    session.run(|connection| statement::<Bool>(&sql, vec![]).uncached().get_result(connection))
}
