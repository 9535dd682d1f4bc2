# `make` says what there is to do. Progress goes to standard error, answers to standard output.
#
# PYTHON   the interpreter .venv is made with (default: the first that is 3.11 or newer)
# ARGS     more arguments for pulumi (up, down, preview), strongroom drill or pytest (test)
# WORKERS  how many tests run side by side
# STACK    the stack that is reviewed, applied or looked at for drift (default: local)
# BASE     the revision in force that a review compares with (default: origin/main)
# PR       the number of a pull request on GitHub
# PLAN     the folder of a review (default: build/review/STACK)
# TAKE_OVER=1  have the rehearsal take over an instance that somebody made by hand

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
export PYTHON

# Most tests wait for servers to start, so one more than there are cores; a server each, so
# never more than 8.
CORES := $(shell getconf _NPROCESSORS_ONLN)
WORKERS ?= $(shell echo $$(($(CORES) < 8 ? $(CORES) + 1 : 8)))
BIN := .venv/bin
# Once `ready` is made, this only looks the engine up.
WITH_ENGINE = PATH="$(CURDIR)/$(BIN):$$(toolchain/engine.sh 2>/dev/null):$$PATH"
ENGINE = $(WITH_ENGINE) $(BIN)/python -m strongroom.engine
STACK ?= local
BASE ?= origin/main
PLAN ?= build/review/$(STACK)
STRONGROOM = $(WITH_ENGINE) $(BIN)/strongroom

REPORT = build/drill-report.html

.PHONY: help up down preview review apply drift change env function drill rehearse test check clean ready engine \
    venv aws graphs

help:
	@echo 'make up       bring the local stack to what the files declare; can be run again at any time'
	@echo 'make preview  show what make up would do'
	@echo 'make review   say what a change does to rights, against BASE, and save the plan in PLAN'
	@echo 'make apply    do what was reviewed in PLAN, or stop when the world has moved'
	@echo 'make drift    look for what was changed by hand'
	@echo 'make change   fetch pull request PR, for a review by the code that is in force'
	@echo 'make down     destroy the local stack; refused while deletionProtection is on'
	@echo 'make env      print what a shell needs:  eval "$$(make -s env)"'
	@echo 'make function pack what acts as root on AWS, for STACK or every stack there'
	@echo 'make drill    lose a scratch copy of the stack and recover it; the report is $(REPORT)'
	@echo 'make rehearse play a stack on AWS (STACK, by default production) on this machine, with no account'
	@echo 'make test     lint, type-check and run every test'
	@echo 'make check    lint and type-check'
	@echo 'make graphs   write anew what each stack on AWS declares, in tests/unit/graphs'
	@echo 'make clean    remove what was built in this checkout; never a database, never a state'

up preview: ready
	@$(ENGINE) $@ $(ARGS)

review: ready
	@$(STRONGROOM) review --stack '$(STACK)' --base '$(BASE)' --out '$(PLAN)' $(ARGS)

apply: ready
	@$(STRONGROOM) apply '$(PLAN)' --stack '$(STACK)' $(ARGS)

drift: ready
	@$(STRONGROOM) drift --stack '$(STACK)' $(ARGS)

# Brings what a pull request would become on main here, without checking it out.
change:
	@git fetch --quiet origin '+refs/pull/$(PR)/merge:refs/remotes/pull/$(PR)'

down: ready
	@$(ENGINE) destroy $(ARGS)

env: ready
	@$(ENGINE) env

# The same sources give the same bytes; libraries are downloaded once, pinned by their SHA-256.
function: venv
	@$(BIN)/python -m strongroom.packing $(filter-out local,$(STACK))

drill: ready
	@mkdir -p $(dir $(REPORT))
	@$(WITH_ENGINE) $(BIN)/strongroom drill --html $(REPORT) $(ARGS)

rehearse: ready aws
	@plugin=$$(toolchain/aws.sh 2>/dev/null) && export PATH="$$plugin:$$PATH" && \
	    $(WITH_ENGINE) $(BIN)/python -m rehearsal '$(STACK:local=production)' \
	    $(if $(TAKE_OVER),--take-over) $(ARGS)

test: ready aws check
	@$(WITH_ENGINE) $(BIN)/pytest -n $(WORKERS) --dist loadscope $(ARGS)

check: venv
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The graph of each stack on AWS as a file; what changes in it is what a review reads.
graphs: venv
	@$(BIN)/python -m tests.unit.aws_graph

# Both at once: one waits for downloads while the other compiles.
ready:
	@$(MAKE) -j2 engine venv

engine:
	@toolchain/engine.sh >/dev/null

# What a rehearsal needs besides.
aws:
	@toolchain/aws.sh >/dev/null

venv:
	@toolchain/python.sh
