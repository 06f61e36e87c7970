//! A write on its way to whoever plans or accepts it: an [`Invocation`] without what only the
//! process that serves the client knows.

use serde::{Deserialize, Serialize};

use super::engine::Invocation;
use crate::model::{Error, Idempotency, Position, Principal, Result, Scopes, WriteSet};
use crate::store::request_log::{AcceptedRequest, Work};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ask {
    pub method: String,
    pub work: Work,
    /// The principal's subject.
    pub principal: String,
    #[serde(default)]
    pub scopes: Scopes,
    pub idempotency: Option<Idempotency>,
    /// A rule reads no older state than this.
    pub position: Option<Position>,
    pub request_id: String,
    pub traceparent: Option<String>,
}

impl From<Invocation> for Ask {
    fn from(invocation: Invocation) -> Self {
        let mut work = invocation.work;
        if let Work::WriteSet(write_set) = &mut work {
            // Said once, beside it: it is sent and stored more often than anything else here.
            write_set.idempotency = None;
            write_set.principal = Principal::default();
            write_set.request_id = String::new();
            write_set.traceparent = None;
        }
        Self {
            method: invocation.method,
            work,
            principal: invocation.principal.subject,
            scopes: invocation.principal.scopes,
            idempotency: invocation.idempotency,
            position: invocation.position,
            request_id: invocation.request_id,
            traceparent: invocation.traceparent,
        }
    }
}

impl From<&AcceptedRequest> for Ask {
    fn from(request: &AcceptedRequest) -> Self {
        Self {
            method: request.method.clone(),
            work: request.work.clone(),
            principal: request.idempotency.key.principal.clone(),
            scopes: request.scopes,
            idempotency: Some(request.idempotency.clone()),
            position: request.position,
            request_id: request.request_id.clone(),
            traceparent: request.traceparent.clone(),
        }
    }
}

impl Ask {
    pub fn principal(&self) -> Principal {
        Principal { subject: self.principal.clone(), scopes: self.scopes }
    }

    /// Plain CRUD as the write set that it already is, with who asked and under which key.
    pub fn into_write_set(self) -> Result<WriteSet> {
        let principal = self.principal();
        match self.work {
            Work::WriteSet(write_set) => Ok(WriteSet {
                principal,
                idempotency: self.idempotency,
                request_id: self.request_id,
                traceparent: self.traceparent,
                ..*write_set
            }),
            Work::Rule(_) => Err(Error::internal("a rule's request is no write set")),
        }
    }
}
