//! Power loss on SQLite: what was acknowledged is on the disk, not only in the kernel's memory.
//!
//! The data lies in a file system inside an image; a copy of the image holds what that file system had
//! sent to its device by then, and nothing that was only cached. The negative control shows that the
//! method can see a loss at all. Needs root and loop mounts; says so where it has them not.

use std::path::{Path, PathBuf};
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};

use crate::support::blog;
use crate::support::trine::{Launch, Trine};

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

fn start(directory: &Path) -> Trine {
    let url = format!("sqlite:{}", directory.join("blog.db").display());
    Launch::role("monolith").argument("--database", &url).ready()
}

/// Copies the image while `frozen` stands still, so that the copy is of one instant.
fn cut_power(image: &Path, copy: &Path, frozen: &Trine) {
    frozen.process.signal("STOP");
    let copied = run("cp", &["--sparse=always", &image.to_string_lossy(), &copy.to_string_lossy()]);
    frozen.process.signal("CONT");
    copied.expect("the image is copied");
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
    let prepared = format(&image).and_then(|()| Mount::new(&image, home.path().join("disk")));
    let mount = match prepared {
        Ok(mount) => mount,
        Err(reason) => {
            println!(
                "SKIPPED acknowledged_writes_survive_power_loss_on_sqlite: no loop mount here ({reason})"
            );
            return;
        }
    };
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
