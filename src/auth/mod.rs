//! Authentication: the `Authorization` header of a request → a [`Principal`], once, at the edge.
//!
//! Not here: what a principal may do (`http` checks scopes by route, `store` owners by row) and the
//! signatures of calls between roles.
//! Invariants: a credential is accepted or the request is refused, never passed on as anonymous; no
//! error and no log line holds a credential.

mod jwt;
mod key_source;
mod keys;
mod settings;
mod tokens;

use std::sync::Arc;

use jwt::Jwt;
pub use settings::{AuthMode, AuthSettings, IssuerSettings, JwtSettings, TokenSettings, TokenText};
use tokens::Tokens;

use crate::model::principal::ANONYMOUS;
use crate::model::{Deadline, Error, Principal, Reason, Result};

/// A key of the configuration and what is wrong with it.
pub type Mistake = (String, String);

/// Longer credentials are no one's; nothing of them is looked at.
const CREDENTIAL_BYTES_MAX: usize = 16 * 1024;
/// A subject is stored in rows and indexed.
const SUBJECT_BYTES_MAX: usize = 255;

pub struct Authenticator {
    how: How,
}

enum How {
    /// Everybody is the same principal.
    Open(Arc<Principal>),
    Tokens(Tokens),
    Jwt(Jwt),
}

impl Authenticator {
    /// All mistakes at once.
    pub fn new(settings: &AuthSettings) -> std::result::Result<Self, Vec<Mistake>> {
        refuse_unused(settings)?;
        let how = match settings.mode {
            AuthMode::None => How::Open(Arc::new(Principal::anonymous())),
            AuthMode::Tokens => How::Tokens(Tokens::parse(settings)?),
            AuthMode::Jwt => How::Jwt(Jwt::parse(&settings.jwt)?),
        };
        Ok(Self { how })
    }

    /// Everybody is anonymous.
    pub fn open() -> Self {
        Self { how: How::Open(Arc::new(Principal::anonymous())) }
    }

    /// Whether answers depend on who asks.
    pub fn asks_for_credentials(&self) -> bool {
        !matches!(self.how, How::Open(_))
    }

    /// Gets ahead of the first request what it would wait for. Must be called within a runtime.
    pub fn warm(&self) {
        if let How::Jwt(jwt) = &self.how {
            jwt.warm();
        }
    }

    /// The principal of a request with this `Authorization` header.
    pub async fn authenticate(
        &self,
        authorization: Option<&str>,
        deadline: Deadline,
    ) -> Result<Arc<Principal>> {
        if let How::Open(principal) = &self.how {
            return Ok(principal.clone());
        }
        let token = bearer(authorization.ok_or_else(no_credentials)?)?;
        match &self.how {
            How::Open(principal) => Ok(principal.clone()),
            How::Tokens(tokens) => {
                tokens.principal(token).ok_or_else(|| bad_credentials("this token is not known here"))
            }
            How::Jwt(jwt) => jwt.principal(token, deadline).await.map(Arc::new),
        }
    }
}

/// Credentials that nobody asks for protect nothing, and whoever wrote them believes that they do.
fn refuse_unused(settings: &AuthSettings) -> std::result::Result<(), Vec<Mistake>> {
    let unused = [
        ("auth.tokens", "tokens", settings.mode != AuthMode::Tokens && !settings.tokens.is_empty()),
        ("auth.jwt.issuers", "jwt", settings.mode != AuthMode::Jwt && !settings.jwt.issuers.is_empty()),
    ];
    let mistake = |(key, mode, is_unused): (&str, &str, bool)| {
        let message = format!("is set, but auth.mode is another; set auth.mode = \"{mode}\", or remove it");
        is_unused.then(|| (key.to_owned(), message))
    };
    let mistakes: Vec<Mistake> = unused.into_iter().filter_map(mistake).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

/// A name that can be stored and compared as it is.
fn check_subject(subject: &str) -> std::result::Result<(), String> {
    if subject.is_empty() || subject.len() > SUBJECT_BYTES_MAX || subject.chars().any(char::is_control) {
        return Err(format!(
            "must be 1 to {SUBJECT_BYTES_MAX} bytes without control characters: rows are owned by it"
        ));
    }
    if subject == ANONYMOUS {
        return Err(format!("may not be `{ANONYMOUS}`, which is whoever has no credentials"));
    }
    Ok(())
}

/// RFC 6750: `Bearer`, one or more spaces, the token.
fn bearer(authorization: &str) -> Result<&str> {
    let (scheme, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(bad_credentials("the Authorization header must be `Bearer` and a token"));
    }
    if token.len() > CREDENTIAL_BYTES_MAX {
        return Err(bad_credentials("this token is too long to be one"));
    }
    Ok(token)
}

fn no_credentials() -> Error {
    let message = "this needs credentials; send `Authorization: Bearer` and a token";
    Error::new(Reason::NoCredentials, message).with_metadata("scheme", "Bearer")
}

fn bad_credentials(message: &str) -> Error {
    Error::new(Reason::BadCredentials, message).with_metadata("scheme", "Bearer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bearer_token_is_a_credential() {
        for (header, token) in [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("BEARER a=", "a=")] {
            assert_eq!(bearer(header).expect(header), token);
        }
        let long = format!("Bearer {}", "a".repeat(CREDENTIAL_BYTES_MAX + 1));
        for header in ["", "Bearer", "Bearer ", "Basic YTpi", "abc", &long] {
            assert_eq!(bearer(header).expect_err(header).reason, Reason::BadCredentials);
        }
    }
}
