//! Who may do what: the SQL that makes a login fit for a role, and the check that a reader's is.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::failure::unavailable;
use super::session::Session;
use super::statement::statement;
use super::table::identifier;
use super::views::MARK;
use crate::model::{Error, Reason, Result};

/// What a login is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// A monolith: makes and changes tables.
    Owner,
    /// A nanoservice or microservice: reads tables and views.
    Reader,
    /// A person or a report: reads views.
    Analyst,
    /// A program that writes through the views of `sql_writable` pbtables.
    SqlWriter,
}

/// SQL for `trine grants --role ROLE --user NAME`, to be run on the primary (and on a microservice's
/// events database with role `events`), by a superuser or by the owner of the schema where that is
/// enough. Nobody gets rights on more than the role needs.
pub fn grants_sql(rights: Rights, user: &str) -> String {
    let user = identifier(user);
    let rights = match rights {
        Rights::Owner => owner_rights(&user),
        Rights::Reader => reader_rights(&user) + &view_rights(&user, "SELECT"),
        Rights::Analyst => schema_rights(&user) + &view_rights(&user, "SELECT"),
        Rights::SqlWriter => schema_rights(&user) + &view_rights(&user, "SELECT, INSERT, UPDATE, DELETE"),
    };
    format!(
        "{rights}\
         -- Messages in English: some failures are told by their text. Needs a superuser.\n\
         ALTER ROLE {user} SET lc_messages TO 'C';\n"
    )
}

fn owner_rights(user: &str) -> String {
    format!(
        "-- The monolith owns its schema: it makes and changes tables.\n\
         CREATE SCHEMA IF NOT EXISTS trine AUTHORIZATION {user};\n\
         -- And a schema for the views of each package.\n\
         DO {create};\n",
        create = literal(&format!(
            "BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO %s', current_database(), {}); END",
            literal(user)
        ))
    )
}

/// Looking into the schema shows no table; it is the sign by which later views find their readers.
fn schema_rights(user: &str) -> String {
    format!("GRANT USAGE ON SCHEMA trine TO {user};\n")
}

/// On the views that are there. Those that come later can be read; writing is granted anew.
fn view_rights(user: &str, privileges: &str) -> String {
    let body = format!(
        "DECLARE view record;\n\
         BEGIN\n    \
             FOR view IN SELECT n.nspname, c.relname, c.relhastriggers FROM pg_description d \
                 JOIN pg_class c ON c.oid = d.objoid AND c.relkind = 'v' \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE d.classoid = 'pg_class'::regclass AND d.objsubid = 0 \
                   AND starts_with(d.description, '{MARK}') LOOP\n        \
                 EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', view.nspname, {user});\n        \
                 EXECUTE format('GRANT %s ON %I.%I TO %s', \
                     CASE WHEN view.relhastriggers THEN '{privileges}' ELSE 'SELECT' END, \
                     view.nspname, view.relname, {user});\n    \
             END LOOP;\n\
         END",
        user = literal(user)
    );
    format!("-- The relational views.\nDO {};\n", literal(&body))
}

/// Default privileges belong to the role that makes a table, and that is the owner of the schema,
/// whoever runs this.
fn reader_rights(user: &str) -> String {
    let later = format!(
        "BEGIN EXECUTE (\n    \
             SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA trine GRANT SELECT ON TABLES TO %s', \
             pg_get_userbyid(nspowner), {})\n    \
             FROM pg_namespace WHERE nspname = 'trine'\n\
         ); END",
        literal(user)
    );
    format!(
        "GRANT USAGE ON SCHEMA trine TO {user};\n\
         GRANT SELECT ON ALL TABLES IN SCHEMA trine TO {user};\n\
         -- Tables that are made later, too.\n\
         DO {later};\n\
         -- The replica's own timeline and receiver are visible only so. Needs a superuser.\n\
         GRANT pg_read_all_stats TO {user};\n",
        later = literal(&later)
    )
}

/// Dollar quotes would end at a login that holds them; a backslash means itself only in this form,
/// whatever `standard_conforming_strings` is.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A role that only reads must not be able to write, even if its session forgot to be read only.
pub(super) fn refuse_writing_login(session: &mut Session) -> Result<()> {
    let prepared: Vec<String> = session.run(|connection| {
        statement::<Text>("SELECT nspname::text FROM pg_namespace WHERE nspname = 'trine'", vec![])
            .uncached()
            .load(connection)
    })?;
    if prepared.is_empty() {
        return Err(unavailable("there is no schema `trine` yet: start the monolith first"));
    }
    let rights: Vec<String> =
        session.run(|connection| statement::<Text>(RIGHTS, vec![]).uncached().load(connection))?;
    if rights.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Reason::FailedPrecondition,
        format!(
            "the login of this database can write ({}); give this role one that can only read: \
             `trine grants --role nanoservice --user NAME` prints the SQL",
            rights.join(", ")
        ),
    ))
}

/// Rights of the login and of every role that it could take on.
const RIGHTS: &str = "\
    WITH own AS (SELECT oid, rolname, rolsuper, rolcreaterole FROM pg_roles \
                 WHERE pg_has_role(session_user, oid, 'MEMBER')), \
         rights AS ( \
      SELECT 1 AS rank, 'superuser' AS what FROM own WHERE rolsuper \
      UNION SELECT 2, 'may create roles' FROM own WHERE rolcreaterole \
      UNION SELECT 3, 'CREATE on schema trine' FROM own \
            WHERE has_schema_privilege(own.oid, 'trine', 'CREATE') \
      UNION SELECT 4, 'writes ' || c.oid::regclass::text FROM own, pg_class c \
            WHERE (c.relnamespace = 'trine'::regnamespace AND c.relkind IN ('r', 'p', 'v') \
                   OR c.relkind = 'v' AND starts_with(obj_description(c.oid, 'pg_class'), 'kept by Trine: ')) \
              AND has_table_privilege(own.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) \
    SELECT what FROM rights ORDER BY rank, what LIMIT 3";
