//! What a mounted action is called and which group it belongs to.

use std::sync::Arc;

use crate::http::routes::Action;
use crate::schema::{Catalogue, Command, ResourceType};

/// An action in the words of the document.
pub struct Method {
    /// `blog.v1.Entry.Create`, `blog.v1.BlogService.Publish`: stable, as in configuration.
    pub id: String,
    /// `blog.v1.Entry`
    pub tag: String,
    pub summary: String,
    pub description: Option<String>,
    /// Which errors it may answer: those of its class.
    pub class: Class,
}

/// Actions that fail for the same reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Get,
    List,
    Create,
    Update,
    Delete,
    BatchGet,
    BatchCreate,
    BatchUpdate,
    BatchDelete,
    Undelete,
    Command,
    WriteSet,
    GetOperation,
    ListOperations,
    CancelOperation,
    Peer,
    Document,
}

impl Class {
    pub const ALL: [Self; 17] = [
        Self::Get,
        Self::List,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::BatchGet,
        Self::BatchCreate,
        Self::BatchUpdate,
        Self::BatchDelete,
        Self::Undelete,
        Self::Command,
        Self::WriteSet,
        Self::GetOperation,
        Self::ListOperations,
        Self::CancelOperation,
        Self::Peer,
        Self::Document,
    ];
}

impl Method {
    /// None for what is not documented: it is answered 501.
    pub fn of(action: &Action, pattern: &str, catalogue: &Catalogue) -> Option<Self> {
        let standard = |kind: &Arc<ResourceType>, class: Class, summary: &str| {
            let name = kind.descriptor.name();
            Self {
                id: format!("{}.{class:?}", kind.name),
                tag: kind.name.to_string(),
                summary: summary.replace("{}", name),
                description: None,
                class,
            }
        };
        let own = |service: &str, method: &str, class: Class, summary: &str| Self {
            id: format!("trine.v1.{service}.{method}"),
            tag: format!("trine.v1.{service}"),
            summary: summary.to_owned(),
            description: None,
            class,
        };
        Some(match action {
            Action::Get(kind) => standard(kind, Class::Get, "Get one {}"),
            Action::List(kind) => standard(kind, Class::List, "List {} resources, a page at a time"),
            Action::Create(kind) => standard(kind, Class::Create, "Create one {}"),
            Action::Update(kind) => standard(kind, Class::Update, "Update fields of one {}"),
            Action::Delete(kind) => standard(kind, Class::Delete, "Delete one {}"),
            Action::BatchGet(kind) => standard(kind, Class::BatchGet, "Get several {} resources by name"),
            Action::BatchCreate(kind) => {
                standard(kind, Class::BatchCreate, "Create several {} resources or none")
            }
            Action::BatchUpdate(kind) => {
                standard(kind, Class::BatchUpdate, "Update several {} resources or none")
            }
            Action::BatchDelete(kind) => {
                standard(kind, Class::BatchDelete, "Delete several {} resources or none")
            }
            Action::CommitWriteSet => own(
                "WriteSets",
                "Commit",
                Class::WriteSet,
                "Commit writes of any types together or not at all",
            ),
            Action::Undelete(kind) => standard(kind, Class::Undelete, "Bring back one {} that is deleted"),
            Action::Command(command) => Self::command(command, catalogue),
            Action::GetOperation => own("Operations", "Get", Class::GetOperation, "Get one operation"),
            Action::ListOperations => {
                own("Operations", "List", Class::ListOperations, "List operations, newest first")
            }
            Action::CancelOperation => own(
                "Operations",
                "Cancel",
                Class::CancelOperation,
                "Cancel an operation that is not committed",
            ),
            Action::PeerCall => {
                let last = pattern.rsplit(['/', ':']).next().unwrap_or_default();
                own("Peers", last, Class::Peer, "A signed call between roles")
            }
            Action::OpenApi => own("Documents", "OpenApi", Class::Document, "This document"),
            Action::Docs => own("Documents", "Docs", Class::Document, "This document as a page"),
            Action::NotYet(..) => return None,
        })
    }

    fn command(command: &Command, catalogue: &Catalogue) -> Self {
        let comment = catalogue.comment(&command.name);
        let service = command.descriptor.parent_service().full_name().to_owned();
        Self {
            id: command.name.clone(),
            tag: service,
            summary: command.descriptor.name().to_owned(),
            description: comment.map(str::to_owned),
            class: Class::Command,
        }
    }
}
