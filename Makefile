# `make demo` and `make test` set up everything they need; `make check` runs every linter and type check.
# PYTHON=python3.12 (or a path) before or after a target runs it with that Python, in an environment of its own.
VENV = $(if $(PYTHON),.venv-$(notdir $(PYTHON)),.venv)
export VENV PYTHON

.PHONY: demo test test-slow check format docs lock benchmark clean

demo: .setup
	@echo "== writing the sample network and planning its peak" >&2
	@$(VENV)/bin/radar demo demo --scale small --replace

test: .setup
	@scripts/setup-tests.sh
	@$(VENV)/bin/python -m pytest -n 2 --dist loadfile -q

test-slow: .setup
	@scripts/setup-tests.sh
	@$(VENV)/bin/python -m pytest -m slow -q

check: .setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m scripts.shape
	$(VENV)/bin/python -m scripts.docs --check

format: .setup
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

docs: .setup
	$(VENV)/bin/python -m scripts.docs

lock: .setup
	$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--upgrade --group dev pyproject.toml --output-file requirements.lock

benchmark: .setup
	$(VENV)/bin/python -m benchmarks

clean:
	rm -rf .venv .venv-python* demo

.PHONY: .setup
.setup:
	@scripts/setup.sh
