//! What the tests, the demo and the benchmarks share: real servers on 127.0.0.1, started and stopped.
//!
//! Nothing here knows what a right answer is. Every wait is on a state that is looked at again and
//! again, with a limit; none is a guess about time.

// Each test binary uses a part of it.
#![allow(dead_code)]

pub mod blog;
pub mod commit_cutter;
pub mod golden;
pub mod http;
pub mod nginx;
pub mod operation;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod replayer;
pub mod seed;
pub mod stack;
pub mod tools;
pub mod trine;
pub mod unleash;
pub mod wait;
pub mod webdriver;
