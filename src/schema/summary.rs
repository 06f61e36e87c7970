//! A schema in a page: what is served where, and what is kept how. For people.

use std::fmt::Write;

use super::view::view_names;
use super::{Catalogue, ColumnSource, Command, ResourceType, StandardMethod};

impl Catalogue {
    /// Resources with their routes, promoted fields and indexes; then the commands.
    pub fn summary(&self) -> String {
        let names = view_names(self);
        let mut text = String::new();
        for kind in &self.types {
            let view = &names[&kind.name];
            text += &format!("{}  ({}.{}, SQLite {})\n", kind.name, view.schema, view.name, view.joined());
            routes(&self.standard_paths(kind), &mut text);
            fields(kind, &mut text);
            text.push('\n');
        }
        text + &self.commands.iter().map(|known| command(known)).collect::<String>()
    }
}

fn routes(methods: &[(StandardMethod, String)], text: &mut String) {
    for (method, path) in methods {
        let verb = method.http_method().to_ascii_uppercase();
        let _ = writeln!(text, "  {:11} {verb:6} {path}", format!("{method:?}"));
    }
}

/// `/blog/v1/users/{user}:publish`; a command's pattern names no ids but the one that its path binds.
fn command(command: &Command) -> String {
    let ids = command.collections.iter().map(|collection| format!("/{collection}/*")).collect::<String>();
    let bound = ids.strip_suffix('*').map(|above| format!("{above}{{{}}}", command.path_field));
    format!("{}\n  POST {}{}:{}\n\n", command.name, command.route_prefix, bound.unwrap_or(ids), command.verb)
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
        let fields = kind.fields_of(index);
        let sort = if index.unique { "unique" } else { "index" };
        let _ = writeln!(text, "  {sort} ({})", fields.join(", "));
    }
}
