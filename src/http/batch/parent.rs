//! The parent that a batch's path names, and whether its members are its children.

use crate::http::exchange::Exchange;
use crate::http::path::check_id;
use crate::model::{Error, Key, Reason, Result};
use crate::schema::ResourceType;

/// Ids in the order of the path; `-` is any (AIP-159). None for a type at the top.
pub struct Parent(Vec<String>);

impl Parent {
    pub fn of_path(exchange: &Exchange) -> Result<Self> {
        exchange.ids.iter().filter(|id| *id != "-").try_for_each(|id| check_id(id))?;
        Ok(Self(exchange.ids.clone()))
    }

    /// Of a request whose path names no parent.
    pub fn any(kind: &ResourceType) -> Self {
        Self(vec!["-".to_owned(); kind.pattern.depth() - 1])
    }

    /// The `parent` of the request itself repeats the path or is left out.
    pub fn check_given(&self, kind: &ResourceType, given: &str, path: &str) -> Result<()> {
        if given.is_empty() || given == self.name(kind) {
            return Ok(());
        }
        if self.0.is_empty() {
            return Err(self.no_parent(kind, given, path));
        }
        Err(differs(path, &format!("`{}`, which the path says", self.name(kind))))
    }

    /// The ids of the parent under which a member is created, joined by `/`.
    pub fn of_member(&self, kind: &ResourceType, given: &str, path: &str) -> Result<String> {
        if given.is_empty() && self.0.iter().all(|id| id != "-") {
            return Ok(self.0.join("/"));
        }
        let ids = parse(kind, given);
        let ids = ids.filter(|ids| self.has(ids.iter().map(String::as_str)));
        let ids = ids.ok_or_else(|| self.no_parent(kind, given, path))?;
        ids.iter().try_for_each(|id| check_id(id)).map_err(|error| error.within(path))?;
        Ok(ids.join("/"))
    }

    fn no_parent(&self, kind: &ResourceType, given: &str, path: &str) -> Error {
        let above = &kind.pattern.segments[..kind.pattern.depth() - 1];
        let shape: Vec<String> =
            above.iter().map(|(collection, id)| format!("{collection}/{{{id}}}")).collect();
        let message = match shape.join("/") {
            shape if shape.is_empty() => {
                format!("`{path}` must be left out: a {} has no parent", kind.name)
            }
            shape if given.is_empty() => {
                format!("`{path}` is missing: a {} has a parent, `{shape}`", kind.name)
            }
            shape => format!(
                "`{path}`: `{}` is not a parent in `{}`; write `{shape}`",
                shown(given),
                self.name(kind)
            ),
        };
        Error::new(Reason::InvalidField, message.clone()).with_violation(path, message)
    }

    /// The key of a resource that is named in full; 400 for one of another type or of another parent.
    pub fn key(&self, kind: &ResourceType, name: &str, path: &str) -> Result<Key> {
        let key = kind.pattern.key_of(name).ok_or_else(|| {
            let message = format!("`{path}` names no {}: `{}`", kind.name, shown(name));
            Error::new(Reason::InvalidField, message.clone()).with_violation(path, message)
        })?;
        key.split('/').try_for_each(check_id).map_err(|error| error.within(path))?;
        if self.has(key.split('/')) {
            return Ok(Key::new(&key));
        }
        Err(differs(path, &format!("in `{}`, which the path says", self.name(kind))))
    }

    fn has<'i>(&self, ids: impl Iterator<Item = &'i str>) -> bool {
        self.0.iter().zip(ids).all(|(wanted, id)| wanted == "-" || wanted == id)
    }

    /// `users/alice`
    fn name(&self, kind: &ResourceType) -> String {
        let collections = kind.pattern.segments.iter().map(|(collection, _)| collection);
        let pairs = collections.zip(&self.0).map(|(collection, id)| format!("{collection}/{id}"));
        pairs.collect::<Vec<_>>().join("/")
    }
}

/// The ids of a parent's name.
fn parse(kind: &ResourceType, name: &str) -> Option<Vec<String>> {
    let parents = &kind.pattern.segments[..kind.pattern.depth() - 1];
    let parts: Vec<&str> = name.split('/').collect();
    let fits = parts.len() == parents.len() * 2
        && parts.chunks(2).zip(parents).all(|(pair, (collection, _))| pair[0] == collection);
    fits.then(|| parts.chunks(2).map(|pair| pair[1].to_owned()).collect())
}

fn differs(path: &str, expected: &str) -> Error {
    let message = format!("`{path}` is not {expected}");
    Error::new(Reason::InvalidField, message.clone()).with_violation(path, message)
}

fn shown(name: &str) -> String {
    name.chars().take(130).collect()
}
