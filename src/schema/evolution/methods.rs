//! Services: what an rpc takes and gives, for binary clients that call it by its name.

use prost_reflect::{MethodDescriptor, ServiceDescriptor};

use super::harm::Harm;
use super::report::{Place, Report};
use crate::schema::load::is_vocabulary;

pub(super) fn compare(report: &mut Report<'_>) {
    let old = report.old;
    for service in old.pool.services().filter(|service| !is_vocabulary(service.package_name())) {
        let Some(new) = report.new.pool.get_service_by_name(service.full_name()) else { continue };
        for method in service.methods() {
            if let Some(successor) = find(&new, method.name()) {
                compare_methods(&method, &successor, report);
            }
        }
    }
}

fn find(service: &ServiceDescriptor, name: &str) -> Option<MethodDescriptor> {
    service.methods().find(|method| method.name() == name)
}

fn compare_methods(old: &MethodDescriptor, new: &MethodDescriptor, report: &mut Report<'_>) {
    let file = new.parent_file();
    let place = Place::At(&file, new.path());
    let name = new.full_name();
    let level = |method: &MethodDescriptor| {
        method.method_descriptor_proto().options.as_ref().map(|options| options.idempotency_level())
    };
    let message = |what, before: &str, after: &str| format!("`{name}` {what} `{before}` and now `{after}`");
    let changes = [
        (old.input() != new.input() && old.input().full_name() != new.input().full_name())
            .then(|| message("took", old.input().full_name(), new.input().full_name())),
        (old.output().full_name() != new.output().full_name())
            .then(|| message("gave", old.output().full_name(), new.output().full_name())),
        (old.is_client_streaming() != new.is_client_streaming()
            || old.is_server_streaming() != new.is_server_streaming())
        .then(|| format!("`{name}` streams otherwise than before")),
        (level(old).unwrap_or_default() != level(new).unwrap_or_default())
            .then(|| format!("`{name}` has another `idempotency_level`")),
    ];
    for change in changes.into_iter().flatten() {
        report.breaks(&place, &change, Harm::CLIENTS, "change it back and add a new rpc instead");
    }
}
