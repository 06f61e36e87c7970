//! The rules that a service declares in `buf.validate` for the request of a standard method, also where what
//! the method does is asked for in another way: as a member of a batch or write set, by an update that creates.
//!
//! Not here: rules of the resource itself, which the schema judges as it reads it.

use super::Api;
use super::exchange::Exchange;
use super::members::Place;
use super::parameters::{id_parameter, pairs};
use super::routes::Action;
use crate::model::{Deletion, Key, Result};
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
    let pairs = pairs(exchange.query()).collect::<Result<Vec<_>>>()?;
    api.catalogue.check_parameters(kind, method, &exchange.ids, &pairs)
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

/// A deletion as a member; without an etag where it demands no version.
pub fn judge_deletion(
    catalogue: &Catalogue,
    kind: &ResourceType,
    key: &Key,
    (etag, deletion): (&str, Deletion),
    place: &Place,
) -> Result<()> {
    let (force, allow_missing) = (deletion.force.to_string(), deletion.allow_missing.to_string());
    let parameters = [("etag", etag), ("force", force.as_str()), ("allowMissing", allow_missing.as_str())];
    judge_member(catalogue, (kind, StandardMethod::Delete), key.as_str(), &parameters, place)
}

/// The id that an update with `allowMissing` would give: what no create may make, no update makes.
pub fn judge_new_id(catalogue: &Catalogue, kind: &ResourceType, key: &Key) -> Result<()> {
    if !catalogue.judges_parameters(kind, StandardMethod::Create) {
        return Ok(());
    }
    let mut parents = ids(key.as_str());
    let Some(id) = parents.pop() else { return Ok(()) };
    catalogue.check_member(kind, StandardMethod::Create, &parents, &[(id_parameter(kind), id)])
}

fn ids(key: &str) -> Vec<String> {
    key.split('/').filter(|id| !id.is_empty()).map(str::to_owned).collect()
}
