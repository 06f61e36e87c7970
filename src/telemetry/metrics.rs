//! Metrics: the one table of all names, and the recorder behind `/metrics`.
//!
//! Labels are route patterns, methods, states, roles: never ids, tables of users or tenants.

use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Labels `http_route`, `http_request_method`, `http_response_status_code`, `role`.
pub const HTTP_DURATION: &str = "http_server_request_duration_seconds";
/// Labels `version`, `role`.
pub const BUILD_INFO: &str = "trine_build_info";
/// Labels `database`, `lane`.
pub const LANE_QUEUE_LENGTH: &str = "trine_lane_queue_length";
/// Labels `database`, `lane`.
pub const LANE_BATCH_SIZE: &str = "trine_lane_batch_size";
/// Labels `database`, `lane`.
pub const LANE_BATCH_DURATION: &str = "trine_lane_batch_duration_seconds";
/// Labels `database`, `lane`.
pub const LANE_CONNECTIONS: &str = "trine_lane_connections";
/// Label `to`: the role that is called.
pub const PEER_BATCH_SIZE: &str = "trine_peer_batch_size";
pub const REPLICA_LAG: &str = "trine_replica_lag_bytes";
pub const REPLICA_STREAMING: &str = "trine_replica_streaming";
/// Label `state`.
pub const OPERATIONS: &str = "trine_operations";
pub const BACKLOG_ERRORS: &str = "trine_backlog_errors_total";
pub const RELAY_LAG: &str = "trine_relay_lag_seconds";
/// Label `method` on the monolith.
pub const RULE_RERUNS: &str = "trine_rule_reruns_total";
pub const OPERATIONS_TRIED_AGAIN: &str = "trine_operations_tried_again_total";
pub const OPERATIONS_GIVEN_UP: &str = "trine_operations_given_up_total";
pub const PEER_FAILURES: &str = "trine_peer_failures_total";
/// Label `outcome`.
pub const INBOX_EVENTS: &str = "trine_inbox_events_total";
/// Label `flag`; 1 is on.
pub const FLAG_STATE: &str = "trine_flag_state";
/// Values that somebody wrote past the API and that are none of their field's.
pub const STORED_VALUES_LEFT_OUT: &str = "trine_stored_values_left_out_total";
/// Request lines that standard error was too slow for.
pub const LOG_LINES_DROPPED: &str = "trine_log_lines_dropped_total";

const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// How often histograms are folded, so that samples do not pile up between scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The running recorder.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl Metrics {
    /// Prometheus text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

/// Installs the recorder for the process and describes every metric.
pub fn install() -> Result<Metrics, String> {
    let handle = builder()?.install_recorder().map_err(|error| format!("metrics: {error}"))?;
    describe();
    let upkeep = handle.clone();
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP_INTERVAL);
                upkeep.run_upkeep();
            }
        })
        .map_err(|error| format!("metrics thread: {error}"))?;
    Ok(Metrics { handle })
}

fn builder() -> Result<PrometheusBuilder, String> {
    // Without fixed buckets the exporter keeps rolling summaries, which cannot be added up over replicas.
    PrometheusBuilder::new()
        .set_buckets(&SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(LANE_BATCH_SIZE.to_owned()), &SIZES))
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(PEER_BATCH_SIZE.to_owned()), &SIZES))
        .map_err(|error| format!("metrics: {error}"))
}

fn describe() {
    describe_histogram!(HTTP_DURATION, "Time from the request's head to its answer");
    describe_gauge!(BUILD_INFO, "1; its labels tell what runs");
    describe_gauge!("trine_idempotency_bytes", "Bytes of the answers kept under idempotency keys");
    describe_gauge!("trine_idempotency_max_bytes", "Bytes at which new idempotency keys are refused");
    describe_counter!(
        "trine_idempotency_refused_total",
        "Writes refused because their key could not be kept"
    );
    describe_gauge!(LANE_QUEUE_LENGTH, "Jobs that wait in a lane");
    describe_histogram!(LANE_BATCH_SIZE, "Jobs that one batch served");
    describe_histogram!(LANE_BATCH_DURATION, "Time that one batch took");
    describe_gauge!(LANE_CONNECTIONS, "Connections of a lane that are connected");
    describe_histogram!(PEER_BATCH_SIZE, "Requests that one call to another role carried");
    describe_gauge!(REPLICA_LAG, "Bytes received and not replayed");
    describe_gauge!(REPLICA_STREAMING, "1 while the replica receives and replays what its primary writes");
    describe_gauge!(
        OPERATIONS,
        "Operations by state, counted to 10,000 that are done and as many that are not"
    );
    describe_counter!(BACKLOG_ERRORS, "Looks at the backlog that failed: its figures are of before");
    describe_gauge!(
        RELAY_LAG,
        "Age of the oldest accepted request whose outcome is not known to the primary"
    );
    describe_counter!(RULE_RERUNS, "Rules run again because a guard of their write set failed");
    describe_counter!(OPERATIONS_TRIED_AGAIN, "Attempts at operations that are made again later");
    describe_counter!(OPERATIONS_GIVEN_UP, "Operations ended as failed after too many attempts");
    describe_counter!(PEER_FAILURES, "Calls to another role that it did not answer");
    describe_counter!(INBOX_EVENTS, "Decided write sets that the inbox answered, by outcome");
    describe_gauge!(FLAG_STATE, "1 when the flag is on");
    describe_counter!(STORED_VALUES_LEFT_OUT, "Stored values that no answer can show");
    describe_counter!(LOG_LINES_DROPPED, "Request lines dropped because standard error was too slow");
}

/// Says what runs.
pub fn announce_build(version: &'static str, role: &'static str) {
    gauge!(BUILD_INFO, "version" => version, "role" => role).set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_have_buckets() {
        let recorder = builder().expect("buckets").build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!(LANE_BATCH_SIZE, "lane" => "read").record(3.0)
        });
        let text = handle.render();
        assert!(text.contains("trine_lane_batch_size_bucket{lane=\"read\",le=\"4\"} 1"), "{text}");
    }
}
