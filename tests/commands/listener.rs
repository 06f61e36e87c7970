//! A listener that does nothing but pass role-to-role calls to an engine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::RwLock;
use serde_json::json;
use trine::commands::Engine;
use trine::commands::engine::PeerSignature;
use trine::model::Deadline;

/// Where a deployment listens before its engine exists; peers need each other's addresses.
#[derive(Clone, Default)]
pub struct Slot(Arc<RwLock<Option<Arc<Engine>>>>);

impl Slot {
    pub fn put(&self, engine: Option<Arc<Engine>>) {
        *self.0.write() = engine;
    }
}

pub struct Listener {
    pub address: SocketAddr,
    pub slot: Slot,
    handle: ServerHandle,
}

impl Listener {
    pub fn start() -> Self {
        let slot = Slot::default();
        let data = web::Data::new(slot.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(web::PayloadConfig::new(16 << 20))
                .route("/trine/v1/{call:.*}", web::post().to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .expect("a free port");
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, slot, handle }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn answer(slot: web::Data<Slot>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let Some(engine) = slot.0.read().clone() else { return HttpResponse::ServiceUnavailable().finish() };
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let signature = PeerSignature {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
    };
    let deadline = Deadline::after(Duration::from_secs(5));
    match engine.peer_call(request.path(), signature, &body, deadline).await {
        Ok(body) => HttpResponse::Ok().content_type("application/json").body(body),
        Err(error) => HttpResponse::BadRequest().json(json!({ "error": error.to_status() })),
    }
}
