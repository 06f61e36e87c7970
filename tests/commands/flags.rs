//! Flags that change under a running process, and providers that are away.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use parking_lot::Mutex;
use serde_json::json;
use trine::flags::{Flags, FlagsConfig, Provider};

/// Yields until the flag is what it should be; the test's own time-out is the limit.
async fn becomes(flags: &Flags, name: &str, on: bool) {
    let wait = async {
        while flags.is_on(name) != on {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .unwrap_or_else(|_| panic!("{name} is not {on}"));
}

fn file_config(file: &Path) -> FlagsConfig {
    FlagsConfig {
        provider: Provider::File,
        poll_interval_ms: 10,
        file: Some(file.to_owned()),
        ..FlagsConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_read_again_and_a_broken_one_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flags.toml");
    std::fs::write(&file, "a = true\n").unwrap();
    let flags = Flags::start(&file_config(&file), Vec::new()).unwrap();
    assert!(flags.is_on("a") && !flags.is_on("b"));
    std::fs::write(&file, "a = true\nb = [broken\n").unwrap();
    std::fs::write(&file, "a = true # kept\nb = true # new\n").unwrap();
    becomes(&flags, "b", true).await;
    assert!(flags.is_on("a"));
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "a = false\n").unwrap();
    becomes(&flags, "a", false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_work_is_refused() {
    for config in [
        FlagsConfig { provider: Provider::File, ..FlagsConfig::default() },
        FlagsConfig { provider: Provider::Unleash, ..FlagsConfig::default() },
        file_config(Path::new("/nowhere/flags.json")),
    ] {
        let refusal = Flags::start(&config, Vec::new()).err().expect("refused");
        assert!(refusal.starts_with("flags."), "{refusal}");
    }
    assert!(!Flags::start(&FlagsConfig::default(), Vec::new()).unwrap().is_on("a"));
}

/// Speaks the part of Unleash's client API that is used: features with an ETag.
#[derive(Default)]
struct Upstream {
    on: Mutex<bool>,
    /// Answer with an error page in place of JSON.
    broken: Mutex<bool>,
    full: AtomicUsize,
    unchanged: AtomicUsize,
}

async fn features(upstream: web::Data<Upstream>, request: HttpRequest) -> HttpResponse {
    if *upstream.broken.lock() {
        return HttpResponse::InternalServerError().body("<html>");
    }
    let on = *upstream.on.lock();
    let etag = format!("\"{on}\"");
    if request.headers().get("if-none-match").is_some_and(|sent| sent.as_bytes() == etag.as_bytes()) {
        upstream.unchanged.fetch_add(1, Ordering::SeqCst);
        return HttpResponse::NotModified().finish();
    }
    upstream.full.fetch_add(1, Ordering::SeqCst);
    let feature = json!({ "name": "publish-async", "type": "kill-switch", "enabled": on,
        "strategies": [{ "name": "default", "parameters": {} }] });
    HttpResponse::Ok()
        .insert_header(("etag", etag))
        .json(json!({ "version": 2, "features": [feature], "query": {}, "meta": { "revisionId": 1 } }))
}

fn serve(upstream: &Arc<Upstream>) -> (String, ServerHandle) {
    let data = web::Data::from(upstream.clone());
    let app =
        move || App::new().app_data(data.clone()).route("/api/client/features", web::get().to(features));
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/api", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    (url, handle)
}

async fn counted(count: &AtomicUsize, least: usize) {
    while count.load(Ordering::SeqCst) < least {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unleash_is_followed_and_outlived() {
    let directory = tempfile::tempdir().unwrap();
    let upstream = Arc::new(Upstream::default());
    let (url, server) = serve(&upstream);
    let config = FlagsConfig {
        provider: Provider::Unleash,
        url: Some(url),
        token: Some("default:development.secret".to_owned()),
        poll_interval_ms: 100,
        file: Some(directory.path().join("last.json")),
        ..FlagsConfig::default()
    };
    let names = || vec!["publish-async".to_owned(), "unknown".to_owned()];
    let flags = Flags::start(&config, names()).unwrap();
    counted(&upstream.unchanged, 1).await;
    assert!(!flags.is_on("publish-async"));
    *upstream.on.lock() = true;
    becomes(&flags, "publish-async", true).await;
    assert!(!flags.is_on("unknown"));
    assert_eq!(upstream.full.load(Ordering::SeqCst), 2, "what has not changed is not sent again");
    *upstream.broken.lock() = true;
    server.stop(false).await;
    assert!(flags.is_on("publish-async"), "the last known state");
    let restarted = Flags::start(&config, names()).unwrap();
    assert!(restarted.is_on("publish-async"), "known before Unleash answers");
    std::fs::remove_file(directory.path().join("last.json")).unwrap();
    let fresh = Flags::start(&config, names()).unwrap();
    assert!(!fresh.is_on("publish-async"), "never seen is off");
}
