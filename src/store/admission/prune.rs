//! What a prune removes, and for whom that is the end.

use crate::model::{Error, Reason, Result, TypeName};
use crate::schema::{Catalogue, ResourceType, storage};

use super::{Past, State, decoded};

/// Made from the history; what is there of it only the database can say.
#[derive(Default)]
pub(in crate::store) struct Plan {
    /// A line for each schema that can then be served no more.
    pub retired: Vec<String>,
    /// pbtables that the newest schema does not serve.
    pub tables: Vec<TypeName>,
    /// pbtables in whose documents there may be values that it does not show.
    pub forgets: Vec<TypeName>,
    /// pbtables that only older schemas delete softly: what is deleted there nobody else can bring back, or purges.
    pub hardened: Vec<TypeName>,
}

impl Plan {
    /// Sets that were pruned already count too: a prune may have been interrupted. `newest`: all that its set
    /// describes, not what the caller serves of it.
    pub fn new(history: &[Past], newest: &Catalogue) -> Result<Self> {
        let mut plan = Self::default();
        for past in history.iter().filter(|past| past.digest != newest.digest) {
            let old = decoded(&past.set)?;
            if past.state == State::Permanent {
                let short = past.digest.get(..12).unwrap_or(&past.digest);
                plan.retired.push(format!("schema {short}: its binaries cannot be started again"));
            }
            let gone =
                old.types.iter().chain(&old.tombstones).filter(|kind| newest.resource(&kind.name).is_none());
            plan.tables.extend(gone.map(|kind| kind.name.clone()));
            let softly = old.types.iter().filter(|kind| kind.soft_delete).map(|kind| &kind.name);
            let hardened = softly.filter(|name| newest.resource(name).is_some_and(|kind| !kind.soft_delete));
            plan.hardened.extend(hardened.cloned());
            if storage::needs(newest, &old) || storage::hides(newest, &old) {
                plan.forgets.extend(newest.types.iter().map(|kind| kind.name.clone()));
            }
        }
        plan.tables.sort();
        plan.tables.dedup();
        Ok(plan)
    }
}

/// Only who brings the newest schema knows what the others still need.
pub(in crate::store) fn refuse_unless_newest(
    newest: Option<String>,
    history: &[Past],
    catalogue: &Catalogue,
) -> Result<()> {
    let is_draft = history.iter().any(|past| past.digest == catalogue.digest && past.state == State::Draft);
    match newest {
        Some(newest) if newest == catalogue.digest && is_draft => Err(Error::new(
            Reason::FailedPrecondition,
            "the newest schema of this database is a draft, which its next one replaces; make it permanent first \
             (`trine schema apply`)",
        )),
        Some(newest) if newest == catalogue.digest => Ok(()),
        Some(_) => Err(Error::new(
            Reason::FailedPrecondition,
            "the schema given is not the newest that this database has admitted; prune with that one, or apply this \
             one first",
        )),
        None => Err(Error::new(
            Reason::FailedPrecondition,
            "this database has admitted no schema yet; there is nothing to prune",
        )),
    }
}

pub(in crate::store) fn purged(kind: &ResourceType, count: usize) -> Option<String> {
    (count > 0).then(|| format!("{count} rows of `{}` that are deleted softly", kind.name))
}

pub(in crate::store) fn forgotten(kind: &ResourceType, count: usize) -> Option<String> {
    (count > 0).then(|| format!("values of hidden fields in {count} rows of `{}`", kind.name))
}
