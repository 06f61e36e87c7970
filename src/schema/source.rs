//! Files → linked descriptors: walks `.proto` trees, falls back on the bundled files, parses, links.
//!
//! Not here: what the options mean. Invariant: a file found on a path wins over a bundled one, and
//! an earlier path over a later one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use prost_reflect::DescriptorPool;
use protox::file::{File, FileResolver, GoogleFileResolver};

use super::SchemaProblem;
use super::nesting::{self, NESTING_MAX};
use super::{descriptor_set, import_cycle, remedy};

/// Compiled in, so that a foreign tree need not bring the google.api declarations along.
const BUNDLED: &[(&str, &str)] = &[
    ("buf/validate/validate.proto", include_str!("../../proto/buf/validate/validate.proto")),
    ("google/api/annotations.proto", include_str!("../../proto/google/api/annotations.proto")),
    ("google/api/client.proto", include_str!("../../proto/google/api/client.proto")),
    ("google/api/field_behavior.proto", include_str!("../../proto/google/api/field_behavior.proto")),
    ("google/api/http.proto", include_str!("../../proto/google/api/http.proto")),
    ("google/api/resource.proto", include_str!("../../proto/google/api/resource.proto")),
    ("google/longrunning/operations.proto", include_str!("../../proto/google/longrunning/operations.proto")),
    ("google/rpc/status.proto", include_str!("../../proto/google/rpc/status.proto")),
    ("trine/v1/options.proto", include_str!("../../proto/trine/v1/options.proto")),
];

/// What the parser says of a file that is not complete; it says no place.
const END_OF_FILE: &str = "but reached end of file";

/// Everything found on the paths, linked, with source locations where there was source.
pub(super) struct Sources {
    pub pool: DescriptorPool,
    /// Names of the files that were on the paths; the others are only imported.
    pub own_files: Vec<String>,
}

/// Reads and links all paths; every mistake that can be told apart is reported.
pub(super) fn read(paths: &[PathBuf]) -> Result<Sources, Vec<SchemaProblem>> {
    let mut problems = Vec::new();
    let mut tree = Tree::default();
    for path in paths {
        if path.is_dir() {
            walk(path, path, &mut tree, &mut problems);
        } else if path.extension().is_some_and(|extension| extension == "binpb") {
            tree.add_descriptor_set(path, &mut problems);
        } else {
            problems.push(SchemaProblem::at(
                path.display(),
                "no such directory; `schema.paths` lists directories of .proto files and .binpb descriptor sets",
            ));
        }
    }
    // Linking a tree with unreadable files would only report their absence once more.
    if problems.is_empty() { link(tree) } else { Err(problems) }
}

#[derive(Clone, Default)]
struct Tree {
    sources: BTreeMap<String, String>,
    /// Encoded `FileDescriptorProto`s.
    compiled: BTreeMap<String, Vec<u8>>,
}

impl Tree {
    fn add_source(&mut self, name: String, path: &Path, problems: &mut Vec<SchemaProblem>) {
        // A pipe would be waited for.
        if !path.is_file() {
            let message = "is no regular file; remove it, or give it another name";
            return problems.push(SchemaProblem::at(path.display(), message));
        }
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return problems.push(SchemaProblem::at(path.display(), error)),
        };
        let text = match std::str::from_utf8(&bytes) {
            // Some editors begin files with a byte order mark, which says nothing in UTF-8.
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let message = "this is no UTF-8; save the file in that encoding";
                return problems.push(SchemaProblem::at(place(&name, &before), message));
            }
        };
        if let Some(at) = nesting::too_deep(&text) {
            let message = format!("more than {NESTING_MAX} brackets within one another; flatten it");
            return problems.push(SchemaProblem::at(place(&name, &text[..at]), message));
        }
        if let Some((line, column)) = edition_statement(&text) {
            return problems.push(SchemaProblem::at(
                format_args!("{name}:{line}:{column}"),
                "editions are not read yet; write `syntax = \"proto3\";`",
            ));
        }
        self.sources.entry(name).or_insert(text);
    }

    fn add_descriptor_set(&mut self, path: &Path, problems: &mut Vec<SchemaProblem>) {
        let files = std::fs::read(path)
            .map_err(|error| vec![SchemaProblem::at(path.display(), error)])
            .and_then(|bytes| descriptor_set::files(&bytes));
        match files {
            Ok(files) => files.into_iter().for_each(|(name, bytes)| {
                self.compiled.entry(name).or_insert(bytes);
            }),
            Err(found) => problems.extend(found.into_iter().map(|problem| {
                SchemaProblem::at(format_args!("{}: {}", path.display(), problem.location), problem.message)
            })),
        }
    }
}

impl FileResolver for Tree {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if let Some(text) = self.sources.get(name) {
            return File::from_source(name, text);
        }
        if let Some(bytes) = self.compiled.get(name) {
            return File::decode_file_descriptor_proto(bytes.as_slice()).map_err(protox::Error::new);
        }
        match BUNDLED.iter().find(|(bundled, _)| *bundled == name) {
            Some((_, text)) => File::from_source(name, text),
            None => GoogleFileResolver::new().open_file(name),
        }
    }
}

fn walk(root: &Path, directory: &Path, tree: &mut Tree, problems: &mut Vec<SchemaProblem>) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return problems.push(SchemaProblem::at(directory.display(), error)),
    };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path.is_dir() {
            // A link could lead back up; trees of .proto files have no need of one.
            if !path.is_symlink() {
                walk(root, &path, tree, problems);
            }
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            tree.add_source(parts.join("/"), &path, problems);
        }
    }
}

fn link(tree: Tree) -> Result<Sources, Vec<SchemaProblem>> {
    let own_files: Vec<String> = tree.sources.keys().chain(tree.compiled.keys()).cloned().collect();
    let mut compiler = protox::Compiler::with_file_resolver(tree.clone());
    let mut problems: Vec<SchemaProblem> = Vec::new();
    for name in &own_files {
        if let Err(error) = compiler.open_file(name) {
            // A broken file is reported once, not again by each file that imports it.
            let fresh =
                tree.problems_of(name, &error).into_iter().filter(|problem| !problems.contains(problem));
            let fresh: Vec<SchemaProblem> = fresh.collect();
            problems.extend(without_echoes(fresh));
        }
    }
    let pool = compiler.descriptor_pool();
    if problems.is_empty() { Ok(Sources { pool, own_files }) } else { Err(problems) }
}

/// A name that is defined twice is also said to collide in JSON, in the same place; a text that is not closed swallows
/// what follows it.
fn without_echoes(problems: Vec<SchemaProblem>) -> Vec<SchemaProblem> {
    let is_twice = |location: &str| {
        problems.iter().any(|one| one.location == location && one.message.contains("is defined twice"))
    };
    let is_open = problems.iter().any(|problem| problem.message.starts_with("unterminated string"));
    let is_echo = |problem: &SchemaProblem| {
        problem.message.starts_with("camel-case name") && is_twice(&problem.location)
            || problem.message.starts_with("expected ") && is_open
    };
    problems.iter().filter(|problem| !is_echo(problem)).cloned().collect()
}

impl Tree {
    /// The parser's own words, each with its place: one failure may hold several mistakes.
    fn problems_of(&self, opened: &str, error: &protox::Error) -> Vec<SchemaProblem> {
        let file = error.file().unwrap_or(opened);
        let first: &dyn Diagnostic = error;
        let mistakes = std::iter::once(first).chain(error.related().into_iter().flatten());
        mistakes.map(|mistake| self.problem(file, mistake)).collect()
    }

    fn problem(&self, file: &str, mistake: &dyn Diagnostic) -> SchemaProblem {
        // Of two labels the first is what the second collides with.
        let offset = mistake.labels().and_then(Iterator::last).map(|label| label.offset());
        let sentence = mistake.to_string();
        if let Some(problem) = import_cycle::problem(&sentence, &self.sources) {
            return problem;
        }
        let text = self.sources.get(file);
        let before = match offset {
            Some(offset) => text.and_then(|text| text.get(..offset)),
            None if sentence.ends_with(END_OF_FILE) => text.map(|text| text.trim_end()),
            None => None,
        };
        let location = before.map_or_else(|| file.to_owned(), |before| place(file, before));
        let help = mistake.help().map(|help| help.to_string());
        SchemaProblem { location, message: remedy::teach(&sentence, help) }
    }
}

/// The place in a file that follows `before`.
fn place(file: &str, before: &str) -> String {
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    format!("{file}:{}:{}", before.matches('\n').count() + 1, before.len() - line_start + 1)
}

/// Line and column of an `edition = …` statement, which can only be a file's first.
fn edition_statement(text: &str) -> Option<(usize, usize)> {
    let mut rest = text.trim_start();
    loop {
        rest = if rest.starts_with("//") {
            rest.split_once('\n')?.1
        } else if rest.starts_with("/*") {
            rest.split_once("*/")?.1
        } else {
            break;
        }
        .trim_start();
    }
    let after = rest.strip_prefix("edition")?;
    let before = &text[..text.len() - rest.len()];
    let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
    after.trim_start().starts_with('=').then(|| (before.matches('\n').count() + 1, column))
}
