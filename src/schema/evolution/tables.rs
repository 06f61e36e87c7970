//! pbtables: their identity, their names, their own options.

use super::harm::Harm;
use super::report::{Place, Report};
use super::{Asks, Question};
use crate::model::TypeName;
use crate::schema::options::Options;
use crate::schema::{Catalogue, Column, ColumnKind, Index, Pattern, ResourceType};

pub(super) fn compare(report: &mut Report<'_>) {
    let old = report.old;
    for kind in &old.types {
        match find(report.new, &kind.name) {
            Some(successor) => compare_types(kind, successor, report),
            // Described, though not among the domains that this deployment serves.
            None if is_resource(report.new, kind) => {}
            None => gone(kind, report),
        }
    }
    for kind in &old.tombstones {
        if find(report.new, &kind.name).is_none() && !is_resource(report.new, kind) {
            let file = kind.descriptor.parent_file();
            let remedy =
                "keep the message with `(trine.v1.dropped)` until `trine schema prune` has removed them";
            let change = format!("dropped pbtable `{}` is gone; {remedy}", kind.name);
            report.ask(&Place::File(file.name()), &kind.name, Asks::NoRows, change);
        }
    }
}

/// Served or dropped.
fn find<'c>(catalogue: &'c Catalogue, name: &TypeName) -> Option<&'c ResourceType> {
    let mut all = catalogue.types.iter().chain(&catalogue.tombstones);
    all.find(|kind| kind.name == *name).map(AsRef::as_ref)
}

fn is_resource(catalogue: &Catalogue, old: &ResourceType) -> bool {
    let message = catalogue.pool.get_message_by_name(old.name.as_str());
    message.is_some_and(|message| Options::new(&catalogue.pool).resource(&message).is_some())
}

fn gone(kind: &ResourceType, report: &mut Report<'_>) {
    let name = &kind.name;
    let remedy = "bring it back, with `option (trine.v1.dropped) = true;` if it is no longer to be served";
    match report.new.pool.get_message_by_name(name.as_str()) {
        Some(message) => {
            let file = message.parent_file();
            let place = Place::At(&file, message.path());
            let change = format!("`{name}` is a pbtable no longer");
            let remedy = "bring `google.api.resource` back, with `option (trine.v1.dropped) = true;` if it is no \
                          longer to be served";
            report.breaks(&place, &change, Harm::ALL, remedy);
        }
        None => {
            let file = kind.descriptor.parent_file();
            let change = format!("pbtable `{name}` is gone or has another name");
            report.breaks(&Place::File(file.name()), &change, Harm::ALL, remedy);
        }
    }
}

fn compare_types(old: &ResourceType, new: &ResourceType, report: &mut Report<'_>) {
    let file = new.descriptor.parent_file();
    let place = Place::At(&file, new.descriptor.path());
    if collections(&old.pattern) != collections(&new.pattern) {
        let change = format!("the pattern of `{}` changed, and with it every name", new.name);
        report.breaks(&place, &change, Harm::ALL, "change it back");
    }
    if new.dropped && !old.dropped {
        let rest = "is served no longer; its rows stay until `trine schema prune`";
        report.note(&place, format!("`{}` {rest}", new.name));
    }
    if new.dropped {
        return;
    }
    compare_owners(old, new, &place, report);
    if old.soft_delete && !new.soft_delete {
        let remedy = "undelete what is deleted, or wait until it is purged, or keep the field";
        let change = format!("`{}` has no `delete_time` any more; {remedy}", new.name);
        report.ask(&place, &new.name, Asks::NoneDeleted, change);
        let rest = "for the older binaries' sake a deletion keeps the row, out of sight, until it is purged, or until \
                    `trine schema prune`";
        report.note(&place, format!("`{}` has no `delete_time` any more; {rest}", new.name));
    }
    let is_new = |column: &&Column| old.columns.iter().all(|known| known.field != column.field);
    for column in new.columns.iter().filter(is_new).filter(|column| column.kind == ColumnKind::Text) {
        if old.descriptor.get_field_by_name(&column.field).is_some() && column.enum_values.is_empty() {
            let change = format!(
                "`{}` of `{}` is now indexed; shorten its values first, or take the option back",
                column.field, new.name
            );
            report.ask(&place, &new.name, Asks::Indexable, change);
        }
    }
    for index in &new.indexes {
        if index.unique && !has_index(old, &new.fields_of(index), true) {
            ask_for_duplicates(new, index, &place, report);
        }
    }
    for index in &old.indexes {
        let names = old.fields_of(index);
        if !has_index(new, &names, index.unique) {
            let sort = if index.unique { "unique index" } else { "index" };
            let rest = "stays, and is kept, until `trine schema prune`";
            report.note(&place, format!("the {sort} of `{}` over `{}` {rest}", new.name, names.join("`, `")));
        }
    }
}

/// Older binaries read by their own owners and commit by the newest's.
fn compare_owners(old: &ResourceType, new: &ResourceType, place: &Place<'_>, report: &mut Report<'_>) {
    let owner = |kind: &ResourceType| kind.owner_column().map(|column| column.field.clone());
    match (owner(old), owner(new)) {
        (Some(before), after) if after.as_ref() != Some(&before) => {
            let now = after.map_or("has none".to_owned(), |after| format!("is `{after}`"));
            let change =
                format!("`owner_field` of `{}` was `{before}` and {now}: rows change hands", new.name);
            report.breaks(place, &change, Harm::ALL, "change it back");
        }
        (None, Some(after)) => {
            let rest = "rows whose owner is empty are seen by admins only, and older binaries that still run go on \
                        showing everybody's rows to everybody: end them";
            report.note(place, format!("`{}` has owners now, by `{after}`; {rest}", new.name));
        }
        _ => {}
    }
}

fn ask_for_duplicates(kind: &ResourceType, index: &Index, place: &Place<'_>, report: &mut Report<'_>) {
    let fields: Vec<String> = kind.fields_of(index).into_iter().map(str::to_owned).collect();
    let what = format!("`{}` of `{}` is now unique", fields.join("`, `"), kind.name);
    let change = format!("{what}; make the rows differ first, or take the option back");
    report.ask(place, &kind.name, Asks::NoDuplicates { fields }, change);
}

fn has_index(kind: &ResourceType, names: &[&str], unique: bool) -> bool {
    kind.indexes.iter().any(|index| index.unique == unique && kind.fields_of(index) == names)
}

/// Variables may be renamed: they are not stored.
fn collections(pattern: &Pattern) -> Vec<&str> {
    pattern.segments.iter().map(|(collection, _)| collection.as_str()).collect()
}

impl Question {
    /// Columns of the type that [`Asks::NoDuplicates`] names.
    pub fn columns(&self, kind: &ResourceType) -> Vec<usize> {
        let Asks::NoDuplicates { fields } = &self.asks else { return Vec::new() };
        let position = |field: &String| kind.columns.iter().position(|column| column.field == *field);
        fields.iter().filter_map(position).collect()
    }
}
