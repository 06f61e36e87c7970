//! PostgreSQL tells plans in its log, as they were really used: with the types, the statistics and
//! the settings of our own sessions.

use super::stories::{Doors, STORIES};
use super::{Statement, check};
use crate::conformance::fixture::options;
use crate::support::Cluster;

const SETTINGS: &[(&str, &str)] = &[
    ("shared_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    // Statistics change when the test says so.
    ("autovacuum", "off"),
];

/// Of one row, or of one row a connection.
const MAY_BE_SCANNED: &[&str] = &["generation", "writers"];

#[test]
fn hot_statements_and_their_plans() {
    let cluster = Cluster::start_with(SETTINGS);
    let open = |name: &str| {
        let url = cluster.create_database(name);
        (trine::store::postgres::open(&url, options()).unwrap(), url)
    };
    let ((primary, primary_url), (events, events_url)) = (open("primary"), open("events"));
    let mut doors = Doors::open(&primary, &events);
    doors.fill();
    for url in [&primary_url, &events_url] {
        cluster.sql_in(url, "VACUUM ANALYZE");
    }
    for (name, story) in STORIES.iter().chain(super::lifecycle::STORIES).chain(super::owners::STORIES) {
        let from = cluster.log().len();
        story(&mut doors);
        let statements = explained(&cluster.log()[from..]);
        assert!(!statements.is_empty(), "{name}");
        for statement in &statements {
            refuse_sequential_scans(statement);
        }
        check("postgres", name, &statements);
    }
}

fn refuse_sequential_scans(statement: &Statement) {
    for (_, scanned) in statement.plan.lines().filter_map(|line| line.split_once("Seq Scan on ")) {
        let table = scanned.split_whitespace().next().unwrap_or_default();
        assert!(MAY_BE_SCANNED.contains(&table), "{table} is read from end to end:\n{}", statement.plan);
    }
}

/// `… LOG:  duration: 0.1 ms  plan:`, then indented the text and the plan.
fn explained(log: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    for entry in log.split(" plan:\n").skip(1) {
        let lines = entry.lines().map_while(|line| line.strip_prefix('\t'));
        let (plan, text): (Vec<&str>, Vec<&str>) = {
            let lines: Vec<&str> = lines.collect();
            let begin = lines.iter().position(|line| line.contains("(cost=")).expect("a plan");
            (lines[begin..].to_vec(), lines[..begin].to_vec())
        };
        let sql = text.join("\n").trim_start_matches("Query Text: ").to_owned();
        let plan = once(plan.into_iter().map(without_values).collect());
        statements.push(Statement { sql, plan: plan.join("\n") });
    }
    statements
}

/// Costs and values differ from run to run; whether a plan was made for these values or for any is
/// the server's business.
fn without_values(line: &str) -> String {
    let line = line.split("  (cost=").next().unwrap_or_default();
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['\'', '$']) {
        text += &rest[..at];
        text.push('$');
        rest = after_value(&rest[at..]);
    }
    without_hours(&(text + rest))
}

/// Behind `'…'::text[]` or `$1`.
fn after_value(text: &str) -> &str {
    if let Some(number) = text.strip_prefix('$') {
        return number.trim_start_matches(|character: char| character.is_ascii_digit());
    }
    let quoted = text[1..].split_once('\'').map_or("", |(_, rest)| rest);
    let Some(kind) = quoted.strip_prefix("::") else { return quoted };
    kind.trim_start_matches(|character: char| character.is_ascii_alphanumeric() || "_[]".contains(character))
}

/// `idempotency_498682` is a partition of an hour.
fn without_hours(line: &str) -> String {
    let mut parts = line.split("idempotency_");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|character: char| character.is_ascii_digit());
        text += if rest.len() == part.len() { "idempotency_" } else { "idempotency_hour" };
        text += rest;
    }
    text
}

/// One partition stands for all.
fn once(lines: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines {
        let partition = line.contains("idempotency_hour");
        let follows = kept.len() >= 2 && kept[kept.len() - 1] == line && line.contains("(digest = ANY");
        if !(partition && kept.contains(&line) || follows) {
            kept.push(line);
        }
    }
    kept
}
