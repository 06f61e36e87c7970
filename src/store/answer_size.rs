//! How much one request may have answered: all of it is in memory at once, and a write's is kept under its key.
//!
//! Lists end their page instead (AIP-158); a batch is answered whole or refused.

use super::backend::{Asked, Read, Reader};
use crate::model::{AnswerPlan, Error, Reason, Result, Stored, WriteSet};
use crate::schema::ResourceType;

/// Bytes of documents.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The usual batch is one statement; of more only so many documents are read before they are counted.
const ROWS_AT_ONCE: usize = 64;

/// All of `asked` on one snapshot, in the order asked; refused when they are too large together.
pub(super) fn read_several(
    reader: &mut dyn Reader,
    kind: &ResourceType,
    asked: &[Asked],
) -> Result<Read<Vec<Option<Stored>>>> {
    if asked.len() <= ROWS_AT_ONCE {
        let read = reader.get(kind, asked)?;
        refuse_large(read.value.iter().flatten())?;
        return Ok(read);
    }
    reader.begin_snapshot()?;
    let read = read_in_parts(reader, kind, asked);
    let ended = reader.end_snapshot();
    read.and_then(|read| ended.map(|()| read))
}

fn read_in_parts(
    reader: &mut dyn Reader,
    kind: &ResourceType,
    asked: &[Asked],
) -> Result<Read<Vec<Option<Stored>>>> {
    let (first, rest) = asked.split_at(ROWS_AT_ONCE);
    // Its position is the snapshot's; a later one would promise what the snapshot does not show.
    let mut read = reader.get(kind, first)?;
    for part in rest.chunks(ROWS_AT_ONCE) {
        refuse_large(read.value.iter().flatten())?;
        read.value.extend(reader.get(kind, part)?.value);
    }
    refuse_large(read.value.iter().flatten())?;
    Ok(read)
}

/// What a write set would answer. One resource is as large as it is.
pub(super) fn refuse_large_answer<'s>(
    write_set: &WriteSet,
    results: impl Iterator<Item = &'s Stored>,
) -> Result<()> {
    match write_set.answer {
        AnswerPlan::Resources => refuse_large(results),
        _ => Ok(()),
    }
}

fn refuse_large<'s>(rows: impl Iterator<Item = &'s Stored>) -> Result<()> {
    let (mut count, mut bytes) = (0, 0);
    for row in rows {
        count += 1;
        bytes += row.document.len();
    }
    // One alone is no batch: there would be no smaller one.
    if count <= 1 || bytes <= ANSWER_BYTES_MAX {
        return Ok(());
    }
    let message = format!(
        "the resources of this batch have more than {ANSWER_BYTES_MAX} bytes together; send several smaller batches"
    );
    Err(Error::new(Reason::InvalidParameter, message))
}
