# What people and CI run; `make` alone lists it. Needs Python 3.11 or newer.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
UV ?= uv
BIN := .venv/bin
# Named after the content of the lock, so that set-up runs again only when that changes.
SETUP := .venv/setup-$(shell cksum < requirements/dev.lock | tr ' ' -)
# What a deployment sets. The key is drawn anew each time and protects nothing.
PRODUCTION = DEBUG=0 ALLOWED_HOSTS=shop.example TRUSTED_PROXIES=10.0.0.0/8 REDIS_URL=redis://127.0.0.1:6379/0 \
	METRICS_TOKEN=a-token-for-checks \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long bench check lint lock wheel

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: $(SETUP) ## create or update .venv from the lock

$(SETUP):
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed; name one: make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Setting up .venv from requirements/dev.lock …'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@rm -f .venv/setup-* && touch $@

run: export DEBUG ?= 1
# Who looks around by hand is anonymous, and calls more often than a stranger may.
run: export THROTTLE_RATES ?= {"anon": "1000/hour"}
run: setup ## serve the shop with demo data on http://127.0.0.1:8000; PORT=9000 moves it
	@exec $(BIN)/python manage.py start

test: setup ## run the tests on SQLite and on PostgreSQL with Redis; ARGS= goes to pytest
	@$(BIN)/python -m tests $(ARGS)

test-long: setup ## run the long tests, and no others
	@$(BIN)/python -m tests --long $(ARGS)

bench: setup ## measure beside the peers; QUICK=1 in three minutes
	@$(BIN)/python -m benchmarks

check: lint ## lint, types, migrations, OpenAPI, contracts, deployment settings, docs in step
	$(BIN)/mypy
	@$(PRODUCTION) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(PRODUCTION) $(BIN)/python manage.py spectacular --validate --fail-on-warn --api-version v1 --file /dev/null
	@$(PRODUCTION) $(BIN)/python manage.py spectacular --validate --fail-on-warn --api-version v2 --file /dev/null
	@$(PRODUCTION) $(BIN)/python manage.py contract check
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python -m tests.guarantees --check

lint: setup ## the fast part of check: format, lint, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

lock: ## pin the newest dependencies that resolve on every supported Python
	$(UV) pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade \
		--output-file requirements/dev.lock

wheel: setup ## build the library into dist/
	$(BIN)/python -m build --wheel --no-isolation
