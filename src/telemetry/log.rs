//! Structured log lines on standard error: JSON for machines, pretty on a terminal.
//!
//! Request lines (target [`REQUEST_TARGET`]) go through a bounded queue to a thread that writes many
//! of them at once, so that a slow pipe never holds up a request; what does not fit is dropped and
//! counted. Everything else is written at once: a line about a failure must outlive the process.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::Metadata;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::LogFormat;

/// Target of the one line per request.
pub const REQUEST_TARGET: &str = "request";

/// Lines that may wait; at 250 bytes a line about 4 MiB.
const QUEUE_LENGTH: usize = 16_384;
const WRITE_BYTES_MAX: usize = 64 * 1024;
/// How long the first line waits for others: waking the thread for each costs more than the line.
const GATHER_TIME: Duration = Duration::from_millis(10);

/// Installs the subscriber; the returned value writes out what is buffered when it is dropped.
pub fn install(format: Option<LogFormat>, level: &str) -> Result<Flush, String> {
    // The HTTP library tells of its threads at `info`; a filter that names it wins over this one.
    let filter = EnvFilter::try_new(format!("actix_server=warn,{level}"))
        .map_err(|error| format!("log level `{level}`: {error}"))?;
    let (sink, flush) = Sink::start(Box::new(io::stderr()))?;
    let terminal = io::stderr().is_terminal();
    let pretty = if terminal { LogFormat::Pretty } else { LogFormat::Json };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(sink);
    let installed = match format.unwrap_or(pretty) {
        LogFormat::Pretty => builder.with_ansi(terminal).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
    installed.map_err(|error| format!("log: {error}"))?;
    Ok(flush)
}

/// Where formatted lines go.
#[derive(Clone)]
struct Sink {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    Stop,
}

/// Stops the writing thread after its last line.
pub struct Flush {
    queue: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Flush {
    fn drop(&mut self) {
        // Blocks while the queue is full: the thread is draining it.
        let _ = self.queue.send(Message::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Sink {
    fn start(output: Box<dyn Write + Send>) -> Result<(Self, Flush), String> {
        let (queue, lines) = sync_channel(QUEUE_LENGTH);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = dropped.clone();
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_lines(&lines, output, &counter))
            .map_err(|error| format!("log thread: {error}"))?;
        Ok((Self { queue: queue.clone(), dropped }, Flush { queue, thread: Some(thread) }))
    }
}

/// Gathers for a moment, then takes whatever waits and writes it with as few calls.
fn write_lines(lines: &Receiver<Message>, mut output: Box<dyn Write + Send>, dropped: &AtomicU64) {
    let mut buffer = Vec::with_capacity(WRITE_BYTES_MAX);
    let (mut running, mut behind) = (true, false);
    while running {
        let mut next = lines.recv().unwrap_or(Message::Stop);
        if !behind && matches!(next, Message::Line(_)) {
            std::thread::sleep(GATHER_TIME);
        }
        loop {
            match next {
                Message::Line(line) => buffer.extend_from_slice(&line),
                Message::Stop => running = false,
            }
            next = match lines.try_recv() {
                Ok(message) if running && buffer.len() < WRITE_BYTES_MAX => message,
                Ok(Message::Line(line)) => {
                    buffer.extend_from_slice(&line);
                    break;
                }
                Ok(Message::Stop) => Message::Stop,
                Err(_) => break,
            };
        }
        behind = buffer.len() >= WRITE_BYTES_MAX;
        // A closed standard error is no reason to stop serving.
        let _ = output.write_all(&buffer);
        buffer.clear();
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            metrics::counter!(super::metrics::LOG_LINES_DROPPED).increment(lost);
        }
    }
}

/// One line being formatted.
enum Line {
    Queued { bytes: Vec<u8>, sink: Sink },
    Direct(io::Stderr),
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Line::Queued { bytes: line, .. } => line.write(bytes),
            Line::Direct(stderr) => stderr.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Line::Queued { bytes, sink } = self
            && sink.queue.try_send(Message::Line(std::mem::take(bytes))).is_err()
        {
            sink.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line::Direct(io::stderr())
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        if metadata.target() == REQUEST_TARGET {
            Line::Queued { bytes: Vec::new(), sink: self.clone() }
        } else {
            self.make_writer()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_queued_before_the_end_is_written_in_order() {
        let memory = Memory::default();
        let (sink, flush) = Sink::start(Box::new(memory.clone())).expect("a thread");
        let mut expected = String::new();
        for number in 0..5_000 {
            let text = format!("line {number} {}\n", "x".repeat(40));
            expected.push_str(&text);
            drop(Line::Queued { bytes: text.into_bytes(), sink: sink.clone() });
        }
        drop(flush);
        assert_eq!(
            String::from_utf8(memory.0.lock().expect("not poisoned").clone()).expect("text"),
            expected
        );
    }
}
