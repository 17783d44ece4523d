# Two commands do all the set-up: `make sweep` and `make test`. Each makes the environment it needs.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin/python -m
ARGS   ?=
.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sweep: $(VENV)/.ready  ## Run the main comparison offline and write results/report.md
	$(RUN) harness.run sweep=quick $(ARGS)

smoke: $(VENV)/.ready  ## Does everything hang together? A minute, no verdicts
	$(RUN) harness.run sweep=smoke $(ARGS)

tune: $(VENV)/.ready  ## Search learning rates, the same effort for both models; writes conf/tuned/
	$(RUN) harness.run sweep=lr $(ARGS)
	$(RUN) harness.tune

claims: $(VENV)/.ready  ## What the report of `make sweep` leaves untested; says first how long (hours)
	@$(RUN) harness.tune search=claims --dry-run $(ARGS) | tail -n 1
	@$(RUN) harness.run sweep=claims --dry-run $(ARGS) | tail -n 1
	$(RUN) harness.tune search=claims $(ARGS)
	$(RUN) harness.run sweep=claims $(ARGS)
	$(RUN) harness.race task=classification race=quick race.streaming=true $(ARGS)

report: $(VENV)/.ready  ## Rebuild results/report.md from the records
	$(RUN) harness.report $(ARGS)

test: $(VENV)/.tested  ## Run the tests that need minutes at most
	$(VENV)/bin/pytest -n 2 -m "not slow" $(ARGS)

test-all: $(VENV)/.tested  ## Run all tests, the slow ones too
	$(VENV)/bin/pytest -m "slow or not slow" $(ARGS)

check: $(VENV)/.tested  ## Ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

clean:  ## Remove the environment and every cache; results stay
	rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An interrupted installation leaves no stamp and is taken up again.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "Python 3.11 or later is needed, this is %d.%d; try make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,check]'
	@touch $@

.PHONY: help sweep smoke tune claims report test test-all check clean
