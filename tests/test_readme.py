"""The README's commands are the ones that are run."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_ci_runs_exactly_the_readmes_test_command():
    readme = (ROOT / "README.md").read_text()
    command = next(line.removeprefix("$ ") for line in readme.splitlines() if "pytest" in line and line.startswith("$"))
    assert command in [line.strip() for line in (ROOT / ".ci" / "run").read_text().splitlines()]


def test_every_file_that_the_readme_links_to_exists():
    readme = (ROOT / "README.md").read_text()
    targets = [part.split(")")[0] for part in readme.split("](")[1:]]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
