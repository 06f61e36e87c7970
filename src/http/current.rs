//! The API that is served now: a schema that changes under `--watch` replaces it as a whole.
//!
//! Invariant: a request keeps the [`Api`] that it found its route in until it is answered.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Api;

pub struct Current(ArcSwap<Api>);

impl Current {
    pub fn new(api: Api) -> Self {
        Self(ArcSwap::from_pointee(api))
    }

    /// Requests that arrive from now on are answered by `api`.
    pub fn replace(&self, api: Api) {
        self.0.store(Arc::new(api));
    }

    pub(super) fn load(&self) -> Arc<Api> {
        self.0.load_full()
    }
}
