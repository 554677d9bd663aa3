# One line for each task. The README's test command makes the environment `.venv`.
.PHONY: test programs weekly lint types rules docs site snapshots lock kit-locks bench all

test:
	.venv/bin/pytest -n 3
programs:
	.venv/bin/pytest -n 3 -m "(programs or thorough) and not weekly"
weekly:
	.venv/bin/pytest -n 3 -m weekly
lint:
	.venv/bin/ruff check && .venv/bin/ruff format --check
types:
	.venv/bin/mypy
rules:
	.venv/bin/mcp-advisor rules check
docs:
	.venv/bin/python -m docs.generate
site:
	.venv/bin/python -m docs.site
snapshots:
	MCP_ADVISOR_UPDATE_SNAPSHOTS=1 .venv/bin/pytest -n 3
lock:
	.venv/bin/uv pip compile pyproject.toml --upgrade --universal --python-version 3.10 --extra dev --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file constraints.txt
kit-locks:
	.venv/bin/python -m tests.kit_locks
bench:
	.venv/bin/python -m benchmarks
all:
	.ci/run
