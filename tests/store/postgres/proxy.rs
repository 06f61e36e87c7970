//! A TCP proxy that cuts a connection at COMMIT, before or after the server has seen it, or once it was answered.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Nothing,
    /// COMMIT never arrives.
    BeforeCommit,
    /// COMMIT arrives, its answer does not.
    AfterCommit,
    /// COMMIT arrives, its answer is the last word of a server whose log found no room.
    NoRoom,
    /// COMMIT arrives and is answered, what is asked next does not arrive.
    Afterwards,
}

pub struct Proxy {
    pub port: u16,
    next: Arc<AtomicU8>,
}

impl Proxy {
    pub fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::new(AtomicU8::new(Cut::Nothing as u8));
        let shared = Arc::clone(&next);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", server_port)).unwrap();
                let next = Arc::clone(&shared);
                let (client_copy, server_copy) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || requests(client, server, &next));
                thread::spawn(move || answers(server_copy, client_copy));
            }
        });
        Self { port, next }
    }

    /// Cuts the next COMMIT; connections made afterwards pass.
    pub fn cut_next(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }

    pub fn has_cut(&self) -> bool {
        self.next.load(Ordering::SeqCst) == Cut::Nothing as u8
    }
}

fn requests(mut client: TcpStream, mut server: TcpStream, next: &AtomicU8) {
    let mut buffer = [0; 1 << 16];
    while let Ok(count) = client.read(&mut buffer) {
        let sent = &buffer[..count];
        if count == 0 {
            break;
        }
        if sent.windows(6).any(|window| window == b"COMMIT") {
            let cut = next.swap(Cut::Nothing as u8, Ordering::SeqCst);
            if cut == Cut::BeforeCommit as u8 {
                break;
            }
            if cut == Cut::NoRoom as u8 {
                let _ = client.write_all(&panic());
            }
            if cut == Cut::AfterCommit as u8 || cut == Cut::NoRoom as u8 {
                // The client is gone first, so that the answer has nowhere to go.
                let _ = client.shutdown(Shutdown::Both);
                let _ = server.write_all(sent);
                return;
            }
            if cut == Cut::Afterwards as u8 {
                let _ = server.write_all(sent);
                let _ = client.read(&mut buffer);
                break;
            }
        }
        if server.write_all(sent).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

/// An ErrorResponse as the protocol has it: severity, SQLSTATE, message.
fn panic() -> Vec<u8> {
    let fields =
        b"SPANIC\0C53100\0Mcould not write to file \"pg_wal/xlogtemp.1\": No space left on device\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    [b"E".as_slice(), &length, fields].concat()
}

fn answers(mut server: TcpStream, mut client: TcpStream) {
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
}
