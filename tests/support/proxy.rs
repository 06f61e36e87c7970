//! What every faulty proxy of the tests begins with: an address, a target, a seeded chance.
//!
//! Not here: what goes wrong with a connection; that is each proxy's own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::process::free_address;

/// Where a proxy passes on to, and the dice it throws.
pub struct Way {
    pub target: SocketAddr,
    random: Mutex<StdRng>,
}

impl Way {
    /// The dice are the proxy's own, so that its threads do not change what the test itself throws.
    pub fn to(target: SocketAddr, random: &mut StdRng) -> Self {
        Self { target, random: Mutex::new(StdRng::seed_from_u64(random.random())) }
    }

    pub fn connect(&self) -> Option<TcpStream> {
        TcpStream::connect(self.target).ok()
    }

    pub fn happens(&self, numerator: u32, denominator: u32) -> bool {
        self.random.lock().expect("random").random_ratio(numerator, denominator)
    }
}

/// Accepts on an address of its own for as long as the test runs; a thread for each connection.
pub fn accept<S: Send + Sync + 'static>(state: &Arc<S>, serve: fn(&Arc<S>, TcpStream)) -> SocketAddr {
    let address = free_address();
    let listener = TcpListener::bind(address).expect("the address is free");
    let state = state.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let state = state.clone();
            std::thread::spawn(move || serve(&state, connection));
        }
    });
    address
}
