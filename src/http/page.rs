//! The rows of one page, bounded in bytes as well as in number.
//!
//! A thousand large documents would be a gigabyte of memory for one request. A page may be shorter
//! than asked for (AIP-158), so it ends where it has become large enough.

use std::sync::Arc;

use super::exchange::Exchange;
use super::{Api, consistency};
use crate::model::{Position, Result, Stored};
use crate::query::ListQuery;
use crate::schema::ResourceType;

/// Rows that are read at once; the usual page is one statement.
const ROWS_AT_ONCE: usize = 64;
/// A page ends with the document that takes it past this.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// At most `page_size` rows from where `query` begins, and whether more follow.
pub async fn read(
    api: &Api,
    exchange: &Exchange,
    kind: &Arc<ResourceType>,
    mut query: ListQuery,
    page_size: usize,
    seen_by_client: Option<Position>,
) -> Result<(Vec<Stored>, bool)> {
    let mut rows: Vec<Stored> = Vec::new();
    let mut bytes = 0;
    loop {
        // One more than the page, to learn whether another follows.
        let wanted = (page_size + 1 - rows.len()).min(ROWS_AT_ONCE);
        query.limit = wanted as u32;
        let read = api.reads.list(kind, query.clone(), exchange.deadline).await?;
        consistency::confirm(api, exchange, seen_by_client, read.position)?;
        let exhausted = read.value.len() < wanted;
        for row in read.value {
            if rows.len() == page_size || bytes > PAGE_BYTES {
                return Ok((rows, true));
            }
            bytes += row.document.len();
            rows.push(row);
        }
        match rows.last() {
            Some(last) if !exhausted => query.after = Some(query.after(kind, last)?),
            _ => return Ok((rows, false)),
        }
    }
}
