//! The real dashboard page in a real browser: a click moves a running monolith.

use crate::flags::{FLAG, options};
use crate::support::stack::Stack;
use crate::support::unleash::Unleash;
use crate::support::wait::{PATIENCE, wait_until};
use crate::support::webdriver::Browser;
use crate::support::{blog, postgres};

/// The login that a new Unleash has.
fn log_in(browser: &Browser, unleash: &Unleash) {
    browser.open(&format!("http://{}/login", unleash.address));
    browser.write("input[name=username]", "admin");
    browser.write("input[name=password]", "unleash4all");
    browser.click("button[type=submit]");
    wait_until("the page after the login", PATIENCE, || {
        !browser.script("return location.pathname").as_str().unwrap_or_default().contains("login")
    });
}

#[test]
fn a_click_in_the_dashboard_moves_publish_to_async_and_back() {
    let unleash = Unleash::start(&postgres::shared().create_database("unleash_browser"));
    unleash.create_flag(FLAG);
    let home = tempfile::tempdir().expect("temporary directory");
    let stack = Stack::start(&options(&unleash, &home.path().join("flags.json")));
    blog::create_user(&stack.api(), "ada").expect(201);
    let mut number = 0;
    let mut is_async = || {
        number += 1;
        blog::publish(&stack.api(), "ada", &format!("k{number}"), "t").send().status == 202
    };
    assert!(!is_async());

    let browser = Browser::start();
    log_in(&browser, &unleash);
    browser.open(&format!("http://{}/projects/default/features/{FLAG}", unleash.address));
    for on in [true, false] {
        browser.click("input[role=switch][aria-label=development]");
        wait_until("the dashboard has switched the flag", PATIENCE, || unleash.is_on(FLAG) == on);
        wait_until("the monolith follows the dashboard", PATIENCE, || is_async() == on);
    }
}
