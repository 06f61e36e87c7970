//! `GET /{package}/{collection}`: one keyset page.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::exchange::Exchange;
use super::media::Media;
use super::parameters::{Known, Parameters, invalid};
use super::path::check_id;
use super::{Api, consistency, page, reply, several};
use crate::model::{Position, Result, Stored};
use crate::query::{ListQuery, ListRequest, mask};
use crate::schema::ResourceType;
use crate::schema::document::ReadMask;

pub(super) const KNOWN: Known<'static> = Known {
    served: &["pageSize", "pageToken", "filter", "orderBy", "readMask", "showDeleted", "showTotalSize"],
    later: &[],
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
    let mask = mask::read(kind, &text(&parameters, "readMask"))?;
    let counted = parameters.flag("showTotalSize")?;
    if counted && kind.listed.total_size.is_none() {
        return Err(invalid(
            "showTotalSize: the list's declared response has no `int32 total_size`".to_owned(),
        ));
    }
    let secret = &api.required_signing()?.secret;
    let query = asked.query(kind, secret, page_size + 1)?;
    let wanted = consistency::wait(api, exchange).await?;
    let total = if counted { Some(total_size(api, exchange, kind, &query, wanted).await?) } else { None };
    let (rows, more) = page::read(api, exchange, kind, query.clone(), page_size as usize, wanted).await?;
    let last = rows.last().filter(|_| more);
    let next = last.map(|last| asked.next_page_token(kind, secret, &query, last)).transpose()?;
    let page = Page { kind, rows: &rows, mask: mask.as_ref(), next: next.as_deref(), total };
    let bytes = match exchange.accept {
        Media::Json => page.json()?.into_bytes(),
        Media::Protobuf(_) => page.protobuf()?,
    };
    Ok(reply::body(StatusCode::OK, exchange.accept, bytes))
}

/// Of all pages, whichever this one is; of the moment, as AIP-158 has it.
async fn total_size(
    api: &Api,
    exchange: &Exchange,
    kind: &Arc<ResourceType>,
    query: &ListQuery,
    wanted: Option<Position>,
) -> Result<i32> {
    let all = ListQuery { after: None, order: Vec::new(), ..query.clone() };
    let read = api.reads.count(kind, all, exchange.deadline).await?;
    consistency::confirm(api, exchange, wanted, read.position)?;
    Ok(i32::try_from(read.value).unwrap_or(i32::MAX))
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

/// The parent's ids, `-` for every one of a level; none when all are.
fn parent(exchange: &Exchange) -> Result<Option<String>> {
    exchange.ids.iter().filter(|id| *id != "-").try_for_each(|id| check_id(id))?;
    let all = !exchange.ids.is_empty() && exchange.ids.iter().all(|id| id == "-");
    Ok((!all).then(|| exchange.ids.join("/")))
}

/// What is answered.
struct Page<'a> {
    kind: &'a ResourceType,
    rows: &'a [Stored],
    mask: Option<&'a ReadMask>,
    next: Option<&'a str>,
    total: Option<i32>,
}

impl Page<'_> {
    fn rows(&self) -> Vec<&Stored> {
        self.rows.iter().collect()
    }

    fn json(&self) -> Result<String> {
        let mut text = String::new();
        several::push_array(self.kind, &self.kind.listed.json_name, &self.rows(), self.mask, &mut text)?;
        if let Some(token) = self.next {
            // A page token is base64url: nothing in it needs escaping.
            text.push_str(&format!(",\"nextPageToken\":\"{token}\""));
        }
        if let (Some(total), Some(field)) = (self.total, &self.kind.listed.total_size) {
            text.push_str(&format!(",\"{}\":{total}", field.json_name));
        }
        Ok(text + "}")
    }

    /// AIP-132's response, or the one that a service declares.
    fn protobuf(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let number = self.kind.listed.resources_number;
        several::push_messages(self.kind, number, &self.rows(), self.mask, &mut bytes)?;
        if let Some(token) = self.next {
            let number = self.kind.listed.next_page_token_number;
            prost::encoding::string::encode(number, &token.to_owned(), &mut bytes);
        }
        if let (Some(total), Some(field)) =
            (self.total.filter(|total| *total != 0), &self.kind.listed.total_size)
        {
            prost::encoding::int32::encode(field.number, &total, &mut bytes);
        }
        Ok(bytes)
    }
}
