//! A document → the values of its promoted columns.

use serde_json::{Map, Value};

use super::canonical::invalid;
use super::path::Path;
use super::time::stored_timestamp;
use crate::model::{Document, Result, Scalar, Stored, Timestamp};
use crate::schema::shape::FieldKind;
use crate::schema::{Column, ColumnKind, ColumnSource, Index, ResourceType};

/// Longest text, or base64 of bytes, that a promoted column takes.
const PROMOTED_BYTES_MAX: usize = 1024;
/// PostgreSQL refuses a B-tree entry above 2704 bytes; some are the entry's own and the numbers'.
const INDEX_ENTRY_BYTES: usize = 2600;
/// An id and its `/`.
const ID_BYTES_MAX: usize = 129;

impl ResourceType {
    /// Values of [`ResourceType::columns`] in order.
    pub fn column_values(&self, document: &Document, create: &Timestamp, update: &Timestamp) -> Vec<Scalar> {
        let value_of = |column: &Column| match &column.source {
            ColumnSource::CreateTime => Scalar::Text(create.as_str().to_owned()),
            ColumnSource::UpdateTime => Scalar::Text(update.as_str().to_owned()),
            // A document that is being written is no deleted one.
            ColumnSource::DeleteTime | ColumnSource::PurgeTime => Scalar::Null,
            ColumnSource::Field { json_name } => match document.0.get(json_name) {
                Some(value) => scalar(column.kind, value),
                None if column.implicit_default => self.default_of(column),
                None => Scalar::Null,
            },
        };
        self.columns.iter().map(value_of).collect()
    }

    /// As [`ResourceType::column_values`], of a row that may be deleted.
    pub fn stored_values(&self, stored: &Stored, document: &Document) -> Vec<Scalar> {
        let mut values = self.column_values(document, &stored.create_time, &stored.update_time);
        for (column, value) in self.columns.iter().zip(&mut values) {
            let time = match column.source {
                ColumnSource::DeleteTime => &stored.delete_time,
                ColumnSource::PurgeTime => &stored.purge_time,
                _ => continue,
            };
            *value = time.as_ref().map_or(Scalar::Null, |time| Scalar::Text(time.as_str().to_owned()));
        }
        values
    }

    /// By the storage catalogue: a binary of an older schema does not know what is indexed by now.
    pub fn check_indexed(&self, document: &Document) -> Result<()> {
        self.check_promoted_lengths(&document.0)
    }

    /// A text that an index of the database cannot hold is its author's mistake.
    pub(super) fn check_promoted_lengths(&self, document: &Map<String, Value>) -> Result<()> {
        for (position, column) in self.columns.iter().enumerate() {
            let ColumnSource::Field { json_name } = &column.source else { continue };
            let Some(Value::String(text)) = document.get(json_name) else { continue };
            let bytes_max = self.promoted_bytes_max(position);
            if column.kind == ColumnKind::Text && text.len() > bytes_max {
                let expected =
                    format!("at most {bytes_max} bytes, because it is indexed, and has {}", text.len());
                return Err(invalid(&Path::ROOT.field(json_name), expected));
            }
        }
        Ok(())
    }

    /// What is left of an index entry beside the parent and the key, shared by the texts of one index.
    pub(crate) fn promoted_bytes_max(&self, position: usize) -> usize {
        let together = |index: &Index| {
            let texts = index.columns.iter().filter(|column| self.columns[**column].kind == ColumnKind::Text);
            if index.columns.contains(&position) { texts.count() } else { 1 }
        };
        let texts = self.indexes.iter().map(together).max().unwrap_or(1).max(1);
        let names = ID_BYTES_MAX * (2 * self.pattern.depth() - 1);
        (INDEX_ENTRY_BYTES.saturating_sub(names) / texts).clamp(ID_BYTES_MAX, PROMOTED_BYTES_MAX)
    }

    pub(crate) fn default_of(&self, column: &Column) -> Scalar {
        match column.kind {
            ColumnKind::Integer => Scalar::Integer(0),
            ColumnKind::Unsigned => Scalar::Unsigned(0),
            ColumnKind::Real => Scalar::Real(0.0),
            ColumnKind::Boolean => Scalar::Boolean(false),
            ColumnKind::Timestamp => Scalar::Null,
            ColumnKind::Text => match self.shape().field(&column.field).map(|field| &field.kind) {
                Some(FieldKind::Enum(shape)) => {
                    Scalar::Text(shape.name_of(shape.default_number()).unwrap_or_default().to_owned())
                }
                _ => Scalar::Text(String::new()),
            },
        }
    }
}

/// Null for what does not fit: rows written by SQL may hold anything, and one of them must not fail the rest.
fn scalar(kind: ColumnKind, value: &Value) -> Scalar {
    let found = match (kind, value) {
        (ColumnKind::Text, Value::String(text)) => Some(Scalar::Text(text.clone())),
        // An enum value that no name is known for.
        (ColumnKind::Text, Value::Number(number)) => Some(Scalar::Text(number.to_string())),
        (ColumnKind::Integer, Value::String(text)) => text.parse().ok().map(Scalar::Integer),
        (ColumnKind::Integer, value) => value.as_i64().map(Scalar::Integer),
        (ColumnKind::Unsigned, Value::String(text)) => text.parse().ok().map(Scalar::Unsigned),
        (ColumnKind::Unsigned, value) => value.as_u64().map(Scalar::Unsigned),
        // NaN is in no order; the infinities are.
        (ColumnKind::Real, Value::String(text)) => {
            text.parse().ok().filter(|number: &f64| !number.is_nan()).map(Scalar::Real)
        }
        (ColumnKind::Real, value) => value.as_f64().map(Scalar::Real),
        (ColumnKind::Boolean, value) => value.as_bool().map(Scalar::Boolean),
        (ColumnKind::Timestamp, Value::String(text)) => stored_timestamp(text).map(Scalar::Text),
        _ => None,
    };
    found.unwrap_or(Scalar::Null)
}
