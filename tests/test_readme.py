"""The README's links lead somewhere. tests/test_project.py checks its commands."""

from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_every_file_that_the_readme_links_to_exists() -> None:
    readme = (ROOT / "README.md").read_text()
    targets = [part.split(")")[0] for part in readme.split("](")[1:]]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
