# Needs a Python (3.11 or newer) and make. `make help` lists what there is.

PYTHON ?= python3
BIN := .venv/bin
OURS := civiloop-shared civiloop-cli civiloop-feedback-api civiloop-metrics-collector civiloop-evaluation-engine civiloop-reporting
PROJECTS := $(wildcard shared/*/pyproject.toml services/*/pyproject.toml)
SERVICES := $(patsubst %/pyproject.toml,%,$(wildcard services/*/pyproject.toml))
LOCKS := requirements.lock requirements-dev.lock $(addsuffix /requirements.lock,$(SERVICES))
ARGS ?=

# The first Python that is new enough makes .venv.
define bootstrap
for python in "$(PYTHON)" python3.14 python3.13 python3.12 python3.11; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		exec "$$python" shared/civiloop-cli/bootstrap.py $(1); \
	fi; \
done; \
echo "Error: Civiloop needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1 || echo missing)." >&2; \
echo "  -> install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1
endef

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run down test check bench demo lock schemas requirements clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv and install the hashed lock (done by the others when needed)
	@$(call bootstrap,)

setup-dev: ## The same with what tests and checks need
	@$(call bootstrap,--dev)

run: setup ## Start PostgreSQL, Kafka and the services, load the sample; Ctrl-C stops (ARGS="--port-base 8700")
	@$(BIN)/civiloop up $(ARGS)

down: setup ## Stop what runs on this checkout
	@$(BIN)/civiloop down $(ARGS)

test: setup-dev ## Run all tests on real Kafka and PostgreSQL (ARGS="tests/unit -k masking")
	@$(BIN)/pytest $(ARGS)

check: setup-dev ## Lint, format, types, layers, and contract schemas
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy shared/*/civiloop_* services/*/*_* services/reporting/reporting tests
	@$(BIN)/lint-imports
	@$(BIN)/pytest -q tests/contract

bench: setup-dev ## Measure throughput, latency and memory against references of the same run
	@$(BIN)/python -m tests.load $(ARGS)

demo: setup ## Stream realistic live events, one service getting worse, until Ctrl-C (needs `make run` beside it)
	@$(BIN)/civiloop demo $(ARGS)

schemas: setup-dev ## Write anew what is made from the code: JSON Schemas, OpenAPI documents, pages of docs/reference
	@$(BIN)/python -m civiloop_shared.contracts.schemas docs/reference/schemas
	@$(BIN)/python -m tests.support.reference_pages docs/reference
	@CIVILOOP_WRITE_SNAPSHOTS=1 $(BIN)/pytest -q tests/contract

requirements: setup-dev ## Run the tests and print which requirements have a passing test and which have none
	@$(BIN)/pytest -q --requirements-report $(ARGS)

lock: setup-dev ## Resolve the dependencies and write all locks (ARGS=--upgrade for newer ones)
	@set -e; scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	echo "civiloop-shared @ file://$(CURDIR)/shared/civiloop-shared" > "$$scratch/overrides.txt"; \
	printf 'hatchling\neditables\n' > "$$scratch/build.in"; \
	compile() { $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header $(addprefix --no-emit-package ,$(OURS)) --overrides "$$scratch/overrides.txt" "$$@"; }; \
	compile $(PROJECTS) $(ARGS) "$$scratch/build.in" -o requirements.lock; \
	compile $(PROJECTS) $(ARGS) requirements-dev.in -c requirements.lock -o requirements-dev.lock; \
	for service in $(SERVICES); do \
		compile shared/civiloop-shared/pyproject.toml $$service/pyproject.toml "$$scratch/build.in" \
			-c requirements.lock -o $$service/requirements.lock; \
	done; \
	if grep -n 'file:\|$(CURDIR)' $(LOCKS); then echo "a path got into the lock" >&2; exit 1; fi

clean: ## Remove caches and .venv (data stays in .civiloop)
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
