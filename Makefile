# Each target does all of its own set-up. `make run` and `make test` are all that a newcomer needs.
# Options: ONLY=suite[,suite] for test and bench; N=, MODE= for crash; N=, SEED= for eos; ONLY=, SELF=1, RECORD=1, WALKS=, SEED= for diff; SEEDS=, SEED=, JOURNAL= and STATES= for sim; LIVE= for fuzz.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Outside the clone, so that every clone on this machine reuses what was compiled before.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/headrace/target
CLAIMED := $(shell tools/claim.sh '$(CARGO_TARGET_DIR)')
CARGO := cargo --quiet
ENGINE := $(shell find engine -name '*.rs' -o -name '*.toml' -o -name Cargo.lock 2>/dev/null)
PYTHON_SOURCES := $(shell find python -name '*.py' 2>/dev/null)
STAMPS := .build

.PHONY: help run build test check format bench sim crash eos fuzz diff clients demo wheel clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: build ## build, then a broker in dev mode in the foreground, data in ./data
	@exec $(BIN)/headrace start --dev

build: $(STAMPS)/engine $(STAMPS)/bytecode ## .venv with the `headrace` command, release build

$(STAMPS)/tools:
	@tools/need.sh $(PYTHON)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/venv: requirements/build.txt | $(STAMPS)/tools
	@echo "headrace: installing what it builds with and runs on ..."
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/venv
	@echo "headrace: installing what it is checked and tested with ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/engine: $(ENGINE) pyproject.toml $(STAMPS)/venv
	@echo "headrace: building the engine (some minutes the first time; .build/engine.log says how far it is) ..."
	@source $(BIN)/activate && maturin develop --release --locked > $(STAMPS)/engine.log 2>&1 \
		|| { cat $(STAMPS)/engine.log >&2; exit 1; }
	@touch $@

$(STAMPS)/bytecode: $(PYTHON_SOURCES) $(STAMPS)/engine
	@$(BIN)/python -m compileall -q python
	@touch $@

test: build $(STAMPS)/dev ## the whole test suite; ONLY=name[,name] for a part, MUTANTS=1 for tests of the tests
	@$(BIN)/python tools/suites.py $(if $(MUTANTS),--only mutants,$(if $(ONLY),--only $(ONLY)))

check: build $(STAMPS)/dev ## format, lint, types, architecture
	@$(BIN)/python tools/check.py

format: $(STAMPS)/dev ## rewrite all sources in the house's format
	@cd engine && $(CARGO) fmt
	@$(BIN)/ruff format --quiet python tests tools
	@$(BIN)/ruff check --quiet --fix python tests tools

bench: build $(STAMPS)/dev ## figures beside limits and goals; ONLY=first, path or groups
	@$(BIN)/python -m bench.run $(if $(ONLY),--only $(ONLY))

sim: $(STAMPS)/tools ## a node in a simulated world: SEEDS=2000, SEED=n replays one; JOURNAL=1 STATES=200000 its journal's rules
ifdef JOURNAL
	@cd engine && $(CARGO) run --release --locked -p headrace-sim --bin journal_model -- --states $(or $(STATES),200000)
	@echo "each rule switched off:"
	@cd engine && $(CARGO) run --release --locked -p headrace-sim --bin journal_model -- --states $(or $(STATES),200000) --rule all
else
	@cd engine && $(CARGO) run --release --locked -p headrace-sim --bin node_sim -- $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),2000))
endif

crash: build $(STAMPS)/dev ## kill -9 under load N=10 times; MODE=power cuts the power instead
	@$(BIN)/python -m tests.crash.run --runs $(or $(N),10) --mode $(or $(MODE),kill)

eos: build $(STAMPS)/dev ## transactions exactly once under kill -9: N=50, SEED=n begins there
	@$(BIN)/python -m tests.eos.run --runs $(or $(N),10) --seed $(or $(SEED),0)

fuzz: build $(STAMPS)/dev ## hostile frames at a live broker: LIVE=100000
	@$(BIN)/python -m tests.hostile.run --frames $(or $(LIVE),10000)

diff: build $(STAMPS)/dev ## the same requests to Apache Kafka 4.2 and to us: ONLY=keys or scenes; SELF=1 two Kafkas, RECORD=1 keeps its answers; WALKS=n or SEED=n random walks
ifneq ($(WALKS)$(SEED),)
	@$(BIN)/python -m tests.differential.walks.run $(if $(WALKS),--walks $(WALKS)) $(if $(SEED),--seed $(SEED)) $(if $(SELF),--self)
else
	@$(BIN)/python -m tests.differential.run $(if $(ONLY),--only $(ONLY)) $(if $(SELF),--self) $(if $(RECORD),--record)
endif

clients: build $(STAMPS)/dev ## other people's clients in seven languages
	@$(BIN)/python tools/suites.py --only clients

demo: build ## 336,776 flights through a broker that is killed in the middle
	@$(BIN)/headrace demo --fetch

wheel: $(STAMPS)/venv ## a wheel in dist/
	@source $(BIN)/activate && maturin build --quiet --profile wheel --locked --out dist

clean: ## remove what was built here
	@rm -rf $(VENV) $(STAMPS) dist python/headrace/_engine*.so
