//! Who may call what: the need of each action, and whether a request's credentials meet it.
//!
//! Not here: whose rows they are; that is part of every statement. Scopes do not include each other.
//! Invariant: every action has a need, and `need` is a match without a wildcard: a new action does not
//! compile before somebody has decided.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, VARY};

use super::Api;
use super::exchange::Exchange;
use super::routes::Action;
use crate::model::{Error, Principal, Reason, Result, Scope};

/// What a request must show before its action runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Documentation: what a client must read before it can have credentials.
    Nothing,
    /// The secret between roles; bearer tokens do not open these.
    Signature,
    Scope(Scope),
}

impl Action {
    pub fn need(&self) -> Need {
        match self {
            Action::Get(_)
            | Action::List(_)
            | Action::BatchGet(_)
            | Action::GetOperation
            | Action::ListOperations => Need::Scope(Scope::Read),
            Action::Create(_)
            | Action::BatchCreate(_)
            | Action::BatchUpdate(_)
            | Action::BatchDelete(_)
            | Action::CommitWriteSet
            | Action::Update(_)
            | Action::Delete(_)
            | Action::Undelete(_)
            | Action::Command(_)
            | Action::CancelOperation => Need::Scope(Scope::Write),
            Action::PeerCall => Need::Signature,
            Action::OpenApi | Action::Docs => Need::Nothing,
            Action::NotYet(_, need) => *need,
        }
    }
}

/// The principal of a request, if it may do this; else 401 or 403.
pub async fn admit(api: &Api, exchange: &Exchange, action: &Action) -> Result<Arc<Principal>> {
    let Need::Scope(scope) = action.need() else { return Ok(Arc::new(Principal::default())) };
    let authorization = exchange.header("authorization")?;
    let principal = api.authenticator.authenticate(authorization, exchange.deadline).await?;
    if principal.scopes.has(scope) {
        return Ok(principal);
    }
    let message = format!("these credentials lack the scope `{}`; ask with others", scope.as_str());
    Err(Error::new(Reason::Scope, message)
        .with_metadata("scope", scope.as_str())
        .with_metadata("scheme", "Bearer"))
}

/// Value of `WWW-Authenticate` (RFC 6750, 3); none where no bearer token would help.
pub fn challenge(error: &Error) -> Option<String> {
    let metadata = |name: &str| error.metadata.iter().find(|(key, _)| *key == name).map(|(_, value)| value);
    metadata("scheme")?;
    let realm = "Bearer realm=\"trine\"";
    match (error.reason, metadata("scope")) {
        (Reason::NoCredentials, _) => Some(realm.to_owned()),
        (Reason::BadCredentials, _) => Some(format!("{realm}, error=\"invalid_token\"")),
        (Reason::Scope, Some(scope)) => {
            Some(format!("{realm}, error=\"insufficient_scope\", scope=\"{scope}\""))
        }
        _ => None,
    }
}

/// What is answered to one is no other's: shared caches may not keep it.
pub fn stamp(api: &Api, response: &mut HttpResponse) {
    if !api.authenticator.asks_for_credentials() {
        return;
    }
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("Authorization"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}
