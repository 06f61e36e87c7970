//! Unique values that are taken: found before an update, explained after an insert.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Bool, Integer, Text};

use super::Stop;
use super::attempt::{Attempt, State, located};
use super::change::Planned;
use super::write::{RowWrite, is_ordered, resource_of};
use crate::model::{Error, Key, Reason, ResourceRef};
use crate::query::Scalar;
use crate::schema::{Catalogue, Index, ResourceType};
use crate::store::judge::{already_exists, blame, refused, same_values};
use crate::store::postgres::definition::index_name;
use crate::store::postgres::statement::{Bind, statement};
use crate::store::postgres::table::{array, column_name, set_condition, table_name};

/// A row that is to hold the values of an index.
struct Claim {
    key: String,
    values: Vec<Scalar>,
}

/// Refuses updates to values that another row has. What this cannot see (two claims in one batch,
/// a commit in between) fails in the UPDATE and is found by cutting the batch in halves.
pub(super) fn check_updates(attempt: &mut Attempt<'_>) -> Result<(), Stop> {
    let types = attempt.catalogue.types.clone();
    for kind in &types {
        for index in kind.indexes.iter().filter(|index| index.unique) {
            let claims = changed(attempt, kind, index);
            if claims.is_empty() {
                continue;
            }
            let rows: Vec<&Claim> = claims.iter().map(|(_, _, claim)| claim).collect();
            for ordinal in holders(attempt, kind, index, &rows)? {
                let (member, mutation, claim) = &claims[ordinal];
                let member = &mut attempt.members[*member];
                let resource = ResourceRef { kind: kind.name.clone(), key: Key::new(&claim.key) };
                let error = violation(kind, index, &resource);
                member.state = State::Refused(located(error, member.write_set, *mutation));
            }
        }
    }
    Ok(())
}

/// What is to hold other values of a unique index than it holds now, by member and mutation.
fn changed(attempt: &Attempt<'_>, kind: &ResourceType, index: &Index) -> Vec<(usize, usize, Claim)> {
    let mut claims = Vec::new();
    for (at, member) in attempt.members.iter().enumerate() {
        let State::Writing { plan, .. } = &member.state else { continue };
        if is_ordered(member) {
            continue;
        }
        for (mutation, planned) in plan.iter().enumerate() {
            let (own, stored, columns, before) = match planned {
                Planned::Update { kind, stored, columns, before } => {
                    (kind, stored, columns, before.as_slice())
                }
                // Deleted it claimed nothing.
                Planned::Undelete { kind, stored, columns } => (kind, stored, columns, [].as_slice()),
                _ => continue,
            };
            let of = |columns: &[Scalar]| -> Vec<Scalar> {
                index.columns.iter().filter_map(|at| columns.get(*at).cloned()).collect()
            };
            if own.name == kind.name && of(columns) != of(before) {
                let key = stored.key.as_str().to_owned();
                claims.push((at, mutation, Claim { key, values: of(columns) }));
            }
        }
    }
    claims
}

/// Why these rows were not inserted, in order.
pub(super) fn explain(
    attempt: &mut Attempt<'_>,
    kind: &Arc<ResourceType>,
    rows: &[&RowWrite],
) -> Result<Vec<State>, Stop> {
    let tables = attempt.tables;
    let key = |row: &&RowWrite| {
        let sight = attempt.members[row.member].write_set.principal.sight();
        (row.stored.key.as_str().to_owned(), sight.owner().map(str::to_owned))
    };
    let keys = rows.iter().map(key).collect();
    let taken: HashMap<String, bool> = match tables.get(&kind.name).map(|table| &table.looks) {
        Some(looks) => statement::<(Text, Bool)>(&looks.taken, looks.binds(keys))
            .load::<(String, bool)>(attempt.connection())?
            .into_iter()
            .collect(),
        None => HashMap::new(),
    };
    let mut states: Vec<Option<State>> = rows
        .iter()
        .map(|row| {
            let is_deleted = taken.get(row.stored.key.as_str())?;
            Some(State::Refused(already_exists(kind, &resource_of(row), *is_deleted)))
        })
        .collect();
    for index in kind.indexes.iter().filter(|index| index.unique) {
        let claim = |row: &&RowWrite| Claim {
            key: row.stored.key.as_str().to_owned(),
            values: index.columns.iter().map(|at| row.columns[*at].clone()).collect(),
        };
        let claims: Vec<Claim> = rows.iter().map(claim).collect();
        for ordinal in holders(attempt, kind, index, &claims.iter().collect::<Vec<_>>())? {
            states[ordinal]
                .get_or_insert_with(|| State::Refused(violation(kind, index, &resource_of(rows[ordinal]))));
        }
    }
    // Whoever was in the way is gone again.
    Ok(states.into_iter().map(|state| state.unwrap_or(State::Busy)).collect())
}

/// Which claims another row holds already.
fn holders(
    attempt: &mut Attempt<'_>,
    kind: &ResourceType,
    index: &Index,
    claims: &[&Claim],
) -> Result<Vec<usize>, Stop> {
    let columns: Vec<_> = index.columns.iter().map(|at| &kind.columns[*at]).collect();
    let names: String = columns.iter().map(|column| format!(", {}", column_name(column))).collect();
    let equal: String = columns
        .iter()
        .map(|column| {
            format!("t.{name} = r.{name}::{cast}", name = column_name(column), cast = cast(column.kind))
        })
        .collect::<Vec<_>>()
        .join(" AND ");
    let sql = format!(
        "SELECT r.ordinal FROM unnest($, $, $placeholders) AS r(ordinal, key{names}) \
         JOIN {} t ON {equal} AND {} AND t.key <> r.key",
        table_name(&kind.name),
        set_condition(kind, index, "t."),
    )
    .replace("$placeholders", &vec!["$"; columns.len()].join(", "));
    let ordinals = (0..claims.len()).map(|ordinal| i32::try_from(ordinal).unwrap_or(i32::MAX)).collect();
    let mut binds =
        vec![Bind::Ordinals(ordinals), Bind::Texts(claims.iter().map(|claim| claim.key.clone()).collect())];
    for (at, column) in columns.iter().enumerate() {
        binds.push(array(column.kind, claims.iter().map(|claim| claim.values[at].clone())));
    }
    let found = statement::<Integer>(&sql, binds).load::<i32>(attempt.connection())?;
    Ok(found.into_iter().filter_map(|ordinal| usize::try_from(ordinal).ok()).collect())
}

fn cast(kind: crate::schema::ColumnKind) -> &'static str {
    use crate::schema::ColumnKind::*;
    match kind {
        Text | Timestamp => "text",
        Integer => "bigint",
        Unsigned => "numeric",
        Real => "double precision",
        Boolean => "boolean",
    }
}

fn violation(kind: &ResourceType, index: &Index, resource: &ResourceRef) -> Error {
    let fields = kind.fields_of(index);
    blame(refused(kind, resource, Reason::UniqueViolation, |_| same_values(&fields)), &fields)
}

/// A violation that only the database saw. None of a primary key: somebody recorded the same operation at
/// this moment, and the retry finds it.
pub(super) fn by_constraint(catalogue: &Catalogue, error: &DieselError) -> Option<Error> {
    let DieselError::DatabaseError(_, information) = error else { return None };
    let name = information.constraint_name()?;
    let own = catalogue.types.iter().find_map(|kind| {
        let index = kind.indexes.iter().find(|index| index.unique && index_name(kind, index) == name)?;
        Some(kind.fields_of(index))
    });
    // Of a newer schema, whose short names tell their fields; long ones are cut and end in a hash.
    let newer = || name.split_once(":unique:").map(|(_, fields)| fields.split(':').collect());
    let fields =
        own.or_else(newer).filter(|fields: &Vec<&str>| !fields.iter().any(|field| field.contains('~')));
    let Some(fields) = fields else {
        if name.ends_with("_pkey") {
            return None;
        }
        let message = format!("another resource has the same value in the unique index `{name}`");
        return Some(Error::new(Reason::UniqueViolation, message));
    };
    Some(blame(Error::new(Reason::UniqueViolation, same_values(&fields)), &fields))
}
