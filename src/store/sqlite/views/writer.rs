//! Writing through a view: the triggers of an `sql_writable` pbtable.
//!
//! The same rules as the API's as far as SQL can keep them. Only what a statement changes is touched: OLD and NEW
//! are compared column by column, so fields of newer schemas survive and defaults do not appear. The row
//! becomes one of nobody's schema (0) and is parsed on every read. The counter is moved in the same transaction,
//! so versions and positions hold whoever writes.

use super::definition::{columns, name, quoted};
use super::uniqueness::{refuse_taken_key, refuse_taken_values};
use super::writer_field::Field;
use crate::schema::view::{Content, ViewColumn, ViewName, Writing, writing};
use crate::schema::{Catalogue, ResourceType};
use crate::store::sqlite::table::{column_name, identifier, promoted};

const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000000Z'";
const IN_THIRTY_DAYS: &str = "strftime('%Y-%m-%dT%H:%M:%f', 'now', '+30 days') || '000000Z'";
const COUNT: &str = "UPDATE trine_counter SET value = value + 1 WHERE id = 1";
const VERSION: &str = "(SELECT value FROM trine_counter WHERE id = 1)";
const UID: &str = "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) \
                   || '-' || substr('89ab', 1 + (abs(random()) % 4), 1) || substr(hex(randomblob(2)), 2) || '-' \
                   || hex(randomblob(6)))";

/// Name and definition of each trigger.
pub(super) fn triggers(kind: &ResourceType, view: &ViewName, catalogue: &Catalogue) -> Vec<(String, String)> {
    if !kind.sql_writable {
        return Vec::new();
    }
    let writer = Writer { kind, catalogue, columns: columns(kind) };
    [("INSERT", writer.insert()), ("UPDATE", writer.update()), ("DELETE", writer.delete())]
        .into_iter()
        .map(|(event, steps)| {
            let trigger = format!("{}:{}", view.joined(), event.to_lowercase());
            let steps: String = steps.iter().map(|step| format!("    {step};\n")).collect();
            let text = format!(
                "CREATE TRIGGER {} INSTEAD OF {event} ON {} BEGIN\n{steps}END",
                identifier(&trigger),
                name(view)
            );
            (trigger, text)
        })
        .collect()
}

struct Writer<'a> {
    kind: &'a ResourceType,
    catalogue: &'a Catalogue,
    columns: Vec<ViewColumn<'a>>,
}

/// A step that ends the statement where the condition holds.
pub(super) fn abort(message: &str, condition: &str) -> String {
    format!("SELECT RAISE(ABORT, {}) WHERE {condition}", quoted(message))
}

impl Writer<'_> {
    fn fields(&self) -> Vec<Field<'_>> {
        let fields = self.columns.iter().filter_map(|column| match &column.content {
            Content::Field(field) if matches!(writing(self.kind, column), Writing::Free) => {
                Some(Field { kind: self.kind, name: identifier(&column.name), label: &column.name, field })
            }
            _ => None,
        });
        fields.collect()
    }

    fn insert(&self) -> Vec<String> {
        let (valid, ids) = self.ids();
        let mut steps =
            vec![abort(&format!("name must be {}", self.shape()), &format!("NOT coalesce({valid}, 0)"))];
        steps.extend(self.refusals(true));
        for field in self.fields() {
            steps.extend(field.checks(true));
        }
        steps.extend(self.rivals(true));
        steps.extend(self.ancestors(&ids));
        steps.extend(refuse_taken_key(self.kind, &joined(&ids)));
        steps.extend(refuse_taken_values(self.kind, None, |at, _| self.new_promoted(at)));
        let mut members: Vec<String> = self.fields().iter().map(Field::member_of_insert).collect();
        if self.kind.standard.uid {
            members.push(format!("',\"uid\":\"' || {UID} || '\"'"));
        }
        let names: String =
            promoted(self.kind).map(|(_, column)| format!(", {}", column_name(column))).collect();
        let values: String =
            promoted(self.kind).map(|(at, _)| format!(", {}", self.new_promoted(at))).collect();
        let parent = ids.split_last().map_or("''".to_owned(), |(_, parents)| joined(parents));
        steps.push(COUNT.to_owned());
        steps.push(format!(
            "INSERT INTO {table} (key, parent, doc, version, schema_id, create_time, update_time, request_id{names}) \
             VALUES ({key}, {parent}, {patch}, {VERSION}, 0, {NOW}, {NOW}, 'sql'{values})",
            table = identifier(self.kind.name.as_str()),
            key = joined(&ids),
            patch = patch(&members),
        ));
        steps
    }

    fn update(&self) -> Vec<String> {
        let mut steps = vec![self.refuse_deleted()];
        steps.extend(self.refusals(false));
        for field in self.fields() {
            steps.extend(field.checks(false));
        }
        steps.extend(self.rivals(false));
        let old_key = format!("OLD.{}", self.key());
        steps
            .extend(refuse_taken_values(self.kind, Some(&old_key), |at, own| self.changed_promoted(at, own)));
        let members: Vec<String> = self.fields().iter().map(Field::member_of_update).collect();
        let sets: String = promoted(self.kind)
            .map(|(at, column)| format!(", {} = {}", column_name(column), self.changed_promoted(at, "")))
            .collect();
        steps.push(COUNT.to_owned());
        steps.push(format!(
            "UPDATE {} SET doc = json_patch(doc, {}), version = {VERSION}, schema_id = 0, update_time = {NOW}, \
             request_id = 'sql', traceparent = NULL{sets} WHERE key = {old_key}",
            identifier(self.kind.name.as_str()),
            patch(&members),
        ));
        steps
    }

    fn delete(&self) -> Vec<String> {
        let (key, table) = (self.key(), identifier(self.kind.name.as_str()));
        let mut steps = vec![self.refuse_deleted()];
        for child in self.relatives(|kind, own| kind.pattern.depth() > own) {
            steps.push(format!(
                "SELECT RAISE(ABORT, {}) FROM {} WHERE key > OLD.{key} || '/' AND key < OLD.{key} || '0' \
                 AND delete_time IS NULL LIMIT 1",
                quoted(&format!("it has children ({}); delete them first", child.name)),
                identifier(child.name.as_str()),
            ));
        }
        steps.push(COUNT.to_owned());
        steps.push(if self.kind.soft_delete {
            format!(
                "UPDATE {table} SET delete_time = {NOW}, purge_time = {IN_THIRTY_DAYS}, update_time = {NOW}, \
                 version = {VERSION}, request_id = 'sql', traceparent = NULL WHERE key = OLD.{key}"
            )
        } else {
            format!("DELETE FROM {table} WHERE key = OLD.{key}")
        });
        steps
    }

    fn key(&self) -> String {
        let key = self.columns.iter().find(|column| matches!(column.content, Content::Key));
        identifier(key.map_or("key", |column| column.name.as_str()))
    }

    fn refuse_deleted(&self) -> String {
        format!(
            "SELECT RAISE(ABORT, 'it is deleted; undelete it first') FROM {} WHERE key = OLD.{} AND \
             delete_time IS NOT NULL",
            identifier(self.kind.name.as_str()),
            self.key()
        )
    }

    /// Columns that nobody writes, or not like this.
    fn refusals(&self, inserts: bool) -> Vec<String> {
        let refusal = |column: &ViewColumn<'_>| {
            let column_name = identifier(&column.name);
            let changed = if inserts {
                format!("NEW.{column_name} IS NOT NULL")
            } else {
                format!("NEW.{column_name} IS NOT OLD.{column_name}")
            };
            match writing(self.kind, column) {
                Writing::Name if !inserts => Some(abort("a resource keeps its name", &changed)),
                Writing::Needed(reason) if inserts => Some(abort(&format!("{} {reason}", column.name), "1")),
                Writing::Refused(reason) | Writing::Needed(reason) => {
                    Some(abort(&format!("{} {reason}", column.name), &changed))
                }
                Writing::Name | Writing::Free => None,
            }
        };
        self.columns.iter().filter_map(refusal).collect()
    }

    /// Two members of one oneof in one statement: which of them is meant?
    fn rivals(&self, inserts: bool) -> Vec<String> {
        let fields = self.fields();
        let mut steps = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            for other in fields[at + 1..].iter().filter(|other| field.is_rival_of(other)) {
                let both = format!("{} AND {}", field.is_set(inserts), other.is_set(inserts));
                steps.push(abort("set one member of a oneof, not several", &both));
            }
        }
        steps
    }

    fn relatives(&self, wanted: fn(&ResourceType, usize) -> bool) -> Vec<&ResourceType> {
        let own = self.kind.pattern.segments.as_slice();
        let types = self.catalogue.types.iter().map(AsRef::as_ref);
        let related = types.filter(|kind: &&ResourceType| {
            kind.package == self.kind.package
                && wanted(kind, own.len())
                && kind.pattern.segments.iter().zip(own).all(|(left, right)| left.0 == right.0)
        });
        related.collect()
    }

    /// Nothing comes alive under a parent that is soft-deleted.
    fn ancestors(&self, ids: &[String]) -> Vec<String> {
        let above = self.relatives(|kind, own| kind.soft_delete && kind.pattern.depth() < own);
        let refuse = |kind: &&ResourceType| {
            format!(
                "SELECT RAISE(ABORT, 'its parent is deleted; undelete that first') FROM {} WHERE key = {} AND \
                 delete_time IS NOT NULL",
                identifier(kind.name.as_str()),
                joined(&ids[..kind.pattern.depth()]),
            )
        };
        above.iter().map(refuse).collect()
    }

    fn shape(&self) -> String {
        let segments = self.kind.pattern.segments.iter();
        segments.map(|(collection, id)| format!("{collection}/{{{id}}}")).collect::<Vec<_>>().join("/")
    }

    /// Whether the name is one, and the ids in it.
    fn ids(&self) -> (String, Vec<String>) {
        let column = self.columns.iter().find(|column| matches!(column.content, Content::Name));
        let name = format!("NEW.{}", identifier(column.map_or("name", |column| column.name.as_str())));
        let (mut rest, mut ids) = (name.clone(), Vec::new());
        let mut valid = vec![format!("typeof({name}) = 'text' AND instr(CAST({name} AS BLOB), x'00') = 0")];
        for (at, (collection, _)) in self.kind.pattern.segments.iter().enumerate() {
            let begin = format!("{collection}/");
            valid.push(format!("substr({rest}, 1, {}) = {}", begin.len(), quoted(&begin)));
            let tail = format!("substr({rest}, {})", begin.len() + 1);
            let id = if at + 1 == self.kind.pattern.depth() {
                tail
            } else {
                rest = format!("substr({tail}, instr({tail}, '/') + 1)");
                format!("substr({tail}, 1, instr({tail}, '/') - 1)")
            };
            valid.push(format!(
                "length({id}) BETWEEN 1 AND 128 AND {id} GLOB '[A-Za-z0-9]*' AND {id} NOT GLOB '*[^A-Za-z0-9._~-]*'"
            ));
            ids.push(id);
        }
        (valid.join(" AND "), ids)
    }

    /// The value of a promoted column in a new row.
    fn new_promoted(&self, at: usize) -> String {
        let default = self.default_of(at);
        let fields = self.fields();
        let field = fields.iter().find(|field| field.field.column == Some(at));
        // Without one it is not to be written by SQL.
        field.map_or_else(|| default.clone(), |field| field.promoted(&default))
    }

    /// As it will be in the row that is changed, whose columns have this prefix. It is NULL where another
    /// member of its oneof is set, also if SQL may not write the field itself.
    fn changed_promoted(&self, at: usize, own: &str) -> String {
        let column = column_name(&self.kind.columns[at]);
        let fields = self.fields();
        let set = fields
            .iter()
            .find(|field| field.field.column == Some(at))
            .map(|field| format!("WHEN {} THEN {} ", field.changed(), field.promoted(&self.default_of(at))));
        let rivals = fields.iter().filter(|field| field.clears(&self.kind.columns[at]));
        let cleared = rivals.map(|rival| format!("WHEN {} THEN NULL ", rival.is_set(false)));
        let cases: String = set.into_iter().chain(cleared).collect();
        if cases.is_empty() {
            format!("{own}{column}")
        } else {
            format!("CASE {cases}ELSE {own}{column} END")
        }
    }

    fn default_of(&self, at: usize) -> String {
        let column = &self.kind.columns[at];
        if column.implicit_default {
            crate::store::sqlite::table::literal(&self.kind.default_of(column))
        } else {
            "NULL".to_owned()
        }
    }
}

fn joined(ids: &[String]) -> String {
    if ids.is_empty() { "''".to_owned() } else { ids.join(" || '/' || ") }
}

/// `,"a":1` and the like, joined to an object.
fn patch(members: &[String]) -> String {
    if members.is_empty() {
        return "'{}'".to_owned();
    }
    // In groups: SQLite bounds how deep an expression is, and a chain is as deep as it is long.
    let groups: Vec<String> = members.chunks(30).map(|group| format!("({})", group.join(" || "))).collect();
    format!("json('{{' || substr({}, 2) || '}}')", groups.join(" || "))
}
