//! What a durable write costs on this disk, whoever asks for it.

use std::io::Write;
use std::time::Instant;

/// Median of 200 appended blocks, each synced.
pub fn sync_ms() -> f64 {
    let mut file = tempfile::tempfile().expect("temporary file");
    let mut times: Vec<f64> = (0..200)
        .map(|_| {
            let begin = Instant::now();
            file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("written");
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
