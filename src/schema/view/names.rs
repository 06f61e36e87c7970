//! Names of views and of their columns: derived from the schema alone, the same on every database.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::ViewName;
use crate::model::TypeName;
use crate::schema::Catalogue;

/// Prefixes that databases, or the chassis, keep for themselves.
const KEPT: [&str; 4] = ["pg_", "sqlite_", "trine_", "information_schema_"];

/// Column names that are not taken yet. Fields come first: their names are the schema's.
pub(super) struct Free(HashSet<String>);

impl Free {
    pub fn new<'a>(taken: impl Iterator<Item = &'a str>) -> Self {
        Self(taken.map(str::to_ascii_lowercase).collect())
    }

    /// The name, or the name and underscores.
    pub fn take(&mut self, name: &str) -> String {
        let mut name = name.to_owned();
        while !self.0.insert(name.to_ascii_lowercase()) {
            name.push('_');
        }
        name
    }
}

/// Of each pbtable. Where two would have one name, both carry a hash: neither depends on which came first.
pub(crate) fn view_names(catalogue: &Catalogue) -> HashMap<TypeName, ViewName> {
    let plain: Vec<(&TypeName, ViewName)> =
        catalogue.types.iter().map(|kind| (&kind.name, plain_name(&kind.package, &kind.name))).collect();
    let mut users: HashMap<String, usize> = HashMap::new();
    for (_, view) in &plain {
        *users.entry(view.joined()).or_default() += 1;
    }
    let name = |(kind, mut view): (&TypeName, ViewName)| {
        if users[&view.joined()] > 1 {
            view.name = format!("{}~{}", view.name, hash(kind.as_str()));
        }
        (kind.clone(), view)
    };
    plain.into_iter().map(name).collect()
}

fn plain_name(package: &str, kind: &TypeName) -> ViewName {
    let message = kind.as_str().strip_prefix(package).unwrap_or(kind.as_str()).trim_start_matches('.');
    let mut schema = package.replace('.', "_").to_ascii_lowercase();
    if KEPT.iter().any(|kept| format!("{schema}_").starts_with(kept)) {
        schema.insert(0, '_');
    }
    let parts: Vec<String> = message.split('.').map(snake_case).collect();
    ViewName { schema: cut(schema), name: cut(parts.join("_")) }
}

/// PostgreSQL would cut longer names without a word.
fn cut(name: String) -> String {
    // What a hash of a shared name takes is left free too.
    const LENGTH_MAX: usize = 54;
    match name.get(..LENGTH_MAX - 9) {
        Some(begin) if name.len() > LENGTH_MAX => format!("{begin}~{}", hash(&name)),
        _ => name,
    }
}

/// `HTTPServer` → `http_server`
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let is_word = before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit());
        let ends_acronym = before.is_some_and(|before| before.is_ascii_uppercase())
            && letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (is_word || ends_acronym) {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ViewName {
    /// `blog_v1_entry`
    pub(crate) fn joined(&self) -> String {
        format!("{}_{}", self.schema, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_sql() {
        let name = |package: &str, kind: &str| plain_name(package, &TypeName::new(kind)).joined();
        assert_eq!(name("blog.v1", "blog.v1.Entry"), "blog_v1_entry");
        assert_eq!(name("a", "a.Outer.HTTPServer2Log"), "a_outer_http_server2_log");
        assert_eq!(name("pg.v1", "pg.v1.Log"), "_pg_v1_log");
        assert_eq!(name("trine", "trine.Identity"), "_trine_identity");
    }

    #[test]
    fn a_field_keeps_its_name() {
        let mut free = Free::new(["key", "Version"].into_iter());
        assert_eq!((free.take("key"), free.take("version")), ("key_".to_owned(), "version_".to_owned()));
        assert_eq!(free.take("name"), "name");
    }
}
