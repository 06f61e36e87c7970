//! The HTTP servers on their bound sockets: limits, threads, drain.
//!
//! Not here: requests whose head cannot be read. The library answers them itself, without a hook:
//! 400 for a malformed head, 431 for one that is too large, 408 for one that is too slow, each without
//! a body and with the connection closed. So these three have not the form of `errors`, no request id
//! and no log line. Nor does it time the heads after a connection's first one, or let its sockets be
//! wrapped by something that does; hence the proxy in front that the README asks for.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, to};
use actix_web::{App, HttpServer};

use super::{Current, Probes, admin, dispatch};
use crate::telemetry::metrics::announce_build;

/// What bounds the public listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that serve requests.
    pub workers: usize,
    /// Open connections over all workers.
    pub connections_max: usize,
    /// Idle time after which a kept connection is closed.
    pub keep_alive_s: u64,
    /// How long a drain waits for requests that run.
    pub shutdown_timeout_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from);
        Self { workers, connections_max: 2_000, keep_alive_s: 75, shutdown_timeout_s: 10 }
    }
}

/// Longest wait for the first request's head. The library re-arms it for no later request of a
/// connection, so a listener that strangers reach needs a proxy in front.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection whose request body was refused may go on sending before it is cut.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// Both listeners, running.
pub struct Serving {
    pub public: SocketAddr,
    pub admin: SocketAddr,
    public_server: Running,
    admin_server: Running,
}

struct Running {
    handle: ServerHandle,
    thread: JoinHandle<std::io::Result<()>>,
}

/// Starts both listeners on threads of their own and says where (one log line each). Returns at once.
///
/// Call [`Serving::stop`] to drain; signals are the caller's. Sockets are bound by the caller, so
/// that a taken port is found before anything else is started.
pub fn serve(
    current: Arc<Current>,
    probes: Arc<Probes>,
    public: TcpListener,
    admin: TcpListener,
    limits: Limits,
) -> std::io::Result<Serving> {
    announce_build(env!("CARGO_PKG_VERSION"), current.load().settings.plan.role.as_str());
    let (public_address, admin_address) = (public.local_addr()?, admin.local_addr()?);
    let seen = probes.clone();
    let admin_server = start("admin", move || admin_http_server(probes, admin))?;
    let public_server = start("http", move || public_http_server(current, seen, public, limits))?;
    for (listener, address) in [("public", public_address), ("admin", admin_address)] {
        tracing::info!(listener, address = %address, "listening");
    }
    Ok(Serving { public: public_address, admin: admin_address, public_server, admin_server })
}

impl Serving {
    /// Stops accepting, lets running requests end (within `shutdown_timeout_s`), then stops the
    /// admin listener, which answers until the end.
    pub async fn stop(self) -> std::io::Result<()> {
        self.public_server.stop(true).await?;
        self.admin_server.stop(false).await
    }
}

impl Running {
    async fn stop(self, graceful: bool) -> std::io::Result<()> {
        self.handle.stop(graceful).await;
        self.thread.join().unwrap_or_else(|_| Err(std::io::Error::other("an HTTP server thread panicked")))
    }
}

fn public_http_server(
    current: Arc<Current>,
    probes: Arc<Probes>,
    listener: TcpListener,
    limits: Limits,
) -> std::io::Result<actix_web::dev::Server> {
    let (current, probes) = (Data::from(current), Data::from(probes));
    let app = move || {
        let app = App::new().app_data(current.clone()).app_data(probes.clone());
        app.default_service(to(dispatch::dispatch))
    };
    let server = HttpServer::new(app)
        .workers(limits.workers)
        .max_connections((limits.connections_max / limits.workers).max(1))
        .keep_alive(Duration::from_secs(limits.keep_alive_s))
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(LINGER_TIMEOUT)
        .tcp_nodelay(true)
        .shutdown_timeout(limits.shutdown_timeout_s)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

fn admin_http_server(probes: Arc<Probes>, listener: TcpListener) -> std::io::Result<actix_web::dev::Server> {
    let data = Data::from(probes);
    let server =
        HttpServer::new(move || App::new().app_data(data.clone()).default_service(to(admin::answer)))
            .workers(1)
            .max_connections(100)
            .client_request_timeout(HEAD_TIMEOUT)
            .disable_signals()
            .listen(listener)?;
    Ok(server.run())
}

/// Runs a server on a thread and hands back how to stop it.
fn start<F>(name: &str, server: F) -> std::io::Result<Running>
where
    F: FnOnce() -> std::io::Result<actix_web::dev::Server> + Send + 'static,
{
    let (told, started) = mpsc::channel();
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let server = server()?;
            let _ = told.send(server.handle());
            server.await
        })
    })?;
    match started.recv() {
        Ok(handle) => Ok(Running { handle, thread }),
        Err(_) => Err(match thread.join() {
            Ok(Err(error)) => error,
            _ => std::io::Error::other("an HTTP server did not start"),
        }),
    }
}
