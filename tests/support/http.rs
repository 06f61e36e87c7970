//! HTTP as a test writes it: blocking, one line a request.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::runtime::Runtime;

/// A server; connections to it are kept.
#[derive(Clone)]
pub struct Api {
    base: String,
    client: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// No answer: refused, reset or timed out. Whether the request had an effect is unknown.
#[derive(Clone, Debug)]
pub struct NoAnswer {
    pub reason: String,
    /// No connection was made, so the request cannot have had an effect.
    pub never_sent: bool,
}

impl Api {
    pub fn new(address: SocketAddr) -> Self {
        Self::at(format!("http://{address}"))
    }

    pub fn at(base: String) -> Self {
        Self { base, client: client().clone() }
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        Request { builder: self.client.request(method, format!("{}{path}", self.base)) }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send()
    }

    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.request("PATCH", path).json(body).send()
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send()
    }
}

pub struct Request {
    builder: reqwest::RequestBuilder,
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    pub fn token(self, token: &str) -> Self {
        self.header("Trine-Consistency-Token", token)
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.builder = self.builder.header("Content-Type", media_type).body(body.into());
        self
    }

    pub fn limit(mut self, limit: Duration) -> Self {
        self.builder = self.builder.timeout(limit);
        self
    }

    pub fn send(self) -> Answer {
        self.try_send().unwrap_or_else(|failure| panic!("no answer: {}", failure.reason))
    }

    pub fn try_send(self) -> Result<Answer, NoAnswer> {
        runtime().block_on(async {
            let answer = self.builder.send().await.map_err(no_answer)?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let body = answer.bytes().await.map_err(no_answer)?.to_vec();
            Ok(Answer { status, headers, body })
        })
    }
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    NoAnswer { never_sent: error.is_connect(), reason: format!("{error:?}") }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The role that answered.
    pub fn role(&self) -> &str {
        self.header("Trine-Role").unwrap_or("(no Trine-Role)")
    }

    pub fn token(&self) -> String {
        self.header("Trine-Consistency-Token").expect("a consistency token").to_owned()
    }

    /// `ErrorInfo.reason`, empty when the answer is no error.
    pub fn reason(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"]["details"][0]["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts the status and goes on.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} {:?}", self.text(), self.headers);
        self
    }

    /// Asserts status and reason of an error in the contract's form.
    #[track_caller]
    pub fn refused(self, status: u16, reason: &str) -> Self {
        assert_eq!((self.status, self.reason().as_str()), (status, reason), "{}", self.text());
        let error = &self.json()["error"];
        assert_eq!(error["code"], status, "{error}");
        assert_eq!(error["details"][0]["domain"], "trine", "{error}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{error}");
        self
    }
}

/// One for all: making one reads every root certificate of the machine.
fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        builder.timeout(Duration::from_secs(10)).build().expect("HTTP client")
    })
}

/// Drives all requests of a test process.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime")
    })
}
