# `make demo` and `make test` are all a newcomer needs. One profile (release) serves tests, demo and benchmark,
# and every step builds the whole workspace with the same features, so that nothing is compiled twice.

.PHONY: demo test setup bench bench-policies bench-sim bench-status build policies soak cargo-deb package try-package
SHELL := /bin/bash

demo: ## a real swarm on this machine: an origin and 16 peers, each link capped
	cargo run --release --quiet --bin samara -- demo

test: setup ## format, lints, all tests, docs, a small demo
	bash .ci/test

setup: ## what tests and benchmark need beyond a Rust toolchain
	bash .ci/setup

build: # with the tests, as `make test` does: without them other features are chosen, and wasmtime is compiled again
	cargo build --release --workspace --all-targets

policies: ## every policy as target/policies/NAME.wasm
	cargo run --release --quiet -p samara-policy-build -- \
	  $$(grep -l 'samara_policy::export!' policies/*/src/lib.rs | sed 's,/src/lib.rs,,') policies/random-c

bench: build policies ## as root: ratios against other programs on shaped networks; docs/benchmarks.md
	./target/release/samara-bench all --runs $(or $(RUNS),3) --json docs/bench/results.json --markdown docs/benchmarks.md
	$(MAKE) bench-policies

bench-policies: build policies ## what a module costs: one question, and a whole transfer, each against native
	./target/release/samara policy bench target/policies/balanced.wasm
	./target/release/samara-bench swarm15 --rivals none --runs $(or $(RUNS),7) --vs-pass "--policy target/policies/balanced.wasm"
	./target/release/samara-bench swarm15 --size 16MiB --rivals none --runs 3 --vs-pass "--policy target/policies/sequential.wasm"

soak: ## publish, fetch, evict, restart and kill for 20 minutes (MINUTES=…): nothing may grow, every file must be right
	SAMARA_SOAK_MINUTES=$(or $(MINUTES),20) cargo test --release --workspace --test cli -- --nocapture a_long_life

bench-sim: build policies ## the simulator's goals at full size, medians of SEEDS=… random seeds, and what a module costs it: an hour
	./target/release/examples/goals --random-seeds $(or $(SEEDS),5) $$(ls examples/scenarios/goals/*.toml | grep -v ten-thousand)
	./target/release/examples/goals examples/scenarios/goals/ten-thousand.toml
	time ./target/release/samara sim run examples/scenarios/headline.toml --quiet
	time ./target/release/samara sim run examples/scenarios/headline.toml --quiet --policy target/policies/balanced.wasm

bench-status: ## what a hundred status calls a second cost a transfer, in PAIRS=… pairs of each kind
	SAMARA_PAIRS=$(or $(PAIRS),7) cargo test --release --workspace --test cli -- --nocapture a_hundred_calls

try-package: package ## as root, on Debian: installs and uses the package in a container with a systemd of its own
	bash packaging/try/run.sh target/debian/samara_*.deb

cargo-deb: # looked for first: the build takes minutes
	@cargo deb --version >/dev/null 2>&1 || { echo "make package needs cargo-deb: cargo install cargo-deb" >&2; exit 1; }

package: cargo-deb build ## target/debian/samara_*.deb; needs `cargo install cargo-deb`
	rm -rf target/package && ./target/release/samara generate target/package
	strip --strip-debug -o target/package/samara target/release/samara
	cargo deb -p samara --no-build --no-strip
