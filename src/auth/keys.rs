//! A JWKS document → the keys that may verify tokens, each with its one algorithm.
//!
//! Invariants: the algorithm is the key's, never the token's; a symmetric key (`oct`, `HS…`) in a document
//! that everybody may read is no key.

use std::collections::HashMap;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// More would be somebody else's document.
const KEYS_MAX: usize = 100;

/// The algorithms that an issuer may be given.
pub const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

#[derive(Clone)]
pub struct VerifyingKey {
    pub algorithm: Algorithm,
    pub key: DecodingKey,
}

/// By `kid`; the empty one where a key has none.
pub struct Keys(HashMap<String, VerifyingKey>);

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl Keys {
    /// Keys that cannot be used here are passed over; none at all is a mistake.
    pub fn parse(text: &[u8], allowed: &[Algorithm]) -> Result<Self, String> {
        let document: Document =
            serde_json::from_slice(text).map_err(|error| format!("is no JWKS document: {error}"))?;
        let mut keys = HashMap::new();
        for value in document.keys.into_iter().take(KEYS_MAX) {
            let Ok(jwk) = serde_json::from_value::<Jwk>(value) else { continue };
            if let Some(key) = verifying_key(&jwk, allowed) {
                keys.entry(jwk.common.key_id.unwrap_or_default()).or_insert(key);
            }
        }
        if keys.is_empty() {
            return Err("has no key for the algorithms that this issuer may use".to_owned());
        }
        Ok(Self(keys))
    }

    /// A token without `kid` is meant for the only key there is.
    pub fn find(&self, kid: Option<&str>) -> Option<&VerifyingKey> {
        match kid {
            Some(kid) => self.0.get(kid),
            None if self.0.len() == 1 => self.0.values().next(),
            None => None,
        }
    }
}

fn verifying_key(jwk: &Jwk, allowed: &[Algorithm]) -> Option<VerifyingKey> {
    let for_signatures =
        jwk.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let operations = jwk.common.key_operations.as_ref();
    let may_verify = operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let algorithm = algorithm(jwk)?;
    if !(for_signatures && may_verify && allowed.contains(&algorithm)) {
        return None;
    }
    Some(VerifyingKey { algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
}

/// What the key says, where that fits its type; else its type's usual one (RFC 7518).
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let usual = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => Algorithm::ES256,
            EllipticCurve::P384 => Algorithm::ES384,
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
        _ => return None,
    };
    let Some(said) = &jwk.common.key_algorithm else { return Some(usual) };
    let said = match said {
        KeyAlgorithm::RS256 => Algorithm::RS256,
        KeyAlgorithm::RS384 => Algorithm::RS384,
        KeyAlgorithm::RS512 => Algorithm::RS512,
        KeyAlgorithm::PS256 => Algorithm::PS256,
        KeyAlgorithm::PS384 => Algorithm::PS384,
        KeyAlgorithm::PS512 => Algorithm::PS512,
        KeyAlgorithm::ES256 => Algorithm::ES256,
        KeyAlgorithm::ES384 => Algorithm::ES384,
        KeyAlgorithm::EdDSA => Algorithm::EdDSA,
        _ => return None,
    };
    let is_rsa = matches!(jwk.algorithm, AlgorithmParameters::RSA(_));
    let fits = if is_rsa { said.family() == usual.family() } else { said == usual };
    fits.then_some(said)
}
