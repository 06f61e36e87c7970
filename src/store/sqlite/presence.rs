//! Whether the file that is open is still the one of its name. Removed or replaced it is written to all the same,
//! as long as somebody has it open, and what was acknowledged is gone with the process.
//!
//! Asked before each batch: one look at the directory. Not here: whether its content was changed in place.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::connection::unavailable;
use crate::model::Result;

#[derive(Clone)]
pub(super) struct Presence {
    path: PathBuf,
    /// Device and number of the file that was opened first.
    opened: Arc<OnceLock<(u64, u64)>>,
}

impl Presence {
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), opened: Arc::default() }
    }

    /// The file has been opened for the first time.
    pub(super) fn note(&self) {
        if let Some(found) = self.look() {
            self.opened.get_or_init(|| found);
        }
    }

    /// 503 from the moment on that another file, or none, has the name.
    pub(super) fn check(&self) -> Result<()> {
        if self.opened.get().is_none_or(|opened| self.look() == Some(*opened)) {
            return Ok(());
        }
        Err(unavailable(format!(
            "{} was removed or replaced while it is served: nothing is written any more; stop the server, put the \
             file in its place, start again",
            self.path.display()
        )))
    }

    fn look(&self) -> Option<(u64, u64)> {
        std::fs::metadata(&self.path).ok().map(|found| (found.dev(), found.ino()))
    }
}
