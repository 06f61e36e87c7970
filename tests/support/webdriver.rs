//! A browser: headless Chromium, driven by the WebDriver protocol over HTTP.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::Api;
use super::process::{Log, Process, free_address};
use super::wait::{PATIENCE, wait_for, wait_until};

/// The member that names an element in the protocol.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub struct Browser {
    api: Api,
    session: String,
    _driver: Process,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub fn start() -> Self {
        let address = free_address();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={}", address.port()));
        let driver = Process::spawn(&mut command, Log::default());
        let api = Api::new(address);
        wait_until("chromedriver is ready", PATIENCE, || {
            api.request("GET", "/status").try_send().is_ok_and(|answer| answer.status == 200)
        });
        let profile = tempfile::tempdir().expect("temporary directory");
        let request = api.request("POST", "/session").json(&capabilities(profile.path()));
        let answer = request.limit(PATIENCE).send().expect(200).json();
        let session = format!("/session/{}", answer["value"]["sessionId"].as_str().expect("a session"));
        Self { api, session, _driver: driver, _profile: profile }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.api.request(method, &format!("{}{path}", self.session)).limit(PATIENCE);
        let request = if method == "POST" { request.json(body) } else { request };
        let answer = request.send();
        let value = answer.json()["value"].clone();
        if answer.status == 200 { Ok(value) } else { Err(value["message"].to_string()) }
    }

    pub fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({ "url": url })).expect("the page opens");
    }

    /// Waits for an element and answers its id.
    fn find(&self, css: &str) -> String {
        let query = json!({ "using": "css selector", "value": css });
        wait_for(&format!("`{css}` on the page:\n{}", self.text()), PATIENCE, || {
            let element = self.call("POST", "/element", &query).ok()?;
            Some(element[ELEMENT].as_str()?.to_owned())
        })
    }

    pub fn click(&self, css: &str) {
        wait_for(&format!("a click on `{css}`"), PATIENCE, || {
            let element = self.find(css);
            self.call("POST", &format!("/element/{element}/click"), &json!({})).ok()
        });
    }

    pub fn write(&self, css: &str, text: &str) {
        let element = self.find(css);
        let body = json!({ "text": text });
        self.call("POST", &format!("/element/{element}/value"), &body).expect("the field takes text");
    }

    pub fn script(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] })).expect("the script runs")
    }

    /// The visible text of the page.
    pub fn text(&self) -> String {
        self.script("return document.body ? document.body.innerText : ''")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// A PNG of the page, base64.
    pub fn screenshot(&self) -> String {
        self.call("GET", "/screenshot", &json!({}))
            .expect("a screenshot")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium; killing the driver alone would leave it running.
        let _ = self.api.request("DELETE", &self.session).limit(Duration::from_secs(5)).try_send();
    }
}

fn capabilities(profile: &std::path::Path) -> Value {
    let arguments = [
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--window-size=1400,1000".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } })
}
