//! The request body before it is read, and what becomes of it when nobody reads it to the end.
//!
//! The HTTP library reads on and discards an unread chunked body for as long as the client sends,
//! once its stream is dropped; while the stream lives it closes the connection instead. So what was
//! not read to its end is kept alive by the answer.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, Payload};

use super::body;
use crate::model::{Deadline, Result};

pub struct Incoming {
    payload: Cell<Option<Payload>>,
}

impl Incoming {
    pub fn new(payload: Payload) -> Self {
        Self { payload: Cell::new(Some(payload)) }
    }

    /// The whole body; empty when it was read before.
    pub async fn read(&self, headers: &HeaderMap, bytes_max: usize, deadline: Deadline) -> Result<Bytes> {
        let Some(mut payload) = self.payload.take() else { return Ok(Bytes::new()) };
        let outcome = body::read(&mut payload, headers, bytes_max, deadline).await;
        if outcome.is_err() {
            self.payload.set(Some(payload));
        }
        outcome
    }

    /// Makes the connection end with this answer if a chunked body was not read to its end.
    pub fn close_if_unread(&self, response: HttpResponse, chunked: bool) -> HttpResponse {
        match self.payload.take() {
            Some(payload) if chunked => {
                response.map_body(|_, body| BoxBody::new(Holding { body, _payload: payload }))
            }
            _ => response,
        }
    }
}

/// A body that keeps the request's stream alive until it is sent.
struct Holding {
    body: BoxBody,
    _payload: Payload,
}

impl MessageBody for Holding {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
