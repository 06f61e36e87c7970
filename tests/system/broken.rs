//! The checker against systems that really are wrong: a run of each must be found out.
//!
//! The binary is the right one, its surroundings break a promise for it: a restored old file, a second
//! primary, keys that are forgotten, a stale write past the guards, requests that are thrown away, an
//! inbox that lies. What spoiled histories look like on paper is in `checker_breaks`.

use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::sql_types::Text;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use serde_json::{Value, json};

use crate::checker::{Demands, Outcome, Violation, Write, check};
use crate::load::{Load, collect, collect_within, create_users};
use crate::support::blog;
use crate::support::process::free_address;
use crate::support::replayer::read_message;
use crate::support::seed;
use crate::support::stack::{Options, Stack};
use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};

const SOME: usize = 20;
const NOTHING: Demands = Demands { acknowledged: 0, accepted: 0 };

/// A monolith on a SQLite file, with users that clients publish under.
struct Deployment {
    file: PathBuf,
    users: Vec<String>,
    monolith: Trine,
    home: tempfile::TempDir,
}

impl Deployment {
    fn start() -> Self {
        let home = tempfile::tempdir().expect("temporary directory");
        let file = home.path().join("blog.db");
        let monolith = Launch::role("monolith").argument("--database", &url(&file)).ready();
        let users = create_users(&monolith.api(), "broken", 2);
        Self { file, users, monolith, home }
    }

    /// Lets clients publish until `count` writes are safe.
    fn publish(&self, count: usize) -> Vec<Write> {
        let load = self.load();
        wait_until("writes", PATIENCE, || load.progress.safe() >= count);
        load.finish()
    }

    fn load(&self) -> Load {
        let api = self.monolith.api();
        Load::start(&[api.clone(), api], &self.users, &mut seed::generator("broken"))
    }

    fn violations(&self, history: &[Write]) -> Vec<Violation> {
        let api = self.monolith.api();
        let last = collect(&api, &api, &self.users, history);
        let report = check(history, &last, Demands { acknowledged: SOME, accepted: 0 });
        println!("broken: {report}");
        report.violations.into_iter().collect()
    }

    fn sql(&self) -> SqliteConnection {
        let mut connection = SqliteConnection::establish(&self.file.to_string_lossy()).expect("SQLite opens");
        sql_query("PRAGMA busy_timeout = 10000").execute(&mut connection).expect("a pragma");
        connection
    }
}

fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

#[track_caller]
fn assert_found(violations: &[Violation], wanted: impl Fn(&Violation) -> bool) {
    assert!(violations.iter().any(wanted), "not found out: {violations:?}");
}

#[test]
fn an_old_copy_put_back_is_found() {
    let mut deployment = Deployment::start();
    let load = deployment.load();
    let progress = load.progress.clone();
    wait_until("writes before the copy", PATIENCE, || progress.safe() >= SOME);
    deployment.monolith.process.kill();
    let backup = deployment.home.path().join("backup");
    copy(&deployment.file, &backup);
    deployment.monolith.restart();
    let before = progress.safe();
    wait_until("writes after the copy", PATIENCE, || progress.safe() >= before + SOME);
    deployment.monolith.process.kill();
    copy(&backup, &deployment.file);
    deployment.monolith.restart();
    let history = load.finish();
    assert_found(&deployment.violations(&history), |found| matches!(found, Violation::LostWrite { .. }));
}

/// The database and its log, as they lie there after a kill.
fn copy(from: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let named = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(named(from), named(to)).expect("copied");
    }
    let _ = std::fs::remove_file(format!("{}-shm", to.display()));
}

#[test]
fn a_second_primary_is_found() {
    let (one, other) = (Deployment::start(), Deployment::start());
    let apis = [one.monolith.api(), other.monolith.api()];
    let load = Load::start(&apis, &one.users, &mut seed::generator("split"));
    wait_until("writes", PATIENCE, || load.progress.safe() >= 2 * SOME);
    let history = load.finish();
    assert_found(&one.violations(&history), |found| matches!(found, Violation::LostWrite { .. }));
}

#[test]
fn forgotten_keys_are_found() {
    let deployment = Deployment::start();
    let mut history = deployment.publish(SOME);
    sql_query("DELETE FROM trine_idempotency").execute(&mut deployment.sql()).expect("deleted");
    for write in &mut history {
        let api = deployment.monolith.api();
        let again = blog::publish(&api, &write.user, &write.key, &write.title).send();
        let entry = again.expect(200).json()["name"].as_str().expect("a name").to_owned();
        write.attempts.push(Outcome::Acknowledged { entry });
    }
    let violations = deployment.violations(&history);
    assert_found(&violations, |found| matches!(found, Violation::WrittenTwice { .. }));
    assert_found(&violations, |found| matches!(found, Violation::AnswersDiffer { .. }));
}

#[derive(QueryableByName)]
struct Document {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    doc: String,
}

#[test]
fn a_stale_write_past_the_guards_is_found() {
    let deployment = Deployment::start();
    let mut connection = deployment.sql();
    let select = r#"SELECT key, doc FROM "blog.v1.User""#;
    let stale = sql_query(select).load::<Document>(&mut connection).expect("users");
    let history = deployment.publish(SOME);
    for Document { key, doc } in stale {
        let update = sql_query(r#"UPDATE "blog.v1.User" SET doc = ? WHERE key = ?"#);
        update.bind::<Text, _>(doc).bind::<Text, _>(key).execute(&mut connection).expect("updated");
    }
    assert_found(&deployment.violations(&history), |found| matches!(found, Violation::WrongCounter { .. }));
}

/// One publish that the microservice has answered with 202.
fn accepted(stack: &Stack, user: &str) -> Write {
    let (key, title) = ("accepted", "an accepted title");
    let answer = blog::publish(&stack.microservice.api(), user, key, title).send().expect(202);
    let operation = answer.json()["name"].as_str().expect("a name").to_owned();
    Write {
        key: key.to_owned(),
        user: user.to_owned(),
        title: title.to_owned(),
        attempts: vec![Outcome::Accepted { operation }],
    }
}

fn violations_of(stack: &Stack, users: &[String], history: &[Write]) -> Vec<Violation> {
    let limit = Duration::from_secs(3);
    let last = collect_within(limit, &stack.api(), &stack.microservice.api(), users, history);
    let report = check(history, &last, NOTHING);
    println!("broken: {report}");
    report.violations.into_iter().collect()
}

#[test]
fn requests_thrown_away_are_found() {
    let mut stack = Stack::start(&Options::default().method(blog::PUBLISH, "async"));
    let users = create_users(&stack.api(), "thrown", 1);
    stack.databases.wait_caught_up();
    // Nothing can be applied meanwhile, so the request is pending for certain.
    stack.monolith.process.signal("STOP");
    let history = [accepted(&stack, &users[0])];
    stack.microservice.process.kill();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(stack.home.path().join(format!("events.db{suffix}")));
    }
    stack.monolith.process.signal("CONT");
    stack.microservice.restart();
    stack.wait_ready();
    let violations = violations_of(&stack, &users, &history);
    assert_found(&violations, |found| matches!(found, Violation::OperationWithoutEnd { .. }));
}

/// Says of every event that it was applied, and applies none.
fn lying_inbox() -> SocketAddr {
    let address = free_address();
    let listener = TcpListener::bind(address).expect("the address is free");
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || lie(connection));
        }
    });
    address
}

fn lie(mut connection: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    while let Some(request) = read_message(&mut reader) {
        let body = request.windows(4).position(|window| window == b"\r\n\r\n").map(|head| head + 4)?;
        let events: Vec<Value> = serde_json::from_slice(&request[body..]).ok()?;
        let answer = json!({ "message": json!({ "name": "users/nobody/entries/none" }).to_string() });
        let applied = |event: &Value| json!({ "id": event["id"], "code": 0, "status": "OK", "outcome": "APPLIED", "answer": answer });
        let body = json!({ "results": events.iter().map(applied).collect::<Vec<_>>() }).to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length";
        connection.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes()).ok()?;
    }
    Some(())
}

#[test]
fn an_inbox_that_lies_is_found() {
    let options = Options {
        monolith_seen_by_microservice: Some(lying_inbox()),
        ..Options::default().method(blog::PUBLISH, "async")
    };
    let stack = Stack::start(&options);
    let users = create_users(&stack.api(), "lied", 1);
    stack.databases.wait_caught_up();
    let history = [accepted(&stack, &users[0])];
    let operation = match &history[0].attempts[..] {
        [Outcome::Accepted { operation }] => format!("/trine/v1/{operation}"),
        other => panic!("{other:?}"),
    };
    let microservice = stack.microservice.api();
    wait_until("the lie is believed", PATIENCE, || microservice.get(&operation).json()["done"] == true);
    let violations = violations_of(&stack, &users, &history);
    assert_found(&violations, |found| matches!(found, Violation::LostWrite { .. }));
}
