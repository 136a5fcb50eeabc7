# `make demo` and `make test` set up everything they need; `make check` runs every linter and type check.
.PHONY: demo test test-slow check format docs lock benchmark clean

demo: .setup
	@echo "== writing the sample network and planning its peak" >&2
	@.venv/bin/radar demo demo --scale small --replace

test: .setup
	@scripts/setup-tests.sh
	@.venv/bin/python -m pytest -n 2 --dist loadfile -q

test-slow: .setup
	@scripts/setup-tests.sh
	@.venv/bin/python -m pytest -m slow -q

check: .setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m scripts.docs --check

format: .setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: .setup
	.venv/bin/python -m scripts.docs

lock: .setup
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--upgrade --group dev pyproject.toml --output-file requirements.lock

benchmark: .setup
	.venv/bin/python -m benchmarks

clean:
	rm -rf .venv demo

.PHONY: .setup
.setup:
	@scripts/setup.sh
