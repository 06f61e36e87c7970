//! Clients that publish all the time, retry as a good client does, and write down what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use crate::checker::{End, Entry, Final, Outcome, Write};
use crate::support::blog;
use crate::support::http::{Answer, Api, NoAnswer};
use crate::support::wait::{PATIENCE, wait_for};

/// A client gives up on a write after this; what it then knows is that it knows nothing.
const PERSISTENCE: Duration = Duration::from_secs(40);
const DRAIN: Duration = Duration::from_secs(60);

/// Counters that a test may wait on while the load runs.
#[derive(Default)]
pub struct Progress {
    pub acknowledged: AtomicUsize,
    pub accepted: AtomicUsize,
    /// Answers that are neither, by what they said: what a test without faults does not want to see.
    pub troubles: Mutex<BTreeMap<String, usize>>,
}

impl Progress {
    /// Writes of which the client was told that they are safe.
    pub fn safe(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed) + self.accepted.load(Ordering::Relaxed)
    }

    /// How often it was said; `503 DATABASE_UNAVAILABLE`, or `no answer`.
    pub fn troubles(&self) -> BTreeMap<String, usize> {
        self.troubles.lock().expect("troubles").clone()
    }

    fn note(&self, answer: &Result<Answer, NoAnswer>) {
        let said = match answer {
            Ok(answer) => format!("{} {}", answer.status, answer.reason()),
            Err(_) => "no answer".to_owned(),
        };
        *self.troubles.lock().expect("troubles").entry(said).or_default() += 1;
    }
}

pub struct Load {
    pub progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
    writers: Vec<JoinHandle<Vec<Write>>>,
}

impl Load {
    /// One thread for each of `targets`; all share `users`, so they race.
    pub fn start(targets: &[Api], users: &[String], seed: &mut StdRng) -> Self {
        let (progress, stop) = (Arc::new(Progress::default()), Arc::new(AtomicBool::new(false)));
        let run = format!("{:08x}", seed.random::<u32>());
        let writers = targets.iter().enumerate().map(|(number, api)| {
            let client = Client {
                api: api.clone(),
                users: users.to_vec(),
                random: StdRng::seed_from_u64(seed.random()),
                prefix: format!("{run}-{number}"),
                progress: progress.clone(),
                stop: stop.clone(),
            };
            std::thread::spawn(move || client.run())
        });
        let writers = writers.collect();
        Self { progress, stop, writers }
    }

    /// Lets every write come to its end, and answers the history.
    pub fn finish(self) -> Vec<Write> {
        self.stop.store(true, Ordering::Relaxed);
        self.writers.into_iter().flat_map(|writer| writer.join().expect("the writer ends")).collect()
    }
}

struct Client {
    api: Api,
    users: Vec<String>,
    random: StdRng,
    prefix: String,
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
}

impl Client {
    fn run(mut self) -> Vec<Write> {
        let mut history = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let key = format!("{}-{}", self.prefix, history.len());
            let user = self.users[self.random.random_range(0..self.users.len())].clone();
            let title = format!("title {key}");
            let mut write = Write { key, user, title, attempts: Vec::new() };
            self.persist(&mut write);
            // Some clients ask again although they know: the answer must be the same.
            if self.random.random_ratio(1, 8) {
                self.attempt(&mut write);
            }
            history.push(write);
        }
        history
    }

    /// Tries under one key until the answer is final.
    fn persist(&mut self, write: &mut Write) {
        let begin = Instant::now();
        let mut pause = Duration::from_millis(5);
        while !self.attempt(write) && begin.elapsed() < PERSISTENCE {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// True when there is nothing more to try.
    fn attempt(&mut self, write: &mut Write) -> bool {
        let answer = blog::publish(&self.api, &write.user, &write.key, &write.title).try_send();
        let (outcome, is_final) = judge(&answer);
        match &outcome {
            Some(Outcome::Acknowledged { .. }) => {
                self.progress.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Some(Outcome::Accepted { .. }) => {
                self.progress.accepted.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.progress.note(&answer),
        }
        write.attempts.extend(outcome);
        is_final
    }
}

/// What an answer tells about the effect, and whether asking again makes sense.
fn judge(answer: &Result<Answer, NoAnswer>) -> (Option<Outcome>, bool) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) if failure.never_sent => return (None, false),
        Err(_) => return (Some(Outcome::Unknown), false),
    };
    let name = || answer.json()["name"].as_str().unwrap_or_default().to_owned();
    match (answer.status, answer.reason().as_str()) {
        (200 | 201, _) => (Some(Outcome::Acknowledged { entry: name() }), true),
        (202, _) => (Some(Outcome::Accepted { operation: name() }), true),
        // Another attempt under the key is running: its outcome is not known here.
        (409, "IN_PROGRESS") | (421 | 429, _) => (Some(Outcome::Unknown), false),
        (409, "CONFLICT") => (Some(Outcome::Refused { reason: "CONFLICT".to_owned() }), false),
        (400..=499, reason) => (Some(Outcome::Refused { reason: reason.to_owned() }), true),
        _ => (Some(Outcome::Unknown), false),
    }
}

/// Users that nobody else has.
pub fn create_users(api: &Api, prefix: &str, count: usize) -> Vec<String> {
    let users: Vec<String> = (0..count).map(|number| format!("{prefix}-{number}")).collect();
    for user in &users {
        blog::create_user(api, user).expect(201);
    }
    users
}

/// The state after everything has drained, read through the monolith and the microservice.
pub fn collect(monolith: &Api, microservice: &Api, users: &[String], history: &[Write]) -> Final {
    collect_within(DRAIN, monolith, microservice, users, history)
}

/// As [`collect`]; an operation without an end is waited for no longer than `limit`.
pub fn collect_within(
    limit: Duration,
    monolith: &Api,
    microservice: &Api,
    users: &[String],
    history: &[Write],
) -> Final {
    let mut last = Final::default();
    // Operations first: what they still apply must be seen by what is read after them.
    for write in history {
        for attempt in &write.attempts {
            if let Outcome::Accepted { operation } = attempt {
                last.operations.insert(operation.clone(), end_within(limit, microservice, operation));
            }
        }
    }
    for user in users {
        last.counters.insert(user.clone(), blog::entry_count(monolith, user));
        last.entries.extend(blog::entries(monolith, user).iter().map(|entry| Entry {
            name: text(entry, "name"),
            user: user.clone(),
            title: text(entry, "title"),
        }));
    }
    last
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Waits for the end of an operation; one that does not end is a finding, not a failure of the test.
pub fn end_of(microservice: &Api, operation: &str) -> End {
    end_within(DRAIN, microservice, operation)
}

fn end_within(limit: Duration, microservice: &Api, operation: &str) -> End {
    let path = format!("/trine/v1/{operation}");
    let begin = Instant::now();
    wait_for("an operation ends", limit * 2 + PATIENCE, || {
        let answer = microservice.request("GET", &path).try_send().ok()?;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let late = begin.elapsed() > limit;
        match (answer.status, body["done"] == true) {
            (200, true) => Some(end(&body)),
            (200, false) => late.then_some(End::Pending),
            _ => late.then_some(End::Missing),
        }
    })
}

fn end(operation: &Value) -> End {
    match operation.get("error") {
        Some(error) => End::Failed { reason: text(error, "message") },
        None => End::Applied { entry: text(&operation["response"], "name") },
    }
}
