//! The mutations of one request that holds several, and where in it each came from.
//!
//! Invariant: an error names the member that is to blame, `requests[3]`, by the path that the client wrote.

use std::collections::HashMap;

use crate::model::{Error, Mutation, Reason, ResourceRef, Result};

/// At most so many in one request (contract): one transaction, one answer.
const MEMBERS_MAX: usize = 1000;

pub struct Member {
    pub mutation: Mutation,
    pub place: Place,
}

/// Where a member came from.
pub struct Place {
    /// `requests[3]`
    pub path: String,
    /// Where its resource is: `requests[3].entry`.
    pub resource: String,
    /// It came with an etag, so a conflict is a mismatch.
    pub has_etag: bool,
    /// Why it would not be created, of an update that may create: what is said where there is none to update.
    pub refusal: Option<Error>,
}

impl Place {
    pub fn new(path: &str, resource: &str) -> Self {
        Self { path: path.to_owned(), resource: format!("{path}.{resource}"), has_etag: false, refusal: None }
    }

    /// The member's own words for an error about its resource.
    fn explain(&self, error: Error) -> Error {
        if let (Reason::NotFound, Some(refusal)) = (error.reason, &self.refusal) {
            return refusal.clone().with_metadata("mutation", self.path.clone());
        }
        let error = match error.reason {
            Reason::Conflict if self.has_etag => {
                let message = "`etag` is not the resource's current one; read it again";
                Error { reason: Reason::EtagMismatch, message: message.to_owned(), ..error }
            }
            _ => error,
        };
        let error = error.with_metadata("mutation", self.path.clone());
        if error.violations.is_empty() { error.within(&self.path) } else { error.within(&self.resource) }
    }
}

/// 400 for none and for too many; `field` is where they are.
pub fn check_number(number: usize, field: &str) -> Result<()> {
    if (1..=MEMBERS_MAX).contains(&number) {
        return Ok(());
    }
    let (reason, message) = match number {
        0 => (Reason::Required, format!("`{field}` is required: at least one")),
        _ => (
            Reason::InvalidParameter,
            format!("`{field}` holds {number}; at most {MEMBERS_MAX} are one request"),
        ),
    };
    Err(Error::new(reason, message.clone()).with_violation(field, message))
}

/// 400 that names both members that are of one resource.
pub fn refuse_repeated(members: &[Member]) -> Result<()> {
    let mut seen: HashMap<&ResourceRef, &str> = HashMap::with_capacity(members.len());
    for Member { mutation, place } in members {
        if let Some(first) = seen.insert(&mutation.resource, &place.path) {
            let message = format!("{first} and {} are of the same resource; make one of them", place.path);
            return Err(Error::new(Reason::InvalidParameter, message.clone())
                .with_violation(first, message.clone())
                .with_violation(place.path.clone(), message));
        }
    }
    Ok(())
}

/// The store's refusal of one mutation in the words of the request.
pub fn explain(mut error: Error, places: &[Place]) -> Error {
    let named = error.metadata.iter().position(|(key, _)| *key == "mutation");
    let number = named.and_then(|at| {
        let (_, text) = error.metadata.remove(at);
        text.strip_prefix("mutations[")?.strip_suffix(']')?.parse::<usize>().ok()
    });
    // Of a write set of one the store does not say which; what says its resource is about it.
    let is_of_a_resource = error.metadata.iter().any(|(key, _)| *key == "resource");
    let only = (places.len() == 1 && (is_of_a_resource || !error.violations.is_empty())).then_some(0);
    match number.or(only).and_then(|number| places.get(number)) {
        Some(place) => place.explain(error),
        None => error,
    }
}
