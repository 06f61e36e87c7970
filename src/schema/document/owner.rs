//! The owner field of a resource: `(trine.v1.owner_field)`.
//!
//! Not here: hiding the rows of others; every statement does. Invariants: a new row has an owner, the one
//! who asked unless that is an admin; an owner stays unless an admin says otherwise, and is never cleared.

use serde_json::Value;

use crate::model::{Document, Error, Principal, Reason, Result, Scope};
use crate::schema::shape::FieldShape;
use crate::schema::{Column, ColumnSource, Index, ResourceType};

impl ResourceType {
    pub fn owner_column(&self) -> Option<&Column> {
        self.owner.map(|at| &self.columns[at])
    }

    /// Whether this is the field that holds the owner.
    pub(crate) fn is_owner(&self, field: &FieldShape) -> bool {
        self.owner_column().is_some_and(|column| column.field == field.name)
    }

    /// Whether this is the index that finds the rows of one owner.
    pub fn is_of_owner(&self, index: &Index) -> bool {
        !index.unique && self.owner.is_some_and(|owner| index.columns == [owner])
    }

    /// Empty when the row has no owner: only admins see it.
    pub fn owner_of<'a>(&self, document: &'a Document) -> &'a str {
        let owner = self.owner_json_name().and_then(|name| document.0.get(name));
        owner.and_then(Value::as_str).unwrap_or_default()
    }

    /// Makes a new document the principal's; one that names another owner takes an admin.
    pub fn claim(&self, document: &mut Document, principal: &Principal) -> Result<()> {
        let Some(name) = self.owner_json_name() else { return Ok(()) };
        let owner = self.owner_of(document);
        if owner.is_empty() {
            document.0.insert(name.to_owned(), principal.subject.as_str().into());
            return Ok(());
        }
        self.check_owner(principal.subject == owner, principal)
    }

    /// Lets an updated document keep its owner; one that names another takes an admin.
    pub fn keep_owner(&self, before: &str, after: &mut Document, principal: &Principal) -> Result<()> {
        let Some(name) = self.owner_json_name() else { return Ok(()) };
        let owner = self.owner_of(after);
        if owner.is_empty() && !before.is_empty() {
            after.0.insert(name.to_owned(), before.into());
            return Ok(());
        }
        self.check_owner(before == owner, principal)
    }

    fn owner_json_name(&self) -> Option<&str> {
        match &self.owner_column()?.source {
            ColumnSource::Field { json_name } => Some(json_name),
            _ => None,
        }
    }

    fn check_owner(&self, is_right: bool, principal: &Principal) -> Result<()> {
        if is_right || principal.scopes.has(Scope::Admin) {
            return Ok(());
        }
        let name = self.owner_json_name().unwrap_or_default();
        let message = format!("`{name}` can only be yourself, and stays so; leave it out");
        Err(Error::new(Reason::Owner, message).with_violation(name, "names another owner"))
    }
}
