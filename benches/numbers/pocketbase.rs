//! PocketBase with the same record: no access rules, the same fields, the same indexes.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::http::Api;
use crate::support::process::{Log, Process, free_address};
use crate::support::tools;
use crate::support::wait::{PATIENCE, wait_until};

const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "correct-horse-battery";
pub const RECORDS: &str = "/api/collections/entries/records";

pub struct PocketBase {
    pub address: SocketAddr,
    _process: Process,
    _home: tempfile::TempDir,
}

impl PocketBase {
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let command = || {
            let mut command = Command::new(tools::pocketbase());
            // It keeps migrations beside the data directory, and would find those of another run there.
            command.arg("--dir").arg(home.path().join("data")).arg("--automigrate=false");
            command
        };
        let made =
            command().args(["superuser", "upsert", EMAIL, PASSWORD]).output().expect("pocketbase runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let address = free_address();
        let process =
            Process::spawn(command().args(["serve", "--http", &address.to_string()]), Log::default());
        let api = Api::new(address);
        wait_until("PocketBase is healthy", PATIENCE, || {
            api.request("GET", "/api/health").try_send().is_ok_and(|answer| answer.status == 200)
        });
        make_collection(&api);
        Self { address, _process: process, _home: home }
    }
}

fn make_collection(api: &Api) {
    let login = json!({ "identity": EMAIL, "password": PASSWORD });
    let path = "/api/collections/_superusers/auth-with-password";
    let token = api.post(path, &login).expect(200).json()["token"].as_str().expect("a token").to_owned();
    let request = api.request("POST", "/api/collections").header("Authorization", &token);
    request.json(&collection()).send().expect(200);
}

fn collection() -> Value {
    let indexes = ["title", "state", "publish_time", "created"]
        .map(|field| format!("CREATE INDEX entries_{field} ON entries ({field})"));
    json!({
        "name": "entries",
        "type": "base",
        "listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": "",
        "fields": [
            { "name": "title", "type": "text", "required": true },
            { "name": "body", "type": "text" },
            { "name": "tags", "type": "json" },
            { "name": "state", "type": "text" },
            { "name": "publish_time", "type": "date" },
            { "name": "created", "type": "autodate", "onCreate": true },
            { "name": "updated", "type": "autodate", "onCreate": true, "onUpdate": true },
        ],
        "indexes": indexes,
    })
}

/// PocketBase wants ids of 15 characters.
pub fn id(number: u64) -> String {
    format!("e{number:014}")
}
