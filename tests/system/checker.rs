//! Decides from a recorded history and the final databases whether a promise was broken.
//!
//! Pure: no clock, no network. Every logical write has one idempotency key and a title that nobody
//! else uses; whatever its client tried, the effect must be there once if anybody was told so, and
//! never twice. An attempt without an answer may have had its effect or not; nothing else may.
//! Invariant: a history in which nothing succeeded proves nothing, so [`Demands`] asks for enough.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What one attempt told the client.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// 2xx with the entry's name.
    Acknowledged { entry: String },
    /// 202 with the operation's name.
    Accepted { operation: String },
    /// A 4xx that says that nothing was done.
    Refused { reason: String },
    /// No answer, or one that says nothing about the effect.
    Unknown,
}

/// A logical write and all attempts at it, under one idempotency key.
#[derive(Clone, Debug)]
pub struct Write {
    pub key: String,
    pub user: String,
    /// Nobody else writes this title.
    pub title: String,
    pub attempts: Vec<Outcome>,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Done, with the entry it made.
    Applied {
        entry: String,
    },
    Failed {
        reason: String,
    },
    /// Not done although everything has been quiet for long.
    Pending,
    /// Nobody knows it.
    Missing,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub user: String,
    pub title: String,
}

/// The databases after all faults have ended and everything has drained.
#[derive(Clone, Debug, Default)]
pub struct Final {
    pub entries: Vec<Entry>,
    /// `entryCount` by user.
    pub counters: BTreeMap<String, i64>,
    pub operations: BTreeMap<String, End>,
}

/// How much must have happened for the run to prove anything.
#[derive(Clone, Copy, Debug)]
pub struct Demands {
    pub acknowledged: usize,
    pub accepted: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Somebody was told that it is done, and it is not there.
    LostWrite {
        key: String,
    },
    WrittenTwice {
        title: String,
        times: usize,
    },
    /// An entry that nobody asked for, or that every attempt was refused.
    Invented {
        title: String,
    },
    /// `entryCount` is not the number of entries.
    WrongCounter {
        user: String,
        counter: i64,
        entries: i64,
    },
    /// A 202 that ended in neither applied nor failed.
    OperationWithoutEnd {
        operation: String,
    },
    FailedWithoutReason {
        operation: String,
    },
    /// An operation says failed, and its effect is there all the same.
    FailedButApplied {
        operation: String,
    },
    /// Two answers under one key name different entries.
    AnswersDiffer {
        key: String,
    },
    TooLittleHappened {
        what: String,
    },
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub writes: usize,
    pub attempts: usize,
    pub acknowledged: usize,
    pub accepted: usize,
    pub applied: usize,
    pub failed: usize,
    pub refused: usize,
    pub unknown: usize,
    pub entries: usize,
    pub violations: BTreeSet<Violation>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "checker: {} writes in {} attempts; {} acknowledged, {} accepted ({} applied, {} failed), {} refused, \
             {} unknown; {} entries; {} violations",
            self.writes,
            self.attempts,
            self.acknowledged,
            self.accepted,
            self.applied,
            self.failed,
            self.refused,
            self.unknown,
            self.entries,
            self.violations.len()
        )
    }
}

/// Looks at everything; never stops at the first violation.
pub fn check(history: &[Write], last: &Final, demands: Demands) -> Report {
    let mut report = Report { writes: history.len(), entries: last.entries.len(), ..Report::default() };
    let by_title = entries_by_title(last);
    for write in history {
        count(write, &mut report);
        check_write(write, last, &by_title, &mut report);
    }
    check_inventions(history, &by_title, &mut report);
    check_counters(last, &mut report);
    check_demands(demands, &mut report);
    report
}

fn entries_by_title(last: &Final) -> BTreeMap<&str, Vec<&Entry>> {
    let mut by_title: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in &last.entries {
        by_title.entry(&entry.title).or_default().push(entry);
    }
    by_title
}

fn count(write: &Write, report: &mut Report) {
    report.attempts += write.attempts.len();
    for attempt in &write.attempts {
        match attempt {
            Outcome::Acknowledged { .. } => report.acknowledged += 1,
            Outcome::Accepted { .. } => report.accepted += 1,
            Outcome::Refused { .. } => report.refused += 1,
            Outcome::Unknown => report.unknown += 1,
        }
    }
}

fn check_write(write: &Write, last: &Final, by_title: &BTreeMap<&str, Vec<&Entry>>, report: &mut Report) {
    let found = by_title.get(write.title.as_str()).map_or(&[][..], Vec::as_slice);
    if found.len() > 1 {
        let (title, times) = (write.title.clone(), found.len());
        report.violations.insert(Violation::WrittenTwice { title, times });
    }
    let mut promised = BTreeSet::new();
    let mut failed = None;
    for attempt in &write.attempts {
        match attempt {
            Outcome::Acknowledged { entry } => {
                promised.insert(entry.as_str());
            }
            Outcome::Accepted { operation } => match operation_end(operation, last, report) {
                Some(Ok(entry)) => {
                    promised.insert(entry);
                }
                Some(Err(())) => failed = Some(operation),
                None => {}
            },
            Outcome::Refused { .. } | Outcome::Unknown => {}
        }
    }
    if promised.len() > 1 {
        report.violations.insert(Violation::AnswersDiffer { key: write.key.clone() });
    }
    if promised.iter().any(|name| !found.iter().any(|entry| entry.name == **name && entry.user == write.user))
    {
        report.violations.insert(Violation::LostWrite { key: write.key.clone() });
    }
    // An attempt without an answer may be what made the entry; a failure says nothing about that one.
    let unknown = write.attempts.contains(&Outcome::Unknown);
    if let Some(operation) = failed.filter(|_| promised.is_empty() && !unknown && !found.is_empty()) {
        report.violations.insert(Violation::FailedButApplied { operation: operation.clone() });
    }
}

/// The entry of an applied operation, `Err` for a failed one, `None` for one without an end.
fn operation_end<'a>(operation: &str, last: &'a Final, report: &mut Report) -> Option<Result<&'a str, ()>> {
    match last.operations.get(operation).unwrap_or(&End::Missing) {
        End::Applied { entry } => {
            report.applied += 1;
            Some(Ok(entry))
        }
        End::Failed { reason } => {
            report.failed += 1;
            if reason.is_empty() {
                let operation = operation.to_owned();
                report.violations.insert(Violation::FailedWithoutReason { operation });
            }
            Some(Err(()))
        }
        End::Pending | End::Missing => {
            report.violations.insert(Violation::OperationWithoutEnd { operation: operation.to_owned() });
            None
        }
    }
}

fn check_inventions(history: &[Write], by_title: &BTreeMap<&str, Vec<&Entry>>, report: &mut Report) {
    let possible: BTreeSet<&str> = history
        .iter()
        .filter(|write| write.attempts.iter().any(|attempt| !matches!(attempt, Outcome::Refused { .. })))
        .map(|write| write.title.as_str())
        .collect();
    for title in by_title.keys().filter(|title| !possible.contains(*title)) {
        report.violations.insert(Violation::Invented { title: (*title).to_owned() });
    }
}

fn check_counters(last: &Final, report: &mut Report) {
    for (user, &counter) in &last.counters {
        let entries = last.entries.iter().filter(|entry| &entry.user == user).count() as i64;
        if entries != counter {
            let user = user.clone();
            report.violations.insert(Violation::WrongCounter { user, counter, entries });
        }
    }
}

fn check_demands(demands: Demands, report: &mut Report) {
    for (what, happened, wanted) in [
        ("acknowledged", report.acknowledged, demands.acknowledged),
        ("accepted", report.accepted, demands.accepted),
    ] {
        if happened < wanted {
            let what = format!("{happened} {what}, {wanted} wanted");
            report.violations.insert(Violation::TooLittleHappened { what });
        }
    }
}
