//! Everything that is served, on one page: what a schema and a role amount to.
//!
//! The public listener serves, for each pbtable of package `a.b.v1` with pattern `users/{user}`:
//!
//! | path | GET | POST | PATCH | DELETE |
//! |---|---|---|---|---|
//! | `/a/b/v1/users` | List | Create | | |
//! | `/a/b/v1/users/{user}` | Get | | Update | Delete |
//! | `/a/b/v1/users:batchGet` | BatchGet | | | |
//! | `/a/b/v1/users:batch{Create,Update,Delete}` | | the batch | | |
//!
//! and, where the message declares `delete_time`, `POST /a/b/v1/users/{user}:undelete` (where a service declares a method with `google.api.http`, its path replaces the default one:
//! `standard`), and for each command `POST /a/b/v1/users/{user}:verb`; beside them the chassis' own paths
//! (`chassis_routes`). HEAD goes wherever GET does; OPTIONS everywhere; PUT nowhere. The admin
//! listener serves `/livez`, `/readyz`, `/metrics` and `/version` (`admin`).
//!
//! Invariant: on a role that only reads, write actions are not in the table at all.

use std::sync::Arc;

use super::access::Need;
use super::matcher::Matcher;
use super::media::Media;
use super::path::{Path, no_route};
use super::standard;
use crate::model::{Error, Reason, Result, Scope};
use crate::role::{Methods, Plan};
use crate::schema::{Catalogue, Command, ResourceType};

/// What a route does for one HTTP method.
#[derive(Clone, Debug)]
pub enum Action {
    Get(Arc<ResourceType>),
    List(Arc<ResourceType>),
    Create(Arc<ResourceType>),
    Update(Arc<ResourceType>),
    Delete(Arc<ResourceType>),
    BatchGet(Arc<ResourceType>),
    BatchCreate(Arc<ResourceType>),
    BatchUpdate(Arc<ResourceType>),
    BatchDelete(Arc<ResourceType>),
    Undelete(Arc<ResourceType>),
    Command(Arc<Command>),
    CommitWriteSet,
    GetOperation,
    ListOperations,
    CancelOperation,
    /// A signed call of another role.
    PeerCall,
    /// `/openapi.json`
    OpenApi,
    /// `/docs`
    Docs,
    /// Designed, not built: 501 with what is missing, for whoever might call it once it is.
    NotYet(&'static str, Need),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Get,
    Post,
    Patch,
    Delete,
}

#[derive(Debug)]
pub struct Route {
    /// `/blog/v1/users/{user}`: its name in logs and metrics.
    pub pattern: Arc<str>,
    pub actions: Vec<(Verb, Action)>,
    /// This role only reads and the path has writes elsewhere.
    pub writes_elsewhere: bool,
}

/// The table of routes and the way to find one.
#[derive(Debug)]
pub struct Routes {
    routes: Vec<Route>,
    matcher: Matcher,
    read_only: bool,
}

/// Where a request goes: the route, its number, and the ids along the path.
#[derive(Debug)]
pub struct Found<'a> {
    pub route: &'a Route,
    pub number: usize,
    pub ids: Vec<String>,
}

impl Routes {
    /// One sentence for each two routes that claim the same path.
    pub fn new(catalogue: &Catalogue, plan: &Plan) -> std::result::Result<Self, Vec<String>> {
        let read_only = plan.methods == Methods::ReadOnly;
        let mut routes = Self { routes: Vec::new(), matcher: Matcher::default(), read_only };
        let mut problems = Vec::new();
        let standard = catalogue.types.iter().flat_map(|kind| standard::routes(kind, catalogue));
        let (later, served): (Vec<_>, Vec<_>) = standard.partition(|(_, actions)| is_later(actions));
        let commands = catalogue.commands.iter().map(command_route);
        for (pattern, actions) in served.into_iter().chain(commands).chain(chassis_routes()) {
            routes.mount(&pattern, actions).unwrap_or_else(|problem| problems.push(problem));
        }
        for (pattern, actions) in later {
            // A command may stand where nobody declared the method.
            let _ = routes.mount(&pattern, actions);
        }
        if problems.is_empty() { Ok(routes) } else { Err(problems) }
    }

    fn mount(&mut self, pattern: &str, mut actions: Vec<(Verb, Action)>) -> std::result::Result<(), String> {
        let all = actions.len();
        actions.retain(|(_, action)| !self.read_only || action.is_read());
        let writes_elsewhere = actions.len() < all;
        self.matcher
            .insert(pattern, self.routes.len())
            .map_err(|taken| format!("{pattern} and {} are the same path", self.routes[taken].pattern))?;
        self.routes.push(Route { pattern: pattern.into(), actions, writes_elsewhere });
        Ok(())
    }

    /// Everything that is mounted, in order.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// The route of a raw request path; 404 or 400 `INVALID_ID` when there is none.
    pub fn find(&self, raw_path: &str) -> Result<Found<'_>> {
        let path = Path::parse(raw_path)?;
        let (number, ids) = self.matcher.find(&path).ok_or_else(|| no_route(raw_path))?;
        let ids = ids.into_iter().map(str::to_owned).collect();
        Ok(Found { route: &self.routes[number], number, ids })
    }
}

fn is_later(actions: &[(Verb, Action)]) -> bool {
    actions.iter().all(|(_, action)| action.yields())
}

fn command_route(command: &Arc<Command>) -> (String, Vec<(Verb, Action)>) {
    let mut path = command.route_prefix.clone();
    for collection in &command.collections {
        path.push_str(&format!("/{collection}/{{{}}}", command.path_field));
    }
    (format!("{path}:{}", command.verb), vec![(Verb::Post, Action::Command(command.clone()))])
}

const EVENTS: Need = Need::Scope(Scope::Events);

fn chassis_routes() -> Vec<(String, Vec<(Verb, Action)>)> {
    let one = |path: &str, verb, action| (path.to_owned(), vec![(verb, action)]);
    vec![
        one("/trine/v1/operations", Verb::Get, Action::ListOperations),
        one("/trine/v1/operations/{operation}", Verb::Get, Action::GetOperation),
        one("/trine/v1/operations/{operation}:cancel", Verb::Post, Action::CancelOperation),
        one("/trine/v1/commands:plan", Verb::Post, Action::PeerCall),
        one("/trine/v1/commands:accept", Verb::Post, Action::PeerCall),
        one("/trine/v1/commands:operations", Verb::Post, Action::PeerCall),
        one("/trine/v1/inbox", Verb::Post, Action::PeerCall),
        one("/trine/v1/writeSets:commit", Verb::Post, Action::CommitWriteSet),
        one("/trine/v1/events", Verb::Get, Action::NotYet("events are not served yet", EVENTS)),
        one("/trine/v1/subscriptions", Verb::Get, Action::NotYet("subscriptions are not served yet", EVENTS)),
        one("/trine/v1/deadLetters", Verb::Get, Action::NotYet("dead letters are not served yet", EVENTS)),
        one("/openapi.json", Verb::Get, Action::OpenApi),
        one("/docs", Verb::Get, Action::Docs),
    ]
}

impl Action {
    /// Of answers that are of one form, whatever the client prefers.
    pub fn fixed_media(&self) -> Option<Media> {
        matches!(self, Action::Docs | Action::OpenApi).then_some(Media::Json)
    }

    /// Served at its default path unless the schema has something else there.
    fn yields(&self) -> bool {
        use Action::{BatchCreate, BatchDelete, BatchGet, BatchUpdate, NotYet};
        matches!(self, BatchGet(_) | BatchCreate(_) | BatchUpdate(_) | BatchDelete(_) | NotYet(..))
    }

    /// Safe by RFC 9110: mounted on every role.
    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Action::Get(_)
                | Action::List(_)
                | Action::BatchGet(_)
                | Action::GetOperation
                | Action::ListOperations
                | Action::OpenApi
                | Action::Docs
                | Action::NotYet(..)
        )
    }
}

impl Route {
    /// What this role does for an HTTP method here; 405 with `Allow` when nothing.
    pub fn action(&self, method: &str) -> Result<&Action> {
        let verb = match method {
            "GET" | "HEAD" => Some(Verb::Get),
            "POST" => Some(Verb::Post),
            "PATCH" => Some(Verb::Patch),
            "DELETE" => Some(Verb::Delete),
            _ => None,
        };
        let found = self.actions.iter().find(|(mounted, _)| Some(*mounted) == verb);
        found.map(|(_, action)| action).ok_or_else(|| self.not_allowed(method, verb.is_some()))
    }

    /// Value of the `Allow` header.
    pub fn allow(&self) -> String {
        let mut allow = String::new();
        for (verb, _) in &self.actions {
            allow.push_str(match verb {
                Verb::Get => "GET, HEAD, ",
                Verb::Post => "POST, ",
                Verb::Patch => "PATCH, ",
                Verb::Delete => "DELETE, ",
            });
        }
        allow + "OPTIONS"
    }

    fn not_allowed(&self, method: &str, known_verb: bool) -> Error {
        let error = if self.writes_elsewhere && known_verb && method != "GET" && method != "HEAD" {
            Error::new(Reason::ReadOnlyRole, "this deployment only reads; send writes to the monolith")
        } else {
            let method: String = method.chars().take(20).collect();
            Error::new(Reason::MethodNotAllowed, format!("{method} is not served here; use {}", self.allow()))
        };
        error.with_metadata("allow", self.allow())
    }
}
