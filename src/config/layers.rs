//! Layers: the compiled-in defaults, a file, variables, flags; the last one that names a key wins.
//!
//! Remembers which layer each value came from, for messages and `trine config print`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::{Table, Value};

use super::known::nearest;
use super::mask::is_secret_key;
use super::plain_words::in_plain_words;
use super::{ConfigProblem, Settings};
use crate::role::{Given, Role};

const DEFAULTS: &str = include_str!("../../config/default.toml");
const VARIABLE_PREFIX: &str = "TRINE__";

/// What the command line adds: `--config` and `key = value` pairs in their order.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub file: Option<PathBuf>,
    /// Dotted TOML keys and texts: TOML if they parse, else strings.
    pub values: Vec<(String, String)>,
}

/// The merged table and, for each leaf, the layer it came from.
#[derive(Debug)]
pub struct Layers {
    merged: Table,
    sources: BTreeMap<String, String>,
}

impl Layers {
    /// Reads all layers. `variables` is the process environment.
    pub fn read(
        overrides: &Overrides,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let mut layers = Self { merged: Table::new(), sources: BTreeMap::new() };
        let mut problems = Vec::new();
        layers.merge_text(DEFAULTS, "default", &mut problems);
        if let Some(file) = &overrides.file {
            match std::fs::read_to_string(file) {
                Ok(text) => layers.merge_text(&text, &file.display().to_string(), &mut problems),
                Err(error) => {
                    problems.push(problem("--config", format!("cannot read {}: {error}", file.display())))
                }
            }
        }
        for (name, text) in variables.filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)) {
            let key = name[VARIABLE_PREFIX.len()..].to_lowercase().replace("__", ".");
            layers.merge_pair(&key, &text, &name, &mut problems);
        }
        for (key, text) in &overrides.values {
            layers.merge_pair(key, text, "command line", &mut problems);
        }
        if problems.is_empty() { Ok(layers) } else { Err(problems) }
    }

    fn merge_text(&mut self, text: &str, source: &str, problems: &mut Vec<ConfigProblem>) {
        match text.parse::<Table>() {
            Ok(table) => self.merge_table(table, source),
            Err(error) => problems.push(problem(&place(text, source, &error), error.message().to_owned())),
        }
    }

    fn merge_pair(&mut self, key: &str, text: &str, source: &str, problems: &mut Vec<ConfigProblem>) {
        let quoted = Value::String(text.to_owned());
        let parsed = format!("{key} = {text}").parse::<Table>();
        match parsed.or_else(|_| format!("{key} = {quoted}").parse::<Table>()) {
            Ok(table) => self.merge_table(table, source),
            Err(_) => problems.push(problem(key, "is no key; write section.key=value".to_owned())),
        }
    }

    fn merge_table(&mut self, mut table: Table, source: &str) {
        flatten_methods(&mut table);
        merge(&mut self.merged, table, "", source, &mut self.sources);
    }

    /// Which layer set this key.
    pub fn source(&self, key: &str) -> &str {
        self.known_source(key).unwrap_or("default")
    }

    /// A list is one value: what is in it came from where the whole did.
    fn known_source(&self, key: &str) -> Option<&str> {
        let outside = || self.known_source(&key[..key.rfind(['.', '['])?]);
        self.sources.get(key).map(String::as_str).or_else(outside)
    }

    /// Every leaf key with its value and source, in key order.
    pub fn leaves(&self) -> impl Iterator<Item = (&str, &Value, &str)> {
        self.sources
            .iter()
            .filter_map(|(key, source)| Some((key.as_str(), lookup(&self.merged, key)?, source.as_str())))
    }

    /// Typed settings; unknown keys, wrong types and what `check` finds are named together.
    pub fn settings(
        &self,
        check: impl Fn(&Settings) -> Vec<ConfigProblem>,
    ) -> Result<Settings, Vec<ConfigProblem>> {
        let mut problems = Vec::new();
        let settings = self.typed(self.without_refused_defaults(), &mut problems);
        problems.extend(settings.iter().flat_map(check));
        match settings {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(problems),
        }
    }

    /// A value of a wrong type is named, and its default tried in its place, so that one mistake does not
    /// hide the next.
    fn typed(&self, mut merged: Table, problems: &mut Vec<ConfigProblem>) -> Option<Settings> {
        let defaults = DEFAULTS.parse::<Table>().unwrap_or_default();
        let mut refused: Vec<String> = Vec::new();
        loop {
            let mut unknown = Vec::new();
            let mut note = |path: serde_ignored::Path<'_>| unknown.push(path.to_string());
            let ignored = serde_ignored::Deserializer::new(Value::Table(merged.clone()), &mut note);
            match serde_path_to_error::deserialize(ignored) {
                Ok(settings) => {
                    problems.extend(unknown.iter().map(|key| self.unknown(key)));
                    return Some(settings);
                }
                Err(error) => {
                    let error: serde_path_to_error::Error<toml::de::Error> = error;
                    let key = error.path().to_string();
                    // The rest of the text points into a document that nobody wrote.
                    let text = error.inner().to_string();
                    let mut sentence = in_plain_words(text.lines().next().unwrap_or_default());
                    if is_secret_key(&key) {
                        // What was found instead may be the secret itself.
                        sentence.truncate(sentence.find(", not ").unwrap_or(sentence.len()));
                    }
                    let source = self.source(&key);
                    problems.push(problem(&key, format!("(from {source}) is refused: {sentence}")));
                    if refused.contains(&key) || !replace(&mut merged, &key, lookup(&defaults, &key)) {
                        return None;
                    }
                    refused.push(key);
                }
            }
        }
    }

    fn unknown(&self, key: &str) -> ConfigProblem {
        let remedy = match nearest(key, DEFAULTS) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "see config/default.toml for all keys".to_owned(),
        };
        problem(key, format!("(from {}) is not a key of this version; {remedy}", self.source(key)))
    }

    /// The default primary is for roles that may have one; a role that may not is not given it by default.
    fn without_refused_defaults(&self) -> Table {
        let mut merged = self.merged.clone();
        let role = merged.get("role").cloned().and_then(|role| Role::deserialize(role).ok());
        let refused = role.is_some_and(|role| role.plan().primary == Given::Refused);
        if refused
            && self.source("database.primary") == "default"
            && let Some(Value::Table(database)) = merged.get_mut("database")
        {
            database.remove("primary");
        }
        merged
    }
}

/// `trine.toml:3:7:`
fn place(text: &str, source: &str, error: &toml::de::Error) -> String {
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return format!("{source}:");
    };
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    format!("{source}:{}:{}:", before.matches('\n').count() + 1, before.len() - line_start + 1)
}

fn merge(into: &mut Table, from: Table, prefix: &str, source: &str, sources: &mut BTreeMap<String, String>) {
    for (key, value) in from {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from, &path, source, sources),
            (_, Value::Table(from)) if path != "writes.methods" && !prefix.starts_with("writes.methods") => {
                let mut table = Table::new();
                merge(&mut table, from, &path, source, sources);
                into.insert(key, Value::Table(table));
            }
            (_, value) => {
                if path != "writes.methods" {
                    sources.insert(path, source.to_owned());
                }
                into.insert(key, value);
            }
        }
    }
}

/// `writes.methods.blog.v1.Entry.Create` without quotes means the method of that name.
fn flatten_methods(table: &mut Table) {
    let Some(Value::Table(methods)) = table.get_mut("writes").and_then(|writes| writes.get_mut("methods"))
    else {
        return;
    };
    let mut flat = Table::new();
    flatten_into(&mut flat, "", std::mem::take(methods));
    *methods = flat;
}

fn flatten_into(flat: &mut Table, prefix: &str, table: Table) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) if !inner.contains_key("mode") => flatten_into(flat, &path, inner),
            leaf => {
                flat.insert(path, leaf);
            }
        }
    }
}

/// Puts the default in the place of the value at `key`, or nothing where there is none; false when there is
/// no such place.
fn replace(table: &mut Table, key: &str, default: Option<&Value>) -> bool {
    if table.contains_key(key) {
        match default {
            Some(default) => table.insert(key.to_owned(), default.clone()),
            None => table.remove(key),
        };
        return true;
    }
    match key.split_once('.') {
        Some((head, rest)) => {
            let inner = table.get_mut(head).and_then(Value::as_table_mut);
            inner.is_some_and(|inner| replace(inner, rest, default))
        }
        None => false,
    }
}

fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    if let Some(value) = table.get(key) {
        return Some(value);
    }
    let (head, rest) = key.split_once('.')?;
    lookup(table.get(head)?.as_table()?, rest)
}

pub(super) fn problem(key: &str, message: String) -> ConfigProblem {
    ConfigProblem { key: key.to_owned(), message }
}
