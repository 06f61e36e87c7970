//! Locking the rows that a batch changes or relies on: in one order (type, then key) everywhere,
//! so that two writers cannot wait for each other; what somebody else holds is skipped and named.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::Stop;
use super::attempt::{Attempt, Member, State};
use super::change::Rows;
use crate::model::{Change, Key, ResourceRef, TypeName};
use crate::store::backend::Patience;
use crate::store::postgres::statement::statement;
use crate::store::postgres::table::{Row, RowType, stored};

pub(super) fn lock(attempt: &mut Attempt<'_>, patience: Patience) -> Result<Rows, Stop> {
    let mut rows = Rows::default();
    let tables = attempt.tables;
    for (kind, wanted) in wanted(&attempt.members) {
        // An unknown type is refused when its member is planned.
        let Some(table) = tables.get(&kind) else { continue };
        let looks = &table.looks;
        let sql = match patience {
            Patience::SkipLocked(_) => &looks.lock_skipping,
            Patience::WaitUntil(_) => &looks.lock,
        };
        let found =
            statement::<RowType>(sql, looks.binds(wanted.clone())).load::<Row>(attempt.connection())?;
        let missing = missing(wanted, &found);
        for row in found {
            let row = stored(&kind, row);
            rows.locked.insert(ResourceRef { kind: kind.clone(), key: row.key.clone() }, row);
        }
        if missing.is_empty() {
            continue;
        }
        // Not locked by us: either not there, or locked by somebody else.
        let skipped =
            statement::<Text>(&looks.existing, looks.binds(missing)).load::<String>(attempt.connection())?;
        rows.skipped.extend(skipped.iter().map(|key| ResourceRef { kind: kind.clone(), key: Key::new(key) }));
    }
    Ok(rows)
}

/// A check that a resource is absent locks nothing, for there is no row. It holds all the same: whoever
/// would create the resource names it, so the gate lets only one of the two write sets in at a time,
/// and there is one monolith a database. A row that somebody inserts by hand in between is as if it
/// came right after this commit, which then relied on nothing that was untrue before it.
///
/// A lone create needs no look: its insert tells. With company the look comes first, because a
/// failure after the others' writes would cost the whole transaction.
fn wanted(members: &[Member<'_>]) -> BTreeMap<TypeName, Vec<(String, Option<String>)>> {
    let mut wanted: BTreeMap<TypeName, BTreeMap<&Key, Option<String>>> = BTreeMap::new();
    for member in members.iter().filter(|member| matches!(member.state, State::Writing { .. })) {
        let alone = member.write_set.mutations.len() == 1;
        let sight = member.write_set.principal.sight();
        for mutation in &member.write_set.mutations {
            if !(alone && matches!(mutation.change, Change::Create(_))) {
                let keys = wanted.entry(mutation.resource.kind.clone()).or_default();
                // To what creates a key is taken, whosever the row is.
                let takes = matches!(mutation.change, Change::Create(_) | Change::Upsert(_));
                let owner = sight.owner().filter(|_| !takes);
                keys.insert(&mutation.resource.key, owner.map(str::to_owned));
            }
        }
    }
    let listed = |keys: BTreeMap<&Key, Option<String>>| {
        keys.into_iter().map(|(key, owner)| (key.as_str().to_owned(), owner)).collect()
    };
    wanted.into_iter().map(|(kind, keys)| (kind, listed(keys))).collect()
}

fn missing(mut keys: Vec<(String, Option<String>)>, found: &[Row]) -> Vec<(String, Option<String>)> {
    let found: HashSet<&str> = found.iter().map(|row| row.0.as_str()).collect();
    keys.retain(|(key, _)| !found.contains(key.as_str()));
    keys
}
