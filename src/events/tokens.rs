//! Consistency tokens of this deployment's database, whose identity is known once it was reached.

use std::sync::{Arc, OnceLock};

use crate::model::Position;
use crate::store::{ReadStore, TokenCodec};

#[derive(Clone)]
pub struct Tokens {
    reads: ReadStore,
    /// `consistency.token_secret`; otherwise the one that is kept in the primary.
    secret: Option<Vec<u8>>,
    time_to_live_s: u32,
    codec: Arc<OnceLock<TokenCodec>>,
}

impl Tokens {
    pub fn new(reads: ReadStore, secret: Option<Vec<u8>>, time_to_live_s: u32) -> Self {
        Self { reads, secret, time_to_live_s, codec: Arc::default() }
    }

    /// None as long as the database was never reached.
    pub fn encode(&self, position: Position) -> Option<String> {
        if let Some(codec) = self.codec.get() {
            return Some(codec.encode(position));
        }
        let identity = self.reads.identity()?;
        let secret = self.secret.as_deref().unwrap_or(&identity.token_secret);
        Some(self.codec.get_or_init(|| TokenCodec::new(secret, self.time_to_live_s)).encode(position))
    }
}
