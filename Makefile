# Two commands do everything on a fresh machine: `make demo` and `make test`. The rest is for the people who work here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := shared services/symbol-batch services/portfolio-refresh services/analytics services/onboarding clients/python deploy/simulator deploy/local-stack
IMAGES := services/symbol-batch services/portfolio-refresh services/analytics services/onboarding deploy/simulator
OURS := riskstream riskstream-symbol-batch riskstream-portfolio-refresh riskstream-analytics riskstream-onboarding riskstream-client riskstream-simulator riskstream-local-stack
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo up test bench bench-scale chaos forecasts documents lint format lock clean

help: ## say what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

install: $(STAMP) ## make .venv and put the locked dependencies and our packages in it

$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(PACKAGES))
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Riskstream needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

demo: install ## run the whole main job once on this machine, show what happened, stop everything
	$(BIN)/local-stack demo

up: install ## start the whole system on this machine until Ctrl-C
	$(BIN)/local-stack up

# Whole files go to a worker, so that what a module starts is started once, and in this order: the longest first, lest one
# worker be left alone with them. Each worker has servers of its own, a JVM among them: with what tests start 2 GB a worker,
# so that machines with more cores are not filled unasked. WORKERS=4 is for those that have the memory.
TESTS := tests/chaos tests/end_to_end tests/benchmarks/scale tests/operating tests/secured_kafka tests/contract services deploy shared tests/observability tests/kubernetes clients
WORKERS := 2

test: install ## the tests, on real Postgres, Valkey and Kafka, by two workers where there are two cores
	$(BIN)/pytest -n logical --maxprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

bench: install ## the figures, with their floors and peers (about 16 minutes; leave the machine alone meanwhile)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-bench.lock
	PYTHONPATH=tests $(BIN)/python -m benchmarks

bench-scale: install ## how it grows: 20,000 symbols, 100,000 portfolios, a million events (half an hour, 20 GB of disk); SMALL=1 tries it
	$(BIN)/pip install --quiet --no-deps --require-hashes -r requirements-bench.lock
	PYTHONPATH=tests $(BIN)/python -m benchmarks.scale $(if $(SMALL),--quick,--plots)

chaos: install ## random operations and faults over a whole system for MINUTES (10), checked by its history; SEED replays
	PYTHONPATH=tests $(BIN)/python -m chaos_story --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

forecasts: install ## judge risk and VaR by what came after: 72 books over the last 500 recorded sessions (half a minute)
	PYTHONPATH=tests $(BIN)/python -m forecast_check

documents: install ## renew what is generated: docs/api, schemas of events, the Python client's models, dashboards, rules for Kubernetes
	PYTHONPATH=tests $(BIN)/python -m contract.golden
	PYTHONPATH=tests $(BIN)/python -m contract.asyncapi
	PYTHONPATH=tests $(BIN)/python -m contract.documents
	PYTHONPATH=tests $(BIN)/python -m contract.client_models
	PYTHONPATH=tests $(BIN)/python -m observability.dashboards
	PYTHONPATH=tests $(BIN)/python -m kubernetes.rules

lint: install ## style, types, the walls between the layers, and links
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy shared/src services/*/src clients/*/src deploy/*/src
	$(BIN)/lint-imports
	PYTHONPATH=tests $(BIN)/python -m contract.links
	deploy/k8s/fetch-kubectl
	PYTHONPATH=tests $(BIN)/python -m kubernetes.manifests

format: install ## put the code into its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: ## resolve the dependencies anew (needs uv): hashes, but no download addresses
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		$(addprefix --no-emit-package ,$(OURS)) \
		$(addsuffix /pyproject.toml,$(PACKAGES)) --group dev -o requirements.lock
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--constraints requirements.lock pyproject.toml --group bench -o requirements-bench.lock
	@for package in $(IMAGES); do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --constraints requirements.lock $(addprefix --no-emit-package ,$(OURS)) \
		$$package/pyproject.toml shared/pyproject.toml -o $$package/requirements.lock || exit 1; done
	echo hatchling | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--constraints requirements.lock - -o deploy/images/build.lock

clean: ## remove what was built here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
