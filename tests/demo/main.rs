//! The product's whole idea as one session: three roles, a replica, a flag, a crash.
//!
//! Starts everything for real, shows each request and who answered it, and ends with 0 only if every
//! step held. Everything is stopped and removed at the end, also after a failure.

#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use serde_json::Value;

use support::blog;
use support::http::{Answer, Api};
use support::nginx::Nginx;
use support::postgres::Cluster;
use support::stack::{Options, Stack, method_key};
use support::unleash::{CLIENT_TOKEN, Unleash};
use support::wait::{PATIENCE, wait_for, wait_until};

const FLAG: &str = "publish-async";
/// Three seconds are promised, poll interval included; a machine that is busy otherwise may need more.
const FOLLOWED: Duration = Duration::from_secs(10);

fn main() {
    // `cargo test NAME` asks every test program; this one has one test, called demo.
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if filter.is_some_and(|name| !"demo".contains(&name)) || std::env::args().any(|name| name == "--list") {
        return;
    }
    let begin = Instant::now();
    let mut session = Session::start();
    session.write_and_read();
    session.three_modes();
    session.flip_the_flag();
    session.crash_with_work_pending();
    session.count();
    say(&format!("\nEvery step held, in {:.0?}.\n\ntest result: ok. 1 passed; 0 failed", begin.elapsed()));
}

fn say(line: &str) {
    println!("{line}");
}

fn heading(number: u32, line: &str, about: &str) {
    say(&format!("\n== {number}. {line}\n"));
    for line in about.lines() {
        say(&format!("  {}", line.trim_start()));
    }
    say("");
}

/// One line of the session: what was asked, what was answered, by whom.
fn show(request: &str, answer: &Answer) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let about = body["name"].as_str().unwrap_or_default();
    say(&format!("  {request:<46} -> {} {about:<52} by the {}", answer.status, answer.role()));
}

/// Field order is drop order: those who ask before those who answer.
struct Session {
    proxy: Nginx,
    stack: Stack,
    unleash: Unleash,
    _flags: Cluster,
    published: i64,
}

impl Session {
    fn start() -> Self {
        say(
            "Trine: one binary, three roles. This session starts everything for real and looks at who served what.",
        );
        heading(
            0,
            "Starting",
            "A PostgreSQL primary with a streaming replica, the same binary three times with different\n\
             configurations, Unleash for feature flags, and nginx in front.",
        );
        let flags = Cluster::start();
        let unleash = Unleash::start(&flags.create_database("unleash"));
        unleash.create_flag(FLAG);
        let options = Options::default()
            .method(blog::PUBLISH, "sync")
            .monolith("flags.provider", "unleash")
            .monolith("flags.url", unleash.url())
            .monolith("flags.token", CLIENT_TOKEN)
            .monolith("flags.poll_interval_ms", "1000");
        let stack = Stack::start(&options);
        let proxy = Nginx::start(stack.monolith.public, stack.nanoservice.public);
        let databases = &stack.databases;
        say(&format!("  primary        127.0.0.1:{}", databases.primary.port()));
        say(&format!("  replica        127.0.0.1:{}  (streaming)", databases.replica.port()));
        say(&format!("  monolith       {}  has the primary", stack.monolith.public));
        say(&format!("  nanoservice    {}  has the replica, reads only", stack.nanoservice.public));
        say(&format!(
            "  microservice   {}  has the replica and a database of requests",
            stack.microservice.public
        ));
        say(&format!("  Unleash        {}", unleash.address));
        say(&format!("  nginx          {}  GET to the nanoservice, the rest to the monolith", proxy.address));
        Self { proxy, stack, unleash, _flags: flags, published: 0 }
    }

    fn api(&self) -> Api {
        self.proxy.api()
    }

    fn write_and_read(&self) {
        heading(
            1,
            "A write, and the read of it",
            "nginx sends the POST to the monolith, which has the primary, and the GET to the nanoservice, which\n\
             has only the replica. The token of the write makes the read wait until the replica shows it.",
        );
        let created = blog::create_user(&self.api(), "ada").expect(201);
        show("POST /blog/v1/users?userId=ada", &created);
        assert_eq!(created.role(), "monolith");
        let token = created.token();
        // Rarely the replica is later than the client waits; then nginx asks the monolith, and that is right.
        let read = wait_for("a read from the replica", PATIENCE, || {
            let read = self.api().request("GET", "/blog/v1/users/ada").token(&token).send().expect(200);
            (read.role() == "nanoservice").then_some(read)
        });
        show("GET /blog/v1/users/ada  (with its token)", &read);
        assert_eq!(read.json()["displayName"], "ada");
        let refused = blog::create_user(&self.stack.nanoservice.api(), "eve").refused(405, "READ_ONLY_ROLE");
        show("POST to the nanoservice itself", &refused);
    }

    /// Publishes through the proxy and answers once the effect is there.
    fn publish(&mut self, key: &str) -> Answer {
        let answer = blog::publish(&self.api(), "ada", key, "the same title").send();
        show(&format!("POST /blog/v1/users/ada:publish  key {key}"), &answer);
        assert!([200, 201, 202].contains(&answer.status), "{}", answer.text());
        if answer.status == 202 {
            self.await_applied(answer.json()["name"].as_str().expect("a name"));
        }
        self.published += 1;
        answer
    }

    fn await_applied(&self, operation: &str) {
        let api = self.stack.microservice.api();
        let path = format!("/trine/v1/{operation}");
        let done = wait_for("the operation is done", PATIENCE, || {
            let answer = api.request("GET", &path).try_send().ok()?;
            (answer.status == 200 && answer.json()["done"] == true).then_some(answer)
        });
        let entry = done.json()["response"]["name"].as_str().map(str::to_owned);
        say(&format!("  GET {path} -> done, {}", entry.as_deref().unwrap_or("no entry")));
        assert!(entry.is_some(), "{}", done.text());
    }

    fn configure(&mut self, setting: &str) {
        let monolith = &mut self.stack.monolith;
        monolith.launch = monolith.launch.clone().set(&method_key(blog::PUBLISH), setting);
        monolith.process.signal("TERM");
        assert!(monolith.process.wait().success(), "the monolith drains and ends with 0");
        monolith.restart();
        monolith.wait_ready();
        say(&format!("  monolith restarted with writes.methods.\"{}\" = {setting}", blog::PUBLISH));
    }

    fn three_modes(&mut self) {
        heading(
            2,
            "The same POST in three modes",
            "`Publish` is one ordinary function (src/domains/blog/publish.rs). sync: the monolith runs it.\n\
             forward: the microservice runs it on the replica, the monolith commits while the client waits.\n\
             async: the client has a 202 at once and asks for the outcome. One line of configuration decides.",
        );
        self.publish("in-sync");
        self.configure("forward");
        let answer = self.publish("in-forward");
        assert_eq!(answer.role(), "monolith");
        self.configure("async");
        let answer = self.publish("in-async");
        assert_eq!(answer.status, 202);
        say("  and each key once more, now in async: the answers of then, no second effect");
        for key in ["in-sync", "in-forward", "in-async"] {
            self.publish(key);
            self.published -= 1;
        }
        assert_eq!(blog::entry_count(&self.stack.api(), "ada"), self.published);
    }

    fn flip_the_flag(&mut self) {
        heading(
            3,
            "The flag",
            "The mode may hang on a flag: a toggle in Unleash moves the running monolith, nothing is restarted.",
        );
        self.configure(&format!("{{ mode = \"async\", flag = \"{FLAG}\" }}"));
        let off = self.publish("flag-off");
        assert_ne!(off.status, 202);
        self.unleash.switch(FLAG, true);
        let begin = Instant::now();
        for number in 0.. {
            let answer = blog::publish(&self.api(), "ada", &format!("flag-{number}"), "t").send();
            assert!([200, 201, 202].contains(&answer.status), "{}", answer.text());
            self.published += 1;
            if answer.status == 202 {
                show(&format!("POST …:publish, {:.1?} after the flip", begin.elapsed()), &answer);
                self.await_applied(answer.json()["name"].as_str().expect("a name"));
                break;
            }
            assert!(begin.elapsed() < FOLLOWED, "the flag was not followed in {FOLLOWED:?}");
        }
    }

    fn crash_with_work_pending(&mut self) {
        heading(
            4,
            "kill -9 with work pending",
            "The monolith is stopped, so that nothing can be applied; the microservice still accepts, and is\n\
             killed. What was answered with 202 is durable: it is carried out after the restart, once.",
        );
        // While the monolith stands still nothing can be applied, so all of it is pending for certain.
        self.stack.monolith.process.signal("STOP");
        let microservice = self.stack.microservice.api();
        let mut operations = Vec::new();
        for number in 0..5 {
            let key = format!("pending-{number}");
            let answer = blog::publish(&microservice, "ada", &key, "pending").send().expect(202);
            show(&format!("POST to the microservice, key {key}"), &answer);
            operations.push(answer.json()["name"].as_str().expect("a name").to_owned());
            self.published += 1;
        }
        self.stack.microservice.process.kill();
        say("  kill -9 of the microservice; the monolith wakes up; the microservice is started again");
        self.stack.monolith.process.signal("CONT");
        self.stack.microservice.restart();
        for operation in &operations {
            self.await_applied(operation);
        }
    }

    fn count(&self) {
        heading(5, "The books", "Every publish was counted here; the databases must say the same.");
        let monolith = self.stack.api();
        let entries = blog::entries(&monolith, "ada").len() as i64;
        let counted = blog::entry_count(&monolith, "ada");
        say(&format!("  published {}, entries {entries}, counted {counted}", self.published));
        assert!(entries == self.published && counted == self.published);
        wait_until("the replica shows the same", PATIENCE, || {
            let read = self.api().get("/blog/v1/users/ada");
            read.role() == "nanoservice" && blog::count_of(&read.json()) == counted
        });
        say("  and so says the nanoservice");
    }
}
