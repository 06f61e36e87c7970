//! A child process that never outlives the test, and whose output is kept.
//!
//! A small shell holds the other end of a pipe: when the test process ends, in whichever way, the
//! pipe closes and the shell kills the child. Without it an aborted run would leave servers behind.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

pub use super::postgres::ports::free_address;
use super::wait::{PATIENCE, wait_for};

/// Lines that a process has written so far, to both outputs.
#[derive(Clone, Default)]
pub struct Log {
    lines: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Log {
    fn follow(&self, output: impl Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let Ok(line) = line else { return };
                log.lines.0.lock().expect("log").push(String::from_utf8_lossy(&line).into_owned());
                log.lines.1.notify_all();
            }
        });
    }

    pub fn text(&self) -> String {
        self.lines.0.lock().expect("log").join("\n")
    }

    pub fn len(&self) -> usize {
        self.lines.0.lock().expect("log").len()
    }

    /// The first line from index `from` on that `pick` takes; `None` when `limit` passes.
    pub fn find<T>(&self, from: usize, limit: Duration, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        let end = Instant::now() + limit;
        let mut lines = self.lines.0.lock().expect("log");
        loop {
            if let Some(found) = lines.iter().skip(from).find_map(|line| pick(line)) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now())?;
            lines = self.lines.1.wait_timeout(lines, left).expect("log").0;
        }
    }
}

/// A running program. Dropping it kills it.
pub struct Process {
    child: Child,
    janitor: Child,
    pub log: Log,
}

impl Process {
    pub fn spawn(command: &mut Command, log: Log) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        log.follow(child.stdout.take().expect("piped"));
        log.follow(child.stderr.take().expect("piped"));
        let janitor = janitor(child.id());
        Self { child, janitor, log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "signal {name} was not sent");
    }

    /// `kill -9`, and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().expect("SIGKILL is sent");
        self.child.wait().expect("the process ends");
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("wait for the process")
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait_for("the end of the process", PATIENCE, || self.ended())
    }

    /// Resident memory, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("a number") * 1024
    }
}

/// What a failed test shows of a program that had ended by itself.
const LAST_LINES: usize = 40;

impl Process {
    fn tell_of_an_unexpected_end(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let Ok(Some(status)) = self.child.try_wait() else { return };
        let lines = self.log.text();
        let skipped = lines.lines().count().saturating_sub(LAST_LINES);
        let last: Vec<&str> = lines.lines().skip(skipped).collect();
        eprintln!("process {} had ended ({status}); its last lines:\n{}", self.id(), last.join("\n"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.tell_of_an_unexpected_end();
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Only after the child is gone: its id may be somebody else's from here on.
        let _ = self.janitor.kill();
        let _ = self.janitor.wait();
    }
}

/// Kills the child when the pipe closes, unless its id is somebody else's by then: ids come round
/// quickly on a machine with few of them, the start time in `/proc` tells two holders apart.
fn janitor(child: u32) -> Child {
    let script = r#"
        begun() { read -r line <"/proc/$1/stat" || return 1; set -- ${line##*) }; echo "${20}"; }
        start=$(begun "$1")
        read -r _
        if [ -n "$start" ] && [ "$(begun "$1")" = "$start" ]; then kill -s CONT "$1"; kill -s KILL "$1"; fi
    "#;
    Command::new("sh")
        .args(["-c", script, "janitor", &child.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C must not kill it before it has done its work.
        .process_group(0)
        .spawn()
        .expect("sh starts")
}
