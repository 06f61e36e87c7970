//! The lane of a microservice's request log: waiting jobs share one transaction.

use std::sync::Arc;

use super::Service;
use super::work::Job;
use crate::model::{Reason, Result};
use crate::store::backend::Database;
use crate::store::request_log::{LogJob, LogReply, RequestLog};

pub(in crate::store) struct LogService {
    pub database: Arc<dyn Database>,
}

impl Service for LogService {
    type Work = Job<LogJob, LogReply>;
    type Connection = Box<dyn RequestLog>;

    fn connect(&self) -> Result<Self::Connection> {
        self.database.request_log()
    }

    fn serve(&self, log: &mut Self::Connection, batch: Vec<Self::Work>) -> bool {
        let ((inputs, deadlines), replies): ((Vec<_>, Vec<_>), Vec<_>) =
            batch.into_iter().map(|job| ((job.input, job.deadline), job.reply)).unzip();
        let mut fit = true;
        let results = log.run_wanted(&inputs, &|at| !deadlines[at].has_passed());
        for (reply, result) in replies.into_iter().zip(results) {
            fit &= !result.as_ref().is_err_and(|error| {
                // A session keeps the read-only mode that it began with.
                matches!(
                    error.reason,
                    Reason::DatabaseUnavailable | Reason::CommitOutcomeUnknown | Reason::ReadOnlyMode
                )
            });
            drop(reply.send(result));
        }
        fit
    }
}
