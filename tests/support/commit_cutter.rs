//! A proxy before PostgreSQL that cuts connections at COMMIT, on either side of it.
//!
//! Cut before, COMMIT never arrives; cut after, it is carried out and nobody hears of it. While it is
//! `closed` nobody gets a connection either, so what became of the COMMIT cannot be asked for.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use rand::rngs::StdRng;

use super::proxy::{self, Way};

#[derive(Clone)]
pub struct CommitCutter {
    pub address: SocketAddr,
    state: Arc<State>,
}

struct State {
    way: Way,
    /// One COMMIT in so many is cut; none when 0.
    one_in: AtomicU32,
    closed: AtomicBool,
    closes_at_cut: AtomicBool,
    before: AtomicUsize,
    after: AtomicUsize,
}

impl CommitCutter {
    pub fn start(target: SocketAddr, random: &mut StdRng) -> Self {
        let state = Arc::new(State {
            way: Way::to(target, random),
            one_in: AtomicU32::new(0),
            closed: AtomicBool::new(false),
            closes_at_cut: AtomicBool::new(false),
            before: AtomicUsize::new(0),
            after: AtomicUsize::new(0),
        });
        let address = proxy::accept(&state, State::open);
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
        let Some(server) = self.way.connect() else { return };
        let copies = (client.try_clone(), server.try_clone());
        let (Ok(client_copy), Ok(server_copy)) = copies else { return };
        std::thread::spawn(move || pass_answers(server_copy, client_copy));
        self.pass_requests(client, server);
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
        if one_in == 0 || !self.way.happens(1, one_in) {
            return None;
        }
        if self.closes_at_cut.swap(false, Ordering::SeqCst) {
            self.closed.store(true, Ordering::SeqCst);
        }
        let (side, count) =
            if self.way.happens(1, 2) { (Side::Before, &self.before) } else { (Side::After, &self.after) };
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
