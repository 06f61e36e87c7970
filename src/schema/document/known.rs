//! Stored text without what this schema does not show: fields of a newer one, keys of deleted fields, values of a
//! field that has become INPUT_ONLY.
//!
//! Nearly every row has nothing of the kind, so the text is only walked, not parsed, until something is found.
//! Values are not looked at: they were canonical when they were stored.

use std::borrow::Cow;

use memchr::memchr2;
use serde_json::{Map, Value};

use crate::model::Document;
use crate::schema::ResourceType;
use crate::schema::shape::{FieldKind, FieldShape, Form, MessageShape, Shapes};

const COMPARED_MAX: usize = 16;

impl ResourceType {
    /// Borrowed as it is where there is nothing to hide.
    pub(super) fn known_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut walk = Walk { shapes: &self.shapes, bytes: text.as_bytes(), at: 0 };
        if walk.object(self.shape()).is_some() {
            return Cow::Borrowed(text);
        }
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(mut object) => {
                forget(&self.shapes, self.shape(), &mut object);
                Cow::Owned(Value::Object(object).to_string())
            }
            // No document of ours: whoever reads it will say so.
            Err(_) => Cow::Borrowed(text),
        }
    }

    /// Removes what this schema does not show; true if there was something.
    pub fn forget_hidden(&self, document: &mut Document) -> bool {
        forget(&self.shapes, self.shape(), &mut document.0)
    }
}

fn forget(shapes: &Shapes, shape: &MessageShape, object: &mut Map<String, Value>) -> bool {
    let before = object.len();
    object.retain(|key, _| shape.stored_field(key).is_some_and(is_shown));
    let mut forgot = object.len() != before;
    for (key, value) in object {
        let Some(field) = shape.stored_field(key) else { continue };
        let Some(parts) = parts(shapes, field) else { continue };
        let values: Vec<&mut Value> = match (field.form, value) {
            (Form::List, Value::Array(items)) => items.iter_mut().collect(),
            (Form::Map(_), Value::Object(entries)) => entries.values_mut().collect(),
            (_, value) => vec![value],
        };
        for object in values.into_iter().filter_map(Value::as_object_mut) {
            forgot |= forget(shapes, parts, object);
        }
    }
    forgot
}

/// INPUT_ONLY is not stored; what is there was stored before it was, or by an older binary.
fn is_shown(field: &FieldShape) -> bool {
    !field.behavior.input_only
}

/// Most messages have few fields, which are sooner compared than hashed.
fn stored_field<'s>(shape: &'s MessageShape, key: &[u8]) -> Option<&'s FieldShape> {
    if shape.fields.len() > COMPARED_MAX {
        return shape.stored_field(std::str::from_utf8(key).ok()?);
    }
    shape.fields.iter().find(|field| field.json_name.as_bytes() == key)
}

/// The message whose fields the value's keys are.
fn parts<'s>(shapes: &'s Shapes, field: &FieldShape) -> Option<&'s MessageShape> {
    let FieldKind::Message(index) = &field.kind else { return None };
    Some(shapes.message(*index)).filter(|message| message.well_known.is_none())
}

/// Walks JSON text; none at the first key that is not shown, and at anything that is not plain.
struct Walk<'a> {
    shapes: &'a Shapes,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn object(&mut self, shape: &MessageShape) -> Option<()> {
        self.members(|walk, key| {
            let field = stored_field(shape, key).filter(|field| is_shown(field))?;
            walk.field(field)
        })
    }

    fn field(&mut self, field: &FieldShape) -> Option<()> {
        let shapes = self.shapes;
        let Some(parts) = parts(shapes, field) else { return self.skip() };
        match (field.form, self.peek()?) {
            (Form::List, b'[') => self.items(|walk| walk.object(parts)),
            (Form::Map(_), b'{') => self.members(|walk, _| walk.object(parts)),
            (Form::Explicit | Form::Implicit, b'{') => self.object(parts),
            _ => self.skip(),
        }
    }

    fn members(&mut self, mut each: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            return self.take(b'}');
        }
        loop {
            self.peek()?;
            let key = self.plain_key()?;
            self.take(b':')?;
            each(self, key)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    fn items(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            return self.take(b']');
        }
        loop {
            each(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b']'),
            }
        }
    }

    /// A key without escapes; keys of maps may have them, and then the text is parsed.
    fn plain_key(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let rest = &self.bytes[self.at..];
        let length = memchr2(b'"', b'\\', rest).filter(|end| rest[*end] == b'"')?;
        self.at += length + 1;
        Some(&rest[..length])
    }

    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'"' => self.text()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => self.word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn text(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => self.at += 2,
            }
        }
    }

    /// A number, true, false, null.
    fn word(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| !b",}] \n\t\r".contains(byte)) {
            self.at += 1;
        }
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }
}
