//! What a request lacks or breaks of the rules of `buf.validate`: a command's body, a standard method's
//! path and parameters. Not here: the resource itself, which is judged as it is written.

use serde_json::{Map, Value};

use super::canonical::{Canonicaliser, Source};
use super::path::Path;
use super::strict_json;
use crate::model::Result;
use crate::schema::catalogue::StandardMethod;
use crate::schema::constraint::{Judgement, camel_path};
use crate::schema::shape::{FieldKind, FieldShape, WellKnown};
use crate::schema::{Catalogue, Command, ResourceType};

impl Catalogue {
    pub fn check_request(&self, command: &Command, json: &str) -> Result<()> {
        let name = command.descriptor.input().full_name().to_owned();
        let root = self.shapes.find(&name).filter(|root| self.shapes.constraints().concern(*root));
        let Some(root) = root else { return Ok(()) };
        let canonicaliser = Canonicaliser { shapes: &self.shapes, source: Source::Rule };
        let object = strict_json::parse(json.as_bytes())?;
        let request = canonicaliser.message(self.shapes.message(root), object, &Path::ROOT, 1)?;
        let mut judgement = Judgement::new(&self.shapes);
        judgement.message(root, None, &request, &Path::ROOT);
        judgement.into_result(|_| false)
    }

    /// Whether a service declares this method with rules for its request.
    pub fn judges_parameters(&self, kind: &ResourceType, method: StandardMethod) -> bool {
        self.judged_request(kind, method).is_some()
    }

    /// `ids` of the path and the parameters of the query against the request that a service declares.
    pub fn check_parameters(
        &self,
        kind: &ResourceType,
        method: StandardMethod,
        ids: &[String],
        parameters: &[(String, String)],
    ) -> Result<()> {
        self.check_standard(kind, method, (ids, parameters), |_| false)
    }

    /// As [`Catalogue::check_parameters`] for a member of a batch or write set, which carries some of what the
    /// request could: what it has no place for is not judged.
    pub fn check_member(
        &self,
        kind: &ResourceType,
        method: StandardMethod,
        ids: &[String],
        parameters: &[(String, String)],
    ) -> Result<()> {
        let is_carried = |field: &FieldShape| {
            matches!(field.json_name.as_str(), "name" | "parent")
                || parameters.iter().any(|(name, _)| *name == field.json_name)
        };
        self.check_standard(kind, method, (ids, parameters), |field| !is_carried(field))
    }

    fn check_standard(
        &self,
        kind: &ResourceType,
        method: StandardMethod,
        (ids, parameters): (&[String], &[(String, String)]),
        is_exempt: impl Fn(&FieldShape) -> bool,
    ) -> Result<()> {
        let Some(root) = self.judged_request(kind, method) else { return Ok(()) };
        let shape = self.shapes.message(root);
        let resource = |field: &FieldShape| matches!(field.kind, FieldKind::Message(of) if of == kind.root);
        let mut object = Map::new();
        let path = if method.is_on_collection() { "parent" } else { "name" };
        object.insert(path.to_owned(), Value::from(kind.pattern.name_of(ids)));
        // An empty parameter is as none (contract): a rule that demands one is not met by it.
        for (name, text) in parameters.iter().filter(|(_, text)| !text.is_empty()) {
            if let Some(value) = shape.field(name).and_then(|field| self.value_of(field, text)) {
                object.insert(name.clone(), value);
            }
        }
        object.retain(|name, _| shape.field(name).is_some());
        let canonicaliser = Canonicaliser { shapes: &self.shapes, source: Source::Rule };
        // A value that is none of its kind is refused by the method itself, in its own words.
        let Ok(mut request) = canonicaliser.message(shape, object, &Path::ROOT, 1) else { return Ok(()) };
        // A mask of everything is no path, and judged as one: what allows some paths alone does not allow all.
        let everything = parameters.iter().filter(|(_, text)| text == "*");
        for field in everything.filter_map(|(name, _)| shape.field(name)).filter(|field| self.is_mask(field))
        {
            request.insert(field.json_name.clone(), Value::from("*"));
        }
        let mut judgement = Judgement::new(&self.shapes);
        judgement.message(root, None, &request, &Path::ROOT);
        judgement.into_result(|path| {
            let field = path.split(['.', '[']).next().and_then(|name| shape.field(name));
            field.is_some_and(|field| resource(field) || is_exempt(field))
        })
    }

    fn is_mask(&self, field: &FieldShape) -> bool {
        let FieldKind::Message(index) = field.kind else { return false };
        self.shapes.message(index).well_known == Some(WellKnown::FieldMask)
    }

    fn judged_request(&self, kind: &ResourceType, method: StandardMethod) -> Option<usize> {
        let requests = self.requests.get(&kind.name)?;
        requests.iter().find(|(of, _)| *of == method).map(|(_, root)| *root)
    }

    /// A parameter's text as the JSON of its field.
    fn value_of(&self, field: &FieldShape, text: &str) -> Option<Value> {
        match &field.kind {
            FieldKind::Boolean => text.parse::<bool>().ok().map(Value::from),
            FieldKind::Message(index) => match self.shapes.message(*index).well_known? {
                WellKnown::FieldMask if text == "*" => None,
                WellKnown::FieldMask => Some(Value::from(camel_path(text))),
                _ => Some(Value::from(text)),
            },
            _ => Some(Value::from(text)),
        }
    }
}
