//! Rules over resources that are deleted softly.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::model::{AnswerPlan, Change, Precondition, WriteSet};
use crate::schema;
use crate::store::{DatabaseUrl, OpenOptions, WriteStore};

/// What this rule's binary knows of `archive.v1.Folder`.
#[derive(Clone, PartialEq, prost::Message)]
struct Folder {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "8")]
    title: String,
}

impl Name for Folder {
    const NAME: &'static str = "Folder";
    const PACKAGE: &'static str = "archive.v1";
}

struct Archive {
    catalogue: Arc<Catalogue>,
    reads: ReadStore,
    writes: WriteStore,
    runtime: tokio::runtime::Runtime,
    _directory: tempfile::TempDir,
}

impl Archive {
    fn open() -> Self {
        let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/archive");
        let catalogue = schema::load(&[protos], &["archive.v1".to_owned()]).expect("the archive loads");
        let directory = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(directory.path().join("archive.db"));
        let writes = WriteStore::open(&url, OpenOptions::SMALL, &catalogue).unwrap();
        let reads = ReadStore::open(&url, OpenOptions::SMALL, false).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        Self { catalogue: Arc::new(catalogue), reads, writes, runtime, _directory: directory }
    }

    fn context(&self) -> Context {
        let deadline = Deadline::after(Duration::from_secs(10));
        let principal = Default::default();
        Context::new(
            self.catalogue.clone(),
            self.reads.clone(),
            principal,
            self.runtime.handle().clone(),
            deadline,
        )
    }

    /// Runs a rule and commits what it wants.
    fn run<T>(&self, rule: impl FnOnce(&mut Context) -> Result<T>) -> Result<T> {
        let mut context = self.context();
        let answer = rule(&mut context)?;
        let write_set = WriteSet {
            mutations: context.into_mutations()?,
            answer: AnswerPlan::Empty,
            idempotency: None,
            operation: None,
            validate_only: false,
            principal: Default::default(),
            request_id: String::new(),
            traceparent: None,
        };
        let deadline = Deadline::after(Duration::from_secs(10));
        self.runtime.block_on(self.writes.commit(write_set, deadline))?;
        Ok(answer)
    }
}

const F: &str = "cabinets/c/folders/f";

fn create(context: &mut Context) -> Result<Folder> {
    context.create("cabinets/c", "f", Folder { title: "F".to_owned(), ..Folder::default() })
}

/// Given a folder that a rule deletes, then later rules do not see it, cannot take its id, and can bring it back.
#[test]
fn a_rule_deletes_softly_and_brings_back() {
    let archive = Archive::open();
    archive.run(create).unwrap();
    archive.run(|context| context.delete::<Folder>(F)).unwrap();
    let seen = |context: &mut Context| {
        Ok((context.get::<Folder>(F)?.is_some(), context.list::<Folder>("cabinets/c", 10)?.len()))
    };
    assert_eq!(archive.run(seen).unwrap(), (false, 0));
    assert_eq!(archive.run(create).unwrap_err().reason, Reason::AlreadyExists);
    assert_eq!(archive.run(|context| context.delete::<Folder>(F)).unwrap_err().reason, Reason::NotFound);
    let restored = archive.run(|context| {
        let folder: Folder = context.undelete(F)?;
        assert!(context.get::<Folder>(F)?.is_some() && context.list::<Folder>("cabinets/c", 10)?.len() == 1);
        Ok(folder)
    });
    assert_eq!(restored.unwrap(), Folder { name: F.to_owned(), title: "F".to_owned() });
    assert_eq!(archive.run(seen).unwrap(), (true, 1));
    let again = archive.run(|context| context.undelete::<Folder>(F));
    assert_eq!(again.unwrap_err().reason, Reason::AlreadyExists);
}

/// Given a deleted folder, what a rule makes of it is guarded by the version that it saw.
#[test]
fn an_undelete_is_guarded_by_what_was_seen() {
    let archive = Archive::open();
    archive.run(create).unwrap();
    archive.run(|context| context.delete::<Folder>(F)).unwrap();
    let mut context = archive.context();
    context.undelete::<Folder>(F).unwrap();
    let mutations = context.into_mutations().unwrap();
    assert_eq!(mutations[0].change, Change::Undelete);
    assert!(matches!(mutations[0].precondition, Precondition::Version(_)));
    let mut context = archive.context();
    context.undelete::<Folder>(F).unwrap();
    context.delete::<Folder>(F).unwrap();
    assert_eq!(context.into_mutations().unwrap()[0].change, Change::Check);
}
