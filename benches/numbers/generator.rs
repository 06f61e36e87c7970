//! The load generator: raw HTTP/1.1 on kept connections, one thread, next to nothing per request.
//!
//! Closed loop: each connection sends its next request when it has the answer to the last. Paced: requests
//! are due at fixed times, and latency counts from when a request was due, so that a stall is not hidden.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Writes the request with this number into the buffer; numbers are never used twice in a run.
pub type Make<'a> = &'a dyn Fn(u64) -> Request;

pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
    pub headers: Vec<(&'static str, String)>,
}

impl Request {
    pub fn get(path: String) -> Self {
        Self { method: "GET", path, body: None, headers: Vec::new() }
    }

    pub fn with_body(method: &'static str, path: String, body: String) -> Self {
        Self { method, path, body: Some(body), headers: Vec::new() }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: bench\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        let body = self.body.as_deref().unwrap_or_default();
        if self.body.is_some() {
            text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        (text + "\r\n" + body).into_bytes()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Measured {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Answers whose status was not among the expected.
    pub unexpected: usize,
    pub bodies: Vec<Vec<u8>>,
}

pub struct Plan<'a> {
    pub address: SocketAddr,
    pub connections: usize,
    pub make: Make<'a>,
    pub expected: &'a [u16],
    /// Number of the first request.
    pub first: u64,
    pub warm_up: Duration,
    pub length: Duration,
    /// Requests a second; `None` is a closed loop.
    pub rate: Option<f64>,
    pub keep_bodies: bool,
}

struct Shared {
    next: Cell<u64>,
    begin: Instant,
    measured_from: Instant,
    end: Instant,
}

struct Sample {
    latency: Duration,
    expected: bool,
    body: Option<Vec<u8>>,
}

/// Runs the plan to its end; also answers the number that the next plan may begin with.
pub fn measure(plan: &Plan) -> (Measured, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    LocalSet::new().block_on(&runtime, async {
        let begin = Instant::now();
        let measured_from = begin + plan.warm_up;
        let shared =
            Rc::new(Shared { next: Cell::new(0), begin, measured_from, end: measured_from + plan.length });
        let connections = (0..plan.connections).map(|_| connection(plan, shared.clone()));
        let samples: Vec<Sample> =
            futures_util::future::join_all(connections).await.into_iter().flatten().collect();
        (summary(samples, plan.length), plan.first + shared.next.get())
    })
}

async fn connection(plan: &Plan<'_>, shared: Rc<Shared>) -> Vec<Sample> {
    let mut stream = TcpStream::connect(plan.address).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    let (mut samples, mut buffer) = (Vec::with_capacity(1 << 14), Vec::with_capacity(1 << 14));
    loop {
        let number = shared.next.get();
        let due = match plan.rate {
            Some(rate) => shared.begin + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        if due >= shared.end {
            return samples;
        }
        shared.next.set(number + 1);
        if plan.rate.is_some() {
            tokio::time::sleep_until(due.into()).await;
        }
        stream.write_all(&(plan.make)(plan.first + number).bytes()).await.expect("sent");
        let status = answer(&mut stream, &mut buffer).await;
        if due >= shared.measured_from {
            let body = plan.keep_bodies.then(|| body(&buffer).to_vec());
            samples.push(Sample { latency: due.elapsed(), expected: plan.expected.contains(&status), body });
        }
    }
}

/// Reads one whole answer into the buffer and answers its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> u16 {
    buffer.clear();
    loop {
        let length = stream.read_buf(buffer).await.expect("an answer");
        assert!(length > 0, "closed in the middle: {}", String::from_utf8_lossy(buffer));
        if is_whole(buffer) {
            return std::str::from_utf8(&buffer[9..12]).expect("digits").parse().expect("a status");
        }
    }
}

fn head_length(buffer: &[u8]) -> Option<usize> {
    buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|position| position + 4)
}

fn body(buffer: &[u8]) -> &[u8] {
    &buffer[head_length(buffer).unwrap_or(buffer.len())..]
}

fn is_whole(buffer: &[u8]) -> bool {
    let Some(head) = head_length(buffer) else { return false };
    let lines = buffer[..head].split(|byte| *byte == b'\n');
    for line in lines {
        if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            let text = std::str::from_utf8(&line[15..]).expect("ASCII");
            return buffer.len() >= head + text.trim().parse::<usize>().expect("a length");
        }
        if line.len() > 18 && line[..18].eq_ignore_ascii_case(b"transfer-encoding:") {
            return buffer.ends_with(b"0\r\n\r\n");
        }
    }
    true
}

fn summary(samples: Vec<Sample>, length: Duration) -> Measured {
    let unexpected = samples.iter().filter(|sample| !sample.expected).count();
    let mut latencies: Vec<f64> = samples.iter().map(|sample| sample.latency.as_secs_f64() * 1e3).collect();
    latencies.sort_by(f64::total_cmp);
    let at =
        |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    Measured {
        per_second: (samples.len() - unexpected) as f64 / length.as_secs_f64(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: latencies.last().copied().unwrap_or(f64::NAN),
        unexpected,
        bodies: samples.into_iter().filter_map(|sample| sample.body).collect(),
    }
}
