//! Locking the rows that a batch changes or relies on: in one order (type, then key) everywhere,
//! so that two writers cannot wait for each other; what somebody else holds is skipped and named.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::Stop;
use super::attempt::{Attempt, Member, State};
use super::change::Rows;
use crate::model::{Change, Key, ResourceRef, TypeName};
use crate::store::backend::Patience;
use crate::store::postgres::statement::{Bind, statement};
use crate::store::postgres::table::{Row, RowType, stored};

pub(super) fn lock(attempt: &mut Attempt<'_>, patience: Patience) -> Result<Rows, Stop> {
    let mut rows = Rows::default();
    let tables = attempt.tables;
    for (kind, keys) in wanted(&attempt.members) {
        // An unknown type is refused when its member is planned.
        let Some(table) = tables.get(&kind) else { continue };
        let keys: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
        let sql = match patience {
            Patience::SkipLocked(_) => &table.lock_skipping,
            Patience::WaitUntil(_) => &table.lock,
        };
        let found =
            statement::<RowType>(sql, vec![Bind::Texts(keys.clone())]).load::<Row>(attempt.connection())?;
        let missing = missing(&keys, &found);
        for row in found {
            let row = stored(&kind, row);
            rows.locked.insert(ResourceRef { kind: kind.clone(), key: row.key.clone() }, row);
        }
        if missing.is_empty() {
            continue;
        }
        // Not locked by us: either not there, or locked by somebody else.
        let skipped = statement::<(Text, Bool)>(&table.existing, vec![Bind::Texts(missing)])
            .load::<(String, bool)>(attempt.connection())?;
        rows.skipped
            .extend(skipped.iter().map(|(key, _)| ResourceRef { kind: kind.clone(), key: Key::new(key) }));
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
fn wanted(members: &[Member<'_>]) -> BTreeMap<TypeName, BTreeSet<Key>> {
    let mut wanted: BTreeMap<TypeName, BTreeSet<Key>> = BTreeMap::new();
    for member in members.iter().filter(|member| matches!(member.state, State::Writing { .. })) {
        let alone = member.write_set.mutations.len() == 1;
        for mutation in &member.write_set.mutations {
            if !(alone && matches!(mutation.change, Change::Create(_))) {
                let keys = wanted.entry(mutation.resource.kind.clone()).or_default();
                keys.insert(mutation.resource.key.clone());
            }
        }
    }
    wanted
}

fn missing(keys: &[String], found: &[Row]) -> Vec<String> {
    let found: HashSet<&str> = found.iter().map(|row| row.0.as_str()).collect();
    keys.iter().filter(|key| !found.contains(key.as_str())).cloned().collect()
}
