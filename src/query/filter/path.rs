//! A field's path → where its value is and what it is.

use std::sync::Arc;

use super::grammar::{Restriction, joined};
use super::problem::Problem;
use super::tree::{Step, Target};
use super::{DEPTH_MAX, SEGMENTS_MAX};
use crate::query::Scalar;
use crate::schema::shape::{EnumShape, FieldKind, FieldShape, Form, MapKey, MessageShape, WellKnown};
use crate::schema::{ColumnKind, ResourceType};

pub(super) struct Place {
    pub target: Target,
    /// Its steps in the document, also where a column holds it.
    steps: Vec<Step>,
    pub leaf: Leaf,
    /// Goes through a list.
    many: bool,
}

#[derive(Clone)]
pub(super) enum Leaf {
    Scalar(ScalarLeaf),
    /// Can only be there or not.
    Message,
    List(Box<Leaf>),
    Map(MapKey),
    /// A message whose content no filter looks into, by name.
    Refused(&'static str),
}

#[derive(Clone)]
pub(super) struct ScalarLeaf {
    pub kind: ScalarKind,
    /// What absence means; none where it means unset.
    pub default: Option<Scalar>,
}

#[derive(Clone)]
pub(super) enum ScalarKind {
    Boolean,
    Integer,
    Unsigned,
    Float,
    Double,
    Text,
    Bytes,
    Enum(Arc<EnumShape>),
    Timestamp,
    Duration,
    /// The resource's own name.
    Name,
}

impl ScalarLeaf {
    pub fn is_real(&self) -> bool {
        matches!(self.kind, ScalarKind::Float | ScalarKind::Double)
    }

    pub fn column_kind(&self) -> ColumnKind {
        match self.kind {
            ScalarKind::Boolean => ColumnKind::Boolean,
            ScalarKind::Integer => ColumnKind::Integer,
            ScalarKind::Unsigned => ColumnKind::Unsigned,
            ScalarKind::Float | ScalarKind::Double => ColumnKind::Real,
            ScalarKind::Timestamp => ColumnKind::Timestamp,
            _ => ColumnKind::Text,
        }
    }
}

impl Place {
    pub fn push(&mut self, step: Step) {
        self.steps.push(step);
        self.target = self.document();
    }

    pub fn document(&self) -> Target {
        Target::Document(self.steps.clone())
    }

    /// Comparisons are of one value; of a list `:` asks whether one of its elements is equal.
    pub fn refuse_many(&self, restriction: &Restriction) -> Result<(), Problem> {
        if self.many || matches!(self.leaf, Leaf::List(_)) {
            let field = joined(&restriction.path);
            let message = format!(
                "`{field}` has many values; use `:` to ask whether one of them is equal: `{field}:value`"
            );
            return Err(Problem::new(restriction.sign_at, message));
        }
        Ok(())
    }

    pub fn refused(&self, restriction: &Restriction, what: &str) -> Problem {
        let field = joined(&restriction.path);
        Problem::new(
            restriction.path[0].at,
            format!("`{field}` is a {what}, which filters do not look into; compare another field"),
        )
    }

    pub fn is_no_value(&self, restriction: &Restriction) -> Problem {
        let field = joined(&restriction.path);
        let message = match self.leaf {
            Leaf::Map(..) => format!(
                "`{field}` is a map; name an entry (`{field}.key = value`) or ask for a key (`{field}:key`)"
            ),
            Leaf::List(_) => format!("the elements of `{field}` are lists; nothing compares with them"),
            _ => format!(
                "`{field}` is a message; compare one of its fields (`{field}.field = value`) or ask whether it is set (`{field}:*`)"
            ),
        };
        Problem::new(restriction.sign_at, message)
    }
}

pub(super) fn resolve(kind: &ResourceType, restriction: &Restriction) -> Result<Place, Problem> {
    if let Some(place) = standard(kind, restriction)? {
        return Ok(place);
    }
    let place =
        Walk { kind, restriction, steps: Vec::new(), many: false }.message(kind.message_shape(), 0)?;
    let [Step::Field(json_name)] = place.steps.as_slice() else { return Ok(place) };
    let column = kind.columns.iter().position(|column| {
        matches!(&column.source, crate::schema::ColumnSource::Field { json_name: own } if own == json_name)
    });
    Ok(match column {
        Some(column) => Place { target: Target::Column(column), ..place },
        None => place,
    })
}

/// What the server keeps beside the document.
fn standard(kind: &ResourceType, restriction: &Restriction) -> Result<Option<Place>, Problem> {
    let first = &restriction.path[0];
    if !kind.is_standard(&first.text) {
        return Ok(None);
    }
    if let Some(second) = restriction.path.get(1) {
        return Err(Problem::new(second.at, format!("`{}` has no parts; end the path there", first.text)));
    }
    let (target, scalar) = match first.text.as_str() {
        "name" => (Target::Key, ScalarKind::Name),
        "createTime" | "create_time" => (Target::CreateTime, ScalarKind::Timestamp),
        "updateTime" | "update_time" => (Target::UpdateTime, ScalarKind::Timestamp),
        "deleteTime" | "delete_time" => (Target::DeleteTime, ScalarKind::Timestamp),
        "purgeTime" | "purge_time" => (Target::PurgeTime, ScalarKind::Timestamp),
        other => {
            let message =
                format!("`{other}` is kept by the server and is not filtered by; compare another field");
            return Err(Problem::new(first.at, message));
        }
    };
    let leaf = Leaf::Scalar(ScalarLeaf { kind: scalar, default: None });
    Ok(Some(Place { target, steps: Vec::new(), leaf, many: false }))
}

struct Walk<'a> {
    kind: &'a ResourceType,
    restriction: &'a Restriction,
    steps: Vec<Step>,
    many: bool,
}

impl<'a> Walk<'a> {
    /// The field that segment `at` names in `shape`, and what follows.
    fn message(mut self, shape: &'a MessageShape, at: usize) -> Result<Place, Problem> {
        let segment = &self.restriction.path[at];
        let Some(field) = shape.field(&segment.text) else {
            let owner = joined(&self.restriction.path[..at]);
            let owner = if at == 0 { self.kind.name.as_str() } else { &owner };
            return Err(Problem::new(
                segment.at,
                format!("`{owner}` has no field `{}`; correct its name", segment.text),
            ));
        };
        // SQLite's paths have no escapes; names like these are no identifiers anyway.
        if field.json_name.contains(['"', '\\']) || field.json_name.contains(char::is_control) {
            return Err(Problem::new(
                segment.at,
                format!("`{}` has a JSON name that filters cannot spell", field.name),
            ));
        }
        // What is not shown must not be guessed either; rows of an older schema may hold it.
        if field.behavior.input_only {
            let message = format!("`{}` is INPUT_ONLY and never shown; compare another field", field.name);
            return Err(Problem::new(segment.at, message));
        }
        self.steps.push(Step::Field(field.json_name.clone()));
        self.refuse_too_deep(segment.at)?;
        let is_last = at + 1 == self.restriction.path.len();
        match field.form {
            Form::List if is_last => {
                let leaf = Leaf::List(Box::new(self.leaf(field, None)));
                self.end(leaf)
            }
            Form::List => {
                self.steps.push(Step::Each);
                self.many = true;
                self.inside(field, at)
            }
            Form::Map(key) if is_last => self.end(Leaf::Map(key)),
            Form::Map(key) => {
                let entry = &self.restriction.path[at + 1];
                self.steps.push(Step::Key(map_key(key, &entry.text, entry.at)?));
                let ends = at + 2 == self.restriction.path.len();
                if ends { self.value(field, None) } else { self.inside(field, at + 1) }
            }
            Form::Implicit if is_last => self.value(field, Some(default_of(&field.kind))),
            Form::Explicit if is_last => self.value(field, None),
            Form::Implicit | Form::Explicit => self.inside(field, at),
        }
    }

    /// Of lists and maps, each of which is a subquery around the rest: a database bounds how deep its
    /// conditions may be.
    fn refuse_too_deep(&self, at: usize) -> Result<(), Problem> {
        let entered = self.steps.iter().filter(|step| !matches!(step, Step::Field(_))).count();
        if self.steps.len() <= SEGMENTS_MAX && entered <= DEPTH_MAX {
            return Ok(());
        }
        let message = format!(
            "a path goes through {DEPTH_MAX} lists and maps and {SEGMENTS_MAX} fields at most; end it earlier"
        );
        Err(Problem::new(at, message))
    }

    /// Past segment `at`, whose values are messages.
    fn inside(self, field: &'a FieldShape, at: usize) -> Result<Place, Problem> {
        let next = &self.restriction.path[at + 1];
        let parent = joined(&self.restriction.path[..=at]);
        let FieldKind::Message(index) = field.kind else {
            return Err(Problem::new(next.at, format!("`{parent}` has no parts; end the path there")));
        };
        let shape = self.kind.shapes().message(index);
        match shape.well_known {
            None => self.message(shape, at + 1),
            Some(_) => {
                Err(Problem::new(next.at, format!("filters do not look into `{parent}`; end the path there")))
            }
        }
    }

    fn value(self, field: &FieldShape, default: Option<Scalar>) -> Result<Place, Problem> {
        let leaf = self.leaf(field, default);
        self.end(leaf)
    }

    fn end(self, leaf: Leaf) -> Result<Place, Problem> {
        let target = Target::Document(self.steps.clone());
        Ok(Place { target, steps: self.steps, leaf, many: self.many })
    }

    fn leaf(&self, field: &FieldShape, default: Option<Scalar>) -> Leaf {
        let kind = match &field.kind {
            FieldKind::Message(index) => match self.message_leaf(self.kind.shapes().message(*index)) {
                Ok(kind) => kind,
                Err(leaf) => return leaf,
            },
            kind => scalar_kind(kind),
        };
        Leaf::Scalar(ScalarLeaf { kind, default })
    }

    /// The messages that are values, or what else it is.
    fn message_leaf(&self, shape: &MessageShape) -> Result<ScalarKind, Leaf> {
        let refused = |name| Err(Leaf::Refused(name));
        match shape.well_known {
            None | Some(WellKnown::Empty) => Err(Leaf::Message),
            Some(WellKnown::Timestamp) => Ok(ScalarKind::Timestamp),
            Some(WellKnown::Duration) => Ok(ScalarKind::Duration),
            Some(WellKnown::Wrapper) => {
                Ok(shape.fields.first().map_or(ScalarKind::Text, |field| scalar_kind(&field.kind)))
            }
            Some(WellKnown::Any) => refused("google.protobuf.Any"),
            Some(WellKnown::Struct) => refused("google.protobuf.Struct"),
            Some(WellKnown::Value) => refused("google.protobuf.Value"),
            Some(WellKnown::ListValue) => refused("google.protobuf.ListValue"),
            Some(WellKnown::FieldMask) => refused("google.protobuf.FieldMask"),
        }
    }
}

fn scalar_kind(kind: &FieldKind) -> ScalarKind {
    match kind {
        FieldKind::Boolean => ScalarKind::Boolean,
        FieldKind::Integer { min: 0, .. } | FieldKind::LongInteger { min: 0, .. } => ScalarKind::Unsigned,
        FieldKind::Integer { .. } | FieldKind::LongInteger { .. } => ScalarKind::Integer,
        FieldKind::Float => ScalarKind::Float,
        FieldKind::Double => ScalarKind::Double,
        FieldKind::Bytes => ScalarKind::Bytes,
        FieldKind::Enum(shape) => ScalarKind::Enum(Arc::clone(shape)),
        FieldKind::Text | FieldKind::Message(_) => ScalarKind::Text,
    }
}

fn default_of(kind: &FieldKind) -> Scalar {
    match kind {
        FieldKind::Boolean => Scalar::Boolean(false),
        FieldKind::Integer { min: 0, .. } | FieldKind::LongInteger { min: 0, .. } => Scalar::Unsigned(0),
        FieldKind::Integer { .. } | FieldKind::LongInteger { .. } => Scalar::Integer(0),
        FieldKind::Float | FieldKind::Double => Scalar::Real(0.0),
        FieldKind::Enum(shape) => {
            Scalar::Text(shape.name_of(shape.default_number()).unwrap_or_default().to_owned())
        }
        FieldKind::Text | FieldKind::Bytes | FieldKind::Message(_) => Scalar::Text(String::new()),
    }
}

/// A map's key as JSON spells it.
pub(super) fn map_key(kind: MapKey, text: &str, at: usize) -> Result<String, Problem> {
    match kind {
        MapKey::Text if text.contains('\0') => Err(Problem::new(at, "a key has no NUL")),
        MapKey::Text => Ok(text.to_owned()),
        MapKey::Boolean if matches!(text, "true" | "false") => Ok(text.to_owned()),
        MapKey::Boolean => Err(Problem::new(at, format!("`{text}` is no key here; write true or false"))),
        MapKey::Integer { min, max } => {
            let number = text.parse::<i128>().ok().filter(|number| (min..=max).contains(number));
            let message = || {
                Problem::new(at, format!("`{text}` is no key here; write a whole number from {min} to {max}"))
            };
            number.map(|number| number.to_string()).ok_or_else(message)
        }
    }
}
