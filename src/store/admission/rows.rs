//! Questions that only the stored rows can answer.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::model::{Document, Key, Result, Scalar, Timestamp, TypeName};
use crate::schema::evolution::{Asks, Comparison, Question};
use crate::schema::{Catalogue, ResourceType, SchemaProblem};
use crate::store::json::from_json;

/// Names of rows that an answer shows.
const EXAMPLES: usize = 3;
/// Every index takes texts of this length.
const SHORT_ENOUGH: usize = 128;

pub(in crate::store) struct StoredRow {
    pub key: String,
    pub document: String,
    pub create_time: String,
    pub update_time: String,
    /// Not deleted softly.
    pub live: bool,
}

pub(in crate::store) trait StoredRows {
    /// Shows every row whose document's text contains `text`, in batches; no table has no rows.
    fn for_each(
        &mut self,
        kind: &TypeName,
        text: &str,
        each: &mut dyn FnMut(&StoredRow) -> Result<()>,
    ) -> Result<()>;
}

/// Rows that stand against a change.
#[derive(Default)]
struct Hits {
    count: usize,
    keys: Vec<String>,
}

impl Hits {
    fn add(&mut self, key: &str) {
        self.count += 1;
        if self.keys.len() < EXAMPLES {
            self.keys.push(key.to_owned());
        }
    }

    /// `3 rows, `items/a`, `items/b`, …`
    fn sentence(&self, kind: &ResourceType) -> String {
        let mut names: Vec<String> =
            self.keys.iter().map(|key| format!("`{}`", kind.pattern.resource_name(key))).collect();
        if self.count > names.len() {
            names.push("…".to_owned());
        }
        let rows = if self.count == 1 { "row" } else { "rows" };
        format!("{} {rows}: {}", self.count, names.join(", "))
    }
}

/// None: the rows have nothing against it.
pub(super) fn answer(
    rows: &mut dyn StoredRows,
    old: &Catalogue,
    new: &Catalogue,
    question: &Question,
) -> Result<Option<SchemaProblem>> {
    let all = [old, new].into_iter().flat_map(|set| set.types.iter().chain(&set.tombstones));
    let kinds: Vec<_> = all.filter(|kind| kind.name == question.kind).collect();
    let (Some(before), Some(after)) = (kinds.first(), kinds.last()) else { return Ok(None) };
    let (hits, what) = match &question.asks {
        Asks::NoEnumValue { enumeration, names } => (holding(rows, before, enumeration, names)?, "hold it"),
        Asks::NoDuplicates { .. } => {
            let hits = duplicates(rows, after, &question.columns(after))?;
            (hits, "hold a value that another one holds too")
        }
        Asks::Indexable => (too_long(rows, after)?, "are too long"),
        Asks::NoneDeleted => (having(rows, before, |row| !row.live)?, "are deleted softly"),
        Asks::NoRows => (having(rows, before, |_| true)?, "are stored"),
    };
    let SchemaProblem { location, message } = question.change.clone();
    let problem =
        || SchemaProblem { location, message: format!("{message} ({what}: {})", hits.sentence(before)) };
    Ok((hits.count > 0).then(problem))
}

fn having(
    rows: &mut dyn StoredRows,
    kind: &ResourceType,
    is_hit: impl Fn(&StoredRow) -> bool,
) -> Result<Hits> {
    let mut hits = Hits::default();
    rows.for_each(&kind.name, "", &mut |row| {
        if is_hit(row) {
            hits.add(&row.key);
        }
        Ok(())
    })?;
    Ok(hits)
}

fn holding(
    rows: &mut dyn StoredRows,
    kind: &ResourceType,
    enumeration: &str,
    names: &[String],
) -> Result<Hits> {
    let (mut hits, mut counted) = (Hits::default(), HashSet::new());
    for name in names {
        rows.for_each(&kind.name, &format!("\"{name}\""), &mut |row| {
            let document: Document = from_json(&row.document)?;
            if kind.holds_enum_value(&document, enumeration, names) && counted.insert(row.key.clone()) {
                hits.add(&row.key);
            }
            Ok(())
        })?;
    }
    Ok(hits)
}

/// Looks at nothing that could not hold a text of that length.
fn too_long(rows: &mut dyn StoredRows, kind: &ResourceType) -> Result<Hits> {
    let mut hits = Hits::default();
    rows.for_each(&kind.name, "", &mut |row| {
        if row.document.len() > SHORT_ENOUGH && kind.check_indexed(&from_json(&row.document)?).is_err() {
            hits.add(&row.key);
        }
        Ok(())
    })?;
    Ok(hits)
}

/// Twice through the rows: for their names only where there are duplicates.
fn duplicates(rows: &mut dyn StoredRows, kind: &ResourceType, columns: &[usize]) -> Result<Hits> {
    let (mut seen, mut twice) = (HashSet::new(), HashSet::new());
    rows.for_each(&kind.name, "", &mut |row| {
        if let Some(value) = unique_value(kind, columns, row)?
            && !seen.insert(value)
        {
            twice.insert(value);
        }
        Ok(())
    })?;
    let mut hits = Hits::default();
    if twice.is_empty() {
        return Ok(hits);
    }
    rows.for_each(&kind.name, "", &mut |row| {
        if unique_value(kind, columns, row)?.is_some_and(|value| twice.contains(&value)) {
            hits.add(&row.key);
        }
        Ok(())
    })?;
    Ok(hits)
}

/// None where the index does not count the row: it is deleted, or a member is not set.
fn unique_value(kind: &ResourceType, columns: &[usize], row: &StoredRow) -> Result<Option<[u8; 16]>> {
    if !row.live {
        return Ok(None);
    }
    let values = values(kind, &from_json(&row.document)?, row);
    let unset = values_of_nothing(kind);
    let mut text = String::new();
    for at in columns {
        let value = &values[*at];
        let is_default = kind.columns[*at].implicit_default && *value == unset[*at];
        if *value == Scalar::Null || is_default {
            return Ok(None);
        }
        text.push_str(&format!("{value:?}\u{0}"));
    }
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(text)[..16]);
    Ok(Some(short))
}

fn values(kind: &ResourceType, document: &Document, row: &StoredRow) -> Vec<Scalar> {
    let times = [&row.create_time, &row.update_time].map(|time| Timestamp::from_stored(time));
    kind.column_values(document, &times[0], &times[1])
}

fn values_of_nothing(kind: &ResourceType) -> Vec<Scalar> {
    let epoch = Timestamp::from_stored("1970-01-01T00:00:00.000000000Z");
    kind.column_values(&Document::default(), &epoch, &epoch)
}

/// Whether a draft's rows are rows of the new schema too, if the comparison finds fault with it at all.
pub(super) fn fit(
    rows: &mut dyn StoredRows,
    draft: &Catalogue,
    new: &Catalogue,
    comparison: &Comparison,
) -> Result<bool> {
    if comparison.breaks.is_empty() {
        return Ok(true);
    }
    let successors: HashMap<_, _> =
        new.types.iter().chain(&new.tombstones).map(|kind| (&kind.name, kind)).collect();
    let mut fit = true;
    for kind in &draft.types {
        let successor = successors.get(&kind.name);
        rows.for_each(&kind.name, "", &mut |row| {
            let mut document: Document = from_json(&row.document)?;
            // What was hidden before it is hidden still.
            kind.forget_hidden(&mut document);
            let same_names = successor.is_some_and(|successor| {
                let name = |kind: &ResourceType| kind.pattern.resource_name(Key::new(&row.key).as_str());
                name(successor) == name(kind)
            });
            fit &= same_names && successor.is_some_and(|successor| successor.fits(&document));
            Ok(())
        })?;
    }
    Ok(fit)
}
