//! `trine schema check --against` and `trine schema prune`: what a schema would break, what nobody needs.

use std::path::PathBuf;
use std::process::ExitCode;

use super::databases::{of, options, url};
use super::{Refusals, refuse, schema};
use crate::config::Settings;
use crate::schema::evolution::compare;
use crate::schema::{Catalogue, SchemaProblem};
use crate::store::{DatabaseUrl, Findings};

const FOUND_SOMETHING: u8 = 1;

/// What the schema is held against.
#[derive(Clone, Debug)]
pub enum Against {
    /// Everything that the configured database has admitted, and its rows.
    Database,
    /// A directory of `.proto` files or a `.binpb` descriptor set.
    Path(PathBuf),
}

/// Exit 0: nothing would break; 1: a line for each that would.
pub fn check_schema(settings: &Settings, against: Option<&Against>) -> ExitCode {
    let catalogue = match crate::schema::load(&settings.schema.paths, &settings.schema.domains) {
        Ok(catalogue) => catalogue,
        Err(problems) => return found(&problems),
    };
    let findings = match against {
        None => return ExitCode::SUCCESS,
        Some(Against::Database) => against_database(settings, &catalogue),
        Some(Against::Path(path)) => against_path(settings, path, &catalogue),
    };
    match findings {
        Ok(findings) => {
            findings.notes.iter().for_each(|note| println!("{note}"));
            found(&findings.breaks)
        }
        Err(refusals) => refuse(&refusals),
    }
}

fn found(problems: &[SchemaProblem]) -> ExitCode {
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND_SOMETHING) }
}

fn against_database(settings: &Settings, catalogue: &Catalogue) -> Result<Findings, Refusals> {
    let (key, database) = database(settings)?;
    database.check_schema(options(&settings.database), catalogue).map_err(|error| vec![of(key)(error)])
}

/// Without rows a question stays one: told, and no reason to fail.
fn against_path(settings: &Settings, path: &PathBuf, catalogue: &Catalogue) -> Result<Findings, Refusals> {
    let old =
        crate::schema::load(std::slice::from_ref(path), &settings.schema.domains).map_err(|problems| {
            problems.iter().map(|problem| format!("--against: {problem}")).collect::<Vec<_>>()
        })?;
    let comparison = compare(&old, catalogue);
    let questions = comparison.questions.iter().map(|question| SchemaProblem {
        location: question.change.location.clone(),
        message: question.sentence(),
    });
    let notes = comparison.notes.into_iter().chain(questions).collect();
    Ok(Findings { breaks: comparison.breaks, notes })
}

/// Lists what only older schemas need; removes it when `really`.
pub fn prune(settings: &Settings, really: bool) -> ExitCode {
    let pruned = schema::load(settings).and_then(|catalogue| {
        let primary = url(&settings.database.primary)
            .ok_or_else(|| vec!["database.primary is missing; a primary is what can be pruned".to_owned()])?;
        primary
            .prune(options(&settings.database), &catalogue, really)
            .map_err(|error| vec![of("database.primary")(error)])
    });
    match pruned {
        Ok(lines) => {
            let word = if really { "removed" } else { "would remove" };
            lines.iter().for_each(|line| println!("{word} {line}"));
            if !really && !lines.is_empty() {
                println!("nothing was removed; add --yes when no binary of an older schema runs any more");
            }
            ExitCode::SUCCESS
        }
        Err(refusals) => refuse(&refusals),
    }
}

/// The primary, or what a role without one reads.
fn database(settings: &Settings) -> Result<(&'static str, DatabaseUrl), Refusals> {
    let primary = url(&settings.database.primary).map(|url| ("database.primary", url));
    let replica = || url(&settings.database.replica).map(|url| ("database.replica", url));
    primary
        .or_else(replica)
        .ok_or_else(|| vec!["database.primary is missing; name the database to hold it against".to_owned()])
}
