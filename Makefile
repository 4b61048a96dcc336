# Groundwork. `make dev` and `make test` are the two commands a newcomer types; `make help` lists the rest.
SHELL  := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3.11
PORT   ?= 8000
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
RELEASE = $(if $(BASE),--base "$(BASE)") $(if $(PLATFORM),--platform "$(PLATFORM)")
UNLOCKED = import fcntl, glob; [fcntl.flock(open(f), fcntl.LOCK_EX | fcntl.LOCK_NB) for p in ("lock", "*/lock") for f in glob.glob(".local/" + p)]
UVLOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url


.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## install the locked Python packages into .venv (every other target does this first)

$(STAMP): requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "Groundwork needs Python 3.11, but '$(PYTHON)' was not found. Install it, or name it: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Groundwork needs Python 3.11; '$(PYTHON)' is $$($(PYTHON) -V). Name another: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@[ -x $(BIN)/python ] || { echo "setup: creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@awk '/^[^ ]/{on=/^uv==/} on' requirements.txt > $(VENV)/uv.txt
	@echo "setup: installing $$(grep -c == requirements.txt) locked packages"
	@[ -x $(BIN)/uv ] || $(BIN)/pip install -q --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.txt
	@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes requirements.txt
	@printf '%s\n' "$(CURDIR)/lib" "$(CURDIR)/images" > $$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')/groundwork.pth
	@touch $@

.PHONY: dev
dev: setup ## run everything on http://localhost:8000 (PORT=… changes it); Ctrl-C stops it
	@exec $(BIN)/python -m localcloud dev --port $(PORT)

.PHONY: journey
journey: setup ## run the paid journey against `make dev` (or a stack started for it), step by step
	@$(BIN)/python -m tests.e2e.journey --port $(PORT)

.PHONY: test
test: setup ## unit, contract, integration and e2e tests, and a small load
	@$(BIN)/python -m pytest -n 4 --dist loadfile tests/unit tests/contract tests/integration
	@$(BIN)/python -m pytest tests/e2e tests/load

.PHONY: test-load
test-load: setup ## the stack's memory and the console's speed with 20,000 calls; best on a quiet machine
	@LOAD=full $(BIN)/python -m pytest tests/load

.PHONY: check
check: setup ## lint, types, import rules, generated files, workflows; never writes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m localcloud openapi --check
	$(BIN)/python -m localcloud plans --check
	$(BIN)/python -m localcloud stripe-reference --check
	$(BIN)/zizmor --quiet --offline .github

.PHONY: fix
fix: setup ## repair what can be: lint, format, generated files (openapi.json, plans.json, local-stripe.md)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -m localcloud openapi
	$(BIN)/python -m localcloud plans
	$(BIN)/python -m localcloud stripe-reference

.PHONY: types
types: ## write TypeScript types of the API for a frontend (needs Node; FILE=….d.ts)
	@cd tests/e2e/frontend && npm ci --silent && TYPES="$(abspath $(or $(FILE),.local/openapi.d.ts))" npm run --silent types

.PHONY: lock
lock: setup ## recompile the locked requirements from pyproject.toml
	$(UVLOCK) --group dev -o requirements.txt
	for image in users billing ai localcloud; do $(UVLOCK) --group $$image -c requirements.txt -o images/$$image/requirements.txt; done
	$(UVLOCK) --group installer -c requirements.txt -o lib/localcloud/release/installer.txt
	$(UVLOCK) --group emulator --no-deps -o lib/localcloud/release/emulator.txt
	$(UVLOCK) --group checkov -o terraform/checkov.txt

.PHONY: build
build: setup ## build the images that changed, also with the emulator (BASE=…, PLATFORM=linux/arm64)
	@$(BIN)/python -m localcloud.release build $(RELEASE)

.PHONY: push
push: setup ## build and push what changed, write images.json (REGISTRY=…, BASE=…, PLATFORM=…)
	@[ -n "$(REGISTRY)" ] || { echo "push: name the registry: make push REGISTRY=123456789012.dkr.ecr.us-east-1.amazonaws.com/groundwork"; exit 1; }
	@$(BIN)/python -m localcloud.release push --registry "$(REGISTRY)" $(RELEASE)

.PHONY: test-images
test-images: setup ## the images' contents, their answers under the emulator, releases, docker compose (BASE=…)
	@docker info >/dev/null 2>&1 || { echo "test-images: no Docker engine answers; .ci/docker-engine installs and starts one"; exit 1; }
	@BASE="$(BASE)" $(BIN)/python -m pytest tests/images

.PHONY: tf-check
tf-check: setup ## Terraform: format, validity, module tests, checkov; needs Terraform 1.11, no account
	@terraform/check

.PHONY: test-infra
test-infra: setup ## the real Terraform provider applies everything to local AWS; the journey runs through it
	@$(BIN)/python -m tests.infra.terraform
	@$(BIN)/python -m pytest tests/infra -n 4

.PHONY: base-image
base-image: ## build a stand-in for the images' base where none can be pulled (debootstrap; needs root)
	@.ci/base-image

.PHONY: bench
bench: setup ## measure cold starts and warm calls in the images; rewrites docs/benchmarks.json
	@$(BIN)/python -m tests.bench

.PHONY: clean
clean: ## remove .venv, caches and the local state
	@[ ! -x $(BIN)/python ] || $(BIN)/python -c '$(UNLOCKED)' 2>/dev/null || { echo "clean: a stack runs on the state in .local. Stop it first: Ctrl-C where \`make dev\` runs."; exit 1; }
	rm -rf $(VENV) .local .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results

# ---- an AWS account; everything above works without one
# What was typed reaches the commands by the environment: no shell reads it a second time.
OPERATE = $(BIN)/python -m operations
ENVIRONMENT = --env "$${ENV-}"
ASKED = $(if $(filter-out 0 no,$(YES)),--yes)
SMOKED = $${URL:+--url "$$URL"}
STRIPED = $(if $(filter-out 0 no,$(APPLY)),--apply) $(if $(filter-out 0 no,$(ALLOW_TEST_MODE)),--allow-test-mode)
IMAGED = $${IMAGES:+--images "$$IMAGES"}

.PHONY: bootstrap
bootstrap: setup ## once per AWS account: state bucket, image repositories, GitHub's roles (REPOSITORY=owner/name)
	@$(OPERATE) bootstrap --repository "$${REPOSITORY-}" $(ASKED)

.PHONY: plan
plan: setup ## show what a deployment would change (ENV=dev, IMAGES=deployed: as it runs now)
	@$(OPERATE) plan $(ENVIRONMENT) $(IMAGED)

.PHONY: deploy
deploy: setup ## plan, ask (YES=1: do not), apply that plan, smoke-test (ENV=dev, IMAGES=…)
	@$(OPERATE) deploy $(ENVIRONMENT) $(IMAGED) $(ASKED) $(SMOKED)

.PHONY: rollback
rollback: setup ## bring back the images of an earlier release (ENV=dev, TO=…: which; default: the one before)
	@$(OPERATE) rollback $(ENVIRONMENT) --to "$${TO-}" $(ASKED) $(SMOKED)

.PHONY: drift
drift: setup ## has anybody changed what Terraform made? (ENV=dev; fails if so)
	@$(OPERATE) drift $(ENVIRONMENT)

.PHONY: destroy
destroy: setup ## remove everything of an environment (ENV=dev; production: CONFIRM=…)
	@$(OPERATE) destroy $(ENVIRONMENT) --confirm "$${CONFIRM-}" $(IMAGED) $(ASKED)

.PHONY: unlock
unlock: setup ## free the state's lock after a killed command (ENV=dev, ID=…)
	@$(OPERATE) unlock $(ENVIRONMENT) --id "$${ID-}"

.PHONY: outputs
outputs: setup ## write the frontend's variables into .local/.env.<env> (ENV=dev, FILE=…)
	@$(OPERATE) outputs $(ENVIRONMENT) $${FILE:+--file "$$FILE"}

.PHONY: secrets
secrets: setup ## make the session secret, take the Stripe key, show what is unset (ENV=dev, ROTATE=1, STRIPE=ask|stdin)
	@$(OPERATE) secrets $(ENVIRONMENT) $(if $(ROTATE),--rotate) $${STRIPE:+--stripe "$$STRIPE"}

.PHONY: stripe-setup
stripe-setup: setup ## show what is missing at Stripe; APPLY=1 does it (ENV=dev, MAP=price_…=<price key>,…)
	@$(OPERATE) stripe-setup $(ENVIRONMENT) --map "$${MAP-}" $(SMOKED) $(STRIPED)

.PHONY: adopt-stripe
adopt-stripe: setup ## list who paid an earlier backend; APPLY=1 binds the lines you approved (ENV=dev, FILE=…)
	@$(OPERATE) adopt-stripe $(ENVIRONMENT) $${FILE:+--file "$$FILE"} $(STRIPED)

.PHONY: smoke
smoke: setup ## check that the public address serves what was deployed (ENV=dev, URL=…/backend)
	@$(OPERATE) smoke $(ENVIRONMENT) $(SMOKED)

.PHONY: doctor
doctor: setup ## read the accounts and say what will fail, and how to put it right (ENV=dev, JSON=1)
	@$(OPERATE) doctor $(ENVIRONMENT) $(if $(JSON),--json)
