//! A proxy between two roles that delivers requests twice, late, and sometimes keeps the answer back.
//!
//! Speaks just enough HTTP/1.1 for signed JSON calls with a length. What it repeats is byte for byte
//! what it saw, so the receiver cannot tell it from a sender that retries.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;

use super::proxy::{self, Way};

pub struct Replayer {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    way: Way,
    /// Requests seen; some are sent again long after.
    seen: Mutex<Vec<Vec<u8>>>,
    stopped: AtomicBool,
    duplicated: AtomicUsize,
    withheld: AtomicUsize,
}

impl Replayer {
    pub fn start(target: SocketAddr, random: &mut StdRng) -> Self {
        let state = Arc::new(State {
            way: Way::to(target, random),
            seen: Mutex::default(),
            stopped: AtomicBool::new(false),
            duplicated: AtomicUsize::new(0),
            withheld: AtomicUsize::new(0),
        });
        let address = proxy::accept(&state, serve);
        Self { address, state }
    }

    /// From now on it only passes on.
    pub fn behave(&self) {
        self.state.stopped.store(true, Ordering::Relaxed);
    }

    /// How many requests were delivered more than once, and how many answers were kept back.
    pub fn counts(&self) -> (usize, usize) {
        (self.state.duplicated.load(Ordering::Relaxed), self.state.withheld.load(Ordering::Relaxed))
    }

    /// Sends everything it ever saw once more, in another order; answers the statuses.
    pub fn replay_all(&self) -> Vec<u16> {
        let seen = self.state.seen.lock().expect("seen").clone();
        let sent = seen.iter().rev().map(|request| deliver(&self.state.way, request));
        sent.map(|answer| answer.as_deref().and_then(status).unwrap_or(0)).collect()
    }
}

fn serve(state: &Arc<State>, connection: TcpStream) {
    let Ok(mut writer) = connection.try_clone() else { return };
    let mut reader = BufReader::new(connection);
    while let Some(request) = read_message(&mut reader) {
        let faulty = !state.stopped.load(Ordering::Relaxed);
        let chance = |numerator: u32| faulty && state.way.happens(numerator, 10);
        let Some(answer) = deliver(&state.way, &request) else { return };
        if chance(3) {
            state.duplicated.fetch_add(1, Ordering::Relaxed);
            deliver(&state.way, &request);
        }
        if chance(2) {
            let late = state.seen.lock().expect("seen").first().cloned();
            if let Some(late) = late {
                deliver(&state.way, &late);
            }
        }
        state.seen.lock().expect("seen").push(request);
        if chance(2) {
            // The sender must think that nothing arrived.
            state.withheld.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if writer.write_all(&answer).is_err() {
            return;
        }
    }
}

/// One request on a connection of its own; the whole answer.
fn deliver(way: &Way, request: &[u8]) -> Option<Vec<u8>> {
    let mut stream = way.connect()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(request).ok()?;
    read_message(&mut BufReader::new(stream))
}

/// Head and body of a request or an answer with `Content-Length`.
pub fn read_message(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut length = 0;
    loop {
        let start = message.len();
        if reader.read_until(b'\n', &mut message).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&message[start..]).to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    message.extend(body);
    Some(message)
}

fn status(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}
