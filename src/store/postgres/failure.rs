//! What an error of PostgreSQL means for the caller.
//!
//! diesel hides most SQLSTATEs, so some are told by their English text; the session asks for
//! English, and where it may not, a time-out is still told by the time that passed.

use std::time::Duration;

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as DieselError};

use crate::model::{Error, Reason};
use crate::store::backend::{disk_is_full, schema_is_older};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The connection is of no more use.
    Connection,
    StatementTimeout,
    /// Rows or keys are locked by somebody else.
    LockTimeout,
    /// Deadlock, serialisation failure, conflict with recovery: nothing was done, try again.
    Transient,
    UniqueViolation,
    /// A statement that writes, on a replica.
    ReadOnly,
    /// A table or column that is not there.
    Schema,
    /// The server's disk, or its quota: the transaction is aborted. (A log that finds no room stops the server.)
    DiskFull,
    /// The login lacks a right.
    Privilege,
    Other,
}

impl Failure {
    pub(super) fn of(error: &DieselError) -> Self {
        let DieselError::DatabaseError(kind, information) = error else {
            return match error {
                DieselError::BrokenTransactionManager => Self::Connection,
                _ => Self::Other,
            };
        };
        match kind {
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => Self::Connection,
            DatabaseErrorKind::UniqueViolation => Self::UniqueViolation,
            DatabaseErrorKind::SerializationFailure => Self::Transient,
            DatabaseErrorKind::ReadOnlyTransaction => Self::ReadOnly,
            _ => Self::of_text(information.message()),
        }
    }

    fn of_text(message: &str) -> Self {
        const TEXTS: &[(&str, Failure)] = &[
            ("due to statement timeout", Failure::StatementTimeout),
            ("due to lock timeout", Failure::LockTimeout),
            ("due to conflict with recovery", Failure::Transient),
            ("deadlock detected", Failure::Transient),
            ("No space left on device", Failure::DiskFull),
            ("Disk quota exceeded", Failure::DiskFull),
            ("permission denied for", Failure::Privilege),
            ("must be owner of", Failure::Privilege),
            ("terminating connection", Failure::Connection),
            ("server closed the connection", Failure::Connection),
            ("no connection to the server", Failure::Connection),
            ("could not receive data from server", Failure::Connection),
            ("the database system is", Failure::Connection),
            // Would be said at every further use of the statement.
            ("cached plan must not change result type", Failure::Connection),
            ("prepared statement ", Failure::Connection),
        ];
        let names = ["relation ", "column "].iter().any(|name| message.contains(name));
        if names && message.ends_with("does not exist") {
            return Self::Schema;
        }
        let found = TEXTS.iter().find(|(text, _)| message.contains(text));
        found.map_or(Self::Other, |(_, failure)| *failure)
    }
}

const TRANSIENT: &str = "the database gave this up in favour of somebody else's transaction; try again";

/// Nothing was done, and the same at once may succeed.
pub(super) fn is_transient(error: &Error) -> bool {
    error.message == TRANSIENT
}

/// The error as the client sees it. `took` tells a time-out whose text is in another language.
pub(super) fn to_error(error: &DieselError, took: Duration, timeout_ms: u32) -> Error {
    let context = error.to_string();
    match Failure::of(error) {
        Failure::Connection => unavailable(context),
        Failure::Transient => {
            Error::new(Reason::DatabaseUnavailable, TRANSIENT).with_context(context).with_retry_after_s(1)
        }
        Failure::Schema => schema_is_older(context),
        Failure::DiskFull => disk_is_full(context),
        Failure::Privilege => lacks_rights(context),
        Failure::StatementTimeout => statement_timeout(context, timeout_ms),
        Failure::LockTimeout => {
            Error::new(Reason::Overloaded, "the resource is locked by somebody else; try again")
                .with_context(context)
                .with_retry_after_s(1)
        }
        Failure::ReadOnly => takes_no_writes(context),
        Failure::Other if took.as_millis() >= u128::from(timeout_ms) => {
            statement_timeout(context, timeout_ms)
        }
        Failure::UniqueViolation | Failure::Other => Error::internal(context),
    }
}

pub(super) fn unavailable(context: impl Into<String>) -> Error {
    Error::new(Reason::DatabaseUnavailable, "the database cannot be reached now; try again")
        .with_context(context)
        .with_retry_after_s(1)
}

pub(super) fn takes_no_writes(context: impl Into<String>) -> Error {
    Error::new(Reason::ReadOnlyMode, "the database takes no writes now: it is a replica or in read-only mode")
        .with_context(context)
        .with_retry_after_s(1)
}

fn lacks_rights(context: String) -> Error {
    Error::new(
        Reason::DatabaseUnavailable,
        "the login lacks a right in the database; an administrator runs there what `trine grants --role ROLE \
         --user LOGIN` prints",
    )
    .with_context(context)
    .with_retry_after_s(1)
}

pub(super) fn unreachable(error: &ConnectionError) -> Error {
    unavailable(error.to_string())
}

fn statement_timeout(context: String, timeout_ms: u32) -> Error {
    Error::new(
        Reason::StatementTimeout,
        format!(
            "the database took longer than {timeout_ms} ms; filter and order by fields with \
             `(trine.v1.index)`, or ask for less"
        ),
    )
    .with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_schema_lacks_is_told_by_its_text() {
        for text in [
            "relation \"trine.blog.v2.User\" does not exist",
            "column e.nickname does not exist",
            "column \"nickname\" of relation \"blog.v1.User\" does not exist",
        ] {
            assert_eq!(Failure::of_text(text), Failure::Schema, "{text}");
        }
        assert_eq!(Failure::of_text("role \"x\" does not exist"), Failure::Other);
    }
}
