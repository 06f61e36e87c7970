//! The binary: parse, run, exit code. Everything else is in the library.

use std::process::ExitCode;

/// Answers are made on one thread and freed on another, which the system's allocator pays for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trine::run()
}
