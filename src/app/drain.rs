//! The way out of a process that others send requests to.
//!
//! A balancer learns only at its next look that this process is leaving, and until then sends new
//! connections: closing the listener first would reset them. So readiness goes first, then, after a
//! pause, the listener, then what runs, then the background work. Not here: what each of them does
//! when it is told to stop. Invariant: nothing that could put work off still runs when the background
//! services are told to stop, and each part ends within its limit whatever hangs.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::commands::engine::Background;
use crate::http::{Probes, Serving};

/// For what was accepted and is under way to a monolith. With the pause and the requests' own limit before it
/// this stays below the 30 s that orchestrators give.
const COMMANDS_TIMEOUT: Duration = Duration::from_secs(10);

/// SIGTERM (orchestrators) and SIGINT (people), kept from the first one on, so that a second one
/// does not end the process in the middle of its drain.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From now on these signals do not end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Tells balancers and serves on until they have had time to notice, or somebody insists.
pub async fn pause(probes: &Probes, pause_ms: u64, signals: &mut StopSignals) {
    probes.drain();
    tracing::info!(pause_ms, "draining");
    if tokio::time::timeout(Duration::from_millis(pause_ms), signals.next()).await.is_ok() {
        tracing::info!("asked again to stop: the drain goes on without its pause");
    }
}

/// Requests end first, then the work they have put off: nothing new arrives for it.
pub async fn stop(serving: Serving, commands: Option<Background>, signals: &mut StopSignals) {
    if let Err(error) = serving.stop().await {
        tracing::error!(%error, "a listener did not stop cleanly");
    }
    if let Some(commands) = commands {
        stop_commands(commands, signals).await;
    }
    tracing::info!("stopped");
}

/// What does not end in time keeps its lease in the request log: it is claimed again, here or elsewhere, when
/// that runs out.
async fn stop_commands(commands: Background, signals: &mut StopSignals) {
    tokio::select! {
        () = commands.stop() => {}
        () = tokio::time::sleep(COMMANDS_TIMEOUT) => {
            tracing::warn!("requests are still under way; they go on when their leases have run out");
        }
        () = signals.next() => {
            tracing::info!("asked again to stop: what is under way goes on when its leases have run out");
        }
    }
}
