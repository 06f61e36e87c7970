//! Consistency tokens: a signed [`Position`], so that nobody can make a replica wait for a future
//! that will not come. Version, cluster, timeline, position, expiry, HMAC-SHA256; base64url.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::model::{Error, Position, Reason, Result};

const VERSION: u8 = 1;
/// version, cluster, timeline, offset, expiry (seconds since the epoch); big-endian
const BODY_LENGTH: usize = 1 + 8 + 4 + 8 + 8;
/// 128 bits: nobody guesses one within a token's life.
const MAC_LENGTH: usize = 16;

#[derive(Clone)]
pub struct TokenCodec {
    keyed: Hmac<Sha256>,
    time_to_live_s: u32,
    /// Everybody who reads between two commits gets the same token; signing costs more than a read.
    last: Arc<Mutex<Option<(Position, u64, String)>>>,
}

impl TokenCodec {
    pub fn new(secret: &[u8], time_to_live_s: u32) -> Self {
        let keyed = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
        Self { keyed, time_to_live_s, last: Arc::default() }
    }

    pub fn encode(&self, position: Position) -> String {
        let expiry_s = now_s() + u64::from(self.time_to_live_s);
        let mut last = self.last.lock();
        match &*last {
            Some((known, until_s, token)) if *known == position && *until_s == expiry_s => token.clone(),
            _ => {
                let token = self.encode_until(position, expiry_s);
                *last = Some((position, expiry_s, token.clone()));
                token
            }
        }
    }

    fn encode_until(&self, position: Position, expiry_s: u64) -> String {
        let mut bytes = Vec::with_capacity(BODY_LENGTH + MAC_LENGTH);
        bytes.push(VERSION);
        bytes.extend(position.cluster.to_be_bytes());
        bytes.extend(position.timeline.to_be_bytes());
        bytes.extend(position.offset.to_be_bytes());
        bytes.extend(expiry_s.to_be_bytes());
        let mac = self.mac(&bytes);
        bytes.extend(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None`: expired, needs no wait. Malformed or forged, or of another cluster: `CONSISTENCY_TOKEN_INVALID`.
    pub fn decode(&self, token: &str, cluster: u64) -> Result<Option<Position>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid("it is malformed"))?;
        if bytes.len() != BODY_LENGTH + MAC_LENGTH || bytes[0] != VERSION {
            return Err(invalid("it is malformed"));
        }
        let (body, mac) = bytes.split_at(BODY_LENGTH);
        if !bool::from(self.mac(body).ct_eq(mac)) {
            return Err(invalid("its signature does not fit"));
        }
        let position = Position {
            cluster: u64::from_be_bytes(field(body, 1)),
            timeline: u32::from_be_bytes(field(body, 9)),
            offset: u64::from_be_bytes(field(body, 13)),
        };
        if position.cluster != cluster {
            return Err(invalid("it was issued by another database"));
        }
        let expired = u64::from_be_bytes(field(body, 21)) < now_s();
        Ok((!expired).then_some(position))
    }

    fn mac(&self, body: &[u8]) -> [u8; MAC_LENGTH] {
        let mut mac = self.keyed.clone();
        mac.update(body);
        field(&mac.finalize().into_bytes(), 0)
    }
}

/// The caller has checked the length.
fn field<const LENGTH: usize>(bytes: &[u8], from: usize) -> [u8; LENGTH] {
    std::array::from_fn(|at| bytes[from + at])
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

fn invalid(why: &str) -> Error {
    Error::new(
        Reason::ConsistencyTokenInvalid,
        format!("Trine-Consistency-Token: {why}; send the header as it was received, or leave it out"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITION: Position = Position { cluster: 7, timeline: 2, offset: 99 };

    #[test]
    fn a_token_says_the_position_it_was_made_from() {
        let codec = TokenCodec::new(b"secret", 60);
        assert_eq!(codec.decode(&codec.encode(POSITION), 7).unwrap(), Some(POSITION));
    }

    #[test]
    fn an_expired_token_asks_for_no_wait() {
        let codec = TokenCodec::new(b"secret", 60);
        assert_eq!(codec.decode(&codec.encode_until(POSITION, now_s() - 1), 7).unwrap(), None);
    }

    #[test]
    fn malformed_forged_and_foreign_tokens_are_refused() {
        let codec = TokenCodec::new(b"secret", 60);
        let token = codec.encode(POSITION);
        let mut flipped = URL_SAFE_NO_PAD.decode(&token).unwrap();
        flipped[20] ^= 1;
        let forged = TokenCodec::new(b"other", 60).encode(POSITION);
        for (text, cluster) in [
            ("", 7),
            ("not base64!", 7),
            (&token[..20], 7),
            (URL_SAFE_NO_PAD.encode(flipped).as_str(), 7),
            (forged.as_str(), 7),
            (token.as_str(), 8),
        ] {
            let error = codec.decode(text, cluster).unwrap_err();
            assert_eq!(error.reason, Reason::ConsistencyTokenInvalid, "{text}");
        }
    }
}
