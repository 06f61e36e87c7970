//! Keeps the relational views as the storage catalogue has them: for people and tools that open the file.
//!
//! What is not ours by its first comment is never touched. A view that is there as it should be costs
//! nothing.

mod definition;
mod uniqueness;
mod writer;
mod writer_field;

use std::collections::{HashMap, HashSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;

use self::definition::{create_view, name};
use self::writer::triggers;
use super::statement::statement;
use super::table::identifier;
use crate::model::TypeName;
use crate::schema::view::{ViewName, view_names};
use crate::schema::{Catalogue, ResourceType};

/// Begins the comment in every view that is ours; then comes the pbtable.
const MARK: &str = "kept by Trine: ";

/// Brings the views up to the storage catalogue. Within the transaction of its admission, or one of its own.
pub(super) fn ensure(connection: &mut SqliteConnection, catalogue: &Catalogue) -> diesel::QueryResult<()> {
    let names = view_names(catalogue);
    let present = present(connection)?;
    let mut wanted: HashSet<String> = HashSet::new();
    for kind in &catalogue.types {
        let view = &names[&kind.name];
        wanted.insert(view.joined());
        match present.get(&view.joined()) {
            Some(definition)
                if *definition == create_view(kind, view)
                    && has(&present, view, &triggers(kind, view, catalogue)) => {}
            Some(definition) if !is_ours(definition) => {
                let view = view.joined();
                tracing::warn!(pbtable = %kind.name, view, "the view was not made: something of this name is there");
            }
            _ => make(connection, kind, view, catalogue)?,
        }
    }
    for (view, _) in present.iter().filter(|(view, text)| is_ours(text) && !wanted.contains(*view)) {
        connection.batch_execute(&format!("DROP VIEW {}", identifier(view)))?;
    }
    Ok(())
}

/// Before a column goes that it may show; made again by [`ensure`].
pub(super) fn remove(connection: &mut SqliteConnection, kind: &ResourceType) -> diesel::QueryResult<()> {
    let mark = format!("{MARK}{}", kind.name);
    for (view, _) in present(connection)?.iter().filter(|(_, text)| is_ours(text) && text.contains(&mark)) {
        connection.batch_execute(&format!("DROP VIEW {}", identifier(view)))?;
    }
    Ok(())
}

/// The DDL of every view, for people to read.
pub(super) fn show(catalogue: &Catalogue) -> HashMap<TypeName, Vec<String>> {
    let names = view_names(catalogue);
    let script = |kind: &ResourceType| {
        let view = &names[&kind.name];
        let triggers = triggers(kind, view, catalogue).into_iter().map(|(_, definition)| definition);
        std::iter::once(create_view(kind, view)).chain(triggers).collect()
    };
    catalogue.types.iter().map(|kind| (kind.name.clone(), script(kind))).collect()
}

fn make(
    connection: &mut SqliteConnection,
    kind: &ResourceType,
    view: &ViewName,
    catalogue: &Catalogue,
) -> diesel::QueryResult<()> {
    // Its triggers go with it.
    connection.batch_execute(&format!("DROP VIEW IF EXISTS {}; {}", name(view), create_view(kind, view)))?;
    triggers(kind, view, catalogue)
        .iter()
        .try_for_each(|(_, definition)| connection.batch_execute(definition))
}

/// Whether these triggers are there, and no more: one that an earlier schema allowed would go on writing by its rules.
fn has(present: &HashMap<String, String>, view: &ViewName, triggers: &[(String, String)]) -> bool {
    let begin = format!("{}:", view.joined());
    let is_trigger = |name: &str, text: &str| name.starts_with(&begin) && text.starts_with("CREATE TRIGGER");
    present.iter().filter(|(name, text)| is_trigger(name, text)).count() == triggers.len()
        && triggers.iter().all(|(name, definition)| present.get(name) == Some(definition))
}

/// Everything that has a name which a view could have, with its definition.
fn present(connection: &mut SqliteConnection) -> diesel::QueryResult<HashMap<String, String>> {
    let sql =
        "SELECT name, sql FROM sqlite_schema WHERE type IN ('view', 'table', 'trigger') AND sql IS NOT NULL";
    let rows: Vec<(String, String)> = statement::<(Text, Text)>(sql, vec![]).uncached().load(connection)?;
    Ok(rows.into_iter().collect())
}

fn is_ours(definition: &str) -> bool {
    definition.starts_with("CREATE VIEW") && definition.contains(MARK)
}
