//! Random choices that can be repeated: the seed is printed, and `TRINE_TEST_SEED` sets it.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A generator for the test `name`; its seed goes to the test's output.
pub fn generator(name: &str) -> StdRng {
    StdRng::seed_from_u64(number(name))
}

/// The seed itself, for a program that makes its own choices.
pub fn number(name: &str) -> u64 {
    let given = std::env::var("TRINE_TEST_SEED").ok();
    let seed = match given {
        Some(text) => text.parse().expect("TRINE_TEST_SEED is a number"),
        None => rand::rng().random::<u64>(),
    };
    println!("{name}: TRINE_TEST_SEED={seed}");
    seed
}

/// As [`number`], but the usual one where nobody asks for another: what decides whether a change may land
/// must not go by luck. `make soak` takes new ones.
pub fn settled(name: &str, usual: u64) -> u64 {
    let asked = ["TRINE_TEST_SEED", "TRINE_TEST_CYCLES"].iter().any(|name| std::env::var(name).is_ok());
    if asked {
        return number(name);
    }
    println!("{name}: TRINE_TEST_SEED={usual}");
    usual
}

/// How often a fault test kills: 20, or what `make soak` asks for.
pub fn cycles() -> u32 {
    std::env::var("TRINE_TEST_CYCLES").map_or(20, |text| text.parse().expect("TRINE_TEST_CYCLES is a number"))
}
