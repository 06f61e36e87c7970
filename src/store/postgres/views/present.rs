//! What is there already: views of ours, their columns, who may read them, who is built upon them.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

use super::MARK;
use super::definition::Part;
use crate::model::{Error, Reason, Result};
use crate::schema::view::ViewName;
use crate::store::postgres::session::Session;
use crate::store::postgres::statement::{Bind, statement};
use crate::store::postgres::table::bounded;

/// At the place of one view.
pub(super) struct Present {
    pub schema: bool,
    pub relation: Option<Relation>,
}

pub(super) struct Relation {
    is_ours: bool,
    /// Name and type.
    columns: Vec<(String, String)>,
    /// Other views that read this one.
    users: i64,
    pub grants: Vec<Grant>,
}

pub(super) struct Grant {
    privilege: String,
    grantee: String,
    grantable: bool,
}

/// The views of ours with their comments.
pub(super) fn ours(session: &mut Session) -> Result<HashMap<ViewName, String>> {
    let sql = "SELECT n.nspname::text, c.relname::text, d.description FROM pg_description d \
               JOIN pg_class c ON c.oid = d.objoid AND c.relkind = 'v' \
               JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE d.classoid = 'pg_class'::regclass AND d.objsubid = 0 AND starts_with(d.description, $)";
    let rows: Vec<(String, String, String)> = session.run(|connection| {
        statement::<(Text, Text, Text)>(sql, vec![Bind::text(MARK)]).uncached().load(connection)
    })?;
    Ok(rows.into_iter().map(|(schema, name, comment)| (ViewName { schema, name }, comment)).collect())
}

/// How many columns each pbtable has.
pub(super) fn widths(session: &mut Session) -> Result<HashMap<String, usize>> {
    let sql = "SELECT c.relname::text, count(*) FROM pg_class c \
               JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
               WHERE c.relnamespace = 'trine'::regnamespace AND c.relkind = 'r' GROUP BY c.relname";
    let rows: Vec<(String, i64)> =
        session.run(|connection| statement::<(Text, BigInt)>(sql, vec![]).uncached().load(connection))?;
    Ok(rows.into_iter().map(|(table, count)| (table, usize::try_from(count).unwrap_or_default())).collect())
}

/// Logins that may look into the chassis' schema, quoted: `trine grants` makes them readers.
pub(super) fn readers(session: &mut Session) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT quote_ident(pg_get_userbyid(a.grantee)) \
               FROM pg_namespace n, aclexplode(n.nspacl) a \
               WHERE n.nspname = 'trine' AND a.privilege_type = 'USAGE' AND a.grantee NOT IN (0, n.nspowner)";
    session.run(|connection| statement::<Text>(sql, vec![]).uncached().load(connection))
}

pub(super) fn look(session: &mut Session, view: &ViewName) -> Result<Present> {
    let place = vec![Bind::text(bounded(&view.schema)), Bind::text(bounded(&view.name))];
    let schema = session.run(|connection| {
        statement::<Bool>("SELECT to_regnamespace(quote_ident($)) IS NOT NULL", place[..1].to_vec())
            .uncached()
            .get_result::<bool>(connection)
    })?;
    type Row = (Option<String>, Vec<String>, Vec<String>, i64);
    let row: Option<Row> = session.run(|connection| {
        statement::<(Nullable<Text>, Array<Text>, Array<Text>, BigInt)>(RELATION, place.clone())
            .uncached()
            .get_result(connection)
            .optional()
    })?;
    let Some((comment, names, types, users)) = row else { return Ok(Present { schema, relation: None }) };
    let grants: Vec<(String, String, bool)> = session.run(|connection| {
        statement::<(Text, Text, Bool)>(GRANTS, place.clone()).uncached().load(connection)
    })?;
    let grant = |(privilege, grantee, grantable)| Grant { privilege, grantee, grantable };
    let relation = Relation {
        is_ours: comment.is_some_and(|comment| comment.starts_with(MARK)),
        columns: names.into_iter().zip(types).collect(),
        users,
        grants: grants.into_iter().map(grant).collect(),
    };
    Ok(Present { schema, relation: Some(relation) })
}

const RELATION: &str = "\
    SELECT CASE WHEN c.relkind = 'v' THEN obj_description(c.oid, 'pg_class') END, \
           ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 \
                 ORDER BY attnum), \
           ARRAY(SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = c.oid \
                 AND attnum > 0 ORDER BY attnum), \
           (SELECT count(DISTINCT r.ev_class) FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid \
            WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = c.oid AND r.ev_class <> c.oid) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = $ AND c.relname = $";

const GRANTS: &str = "\
    SELECT a.privilege_type, \
           CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, \
           a.is_grantable \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a \
    WHERE n.nspname = $ AND c.relname = $ AND a.grantee <> c.relowner";

impl Relation {
    pub fn refuse_foreign(&self, view: &str) -> Result<()> {
        if self.is_ours {
            return Ok(());
        }
        let message = format!("`{view}` is there already and is not Trine's; rename it and start again");
        Err(Error::new(Reason::FailedPrecondition, message))
    }

    /// Dropping it would drop what others made.
    pub fn refuse_used(&self, view: &str) -> Result<()> {
        if self.users == 0 {
            return Ok(());
        }
        let message = format!(
            "`{view}` must be made anew, and {} other views read it; drop them, start again, and make them anew",
            self.users
        );
        Err(Error::new(Reason::FailedPrecondition, message))
    }

    /// Whether the new columns only come after those that are there.
    pub fn is_begun_by(&self, parts: &[Part]) -> bool {
        let same =
            |((name, kind), part): (&(String, String), &Part)| *name == part.name && kind == part.sql_type;
        self.columns.len() <= parts.len() && self.columns.iter().zip(parts).all(same)
    }
}

impl Grant {
    pub fn sql(&self, view: &str) -> String {
        let option = if self.grantable { " WITH GRANT OPTION" } else { "" };
        format!("GRANT {} ON {view} TO {}{option}", self.privilege, self.grantee)
    }
}
