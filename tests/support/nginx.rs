//! nginx as the ingress: reads to the nanoservice, everything else to the monolith.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use super::http::Api;
use super::process::{Log, Process, free_address};
use super::tools;
use super::wait::{PATIENCE, wait_until};

pub struct Nginx {
    pub address: SocketAddr,
    pub process: Process,
    home: tempfile::TempDir,
}

impl Nginx {
    pub fn start(monolith: SocketAddr, nanoservice: SocketAddr) -> Self {
        let home = tempfile::Builder::new().prefix("trine-nginx-").tempdir().expect("temporary directory");
        let address = free_address();
        std::fs::write(home.path().join("nginx.conf"), configuration(address, monolith, nanoservice))
            .expect("nginx.conf");
        let mut command = Command::new(tools::nginx());
        command.arg("-p").arg(home.path()).args(["-c", "nginx.conf", "-e", "stderr"]);
        let mut nginx = Self { address, process: Process::spawn(&mut command, Log::default()), home };
        wait_until("nginx listens", PATIENCE, || {
            assert!(nginx.process.ended().is_none(), "nginx ended:\n{}", nginx.process.log.text());
            std::net::TcpStream::connect(address).is_ok()
        });
        nginx
    }

    pub fn api(&self) -> Api {
        Api::new(self.address)
    }
}

/// One master-less process, so that killing it kills all of it.
fn configuration(listen: SocketAddr, monolith: SocketAddr, nanoservice: SocketAddr) -> String {
    let mut text = String::from(
        "daemon off; master_process off; pid nginx.pid; error_log stderr warn;\nevents { worker_connections 512; }\n",
    );
    let _ = write!(
        text,
        "http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;

  upstream monolith    {{ server {monolith} max_fails=0; keepalive 64; }}
  upstream nanoservice {{ server {nanoservice} max_fails=0; keepalive 64; }}
  # Safe methods may be answered from a replica; operations are the microservice's and the monolith's.
  map $request_method $by_method {{ default write; GET read; HEAD read; }}
  map $uri            $class     {{ default $by_method; ~^/trine/ write; }}

  server {{
    listen {listen};
    proxy_http_version 1.1;
    proxy_set_header Connection \"\";
    proxy_set_header Host $host;
    proxy_connect_timeout 250ms;
    proxy_read_timeout 5s;
    client_max_body_size 2m;
    recursive_error_pages on;

    location / {{
      error_page 418 = @read;
      if ($class = read) {{ return 418; }}
      proxy_pass http://monolith;
    }}
    # A replica that is behind (421), away (502, 504) or busy (503) is no reason to fail a read.
    location @read {{
      proxy_intercept_errors on;
      error_page 421 502 503 504 = @write;
      proxy_pass http://nanoservice;
    }}
    location @write {{ proxy_pass http://monolith; }}
  }}
}}
"
    );
    text
}
