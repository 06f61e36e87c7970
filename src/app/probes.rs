//! What `/readyz` asks, by the handles that the role was given.

use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;

use crate::app::databases::Databases;
use crate::config::Settings;
use crate::http::{Check, Probes};
use crate::schema::Catalogue;
use crate::telemetry::Telemetry;

/// One check for each handle: ready means that each database was just seen in order.
pub fn probes(
    settings: &Settings,
    catalogue: &Catalogue,
    databases: &Databases,
    telemetry: &Telemetry,
) -> Probes {
    let reads = databases.reads.clone();
    let mut checks = vec![Check { name: "reads", health: Box::new(move || reads.health()) }];
    if let Some(writes) = databases.writes.clone() {
        checks.push(Check { name: "writes", health: Box::new(move || writes.health()) });
    }
    if let Some(requests) = databases.requests.clone() {
        checks.push(Check { name: "requests", health: Box::new(move || requests.health()) });
    }
    if let Some(schema) = databases.schema.clone() {
        checks.push(Check { name: "schema", health: Box::new(move || schema.health()) });
    }
    Probes {
        role: settings.role,
        checks,
        metrics: telemetry.metrics.clone(),
        schema_digest: ArcSwap::from_pointee(catalogue.digest.clone()),
        draining: AtomicBool::new(false),
    }
}
