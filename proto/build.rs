//! Typed Rust messages of the bundled example domain, for its rules; no `protoc` needed.
//!
//! Only `proto/blog` becomes Rust: every other schema is read when the program starts.

use std::error::Error;

const BUNDLED: &[&str] = &["blog/v1/blog.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    // The whole tree: an import of a listed file counts as much as the file.
    println!("cargo:rerun-if-changed=proto");
    // With imports: prost-build panics on a field whose message it has not been shown.
    let descriptors =
        protox::Compiler::new(["proto"])?.include_imports(true).open_files(BUNDLED)?.file_descriptor_set();
    prost_build::Config::new().enable_type_names().compile_fds(descriptors)?;
    Ok(())
}
