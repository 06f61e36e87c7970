//! `BlogService.Publish`: an entry appears and its author's counters say so, together or not at all.
//!
//! Nothing here knows whether the client waits, whether this runs on the monolith or beside a
//! replica, or what commits the writes. If the author changed meanwhile, the rule just runs again.

use prost_types::Timestamp;

use super::v1::{Entry, PublishRequest, User, entry::State};
use crate::commands::Context;
use crate::model::{Error, Reason, Result};

/// Entries a day for users without a limit of their own.
const DAILY_LIMIT: i32 = 100;

pub fn publish(context: &mut Context, request: PublishRequest) -> Result<Entry> {
    let now = context.now();
    let mut user: User = context.get(&request.user)?.ok_or_else(|| no_such_user(&request.user))?;

    let published_today = entries_on_day_of(&user, &now);
    refuse_above_limit(&user, published_today)?;

    let mut entry = request.entry.unwrap_or_default();
    entry.set_state(State::Published);
    entry.publish_time = Some(now);
    let entry = context.create(&request.user, &request.entry_id, entry)?;

    user.entry_count += 1;
    user.daily_entry_count = published_today + 1;
    user.last_entry_time = Some(now);
    context.update(user)?;

    Ok(entry)
}

/// The daily counter belongs to the UTC day of the last entry; on a new day it starts again.
fn entries_on_day_of(user: &User, now: &Timestamp) -> i32 {
    match &user.last_entry_time {
        Some(last) if utc_day(last) == utc_day(now) => user.daily_entry_count,
        _ => 0,
    }
}

fn refuse_above_limit(user: &User, published_today: i32) -> Result<()> {
    let limit = if user.daily_entry_limit == 0 { DAILY_LIMIT } else { user.daily_entry_limit };
    if published_today < limit {
        return Ok(());
    }
    let message =
        format!("`{}` has published {limit} entries today; publish again tomorrow (UTC)", user.name);
    Err(Error::new(Reason::FailedPrecondition, message)
        .with_metadata("rule", "daily_entry_limit")
        .with_metadata("limit", limit.to_string()))
}

fn no_such_user(name: &str) -> Error {
    Error::new(Reason::NotFound, format!("there is no `{name}`; create the user first"))
}

fn utc_day(time: &Timestamp) -> i64 {
    time.seconds.div_euclid(24 * 60 * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(last_entry_second: i64, daily_entry_count: i32, daily_entry_limit: i32) -> User {
        let last_entry_time = Some(Timestamp { seconds: last_entry_second, nanos: 0 });
        User { last_entry_time, daily_entry_count, daily_entry_limit, ..User::default() }
    }

    #[test]
    fn the_daily_counter_starts_again_at_midnight_utc() {
        let last_second_of_a_day = 20_000 * 86_400 - 1;
        let user = user(last_second_of_a_day, 7, 0);
        let at = |seconds| Timestamp { seconds, nanos: 0 };
        assert_eq!(entries_on_day_of(&user, &at(last_second_of_a_day)), 7);
        assert_eq!(entries_on_day_of(&user, &at(last_second_of_a_day + 1)), 0);
    }

    #[test]
    fn a_limit_of_its_own_wins_over_the_default() {
        assert!(refuse_above_limit(&user(0, 0, 0), 99).is_ok());
        assert_eq!(refuse_above_limit(&user(0, 0, 0), 100).unwrap_err().reason, Reason::FailedPrecondition);
        assert!(refuse_above_limit(&user(0, 0, 2), 1).is_ok());
        assert!(refuse_above_limit(&user(0, 0, 2), 2).is_err());
    }
}
