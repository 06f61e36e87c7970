//! Refuses, before anything is written, what a unique index or the primary key would refuse.
//!
//! The indexes alone do not keep the rule here: the conflict clause of the statement outside replaces that of
//! the statements in a trigger, so that `INSERT OR REPLACE` into a view would delete the row that holds the
//! value, past its children, soft deletion and IMMUTABLE fields.

use super::definition::quoted;
use crate::schema::{Index, ResourceType};
use crate::store::sqlite::table::{column_name, identifier, set_condition};

/// Two steps: RAISE takes a literal alone before SQLite 3.47, and one trigger that cannot be parsed makes the whole
/// file unreadable to an older program.
pub(super) fn refuse_taken_key(kind: &ResourceType, key: &str) -> [String; 2] {
    let table = identifier(kind.name.as_str());
    let deleted = "a resource of this name exists and is deleted; undelete it where that is served";
    [("IS NULL", "a resource of this name exists; update it"), ("IS NOT NULL", deleted)].map(
        |(state, message)| {
            let message = quoted(message);
            format!("SELECT RAISE(ABORT, {message}) FROM {table} WHERE key = {key} AND delete_time {state}")
        },
    )
}

/// A step for each unique index. `value` tells what a promoted column will hold, of this prefix for what it
/// holds now; `old_key` is of the row that is changed, none for a new one.
pub(super) fn refuse_taken_values(
    kind: &ResourceType,
    old_key: Option<&str>,
    value: impl Fn(usize, &str) -> String,
) -> Vec<String> {
    let unique = kind.indexes.iter().filter(|index| index.unique);
    unique.map(|index| refuse(kind, index, old_key, &value)).collect()
}

fn refuse(
    kind: &ResourceType,
    index: &Index,
    old_key: Option<&str>,
    value: &impl Fn(usize, &str) -> String,
) -> String {
    let table = identifier(kind.name.as_str());
    let fields = kind.fields_of(index);
    let equal = index
        .columns
        .iter()
        .map(|at| format!("{} = {}", column_name(&kind.columns[*at]), value(*at, "own.")));
    // The index's own condition first, or SQLite would not use it.
    let taken = [set_condition(kind, index)].into_iter().chain(equal).collect::<Vec<_>>().join(" AND ");
    let message = quoted(&format!("another row has the same {}; it must be unique", fields.join(", ")));
    match old_key {
        None => format!("SELECT RAISE(ABORT, {message}) FROM {table} WHERE {taken}"),
        Some(key) => format!(
            "SELECT RAISE(ABORT, {message}) FROM {table} AS own WHERE own.key = {key} AND EXISTS \
             (SELECT 1 FROM {table} WHERE {taken} AND key <> own.key)"
        ),
    }
}
