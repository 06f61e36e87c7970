//! `POST /{package}/{resource name}:{verb}`: a command, carried out by its rule.

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use prost_reflect::{DynamicMessage, SerializeOptions, Value};

use super::exchange::Exchange;
use super::media::Media;
use super::parameters::Known;
use super::path::check_id;
use super::write::{self, Ask};
use super::{Api, body, guard, idempotency};
use crate::model::{Error, Reason, Result};
use crate::schema::Command;
use crate::store::request_log::Work;

pub(super) const KNOWN: Known<'static> = Known { served: &["requestId", "validateOnly"], later: &[] };

pub async fn command(api: &Api, exchange: &Exchange, command: &Command) -> Result<HttpResponse> {
    let parameters = exchange.parameters(KNOWN)?;
    guard::refuse_conditions(exchange)?;
    let media = Media::of_body(exchange.header("content-type")?)?;
    let bytes = exchange.body(api.settings.max_body_bytes).await?;
    let validate_only = parameters.flag("validateOnly")?;
    let idempotency = idempotency::of_request(exchange, &parameters, &bytes)?;
    let mut message = decode(api, command, media, &bytes)?;
    bind_path(command, exchange, &mut message)?;
    let work = Work::Rule(json_text(&message)?);
    let ask = Ask {
        method: command.name.clone(),
        work,
        idempotency,
        command: Some(command),
        batch: None,
        validate_only,
    };
    write::invoke(api, exchange, ask).await
}

fn decode(api: &Api, command: &Command, media: Media, bytes: &Bytes) -> Result<DynamicMessage> {
    match media {
        Media::Json => {
            body::refuse_empty(bytes)?;
            api.catalogue.request_from_json(command, bytes)
        }
        Media::Protobuf(_) => {
            let descriptor = command.descriptor.input();
            let name = descriptor.full_name().to_owned();
            let message = DynamicMessage::decode(descriptor, bytes.clone()).map_err(|error| {
                Error::new(Reason::InvalidBody, format!("the body is not a {name}: {error}"))
            })?;
            api.catalogue.request_from_message(command, &message)
        }
    }
}

/// Puts the resource name of the path into the request; a body that names another one is refused.
fn bind_path(command: &Command, exchange: &Exchange, message: &mut DynamicMessage) -> Result<()> {
    let mut name = String::new();
    for (collection, id) in command.collections.iter().zip(&exchange.ids) {
        check_id(id)?;
        let separator = if name.is_empty() { "" } else { "/" };
        name.push_str(&format!("{separator}{collection}/{id}"));
    }
    let given =
        message.get_field_by_name(&command.path_field).and_then(|value| value.as_str().map(str::to_owned));
    if given.is_some_and(|given| !given.is_empty() && given != name) {
        let sentence = format!("`{}` in the body is not {name}, which the path says", command.path_field);
        return Err(Error::new(Reason::InvalidField, sentence)
            .with_violation(command.path_field.clone(), "differs from the path"));
    }
    message
        .try_set_field_by_name(&command.path_field, Value::String(name))
        .map_err(|error| Error::internal(format!("path field of {}: {error}", command.name)))
}

fn json_text(message: &DynamicMessage) -> Result<String> {
    let mut text = Vec::new();
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut text), &SerializeOptions::new())
        .map_err(|error| Error::new(Reason::InvalidField, format!("a value has no JSON form: {error}")))?;
    String::from_utf8(text).map_err(|error| Error::internal(error.to_string()))
}
