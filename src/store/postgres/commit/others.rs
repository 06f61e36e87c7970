//! Children that belong to others keep their parent from being deleted, by force too.
//!
//! One look for each type of children that has owners, with the deletions of all members.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::Integer;

use super::Stop;
use super::attempt::Attempt;
use super::tree::{Place, deletions, refuse};
use crate::model::TypeName;
use crate::schema::ResourceType;
use crate::store::family::{has_others_children, range_below};
use crate::store::postgres::statement::{Bind, statement};
use crate::store::postgres::table::{column_name, table_name};

/// A deletion, and whose.
type OwnPlace = (Place, String);

pub(super) fn refuse_parents_of_others(attempt: &mut Attempt<'_>) -> Result<(), Stop> {
    let mut wanted: BTreeMap<TypeName, (Arc<ResourceType>, Vec<OwnPlace>)> = BTreeMap::new();
    for (at, member) in attempt.members.iter().enumerate() {
        let sight = member.write_set.principal.sight();
        let Some(own) = sight.owner() else { continue };
        for (number, mutation, _) in deletions(member) {
            let descendants = &attempt.families.of(&mutation.resource.kind).descendants;
            for kind in descendants.iter().filter(|kind| kind.owner.is_some()) {
                let entry = wanted.entry(kind.name.clone());
                let places = &mut entry.or_insert_with(|| (Arc::clone(kind), Vec::new())).1;
                places.push(((at, number), own.to_owned()));
            }
        }
    }
    for (kind, places) in wanted.into_values() {
        for (at, number) in with_others(attempt, &kind, &places)? {
            let resource = attempt.members[at].write_set.mutations[number].resource.clone();
            let Some(parent) = attempt.catalogue.resource(&resource.kind).cloned() else { continue };
            refuse(attempt, (at, number), has_others_children(&parent, &resource.key));
        }
    }
    Ok(())
}

/// The places below which somebody else owns something.
fn with_others(
    attempt: &mut Attempt<'_>,
    kind: &ResourceType,
    places: &[OwnPlace],
) -> Result<Vec<Place>, Stop> {
    let Some(owner) = kind.owner_column() else { return Ok(Vec::new()) };
    let live = if kind.soft_delete { " AND t.delete_time IS NULL" } else { "" };
    let sql = format!(
        "SELECT r.ordinal FROM unnest($, $, $, $) AS r(ordinal, first, last, owner) WHERE EXISTS \
         (SELECT 1 FROM {} t WHERE t.key > r.first AND t.key < r.last \
         AND t.{} IS DISTINCT FROM r.owner{live})",
        table_name(&kind.name),
        column_name(owner),
    );
    let (mut firsts, mut lasts, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for ((at, number), owner) in places {
        let (first, last) = range_below(&attempt.members[*at].write_set.mutations[*number].resource.key);
        firsts.push(first);
        lasts.push(last);
        owners.push(owner.clone());
    }
    let ordinals = (0..places.len()).map(|ordinal| i32::try_from(ordinal).unwrap_or(i32::MAX)).collect();
    let binds = vec![Bind::Ordinals(ordinals), Bind::Texts(firsts), Bind::Texts(lasts), Bind::Texts(owners)];
    let found = statement::<Integer>(&sql, binds).load::<i32>(attempt.connection())?;
    let place = |ordinal: i32| places.get(usize::try_from(ordinal).ok()?).map(|(place, _)| *place);
    Ok(found.into_iter().filter_map(place).collect())
}
