//! Cross-checks: what each value alone cannot say. All in one place, all mistakes at once.

use super::layers::problem;
use super::{ConfigProblem, Settings};
use crate::auth::{AuthMode, Authenticator};
use crate::commands::Mode;
use crate::events::signature::Secrets;
use crate::flags::Provider;
use crate::role::{BackgroundService, Given};
use crate::store::DatabaseUrl;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
const HOUR_MS: u64 = 3_600_000;

pub fn check(settings: &Settings) -> Vec<ConfigProblem> {
    let mut problems = Vec::new();
    databases(settings, &mut problems);
    limits(settings, &mut problems);
    peers(settings, &mut problems);
    flags(settings, &mut problems);
    authentication(settings, &mut problems);
    words(settings, &mut problems);
    problems
}

/// A role is given exactly the databases its plan names.
fn databases(settings: &Settings, problems: &mut Vec<ConfigProblem>) {
    let plan = settings.role.plan();
    let database = &settings.database;
    for (key, given, url) in [
        ("database.primary", plan.primary, &database.primary),
        ("database.replica", plan.replica, &database.replica),
        ("database.events", plan.events, &database.events),
    ] {
        match (given, url) {
            (Given::Required, None) => problems.push(problem(
                key,
                format!("is missing; a {} needs it (sqlite:PATH or postgres://…)", plan.role),
            )),
            (Given::Refused, Some(_)) => problems.push(problem(
                key,
                format!("is set, but a {} may not have it; remove it or choose another role", plan.role),
            )),
            (_, Some(url)) => {
                if let Err(message) = DatabaseUrl::parse(&url.0) {
                    problems.push(problem(key, message));
                }
            }
            (_, None) => {}
        }
    }
}

fn limits(settings: &Settings, problems: &mut Vec<ConfigProblem>) {
    let database = &settings.database;
    // The upper ends are where a value is a slip of the pen, not a wish.
    for (key, value, max) in [
        ("http.max_body_bytes", settings.http.max_body_bytes as u64, 64 << 20),
        ("http.request_timeout_ms", settings.http.request_timeout_ms, HOUR_MS),
        ("http.drain_ms", settings.http.drain_ms, HOUR_MS),
        ("http.workers", settings.http.workers as u64, 256),
        ("http.max_connections", settings.http.max_connections as u64, 1_000_000),
        ("database.connections", database.connections.into(), 256),
        ("database.read_timeout_ms", database.read_timeout_ms.into(), HOUR_MS),
        ("database.write_timeout_ms", database.write_timeout_ms.into(), HOUR_MS),
        ("database.lock_timeout_ms", database.lock_timeout_ms.into(), HOUR_MS),
        ("database.queue_length_max", database.queue_length_max as u64, 1_000_000),
        ("database.batch_length_max", database.batch_length_max as u64, 10_000),
        ("consistency.token_ttl_s", settings.consistency.token_ttl_s.into(), 86_400),
        ("idempotency.keep_hours", settings.idempotency.keep_hours.into(), 24 * 366),
        ("idempotency.max_bytes", settings.idempotency.max_bytes, 1 << 40),
        ("auth.jwt.leeway_s", settings.auth.jwt.leeway_s, 300),
        ("auth.jwt.jwks_ttl_s", settings.auth.jwt.jwks_ttl_s, 86_400),
        ("auth.jwt.jwks_stale_s", settings.auth.jwt.jwks_stale_s, 30 * 86_400),
        ("auth.jwt.jwks_pause_s", settings.auth.jwt.jwks_pause_s, 3600),
        ("flags.poll_interval_ms", settings.flags.poll_interval_ms, HOUR_MS),
    ] {
        if value == 0 || value > max {
            problems.push(problem(key, format!("is {value}; give 1 to {max} (there is no unlimited)")));
        }
    }
}

/// A mode that needs a peer needs its address and the secret between roles.
fn peers(settings: &Settings, problems: &mut Vec<ConfigProblem>) {
    let runs_commands = settings.role.plan().services.contains(&BackgroundService::CommandRunner);
    let commits = settings.role.plan().primary == Given::Required;
    let elsewhere: Vec<&String> = settings
        .writes
        .methods
        .iter()
        .filter(|(_, setting)| setting.mode != Mode::Sync)
        .map(|(method, _)| method)
        .collect();
    if runs_commands && settings.peers.monolith.is_none() {
        problems.push(problem("peers.monolith", "is missing; decided writes are sent there".to_owned()));
    }
    if commits && !elsewhere.is_empty() && settings.peers.microservice.is_none() {
        problems.push(problem(
            "peers.microservice",
            format!("is missing; writes.methods gives `{}` a mode that needs it", elsewhere[0]),
        ));
    }
    let talks = runs_commands || settings.peers.microservice.is_some();
    if talks && settings.peers.secret.is_none() {
        problems.push(problem(
            "peers.secret",
            "is missing; roles sign what they tell each other (whsec_ and base64 of 24 to 64 bytes)"
                .to_owned(),
        ));
    }
}

fn flags(settings: &Settings, problems: &mut Vec<ConfigProblem>) {
    match settings.flags.provider {
        Provider::Unleash => {
            if settings.flags.url.is_none() {
                problems.push(problem("flags.url", "is missing; flags.provider is unleash".to_owned()));
            }
        }
        Provider::File => {
            if settings.flags.file.is_none() {
                problems.push(problem("flags.file", "is missing; flags.provider is file".to_owned()));
            }
        }
        Provider::None => {}
    }
}

fn authentication(settings: &Settings, problems: &mut Vec<ConfigProblem>) {
    if let Err(mistakes) = Authenticator::new(&settings.auth) {
        problems.extend(mistakes.into_iter().map(|(key, message)| problem(&key, message)));
    }
    let open = settings.auth.mode == AuthMode::None && !settings.auth.allow_anonymous;
    if open && !settings.http.listen.ip().is_loopback() {
        problems.push(problem(
            "auth.mode",
            format!(
                "is none while http.listen is {}, which others can reach; set auth.allow_anonymous = true if that is meant",
                settings.http.listen
            ),
        ));
    }
}

/// A filter takes a bare word for a module, and then nothing of the others is logged.
fn no_level(filter: &str) -> Option<&str> {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let mut words = filter.split(',').map(str::trim);
    words.find(|word| !word.contains(['=', '[', ']', '{', '}']) && !is_level(word))
}

/// Texts that only their users can parse.
fn words(settings: &Settings, problems: &mut Vec<ConfigProblem>) {
    if let Some(secret) = &settings.peers.secret
        && let Err(message) = Secrets::parse(&secret.0)
    {
        problems.push(problem("peers.secret", format!("is no secret: {message}")));
    }
    for (key, address) in
        [("peers.monolith", &settings.peers.monolith), ("peers.microservice", &settings.peers.microservice)]
    {
        let url = address.as_ref().map(|address| url::Url::parse(address));
        if url.is_some_and(|url| !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https"))) {
            problems.push(problem(key, "is no address; write http://host:port".to_owned()));
        }
    }
    if let Err(error) = settings.log.level.parse::<tracing_subscriber::EnvFilter>() {
        problems.push(problem("log.level", format!("is no level and no filter: {error}")));
    } else if let Some(word) = no_level(&settings.log.level) {
        let levels = LEVELS.join(", ");
        let message = format!(
            "names `{word}`, which is no level; give one of {levels}, or MODULE=LEVEL for one module"
        );
        problems.push(problem("log.level", message));
    }
}
