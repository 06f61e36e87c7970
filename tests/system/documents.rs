//! The documents of the API in the hands of others: a browser, a generator of clients, a maker of requests.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::trine::{Launch, Trine};
use crate::support::wait::{PATIENCE, wait_until};
use crate::support::webdriver::Browser;
use crate::support::{blog, seed, tools};

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

fn monolith(home: &Path, proto: Option<&str>) -> Trine {
    let url = format!("sqlite:{}", home.join("trine.db").display());
    let launch = Launch::role("monolith").argument("--database", &url);
    match proto {
        Some(proto) => launch.argument("--proto", proto).ready(),
        None => launch.ready(),
    }
}

/// Runs to the end and answers what was written to both outputs.
fn run(command: &mut Command) -> (bool, String) {
    let ended = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        [ended.stdout, ended.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (ended.status.success(), text)
}

/// A Python that looks in this directory too.
fn with_path(mut python: Command, directory: &Path) -> Command {
    let installed = python.get_envs().find(|(name, _)| *name == "PYTHONPATH").and_then(|(_, value)| value);
    let path = std::env::join_paths([Path::new(installed.expect("a path")), directory]).expect("a path");
    python.env("PYTHONPATH", path);
    python
}

/// Given the document of either schema, then whoever copies an example from it copies something right.
#[test]
fn examples_fit_their_schemas() {
    for tree in ["proto", "tests/fixtures/library"] {
        let home = tempfile::tempdir().expect("temporary directory");
        let trine = monolith(home.path(), Some(&format!("{}/{tree}", env!("CARGO_MANIFEST_DIR"))));
        let document = home.path().join("openapi.json");
        std::fs::write(&document, trine.api().get("/openapi.json").expect(200).body).expect("written");
        let (fit, said) = run(tools::python().arg(format!("{CLIENTS}/examples.py")).arg(&document));
        let count = said.strip_prefix("done ").and_then(|count| count.trim().parse::<u32>().ok());
        assert!(fit && count.is_some_and(|count| count > 50), "{tree}: {said}");
    }
}

/// Given the page in a real browser, then it shows an operation, carries it out, and speaks to nobody else.
#[test]
fn the_page_works_without_another_host() {
    let home = tempfile::tempdir().expect("temporary directory");
    let trine = monolith(home.path(), None);
    blog::create_user(&trine.api(), "ada").expect(201);
    let browser = Browser::start();
    browser.open(&format!("http://{}/docs#blog.v1.User.Get", trine.public));
    wait_until("the page shows the operation", PATIENCE, || browser.text().contains("blog.v1.User.Get"));
    assert!(browser.text().contains("/blog/v1/users/{user}"), "{}", browser.text());
    assert!(browser.text().contains("Somebody who writes."), "comments of the .proto are missing");

    let operation = "details[id='blog.v1.User.Get']";
    browser.write(&format!("{operation} form input[name=user]"), "ada");
    browser.click(&format!("{operation} form button"));
    wait_until("the answer is shown", PATIENCE, || browser.text().contains("\"users/ada\""));

    let seen = browser.script("return performance.getEntries().map(entry => entry.name)");
    let own = format!("http://{}/", trine.public);
    let names: Vec<&str> = seen.as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let addresses: Vec<&&str> = names.iter().filter(|name| name.contains(':')).collect();
    assert!(addresses.iter().any(|name| name.ends_with("/openapi.json")), "{names:?}");
    assert!(addresses.iter().all(|name| name.starts_with(&own)), "{names:?}");
    if let Some(path) = std::env::var_os("TRINE_TEST_SCREENSHOT") {
        use base64::Engine;
        let picture = base64::engine::general_purpose::STANDARD.decode(browser.screenshot()).expect("base64");
        std::fs::write(path, picture).expect("written");
    }
}

/// Given nothing but the document, then a client generated from it creates, reads, lists, updates and deletes.
#[test]
fn a_generated_client_works() {
    let home = tempfile::tempdir().expect("temporary directory");
    let trine = monolith(home.path(), None);
    let document = home.path().join("openapi.json");
    std::fs::write(&document, trine.api().get("/openapi.json").expect(200).body).expect("written");
    let client = home.path().join("blog_client");
    let (generated, said) = run(tools::python()
        .args(["-m", "openapi_python_client", "generate", "--meta", "none", "--config"])
        .arg(format!("{CLIENTS}/openapi-python-client.yml"))
        .arg("--path")
        .arg(&document)
        .arg("--output-path")
        .arg(&client));
    assert!(generated && !said.to_lowercase().contains("warning"), "{said}");
    let mut program = with_path(tools::python(), home.path());
    program.arg(format!("{CLIENTS}/blog.py")).arg(format!("http://{}", trine.public));
    let (worked, said) = run(&mut program);
    assert!(worked && said.trim() == "done", "{said}");
}

/// Given requests made up from the document, good and bad ones, then every answer is one that it tells of.
fn answers_are_as_documented(proto: Option<&str>, seconds: u32) {
    let home = tempfile::tempdir().expect("temporary directory");
    let trine = monolith(home.path(), proto);
    let seed = seed::settled("schemathesis", 1);
    let (clean, said) = run(with_path(tools::python(), Path::new(CLIENTS))
        .env("SCHEMATHESIS_HOOKS", "made_up")
        .current_dir(home.path())
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(format!("{CLIENTS}/schemathesis.toml"))
        .args([
            "run",
            &format!("http://{}/openapi.json", trine.public),
            "--no-color",
            "--suppress-health-check",
            "all",
        ])
        .args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--max-examples", "20"])
        // Calls between roles are signed: without the secret there is nothing behind them.
        .args(["--exclude-path-regex", "^/trine/v1/(commands|inbox)"])
        .args(["--seed", &seed.to_string(), "--max-time", &seconds.to_string()]));
    assert!(clean, "{said}");
    assert!(said.contains("generated"), "nothing was asked: {said}");
    trine.terminate();
}

#[test]
fn made_up_requests_to_the_blog_are_answered_as_documented() {
    answers_are_as_documented(None, 20);
}

#[test]
fn made_up_requests_to_a_foreign_schema_are_answered_as_documented() {
    answers_are_as_documented(Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/library")), 25);
}
