//! Sessions that a start is going to need, opened while its schema is still being read: connecting costs the
//! server a process each, and it has a processor of its own for that.
//!
//! Not here: anything that a session does. No lock is taken and nothing is changed, so a start that ends early
//! leaves no trace.

use std::thread::JoinHandle;

use parking_lot::Mutex;

use super::session::{Purpose, Session};
use crate::model::Result;
use crate::store::handles::OpenOptions;

/// One session, if it was asked for.
#[derive(Default)]
pub(super) struct Ahead(Mutex<Option<JoinHandle<Result<Session>>>>);

impl Ahead {
    pub(super) fn open(&self, url: &str, options: OpenOptions, purpose: Purpose) {
        let url = url.to_owned();
        let open = move || Session::open(&url, &options, purpose);
        *self.0.lock() = Some(std::thread::spawn(open));
    }

    /// The one that was opened ahead, once, or why it could not be; a new one otherwise.
    pub(super) fn take_or_open(&self, url: &str, options: &OpenOptions, purpose: Purpose) -> Result<Session> {
        let opening = self.0.lock().take();
        let opened = opening.and_then(|opening| opening.join().ok());
        opened.unwrap_or_else(|| Session::open(url, options, purpose))
    }
}
