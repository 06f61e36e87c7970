//! `GET …/entries:batchGet?names=…&names=…`: one statement, in the order asked.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::HttpResponse;

use super::parent::Parent;
use crate::http::exchange::Exchange;
use crate::http::members::check_number;
use crate::http::parameters::Known;
use crate::http::{Api, consistency, guard, several};
use crate::model::{Error, Key, Reason, Result, Stored};
use crate::query::mask;
use crate::schema::{ResourceType, StandardMethod};

pub(in crate::http) const KNOWN: Known<'static> =
    Known { served: &["parent", "names", "readMask"], later: &[] };

pub async fn batch_get(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    api.refuse_unlisted_reads()?;
    let parameters = exchange.parameters_with(KNOWN, "names")?;
    let mask = mask::read(kind, parameters.get("readMask").unwrap_or_default())?;
    exchange.refuse_body()?;
    guard::refuse_all_conditions(exchange)?;
    let parent = Parent::of_path(exchange)?;
    parent.check_given(kind, parameters.get("parent").unwrap_or_default(), "parent")?;
    let names: Vec<&str> = parameters.get_all("names").collect();
    check_number(names.len(), "names")?;
    let keys: Vec<Key> = names
        .iter()
        .enumerate()
        .map(|(at, name)| parent.key(kind, name, &format!("names[{at}]")))
        .collect::<Result<_>>()?;
    let wanted = consistency::wait(api, exchange).await?;
    let read =
        api.reads.get_several(kind, distinct(&keys), &exchange.principal.sight(), exchange.deadline).await?;
    consistency::confirm(api, exchange, wanted, read.position)?;
    let found: HashMap<&Key, &Stored> =
        read.value.iter().flatten().map(|stored| (&stored.key, stored)).collect();
    let rows: Vec<&Stored> = keys.iter().filter_map(|key| found.get(key).copied()).collect();
    if rows.len() < keys.len() {
        let missing = keys.iter().enumerate().filter(|(_, key)| !found.contains_key(key));
        return Err(not_found(missing.map(|(at, _)| (at, names[at]))));
    }
    let form = kind.batch(StandardMethod::BatchGet);
    let answer = form.answer.ok_or_else(|| Error::internal("a batchGet answers its resources"))?;
    several::list(exchange, kind, &answer, &rows, mask.as_ref())
}

/// A name may be asked for twice; it is read once.
fn distinct(keys: &[Key]) -> Vec<Key> {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// 404 that names the first and points at all.
fn not_found<'n>(missing: impl Iterator<Item = (usize, &'n str)>) -> Error {
    let missing: Vec<(usize, &str)> = missing.collect();
    let first = missing.first().map_or("", |(_, name)| name);
    let message = match missing.len() {
        1 => format!("{first} does not exist"),
        number => format!("{number} of these do not exist, {first} for one"),
    };
    let error = Error::new(Reason::NotFound, message).with_metadata("resource", first);
    missing.into_iter().fold(error, |error, (at, name)| {
        error.with_violation(format!("names[{at}]"), format!("{name} does not exist"))
    })
}
