//! The schema as the configuration names it: loaded, and fit to be served.
//!
//! Touches no database. Invariant: a schema that cannot be served is found here, before it is applied.

use crate::auth::AuthMode;
use crate::commands::{MethodModes, Mode, Registry, Rules};
use crate::config::Settings;
use crate::domains;
use crate::http::routes::Routes;
use crate::schema::{self, Catalogue};

use super::Refusals;

pub fn load(settings: &Settings) -> Result<Catalogue, Refusals> {
    let catalogue = schema::load(&settings.schema.paths, &settings.schema.domains)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    if catalogue.types.is_empty() {
        return Err(vec![
            "schema.paths, schema.domains: no message of the packages served has `google.api.resource`, so \
             there is nothing to serve; check both keys"
                .to_owned(),
        ]);
    }
    Ok(catalogue)
}

/// A rule for each command, a path for each route.
pub fn servable(settings: &Settings, catalogue: &Catalogue) -> Result<Rules, Refusals> {
    let rules = rules(catalogue, &settings.writes.methods);
    let owners = refuse_owners_of_nobody(settings, catalogue);
    match (rules, Routes::new(catalogue, &settings.role.plan()), owners) {
        (Ok(rules), Ok(_), Ok(())) => Ok(rules),
        (rules, routes, owners) => {
            Err([rules.err(), routes.err(), owners.err()].into_iter().flatten().flatten().collect())
        }
    }
}

/// Owners that nobody has to prove to be: everybody would share all rows, which the option denies.
fn refuse_owners_of_nobody(settings: &Settings, catalogue: &Catalogue) -> Result<(), Refusals> {
    let owned = catalogue.types.iter().find(|kind| kind.owner.is_some());
    match owned {
        Some(kind) if settings.auth.mode == AuthMode::None && !settings.auth.allow_anonymous => {
            Err(vec![format!(
                "auth.mode: is none, but `{}` has an owner_field, and nobody would have to say who he is; set \
                 auth.mode, or auth.allow_anonymous = true if all may share the rows of \"anonymous\"",
                kind.name
            )])
        }
        _ => Ok(()),
    }
}

/// Every command has its rule, and `writes.methods` names nothing that does not exist or cannot wait.
fn rules(catalogue: &Catalogue, configured: &MethodModes) -> Result<Rules, Refusals> {
    let mut registry = Registry::default();
    domains::register(&mut registry);
    let mut refusals = Vec::new();
    for (method, configured) in configured {
        if !catalogue.has_write_method(method) {
            refusals.push(format!(
                "writes.methods names `{method}`, which no schema here has; check its spelling"
            ));
        } else if configured.mode == Mode::Async && catalogue.is_batch_write(method) {
            refusals.push(format!(
                "writes.methods: `{method}` cannot be async: done later, a batch could overwrite what was \
                 written to one of its resources after it; leave it sync, or accept single writes"
            ));
        }
    }
    let rules = registry.checked(catalogue);
    match rules {
        Ok(rules) if refusals.is_empty() => Ok(rules),
        Ok(_) => Err(refusals),
        Err(problems) => Err(problems.into_iter().chain(refusals).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Given a batch that is to be done later, then the start is refused by its name; in other modes it is not.
    #[test]
    fn a_batch_is_never_async() {
        let catalogue = schema::load(&["proto".into()], &["*".to_owned()]).expect("the blog");
        let refused = |methods: &str| {
            let methods: MethodModes = toml::from_str(methods).expect("modes");
            rules(&catalogue, &methods).err().unwrap_or_default()
        };
        for method in ["BatchCreate", "BatchUpdate", "BatchDelete"] {
            let name = format!("blog.v1.Entry.{method}");
            for mode in ["\"async\"", "{ mode = \"async\", flag = \"f\" }"] {
                let refusals = refused(&format!("\"{name}\" = {mode}"));
                assert_eq!(refusals.len(), 1, "{refusals:?}");
                assert!(refusals[0].contains(&format!("`{name}` cannot be async")), "{refusals:?}");
            }
            assert_eq!(refused(&format!("\"{name}\" = \"forward\"")), [""; 0]);
        }
        assert_eq!(refused("\"blog.v1.Entry.Update\" = \"async\""), [""; 0]);
    }
}
