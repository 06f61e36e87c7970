//! Keeps the relational views as the storage catalogue has them: for analysts, beside the tables.
//!
//! Views are a service, not a condition of serving: one that cannot be made is told in the log, and the
//! start goes on. What is not ours by its comment is never touched, and neither is a view that others
//! are built upon. A view that is there as it should be costs nothing.

mod definition;
mod present;
mod writer;
mod writer_field;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use self::definition::{create_view, parts, qualified, quoted, schema};
use self::present::Present;
use self::writer::{no_writer, writer};
use super::session::Session;
use super::table::bounded;
use crate::model::{Error, Reason, Result, TypeName};
use crate::schema::view::{ViewName, view_names};
use crate::schema::{Catalogue, ResourceType};

/// Begins the comment of every view that is ours; then come the pbtable and a digest.
pub(super) const MARK: &str = "kept by Trine: ";
/// An analyst's query may hold a view for hours: then the old one stays until the next start.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Brings the views up to the storage catalogue.
pub(super) fn ensure(session: &mut Session, catalogue: &Catalogue) -> Result<()> {
    let names = view_names(catalogue);
    let present = present::ours(session)?;
    let widths = present::widths(session)?;
    for kind in &catalogue.types {
        let view = &names[&kind.name];
        let width = widths.get(&bounded(kind.name.as_str())).copied();
        let wanted = Wanted::new(kind, view, catalogue, width);
        if present.get(view) != Some(&wanted.comment) {
            report(&kind.name, view, wanted.make(session));
        }
    }
    for (view, comment) in present.iter().filter(|(view, _)| !names.values().any(|name| name == *view)) {
        let kind = TypeName::new(comment.trim_start_matches(MARK).split(' ').next().unwrap_or_default());
        report(&kind, view, remove(session, view));
    }
    Ok(())
}

pub(super) fn drop_view(view: &ViewName) -> String {
    format!("DROP VIEW IF EXISTS {}", qualified(view))
}

/// The DDL of every view, for people to read.
pub(super) fn show(catalogue: &Catalogue) -> HashMap<TypeName, Vec<String>> {
    let names = view_names(catalogue);
    let script = |kind: &ResourceType| {
        let view = &names[&kind.name];
        let wanted = Wanted::new(kind, view, catalogue, None);
        let mut script = vec![format!("CREATE SCHEMA IF NOT EXISTS {}", schema(view))];
        script.extend(wanted.statements.clone());
        script.push(wanted.comment_sql());
        (kind.name.clone(), script)
    };
    catalogue.types.iter().map(|kind| script(kind)).collect()
}

fn report(kind: &TypeName, view: &ViewName, outcome: Result<()>) {
    if let Err(error) = outcome {
        let view = view.joined();
        let context = error.context;
        let what = "the view was not made; its table is served all the same";
        tracing::warn!(pbtable = %kind, view, error = error.message, context, "{what}");
    }
}

/// One view as it should be.
struct Wanted<'a> {
    kind: &'a ResourceType,
    view: &'a ViewName,
    /// `CREATE VIEW`, and what belongs to it.
    statements: Vec<String>,
    comment: String,
}

impl<'a> Wanted<'a> {
    fn new(kind: &'a ResourceType, view: &'a ViewName, catalogue: &Catalogue, width: Option<usize>) -> Self {
        let mut statements = vec![create_view(kind, view)];
        match writer(kind, view, catalogue, width) {
            writer if writer.is_empty() => statements.push(no_writer(view)),
            writer => statements.extend(writer),
        }
        let digest = Sha256::digest(statements.join(";").as_bytes());
        let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { kind, view, statements, comment: format!("{MARK}{} {digest}", kind.name) }
    }

    fn comment_sql(&self) -> String {
        format!("COMMENT ON VIEW {} IS {}", qualified(self.view), quoted(&self.comment))
    }

    fn make(&self, session: &mut Session) -> Result<()> {
        let present = present::look(session, self.view)?;
        if !present.schema {
            session.batch(&format!("CREATE SCHEMA {}", schema(self.view))).map_err(no_right_to_create)?;
        }
        let mut script = Vec::new();
        if let Some(relation) = &present.relation {
            relation.refuse_foreign(&self.view.joined())?;
            if !relation.is_begun_by(&parts(self.kind)) {
                relation.refuse_used(&self.view.joined())?;
                script.push(format!("DROP VIEW {}", qualified(self.view)));
            }
        }
        script.extend(self.statements.clone());
        script.push(self.comment_sql());
        script.extend(self.grants(session, &present)?);
        patiently(session, &format!("BEGIN; {}; COMMIT", script.join("; ")))
    }

    /// What was granted on the view before, and reading for everyone who may look into our schema.
    fn grants(&self, session: &mut Session, present: &Present) -> Result<Vec<String>> {
        let view = qualified(self.view);
        let mut grants = Vec::new();
        for grant in present.relation.iter().flat_map(|relation| &relation.grants) {
            grants.push(grant.sql(&view));
        }
        for reader in present::readers(session)? {
            grants.push(format!("GRANT USAGE ON SCHEMA {} TO {reader}", schema(self.view)));
            grants.push(format!("GRANT SELECT ON {view} TO {reader}"));
        }
        Ok(grants)
    }
}

/// The data stays: only the view of a pbtable that is served no more goes.
fn remove(session: &mut Session, view: &ViewName) -> Result<()> {
    if let Some(relation) = present::look(session, view)?.relation {
        relation.refuse_used(&view.joined())?;
    }
    patiently(session, &drop_view(view))
}

fn no_right_to_create(error: Error) -> Error {
    let remedy = "the schema of the view cannot be made; `trine grants --role monolith --user NAME` prints the \
                  SQL that allows it";
    Error::new(Reason::FailedPrecondition, remedy).with_context(error.context.unwrap_or(error.message))
}

fn patiently(session: &mut Session, script: &str) -> Result<()> {
    let begin = Instant::now();
    loop {
        let Err(error) = session.batch(script) else { return Ok(()) };
        if let Err(failure) = session.batch("ROLLBACK") {
            tracing::debug!(%failure, "nothing to roll back");
        }
        if error.reason != Reason::Overloaded || begin.elapsed() > PATIENCE {
            return Err(error);
        }
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}
