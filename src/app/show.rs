//! `trine schema show`: what a schema amounts to, as text. Touches no database.

use std::process::ExitCode;

use super::{Refusals, databases, refuse, schema};
use crate::config::Settings;

/// As what the schema is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Resources, routes, columns, indexes.
    Summary,
    /// The DDL on the configured kind of database.
    Sql,
    /// The service that default routes amount to.
    Proto,
}

pub fn show_schema(settings: &Settings, form: Shown) -> ExitCode {
    match text(settings, form) {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(refusals) => refuse(&refusals),
    }
}

fn text(settings: &Settings, form: Shown) -> Result<String, Refusals> {
    let catalogue = schema::load(settings)?;
    match form {
        Shown::Summary => Ok(catalogue.summary()),
        Shown::Proto => Ok(catalogue.standard_service()),
        Shown::Sql => {
            let url = databases::url(&settings.database.primary)
                .or_else(|| databases::url(&settings.database.replica))
                .ok_or_else(|| {
                    vec!["no database is configured; name its kind by --database URL".to_owned()]
                })?;
            Ok(url.definitions(&catalogue).iter().map(|statement| format!("{statement};\n\n")).collect())
        }
    }
}
