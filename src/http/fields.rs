//! The JSON object of a request that is no resource itself: a batch, a write set.
//!
//! Taken apart field by field, in lowerCamelCase or snake_case. Invariant: what nobody took is refused, with
//! its path from the outside.

use serde_json::{Map, Value};

use super::parameters::camel_case;
use crate::model::{Error, Reason, Result};

pub struct Fields {
    /// `requests[3]`; empty for the request itself.
    pub path: String,
    object: Map<String, Value>,
}

impl Fields {
    /// Fails when a field is given in both spellings.
    pub fn new(object: Map<String, Value>) -> Result<Self> {
        Self::at(String::new(), object)
    }

    fn at(path: String, object: Map<String, Value>) -> Result<Self> {
        let mut fields = Self { path, object: Map::new() };
        for (name, value) in object {
            let camel = camel_case(&name);
            let taken = fields.object.insert(camel.clone(), value).is_some();
            if taken {
                return Err(fields.invalid(&camel, "given twice, in two spellings; keep one"));
            }
        }
        Ok(fields)
    }

    /// Absent and `null` are one.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    /// Empty when absent.
    pub fn text(&mut self, name: &str) -> Result<String> {
        match self.take(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.invalid(name, "a string")),
        }
    }

    pub fn flag(&mut self, name: &str) -> Result<bool> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(self.invalid(name, "true or false")),
        }
    }

    pub fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        self.items(name, "a list of strings", |_, value| match value {
            Value::String(text) => Some(Ok(text)),
            _ => None,
        })
    }

    pub fn object(&mut self, name: &str) -> Result<Option<Map<String, Value>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(self.invalid(name, "an object")),
        }
    }

    /// An object within, with its own path.
    pub fn fields(&mut self, name: &str) -> Result<Option<Fields>> {
        let path = self.path_of(name);
        self.object(name)?.map(|object| Self::at(path, object)).transpose()
    }

    pub fn list(&mut self, name: &str) -> Result<Vec<Fields>> {
        self.items(name, "a list of objects", |path, value| match value {
            Value::Object(object) => Some(Self::at(path, object)),
            _ => None,
        })
    }

    fn items<T>(
        &mut self,
        name: &str,
        expected: &str,
        item: impl Fn(String, Value) -> Option<Result<T>>,
    ) -> Result<Vec<T>> {
        let values = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(_) => return Err(self.invalid(name, expected)),
        };
        let path = self.path_of(name);
        let items = values.into_iter().enumerate();
        items
            .map(|(at, value)| {
                item(format!("{path}[{at}]"), value).unwrap_or_else(|| Err(self.invalid(name, expected)))
            })
            .collect()
    }

    /// Everything has been taken; 400 `UNKNOWN_FIELD` for what has not.
    pub fn end(self) -> Result<()> {
        let Some((name, _)) = self.object.iter().find(|(_, value)| !value.is_null()) else { return Ok(()) };
        let path = self.path_of(name);
        let message = format!("`{path}` is no field of this request; remove it");
        Err(Error::new(Reason::UnknownField, message.clone()).with_violation(path, message))
    }

    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub fn invalid(&self, name: &str, expected: &str) -> Error {
        let path = self.path_of(name);
        let message = format!("`{path}`: {expected}");
        Error::new(Reason::InvalidField, message.clone()).with_violation(path, message)
    }

    pub fn required(&self, name: &str) -> Error {
        let path = self.path_of(name);
        let message = format!("`{path}` is required");
        Error::new(Reason::Required, message.clone()).with_violation(path, message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Result<Fields> {
        Fields::new(value.as_object().expect("an object").clone())
    }

    #[test]
    fn what_nobody_took_is_refused_by_its_path() {
        let mut outer = fields(json!({ "validate_only": true, "requests": [{ "a": 1 }, { "b": null }] }))
            .expect("an object");
        assert!(outer.flag("validateOnly").expect("a flag"));
        let mut members = outer.list("requests").expect("a list");
        assert!(members.pop().expect("the second").end().is_ok());
        let error = members.pop().expect("the first").end().expect_err("unknown");
        assert_eq!(
            (error.reason, error.violations[0].field.as_str()),
            (Reason::UnknownField, "requests[0].a")
        );
        assert!(outer.end().is_ok());
    }

    #[test]
    fn a_field_in_two_spellings_or_of_another_type_is_refused() {
        assert!(fields(json!({ "update_mask": "a", "updateMask": "b" })).is_err());
        let mut wrong = fields(json!({ "name": 1, "names": ["a", 1] })).expect("an object");
        assert!(wrong.text("name").is_err() && wrong.texts("names").is_err());
    }
}
