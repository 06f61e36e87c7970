//! Power loss on SQLite: what was acknowledged is on the disk, not only in the kernel's memory. Of a
//! microservice that is what was accepted; its other steps may be lost and are done again.
//!
//! The data lies in a file system inside an image; a copy of the image holds what that file system had
//! sent to its device by then, and nothing that was only cached. The negative control shows that the
//! method can see a loss at all. Needs root and loop mounts; says so where it has them not.

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use crate::checker::{Demands, check};
#[cfg(feature = "failpoints")]
use crate::checker::{Outcome, Violation, Write};
#[cfg(feature = "failpoints")]
use crate::load::collect_within;
use crate::load::{Load, collect, create_users};
use crate::support::blog;
use crate::support::seed;
use crate::support::stack::{PEER_SECRET, method_key};
use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};

const WRITES: usize = 300;
const CONTROL: &str = "control.db";

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{program}: {words}")) }
}

/// A mounted image; unmounted when dropped.
struct Mount {
    directory: PathBuf,
}

impl Mount {
    fn new(image: &Path, directory: PathBuf) -> Result<Self, String> {
        std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        run("mount", &["-o", "loop", &image.to_string_lossy(), &directory.to_string_lossy()])?;
        Ok(Self { directory })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", &self.directory.to_string_lossy()]);
    }
}

/// An empty file system in a file.
fn format(image: &Path) -> Result<(), String> {
    std::fs::File::create(image)
        .and_then(|file| file.set_len(200 << 20))
        .map_err(|error| error.to_string())?;
    run("mkfs.ext4", &["-q", "-F", &image.to_string_lossy()])
}

/// None where there are no loop mounts.
fn first_disk(image: &Path, home: &tempfile::TempDir) -> Option<Mount> {
    let prepared = format(image).and_then(|()| Mount::new(image, home.path().join("disk")));
    prepared.inspect_err(|reason| println!("SKIPPED power loss: no loop mount here ({reason})")).ok()
}

fn start(directory: &Path) -> Trine {
    let url = format!("sqlite:{}", directory.join("blog.db").display());
    Launch::role("monolith").argument("--database", &url).ready()
}

/// Copies the image while `frozen` stands still, so that the copy is of one instant. It stays frozen:
/// what it would say now, the disk of the copy knows nothing of.
fn cut_power(image: &Path, copy: &Path, frozen: &Trine) {
    frozen.process.signal("STOP");
    run("cp", &["--sparse=always", &image.to_string_lossy(), &copy.to_string_lossy()])
        .expect("the image is copied");
}

fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(&path.to_string_lossy()).expect("SQLite opens")
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Rows of the control; none when even its table is lost.
fn rows(connection: &mut SqliteConnection) -> i64 {
    sql_query("SELECT count(*) AS count FROM t").get_result::<Count>(connection).map_or(0, |row| row.count)
}

/// The same database without a sync at commit. Left open: closing it would sync.
fn careless_store(path: &Path) -> SqliteConnection {
    let mut connection = open(path);
    connection
        .batch_execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE t (i INTEGER)")
        .expect("table");
    for number in 0..WRITES {
        connection.batch_execute(&format!("INSERT INTO t VALUES ({number})")).expect("insert");
    }
    assert_eq!(rows(&mut connection), WRITES as i64);
    connection
}

#[test]
fn acknowledged_writes_survive_power_loss_on_sqlite() {
    let home = tempfile::tempdir().expect("temporary directory");
    let (image, copy) = (home.path().join("disk.img"), home.path().join("copy.img"));
    let Some(mount) = first_disk(&image, &home) else { return };
    let monolith = start(&mount.directory);
    blog::create_user(&monolith.api(), "ada").expect(201);
    for number in 0..WRITES {
        let title = format!("t{number}");
        let answer = blog::publish(&monolith.api(), "ada", &title, &title).send();
        assert!([200, 201].contains(&answer.status), "{}", answer.text());
    }
    let control = careless_store(&mount.directory.join(CONTROL));
    cut_power(&image, &copy, &monolith);

    let after = Mount::new(&copy, home.path().join("copy")).expect("the journal is replayed");
    drop(control);
    let kept = rows(&mut open(&after.directory.join(CONTROL)));
    println!("power loss: the store that does not sync kept {kept} of {WRITES}");
    assert!(kept < WRITES as i64, "nothing was lost that was not synced: the method proves nothing");
    let survivor = start(&after.directory);
    assert_eq!(blog::entries(&survivor.api(), "ada").len(), WRITES);
    assert_eq!(blog::entry_count(&survivor.api(), "ada"), WRITES as i64);
    // And it goes on from there.
    let again = blog::publish(&survivor.api(), "ada", "t0", "t0").send();
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(blog::entry_count(&survivor.api(), "ada"), WRITES as i64);
}

const CUTS: usize = 3;
/// Accepted between two cuts.
const PROGRESS: usize = 40;

/// A monolith whose power stays on, and the disks of its microservice, one for each life.
struct Deployment {
    microservice: Trine,
    monolith: Trine,
    disks: Vec<Mount>,
    users: Vec<String>,
    home: tempfile::TempDir,
}

impl Deployment {
    /// None where there are no loop mounts. `adapt` is for the microservice's first life.
    fn start(adapt: impl FnOnce(Launch) -> Launch) -> Option<Self> {
        let home = tempfile::tempdir().expect("temporary directory");
        let disk = first_disk(&home.path().join("disk0.img"), &home)?;
        let monolith = Launch::role("monolith")
            .argument("--database", &format!("sqlite:{}", home.path().join("blog.db").display()))
            .set("peers.secret", PEER_SECRET)
            .ready();
        let users = create_users(&monolith.api(), "power", 3);
        let launch = Launch::role("microservice");
        let addresses = (launch.public, launch.admin);
        let launch = adapt(microservice(&home, &disk, &monolith).listen(addresses.0, addresses.1));
        Some(Self { disks: vec![disk], microservice: launch.ready(), monolith, users, home })
    }

    /// The next life begins with what was on the disk; the last one says nothing more.
    fn lose_power(&mut self) {
        let path = |number: usize, kind: &str| self.home.path().join(format!("disk{number}{kind}"));
        let life = self.disks.len();
        cut_power(&path(life - 1, ".img"), &path(life, ".img"), &self.microservice);
        self.microservice.process.kill();
        let disk = Mount::new(&path(life, ".img"), path(life, "")).expect("the journal is replayed");
        let Trine { public, admin, .. } = self.microservice;
        self.microservice = microservice(&self.home, &disk, &self.monolith).listen(public, admin).ready();
        self.disks.push(disk);
    }
}

fn microservice(home: &tempfile::TempDir, disk: &Mount, monolith: &Trine) -> Launch {
    Launch::role("microservice")
        .argument("--replica", &format!("sqlite:{}", home.path().join("blog.db").display()))
        .argument("--events-database", &format!("sqlite:{}", disk.directory.join("events.db").display()))
        .set("peers.monolith", format!("http://{}", monolith.public))
        .set("peers.secret", PEER_SECRET)
        .set(&method_key(blog::PUBLISH), "async")
}

/// Given clients that publish all the time, when the microservice loses its power again and again, then
/// each 202 ends, once.
#[test]
fn accepted_requests_survive_power_loss_under_load() {
    let Some(mut deployment) = Deployment::start(|launch| launch) else { return };
    let api = deployment.microservice.api();
    let targets = [api.clone(), api.clone(), api];
    let load = Load::start(&targets, &deployment.users, &mut seed::generator("power loss"));
    for cut in 1..=CUTS {
        wait_until("requests are accepted", PATIENCE, || load.progress.safe() >= cut * PROGRESS);
        deployment.lose_power();
    }
    wait_until("it goes on", PATIENCE, || load.progress.safe() >= (CUTS + 1) * PROGRESS);
    let history = load.finish();
    let Deployment { monolith, microservice, users, .. } = &deployment;
    let last = collect(&monolith.api(), &microservice.api(), users, &history);
    let report = check(&history, &last, Demands { acknowledged: 0, accepted: CUTS * PROGRESS });
    println!("power loss of a microservice: {report}");
    assert!(report.violations.is_empty(), "{:#?}", report.violations);
}

/// The negative control: a log that never waits for the disk must be found out by the same method.
#[cfg(feature = "failpoints")]
#[test]
fn a_microservice_that_does_not_wait_for_its_disk_is_found_out() {
    // Nothing of what is accepted can reach a monolith that is away, so all of it is on this disk or lost.
    let relaxed = |launch: Launch| {
        launch.variable("TRINE_FAILPOINT", "log.relaxed").set("peers.monolith", "http://127.0.0.1:1")
    };
    let Some(mut deployment) = Deployment::start(relaxed) else { return };
    let accept = |number: usize| {
        let (key, user) = (format!("k{number}"), deployment.users[0].clone());
        let answer = blog::publish(&deployment.microservice.api(), &user, &key, &key).send().expect(202);
        let operation = answer.json()["name"].as_str().expect("a name").to_owned();
        Write { title: key.clone(), key, user, attempts: vec![Outcome::Accepted { operation }] }
    };
    let history: Vec<Write> = (0..PROGRESS).map(accept).collect();
    deployment.lose_power();
    let Deployment { monolith, microservice, users, .. } = &deployment;
    let limit = std::time::Duration::from_millis(500);
    // One is enough, and each costs its limit.
    let last = collect_within(limit, &monolith.api(), &microservice.api(), users, &history[..4]);
    let report = check(&history[..4], &last, Demands { acknowledged: 0, accepted: 4 });
    println!("power loss of a microservice that does not wait: {report}");
    let lost = |violation: &Violation| matches!(violation, Violation::OperationWithoutEnd { .. });
    assert!(report.violations.iter().any(lost), "nothing was lost: the method proves nothing");
}
