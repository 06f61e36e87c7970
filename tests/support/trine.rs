//! The binary under test as a process.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::http::Api;
use super::process::{Log, Process, free_address};
use super::wait::{PATIENCE, wait_until};

/// How a server is to be started; may be started again and again on the same addresses.
#[derive(Clone)]
pub struct Launch {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    pub public: SocketAddr,
    pub admin: SocketAddr,
    binary: String,
}

/// A server that has said that it listens.
pub struct Trine {
    pub launch: Launch,
    pub process: Process,
    pub public: SocketAddr,
    pub admin: SocketAddr,
}

/// A start that ended at once.
#[derive(Debug)]
pub struct Refusal {
    pub code: Option<i32>,
    pub output: String,
}

impl Launch {
    /// The built binary with the bundled microblog, on addresses of its own.
    pub fn role(role: &str) -> Self {
        let (public, admin) = (free_address(), free_address());
        let arguments = ["serve", "--role", role].map(str::to_owned).to_vec();
        let binary = env!("CARGO_BIN_EXE_trine").to_owned();
        let launch = Self { arguments, variables: Vec::new(), public, admin, binary };
        // Nobody balances here, and tests stop servers often.
        launch.set("http.drain_ms", 1)
    }

    /// Overrides the binary, for a deliberately broken or a released one.
    pub fn binary(mut self, path: &Path) -> Self {
        self.binary = path.to_str().expect("UTF-8").to_owned();
        self
    }

    pub fn argument(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// An argument that stands alone.
    pub fn flag(mut self, name: &str) -> Self {
        self.arguments.push(name.to_owned());
        self
    }

    /// `--set key=value`; the value is TOML, else a string.
    pub fn set(self, key: &str, value: impl std::fmt::Display) -> Self {
        self.argument("--set", &format!("{key}={value}"))
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Forgets the variable, so that the next start has not the failpoint of the last.
    pub fn without_variable(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    pub fn listen(mut self, public: SocketAddr, admin: SocketAddr) -> Self {
        (self.public, self.admin) = (public, admin);
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        // The tests' own environment must not configure the server.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRINE_")) {
            command.env_remove(name);
        }
        command.current_dir(env!("CARGO_MANIFEST_DIR")).args(&self.arguments);
        command.arg("--listen").arg(self.public.to_string());
        command.arg("--admin-listen").arg(self.admin.to_string());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts, and waits until both listeners are there.
    pub fn start(&self) -> Trine {
        self.try_start(Log::default()).unwrap_or_else(|refusal| panic!("refused to start: {refusal:?}"))
    }

    /// Starts, and waits until `/readyz` says so.
    pub fn ready(&self) -> Trine {
        let server = self.start();
        server.wait_ready();
        server
    }

    pub fn try_start(&self, log: Log) -> Result<Trine, Refusal> {
        let from = log.len();
        let mut process = Process::spawn(&mut self.command(), log);
        let mut addresses = [None; 2];
        for (index, listener) in ["public", "admin"].into_iter().enumerate() {
            let limit = std::time::Instant::now() + PATIENCE;
            while addresses[index].is_none() {
                addresses[index] =
                    process.log.find(from, Duration::from_millis(50), |line| listening(line, listener));
                if let Some(status) = process.ended() {
                    return Err(Refusal { code: status.code(), output: process.log.text() });
                }
                assert!(std::time::Instant::now() < limit, "never listened:\n{}", process.log.text());
            }
        }
        let [public, admin] = addresses.map(|address| address.expect("just found"));
        Ok(Trine { launch: self.clone(), process, public, admin })
    }

    /// Runs to the end: for starts that must be refused, and for commands other than `serve`.
    pub fn refusal(&self) -> Refusal {
        match self.try_start(Log::default()) {
            Err(refusal) => refusal,
            Ok(server) => panic!("started although it must not:\n{}", server.process.log.text()),
        }
    }
}

/// The address in `{"message":"listening","listener":"public","address":"127.0.0.1:41234"}`.
fn listening(line: &str, listener: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let named = |name: &str| line.get(name).or_else(|| line.get("fields")?.get(name))?.as_str();
    let right = named("message") == Some("listening") && named("listener") == Some(listener);
    right.then(|| named("address")?.parse().ok()).flatten()
}

impl Trine {
    pub fn api(&self) -> Api {
        Api::new(self.public)
    }

    pub fn admin(&self) -> Api {
        Api::new(self.admin)
    }

    pub fn wait_ready(&self) {
        let admin = self.admin();
        wait_until(&format!("{} ready", self.launch.arguments.join(" ")), PATIENCE, || {
            admin.request("GET", "/readyz").try_send().is_ok_and(|answer| answer.status == 200)
        });
    }

    pub fn is_ready(&self) -> bool {
        self.admin().request("GET", "/readyz").try_send().is_ok_and(|answer| answer.status == 200)
    }

    /// `kill -9`, then a new process on the same addresses.
    pub fn crash_and_restart(&mut self) {
        self.process.kill();
        self.restart();
    }

    pub fn restart(&mut self) {
        let log = self.process.log.clone();
        let launch = self.launch.clone();
        *self = launch.try_start(log).unwrap_or_else(|refusal| panic!("refused to restart: {refusal:?}"));
    }

    /// SIGTERM; panics unless it drains and exits 0.
    pub fn terminate(mut self) {
        self.process.signal("TERM");
        self.wait_drained();
    }

    /// Panics unless the process ends by itself, with 0.
    pub fn wait_drained(&mut self) {
        let status = self.process.wait();
        assert!(status.success(), "{status}:\n{}", self.process.log.text());
    }

    /// The value of a metric, summed over the series whose labels contain all of `labels`.
    pub fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.admin().get("/metrics").expect(200).text();
        let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let series =
            text.lines().filter(of_name).filter(|line| labels.iter().all(|label| line.contains(label)));
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}
