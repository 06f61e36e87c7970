//! A connection lost at COMMIT: did it happen? Asked, never guessed, and never run again by oneself.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::PostgresWriter;
use super::attempt::placed;
use crate::model::{Error, Position, Reason, Result};
use crate::store::backend::Verdict;
use crate::store::postgres::failure::unavailable;
use crate::store::postgres::session::{Purpose, Session};
use crate::store::postgres::statement::{Bind, statement};

/// A server that restarts after a crash is back within this on a small log; clients have long
/// stopped waiting after more.
const ASK_FOR: Duration = Duration::from_secs(3);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);

impl PostgresWriter {
    pub(super) fn resolve(
        &mut self,
        mark: i64,
        ended: Vec<(usize, Verdict)>,
        error: &Error,
        verdicts: &mut [Option<Verdict>],
    ) {
        let context = error.context.clone().unwrap_or_default();
        let begin = Instant::now();
        let mut proof = self.ask(mark);
        while proof.is_err() && begin.elapsed() < ASK_FOR {
            std::thread::sleep(ASK_AGAIN_AFTER);
            proof = self.ask(mark);
        }
        let (ended, failure) = match proof {
            Ok(Some(position)) => (placed(ended, position), None),
            Ok(None) => (ended, Some(unavailable(format!("rolled back: {context}")))),
            Err(unproved) => {
                (ended, Some(unknown(format!("{context}; {}", unproved.context.unwrap_or_default()))))
            }
        };
        for (index, verdict) in ended {
            verdicts[index] = Some(match (&failure, verdict) {
                (Some(failure), Verdict::Committed(_)) => Verdict::Rejected(failure.clone()),
                (_, verdict) => verdict,
            });
        }
    }

    /// The position of the commit; none when it is proved that there was no commit. The row lock
    /// waits for a transaction that is still about to end.
    fn ask(&self, mark: i64) -> Result<Option<Position>> {
        let mut session = Session::open(&self.url, &self.options, Purpose::Write)?;
        let position = session.position()?;
        if (session.cluster, position.timeline) != (self.session.cluster, self.timeline)
            || session.is_replica()?
        {
            return Err(unavailable("another server or timeline answers now"));
        }
        let found = session.run(|connection| {
            statement::<BigInt>(
                "SELECT mark FROM trine.writers WHERE id = $ FOR UPDATE",
                vec![Bind::Integer(self.writer_id)],
            )
            .uncached()
            .get_result::<i64>(connection)
            .optional()
        })?;
        match found {
            None => Err(unavailable("this writer's row is gone")),
            Some(found) if found == mark => session.position().map(Some),
            Some(_) => Ok(None),
        }
    }
}

fn unknown(context: String) -> Error {
    Error::new(
        Reason::CommitOutcomeUnknown,
        "the commit may or may not have happened; ask again with the same idempotency key",
    )
    .with_context(context)
    .with_retry_after_s(1)
}
