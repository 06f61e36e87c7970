//! Roles: presets of what a deployment is given. The only place that matches on the role.
//!
//! Everything else in the program is told by its [`Plan`] what it has; it never asks who it is.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Monolith,
    Nanoservice,
    Microservice,
}

/// Which requests are answered at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Methods {
    /// Reads and writes.
    All,
    /// GET, HEAD, OPTIONS: write routes are not mounted.
    ReadOnly,
    /// Only the methods listed in `writes.methods`, and operations.
    Listed,
}

/// Which database a role must or must not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Required,
    Refused,
}

/// What runs beside the listeners, started by `app` from the plan.
///
/// The schema apply and the inbox are not listed: they come with the primary's write handle, the
/// replica's watcher with its read handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackgroundService {
    /// Forgets what is past its time on the primary.
    Retention,
    /// Claims accepted requests, runs their rules, relays what they decide.
    CommandRunner,
}

/// What a deployment does, decided once from its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub role: Role,
    pub methods: Methods,
    pub primary: Given,
    pub replica: Given,
    pub events: Given,
    pub services: &'static [BackgroundService],
}

impl Role {
    /// The only match on the role.
    pub fn plan(self) -> Plan {
        use BackgroundService::*;
        match self {
            Role::Monolith => Plan {
                role: self,
                methods: Methods::All,
                primary: Given::Required,
                replica: Given::Refused,
                events: Given::Refused,
                services: &[Retention],
            },
            Role::Nanoservice => Plan {
                role: self,
                methods: Methods::ReadOnly,
                primary: Given::Refused,
                replica: Given::Required,
                events: Given::Refused,
                services: &[],
            },
            Role::Microservice => Plan {
                role: self,
                methods: Methods::Listed,
                primary: Given::Refused,
                replica: Given::Required,
                events: Given::Required,
                services: &[CommandRunner],
            },
        }
    }

    /// The name in configuration, logs, metrics and the `Trine-Role` header.
    pub fn as_str(self) -> &'static str {
        ["monolith", "nanoservice", "microservice"][self as usize]
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Role::Monolith, Role::Nanoservice, Role::Microservice]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no role; use monolith, nanoservice or microservice"))
    }
}
