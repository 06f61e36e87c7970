//! Standard Webhooks signatures (`v1`, HMAC-SHA256 over `id.timestamp.body`) between roles.
//!
//! Source: Standard Webhooks 1.0. Rotation: several secrets, separated by spaces; the first signs,
//! any verifies. A repeated message within the tolerance is not refused here: what it asks for is
//! idempotent by its own id.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::model::{Error, Reason, Result};

/// Clocks of the two sides may differ, and a message may be under way, by this much.
const TOLERANCE_S: i64 = 5 * 60;

/// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    pub id: &'a str,
    pub timestamp: &'a str,
    pub signature: &'a str,
}

impl Signature<'_> {
    /// Refuses what is too old or from the future; asked before a body is read.
    pub fn check_time(&self) -> Result<()> {
        let now = jiff::Timestamp::now().as_second();
        let fresh = self.timestamp.parse::<i64>().is_ok_and(|sent| now.abs_diff(sent) <= TOLERANCE_S as u64);
        if fresh { Ok(()) } else { Err(refused()) }
    }
}

/// The shared secrets of two roles.
#[derive(Clone)]
pub struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// `whsec_…`, or several of them separated by spaces. A sentence when it is none.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let keys = text.split_whitespace().map(|secret| {
            let encoded = secret.strip_prefix("whsec_").unwrap_or_default();
            STANDARD.decode(encoded).ok().filter(|key| (24..=64).contains(&key.len()))
        });
        let keys: Option<Vec<Vec<u8>>> = keys.collect();
        keys.filter(|keys| !keys.is_empty()).map(Self).ok_or_else(|| {
            "a peer secret is `whsec_` and the base64 of 24 to 64 random bytes; several, for a change of secrets, \
             are separated by spaces"
                .to_owned()
        })
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let code = authentication_code(&self.0[0], id, timestamp, body).finalize();
        format!("v1,{}", STANDARD.encode(code.into_bytes()))
    }

    /// Accepts a message signed with any of the secrets within the tolerance.
    pub fn verify(&self, signature: Signature<'_>, body: &[u8]) -> Result<()> {
        signature.check_time()?;
        let Signature { id, timestamp, signature } = signature;
        let codes = signature.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        let genuine = codes.filter_map(|code| STANDARD.decode(code).ok()).any(|code| {
            self.0.iter().any(|key| {
                // Compares in constant time.
                authentication_code(key, id, timestamp, body).verify_slice(&code).is_ok()
            })
        });
        if genuine { Ok(()) } else { Err(refused()) }
    }
}

fn authentication_code(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut code = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        code.update(part);
    }
    code
}

fn refused() -> Error {
    let message =
        "the signature does not fit; check that both roles have the same `peers.secret` and the right time";
    Error::new(Reason::BadCredentials, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

    fn now() -> String {
        jiff::Timestamp::now().as_second().to_string()
    }

    #[test]
    fn signs_what_the_reference_library_signs() {
        let reference = standardwebhooks::Webhook::new(SECRET).unwrap();
        let theirs = reference.sign("msg_1", 1_614_265_330, b"{\"test\": 2432232314}").unwrap();
        let ours = Secrets::parse(SECRET).unwrap().sign("msg_1", "1614265330", b"{\"test\": 2432232314}");
        assert_eq!(ours, theirs);
    }

    #[test]
    fn anything_changed_is_refused() {
        let (secrets, timestamp) = (Secrets::parse(SECRET).unwrap(), now());
        let signature = secrets.sign("a", &timestamp, b"body");
        let signed = Signature { id: "a", timestamp: &timestamp, signature: &signature };
        assert!(secrets.verify(signed, b"body").is_ok());
        assert!(secrets.verify(signed, b"bodz").is_err());
        assert!(secrets.verify(Signature { id: "b", ..signed }, b"body").is_err());
        assert!(secrets.verify(Signature { signature: "v1,AAAA", ..signed }, b"body").is_err());
        assert!(secrets.verify(Signature { timestamp: "", ..signed }, b"body").is_err());
    }

    #[test]
    fn an_old_message_is_refused() {
        let secrets = Secrets::parse(SECRET).unwrap();
        let timestamp = (jiff::Timestamp::now().as_second() - TOLERANCE_S - 2).to_string();
        let signature = secrets.sign("a", &timestamp, b"");
        let signed = Signature { id: "a", timestamp: &timestamp, signature: &signature };
        assert_eq!(secrets.verify(signed, b"").unwrap_err().reason, Reason::BadCredentials);
    }

    #[test]
    fn during_a_rotation_both_secrets_are_good() {
        let (old, timestamp) = (Secrets::parse(SECRET).unwrap(), now());
        let signature = old.sign("a", &timestamp, b"x");
        let signed = Signature { id: "a", timestamp: &timestamp, signature: &signature };
        assert!(Secrets::parse(&format!("{OTHER} {SECRET}")).unwrap().verify(signed, b"x").is_ok());
        assert!(Secrets::parse(OTHER).unwrap().verify(signed, b"x").is_err());
    }

    #[test]
    fn a_secret_that_is_none_is_refused() {
        for text in ["", "secret", "whsec_", "whsec_!!", "whsec_AAAA"] {
            assert!(Secrets::parse(text).is_err(), "{text}");
        }
        for (length, good) in [(23, false), (24, true), (64, true), (65, false)] {
            let text = format!("whsec_{}", STANDARD.encode(vec![7; length]));
            assert_eq!(Secrets::parse(&text).is_ok(), good, "{length}");
        }
    }
}
