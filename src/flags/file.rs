//! Flags from a file, read again when it changes. A file that cannot be read or parsed later leaves
//! the last known state and a warning.

use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::task::JoinHandle;

use super::{FlagsConfig, Snapshot, States};

pub(super) fn start(config: &FlagsConfig, snapshot: Snapshot) -> Result<JoinHandle<()>, String> {
    let path = config.file.clone().ok_or("flags.file: needed by flags.provider = \"file\"; name the file")?;
    // The stamp is taken before the text: a change between the two is read again, never missed.
    let mut stamp = stamp_of(&path);
    snapshot.replace(read(&path).map_err(|problem| format!("flags.file: {problem}"))?);
    let interval = Duration::from_millis(config.poll_interval_ms.max(10));
    Ok(tokio::spawn(async move {
        loop {
            tokio::time::sleep(interval).await;
            let newest = stamp_of(&path);
            if newest == stamp {
                continue;
            }
            stamp = newest;
            match read(&path) {
                Ok(states) => snapshot.replace(states),
                Err(problem) => tracing::warn!(problem, "flags stay as last seen"),
            }
        }
    }))
}

/// Time of change and length: what tells one version of the file from the next.
fn stamp_of(path: &Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(path: &Path) -> Result<States, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let toml = path.extension().is_some_and(|extension| extension == "toml");
    let parsed = if toml {
        toml::from_str(&text).map_err(|error| error.to_string())
    } else {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    };
    parsed.map_err(|error| format!("{shown} is no map of flag names to true or false: {error}"))
}
