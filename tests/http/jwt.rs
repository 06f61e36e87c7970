//! JSON Web Tokens against a real JWKS server: what is let in, what is not, and how keys come and go.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use trine::auth::{AuthMode, AuthSettings, Authenticator, IssuerSettings, JwtSettings};

use crate::client::{Answer, request};
use crate::server::{Server, Setting};

const ISSUER: &str = "https://id.example.com/";

/// A key of an issuer, with its public half as it is published.
struct Key {
    algorithm: Algorithm,
    private: EncodingKey,
    public: Value,
}

impl Key {
    fn new(kid: &str, algorithm: Algorithm, private: EncodingKey) -> Self {
        let jwk = Jwk::from_encoding_key(&private, algorithm).expect("a public half");
        let mut public = serde_json::to_value(jwk).expect("JSON");
        public["kid"] = json!(kid);
        Self { algorithm, private, public }
    }

    fn ec(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &aws_lc_rs::rand::SystemRandom::new(),
        );
        Self::new(kid, Algorithm::ES256, EncodingKey::from_ec_der(pair.expect("a key").as_ref()))
    }

    fn ed(kid: &str) -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).expect("a key");
        Self::new(kid, Algorithm::EdDSA, EncodingKey::from_ed_der(pair.as_ref()))
    }

    /// One for all tests: it takes long to make.
    fn rsa() -> &'static Self {
        static KEY: OnceLock<Key> = OnceLock::new();
        KEY.get_or_init(|| {
            let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key");
            let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der>::as_der(&pair).expect("DER");
            Self::new("rsa", Algorithm::RS256, EncodingKey::from_rsa_der(&inner_rsa(der.as_ref())))
        })
    }

    fn kid(&self) -> String {
        self.public["kid"].as_str().expect("a kid").to_owned()
    }

    fn header(&self) -> Header {
        Header { kid: Some(self.kid()), ..Header::new(self.algorithm) }
    }

    fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    fn token_with(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.private).expect("a token")
    }
}

/// The RSAPrivateKey inside PKCS #8: the octet string that ends it.
fn inner_rsa(pkcs8: &[u8]) -> Vec<u8> {
    let start = pkcs8.windows(2).position(|bytes| bytes == [0x04, 0x82]).expect("an octet string");
    pkcs8[start + 4..].to_vec()
}

/// A JWKS server: answers what it is told, and counts.
#[derive(Clone)]
struct Jwks {
    address: SocketAddr,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Jwks {
    fn start(keys: &[&Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = Self { address, answer: Arc::default(), asked: Arc::default() };
        server.publish(keys);
        let this = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let _ = stream.read(&mut [0; 4096]);
                this.asked.fetch_add(1, Ordering::SeqCst);
                let answer = this.answer.lock().expect("the answer").clone();
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        server
    }

    fn publish(&self, keys: &[&Value]) {
        self.answer("200 OK", &json!({ "keys": keys }).to_string());
    }

    fn answer(&self, status: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().expect("the answer") = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nLocation: http://{}/\r\nConnection: close\r\n\r\n{body}",
            self.address
        );
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A monolith that trusts one issuer.
fn trusting(jwks: &Jwks, change: impl FnOnce(&mut JwtSettings)) -> Server {
    let issuer = IssuerSettings {
        issuer: ISSUER.to_owned(),
        audiences: vec!["blog".to_owned(), "shop".to_owned()],
        jwks_url: Some(format!("http://{}/keys", jwks.address)),
        jwks_file: None,
        algorithms: ["RS256", "ES256", "EdDSA"].map(str::to_owned).to_vec(),
        subject_prefix: String::new(),
    };
    let mut jwt = JwtSettings { issuers: vec![issuer], ..JwtSettings::default() };
    change(&mut jwt);
    let tokens = Default::default();
    let settings = AuthSettings { mode: AuthMode::Jwt, allow_anonymous: false, tokens, jwt };
    let authenticator = Authenticator::new(&settings).expect("an issuer");
    Server::monolith_of(Setting { authenticator: Arc::new(authenticator), ..Setting::default() })
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "blog", "sub": "alice", "exp": now() + 60, "scope": "read other" })
}

/// The usual claims, but for some: null takes one out.
fn but(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => drop(claims.as_object_mut().expect("an object").remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn ask(server: &Server, token: &str) -> Answer {
    let value = format!("Bearer {token}");
    request("GET", "/blog/v1/users").header("Authorization", &value).send(server.address())
}

fn encoded(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (header, claims) = (header.to_string(), claims.to_string());
    format!("{}.{}.{}", part(header.as_bytes()), part(claims.as_bytes()), part(signature))
}

#[test]
fn a_token_of_a_trusted_issuer_is_let_in() {
    let (rsa, ec, ed) = (Key::rsa(), Key::ec("ec"), Key::ed("ed"));
    let server = trusting(&Jwks::start(&[&rsa.public, &ec.public, &ed.public]), |_| {});
    for (name, token) in [
        ("RS256", rsa.token(&claims())),
        ("ES256", ec.token(&claims())),
        ("EdDSA", ed.token(&claims())),
        ("one of several audiences", ec.token(&but(json!({ "aud": ["other", "shop"] })))),
        ("expired within the leeway", ec.token(&but(json!({ "exp": now() - 20 })))),
        ("not yet valid within the leeway", ec.token(&but(json!({ "nbf": now() + 20 })))),
        ("a list of scopes", ec.token(&but(json!({ "scope": ["read", 7] })))),
        ("an access token", ec.token_with(&Header { typ: Some("at+jwt".into()), ..ec.header() }, &claims())),
    ] {
        let answer = ask(&server, &token);
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
    }
    let without = ask(&server, &ec.token(&but(json!({ "scope": null }))));
    assert_eq!((without.status, without.reason().as_str()), (403, "SCOPE"));
}

/// Given the ways in which tokens are forged, borrowed or spoiled, then none is let in, and none is a 5xx.
#[test]
fn a_token_that_is_not_right_is_refused() {
    let (rsa, ec, evil) = (Key::rsa(), Key::ec("ec"), Key::ec("ec"));
    let modulus = URL_SAFE_NO_PAD.decode(rsa.public["n"].as_str().expect("n")).expect("base64");
    let oct =
        json!({ "kty": "oct", "kid": "oct", "alg": "HS256", "k": URL_SAFE_NO_PAD.encode("shared-secret") });
    let server = trusting(&Jwks::start(&[&rsa.public, &ec.public, &oct]), |_| {});
    let hmac = |kid: &str, secret: &[u8]| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims(), &EncodingKey::from_secret(secret)).expect("a token")
    };
    let good = ec.token(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let other_claims = URL_SAFE_NO_PAD.encode(but(json!({ "sub": "bob" })).to_string());
    let embedded: Jwk = serde_json::from_value(evil.public.clone()).expect("a key");
    let with = |changes: Value| ec.token(&but(changes));
    let corpus = [
        ("alg none", encoded(&json!({ "alg": "none", "kid": "ec" }), &claims(), b"")),
        ("alg None", encoded(&json!({ "alg": "None", "kid": "ec" }), &claims(), b"x")),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("HS256 with the RSA modulus", hmac("rsa", &modulus)),
        ("HS256 with the RSA key as it is published", hmac("rsa", rsa.public.to_string().as_bytes())),
        ("HS256 with a published secret", hmac("oct", b"shared-secret")),
        (
            "a key of another sort",
            ec.token_with(&Header { kid: Some("rsa".into()), ..ec.header() }, &claims()),
        ),
        ("an unknown kid", ec.token_with(&Header { kid: Some("new".into()), ..ec.header() }, &claims())),
        ("no kid, several keys", ec.token_with(&Header { kid: None, ..ec.header() }, &claims())),
        ("another's key", evil.token(&claims())),
        ("an embedded key", evil.token_with(&Header { jwk: Some(embedded), ..evil.header() }, &claims())),
        (
            "keys elsewhere",
            evil.token_with(&Header { jku: Some("http://127.0.0.1:1/".into()), ..evil.header() }, &claims()),
        ),
        (
            "a critical extension",
            ec.token_with(&Header { crit: Some(vec!["x".into()]), ..ec.header() }, &claims()),
        ),
        (
            "another sort of token",
            ec.token_with(&Header { typ: Some("dpop+jwt".into()), ..ec.header() }, &claims()),
        ),
        ("changed claims", format!("{}.{other_claims}.{}", parts[0], parts[2])),
        ("another issuer", with(json!({ "iss": "https://evil.example.com/" }))),
        ("several issuers", with(json!({ "iss": [ISSUER] }))),
        ("no issuer", with(json!({ "iss": null }))),
        ("another audience", with(json!({ "aud": "bank" }))),
        ("no audience", with(json!({ "aud": null }))),
        ("expired", with(json!({ "exp": now() - 31 }))),
        ("no expiry", with(json!({ "exp": null }))),
        ("an expiry that is no number", with(json!({ "exp": "tomorrow" }))),
        ("not valid yet", with(json!({ "nbf": now() + 60 }))),
        ("nbf that is no number", with(json!({ "nbf": "now" }))),
        ("no subject", with(json!({ "sub": null }))),
        ("an empty subject", with(json!({ "sub": "" }))),
        ("a subject that is no text", with(json!({ "sub": 7 }))),
        ("the subject of whoever has no credentials", with(json!({ "sub": "anonymous" }))),
        ("a subject with a line", with(json!({ "sub": "a\nb" }))),
        ("huge", with(json!({ "x": "y".repeat(30_000) }))),
    ];
    assert_eq!(ask(&server, &good).status, 200);
    for (name, token) in corpus.into_iter().chain(spoiled(&good)) {
        let answer = ask(&server, &token);
        assert_eq!((answer.status, answer.reason().as_str()), (401, "BAD_CREDENTIALS"), "{name}: {answer:?}");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("invalid_token"), "{name}: {challenge}");
    }
}

/// What has not even the form of a token.
fn spoiled(good: &str) -> [(&'static str, String); 4] {
    [
        ("no JSON", "e30.e30.e30".to_owned()),
        ("one part", "abc".to_owned()),
        ("four parts", format!("{good}.x")),
        ("no base64", "a!b.c!d.e!f".to_owned()),
    ]
}

/// Given a key that the issuer has just begun to use, then its tokens are let in; the key that went is not.
#[test]
fn keys_are_rotated() {
    let (old, new) = (Key::ec("old"), Key::ec("new"));
    let jwks = Jwks::start(&[&old.public]);
    let server = trusting(&jwks, |jwt| jwt.jwks_pause_s = 0);
    assert_eq!(ask(&server, &old.token(&claims())).status, 200);
    jwks.publish(&[&new.public]);
    assert_eq!(ask(&server, &new.token(&claims())).status, 200, "asked for at once");
    assert_eq!(ask(&server, &old.token(&claims())).status, 401);
}

/// Given many tokens with keys that nobody knows, then the issuer is asked once in a while.
#[test]
fn unknown_keys_do_not_make_the_server_call_at_will() {
    let key = Key::ec("ec");
    let jwks = Jwks::start(&[&key.public]);
    let server = trusting(&jwks, |_| {});
    for number in 0..30 {
        let header = Header { kid: Some(format!("random-{number}")), ..key.header() };
        assert_eq!(ask(&server, &key.token_with(&header, &claims())).status, 401);
    }
    assert_eq!(jwks.asked(), 1);
    assert_eq!(ask(&server, &key.token(&claims())).status, 200);
}

/// Given an issuer whose keys cannot be had, then that is no fault of the token: 503, until they can.
#[test]
fn without_keys_nobody_is_let_in_and_nobody_is_blamed() {
    let key = Key::ec("ec");
    let jwks = Jwks::start(&[&key.public]);
    let server = trusting(&jwks, |jwt| jwt.jwks_pause_s = 0);
    let token = key.token(&claims());
    let huge = json!({ "keys": [key.public], "x": "y".repeat(300 * 1024) }).to_string();
    for (status, body) in [
        ("500 Oops", "{}"),
        ("302 Found", "{}"),
        ("200 OK", "no JSON"),
        ("200 OK", r#"{"keys":[]}"#),
        ("200 OK", &huge),
    ] {
        jwks.answer(status, body);
        let answer = ask(&server, &token);
        assert_eq!(
            (answer.status, answer.reason().as_str()),
            (503, "KEYS_UNAVAILABLE"),
            "{status} {body:.20}"
        );
        assert!(answer.header("retry-after").is_some());
    }
    jwks.publish(&[&key.public]);
    assert_eq!(ask(&server, &token).status, 200);
}

/// Given keys past their time and an issuer that is away, then they verify still.
#[test]
fn old_keys_are_used_while_new_ones_cannot_be_had() {
    let key = Key::ec("ec");
    let jwks = Jwks::start(&[&key.public]);
    let server = trusting(&jwks, |jwt| (jwt.jwks_ttl_s, jwt.jwks_pause_s) = (0, 0));
    let token = key.token(&claims());
    assert_eq!(ask(&server, &token).status, 200);
    jwks.answer("500 Oops", "");
    let before = jwks.asked();
    for _ in 0..5 {
        assert_eq!(ask(&server, &token).status, 200);
    }
    assert!(jwks.asked() > before, "asked again meanwhile");
}

#[test]
fn what_would_trust_too_much_is_refused_at_start() {
    let issuer = |name: &str, prefix: &str| IssuerSettings {
        issuer: name.to_owned(),
        audiences: vec!["blog".to_owned()],
        jwks_url: Some("https://id.example.com/keys".to_owned()),
        jwks_file: None,
        algorithms: vec!["ES256".to_owned()],
        subject_prefix: prefix.to_owned(),
    };
    let plain = || issuer(ISSUER, "");
    for (issuers, key) in [
        (vec![], "auth.jwt.issuers"),
        (vec![IssuerSettings { audiences: vec![], ..plain() }], "auth.jwt.issuers[0].audiences"),
        (
            vec![IssuerSettings { algorithms: vec!["HS256".into()], ..plain() }],
            "auth.jwt.issuers[0].algorithms",
        ),
        (
            vec![IssuerSettings { algorithms: vec!["none".into()], ..plain() }],
            "auth.jwt.issuers[0].algorithms",
        ),
        (
            vec![IssuerSettings { jwks_url: Some("http://id.example.com/".into()), ..plain() }],
            "auth.jwt.issuers[0].jwks_url",
        ),
        (vec![IssuerSettings { jwks_url: None, ..plain() }], "auth.jwt.issuers[0].jwks_url"),
        (
            vec![IssuerSettings { jwks_url: None, jwks_file: Some("/nowhere/jwks.json".into()), ..plain() }],
            "auth.jwt.issuers[0].jwks_file",
        ),
        (vec![plain(), issuer("https://other.example.com/", "")], "auth.jwt.issuers[1]"),
        (vec![issuer(ISSUER, "a:"), issuer("https://other.example.com/", "a:b")], "auth.jwt.issuers[1]"),
    ] {
        let jwt = JwtSettings { issuers, ..JwtSettings::default() };
        let tokens = Default::default();
        let settings = AuthSettings { mode: AuthMode::Jwt, allow_anonymous: false, tokens, jwt };
        let mistakes = Authenticator::new(&settings).err().expect("a refusal");
        assert_eq!((mistakes.len(), mistakes[0].0.as_str()), (1, key), "{mistakes:?}");
    }
}
