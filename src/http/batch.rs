//! Batch methods (AIP-231, 233 to 235): several resources of one type in one statement or one transaction.
//!
//! Not here: what a member does, which is what the single method does. Invariants: all or nothing; the
//! answer is in the order of the request; members agree with the parent that the path names.

mod create;
mod delete;
pub(super) mod get;
mod parent;
mod update;

use std::sync::Arc;

use actix_web::HttpResponse;

pub use create::batch_create;
pub use delete::batch_delete;
pub use get::batch_get;
pub use parent::Parent;
pub use update::batch_update;

use super::exchange::Exchange;
use super::fields::Fields;
use super::media::Media;
use super::members::{self, Member};
use super::parameters::Known;
use super::write::{self, Ask};
use super::{Api, body, guard, idempotency};
use crate::model::{AnswerPlan, Idempotency, Result};
use crate::schema::document::{object_from_json, object_from_message};
use crate::schema::{Batch, ResourceType, StandardMethod};

pub(super) const KNOWN: Known<'static> = Known { served: &["requestId", "validateOnly"], later: &[] };

/// A batch of writes as it came, without its members.
struct Envelope<'a> {
    api: &'a Api,
    exchange: &'a Exchange,
    kind: &'a Arc<ResourceType>,
    form: Batch,
    parent: Parent,
    fields: Fields,
    idempotency: Option<Idempotency>,
    validate_only: bool,
}

impl<'a> Envelope<'a> {
    async fn read(
        api: &'a Api,
        exchange: &'a Exchange,
        kind: &'a Arc<ResourceType>,
        method: StandardMethod,
    ) -> Result<Self> {
        let parameters = exchange.parameters(KNOWN)?;
        guard::refuse_all_conditions(exchange)?;
        let media = Media::of_body(exchange.header("content-type")?)?;
        let bytes = exchange.body(api.settings.max_body_bytes).await?;
        let mut fields = Fields::new(match media {
            Media::Json => {
                body::refuse_empty(&bytes)?;
                object_from_json(&bytes)?
            }
            Media::Protobuf(_) => object_from_message(api.catalogue.batch_request(kind, method)?, &bytes)?,
        })?;
        let parent = Parent::of_path(exchange)?;
        parent.check_given(kind, &fields.text("parent")?, "parent")?;
        let validate_only = parameters.flag("validateOnly")? | fields.flag("validateOnly")?;
        let request_id = fields.text("requestId")?;
        let idempotency = idempotency::of_body(exchange, &parameters, &request_id, &bytes)?;
        let form = kind.batch(method);
        Ok(Self { api, exchange, kind, form, parent, fields, idempotency, validate_only })
    }

    /// Commits the members as one write set.
    async fn commit(self, members: Vec<Member>, plan: AnswerPlan) -> Result<HttpResponse> {
        self.fields.end()?;
        members::refuse_repeated(&members)?;
        let (mutations, places): (Vec<_>, Vec<_>) =
            members.into_iter().map(|member| (member.mutation, member.place)).unzip();
        let ask = Ask {
            method: format!("{}.{:?}", self.kind.name, self.form.method),
            work: write::several(self.exchange, mutations, plan, self.idempotency.clone()),
            idempotency: self.idempotency,
            command: None,
            batch: self.form.answer.as_ref(),
            validate_only: self.validate_only,
        };
        let answer = write::invoke(self.api, self.exchange, ask).await;
        answer.map_err(|error| members::explain(error, &places))
    }
}
