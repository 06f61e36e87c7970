//! The condition under which a client lets its write happen: `If-Match`, or an `etag` field.
//!
//! Both become the version that the commit itself compares; nothing is checked ahead of it, except
//! where a header names several versions and one has to be picked.

use std::sync::Arc;

use super::exchange::Exchange;
use super::parameters::invalid;
use super::{Api, etag};
use crate::model::{Error, Key, Precondition, Reason, Result, Version};
use crate::schema::ResourceType;

/// 400 for conditions on a write that has no resource to compare: a create, a command.
pub fn refuse_conditions(exchange: &Exchange) -> Result<()> {
    // On a create `*` says what a create means anyway.
    let is_plain = exchange.list_header("if-none-match")?.is_none_or(|value| value.trim() == "*");
    if is_plain && exchange.list_header("if-match")?.is_none() {
        return Ok(());
    }
    Err(invalid("If-Match and If-None-Match have no meaning on this method; leave them out".to_owned()))
}

/// As [`refuse_conditions`], where `*` would mean something too: a request of many resources.
pub fn refuse_all_conditions(exchange: &Exchange) -> Result<()> {
    if exchange.list_header("if-match")?.is_none() && exchange.list_header("if-none-match")?.is_none() {
        return Ok(());
    }
    let message = "If-Match and If-None-Match cannot speak of several resources; use `etag` in each of them";
    Err(invalid(message.to_owned()))
}

pub enum Guard {
    None,
    /// `If-None-Match: *`: only where there is none.
    Absent,
    Header(etag::IfMatch),
    Field(Version),
}

impl Guard {
    pub fn of_request(exchange: &Exchange, etag: Option<&str>) -> Result<Self> {
        if exchange.list_header("if-none-match")?.is_some() {
            let message = "If-None-Match has a meaning on reads, and as `*` on an update with allowMissing=true; \
                           leave it out";
            return Err(invalid(message.to_owned()));
        }
        Self::of_match(exchange, etag)
    }

    /// Of an update that may create.
    pub fn of_upsert(exchange: &Exchange, etag: Option<&str>) -> Result<Self> {
        let Some(none_match) = exchange.list_header("if-none-match")? else {
            return Self::of_match(exchange, etag);
        };
        if none_match.trim() != "*" {
            return Err(invalid("If-None-Match is `*` on a write; name versions in If-Match".to_owned()));
        }
        match Self::of_match(exchange, etag)? {
            Guard::None => Ok(Guard::Absent),
            _ => {
                Err(invalid("If-None-Match: * and a version exclude each other; send one of them".to_owned()))
            }
        }
    }

    fn of_match(exchange: &Exchange, etag: Option<&str>) -> Result<Self> {
        let header = exchange.list_header("if-match")?.as_deref().map(etag::IfMatch::parse);
        let field = etag.filter(|text| !text.is_empty()).map(etag::version_of_field).transpose()?;
        match (header, field) {
            (Some(header), Some(version)) if !header.holds(version) => {
                Err(invalid("If-Match and `etag` name different versions; send one of them".to_owned()))
            }
            (Some(etag::IfMatch::Versions(one)), Some(_)) if one.len() == 1 => {
                Ok(Guard::Header(etag::IfMatch::Versions(one)))
            }
            // The narrower of the two: a list or `*` lets other versions pass.
            (_, Some(version)) => Ok(Guard::Field(version)),
            (Some(header), None) => Ok(Guard::Header(header)),
            (None, None) => Ok(Guard::None),
        }
    }

    /// What the commit compares.
    pub async fn precondition(
        &self,
        api: &Api,
        exchange: &Exchange,
        kind: &Arc<ResourceType>,
        key: &Key,
    ) -> Result<Precondition> {
        let versions = match self {
            Guard::None => return Ok(Precondition::None),
            Guard::Absent => return Ok(Precondition::Absent),
            Guard::Field(version) => return Ok(Precondition::Version(*version)),
            Guard::Header(etag::IfMatch::Any) => return Ok(Precondition::Exists),
            Guard::Header(etag::IfMatch::Versions(versions)) => versions,
        };
        // No resource has version 0: the commit refuses, in the same words as for a stale one.
        let first = versions.first().copied().unwrap_or(Version(0));
        if versions.len() <= 1 {
            return Ok(Precondition::Version(first));
        }
        let read = api.reads.get(kind, key, &exchange.principal.sight(), exchange.deadline).await?;
        let current = read.value.map(|stored| stored.version).filter(|current| versions.contains(current));
        // None of them: still the commit's to refuse, which knows whether this is a retry to replay.
        Ok(Precondition::Version(current.unwrap_or(first)))
    }

    /// The commit's version conflict in the words of whoever set the condition: 412 or 409.
    pub fn explain(&self, error: Error) -> Error {
        let is_conflict = matches!(error.reason, Reason::EtagMismatch | Reason::Conflict | Reason::IfMatch);
        match self {
            Guard::Absent if is_conflict || error.reason == Reason::AlreadyExists => {
                Error::new(Reason::IfMatch, "If-None-Match: * demands that there is none, and there is one")
            }
            Guard::Header(_) if is_conflict => etag::if_match_failed(),
            Guard::Field(_) if is_conflict => {
                Error::new(Reason::EtagMismatch, "`etag` is not the resource's current one; read it again")
            }
            _ => error,
        }
    }
}
