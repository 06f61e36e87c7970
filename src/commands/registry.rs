//! The registry: which rule carries out which command.
//!
//! Invariant: once [`Registry::checked`] has passed, every command of the catalogue has a rule of
//! the same request and response type.

use std::collections::HashMap;
use std::sync::Arc;

use prost::{Message, Name};
use prost_reflect::DynamicMessage;

use super::Context;
use super::conversion::{to_dynamic, to_typed};
use crate::model::{Error, Result};
use crate::schema::{Catalogue, Command};

type Erased = Arc<dyn Fn(&mut Context, DynamicMessage) -> Result<DynamicMessage> + Send + Sync>;

/// A rule without its types, and the command that it carries out.
#[derive(Clone)]
pub struct Rule {
    pub command: Arc<Command>,
    run: Erased,
}

impl Rule {
    pub fn run(&self, context: &mut Context, request: DynamicMessage) -> Result<DynamicMessage> {
        (self.run)(context, request)
    }
}

/// Binding waits for the command's descriptor, which is known when the catalogue is.
type Bind = Box<dyn FnOnce(&Command) -> Erased + Send>;

struct Entry {
    request: String,
    response: String,
    bind: Bind,
}

#[derive(Default)]
pub struct Registry {
    entries: HashMap<&'static str, Entry>,
}

impl Registry {
    /// Registers the rule of a command, `blog.v1.BlogService.Publish`.
    pub fn rule<Request, Response>(
        &mut self,
        command: &'static str,
        rule: fn(&mut Context, Request) -> Result<Response>,
    ) where
        Request: Message + Name + Default + 'static,
        Response: Message + Name + 'static,
    {
        let bind = move |command: &Command| -> Erased {
            let output = command.descriptor.output();
            Arc::new(move |context, request| {
                let response = rule(context, to_typed(&request)?)?;
                to_dynamic(output.clone(), &response)
            })
        };
        let (request, response) = (Request::full_name(), Response::full_name());
        self.entries.insert(command, Entry { request, response, bind: Box::new(bind) });
    }

    /// The rules of a catalogue's commands. One sentence for each command that has none, or one of other types.
    pub fn checked(mut self, catalogue: &Catalogue) -> std::result::Result<Rules, Vec<String>> {
        let mut rules = HashMap::new();
        let mut problems = Vec::new();
        for command in &catalogue.commands {
            match self.entries.remove(command.name.as_str()).ok_or_else(|| missing(command)) {
                Ok(entry) => match types_differ(command, &entry) {
                    None => {
                        let rule = Rule { command: command.clone(), run: (entry.bind)(command) };
                        rules.insert(command.name.clone(), rule);
                    }
                    Some(problem) => problems.push(problem),
                },
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(Rules { rules }) } else { Err(problems) }
    }
}

fn missing(command: &Command) -> String {
    format!(
        "{}: no rule carries out this command; register one in a domain module, or leave its package out of \
         `schema.domains`",
        command.name
    )
}

fn types_differ(command: &Command, entry: &Entry) -> Option<String> {
    let (input, output) = (command.descriptor.input(), command.descriptor.output());
    (input.full_name() != entry.request || output.full_name() != entry.response).then(|| {
        format!(
            "{}: the schema says ({}) -> {}, the rule ({}) -> {}; make them agree",
            command.name,
            input.full_name(),
            output.full_name(),
            entry.request,
            entry.response
        )
    })
}

/// One rule for every command.
pub struct Rules {
    rules: HashMap<String, Rule>,
}

impl Rules {
    pub fn get(&self, method: &str) -> Result<&Rule> {
        self.rules.get(method).ok_or_else(|| Error::internal(format!("no rule for {method}")))
    }
}
