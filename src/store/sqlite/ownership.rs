//! One monolith a file: an advisory lock on `PATH.lock`, released by the system when the process ends.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
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
        refuse_directory(path)?;
        let mut lock_path = real(path).into_os_string();
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

fn refuse_directory(path: &Path) -> Result<()> {
    if !path.is_dir() {
        return Ok(());
    }
    let (path, file) = (path.display(), path.join("trine.db"));
    let message = format!("{path} is a directory; name a file in it, such as sqlite:{}", file.display());
    Err(Error::new(Reason::FailedPrecondition, message))
}

/// One file has one lock, by whatever links it is reached. At the first start the file is not there
/// yet, but its directory is.
pub(super) fn real(path: &Path) -> PathBuf {
    let in_real_directory = || {
        let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
        Some(directory.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(in_real_directory).unwrap_or_else(|| path.to_owned())
}

/// SQLite finds a file's log and its locks by the name that it was opened by: under a second name
/// another process would write past both, and neither would be told.
pub(super) fn refuse_hard_links(path: &Path) -> Result<()> {
    let names = std::fs::metadata(path).map_or(1, |found| found.nlink());
    if names <= 1 {
        return Ok(());
    }
    Err(Error::new(
        Reason::FailedPrecondition,
        format!(
            "{path} has {names} names (hard links), and who opens it by another one corrupts it; remove the \
             others (`find -samefile {path}` shows them), or replace a link by a copy",
            path = path.display()
        ),
    ))
}

fn served(path: &Path) -> Error {
    Error::new(
        Reason::FailedPrecondition,
        format!("{} is served by another monolith; stop it, or take another file", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbolic_link_leads_to_the_same_lock() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("a.db"), directory.path().join("b.db"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let _held = Ownership::take(&file).unwrap();
        let error = Ownership::take(&link).err().expect("refused");
        assert_eq!(error.reason, Reason::FailedPrecondition);
    }

    #[test]
    fn a_directory_is_called_one_and_gets_no_lock() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d");
        std::fs::create_dir(&path).unwrap();
        let error = Ownership::take(&path).err().expect("refused");
        assert!(error.message.contains("is a directory; name a file in it"), "{error}");
        assert!(!directory.path().join("d.lock").exists());
    }

    #[test]
    fn a_file_of_two_names_is_refused_by_both() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("a.db"), directory.path().join("b.db"));
        refuse_hard_links(&file).unwrap();
        std::fs::write(&file, "").unwrap();
        std::fs::hard_link(&file, &link).unwrap();
        for name in [&file, &link] {
            let error = refuse_hard_links(name).unwrap_err();
            assert_eq!(error.reason, Reason::FailedPrecondition);
            assert!(error.message.contains("hard links"), "{error}");
        }
        std::fs::remove_file(&link).unwrap();
        refuse_hard_links(&file).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_locked_in_its_real_directory() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        let _held = Ownership::take(&directory.path().join("new.db")).unwrap();
        assert!(Ownership::take(&link.join("new.db")).is_err());
    }
}
