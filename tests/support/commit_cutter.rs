//! A proxy before PostgreSQL that cuts connections at COMMIT, on either side of it.
//!
//! Cut before, COMMIT never arrives; cut after, it is carried out and nobody hears of it. While it is
//! `closed` nobody gets a connection either, so what became of the COMMIT cannot be asked for.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::process::free_address;

#[derive(Clone)]
pub struct CommitCutter {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    target: SocketAddr,
    random: Mutex<StdRng>,
    /// One COMMIT in so many is cut; none when 0.
    one_in: AtomicU32,
    closed: AtomicBool,
    closes_at_cut: AtomicBool,
    before: AtomicUsize,
    after: AtomicUsize,
}

impl CommitCutter {
    pub fn start(target: SocketAddr, random: &mut StdRng) -> Self {
        let address = free_address();
        let listener = TcpListener::bind(address).expect("the address is free");
        let state = Arc::new(State {
            target,
            random: Mutex::new(StdRng::seed_from_u64(random.random())),
            one_in: AtomicU32::new(0),
            closed: AtomicBool::new(false),
            closes_at_cut: AtomicBool::new(false),
            before: AtomicUsize::new(0),
            after: AtomicUsize::new(0),
        });
        let accepting = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                accepting.open(client);
            }
        });
        Self { address, state }
    }

    /// Cuts one COMMIT in `one_in` from now on; none for 0.
    pub fn cut(&self, one_in: u32) {
        self.state.one_in.store(one_in, Ordering::SeqCst);
    }

    /// The next cut also closes the door, until [`Self::reopen`].
    pub fn close_at_next_cut(&self) {
        self.state.closes_at_cut.store(true, Ordering::SeqCst);
    }

    pub fn is_closed(&self) -> bool {
        self.state.closed.load(Ordering::SeqCst)
    }

    pub fn reopen(&self) {
        self.state.closed.store(false, Ordering::SeqCst);
    }

    /// COMMITs that never arrived, and those that were carried out unheard.
    pub fn counts(&self) -> (usize, usize) {
        (self.state.before.load(Ordering::SeqCst), self.state.after.load(Ordering::SeqCst))
    }
}

impl State {
    fn open(self: &Arc<Self>, client: TcpStream) {
        if self.closed.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect(self.target) else { return };
        let copies = (client.try_clone(), server.try_clone());
        let (Ok(client_copy), Ok(server_copy)) = copies else { return };
        let state = self.clone();
        std::thread::spawn(move || state.pass_requests(client, server));
        std::thread::spawn(move || pass_answers(server_copy, client_copy));
    }

    fn pass_requests(&self, mut client: TcpStream, mut server: TcpStream) {
        let mut buffer = [0; 1 << 16];
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            let sent = &buffer[..count];
            let is_commit = sent.windows(6).any(|window| window == b"COMMIT");
            match is_commit.then(|| self.decide()).flatten() {
                Some(Side::Before) => break,
                Some(Side::After) => {
                    // The client is gone first, so that the answer has nowhere to go.
                    let _ = client.shutdown(Shutdown::Both);
                    let _ = server.write_all(sent);
                    return;
                }
                None if server.write_all(sent).is_err() => break,
                None => {}
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    }

    fn decide(&self) -> Option<Side> {
        let one_in = self.one_in.load(Ordering::SeqCst);
        let mut random = self.random.lock().expect("random");
        if one_in == 0 || !random.random_ratio(1, one_in) {
            return None;
        }
        if self.closes_at_cut.swap(false, Ordering::SeqCst) {
            self.closed.store(true, Ordering::SeqCst);
        }
        let (side, count) =
            if random.random() { (Side::Before, &self.before) } else { (Side::After, &self.after) };
        count.fetch_add(1, Ordering::SeqCst);
        Some(side)
    }
}

enum Side {
    Before,
    After,
}

fn pass_answers(mut server: TcpStream, mut client: TcpStream) {
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}
