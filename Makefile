# The one way in. Bare `make` lists what can be asked for.

CARGO   ?= cargo
PYTHON  ?= python3
BUILD   := $(PYTHON) tests/tools/build.py
DEMO    := etcd,kubernetes,prometheus-operator,crds,prometheus,thanos,helm,envoy-gateway,envoy,azurite
# A failed test shows its causes; a backtrace through the runtime says nothing more.
export RUST_LIB_BACKTRACE = 0
stage    = @printf '\n== %s\n' '$(1)'

.DEFAULT_GOAL := help
.PHONY: help demo test e2e lint fmt bless bench soak matrix tools clean layers deny

help:  ## list the targets
	@sed -n 's/^\([a-z0-9]*\): .*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: ## everything from nothing, on loopback, kept up until Ctrl-C (ONCE=1: ends by itself)
	$(call stage,the real programs that the demo runs)
	@$(BUILD) --only $(DEMO)
	$(call stage,our programs)
	@$(CARGO) build --workspace --bins --locked
	$(call stage,the demo)
	@$(CARGO) run --quiet --locked -p thanos-tests --bin demo -- $(if $(ONCE),--once)

test: ## build what the tests run, then every test (T=words picks some)
	$(call stage,the real programs that the tests run)
	@$(BUILD)
	$(call stage,our programs)
	@$(CARGO) build --workspace --bins --locked
	$(call stage,the tests)
	@$(CARGO) test --workspace --locked $(T)

e2e: ## the stories in pods, on a real node (root) or the cluster of KUBECONFIG (T=words picks some)
	@CARGO='$(CARGO)' PYTHON='$(PYTHON)' tests/e2e/run.sh $(T)

lint: ## format, clippy, the direction of dependencies, licences
	@$(CARGO) fmt --version >/dev/null 2>&1 || { echo 'rustfmt is missing: rustup component add rustfmt'; exit 1; }
	@$(CARGO) clippy --version >/dev/null 2>&1 || { echo 'clippy is missing: rustup component add clippy'; exit 1; }
	$(call stage,format)
	@$(CARGO) fmt --all --check
	$(call stage,clippy)
	@$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@$(MAKE) --no-print-directory layers deny

# never,PACKAGE,CRATES: fails when one of CRATES (a pattern) is among what PACKAGE ships.
never = @tree=$$($(CARGO) tree --locked --edges normal --prefix none --package $(1)) || exit 1; \
  found=$$(echo "$$tree" | grep -E '^($(2)) v' | sort -u); \
  [ -z "$$found" ] || { echo "$(1) must not contain:" $$found; exit 1; }

layers: ## the direction of dependencies alone
	$(call stage,the direction of dependencies)
	$(call never,thanos-core,tokio|hyper|rustls|axum|kube|kube-client|kube-runtime|tracing|reqwest)
	$(call never,kubectl-thanos,axum|thanos-webhook)
	$(call never,thanos-webhook,kubectl-thanos)
	$(call never,thanos-tests,aws-lc-rs|aws-lc-sys|openssl-sys|native-tls)
	@echo 'core decides without I/O; plugin and webhook do not meet; ring is the one cryptography'

deny:
	$(call stage,licences and advisories)
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --locked check; \
	else echo 'skipped: cargo-deny is not installed (cargo install cargo-deny)'; fi

fmt: ## format the Rust code
	@$(CARGO) fmt --all

bless: ## write what core says into the stories and the chart; read the difference before you commit it
	@BLESS=1 $(CARGO) test --locked -p thanos-tests --test all -- cases::core charts::definitions codes::the_page native::paths native::table

bench: ## the numbers, from the release profile, beside Kyverno's command line (about 15 minutes)
	@$(BUILD) --only etcd,kubernetes,helm,crds,kyverno
	@$(CARGO) build --release --workspace --bins --locked
	@$(CARGO) bench --workspace --locked

soak: ## the properties, the YAML reader, the objstore judge and the evader over many more cases, outside CI (CASES=200000)
	@$(BUILD) --only yaml-oracle,objstore-oracle,crds,etcd,kubernetes,helm
	@$(CARGO) build --workspace --bins --locked
	@THANOS_CASES=$(or $(CASES),200000) $(CARGO) test --locked -p thanos-tests --test all -- properties yaml objstore evasion

matrix: ## the member-cluster tests on the oldest API server that AKS serves, outside CI
	@$(BUILD)
	@$(BUILD) --only kubernetes-1.33
	@$(CARGO) build --workspace --bins --locked
	@THANOS_APISERVER=kube-apiserver-1.33 $(CARGO) test --locked -p thanos-tests --test all -- charts real member control

tools: ## build the real programs into target/tools/bin (THANOS_TOOLS_DIR=DIR takes ready ones)
	@$(BUILD)

clean: ## delete target/, the built programs and the logs of test runs included
	@rm -rf target
