//! A full disk under SQLite: what was not written is said not to be, and all comes back by itself.
//!
//! The disk is a small tmpfs of a mount namespace of the server's own, so that it needs no root and goes
//! with the server; the test reaches it through `/proc`. Says so where namespaces are not to be had.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::support::blog;
use crate::support::stack::PEER_SECRET;
use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};

/// Puts a disk of 4 MiB over `disk`, then becomes the server.
fn script(home: &Path, disk: &Path) -> PathBuf {
    let script = home.join("on-a-small-disk");
    let text = format!(
        "#!/bin/sh\nexec unshare --user --map-root-user --mount sh -c \
         'mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$@\"' '{}' '{}' \"$@\"\n",
        disk.display(),
        env!("CARGO_BIN_EXE_trine")
    );
    std::fs::write(&script, text).expect("written");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("executable");
    script
}

fn has_namespaces() -> bool {
    let tried = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .output();
    let works = tried.is_ok_and(|output| output.status.success());
    if !works {
        println!("full disk: not tried, this machine gives no mount namespace");
    }
    works
}

/// The file that leaves no room for anything else.
struct Filler(PathBuf);

impl Filler {
    fn new(server: &Trine, disk: &Path) -> Self {
        Self(PathBuf::from(format!("/proc/{}/root{}/filler", server.process.id(), disk.display())))
    }

    fn fill(&self) {
        let mut file = File::create(&self.0).expect("the disk of the server");
        while file.write_all(&[1; 4096]).is_ok() {}
    }

    fn remove(&self) {
        std::fs::remove_file(&self.0).expect("removed");
    }
}

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("temporary directory");
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).expect("created");
    (home, disk)
}

#[test]
fn a_monolith_writes_nothing_says_so_and_goes_on() {
    if !has_namespaces() {
        return;
    }
    let (home, disk) = home();
    let url = format!("sqlite:{}", disk.join("blog.db").display());
    let script = script(home.path(), &disk);
    let monolith = Launch::role("monolith").binary(&script).argument("--database", &url).ready();
    let api = monolith.api();
    blog::create_user(&api, "ada").expect(201);
    let filler = Filler::new(&monolith, &disk);
    filler.fill();

    let create = |number: u32| {
        let body = json!({ "displayName": "x".repeat(2000) });
        let request = api.request("POST", &format!("/blog/v1/users?userId=u{number}"));
        request.key(&format!("k{number}")).json(&body).send()
    };
    // The log may have a few pages left.
    let mut written = 0;
    while create(written).status == 201 {
        written += 1;
    }
    for number in written..written + 3 {
        let answer = create(number).refused(503, "DATABASE_UNAVAILABLE");
        assert!(answer.text().contains("disk of the database is full"), "{}", answer.text());
        assert!(answer.header("Retry-After").is_some());
        api.get(&format!("/blog/v1/users/u{number}")).expect(404);
    }
    wait_until("not ready", PATIENCE, || !monolith.is_ready());
    let told = monolith.admin().get("/readyz").text();
    assert!(told.contains("disk of the database is full"), "{told}");
    api.get("/blog/v1/users/ada").expect(200);

    filler.remove();
    monolith.wait_ready();
    assert_eq!(create(written).expect(201).header("Idempotency-Replayed"), None);
    for number in 0..=written {
        api.get(&format!("/blog/v1/users/u{number}")).expect(200);
    }
    monolith.terminate();
}

#[test]
fn a_microservice_accepts_nothing_says_so_and_goes_on() {
    if !has_namespaces() {
        return;
    }
    let (home, disk) = home();
    let file = format!("sqlite:{}", home.path().join("blog.db").display());
    let monolith =
        Launch::role("monolith").argument("--database", &file).set("peers.secret", PEER_SECRET).ready();
    blog::create_user(&monolith.api(), "ada").expect(201);
    let microservice = Launch::role("microservice")
        .binary(&script(home.path(), &disk))
        .argument("--replica", &file)
        .argument("--events-database", &format!("sqlite:{}", disk.join("events.db").display()))
        .set("peers.monolith", format!("http://{}", monolith.public))
        .set("peers.secret", PEER_SECRET)
        .set(&crate::support::stack::method_key(blog::PUBLISH), "async")
        .ready();
    let api = microservice.api();
    let filler = Filler::new(&microservice, &disk);
    filler.fill();

    let publish = |number: u32| blog::publish(&api, "ada", &format!("k{number}"), "a title").send();
    let mut accepted = 0;
    while publish(accepted).status == 202 {
        accepted += 1;
    }
    let answer = publish(accepted).refused(503, "DATABASE_UNAVAILABLE");
    assert!(answer.text().contains("disk of the database is full"), "{}", answer.text());
    wait_until("not ready", PATIENCE, || !microservice.is_ready());

    filler.remove();
    microservice.wait_ready();
    let operation = publish(accepted).expect(202).json()["name"].as_str().expect("a name").to_owned();
    let path = format!("/trine/v1/{operation}");
    wait_until("it is applied", PATIENCE, || api.get(&path).json()["done"] == true);
    // Each that was accepted, and none that was not.
    let applied = json!((accepted + 1).to_string());
    wait_until("all accepted are applied", PATIENCE, || {
        monolith.api().get("/blog/v1/users/ada").json()["entryCount"] == applied
    });
}
