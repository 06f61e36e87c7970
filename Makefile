# Everything a developer runs. `make help` lists it.
CARGO ?= cargo
.DEFAULT_GOAL := help
.PHONY: help run install test demo bench soak fuzz lint

help: ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

run: ## Build and serve the bundled microblog on 127.0.0.1:8080 (admin 127.0.0.1:9090)
	$(CARGO) run --bin trine -- serve

install: ## Fetch what the tests need: nginx, Unleash, PocketBase, Chromium, PostgreSQL
	@sh tests/install/install.sh

test: install ## Install what the tests need and run them all
	$(CARGO) test --features failpoints --no-fail-fast

demo: install ## Three roles, a replica, Unleash and nginx: a session that explains itself
	$(CARGO) test --features failpoints --test demo -- --verbose

bench: install ## Measure, beside PocketBase, the usual way and pgbench; prints tables
	$(CARGO) bench --bench numbers

soak: install ## Two hundred kill cycles instead of twenty, and new made-up requests
	TRINE_TEST_CYCLES=200 $(CARGO) test --features failpoints --test system -- --nocapture kill_ made_up_

fuzz: ## Mutated filters, masks, tokens and bodies, a minute each
	$(CARGO) test --features failpoints --test store -- --ignored --nocapture --test-threads 2 fuzz_

lint: ## Format, lints and documentation, warnings as errors
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets --features failpoints -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --features failpoints
