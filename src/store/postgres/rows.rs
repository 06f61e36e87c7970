//! Every row of a pbtable, in batches: for questions before a schema changes, and for what a prune forgets.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};

use super::session::Session;
use super::statement::{Bind, statement};
use super::table::table_name;
use crate::model::{Result, TypeName};
use crate::store::admission::{StoredRow, StoredRows};

const ROWS: i64 = 1000;

pub(super) struct PostgresRows<'a>(pub &'a mut Session);

impl StoredRows for PostgresRows<'_> {
    fn for_each(
        &mut self,
        kind: &TypeName,
        text: &str,
        each: &mut dyn FnMut(&StoredRow) -> Result<()>,
    ) -> Result<()> {
        let table = table_name(kind);
        if !self.0.has_table(&table)? {
            return Ok(());
        }
        let sql = format!(
            "SELECT key, doc::text, create_time, update_time, delete_time IS NULL FROM {table} \
             WHERE key > $ AND strpos(doc::text, $) > 0 ORDER BY key LIMIT {ROWS}"
        );
        let mut last = String::new();
        loop {
            let binds = vec![Bind::text(last.as_str()), Bind::text(text)];
            let rows: Vec<(String, String, String, String, bool)> = self.0.run(|connection| {
                statement::<(Text, Text, Text, Text, Bool)>(&sql, binds).load(connection)
            })?;
            let Some((key, ..)) = rows.last() else { return Ok(()) };
            last.clone_from(key);
            for (key, document, create_time, update_time, live) in rows {
                each(&StoredRow { key, document, create_time, update_time, live })?;
            }
        }
    }
}
