//! `.proto` trees and descriptor sets → [`Catalogue`]; every mistake is found, none is a panic.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use prost_reflect::{DescriptorPool, FileDescriptor};
use sha2::{Digest, Sha256};

use super::comments::Comments;
use super::constraint::Constraints;
use super::location::Problems;
use super::options::Options;
use super::shape::Shapes;
use super::{Catalogue, constraint, descriptor_set, json_names, methods, misplaced, resource, source};

/// One mistake: `entry.proto:12:3: message; what to do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaProblem {
    pub location: String,
    pub message: String,
}

impl SchemaProblem {
    pub(super) fn at(location: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self { location: location.to_string(), message: message.to_string() }
    }
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.location, self.message)
    }
}

/// The parser follows imports by recursion: a stack for chains of many thousand files. Only what is used of it
/// takes memory.
const STACK_BYTES: usize = 512 << 20;

/// Loads all `paths` (directories of `.proto`, or `.binpb` descriptor sets). `domains` are globs of
/// the packages that are served (`*` for all); the others are only imported from.
pub fn load(paths: &[PathBuf], domains: &[String]) -> Result<Catalogue, Vec<SchemaProblem>> {
    std::thread::scope(|scope| {
        let here = || load_here(paths, domains);
        match std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, here) {
            Ok(loading) => loading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => here(),
        }
    })
}

fn load_here(paths: &[PathBuf], domains: &[String]) -> Result<Catalogue, Vec<SchemaProblem>> {
    let sources = source::read(paths)?;
    let serves = |package: &str| is_served(package, domains);
    let own = sources.own_files.iter().filter_map(|name| sources.pool.get_file_by_name(name));
    let served: Vec<FileDescriptor> = own.filter(|file| serves(file.package_name())).collect();
    let bytes = descriptor_set::encode(&with_imports(served));
    let pool = descriptor_set::link(&bytes)?;
    compile(bytes, pool, Some(&sources.pool), &serves)
}

/// Rebuilds the catalogue that a database has admitted.
pub fn from_descriptor_set(bytes: &[u8]) -> Result<Catalogue, Vec<SchemaProblem>> {
    let pool = descriptor_set::decode(bytes)?;
    compile(bytes.to_vec(), pool, None, &|package| is_served(package, &["*".to_owned()]))
}

fn compile(
    bytes: Vec<u8>,
    pool: DescriptorPool,
    sources: Option<&DescriptorPool>,
    serves: &dyn Fn(&str) -> bool,
) -> Result<Catalogue, Vec<SchemaProblem>> {
    let options = Options::new(&pool);
    let mut problems = Problems::new(sources);
    let mut shapes = Shapes::new(&pool, &options);
    shapes.constrain(constraints(&pool, serves, &options, &shapes, sources.is_some(), &mut problems));
    let shapes = Arc::new(shapes);
    let mut types = resource::resource_types(&pool, serves, &options, &shapes, &mut problems);
    if sources.is_some() {
        misplaced::refuse(&pool, serves, &options, &mut problems);
        json_names::refuse(&pool, &mut problems);
        constraint::refuse_unjudged(&types, &mut problems);
    }
    let methods = methods::methods(&pool, serves, &options, &mut types, &mut problems);
    let (tombstones, types): (Vec<_>, Vec<_>) =
        types.into_iter().map(Arc::new).partition(|kind| kind.dropped);
    let by_name: HashMap<_, _> =
        types.iter().enumerate().map(|(index, kind)| (kind.name.clone(), index)).collect();
    let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let is_theirs = |package: &str| !VOCABULARY.contains(&package);
    let comments = sources.map(|sources| Comments::gather(sources, &is_theirs)).unwrap_or_default();
    let left_out = problems.left_out;
    problems.into_result(Catalogue {
        left_out,
        pool,
        shapes,
        types,
        tombstones,
        sources: sources.cloned(),
        commands: methods.commands,
        standard_routes: methods.standard_routes,
        requests: methods.requests,
        by_name,
        comments,
        descriptor_set: bytes,
        digest,
        standard_messages: OnceLock::new(),
    })
}

/// Of the served resources and of what the requests of served methods hold.
fn constraints(
    pool: &DescriptorPool,
    serves: &dyn Fn(&str) -> bool,
    options: &Options,
    shapes: &Shapes,
    is_own: bool,
    problems: &mut Problems<'_>,
) -> Constraints {
    let messages = pool.all_messages().filter(|message| serves(message.package_name()));
    let resources = messages.filter(|message| options.resource(message).is_some());
    let services = pool.services().filter(|service| serves(service.package_name()));
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    let requests = methods.filter(|method| options.http(method).is_some()).map(|method| method.input());
    let roots = resources.chain(requests).collect();
    // An admitted schema may be newer than this binary: what it cannot read, the binary that brought it enforces.
    let mut elsewhere = Problems::new(None);
    Constraints::compile(pool, shapes, roots, if is_own { problems } else { &mut elsewhere })
}

/// The files and all that they import, once each.
fn with_imports(served: Vec<FileDescriptor>) -> Vec<FileDescriptor> {
    let mut found = BTreeMap::new();
    let mut pending = served;
    while let Some(file) = pending.pop() {
        if found.contains_key(file.name()) {
            continue;
        }
        pending.extend(file.dependencies());
        found.insert(file.name().to_owned(), file);
    }
    found.into_values().collect()
}

/// What trees carry along to describe themselves with: its services (`google.longrunning.Operations`)
/// are not the tree's, so a wildcard does not mean them.
const VOCABULARY: &[&str] = &[
    "google.api",
    "google.cloud.location",
    "google.iam.v1",
    "google.longrunning",
    "google.protobuf",
    "google.rpc",
    "google.type",
    "buf.validate",
    "trine.v1",
];

pub(super) fn is_vocabulary(package: &str) -> bool {
    VOCABULARY.contains(&package)
}

fn is_served(package: &str, domains: &[String]) -> bool {
    let is_named = domains.iter().any(|glob| glob == package);
    is_named || !is_vocabulary(package) && domains.iter().any(|glob| glob_matches(glob, package))
}

/// `*` stands for any run of characters, dots too: `shop.*` is `shop.v1` and `shop.stock.v1`.
fn glob_matches(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| glob_matches(tail, &rest[at..]))
        }),
    }
}
