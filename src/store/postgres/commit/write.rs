//! The writes themselves: a statement for each type and each sort of change.
//!
//! Where the order of a write set's mutations can be seen, they are written one by one.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use super::attempt::{Attempt, Member, State, located};
use super::change::Planned;
use super::{Stop, unique};
use crate::model::{Change, Reason, ResourceRef, Stored, Timestamp, TypeName};
use crate::query::Scalar;
use crate::schema::ResourceType;
use crate::store::postgres::statement::{Bind, statement};
use crate::store::postgres::table::{array, promoted};

/// A row to write, and whose it is.
pub(super) struct RowWrite {
    /// Positions of the member in the attempt and of the mutation in the write set.
    pub member: usize,
    pub mutation: usize,
    pub stored: Arc<Stored>,
    pub columns: Arc<[Scalar]>,
    pub request_id: String,
    pub traceparent: Option<String>,
}

/// What a batch writes to one table.
#[derive(Default)]
struct TableWrites {
    kind: Option<Arc<ResourceType>>,
    inserts: Vec<RowWrite>,
    updates: Vec<RowWrite>,
    soft_deletes: Vec<RowWrite>,
    undeletes: Vec<RowWrite>,
    deletes: Vec<String>,
}

pub(super) fn apply(attempt: &mut Attempt<'_>, schema_id: i64) -> Result<(), Stop> {
    let ordered: Vec<(usize, usize)> = attempt
        .members
        .iter()
        .enumerate()
        .filter(|(_, member)| is_ordered(member))
        .map(|(at, member)| (at, member.write_set.mutations.len()))
        .collect();
    let together = by_table(&attempt.members, |member, _| ordered.iter().all(|(at, _)| *at != member));
    let mut refused = write_tables(attempt, together, schema_id)?;
    for (at, mutations) in ordered {
        for number in 0..mutations {
            let one = by_table(&attempt.members, |member, mutation| (member, mutation) == (at, number));
            let out = write_tables(attempt, one, schema_id).map_err(|stop| in_mutation(stop, number))?;
            if !out.is_empty() {
                refused.extend(out);
                break;
            }
        }
    }
    take_out(attempt, refused)
}

fn in_mutation(stop: Stop, number: usize) -> Stop {
    match stop {
        Stop::Sql(error) => Stop::InMutation(number, error),
        other => other,
    }
}

/// One mutation after the other: what the first frees, the second may take, and not the reverse.
/// Only write sets that touch a type with unique fields more than once can tell the difference, and not
/// those that only create or only delete: nothing is freed there, or nothing taken.
pub(super) fn is_ordered(member: &Member<'_>) -> bool {
    let State::Writing { plan, .. } = &member.state else { return false };
    let only_creates = plan.iter().all(|planned| matches!(planned, Planned::Insert { .. }));
    if only_creates || plan.iter().all(|planned| matches!(planned, Planned::Delete { .. })) {
        return false;
    }
    let mut seen: Vec<&TypeName> = Vec::new();
    plan.iter().filter_map(Planned::kind).filter(|kind| kind.indexes.iter().any(|index| index.unique)).any(
        |kind| {
            let again = seen.contains(&&kind.name);
            seen.push(&kind.name);
            again
        },
    )
}

fn write_tables(
    attempt: &mut Attempt<'_>,
    tables: BTreeMap<TypeName, TableWrites>,
    schema_id: i64,
) -> Result<Vec<(usize, State)>, Stop> {
    for (kind, writes) in &tables {
        delete(attempt, kind, writes)?;
        soft_delete(attempt, kind, &writes.soft_deletes)?;
    }
    for writes in tables.values() {
        let written = update(attempt, writes, schema_id)?;
        show_as_stored(attempt, &writes.updates, written);
    }
    for (kind, writes) in &tables {
        undelete(attempt, kind, &writes.undeletes)?;
    }
    let mut refused = Vec::new();
    for (_, mut writes) in tables {
        let written = insert(attempt, &mut writes, schema_id)?;
        refused.extend(explain(attempt, &writes, &written)?);
        show_as_stored(attempt, &writes.inserts, written);
    }
    Ok(refused)
}

/// By key, as the database writes them: documents and the ids of their schemas.
type Written = HashMap<String, (String, i64)>;

/// `jsonb` has its own order of keys and its own blanks. The answer to a write is byte for byte
/// that of the next read, because both carry the same strong ETag.
fn show_as_stored(attempt: &mut Attempt<'_>, rows: &[RowWrite], mut written: Written) {
    for row in rows {
        let Some((document, schema_id)) = written.remove(row.stored.key.as_str()) else { continue };
        if let State::Writing { results, .. } = &mut attempt.members[row.member].state
            && let Some(result) = results.get_mut(row.mutation)
        {
            *result = Some(Arc::new(with_document(&row.stored, document, schema_id)));
        }
    }
}

/// Without copying the document that it replaces.
fn with_document(stored: &Stored, document: String, schema_id: i64) -> Stored {
    Stored {
        kind: stored.kind.clone(),
        key: stored.key.clone(),
        version: stored.version,
        create_time: stored.create_time.clone(),
        update_time: stored.update_time.clone(),
        delete_time: stored.delete_time.clone(),
        purge_time: stored.purge_time.clone(),
        schema_id,
        document,
    }
}

fn by_table(
    members: &[Member<'_>],
    chosen: impl Fn(usize, usize) -> bool,
) -> BTreeMap<TypeName, TableWrites> {
    let mut tables: BTreeMap<TypeName, TableWrites> = BTreeMap::new();
    let none: Arc<[Scalar]> = Arc::new([]);
    for (at, member) in members.iter().enumerate() {
        let State::Writing { plan, .. } = &member.state else { continue };
        for (mutation, planned) in plan.iter().enumerate() {
            if !chosen(at, mutation) {
                continue;
            }
            let resource = &member.write_set.mutations[mutation].resource;
            let row = |stored: &Arc<Stored>, columns: &Arc<[Scalar]>| RowWrite {
                member: at,
                mutation,
                stored: Arc::clone(stored),
                columns: Arc::clone(columns),
                request_id: member.write_set.request_id.clone(),
                traceparent: member.write_set.traceparent.clone(),
            };
            let table = match planned {
                Planned::Nothing { .. } => continue,
                _ => tables.entry(resource.kind.clone()).or_default(),
            };
            table.kind = planned.kind().cloned();
            match planned {
                Planned::Insert { stored, columns, .. } => table.inserts.push(row(stored, columns)),
                Planned::Update { stored, columns, .. } => table.updates.push(row(stored, columns)),
                Planned::SoftDelete { stored, .. } => table.soft_deletes.push(row(stored, &none)),
                Planned::Undelete { stored, columns, .. } => table.undeletes.push(row(stored, columns)),
                Planned::Delete { .. } => table.deletes.push(resource.key.as_str().to_owned()),
                Planned::Nothing { .. } => {}
            }
        }
    }
    tables
}

fn delete(attempt: &mut Attempt<'_>, kind: &TypeName, writes: &TableWrites) -> Result<(), Stop> {
    let tables = attempt.tables;
    let Some(table) = tables.get(kind).filter(|_| !writes.deletes.is_empty()) else { return Ok(()) };
    statement::<()>(&table.delete, vec![Bind::Texts(writes.deletes.clone())])
        .execute(attempt.connection())?;
    Ok(())
}

/// When they were deleted, and when they go, is for the database's clock to say.
fn soft_delete(attempt: &mut Attempt<'_>, kind: &TypeName, rows: &[RowWrite]) -> Result<(), Stop> {
    let tables = attempt.tables;
    let Some(table) = tables.get(kind).filter(|_| !rows.is_empty()) else { return Ok(()) };
    let written = mark(attempt, &table.soft_delete, rows)?;
    let mut times: HashMap<String, _> =
        written.into_iter().map(|(key, delete, purge)| (key, (delete, purge))).collect();
    for row in rows {
        let Some((delete_time, purge_time)) = times.remove(row.stored.key.as_str()) else { continue };
        if let State::Writing { results, .. } = &mut attempt.members[row.member].state
            && let Some(result) = results.get_mut(row.mutation)
        {
            let time = |text: Option<String>| text.as_deref().map(Timestamp::from_stored);
            let (delete_time, purge_time) = (time(delete_time), time(purge_time));
            *result = Some(Arc::new(Stored { delete_time, purge_time, ..Stored::clone(&row.stored) }));
        }
    }
    Ok(())
}

fn undelete(attempt: &mut Attempt<'_>, kind: &TypeName, rows: &[RowWrite]) -> Result<(), Stop> {
    let tables = attempt.tables;
    let Some(table) = tables.get(kind).filter(|_| !rows.is_empty()) else { return Ok(()) };
    mark(attempt, &table.undelete, rows).map(drop)
}

/// Key, delete_time, purge_time.
type Marked = (String, Option<String>, Option<String>);

fn mark(attempt: &mut Attempt<'_>, sql: &str, rows: &[RowWrite]) -> Result<Vec<Marked>, Stop> {
    let binds = vec![
        Bind::text(attempt.now.as_str()),
        Bind::Texts(rows.iter().map(|row| row.stored.key.as_str().to_owned()).collect()),
        Bind::Integers(rows.iter().map(|row| row.stored.version.0).collect()),
        Bind::Texts(rows.iter().map(|row| row.request_id.clone()).collect()),
        Bind::OptionalTexts(rows.iter().map(|row| row.traceparent.clone()).collect()),
    ];
    let marks = statement::<(Text, Nullable<Text>, Nullable<Text>)>(sql, binds);
    Ok(marks.load::<Marked>(attempt.connection())?)
}

fn update(attempt: &mut Attempt<'_>, writes: &TableWrites, schema_id: i64) -> Result<Written, Stop> {
    let (Some(kind), false) = (&writes.kind, writes.updates.is_empty()) else { return Ok(Written::new()) };
    let tables = attempt.tables;
    let Some(table) = tables.get(&kind.name) else { return Ok(Written::new()) };
    let rows = &writes.updates;
    let mut binds = vec![
        Bind::Integer(schema_id),
        Bind::text(attempt.now.as_str()),
        Bind::Texts(rows.iter().map(|row| row.stored.key.as_str().to_owned()).collect()),
        Bind::Texts(rows.iter().map(|row| row.stored.document.clone()).collect()),
    ];
    binds.extend(common(kind, rows));
    write(attempt, &table.update, binds)
}

fn write(attempt: &mut Attempt<'_>, sql: &str, binds: Vec<Bind>) -> Result<Written, Stop> {
    let rows =
        statement::<(Text, Text, BigInt)>(sql, binds).load::<(String, String, i64)>(attempt.connection())?;
    Ok(rows.into_iter().map(|(key, document, schema_id)| (key, (document, schema_id))).collect())
}

fn insert(attempt: &mut Attempt<'_>, writes: &mut TableWrites, schema_id: i64) -> Result<Written, Stop> {
    let (Some(kind), false) = (writes.kind.clone(), writes.inserts.is_empty()) else {
        return Ok(Written::new());
    };
    let tables = attempt.tables;
    let Some(table) = tables.get(&kind.name) else { return Ok(Written::new()) };
    // In key order: two writers that create the same keys wait for each other in one direction.
    writes.inserts.sort_by(|left, right| left.stored.key.cmp(&right.stored.key));
    let rows = &writes.inserts;
    let mut binds = vec![
        Bind::Integer(schema_id),
        Bind::text(attempt.now.as_str()),
        Bind::text(attempt.now.as_str()),
        Bind::Texts(rows.iter().map(|row| row.stored.key.as_str().to_owned()).collect()),
        Bind::Texts(rows.iter().map(|row| row.stored.key.parent().to_owned()).collect()),
        Bind::Texts(rows.iter().map(|row| row.stored.document.clone()).collect()),
    ];
    binds.extend(common(&kind, rows));
    write(attempt, &table.insert, binds)
}

/// Members of whose rows one was not inserted, with the reason.
fn explain(
    attempt: &mut Attempt<'_>,
    writes: &TableWrites,
    written: &Written,
) -> Result<Vec<(usize, State)>, Stop> {
    let (Some(kind), false) = (&writes.kind, written.len() == writes.inserts.len()) else {
        return Ok(Vec::new());
    };
    let refused: Vec<&RowWrite> =
        writes.inserts.iter().filter(|row| !written.contains_key(row.stored.key.as_str())).collect();
    let mut states = Vec::new();
    for (row, state) in refused.iter().zip(unique::explain(attempt, kind, &refused)?) {
        let write_set = attempt.members[row.member].write_set;
        states.push((
            row.member,
            match state {
                // Somebody else has just created it: there is something to update now.
                State::Refused(error)
                    if error.reason == Reason::AlreadyExists
                        && matches!(write_set.mutations[row.mutation].change, Change::Upsert(_)) =>
                {
                    State::Busy
                }
                State::Refused(error) => State::Refused(located(error, write_set, row.mutation)),
                other => other,
            },
        ));
    }
    Ok(states)
}

/// version, request_id, traceparent and the promoted columns, an array each.
fn common(kind: &ResourceType, rows: &[RowWrite]) -> Vec<Bind> {
    let mut binds = vec![
        Bind::Integers(rows.iter().map(|row| row.stored.version.0).collect()),
        Bind::Texts(rows.iter().map(|row| row.request_id.clone()).collect()),
        Bind::OptionalTexts(rows.iter().map(|row| row.traceparent.clone()).collect()),
    ];
    let arrays =
        promoted(kind).map(|(at, column)| array(column.kind, rows.iter().map(|row| row.columns[at].clone())));
    binds.extend(arrays);
    binds
}

/// A refused member that wrote nothing else just stays out; any other takes the transaction along.
fn take_out(attempt: &mut Attempt<'_>, refused: Vec<(usize, State)>) -> Result<(), Stop> {
    let mut out = Vec::new();
    for (at, state) in refused {
        let member = &mut attempt.members[at];
        let changes = member.write_set.mutations.len();
        if changes > 1 {
            out.push(member.index);
        }
        member.state = state;
    }
    // Alone it has its answer already: what it wrote goes with the rollback.
    if out.is_empty() || attempt.members.len() == 1 {
        return Ok(());
    }
    Err(Stop::Without(each_once(out)))
}

/// A member refused in two tables is named twice, others in between. Tried alone twice, its second
/// run would meet its own rows of the first and overwrite a committed verdict with a refusal.
fn each_once(mut members: Vec<usize>) -> Vec<usize> {
    members.sort_unstable();
    members.dedup();
    members
}

/// The resource of a row.
pub(super) fn resource_of(row: &RowWrite) -> ResourceRef {
    ResourceRef { kind: row.stored.kind.clone(), key: row.stored.key.clone() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_member_refused_in_two_tables_is_taken_out_once() {
        assert_eq!(super::each_once(vec![0, 1, 0]), [0, 1]);
    }
}
