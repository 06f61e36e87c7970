//! What is above and below a changed row, looked at when the whole write set has been applied.
//!
//! One writer and one transaction: nothing can change between the look and the commit.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use super::member::Outcome;
use super::statement::{Bind, run, statement};
use super::table::{column_name, identifier};
use super::writer::Batch;
use crate::model::{Key, Mutation, WriteSet};
use crate::schema::ResourceType;
use crate::store::family::{
    SWEPT_MAX, ancestor_key, brings_alive, has_children, has_others_children, parent_is_deleted, range_below,
    too_many_below,
};
use crate::store::judge::PURGE_AFTER_DAYS;

pub(super) struct Tree<'a, 'b> {
    pub connection: &'a mut SqliteConnection,
    pub batch: &'a mut Batch<'b>,
    pub write_set: &'a WriteSet,
}

impl Tree<'_, '_> {
    pub(super) fn check(mut self, mutation: &Mutation) -> Outcome<()> {
        if mutation.change.deletion().is_some() {
            self.refuse_others(mutation)?;
        }
        match mutation.change.deletion() {
            Some(deletion) if deletion.force => self.sweep(mutation),
            Some(_) => self.refuse_children(mutation),
            None if brings_alive(&mutation.change) => self.refuse_deleted_parents(mutation),
            None => Ok(()),
        }
    }

    fn refuse_children(&mut self, mutation: &Mutation) -> Outcome<()> {
        let resource = &mutation.resource;
        let families = self.batch.families;
        for kind in &families.of(&resource.kind).descendants {
            if let (Some(child), Some(parent)) = (
                self.keys_below(kind, &resource.key, 1)?.first(),
                self.batch.catalogue.resource(&resource.kind),
            ) {
                return Err(has_children((parent, &resource.key), (kind, child)).into());
            }
        }
        Ok(())
    }

    /// What others own goes with nobody's parent.
    fn refuse_others(&mut self, mutation: &Mutation) -> Outcome<()> {
        let resource = &mutation.resource;
        let sight = self.write_set.principal.sight();
        let (families, catalogue) = (self.batch.families, self.batch.catalogue);
        let (Some(own), Some(parent)) = (sight.owner(), catalogue.resource(&resource.kind)) else {
            return Ok(());
        };
        for kind in &families.of(&resource.kind).descendants {
            let Some(owner) = kind.owner_column() else { continue };
            let live = if kind.soft_delete { " AND delete_time IS NULL" } else { "" };
            let (table, owner) = (identifier(kind.name.as_str()), column_name(owner));
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM {table} \
                 WHERE key > ? AND key < ? AND {owner} IS NOT ?{live} LIMIT 1)"
            );
            let (first, last) = range_below(&resource.key);
            let binds = vec![Bind::text(first), Bind::text(last), Bind::text(own)];
            if statement::<BigInt>(&sql, binds).get_result::<i64>(self.connection)? > 0 {
                return Err(has_others_children(parent, &resource.key).into());
            }
        }
        Ok(())
    }

    fn refuse_deleted_parents(&mut self, mutation: &Mutation) -> Outcome<()> {
        let families = self.batch.families;
        for (above, depth) in &families.of(&mutation.resource.kind).soft_ancestors {
            let key = ancestor_key(&mutation.resource.key, *depth);
            let table = identifier(above.name.as_str());
            let sql = format!("SELECT count(*) FROM {table} WHERE key = ? AND delete_time IS NOT NULL");
            let found: i64 =
                statement::<BigInt>(&sql, vec![Bind::text(key.as_str())]).get_result(self.connection)?;
            if found > 0 {
                return Err(parent_is_deleted(above, &key).into());
            }
        }
        Ok(())
    }

    /// Deletes all that is below, soft or for good as each type says.
    fn sweep(&mut self, mutation: &Mutation) -> Outcome<()> {
        let families = self.batch.families;
        let mut left = SWEPT_MAX;
        for kind in &families.of(&mutation.resource.kind).descendants {
            let keys = self.keys_below(kind, &mutation.resource.key, left + 1)?;
            left = left.checked_sub(keys.len()).ok_or_else(too_many_below)?;
            for key in keys {
                self.delete(kind, &key)?;
            }
        }
        Ok(())
    }

    fn delete(&mut self, kind: &ResourceType, key: &str) -> Outcome<()> {
        let tables = self.batch.tables;
        let Some(table) = tables.get(&kind.name) else { return Ok(()) };
        self.batch.version += 1;
        if !kind.soft_delete {
            run(self.connection, &table.delete, vec![Bind::text(key)])?;
            return Ok(());
        }
        let now = &self.batch.now;
        let binds = vec![
            Bind::integer(self.batch.version),
            Bind::text(now.as_str()),
            Bind::text(now.as_str()),
            Bind::text(now.plus_days(PURGE_AFTER_DAYS).as_str()),
            Bind::text(self.write_set.request_id.as_str()),
            Bind::Text(self.write_set.traceparent.clone()),
            Bind::text(key),
        ];
        run(self.connection, &table.mark, binds)?;
        Ok(())
    }

    /// At most `limit` of those that are not deleted.
    fn keys_below(&mut self, kind: &ResourceType, key: &Key, limit: usize) -> Outcome<Vec<String>> {
        let live = if kind.soft_delete { " AND delete_time IS NULL" } else { "" };
        let table = identifier(kind.name.as_str());
        let sql = format!("SELECT key FROM {table} WHERE key > ? AND key < ?{live} ORDER BY key LIMIT ?");
        let (first, last) = range_below(key);
        let limit = Bind::integer(i64::try_from(limit).unwrap_or(i64::MAX));
        let binds = vec![Bind::text(first), Bind::text(last), limit];
        Ok(statement::<Text>(&sql, binds).load(self.connection)?)
    }
}
