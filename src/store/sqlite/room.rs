//! Whether the disk has room again after a write that found none.
//!
//! A connection for writing is handed out only when it has: so the lane that asks for one is not
//! ready meanwhile, tries again by itself, and answers what comes at once. Reading goes on.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ownership::real;
use crate::model::{Error, Result};
use crate::store::backend::{disk_is_full, is_disk_full};

/// What a batch of middling requests needs: with less it would be full again at once.
const PROBE_BYTES: usize = 1 << 20;

#[derive(Clone)]
pub(super) struct Room {
    ran_out: Arc<AtomicBool>,
    database: PathBuf,
}

impl Room {
    pub(super) fn beside(database: &Path) -> Self {
        Self { ran_out: Arc::default(), database: database.to_owned() }
    }

    /// What a failed write said.
    pub(super) fn note(&self, error: &Error) {
        if is_disk_full(error) {
            self.ran_out.store(true, Ordering::SeqCst);
        }
    }

    /// Refuses until as much as a batch needs could be written. A probe that fails for another reason
    /// proves nothing about room.
    pub(super) fn check(&self) -> Result<()> {
        if !self.ran_out.load(Ordering::SeqCst) {
            return Ok(());
        }
        let tried = self.try_writing();
        self.clean();
        match tried {
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                Err(disk_is_full(error.to_string()))
            }
            _ => {
                self.ran_out.store(false, Ordering::SeqCst);
                Ok(())
            }
        }
    }

    /// Beside the file that a link leads to, where its log is too: of the same disk and the same quota.
    fn probe(&self) -> PathBuf {
        let mut probe = real(&self.database).into_os_string();
        probe.push(".room");
        probe.into()
    }

    /// Random bytes: a file system that compresses has room for any number of zeros.
    fn try_writing(&self) -> std::io::Result<()> {
        let bytes: Vec<u8> = (0..PROBE_BYTES / 8).flat_map(|_| rand::random::<u64>().to_ne_bytes()).collect();
        let mut file = File::create(self.probe())?;
        file.write_all(&bytes)?;
        file.sync_data()
    }

    /// Also what a process left behind that was killed while it tried.
    pub(super) fn clean(&self) {
        if let Err(error) = std::fs::remove_file(self.probe())
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(%error, probe = %self.probe().display(), "cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_room_is_found_to_have_it_and_the_probe_is_gone() {
        let directory = tempfile::tempdir().unwrap();
        let room = Room::beside(&directory.path().join("a.db"));
        room.note(&disk_is_full("here"));
        assert!(room.ran_out.load(Ordering::SeqCst));
        room.check().unwrap();
        assert!(!room.ran_out.load(Ordering::SeqCst));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    /// `/dev/full` answers every write as a full disk does.
    #[test]
    fn a_full_disk_stays_full() {
        let directory = tempfile::tempdir().unwrap();
        let room = Room::beside(&directory.path().join("a.db"));
        for _ in 0..2 {
            std::os::unix::fs::symlink("/dev/full", room.probe()).unwrap();
            room.note(&disk_is_full("here"));
            assert!(is_disk_full(&room.check().unwrap_err()));
        }
    }
}
