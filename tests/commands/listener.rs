//! A listener that does nothing but pass role-to-role calls to an engine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::{Mutex, RwLock};
use serde::de::IgnoredAny;
use serde_json::json;
use trine::commands::Engine;
use trine::commands::engine::PeerSignature;
use trine::commands::peer::ACCEPT_PATH;
use trine::model::{Deadline, Error, Reason};

/// Where a deployment listens before its engine exists; peers need each other's addresses.
#[derive(Clone, Default)]
pub struct Slot {
    engine: Arc<RwLock<Option<Arc<Engine>>>>,
    /// Paths and bodies of the calls that came.
    calls: Arc<Mutex<Vec<(String, web::Bytes)>>>,
    refuses_lists: Arc<AtomicBool>,
}

impl Slot {
    pub fn put(&self, engine: Option<Arc<Engine>>) {
        *self.engine.write() = engine;
    }

    /// As a version that takes requests one by one.
    pub fn refuse_lists(&self) {
        self.refuses_lists.store(true, Ordering::SeqCst);
    }

    /// How many requests each call carried that handed some over.
    pub fn handed_over(&self) -> Vec<usize> {
        let calls = self.calls.lock();
        let bodies = calls.iter().filter(|(path, _)| path == ACCEPT_PATH).map(|(_, body)| body);
        bodies
            .map(|body| serde_json::from_slice::<Vec<IgnoredAny>>(body).map_or(1, |asks| asks.len()))
            .collect()
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
    let Some(engine) = slot.engine.read().clone() else { return HttpResponse::ServiceUnavailable().finish() };
    slot.calls.lock().push((request.path().to_owned(), body.clone()));
    if slot.refuses_lists.load(Ordering::SeqCst) && request.path() == ACCEPT_PATH && body.starts_with(b"[") {
        let error = Error::new(Reason::NotImplemented, "the body is not what this call takes here");
        return HttpResponse::NotImplemented().json(json!({ "error": error.to_status() }));
    }
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
