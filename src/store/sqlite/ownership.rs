//! One monolith a file: an advisory lock on `PATH.lock`, released by the system when the process ends.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::model::{Error, Reason, Result};

/// A restart may meet the process it replaces in its last moments.
const PREDECESSOR_ENDS: Duration = Duration::from_secs(1);

/// Held as long as the value lives.
pub(super) struct Ownership {
    _lock: File,
}

impl Ownership {
    pub(super) fn take(path: &Path) -> Result<Self> {
        let mut lock_path = OsString::from(path);
        lock_path.push(".lock");
        let unusable = |error: &dyn std::fmt::Display| {
            Error::new(
                Reason::DatabaseUnavailable,
                format!(
                    "the lock file of {} cannot be opened; check the directory and its rights",
                    path.display()
                ),
            )
            .with_context(error.to_string())
        };
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| unusable(&error))?;
        let patience = Instant::now() + PREDECESSOR_ENDS;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _lock: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                    std::thread::sleep(PREDECESSOR_ENDS / 20);
                }
                Err(TryLockError::WouldBlock) => return Err(served(path)),
                Err(TryLockError::Error(error)) => return Err(unusable(&error)),
            }
        }
    }
}

fn served(path: &Path) -> Error {
    Error::new(
        Reason::FailedPrecondition,
        format!("{} is served by another monolith; stop it, or take another file", path.display()),
    )
}
