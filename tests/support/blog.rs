//! The bundled microblog as a client sees it.

use serde_json::{Value, json};

use super::http::{Answer, Api, Request};

pub const PUBLISH: &str = "blog.v1.BlogService.Publish";
/// Enough for any load; the default of 100 a day is a rule that its own tests look at.
const NO_DAILY_LIMIT: i32 = 2_000_000_000;

pub fn create_user(api: &Api, id: &str) -> Answer {
    let user = json!({ "displayName": id, "dailyEntryLimit": NO_DAILY_LIMIT });
    api.post(&format!("/blog/v1/users?userId={id}"), &user)
}

/// `POST /blog/v1/users/{user}:publish` with an idempotency key.
pub fn publish(api: &Api, user: &str, key: &str, title: &str) -> Request {
    let body = json!({ "entry": { "title": title, "body": "…" } });
    api.request("POST", &format!("/blog/v1/users/{user}:publish")).key(key).json(&body)
}

pub fn entry_count(api: &Api, user: &str) -> i64 {
    count_of(&api.get(&format!("/blog/v1/users/{user}")).expect(200).json())
}

/// int64 is a string in proto3 JSON, and zero is left out.
pub fn count_of(user: &Value) -> i64 {
    user["entryCount"].as_str().map_or(0, |text| text.parse().expect("int64"))
}

/// All entries of a user, page by page.
pub fn entries(api: &Api, user: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut page_token = String::new();
    loop {
        let path = format!("/blog/v1/users/{user}/entries?pageSize=1000&pageToken={page_token}");
        let page = api.get(&path).expect(200).json();
        all.extend(page["entries"].as_array().cloned().unwrap_or_default());
        match page["nextPageToken"].as_str() {
            Some(next) if !next.is_empty() => page_token = next.to_owned(),
            _ => return all,
        }
    }
}
