//! What is above and below the rows of a batch: looked at before the first write, swept after the last.
//!
//! Between the look and the COMMIT nothing can come alive below what is soft-deleted here, and nothing
//! above what comes alive here can be soft-deleted: see [`super::growth`].

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};

use super::attempt::{Attempt, Member, State, located};
use super::{Stop, others};
use crate::model::{Change, Error, Key, Mutation, ResourceRef, TypeName};
use crate::schema::ResourceType;
use crate::store::family::{
    SWEPT_MAX, ancestor_key, has_children, parent_is_deleted, range_below, too_many_below,
};
use crate::store::postgres::statement::{Bind, statement};
use crate::store::postgres::table::{DATABASE_NOW, DATABASE_PURGE, column_name, table_name};

/// A mutation of a member.
pub(super) type Place = (usize, usize);
/// What is to be looked for, by the type it is looked for in.
pub(super) type ByType<T> = BTreeMap<TypeName, (Arc<ResourceType>, Vec<T>)>;

pub(super) fn check(attempt: &mut Attempt<'_>) -> Result<(), Stop> {
    others::refuse_parents_of_others(attempt)?;
    refuse_parents(attempt)?;
    refuse_deleted_ancestors(attempt)
}

/// Deletions of what has living children, by the type of the children.
fn refuse_parents(attempt: &mut Attempt<'_>) -> Result<(), Stop> {
    let mut wanted: ByType<Place> = BTreeMap::new();
    for (at, member) in attempt.members.iter().enumerate() {
        for (number, mutation) in deletions(member).filter(|(_, _, force)| !force).map(|(n, m, _)| (n, m)) {
            for kind in &attempt.families.of(&mutation.resource.kind).descendants {
                let entry = wanted.entry(kind.name.clone());
                entry.or_insert_with(|| (Arc::clone(kind), Vec::new())).1.push((at, number));
            }
        }
    }
    for (kind, places) in wanted.into_values() {
        for (ordinal, child) in children(attempt, &kind, &places)? {
            let Some((at, number)) = places.get(ordinal).copied() else { continue };
            let resource = attempt.members[at].write_set.mutations[number].resource.clone();
            let deleted_too = ResourceRef { kind: kind.name.clone(), key: Key::new(&child) };
            let member = &attempt.members[at];
            if deletions(member).any(|(_, other, _)| other.resource == deleted_too) {
                continue;
            }
            let Some(parent) = attempt.catalogue.resource(&resource.kind).cloned() else { continue };
            refuse(attempt, (at, number), has_children((&parent, &resource.key), (&kind, &child)));
        }
    }
    Ok(())
}

/// Deletions that are to be written: position, mutation, whether by force.
pub(super) fn deletions<'m>(member: &'m Member<'_>) -> impl Iterator<Item = (usize, &'m Mutation, bool)> {
    let plan = match &member.state {
        State::Writing { plan, .. } => plan.as_slice(),
        _ => &[],
    };
    let mutations = member.write_set.mutations.iter().enumerate().zip(plan);
    mutations.filter(|(_, planned)| planned.takes_away()).filter_map(|((number, mutation), _)| {
        mutation.change.deletion().map(|deletion| (number, mutation, deletion.force))
    })
}

/// For each place some living children: one more than its write set deletes by name.
fn children(
    attempt: &mut Attempt<'_>,
    kind: &ResourceType,
    places: &[Place],
) -> Result<Vec<(usize, String)>, Stop> {
    let live = if kind.soft_delete { " AND delete_time IS NULL" } else { "" };
    let sql = format!(
        "SELECT r.ordinal, c.key FROM unnest($, $, $, $) AS r(ordinal, first, last, most) JOIN LATERAL \
         (SELECT key FROM {} WHERE key > r.first AND key < r.last{live} ORDER BY key LIMIT r.most) c ON TRUE",
        table_name(&kind.name)
    );
    let (mut firsts, mut lasts, mut most) = (Vec::new(), Vec::new(), Vec::new());
    for (at, number) in places {
        let member = &attempt.members[*at];
        let (first, last) = range_below(&member.write_set.mutations[*number].resource.key);
        firsts.push(first);
        lasts.push(last);
        let named = deletions(member).filter(|(_, other, _)| other.resource.kind == kind.name).count();
        most.push(i64::try_from(named + 1).unwrap_or(i64::MAX));
    }
    let ordinals = (0..places.len()).map(|ordinal| i32::try_from(ordinal).unwrap_or(i32::MAX)).collect();
    let binds = vec![Bind::Ordinals(ordinals), Bind::Texts(firsts), Bind::Texts(lasts), Bind::Integers(most)];
    let found = statement::<(Integer, Text)>(&sql, binds).load::<(i32, String)>(attempt.connection())?;
    Ok(found.into_iter().filter_map(|(at, key)| Some((usize::try_from(at).ok()?, key))).collect())
}

/// Whatever comes alive under a soft-deleted parent, by the type of the parent.
fn refuse_deleted_ancestors(attempt: &mut Attempt<'_>) -> Result<(), Stop> {
    let mut wanted: ByType<(Place, Key)> = BTreeMap::new();
    for (at, member) in attempt.members.iter().enumerate() {
        let State::Writing { plan, .. } = &member.state else { continue };
        let alive = plan.iter().enumerate().filter(|(_, planned)| planned.brings_alive());
        for (number, _) in alive {
            let resource = &member.write_set.mutations[number].resource;
            for (above, depth) in &attempt.families.of(&resource.kind).soft_ancestors {
                let key = ancestor_key(&resource.key, *depth);
                if !is_undeleted_too(member, above, &key) {
                    let entry = wanted.entry(above.name.clone());
                    entry.or_insert_with(|| (Arc::clone(above), Vec::new())).1.push(((at, number), key));
                }
            }
        }
    }
    for (above, places) in wanted.into_values() {
        let keys: HashSet<String> = places.iter().map(|(_, key)| key.as_str().to_owned()).collect();
        let sql = format!(
            "SELECT key FROM {} WHERE key = ANY($) AND delete_time IS NOT NULL",
            table_name(&above.name)
        );
        let deleted: HashSet<String> = statement::<Text>(&sql, vec![Bind::Texts(keys.into_iter().collect())])
            .load::<String>(attempt.connection())?
            .into_iter()
            .collect();
        for (place, key) in places.into_iter().filter(|(_, key)| deleted.contains(key.as_str())) {
            refuse(attempt, place, parent_is_deleted(&above, &key));
        }
    }
    Ok(())
}

fn is_undeleted_too(member: &Member<'_>, above: &ResourceType, key: &Key) -> bool {
    member.write_set.mutations.iter().any(|mutation| {
        mutation.change == Change::Undelete
            && mutation.resource.kind == above.name
            && mutation.resource.key == *key
    })
}

/// The first refusal of a member stays.
pub(super) fn refuse(attempt: &mut Attempt<'_>, (at, number): Place, error: Error) {
    let member = &mut attempt.members[at];
    if matches!(member.state, State::Writing { .. }) {
        member.state = State::Refused(located(error, member.write_set, number));
    }
}

/// Deletes all that is below what was deleted by force, soft or for good as each type says. Such a
/// member is alone in its transaction.
pub(super) fn sweep(attempt: &mut Attempt<'_>) -> Result<(), Stop> {
    let mut forced: Vec<(Place, ResourceRef)> = Vec::new();
    for (at, member) in attempt.members.iter().enumerate() {
        let by_force = deletions(member).filter(|(_, _, force)| *force);
        forced.extend(by_force.map(|(number, mutation, _)| ((at, number), mutation.resource.clone())));
    }
    for ((at, number), resource) in forced {
        let families = attempt.families;
        let mut left = SWEPT_MAX;
        for kind in &families.of(&resource.kind).descendants {
            let found = count(attempt, kind, at, &resource.key, left + 1)?;
            let Some(rest) = left.checked_sub(found) else {
                refuse(attempt, (at, number), too_many_below());
                return Ok(());
            };
            left = rest;
            if found > 0 {
                sweep_one(attempt, kind, at, &resource.key)?;
            }
        }
    }
    Ok(())
}

fn live(kind: &ResourceType) -> &'static str {
    if kind.soft_delete { " AND delete_time IS NULL" } else { "" }
}

/// What is below a key and the member's own: others' rows were looked for before, but since then somebody
/// may have created one, which is not swept.
fn below(attempt: &Attempt<'_>, kind: &ResourceType, at: usize, key: &Key) -> (String, Vec<Bind>) {
    let (first, last) = range_below(key);
    let (mut sql, mut binds) = ("key > $ AND key < $".to_owned(), vec![Bind::text(first), Bind::text(last)]);
    let sight = attempt.members[at].write_set.principal.sight();
    if let (Some(column), Some(own)) = (kind.owner_column(), sight.owner()) {
        sql.push_str(&format!(" AND {} IS NOT DISTINCT FROM $", column_name(column)));
        binds.push(Bind::text(own));
    }
    sql.push_str(live(kind));
    (sql, binds)
}

/// Of the living below a key, counted to a limit.
fn count(
    attempt: &mut Attempt<'_>,
    kind: &ResourceType,
    at: usize,
    key: &Key,
    limit: usize,
) -> Result<usize, Stop> {
    let (below, mut binds) = below(attempt, kind, at, key);
    let table = table_name(&kind.name);
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {below} LIMIT $) AS found");
    binds.push(Bind::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
    let found: i64 = statement::<BigInt>(&sql, binds).get_result(attempt.connection())?;
    Ok(usize::try_from(found).unwrap_or(usize::MAX))
}

fn sweep_one(attempt: &mut Attempt<'_>, kind: &ResourceType, at: usize, key: &Key) -> Result<(), Stop> {
    let (below, below_binds) = below(attempt, kind, at, key);
    let table = table_name(&kind.name);
    let (sql, mut binds) = if kind.soft_delete {
        let write_set = attempt.members[at].write_set;
        let sql = format!(
            "UPDATE {table} SET version = nextval('trine.version'), update_time = $, \
             delete_time = {DATABASE_NOW}, purge_time = {DATABASE_PURGE}, request_id = $, traceparent = $ \
             WHERE {below}"
        );
        let update_time = Bind::text(attempt.now.as_str());
        (
            sql,
            vec![
                update_time,
                Bind::text(write_set.request_id.as_str()),
                Bind::Text(write_set.traceparent.clone()),
            ],
        )
    } else {
        (format!("DELETE FROM {table} WHERE {below}"), Vec::new())
    };
    binds.extend(below_binds);
    statement::<()>(&sql, binds).execute(attempt.connection())?;
    Ok(())
}
