//! Fields that are indexed or unique → promoted [`Column`]s and [`Index`]es.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use super::location::Problems;
use super::options::{IndexOption, Options};
use super::{Column, ColumnKind, ColumnSource, Index, ResourceType, StandardFields};

/// Columns in field-number order, indexes in the order of their declaration.
pub(super) fn promoted(
    message: &MessageDescriptor,
    options: &Options,
    standard: &StandardFields,
    owner: Option<&str>,
    problems: &mut Problems<'_>,
) -> (Vec<Column>, Vec<Index>) {
    let lists = options.indexes(message);
    let mut columns = Vec::new();
    let mut indexes = Vec::new();
    for field in message.fields() {
        let (index, unique) = (options.is_indexed(&field), options.is_unique(&field));
        let listed = lists.iter().any(|list| list.fields.iter().any(|name| name == field.name()));
        let owns = owner == Some(field.name());
        if !(index || unique || listed || owns) {
            continue;
        }
        match column(&field, standard) {
            Ok(column) => columns.push(column),
            // Without its column nobody would be kept from the rows of others.
            Err(reason) if owns => {
                problems.add(&message.parent_file(), field.path(), reason);
                continue;
            }
            Err(reason) => {
                problems.add_or_leave_out(&message.parent_file(), field.path(), reason);
                continue;
            }
        }
        if index || unique || owns {
            indexes.push(Index { columns: vec![columns.len() - 1], unique });
        }
    }
    indexes.extend(lists.iter().filter_map(|list| listed(message, list, &columns, problems)));
    (columns, each_once(indexes))
}

impl ResourceType {
    /// Proto names of the fields of an index, in its order.
    pub(crate) fn fields_of(&self, index: &Index) -> Vec<&str> {
        index.columns.iter().map(|at| self.columns[*at].field.as_str()).collect()
    }
}

/// A field, its table's options and its owner may all ask for one index, which has one name.
fn each_once(indexes: Vec<Index>) -> Vec<Index> {
    let mut kept: Vec<Index> = Vec::with_capacity(indexes.len());
    for index in indexes {
        if !kept.contains(&index) {
            kept.push(index);
        }
    }
    kept
}

/// PostgreSQL's indexes have 32 columns; the parent and the key are two of them.
const FIELDS_MAX: usize = 30;

/// Whole or not at all: a unique index of fewer columns would refuse what may be.
fn listed(
    message: &MessageDescriptor,
    list: &IndexOption,
    columns: &[Column],
    problems: &mut Problems<'_>,
) -> Option<Index> {
    let twice = list.fields.iter().enumerate().find(|(at, name)| list.fields[..*at].contains(name));
    if let Some((_, name)) = twice.filter(|_| problems.is_own()) {
        let sentence = format!("`(trine.v1.indexes)` names `{name}` twice; name it once");
        problems.add(&message.parent_file(), message.path(), sentence);
    }
    let mut refuse = |sentence: String| {
        problems.add_or_leave_out(&message.parent_file(), message.path(), sentence);
    };
    if list.fields.len() > FIELDS_MAX {
        refuse(format!("`(trine.v1.indexes)` names more than {FIELDS_MAX} fields; name fewer"));
        return None;
    }
    if list.fields.is_empty() {
        refuse("`(trine.v1.indexes)` names no field; name one".to_owned());
        return None;
    }
    for name in list.fields.iter().filter(|name| message.get_field_by_name(name).is_none()) {
        refuse(format!(
            "`(trine.v1.indexes)` names `{name}`, which `{}` does not have; correct the name",
            message.full_name()
        ));
    }
    // A field that is there and has no column has its own complaint.
    let position = |name: &String| columns.iter().position(|column| column.field == *name);
    let columns: Option<Vec<usize>> = list.fields.iter().map(position).collect();
    Some(Index { columns: columns?, unique: list.unique })
}

fn column(field: &FieldDescriptor, standard: &StandardFields) -> Result<Column, String> {
    let name = field.name();
    if matches!((name, standard.name, standard.etag), ("name", true, _) | ("etag", _, true)) {
        return Err(format!("`{name}` is kept by the server and needs no index; remove the option"));
    }
    if field.is_list() || field.is_map() {
        return Err(format!("`{name}` is repeated; only singular fields can be indexed; remove the option"));
    }
    let kind = column_kind(&field.kind()).ok_or_else(|| {
        format!("`{name}` is a message; only scalars, enums and google.protobuf.Timestamp can be indexed; remove the option")
    })?;
    let source = match name {
        "create_time" if standard.create_time => ColumnSource::CreateTime,
        "update_time" if standard.update_time => ColumnSource::UpdateTime,
        "delete_time" if standard.delete_time => ColumnSource::DeleteTime,
        "purge_time" if standard.purge_time => ColumnSource::PurgeTime,
        _ => ColumnSource::Field { json_name: field.json_name().to_owned() },
    };
    Ok(Column {
        field: name.to_owned(),
        source,
        kind,
        implicit_default: !field.supports_presence(),
        enum_values: field.kind().as_enum().map(enum_values).unwrap_or_default(),
    })
}

fn column_kind(kind: &Kind) -> Option<ColumnKind> {
    Some(match kind {
        Kind::String | Kind::Bytes | Kind::Enum(_) => ColumnKind::Text,
        Kind::Bool => ColumnKind::Boolean,
        Kind::Float | Kind::Double => ColumnKind::Real,
        Kind::Uint32 | Kind::Fixed32 | Kind::Uint64 | Kind::Fixed64 => ColumnKind::Unsigned,
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => ColumnKind::Timestamp,
        Kind::Message(_) => return None,
        _ => ColumnKind::Integer,
    })
}

/// In number order; of several names for one number only the first declared, the one that is stored.
fn enum_values(descriptor: &EnumDescriptor) -> Vec<String> {
    let declared = &descriptor.enum_descriptor_proto().value;
    let mut values: Vec<(i32, &str)> = Vec::new();
    for value in declared {
        if values.iter().all(|(number, _)| *number != value.number()) {
            values.push((value.number(), value.name()));
        }
    }
    values.sort_by_key(|(number, _)| *number);
    values.into_iter().map(|(_, name)| name.to_owned()).collect()
}
