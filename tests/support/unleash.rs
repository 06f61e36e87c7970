//! A real Unleash server on a database of its own.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::json;

use super::http::{Answer, Api};
use super::process::{Log, Process, free_address};
use super::tools;
use super::wait::{PATIENCE, wait_for};

const ADMIN_TOKEN: &str = "*:*.unleash-admin-for-tests";
pub const CLIENT_TOKEN: &str = "default:development.unleash-client-for-tests";

pub struct Unleash {
    pub address: SocketAddr,
    pub process: Process,
    database: String,
}

impl Unleash {
    /// `database`: an empty PostgreSQL database; Unleash fills it itself.
    pub fn start(database: &str) -> Self {
        let address = free_address();
        let process = Process::spawn(&mut command(address, database), Log::default());
        let mut unleash = Self { address, process, database: database.to_owned() };
        unleash.wait_ready();
        unleash
    }

    /// Starts it again after a kill, on the same address.
    pub fn restart(&mut self) {
        let log = self.process.log.clone();
        self.process = Process::spawn(&mut command(self.address, &self.database), log);
        self.wait_ready();
    }

    fn wait_ready(&mut self) {
        let api = self.api();
        // Several hundred migrations at its first start: seconds on an idle machine, minutes on a busy one.
        wait_for("Unleash healthy", PATIENCE * 8, || {
            assert!(self.process.ended().is_none(), "Unleash ended:\n{}", self.process.log.text());
            api.request("GET", "/health").try_send().ok().filter(|answer| answer.status == 200)
        });
    }

    pub fn api(&self) -> Api {
        Api::new(self.address)
    }

    /// What `flags.url` is to be.
    pub fn url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// A flag that is off.
    pub fn create_flag(&self, name: &str) {
        let body = json!({ "name": name, "type": "kill-switch" });
        self.admin("POST", "/api/admin/projects/default/features", &body).expect(201);
        let strategy = json!({
            "name": "flexibleRollout",
            "parameters": { "rollout": "100", "stickiness": "default", "groupId": name },
        });
        let path = format!("/api/admin/projects/default/features/{name}/environments/development/strategies");
        self.admin("POST", &path, &strategy).expect(200);
    }

    pub fn switch(&self, name: &str, on: bool) {
        let state = if on { "on" } else { "off" };
        let path = format!("/api/admin/projects/default/features/{name}/environments/development/{state}");
        self.admin("POST", &path, &json!({})).expect(200);
    }

    /// Whether the flag is on, as the admin API tells.
    pub fn is_on(&self, name: &str) -> bool {
        let path = format!("/api/admin/projects/default/features/{name}/environments/development");
        let request = self.api().request("GET", &path).header("Authorization", ADMIN_TOKEN);
        request.send().expect(200).json()["enabled"] == true
    }

    fn admin(&self, method: &str, path: &str, body: &serde_json::Value) -> Answer {
        self.api().request(method, path).header("Authorization", ADMIN_TOKEN).json(body).send()
    }
}

fn command(address: SocketAddr, database: &str) -> Command {
    let mut command = Command::new(tools::node());
    command.current_dir(tools::unleash());
    command.args(["--input-type=module", "-e", "import { start } from 'unleash-server'; await start();"]);
    command.env("DATABASE_URL", database).env("DATABASE_SSL", "false");
    command.env("HTTP_HOST", "127.0.0.1").env("HTTP_PORT", address.port().to_string());
    command.env("AUTH_TYPE", "open-source").env("INIT_ADMIN_API_TOKENS", ADMIN_TOKEN);
    command.env("INIT_BACKEND_API_TOKENS", CLIENT_TOKEN);
    command.env("CHECK_VERSION", "false").env("SEND_TELEMETRY", "false").env("LOG_LEVEL", "warn");
    command
}
