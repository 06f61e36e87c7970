//! Looks at rows by their keys, with an owner beside each key where a type has owners: another's row is
//! then neither found nor locked.
//!
//! Many keys are one statement; each key has an owner of its own (null: any), so that members of one batch
//! can be different principals.

use super::position::POSITION_SQL;
use super::statement::Bind;
use super::table::{PLACED_COLUMNS, ROW_COLUMNS, column_name, table_name};
use crate::schema::{Column, ResourceType};

pub(super) struct Looks {
    pub lock: String,
    pub lock_skipping: String,
    /// Keys of rows that are there to be seen.
    pub existing: String,
    /// Keys that are taken, by anybody's row, and whether one's own deleted row takes it.
    pub taken: String,
    has_owners: bool,
}

impl Looks {
    pub(super) fn new(kind: &ResourceType) -> Self {
        let table = table_name(&kind.name);
        // The index alone tells where nothing is deleted softly.
        let is_deleted = if kind.soft_delete { "t.delete_time IS NOT NULL" } else { "FALSE" };
        let (from, is_own) = match kind.owner_column() {
            None => (format!("{table} t WHERE t.key = ANY($)"), String::new()),
            Some(owner) => (
                format!("unnest($, $) AS r(key, owner) JOIN {table} t ON t.key = r.key"),
                format!(" AND {}", is_owned(owner)),
            ),
        };
        let columns =
            ROW_COLUMNS.split(", ").map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", ");
        let lock = format!("SELECT {columns} FROM {from}{is_own} ORDER BY t.key FOR UPDATE OF t");
        Self {
            lock_skipping: format!("{lock} SKIP LOCKED"),
            lock,
            existing: format!("SELECT t.key FROM {from}{is_own}"),
            taken: format!("SELECT t.key, {is_deleted}{is_own} FROM {from}"),
            has_owners: kind.owner.is_some(),
        }
    }

    /// What each of these is executed with.
    pub(super) fn binds(&self, keys: Vec<(String, Option<String>)>) -> Vec<Bind> {
        let (keys, owners) = keys.into_iter().unzip();
        let mut binds = vec![Bind::Texts(keys)];
        if self.has_owners {
            binds.push(Bind::OptionalTexts(owners));
        }
        binds
    }
}

fn is_owned(owner: &Column) -> String {
    format!("(r.owner IS NULL OR t.{} = r.owner)", column_name(owner))
}

/// Point reads of a type with owners, and which of the questions a row answers.
pub(super) fn get_owned_sql(kind: &ResourceType, owner: &Column) -> String {
    format!(
        "SELECT {PLACED_COLUMNS}, t.ordinal FROM ({POSITION_SQL}) p LEFT JOIN (\
         SELECT t.*, r.ordinal FROM unnest($, $) WITH ORDINALITY AS r(key, owner, ordinal) \
         JOIN {} t ON t.key = r.key AND {}) t ON TRUE",
        table_name(&kind.name),
        is_owned(owner),
    )
}
