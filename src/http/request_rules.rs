//! The rules that a service declares in `buf.validate` for the request of a standard method, also where what
//! the method does is asked for in another way: as a member of a batch or write set, by an update that creates.
//!
//! Not here: rules of the resource itself, which the schema judges as it reads it.

use super::Api;
use super::exchange::Exchange;
use super::members::Place;
use super::parameters::{camel_case, text};
use super::routes::Action;
use crate::model::{Key, Result};
use crate::schema::{Catalogue, ResourceType, StandardMethod};

/// The path and the parameters of a request.
pub fn judge(api: &Api, action: &Action, exchange: &Exchange) -> Result<()> {
    let (kind, method) = match action {
        Action::Get(kind) => (kind, StandardMethod::Get),
        Action::List(kind) => (kind, StandardMethod::List),
        Action::Create(kind) => (kind, StandardMethod::Create),
        Action::Update(kind) => (kind, StandardMethod::Update),
        Action::Delete(kind) => (kind, StandardMethod::Delete),
        _ => return Ok(()),
    };
    if !api.catalogue.judges_parameters(kind, method) {
        return Ok(());
    }
    let pairs = exchange.query().split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((camel_case(&text(name)?), text(value)?))
    });
    api.catalogue.check_parameters(kind, method, &exchange.ids, &pairs.collect::<Result<Vec<_>>>()?)
}

/// A member, with those of its method's parameters that it has a place for. `key` is of the resource, or of the
/// parent of a new one.
pub fn judge_member(
    catalogue: &Catalogue,
    (kind, method): (&ResourceType, StandardMethod),
    key: &str,
    parameters: &[(&str, &str)],
    place: &Place,
) -> Result<()> {
    if !catalogue.judges_parameters(kind, method) {
        return Ok(());
    }
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let judged = catalogue.check_member(kind, method, &ids(key), &parameters.collect::<Vec<_>>());
    judged.map_err(|error| error.within(&place.path))
}

/// The id that an update with `allowMissing` would give: what no create may make, no update makes.
pub fn judge_new_id(catalogue: &Catalogue, kind: &ResourceType, key: &Key) -> Result<()> {
    let Some((id, parents)) =
        ids(key.as_str()).split_last().map(|(id, parents)| (id.clone(), parents.to_vec()))
    else {
        return Ok(());
    };
    catalogue.check_member(kind, StandardMethod::Create, &parents, &[(id_parameter(kind), id)])
}

/// The parameter that chooses the id of a new resource (AIP-133).
pub fn id_parameter(kind: &ResourceType) -> String {
    format!("{}Id", camel_case(&kind.singular))
}

fn ids(key: &str) -> Vec<String> {
    key.split('/').filter(|id| !id.is_empty()).map(str::to_owned).collect()
}
