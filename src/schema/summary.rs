//! A schema in a page: what is served where, and what is kept how. For people.

use std::fmt::Write;

use super::view::view_names;
use super::{Catalogue, ColumnSource, ResourceType, StandardMethod};

impl Catalogue {
    /// Resources with their routes, promoted fields and indexes; then the commands.
    pub fn summary(&self) -> String {
        let names = view_names(self);
        let mut text = String::new();
        for kind in &self.types {
            let view = &names[&kind.name];
            text += &format!("{}  ({}.{}, SQLite {})\n", kind.name, view.schema, view.name, view.joined());
            routes(kind, &mut text);
            fields(kind, &mut text);
            text.push('\n');
        }
        for command in &self.commands {
            let collections: String =
                command.collections.iter().map(|collection| format!("/{collection}/*")).collect();
            text += &format!(
                "{}\n  POST {}{collections}:{}\n\n",
                command.name, command.route_prefix, command.verb
            );
        }
        text
    }
}

fn routes(kind: &ResourceType, text: &mut String) {
    let served = StandardMethod::ALL.into_iter().filter(|method| method.is_single());
    for method in served {
        let (one, all) = paths(kind);
        let path = if method.is_on_collection() { all } else { one };
        let verb = method.http_method().to_ascii_uppercase();
        let _ = writeln!(text, "  {:8} {verb:6} {}{path}", format!("{method:?}"), kind.route_prefix);
    }
}

/// `/users/{user}/entries/{entry}` and the same without the last id.
fn paths(kind: &ResourceType) -> (String, String) {
    let one: String =
        kind.pattern.segments.iter().map(|(collection, id)| format!("/{collection}/{{{id}}}")).collect();
    let all = one.rsplit_once('/').map(|(all, _)| all.to_owned()).unwrap_or_default();
    (one, all)
}

fn fields(kind: &ResourceType, text: &mut String) {
    for column in &kind.columns {
        let place = match column.source {
            ColumnSource::Field { .. } => "column",
            _ => "row",
        };
        let _ = writeln!(text, "  {place} {} {:?}", column.field, column.kind);
    }
    for index in &kind.indexes {
        let fields: Vec<&str> = index.columns.iter().map(|at| kind.columns[*at].field.as_str()).collect();
        let sort = if index.unique { "unique" } else { "index" };
        let _ = writeln!(text, "  {sort} ({})", fields.join(", "));
    }
}
