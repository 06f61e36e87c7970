//! The schema as the configuration names it: loaded, and fit to be served.
//!
//! Touches no database. Invariant: a schema that cannot be served is found here, before it is applied.

use crate::auth::AuthMode;
use crate::commands::{Registry, Rules};
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
    let rules = rules(catalogue, settings.writes.methods.keys());
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

/// Every command has its rule, and `writes.methods` names nothing that does not exist.
fn rules<'a>(catalogue: &Catalogue, configured: impl Iterator<Item = &'a String>) -> Result<Rules, Refusals> {
    let mut registry = Registry::default();
    domains::register(&mut registry);
    let mut refusals = Vec::new();
    for method in configured.filter(|method| !catalogue.has_write_method(method)) {
        refusals
            .push(format!("writes.methods names `{method}`, which no schema here has; check its spelling"));
    }
    let rules = registry.checked(catalogue);
    match rules {
        Ok(rules) if refusals.is_empty() => Ok(rules),
        Ok(_) => Err(refusals),
        Err(problems) => Err(problems.into_iter().chain(refusals).collect()),
    }
}
