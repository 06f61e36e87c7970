//! JSON names that no document could carry: refused, with the place.
//!
//! Only for a schema of one's own: what a database has admitted is taken as it is.

use prost_reflect::DescriptorPool;

use super::load::is_vocabulary;
use super::location::Problems;

/// Of every message: what is stored is made of those that are only imported too.
pub(super) fn refuse(pool: &DescriptorPool, problems: &mut Problems<'_>) {
    let messages = pool.all_messages().filter(|message| !is_vocabulary(message.package_name()));
    for field in messages.flat_map(|message| message.fields().collect::<Vec<_>>()) {
        // NUL is no text for PostgreSQL and the end of one for SQLite; the others no filter or path can spell.
        if let Some(found) = field.json_name().chars().find(|character| character.is_control()) {
            let sentence = format!(
                "the JSON name of `{}` holds a control character (U+{:04X}); take it out of `json_name`",
                field.name(),
                u32::from(found)
            );
            problems.add(&field.parent_message().parent_file(), field.path(), sentence);
        }
    }
}
