//! JSON Web Tokens of configured issuers → principals (RFC 7519, 8725).
//!
//! Invariants: the issuer is one that was configured, before anything else of the token is believed; `exp`,
//! `iss`, `aud` and `sub` are there, `nbf` has come; where keys are is configured, never taken from a token
//! (`jku`, `x5u` and `jwk` in its header are not looked at).

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::key_source::{Ages, KeySource, Place, Sought};
use super::keys::{ALGORITHMS, VerifyingKey};
use super::settings::{IssuerSettings, JwtSettings};
use super::{Mistake, bad_credentials, check_subject};
use crate::model::{Deadline, Error, Principal, Reason, Result, Scope};

type Claims = Map<String, Value>;

pub struct Jwt {
    issuers: Vec<Issuer>,
    leeway_s: u64,
    subject_claim: String,
    scope_claim: String,
}

struct Issuer {
    name: String,
    audiences: Vec<String>,
    /// Put before each subject, so that two issuers cannot speak of one.
    subject_prefix: String,
    keys: Arc<KeySource>,
}

impl Jwt {
    pub fn parse(settings: &JwtSettings) -> std::result::Result<Self, Vec<Mistake>> {
        let (mut issuers, mut mistakes) = (Vec::<Issuer>::new(), Vec::new());
        for (number, written) in settings.issuers.iter().enumerate() {
            let key = format!("auth.jwt.issuers[{number}]");
            let shared = issuers.iter().any(|other| {
                other.name == written.issuer
                    || other.subject_prefix.starts_with(&written.subject_prefix)
                    || written.subject_prefix.starts_with(&other.subject_prefix)
            });
            if shared {
                let message = "has the name of another issuer, or a subject_prefix that could be its subject's \
                               beginning; of several issuers each needs a prefix of its own";
                mistakes.push((key, message.to_owned()));
                continue;
            }
            match Issuer::parse(written, settings) {
                Ok(issuer) => issuers.push(issuer),
                Err((field, message)) => mistakes.push((format!("{key}.{field}"), message)),
            }
        }
        if settings.issuers.is_empty() {
            let message = "is empty, so nobody's tokens could be checked; add an issuer";
            mistakes.push(("auth.jwt.issuers".to_owned(), message.to_owned()));
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (subject_claim, scope_claim) = (settings.subject_claim.clone(), settings.scope_claim.clone());
        Ok(Self { issuers, leeway_s: settings.leeway_s, subject_claim, scope_claim })
    }

    pub fn warm(&self) {
        self.issuers.iter().for_each(|issuer| issuer.keys.warm());
    }

    pub async fn principal(&self, token: &str, deadline: Deadline) -> Result<Principal> {
        let header = decode_header(token).map_err(|_| malformed())?;
        let is_token = header.typ.as_deref().is_none_or(|typ| {
            let typ = typ.to_ascii_lowercase();
            matches!(typ.strip_prefix("application/").unwrap_or(&typ), "jwt" | "at+jwt")
        });
        if header.crit.is_some() || !is_token {
            return Err(bad_credentials("this token is of a sort that is not understood here"));
        }
        let issuer = self.issuer(token)?;
        let key = match issuer.keys.key(header.kid.as_deref(), deadline).await {
            Sought::Found(key) => key,
            Sought::Unknown => {
                return Err(bad_credentials("this token is signed with a key that is not known"));
            }
            Sought::Unavailable => return Err(no_keys()),
        };
        let claims = self.verified(token, issuer, &key)?;
        self.principal_of(issuer, &claims)
    }

    /// Whose token it says it is: believed only as far as to choose the keys.
    fn issuer(&self, token: &str) -> Result<&Issuer> {
        let claims: Claims =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| malformed())?;
        let name = claims.get("iss").and_then(Value::as_str);
        let known = self.issuers.iter().find(|issuer| Some(issuer.name.as_str()) == name);
        known.ok_or_else(|| bad_credentials("this token is of an issuer that is not trusted here"))
    }

    fn verified(&self, token: &str, issuer: &Issuer, key: &VerifyingKey) -> Result<Claims> {
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = self.leeway_s;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&issuer.name]);
        validation.set_audience(&issuer.audiences);
        let verified = decode::<Claims>(token, &key.key, &validation);
        verified.map(|verified| verified.claims).map_err(|error| {
            bad_credentials(match error.kind() {
                ErrorKind::ExpiredSignature => "this token has expired; ask its issuer for a new one",
                ErrorKind::ImmatureSignature => "this token is not valid yet",
                ErrorKind::InvalidAudience => "this token is for somebody else (aud)",
                ErrorKind::MissingRequiredClaim(_) => "this token lacks one of exp, iss, aud and sub",
                _ => "this token is not valid here",
            })
        })
    }

    fn principal_of(&self, issuer: &Issuer, claims: &Claims) -> Result<Principal> {
        let subject = claims.get(&self.subject_claim).and_then(Value::as_str).unwrap_or_default();
        if subject.is_empty() {
            return Err(bad_credentials("this token does not say whose it is"));
        }
        let subject = format!("{}{subject}", issuer.subject_prefix);
        check_subject(&subject)
            .map_err(|_| bad_credentials("the subject of this token cannot be one here"))?;
        Ok(Principal::new(&subject, scopes(claims.get(&self.scope_claim))))
    }
}

/// Words of a text (RFC 8693) or a list of them; what is no scope here is somebody else's.
fn scopes(claim: Option<&Value>) -> Vec<Scope> {
    let words: Vec<&str> = match claim {
        Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    words.into_iter().filter_map(|word| word.parse().ok()).collect()
}

type FieldMistake = (&'static str, String);

impl Issuer {
    fn parse(written: &IssuerSettings, jwt: &JwtSettings) -> std::result::Result<Self, FieldMistake> {
        if written.issuer.is_empty() {
            return Err(("issuer", "is empty; write the `iss` of its tokens".to_owned()));
        }
        if written.audiences.is_empty() || written.audiences.iter().any(String::is_empty) {
            return Err((
                "audiences",
                "is empty; write what `aud` says of tokens for this server".to_owned(),
            ));
        }
        let ages = Ages {
            time_to_live: Duration::from_secs(jwt.jwks_ttl_s),
            stale_max: Duration::from_secs(jwt.jwks_stale_s.max(jwt.jwks_ttl_s)),
            pause: Duration::from_secs(jwt.jwks_pause_s),
        };
        let keys = KeySource::new(place(written)?, algorithms(&written.algorithms)?, ages)
            .map_err(|error| ("jwks_url", format!("cannot be fetched from here: {error}")))?;
        keys.read_file().map_err(|error| {
            let file = written.jwks_file.clone().unwrap_or_default();
            ("jwks_file", format!("{} {error}; put the issuer's JWKS document there", file.display()))
        })?;
        Ok(Self {
            name: written.issuer.clone(),
            audiences: written.audiences.clone(),
            subject_prefix: written.subject_prefix.clone(),
            keys: Arc::new(keys),
        })
    }
}

fn place(written: &IssuerSettings) -> std::result::Result<Place, FieldMistake> {
    match (&written.jwks_url, &written.jwks_file) {
        (Some(url), None) => match url::Url::parse(url) {
            Ok(parsed) if parsed.scheme() == "https" || is_loopback(&parsed) => Ok(Place::Url(url.clone())),
            _ => Err(("jwks_url", "must be https://…: who can change the keys can be anybody".to_owned())),
        },
        (None, Some(path)) => Ok(Place::File(path.clone())),
        (Some(_), Some(_)) => Err(("jwks_file", "is given beside jwks_url; keep one of them".to_owned())),
        (None, None) => Err(("jwks_url", "is missing; give it, or jwks_file".to_owned())),
    }
}

fn is_loopback(url: &url::Url) -> bool {
    let host = url.host();
    url.scheme() == "http"
        && match host {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        }
}

fn algorithms(names: &[String]) -> std::result::Result<Vec<Algorithm>, FieldMistake> {
    let known = |name: &String| {
        let found = ALGORITHMS.into_iter().find(|algorithm| format!("{algorithm:?}") == *name);
        let message = || format!("names `{name}`; use some of {ALGORITHMS:?}");
        found.ok_or_else(|| ("algorithms", message()))
    };
    let algorithms: Vec<Algorithm> = names.iter().map(known).collect::<std::result::Result<_, _>>()?;
    if algorithms.is_empty() {
        return Err(("algorithms", format!("is empty; use some of {ALGORITHMS:?}")));
    }
    Ok(algorithms)
}

fn malformed() -> Error {
    bad_credentials("this is no JSON Web Token")
}

/// Not the client's fault, and no reason to let it in.
fn no_keys() -> Error {
    let message = "the keys of this token's issuer cannot be fetched at the moment; try again";
    Error::new(Reason::KeysUnavailable, message).with_retry_after_s(5)
}
