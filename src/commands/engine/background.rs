//! What runs beside the listeners on a deployment that accepts requests: runner, relay, figures,
//! retention of finished operations.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Engine;
use crate::commands::contention::Turns;
use crate::commands::leases::Leases;
use crate::commands::runner::Runner;
use crate::events::relay::Relay;
use crate::model::{Deadline, OperationId, Timestamp};
use crate::store::RequestStore;
use crate::store::request_log::{LogJob, LogReply};

const FIGURES_INTERVAL: Duration = Duration::from_secs(1);
const PURGE_INTERVAL: Duration = Duration::from_secs(60);
/// Operations are kept 30 days.
const KEEP: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);
const JOB_TIMEOUT: Duration = Duration::from_secs(5);

/// The background services; stop them before the process ends.
pub struct Background {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Background {
    /// Claims nothing more and waits until what is under way is settled or handed back to the log. Who does
    /// not wait for it loses nothing: the leases run out.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a background service ended badly");
            }
        }
    }
}

impl Engine {
    /// Starts what this deployment's handles allow: nothing without a request store and a monolith.
    pub fn start_background(&self) -> Background {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        if let (Some(acceptance), Some(logged), Some(monolith)) =
            (&self.acceptance, &self.logged, &self.monolith)
        {
            let waiters = logged.waiters.clone();
            let settled = Arc::new(move |id: &OperationId| waiters.settled(id));
            let relay = Relay::new(monolith.clone(), logged.requests.clone(), settled);
            let runner = Runner {
                catalogue: self.catalogue.clone(),
                planner: self.planner.clone(),
                reads: self.reads.clone(),
                requests: logged.requests.clone(),
                intake: acceptance.intake.clone(),
                turns: Arc::new(Turns::default()),
                leases: Leases::default(),
                relay: relay.start(),
            };
            tasks.push(tokio::spawn(runner.run(stopped.clone())));
            tasks.push(tokio::spawn(keep_figures(logged.requests.clone(), stopped.clone())));
            tasks.push(tokio::spawn(purge(logged.requests.clone(), stopped)));
        }
        Background { stop, tasks }
    }
}

async fn keep_figures(requests: RequestStore, mut stopped: watch::Receiver<bool>) {
    let mut failed = false;
    while pass(&mut stopped, FIGURES_INTERVAL).await {
        match requests.run(LogJob::Backlog, Deadline::after(JOB_TIMEOUT)).await {
            Ok(reply) => {
                show(&reply);
                if std::mem::take(&mut failed) {
                    tracing::info!("the figures of the backlog are current again");
                }
            }
            Err(error) => {
                // Figures that stand still look like a backlog that does.
                metrics::counter!("trine_backlog_errors_total").increment(1);
                if !std::mem::replace(&mut failed, true) {
                    tracing::warn!(%error, context = error.context, "the figures of the backlog stand still");
                }
            }
        }
    }
}

fn show(reply: &LogReply) {
    let LogReply::Backlog { accepted, running, applying, done, oldest_pending_ms } = *reply else { return };
    for (state, count) in
        [("accepted", accepted), ("running", running), ("applying", applying), ("done", done)]
    {
        metrics::gauge!("trine_operations", "state" => state).set(count as f64);
    }
    metrics::gauge!("trine_relay_lag_seconds").set(oldest_pending_ms as f64 / 1000.0);
}

async fn purge(requests: RequestStore, mut stopped: watch::Receiver<bool>) {
    while pass(&mut stopped, PURGE_INTERVAL).await {
        let done_before = Timestamp::from_jiff(jiff::Timestamp::now() - KEEP);
        // A purge takes a bounded number; more may be waiting.
        let job = LogJob::Purge { done_before };
        while !*stopped.borrow()
            && let Ok(LogReply::Stepped(true)) = requests.run(job.clone(), Deadline::after(JOB_TIMEOUT)).await
        {
        }
    }
}

/// Waits one interval; false when it is time to stop.
async fn pass(stopped: &mut watch::Receiver<bool>, interval: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(interval) => !*stopped.borrow(),
        _ = stopped.changed() => false,
    }
}
