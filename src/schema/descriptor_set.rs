//! Descriptor sets in one normal form, so that equal schemas have equal bytes and one digest.
//!
//! Normal form: files sorted by name, no source locations, option bytes as they were.
//! Invariant: what is not proto2 or proto3 is refused here, because the reflection library panics on it.

use prost::encoding::{DecodeContext, decode_key, skip_field};
use prost::{DecodeError, Message};
use prost_reflect::{DescriptorPool, DynamicMessage, FileDescriptor, ReflectMessage};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use super::SchemaProblem;

/// `SourceCodeInfo source_code_info = 9` of a `FileDescriptorProto`
const SOURCE_CODE_INFO: u32 = 9;

/// The files of an encoded `FileDescriptorSet`, each encoded, in normal form.
pub(super) fn files(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Vec<SchemaProblem>> {
    let broken =
        |error| vec![SchemaProblem::at("descriptor set", format_args!("cannot be decoded: {error}"))];
    let set = FileDescriptorSet::decode(bytes).map_err(broken)?;
    let problems: Vec<SchemaProblem> = set.file.iter().filter_map(refusal).collect();
    if !problems.is_empty() {
        return Err(problems);
    }
    // Through a message that does not know the custom options: it keeps their bytes, the typed form drops them.
    let descriptor = FileDescriptorSet::default().descriptor();
    let dynamic = DynamicMessage::decode(descriptor, bytes).map_err(broken)?;
    let files = dynamic.get_field_by_name("file").map(|value| value.into_owned());
    let files = files.iter().filter_map(|value| value.as_list()).flatten();
    Ok(files.filter_map(|value| value.as_message().cloned()).map(normalise).collect())
}

/// The given files of a pool as an encoded `FileDescriptorSet` in normal form.
pub(super) fn encode(files: &[FileDescriptor]) -> Vec<u8> {
    let descriptor = FileDescriptorProto::default().descriptor();
    let mut encoded: Vec<(String, Vec<u8>)> = files
        .iter()
        .filter_map(|file| without_locations(&file.encode_to_vec()).ok())
        .filter_map(|bytes| DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).ok())
        .map(normalise)
        .collect();
    encoded.sort();
    let mut bytes = Vec::new();
    for (_, file) in &encoded {
        // `repeated FileDescriptorProto file = 1`
        prost::encoding::bytes::encode(1, file, &mut bytes);
    }
    bytes
}

/// Checks and links a descriptor set of unknown origin.
pub(super) fn decode(bytes: &[u8]) -> Result<DescriptorPool, Vec<SchemaProblem>> {
    files(bytes)?;
    link(bytes)
}

/// Links a descriptor set that [`encode`] made: nothing in it is of a syntax that panics.
pub(super) fn link(bytes: &[u8]) -> Result<DescriptorPool, Vec<SchemaProblem>> {
    DescriptorPool::decode(bytes).map_err(|error| {
        vec![SchemaProblem::at(error.file().unwrap_or("descriptor set"), format_args!("{error}"))]
    })
}

/// An encoded file less its source locations, which are most of it and slow to read.
fn without_locations(file: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (mut kept, mut rest) = (Vec::with_capacity(file.len()), file);
    while !rest.is_empty() {
        let field = rest;
        let (number, wire) = decode_key(&mut rest)?;
        skip_field(wire, number, &mut rest, DecodeContext::default())?;
        if number != SOURCE_CODE_INFO {
            kept.extend_from_slice(&field[..field.len() - rest.len()]);
        }
    }
    Ok(kept)
}

fn normalise(mut file: DynamicMessage) -> (String, Vec<u8>) {
    let name = file.get_field_by_name("name").and_then(|name| name.as_str().map(str::to_owned));
    file.clear_field_by_name("source_code_info");
    (name.unwrap_or_default(), file.encode_to_vec())
}

fn refusal(file: &FileDescriptorProto) -> Option<SchemaProblem> {
    match file.syntax() {
        "" | "proto2" | "proto3" => None,
        syntax => Some(SchemaProblem::at(
            file.name(),
            format_args!("`{syntax}` is not read yet; write the file in proto3 syntax"),
        )),
    }
}
