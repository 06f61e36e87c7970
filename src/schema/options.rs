//! Reads the options that mean something here: `google.api.*` and `trine.v1.*`.
//!
//! By reflection and by name, so that whichever file declares them (a foreign tree's own copy too)
//! is the one that counts. A schema that does not import an option cannot have set it.

use prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor,
    MethodDescriptor, Value,
};

use super::shape::Behavior;

/// The extensions of one pool, looked up once.
#[derive(Debug)]
pub(crate) struct Options {
    resource: Option<ExtensionDescriptor>,
    behavior: Option<ExtensionDescriptor>,
    http: Option<ExtensionDescriptor>,
    index: Option<ExtensionDescriptor>,
    unique: Option<ExtensionDescriptor>,
    indexes: Option<ExtensionDescriptor>,
    owner_field: Option<ExtensionDescriptor>,
    sql_writable: Option<ExtensionDescriptor>,
    dropped: Option<ExtensionDescriptor>,
    /// Declared for later releases: believed to work if they were ignored.
    later: Vec<ExtensionDescriptor>,
}

const LATER: [&str; 1] = ["trine.v1.event_before"];

/// `google.api.resource`
#[derive(Debug)]
pub(crate) struct ResourceOption {
    pub kind: String,
    pub patterns: Vec<String>,
    pub name_field: String,
    pub singular: String,
}

/// `trine.v1.indexes`
#[derive(Debug)]
pub(crate) struct IndexOption {
    pub fields: Vec<String>,
    pub unique: bool,
}

/// `google.api.http`
#[derive(Debug)]
pub(crate) struct HttpOption {
    /// `post`, and the path
    pub method: String,
    pub path: String,
    pub body: String,
    pub response_body: String,
    pub additional_bindings: bool,
}

impl Options {
    pub fn new(pool: &DescriptorPool) -> Self {
        let extension = |name| pool.get_extension_by_name(name);
        Self {
            resource: extension("google.api.resource"),
            behavior: extension("google.api.field_behavior"),
            http: extension("google.api.http"),
            index: extension("trine.v1.index"),
            unique: extension("trine.v1.unique"),
            indexes: extension("trine.v1.indexes"),
            owner_field: extension("trine.v1.owner_field"),
            sql_writable: extension("trine.v1.sql_writable"),
            dropped: extension("trine.v1.dropped"),
            later: LATER.into_iter().filter_map(extension).collect(),
        }
    }

    pub fn resource(&self, message: &MessageDescriptor) -> Option<ResourceOption> {
        let value = read(&self.resource, &message.options())?;
        let option = value.as_message()?;
        Some(ResourceOption {
            kind: text(option, "type"),
            patterns: list(option, "pattern").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            name_field: text(option, "name_field"),
            singular: text(option, "singular"),
        })
    }

    pub fn is_sql_writable(&self, message: &MessageDescriptor) -> bool {
        flag(&self.sql_writable, &message.options())
    }

    /// The names of options that are set and do nothing yet.
    pub fn unserved(&self, message: &MessageDescriptor) -> Vec<String> {
        let options = message.options();
        let set = self.later.iter().filter(|extension| options.has_extension(extension));
        set.map(|extension| extension.full_name().to_owned()).collect()
    }

    pub fn behavior(&self, field: &FieldDescriptor) -> Behavior {
        let mut behavior = Behavior::default();
        if self.behavior.is_none() {
            return behavior;
        }
        let value = read(&self.behavior, &field.options());
        for number in value.iter().filter_map(Value::as_list).flatten().filter_map(Value::as_enum_number) {
            match number {
                2 => behavior.required = true,
                3 => behavior.output_only = true,
                4 => behavior.input_only = true,
                5 => behavior.immutable = true,
                _ => {}
            }
        }
        behavior
    }

    pub fn is_dropped(&self, message: &MessageDescriptor) -> bool {
        flag(&self.dropped, &message.options())
    }

    pub fn is_indexed(&self, field: &FieldDescriptor) -> bool {
        flag(&self.index, &field.options())
    }

    pub fn is_unique(&self, field: &FieldDescriptor) -> bool {
        flag(&self.unique, &field.options())
    }

    pub fn indexes(&self, message: &MessageDescriptor) -> Vec<IndexOption> {
        let value = read(&self.indexes, &message.options());
        let options = value.iter().filter_map(Value::as_list).flatten().filter_map(Value::as_message);
        options
            .map(|option| IndexOption {
                fields: list(option, "fields").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                unique: get(option, "unique").and_then(|value| value.as_bool()).unwrap_or(false),
            })
            .collect()
    }

    pub fn owner_field(&self, message: &MessageDescriptor) -> Option<String> {
        let value = read(&self.owner_field, &message.options())?;
        value.as_str().map(str::to_owned)
    }

    pub fn http(&self, method: &MethodDescriptor) -> Option<HttpOption> {
        let value = read(&self.http, &method.options())?;
        let rule = value.as_message()?;
        let verbs = ["get", "put", "post", "delete", "patch"];
        let verb = verbs.into_iter().find(|verb| rule.has_field_by_name(verb)).unwrap_or("custom");
        Some(HttpOption {
            method: verb.to_owned(),
            path: text(rule, verb),
            body: text(rule, "body"),
            response_body: text(rule, "response_body"),
            additional_bindings: !list(rule, "additional_bindings").is_empty(),
        })
    }
}

fn read(extension: &Option<ExtensionDescriptor>, options: &DynamicMessage) -> Option<Value> {
    let extension = extension.as_ref()?;
    options.has_extension(extension).then(|| options.get_extension(extension).into_owned())
}

fn flag(extension: &Option<ExtensionDescriptor>, options: &DynamicMessage) -> bool {
    read(extension, options).and_then(|value| value.as_bool()).unwrap_or(false)
}

fn get(message: &DynamicMessage, field: &str) -> Option<Value> {
    message.get_field_by_name(field).map(|value| value.into_owned())
}

fn text(message: &DynamicMessage, field: &str) -> String {
    get(message, field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn list(message: &DynamicMessage, field: &str) -> Vec<Value> {
    get(message, field).and_then(|value| value.as_list().map(<[Value]>::to_vec)).unwrap_or_default()
}
