//! What can be seen of a running deployment: structured logs, metrics, trace context.
//!
//! Everyone may emit; nobody may depend on what was emitted.

pub mod log;
pub mod metrics;
pub mod trace;

use std::str::FromStr;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people at a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pretty" => Ok(LogFormat::Pretty),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("`{other}` is no log format; use pretty or json")),
        }
    }
}

/// Installs the log and the metrics recorder; call once, before anything else.
///
/// `format`: none means pretty on a terminal, else JSON. `level` is a filter such as `info` or
/// `info,trine::store=debug`. Keep the [`Telemetry`] until the process ends: dropping it writes out
/// what is still buffered.
pub fn start(format: Option<LogFormat>, level: &str) -> Result<Telemetry, String> {
    let log = log::install(format, level)?;
    let metrics = metrics::install()?;
    Ok(Telemetry { metrics, _log: log })
}

/// A running telemetry.
pub struct Telemetry {
    pub metrics: metrics::Metrics,
    _log: log::Flush,
}
