//! Where the standard methods of a pbtable are: at the path that a service declares, else at the default one.
//!
//! Not what is mounted: a role that only reads leaves some out (`http::routes`).

use super::catalogue::{Catalogue, ResourceType, StandardMethod};

impl Catalogue {
    /// Each method that the pbtable has, with its paths: `/blog/v1/users/{user}/entries:batchGet`.
    pub fn standard_paths(&self, kind: &ResourceType) -> Vec<(StandardMethod, String)> {
        let has = |method: &StandardMethod| *method != StandardMethod::Undelete || kind.soft_delete;
        let methods = StandardMethod::ALL.into_iter().filter(has);
        let of_method = |method| self.prefixes(kind, method).into_iter().map(move |prefix| (method, prefix));
        methods.flat_map(of_method).map(|(method, prefix)| (method, path(&prefix, kind, method))).collect()
    }

    fn prefixes(&self, kind: &ResourceType, method: StandardMethod) -> Vec<String> {
        let own =
            self.standard_routes.iter().filter(|route| route.method == method && route.kind == kind.name);
        let own: Vec<String> = own.map(|route| route.prefix.clone()).collect();
        match own.is_empty() {
            false => own,
            // Beside Get, where clients will look for them.
            true if method.verb().is_some() => vec![kind.route_prefix.clone()],
            true => vec![route_prefix(&kind.package)],
        }
    }
}

/// Package `a.b.v1` → `/a/b/v1`.
pub(super) fn route_prefix(package: &str) -> String {
    format!("/{}", package.replace('.', "/"))
}

fn path(prefix: &str, kind: &ResourceType, method: StandardMethod) -> String {
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
