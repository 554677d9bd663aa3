"""`mcp-advisor init`: the file is valid, shows every default, and is never overwritten by accident."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml
from running import run_command_for_text

from advisor.decision.advisor import Advisor
from advisor.requirements import load_bytes, load_path
from advisor.requirements.template import SERVICE


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command_for_text("init", *arguments)


def test_init_prints_a_file_that_can_be_decided(advisor: Advisor) -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    requirements = load_bytes(done.stdout.encode(), "init.yaml", advisor.space)
    assert requirements["service"] == SERVICE
    assert advisor.decide(requirements).feasible
    # A key in a comment stays a default, so its value can follow from tools and client applications.
    assert {"clients.protocol", "needs.sampling"} <= requirements.defaults.keys()


def test_the_file_has_every_key_with_its_default(advisor: Advisor) -> None:
    text = run().stdout
    uncommented = re.sub(r"^( *)#(?=[a-z_]+:)", r"\1", text, flags=re.M)
    assert yaml.safe_load(uncommented)["needs"]["sampling"] == "none"
    everything = load_bytes(uncommented.encode(), "init.yaml", advisor.space)
    assert everything.given == {name for name, fact in advisor.space.facts.items() if fact.type != "tools"}
    assert everything.values == load_bytes(text.encode(), "init.yaml", advisor.space).values


def test_allowed_values_and_questions_are_comments(advisor: Advisor) -> None:
    words = " ".join(run().stdout.replace("#", " ").split())
    for fact in advisor.space.facts.values():
        assert fact.question in words
        for choice in fact.values if fact.type != "need" else []:
            assert f"{choice.value}: {choice.means}" in words


def test_the_file_fits_80_columns() -> None:
    assert [line for line in run().stdout.splitlines() if len(line) > 80 or line != line.rstrip()] == []


def test_init_does_not_overwrite_a_file(tmp_path: Path, advisor: Advisor) -> None:
    path = tmp_path / "requirements.yaml"
    done = run("-o", str(path))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"Wrote {path}. Edit it, then run:\n  mcp-advisor recommend {path}\n"
    assert load_path(path, advisor.space).name == str(path)

    path.write_text("mine")
    done = run("-o", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{path} exists already. Add --force to replace it.\n"
    assert path.read_text() == "mine"

    assert run("-o", str(path), "--force").returncode == 0
    assert path.read_text() == run().stdout


def test_a_path_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    done = run("-o", str(tmp_path / "missing" / "requirements.yaml"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("requirements.yaml cannot be written: no such file or directory.\n")
    done = run("-o", str(tmp_path), "--force")
    assert done.returncode == 2
    assert done.stderr == f"{tmp_path} cannot be written: is a directory.\n"
