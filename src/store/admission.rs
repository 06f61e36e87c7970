//! Which schemas a database admits, and what its storage catalogue is. The same on both databases.
//!
//! A set that is in the history is admitted as it is. A new one is compared with every set that may have left
//! rows behind or may still run, and the rows are asked where only they can say. Not here: SQL, DDL.

pub(super) mod prune;
mod rows;

use std::collections::HashSet;

use sha2::{Digest, Sha256};

pub(super) use self::rows::{StoredRow, StoredRows};
use crate::model::{Error, Reason, Result};
use crate::schema::evolution::{Asks, compare};
use crate::schema::load::from_descriptor_set;
use crate::schema::{Catalogue, SchemaProblem, storage};

/// How long a new schema is meant to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Permanent,
    /// Its files are still being written: the next one has to fit the rows, not this set.
    Draft,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Permanent,
    /// At most one, and the newest.
    Draft,
    /// What it needs is gone.
    Pruned,
}

/// A set that was admitted.
pub(super) struct Past {
    pub id: i64,
    pub digest: String,
    pub set: Vec<u8>,
    pub state: State,
}

/// What is to be done with the set of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing: rolled back, or restarted.
    Known,
    BecomesPermanent,
    New,
}

/// What a new schema means for a database.
#[derive(Debug, Default)]
pub struct Findings {
    /// One line each; none: it may be applied.
    pub breaks: Vec<SchemaProblem>,
    pub notes: Vec<SchemaProblem>,
}

/// What the database is to remember of a set that is admitted.
pub(super) struct Generation {
    pub digest: String,
    pub overlay: String,
}

impl State {
    pub fn parse(text: &str) -> Self {
        match text {
            "draft" => Self::Draft,
            "pruned" => Self::Pruned,
            _ => Self::Permanent,
        }
    }
}

impl Admission {
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Draft => "draft",
        }
    }

    /// `found`: the state of this very set in the history.
    pub(super) fn entry(self, found: Option<State>) -> Result<Entry> {
        match (found, self) {
            (None, _) => Ok(Entry::New),
            (Some(State::Permanent), _) | (Some(State::Draft), Self::Draft) => Ok(Entry::Known),
            (Some(State::Draft), Self::Permanent) => Ok(Entry::BecomesPermanent),
            (Some(State::Pruned), _) => Err(Error::new(
                Reason::FailedPrecondition,
                "what this schema needs was removed by `trine schema prune`; start with the newest schema",
            )),
        }
    }
}

/// Compares with the whole history, the newest first.
pub(super) fn findings(history: &[Past], new: &Catalogue, rows: &mut dyn StoredRows) -> Result<Findings> {
    let mut findings = Findings::default();
    let (mut answered, mut hardened) = (Vec::new(), HashSet::new());
    for past in history.iter().filter(|past| past.state != State::Pruned) {
        let old = decoded(&past.set)?;
        let comparison = compare(&old, new);
        if past.state == State::Permanent || !rows::fit(rows, &old, new, &comparison)? {
            findings.breaks.extend(comparison.breaks);
        }
        findings.notes.extend(comparison.notes);
        for question in comparison.questions {
            // What a newer schema shows to nobody already, another one hides no more than that.
            if question.asks == Asks::NoneDeleted && hardened.contains(&question.kind) {
                continue;
            }
            if !answered.contains(&question) {
                findings.breaks.extend(rows::answer(rows, &old, new, &question)?);
                answered.push(question);
            }
        }
        if past.state == State::Permanent {
            hardened.extend(old.types.iter().filter(|kind| !kind.soft_delete).map(|kind| kind.name.clone()));
        }
    }
    keep_first(&mut findings.breaks);
    keep_first(&mut findings.notes);
    Ok(findings)
}

fn keep_first(problems: &mut Vec<SchemaProblem>) {
    let mut seen = Vec::new();
    problems.retain(|problem| {
        let new = !seen.contains(problem);
        seen.push(problem.clone());
        new
    });
}

impl Findings {
    /// The words of `trine schema check`, a line each.
    pub(super) fn into_result(self) -> Result<Vec<SchemaProblem>> {
        if self.breaks.is_empty() {
            return Ok(self.notes);
        }
        let lines: Vec<String> = self.breaks.iter().map(ToString::to_string).collect();
        let message = format!(
            "the schema would break what this database holds; nothing was changed:\n{}",
            lines.join("\n")
        );
        let refused = Error::new(Reason::FailedPrecondition, message);
        Err(self
            .breaks
            .into_iter()
            .fold(refused, |error, problem| error.with_violation(problem.location, problem.message)))
    }
}

/// The sets that must be kept beside the newest, and what the whole is called. Drafts end with their successor.
pub(super) fn generation(history: &[Past], new: &Catalogue) -> Result<Generation> {
    let (mut ids, mut digests) = (Vec::new(), vec![new.digest.as_str()]);
    let permanent = history.iter().filter(|past| past.state == State::Permanent && past.digest != new.digest);
    for past in permanent {
        if storage::needs(new, &decoded(&past.set)?) {
            ids.push(past.id.to_string());
            digests.push(&past.digest);
        }
    }
    let digest = match ids.as_slice() {
        [] => new.digest.clone(),
        _ => Sha256::digest(digests.join(",")).iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    Ok(Generation { digest, overlay: ids.join(",") })
}

pub(super) fn overlay_ids(overlay: &str) -> Vec<i64> {
    overlay.split(',').filter_map(|id| id.parse().ok()).collect()
}

/// `overlay`: the sets of [`overlay_ids`], the newest first.
pub(super) fn storage_catalogue(newest: &[u8], overlay: &[Vec<u8>], digest: String) -> Result<Catalogue> {
    let older = overlay.iter().map(|set| decoded(set)).collect::<Result<Vec<_>>>()?;
    Ok(storage::overlay(decoded(newest)?, &older, digest))
}

pub(super) fn decoded(set: &[u8]) -> Result<Catalogue> {
    from_descriptor_set(set).map_err(|problems| Error::internal(format!("admitted schema: {problems:?}")))
}
