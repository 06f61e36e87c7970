//! Batch methods (AIP-231, 233 to 235): the messages of one type's, as a service declares them or as the
//! AIPs number them.
//!
//! Not here: what a batch does. Invariant: a declared method is served with its own names and numbers.

use prost_reflect::MessageDescriptor;

use super::{Catalogue, ResourceType, StandardMethod};
use crate::model::{Error, Result};

/// Where an answer keeps the resources of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchAnswer {
    /// Full name of the message.
    pub message: String,
    pub json_name: String,
    pub number: u32,
}

/// One batch method of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub method: StandardMethod,
    /// JSON name of the field of each request that holds the resource, `entry`.
    pub resource: String,
    /// JSON name of the field that chooses a new resource's id, `entryId`.
    pub id: String,
    /// None: `google.protobuf.Empty`.
    pub answer: Option<BatchAnswer>,
    /// None: AIP's.
    pub(super) request: Option<MessageDescriptor>,
}

impl ResourceType {
    /// The batch method as it is served.
    pub fn batch(&self, method: StandardMethod) -> Batch {
        let declared = self.declared_batches.iter().find(|batch| batch.method == method);
        declared.cloned().unwrap_or_else(|| self.default_batch(method))
    }

    pub(super) fn default_batch(&self, method: StandardMethod) -> Batch {
        let resource = super::catalogue::camel_case(&self.singular);
        // What is deleted softly is still there to be shown (AIP-164).
        let answers = method != StandardMethod::BatchDelete || self.soft_delete;
        let answer = answers.then(|| BatchAnswer {
            message: format!("{}.{method:?}{}Response", self.package, self.plural_noun()),
            json_name: self.pattern.collection().to_owned(),
            number: 1,
        });
        Batch { method, id: format!("{resource}Id"), resource, answer, request: None }
    }
}

impl Catalogue {
    /// The request message of a batch method, for binary clients.
    pub fn batch_request(&self, kind: &ResourceType, method: StandardMethod) -> Result<MessageDescriptor> {
        match kind.batch(method).request {
            Some(request) => Ok(request),
            None => self.standard_message(kind, method).ok_or_else(|| {
                Error::internal(format!("no request message of {} for {method:?}", kind.name))
            }),
        }
    }
}
