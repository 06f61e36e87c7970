//! What the standard methods of a pbtable do, path by path.

use std::sync::Arc;

use super::routes::{Action, Verb};
use crate::schema::{Catalogue, ResourceType, StandardMethod};

/// Patterns with what each HTTP method does there.
pub fn routes(kind: &Arc<ResourceType>, catalogue: &Catalogue) -> Vec<(String, Vec<(Verb, Action)>)> {
    let mut routes: Vec<(String, Vec<(Verb, Action)>)> = Vec::new();
    for (method, path) in catalogue.standard_paths(kind) {
        let action = action(kind, method);
        match routes.iter_mut().find(|(known, _)| *known == path) {
            Some((_, actions)) => actions.push(action),
            None => routes.push((path, vec![action])),
        }
    }
    routes
}

fn action(kind: &Arc<ResourceType>, method: StandardMethod) -> (Verb, Action) {
    match method {
        StandardMethod::Get => (Verb::Get, Action::Get(kind.clone())),
        StandardMethod::List => (Verb::Get, Action::List(kind.clone())),
        StandardMethod::Create => (Verb::Post, Action::Create(kind.clone())),
        StandardMethod::Update => (Verb::Patch, Action::Update(kind.clone())),
        StandardMethod::Delete => (Verb::Delete, Action::Delete(kind.clone())),
        StandardMethod::BatchGet => (Verb::Get, Action::BatchGet(kind.clone())),
        StandardMethod::BatchCreate => (Verb::Post, Action::BatchCreate(kind.clone())),
        StandardMethod::BatchUpdate => (Verb::Post, Action::BatchUpdate(kind.clone())),
        StandardMethod::BatchDelete => (Verb::Post, Action::BatchDelete(kind.clone())),
        StandardMethod::Undelete => (Verb::Post, Action::Undelete(kind.clone())),
    }
}
