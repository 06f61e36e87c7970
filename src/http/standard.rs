//! Where the standard methods of a pbtable are served: at the path a service declares, else at the
//! default one.

use std::sync::Arc;

use super::routes::{Action, Verb};
use crate::schema::{ResourceType, StandardMethod, StandardRoute};

/// Patterns with what each HTTP method does there.
pub fn routes(kind: &Arc<ResourceType>, declared: &[StandardRoute]) -> Vec<(String, Vec<(Verb, Action)>)> {
    let mut routes: Vec<(String, Vec<(Verb, Action)>)> = Vec::new();
    let has = |method: &StandardMethod| *method != StandardMethod::Undelete || kind.soft_delete;
    for method in StandardMethod::ALL.into_iter().filter(has) {
        for prefix in prefixes(kind, method, declared) {
            let pattern = pattern(&prefix, kind, method);
            let action = action(kind, method);
            match routes.iter_mut().find(|(known, _)| *known == pattern) {
                Some((_, actions)) => actions.push(action),
                None => routes.push((pattern, vec![action])),
            }
        }
    }
    routes
}

fn prefixes(kind: &ResourceType, method: StandardMethod, declared: &[StandardRoute]) -> Vec<String> {
    let own = declared.iter().filter(|route| route.method == method && route.kind == kind.name);
    let own: Vec<String> = own.map(|route| route.prefix.clone()).collect();
    match own.is_empty() {
        false => own,
        // Beside Get, where clients will look for them.
        true if method.verb().is_some() => vec![kind.route_prefix.clone()],
        true => vec![format!("/{}", kind.package.replace('.', "/"))],
    }
}

/// `/blog/v1/users/{user}/entries:batchGet`
fn pattern(prefix: &str, kind: &ResourceType, method: StandardMethod) -> String {
    let mut path = prefix.to_owned();
    for (position, (collection, variable)) in kind.pattern.segments.iter().enumerate() {
        path.push_str(&format!("/{collection}"));
        if position + 1 < kind.pattern.depth() || !method.is_on_collection() {
            path.push_str(&format!("/{{{variable}}}"));
        }
    }
    match method.verb() {
        Some(verb) => format!("{path}:{verb}"),
        None => path,
    }
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
