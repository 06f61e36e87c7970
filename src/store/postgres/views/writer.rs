//! Writing through a view: the trigger function of an `sql_writable` pbtable, and its triggers.
//!
//! The same rules as the API's as far as SQL can keep them: ids, REQUIRED, IMMUTABLE, OUTPUT_ONLY, ranges, enum
//! names, unique values, versions and times. Only what a statement changes is touched: OLD and NEW are compared
//! column by column, so fields of newer schemas survive and defaults do not appear. The row becomes one of
//! nobody's schema (0) and is parsed on every read. Never rules: they run their arguments twice.

use super::definition::{columns, qualified, quoted};
use super::writer_field::{field_block, promoted_value, rival_block};
use crate::schema::view::{Content, ViewName};
use crate::schema::{Catalogue, ResourceType};
use crate::store::postgres::commit::{exclusive_in_sql, shared_in_sql};
use crate::store::postgres::table::{bounded, column_name, identifier, promoted, table_name};

/// Columns of every pbtable beside the promoted ones.
const OWN_COLUMNS: usize = 11;
const ID: &str = "[A-Za-z0-9][A-Za-z0-9._~-]{0,127}";

/// Function and triggers. `columns` is how many the table has: with others a newer schema is on its way, whose
/// values this function could not fill.
pub(super) fn writer(
    kind: &ResourceType,
    view: &ViewName,
    catalogue: &Catalogue,
    columns: Option<usize>,
) -> Vec<String> {
    if !kind.sql_writable {
        return Vec::new();
    }
    let function = format!("trine.{}", identifier(&bounded(&format!("write {}", kind.name))));
    let view = qualified(view);
    vec![
        format!(
            "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger\n\
             LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$\n{}$body$",
            Body { kind, view: &view, catalogue, columns }.text()
        ),
        format!("REVOKE ALL ON FUNCTION {function}() FROM PUBLIC"),
        format!("DROP TRIGGER IF EXISTS trine_write ON {view}"),
        format!(
            "CREATE TRIGGER trine_write INSTEAD OF INSERT OR UPDATE OR DELETE ON {view} \
             FOR EACH ROW EXECUTE FUNCTION {function}()"
        ),
    ]
}

/// Takes away what an earlier schema allowed.
pub(super) fn no_writer(view: &ViewName) -> String {
    format!("DROP TRIGGER IF EXISTS trine_write ON {}", qualified(view))
}

struct Body<'a> {
    kind: &'a ResourceType,
    view: &'a str,
    catalogue: &'a Catalogue,
    columns: Option<usize>,
}

impl Body<'_> {
    fn text(&self) -> String {
        [self.declarations(), self.delete(), self.begin(), self.fields(), self.write()].concat()
    }

    fn declarations(&self) -> String {
        let table = table_name(&self.kind.name);
        let count = self.columns.unwrap_or(OWN_COLUMNS + promoted(self.kind).count());
        format!(
            "DECLARE
    document jsonb := '{{}}';
    trine_key text;
    parts text[];
    deleted text;
    stamp text := to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '000Z';
    writer text := 'sql:' || session_user;
BEGIN
    LOCK TABLE {table} IN ROW EXCLUSIVE MODE;
    IF (SELECT count(*) FROM pg_attribute WHERE attrelid = {relation}::regclass AND attnum > 0
        AND NOT attisdropped) <> {count} THEN
        RAISE EXCEPTION 'the schema of {kind} is changing; try again' USING ERRCODE = 'serialization_failure';
    END IF;
",
            relation = quoted(&table),
            kind = self.kind.name,
        )
    }

    /// The row that an UPDATE or DELETE saw, or nothing: somebody may have been quicker.
    fn find(&self) -> String {
        format!(
            "        SELECT t.doc, t.delete_time INTO document, deleted FROM {table} t
            WHERE t.key = OLD.{key} AND t.version = OLD.{version} FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION '% changed since it was read; try again', OLD.{key} USING ERRCODE = 'serialization_failure';
        ELSIF deleted IS NOT NULL THEN
            RAISE EXCEPTION '% is deleted; undelete it first', OLD.{key} USING ERRCODE = 'check_violation';
        END IF;
",
            table = table_name(&self.kind.name),
            key = self.column(|content| matches!(content, Content::Key)),
            version = self.column(|content| matches!(content, Content::Version)),
        )
    }

    fn column(&self, is_wanted: fn(&Content<'_>) -> bool) -> String {
        let columns = columns(self.kind);
        let found = columns.iter().find(|column| is_wanted(&column.content));
        identifier(&bounded(found.map_or("key", |column| column.name.as_str())))
    }

    fn delete(&self) -> String {
        let (table, key) =
            (table_name(&self.kind.name), self.column(|content| matches!(content, Content::Key)));
        let deletion = if self.kind.soft_delete {
            format!(
                "        UPDATE {table} t SET delete_time = stamp, update_time = stamp,
            purge_time = to_char(clock_timestamp() AT TIME ZONE 'UTC' + interval '30 days',
                'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '000Z',
            version = nextval('trine.version'), request_id = writer, traceparent = NULL
            WHERE t.key = OLD.{key};\n"
            )
        } else {
            format!("        DELETE FROM {table} t WHERE t.key = OLD.{key};\n")
        };
        let children: String =
            self.descendants().iter().map(|child| self.refuse_child(child, &key)).collect();
        format!(
            "    IF TG_OP = 'DELETE' THEN\n{}{}{children}{deletion}        RETURN OLD;\n    END IF;\n",
            self.stop_growth(),
            self.find()
        )
    }

    /// As the API's deletions do: nothing comes alive below a deleted row until this transaction ends.
    fn stop_growth(&self) -> String {
        if !self.kind.soft_delete || self.descendants().is_empty() {
            return String::new();
        }
        let key = self.column(|content| matches!(content, Content::Key));
        format!("        PERFORM {};\n", exclusive_in_sql(self.kind, &format!("OLD.{key}")))
    }

    fn descendants(&self) -> Vec<&ResourceType> {
        let own = self.kind.pattern.segments.as_slice();
        let below = |kind: &&ResourceType| {
            kind.package == self.kind.package
                && kind.pattern.depth() > own.len()
                && kind.pattern.segments.iter().zip(own).all(|(left, right)| left.0 == right.0)
        };
        self.catalogue.types.iter().map(AsRef::as_ref).filter(below).collect()
    }

    fn refuse_child(&self, child: &ResourceType, key: &str) -> String {
        format!(
            "        IF EXISTS (SELECT FROM {} c WHERE c.key > OLD.{key} || '/' AND c.key < OLD.{key} || '0' \
             AND c.delete_time IS NULL) THEN
            RAISE EXCEPTION '% has children ({child}); delete them first', OLD.{key} USING ERRCODE = 'foreign_key_violation';
        END IF;\n",
            table_name(&child.name),
            child = child.name,
        )
    }

    fn begin(&self) -> String {
        let name = self.column(|content| matches!(content, Content::Name));
        let ids: Vec<String> =
            self.kind.pattern.segments.iter().map(|(collection, _)| format!("{collection}/({ID})")).collect();
        let pattern = quoted(&format!("^{}$", ids.join("/")));
        let shape =
            self.kind.pattern.segments.iter().map(|(collection, id)| format!("{collection}/{{{id}}}"));
        let shape = shape.collect::<Vec<_>>().join("/");
        let uid = if self.kind.standard.uid {
            "        document := jsonb_build_object('uid', gen_random_uuid()::text);\n"
        } else {
            ""
        };
        format!(
            "    IF TG_OP = 'INSERT' THEN
        parts := regexp_match(NEW.{name}, {pattern});
        IF parts IS NULL THEN
            RAISE EXCEPTION 'name must be {shape}' USING ERRCODE = 'check_violation';
        END IF;
        trine_key := array_to_string(parts, '/');
{uid}{ancestors}    ELSE
{find}        trine_key := OLD.{key};
    END IF;
",
            ancestors = self.refuse_under_deleted(),
            find = self.find(),
            key = self.column(|content| matches!(content, Content::Key)),
        )
    }

    /// Nothing comes alive under a parent that is soft-deleted, nor under one that is about to be: its row is held
    /// until this transaction ends, and a deletion that holds it already is waited for.
    fn refuse_under_deleted(&self) -> String {
        let own = self.kind.pattern.segments.as_slice();
        let above = self.catalogue.types.iter().filter(|kind| {
            kind.package == self.kind.package
                && kind.soft_delete
                && kind.pattern.depth() < own.len()
                && kind.pattern.segments.iter().zip(own).all(|(left, right)| left.0 == right.0)
        });
        let refuse = |kind: &ResourceType| {
            format!(
                "        SELECT a.delete_time INTO deleted FROM {} a
            WHERE a.key = array_to_string(parts[1:{}], '/') FOR SHARE;
        IF deleted IS NOT NULL THEN
            RAISE EXCEPTION 'its parent is deleted; undelete that first' USING ERRCODE = 'foreign_key_violation';
        END IF;\n",
                table_name(&kind.name),
                kind.pattern.depth(),
            )
        };
        let refusals: String = above.map(|kind| refuse(kind)).collect();
        if refusals.is_empty() {
            return refusals;
        }
        // A parent that is not there yet has no row to hold.
        format!("        PERFORM {};\n{refusals}", shared_in_sql(self.kind, "trine_key"))
    }

    fn fields(&self) -> String {
        let columns = columns(self.kind);
        let blocks: String = columns.iter().map(|column| field_block(self.kind, column)).collect();
        rival_block(self.kind, &columns) + &blocks
    }

    fn write(&self) -> String {
        let table = table_name(&self.kind.name);
        let names: String =
            promoted(self.kind).map(|(_, column)| format!(", {}", column_name(column))).collect();
        let values: Vec<String> = promoted(self.kind).map(|(at, _)| promoted_value(self.kind, at)).collect();
        let listed: String = values.iter().map(|value| format!(",\n            {value}")).collect();
        let sets: String = promoted(self.kind)
            .zip(&values)
            .map(|((_, column), value)| format!(",\n            {} = {value}", column_name(column)))
            .collect();
        let parent = format!("array_to_string(parts[1:{}], '/')", self.kind.pattern.depth() - 1);
        let key = self.column(|content| matches!(content, Content::Key));
        format!(
            "    IF TG_OP = 'INSERT' THEN
        INSERT INTO {table} (key, parent, doc, version, schema_id, create_time, update_time, request_id{names})
        VALUES (trine_key, {parent}, document, nextval('trine.version'), 0, stamp, stamp, writer{listed});
    ELSE
        UPDATE {table} t SET doc = document, version = nextval('trine.version'), schema_id = 0,
            update_time = stamp, request_id = writer, traceparent = NULL{sets}
            WHERE t.key = trine_key;
    END IF;
    SELECT * INTO NEW FROM {view} v WHERE v.{key} = trine_key;
    RETURN NEW;
END
",
            view = self.view,
        )
    }
}
