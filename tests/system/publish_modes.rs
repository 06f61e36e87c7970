//! One rule, three modes: the same request, the same effect, once.

use serde_json::{Value, json};

use crate::checker::End;
use crate::load::end_of;
use crate::support::blog;
use crate::support::http::Answer;
use crate::support::stack::{Options, Stack, method_key};

const MODES: [&str; 3] = ["sync", "forward", "async"];

fn stack(mode: &str) -> Stack {
    Stack::start(&Options::default().method(blog::PUBLISH, mode))
}

/// Restarts the monolith with another mode: configuration alone decides.
fn switch(stack: &mut Stack, mode: &str) {
    let server = &mut stack.monolith;
    server.launch = server.launch.clone().set(&method_key(blog::PUBLISH), mode);
    server.crash_and_restart();
    server.wait_ready();
}

/// The entry that a publish led to, however it was done.
fn entry_of(stack: &Stack, answer: &Answer) -> Result<String, String> {
    match answer.status {
        200 | 201 => Ok(answer.json()["name"].as_str().expect("a name").to_owned()),
        202 => {
            let operation = answer.json();
            let name = operation["name"].as_str().expect("a name");
            assert_eq!(operation["done"], json!(false), "{operation}");
            let location = format!("/trine/v1/{name}");
            assert_eq!(answer.header("Location"), Some(location.as_str()));
            match end_of(&stack.microservice.api(), name) {
                End::Applied { entry } => Ok(entry),
                End::Failed { reason } => Err(reason),
                other => panic!("the operation has no end: {other:?}"),
            }
        }
        _ => Err(answer.json()["error"]["message"].as_str().expect("a message").to_owned()),
    }
}

/// What is left of an entry when all that differs between any two is taken away.
fn shape(mut entry: Value) -> Value {
    let fields = entry.as_object_mut().expect("an object");
    for field in ["name", "createTime", "updateTime", "publishTime", "etag"] {
        assert!(fields.remove(field).is_some(), "{field} is missing in {fields:?}");
    }
    entry
}

#[test]
fn the_same_request_has_the_same_effect_in_each_mode() {
    let mut stack = stack("sync");
    blog::create_user(&stack.api(), "ada").expect(201);
    let mut shapes = Vec::new();
    for (index, mode) in MODES.into_iter().enumerate() {
        switch(&mut stack, mode);
        let answer = blog::publish(&stack.api(), "ada", &format!("in-{mode}"), "the same title").send();
        assert_eq!(answer.status == 202, mode == "async", "{mode}: {}", answer.text());
        let entry = entry_of(&stack, &answer).expect("published");
        shapes.push(shape(stack.api().get(&format!("/blog/v1/{entry}")).expect(200).json()));
        assert_eq!(blog::entry_count(&stack.api(), "ada"), index as i64 + 1, "{mode}");
    }
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:#?}");
}

/// First in one mode, then again in every other: one entry, one name.
#[test]
fn a_key_has_one_effect_across_modes() {
    let mut stack = stack("sync");
    let mut names = Vec::new();
    for user in MODES {
        blog::create_user(&stack.api(), user).expect(201);
    }
    for mode in MODES.into_iter().chain(MODES) {
        switch(&mut stack, mode);
        for user in MODES {
            // The key of `sync` is first used in sync, and so on; all are used in all modes after.
            if names.iter().any(|(known, _)| *known == user) || user == mode {
                let answer = blog::publish(&stack.api(), user, &format!("key-{user}"), "once").send();
                let entry = entry_of(&stack, &answer).expect("published");
                names.push((user, entry));
            }
        }
    }
    for user in MODES {
        let of_user: Vec<_> = names.iter().filter(|(name, _)| *name == user).collect();
        assert!(of_user.len() >= 4 && of_user.iter().all(|name| *name == of_user[0]), "{of_user:?}");
        assert_eq!(blog::entry_count(&stack.api(), user), 1, "{user}");
        assert_eq!(blog::entries(&stack.api(), user).len(), 1, "{user}");
    }
}

#[test]
fn the_daily_limit_holds_in_each_mode() {
    let mut stack = stack("sync");
    for mode in MODES {
        switch(&mut stack, mode);
        let user = json!({ "displayName": mode, "dailyEntryLimit": 1 });
        stack.api().post(&format!("/blog/v1/users?userId={mode}"), &user).expect(201);
        let first = blog::publish(&stack.api(), mode, &format!("{mode}-1"), "first").send();
        entry_of(&stack, &first).expect("within the limit");
        stack.databases.wait_caught_up();
        let second = blog::publish(&stack.api(), mode, &format!("{mode}-2"), "second").send();
        let refusal = entry_of(&stack, &second).expect_err("beyond the limit");
        assert!(refusal.contains("today"), "{mode}: {refusal}");
        assert_eq!(blog::entry_count(&stack.api(), mode), 1, "{mode}");
    }
}

/// Eight clients at once on one user: no update is lost.
#[test]
fn racing_writers_lose_no_update() {
    let mut stack = stack("sync");
    for mode in MODES {
        switch(&mut stack, mode);
        blog::create_user(&stack.api(), mode).expect(201);
        let api = stack.api();
        std::thread::scope(|scope| {
            for client in 0..8 {
                let (api, stack) = (&api, &stack);
                scope.spawn(move || {
                    for number in 0..10 {
                        let key = format!("{mode}-{client}-{number}");
                        publish_until_done(stack, || blog::publish(api, mode, &key, &key).send());
                    }
                });
            }
        });
        assert_eq!(blog::entry_count(&stack.api(), mode), 80, "{mode}");
        assert_eq!(blog::entries(&stack.api(), mode).len(), 80, "{mode}");
    }
}

/// A writer that lost the race as often as the server tries is told so, and asks again.
fn publish_until_done(stack: &Stack, send: impl Fn() -> Answer) {
    for _ in 0..50 {
        let answer = send();
        if answer.status != 409 && entry_of(stack, &answer).is_ok() {
            return;
        }
    }
    panic!("fifty attempts were not enough");
}

/// Plain CRUD is asynchronous by configuration alone; it needs a key then.
#[test]
fn crud_is_asynchronous_by_configuration_alone() {
    let stack = Stack::start(&Options::default().method("blog.v1.User.Create", "async"));
    let user = json!({ "displayName": "Ada" });
    stack.api().post("/blog/v1/users?userId=ada", &user).refused(400, "IDEMPOTENCY_KEY_REQUIRED");
    let request = stack.api().request("POST", "/blog/v1/users?userId=ada").key("k").json(&user);
    let answer = request.send().expect(202);
    assert_eq!(entry_of(&stack, &answer), Ok("users/ada".to_owned()));
    assert_eq!(stack.api().get("/blog/v1/users/ada").expect(200).json()["displayName"], "Ada");
    // The operation's token makes the effect visible on the replica.
    let name = answer.json()["name"].as_str().expect("a name").to_owned();
    let operation = stack.microservice.api().get(&format!("/trine/v1/{name}")).expect(200).json();
    let token = operation["metadata"]["consistencyToken"].as_str().expect("a token").to_owned();
    let read = stack.nanoservice.api().request("GET", "/blog/v1/users/ada").token(&token).send();
    assert!([200, 421].contains(&read.status), "{}", read.text());
    // A method that is not listed is not made asynchronous by asking for it.
    let entry = json!({ "title": "t" });
    let request = stack.api().request("POST", "/blog/v1/users/ada/entries").key("e").json(&entry);
    request.header("Prefer", "respond-async").send().expect(201);
}
