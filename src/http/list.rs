//! `GET /{package}/{collection}`: one keyset page.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::exchange::Exchange;
use super::media::Media;
use super::parameters::{Known, Parameters, invalid};
use super::{Api, consistency, page, reply, several};
use crate::model::{Error, Reason, Result, Stored};
use crate::query::ListRequest;
use crate::schema::ResourceType;

pub(super) const KNOWN: Known<'static> = Known {
    served: &["pageSize", "pageToken", "filter", "orderBy", "showDeleted"],
    later: &["readMask", "showTotalSize"],
};

const PAGE_SIZE: u32 = 50;
const PAGE_SIZE_MAX: u32 = 1000;

pub async fn list(api: &Api, exchange: &Exchange, kind: &Arc<ResourceType>) -> Result<HttpResponse> {
    api.refuse_unlisted_reads()?;
    let parameters = exchange.parameters(KNOWN)?;
    exchange.refuse_body()?;
    let page_size = page_size(&parameters)?;
    let asked = ListRequest {
        parent: parent(exchange)?,
        sight: exchange.principal.sight(),
        filter: text(&parameters, "filter"),
        order_by: text(&parameters, "orderBy"),
        show_deleted: parameters.flag("showDeleted")?,
        page_token: text(&parameters, "pageToken"),
    };
    let secret = &api.required_signing()?.secret;
    let query = asked.query(kind, secret, page_size + 1)?;
    let wanted = consistency::wait(api, exchange).await?;
    let (rows, more) = page::read(api, exchange, kind, query.clone(), page_size as usize, wanted).await?;
    let last = rows.last().filter(|_| more);
    let next = last.map(|last| asked.next_page_token(kind, secret, &query, last)).transpose()?;
    encode(exchange, kind, &rows, next)
}

fn text(parameters: &Parameters, name: &str) -> String {
    parameters.get(name).unwrap_or_default().to_owned()
}

/// 50 when absent or 0; more than 1000 is lowered; negative is 400.
pub fn page_size(parameters: &Parameters) -> Result<u32> {
    let Some(text) = parameters.get("pageSize") else { return Ok(PAGE_SIZE) };
    match text.parse::<i64>() {
        Ok(0) => Ok(PAGE_SIZE),
        Ok(size) if size > 0 => Ok(size.min(PAGE_SIZE_MAX.into()) as u32),
        _ => Err(invalid("pageSize must be a number from 0 to 1000".to_owned())),
    }
}

/// The parent's ids; none for `-`, every parent.
fn parent(exchange: &Exchange) -> Result<Option<String>> {
    let wildcards = exchange.ids.iter().filter(|id| *id == "-").count();
    if wildcards == 0 {
        return exchange.parent().map(Some);
    }
    if wildcards == exchange.ids.len() {
        return Ok(None);
    }
    Err(Error::new(Reason::NotImplemented, "`-` for some parents and an id for others is not served yet"))
}

fn encode(
    exchange: &Exchange,
    kind: &ResourceType,
    rows: &[Stored],
    next: Option<String>,
) -> Result<HttpResponse> {
    let rows = &rows.iter().collect::<Vec<_>>();
    let bytes = match exchange.accept {
        Media::Json => json(kind, rows, next.as_deref()).into_bytes(),
        Media::Protobuf(_) => protobuf(kind, rows, next.as_deref())?,
    };
    Ok(reply::body(StatusCode::OK, exchange.accept, bytes))
}

fn json(kind: &ResourceType, rows: &[&Stored], next: Option<&str>) -> String {
    let mut text = String::new();
    several::push_array(kind, &kind.listed.json_name, rows, &mut text);
    if let Some(token) = next {
        // A page token is base64url: nothing in it needs escaping.
        text.push_str(&format!(",\"nextPageToken\":\"{token}\""));
    }
    text + "}"
}

/// AIP-132's response, or the one that a service declares.
fn protobuf(kind: &ResourceType, rows: &[&Stored], next: Option<&str>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    several::push_messages(kind, kind.listed.resources_number, rows, &mut bytes)?;
    if let Some(token) = next {
        prost::encoding::string::encode(kind.listed.next_page_token_number, &token.to_owned(), &mut bytes);
    }
    Ok(bytes)
}
