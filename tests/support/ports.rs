//! Addresses that nobody listens on, kept for this process until it ends.
//!
//! A port is reserved by a name in Linux' abstract socket namespace: atomic between all test
//! processes of the machine, and given back by the kernel however the process ends. The ports lie below the
//! range from which the system takes ports of outgoing connections, so that no client can occupy
//! one while its server is being restarted.

use std::net::{SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as Name, UnixListener};
use std::sync::Mutex;

const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// What is reserved, and where to look next. Neighbouring processes begin far apart.
static RESERVED: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

pub fn free_address() -> SocketAddr {
    let mut reserved = RESERVED.lock().expect("ports");
    let first = std::process::id() * 61 + reserved.len() as u32;
    let count = PORTS.len() as u32;
    for offset in 0..count {
        let port = PORTS.start + ((first + offset) % count) as u16;
        let Some(reservation) = reserve(port) else { continue };
        reserved.push(reservation);
        return SocketAddr::from(([127, 0, 0, 1], port));
    }
    panic!("no free port between {} and {}", PORTS.start, PORTS.end);
}

fn reserve(port: u16) -> Option<UnixListener> {
    let name = Name::from_abstract_name(format!("trine-test-port-{port}")).expect("a short name");
    let reservation = UnixListener::bind_addr(&name).ok()?;
    // Somebody who reserves nothing may be there all the same.
    TcpListener::bind(("127.0.0.1", port)).ok()?;
    Some(reservation)
}
