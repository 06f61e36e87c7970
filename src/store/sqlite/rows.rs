//! Every row of a pbtable, in batches: for questions before a schema changes, and for what a prune forgets.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::SqliteConnection;

use super::document::StoredDocument;
use super::schema::{broken, has_table};
use super::statement::{Bind, statement};
use super::table::identifier;
use crate::model::{Result, TypeName};
use crate::store::admission::{StoredRow, StoredRows};

const ROWS: i64 = 1000;

pub(super) struct SqliteRows<'a>(pub &'a mut SqliteConnection);

impl StoredRows for SqliteRows<'_> {
    fn for_each(
        &mut self,
        kind: &TypeName,
        text: &str,
        each: &mut dyn FnMut(&StoredRow) -> Result<()>,
    ) -> Result<()> {
        if !has_table(self.0, kind.as_str())? {
            return Ok(());
        }
        let sql = format!(
            "SELECT key, doc, create_time, update_time, delete_time IS NULL FROM {} \
             WHERE key > ? AND instr(doc, ?) > 0 ORDER BY key LIMIT {ROWS}",
            identifier(kind.as_str())
        );
        let mut last = String::new();
        loop {
            let binds = vec![Bind::text(last.as_str()), Bind::text(text)];
            let rows: Vec<(String, StoredDocument, String, String, i64)> =
                statement::<(Text, Text, Text, Text, BigInt)>(&sql, binds).load(self.0).map_err(broken)?;
            let Some((key, ..)) = rows.last() else { return Ok(()) };
            last.clone_from(key);
            for (key, document, create_time, update_time, live) in rows {
                let document = document.text;
                each(&StoredRow { key, document, create_time, update_time, live: live != 0 })?;
            }
        }
    }
}
