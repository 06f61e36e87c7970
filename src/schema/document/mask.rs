//! `readMask` → the members of a resource's JSON that are answered (AIP-157, 161).
//!
//! Picks from the text: what a mask leaves out is skipped and what it names whole is copied, without
//! a tree of values. Not here: masks of updates (`edits`).

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::canonical::map_key;
use super::strict_json::DEPTH_MAX;
use crate::model::{Error, Reason, Result, Stored};
use crate::schema::ResourceType;
use crate::schema::shape::{FieldKind, FieldShape, Form, MessageShape};

/// What is answered of a resource, checked against its schema.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadMask {
    parts: Parts,
}

/// Members by JSON name or key; of a list and for every key of a map, `each`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Parts {
    members: BTreeMap<String, Picked>,
    each: Option<Box<Picked>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Picked {
    Whole,
    Parts(Parts),
}

/// What the next segment of a path is looked up in.
#[derive(Clone, Copy)]
enum Inside<'a> {
    Message(&'a MessageShape),
    List(&'a FieldShape),
    Map(&'a FieldShape),
    /// Nothing can be named in it.
    Value,
}

impl ResourceType {
    /// The mask of these paths, each a list of names, keys and `*`.
    pub fn read_mask(&self, paths: &[Vec<String>]) -> Result<ReadMask> {
        let mut parts = Parts::default();
        for path in paths {
            let names = self.spelled(path)?;
            parts.add(&names);
        }
        Ok(ReadMask { parts })
    }

    /// Appends the masked JSON of a row.
    pub fn push_masked(&self, stored: &Stored, mask: &ReadMask, text: &mut String) -> Result<()> {
        let whole = self.render_json(stored);
        push(&[&mask.parts], &whole, text).map_err(|error| {
            Error::internal(format!("stored {} `{}` is no JSON: {error}", self.name, stored.key))
        })
    }

    /// The path with each name as JSON spells it; none stands for `*`.
    fn spelled(&self, path: &[String]) -> Result<Vec<Option<String>>> {
        refuse_too_deep(path)?;
        let mut inside = Inside::Message(self.message_shape());
        let mut names = Vec::with_capacity(path.len());
        for (at, segment) in path.iter().enumerate() {
            let refuse = |reason: String| Err(invalid(&path[..=at], &reason));
            let (name, next) = match inside {
                Inside::Value => return refuse("there are no parts; end the path before it".to_owned()),
                // `author.*` is `author`.
                Inside::Message(_) if segment == "*" && at > 0 && at + 1 == path.len() => break,
                Inside::Message(shape) => match shape.field(segment) {
                    Some(field) => (Some(field.json_name.clone()), self.inside_field(field)),
                    None => return refuse(format!("there is no field `{segment}`; correct its name")),
                },
                Inside::List(_) if segment != "*" => {
                    return refuse("it is in a list; write `*` before it, as in `items.*.field`".to_owned());
                }
                Inside::List(field) => (None, self.inside_kind(&field.kind)),
                Inside::Map(field) if segment == "*" => (None, self.inside_kind(&field.kind)),
                Inside::Map(field) => {
                    let Form::Map(key) = field.form else { return refuse("it is no key".to_owned()) };
                    match map_key(segment, key) {
                        Ok(key) => (Some(key), self.inside_kind(&field.kind)),
                        Err(expected) => return refuse(format!("a key of it must be {expected}")),
                    }
                }
            };
            names.push(name);
            inside = next;
        }
        Ok(names)
    }

    fn inside_field<'a>(&'a self, field: &'a FieldShape) -> Inside<'a> {
        match field.form {
            Form::List => Inside::List(field),
            Form::Map(_) => Inside::Map(field),
            _ => self.inside_kind(&field.kind),
        }
    }

    fn inside_kind<'a>(&'a self, kind: &FieldKind) -> Inside<'a> {
        match kind {
            FieldKind::Message(index) => {
                let shape = self.shapes.message(*index);
                if shape.well_known.is_none() { Inside::Message(shape) } else { Inside::Value }
            }
            _ => Inside::Value,
        }
    }
}

impl ReadMask {
    /// Ten hexadecimal digits that tell this mask from others.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(format!("{:?}", self.parts));
        digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Parts {
    fn add(&mut self, path: &[Option<String>]) {
        let Some((name, rest)) = path.split_first() else { return };
        let nothing = Picked::Parts(Self::default());
        let picked = match name {
            Some(name) => self.members.entry(name.clone()).or_insert(nothing),
            None => self.each.get_or_insert(Box::new(nothing)),
        };
        match picked {
            // The whole holds the part.
            Picked::Whole => {}
            picked if rest.is_empty() => *picked = Picked::Whole,
            Picked::Parts(parts) => parts.add(rest),
        }
    }
}

/// Appends what is picked of an object or array by any of these: a mask is the union of its paths, of which
/// several may lead to one place (`labels.a.x`, `labels.*.y`). They are never more than the paths, while a
/// tree of all combinations could be as large as their product.
fn push(picked: &[&Parts], json: &str, text: &mut String) -> serde_json::Result<()> {
    if json.trim_start().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(json)?;
        let each =
            together(picked.iter().filter_map(|parts| parts.each.as_deref())).unwrap_or(Together::Whole);
        return push_all(items.into_iter().map(|item| (None, item, each.clone())), ['[', ']'], text);
    }
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
    let picked = members.iter().filter_map(|(name, value)| {
        let of = picked.iter().flat_map(|parts| [parts.members.get(name), parts.each.as_deref()]);
        Some((Some(name.as_str()), *value, together(of.flatten())?))
    });
    push_all(picked, ['{', '}'], text)
}

/// What several paths pick of one place.
#[derive(Clone)]
enum Together<'m> {
    Whole,
    Parts(Vec<&'m Parts>),
}

/// None where there is none of them.
fn together<'m>(all: impl Iterator<Item = &'m Picked>) -> Option<Together<'m>> {
    let mut together = Vec::new();
    for picked in all {
        match picked {
            Picked::Whole => return Some(Together::Whole),
            Picked::Parts(parts) => together.push(parts),
        }
    }
    (!together.is_empty()).then_some(Together::Parts(together))
}

fn push_all<'a>(
    items: impl Iterator<Item = (Option<&'a str>, &'a RawValue, Together<'a>)>,
    [open, close]: [char; 2],
    text: &mut String,
) -> serde_json::Result<()> {
    text.push(open);
    for (position, (name, value, picked)) in items.enumerate() {
        if position > 0 {
            text.push(',');
        }
        if let Some(name) = name {
            text.push_str(&serde_json::to_string(name)?);
            text.push(':');
        }
        match picked {
            Together::Parts(parts) if value.get().starts_with(['{', '[']) => push(&parts, value.get(), text)?,
            _ => text.push_str(value.get()),
        }
    }
    text.push(close);
    Ok(())
}

/// A path names a place in a document, and documents go no deeper. A mask is walked by recursion: a path
/// of any length would overflow the stack.
pub(super) fn refuse_too_deep(path: &[String]) -> Result<()> {
    if path.len() <= DEPTH_MAX {
        return Ok(());
    }
    let reason = format!("a path goes {DEPTH_MAX} deep at most, as resources do; end it earlier");
    let shown = format!("{}…", path[..4].join("."));
    Err(Error::new(Reason::InvalidMask, format!("mask path `{shown}`: {reason}"))
        .with_violation(shown, reason))
}

fn invalid(path: &[String], reason: &str) -> Error {
    let path = path.join(".");
    Error::new(Reason::InvalidMask, format!("mask path `{path}`: {reason}")).with_violation(path, reason)
}
