"""`ask` without a terminal shows no prompt. It decides if the answers are enough, or lists the missing keys."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from running import run_command_for_text

from advisor.decision.advisor import Advisor
from advisor.errors import UsageError
from advisor.questionnaire.settings import read_settings


def ask(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_command_for_text("ask", *arguments, cwd=tmp_path)


ENOUGH = """
service: svc
sdk: mcp-2
scale: {instances: 1, workers: 1}
environment: {platform: kubernetes, hosts: [mcp.example.com], proxy: {sse: true}}
workload: {longest_call_s: 60}
clients: {plain_http: false}
tools: [lookup, {name: report, needs: {progress: required}}]
"""


def test_only_required_keys_are_named_first(tmp_path: Path) -> None:
    done = ask(tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "These keys have no default: service." in done.stderr
    assert "--defaults" in done.stderr
    assert "scale.instances" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_optional_key_is_named(tmp_path: Path, advisor: Advisor) -> None:
    done = ask(tmp_path, "--set", "service=svc")
    assert done.returncode == 2
    assert "--defaults" in done.stderr
    assert "no required key is missing" in done.stderr
    assert not [name for name in advisor.space.facts if "." in name and name in done.stderr]


def test_defaults_answer_every_other_question(tmp_path: Path) -> None:
    done = ask(tmp_path, "--defaults", "--set", "service=quick", "--set", "needs.sampling=required", "-o", "q.yaml")
    assert done.returncode == 0, done.stderr
    saved = yaml.safe_load((tmp_path / "q.yaml").read_text())
    assert saved == {"version": 1, "service": "quick", "needs": {"sampling": "required"}}
    assert "Sampling" in done.stdout
    again = ask(tmp_path, "--defaults", "--set", "service=other", "-o", "q.yaml")
    assert again.returncode == 2
    assert "already exists" in again.stderr


def test_a_named_file_is_edited(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text(ENOUGH)
    done = ask(tmp_path, "prod.yaml", "--defaults", "--set", "scale.instances=3")
    assert done.returncode == 0, done.stderr
    saved = yaml.safe_load((tmp_path / "prod.yaml").read_text())
    assert saved["service"] == "svc"
    assert saved["scale"] == {"instances": 3, "workers": 1}


def test_an_edited_file_never_replaces_another_file(tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text(ENOUGH)
    (tmp_path / "other.yaml").write_text("service: precious\n")
    for options in ([], ["--defaults"]):
        done = ask(tmp_path, "prod.yaml", "-o", "other.yaml", *options)
        assert done.returncode == 2
        assert "other.yaml already exists" in done.stderr
        assert (tmp_path / "other.yaml").read_text() == "service: precious\n"
    assert ask(tmp_path, "prod.yaml").returncode == 0


@pytest.mark.parametrize(
    ("given", "saved"),
    [
        ("scale.instances=2-5", {"scale": {"instances": {"min": 2, "max": 5}}}),
        ("scale.instances={min: 2, max: 5}", {"scale": {"instances": {"min": 2, "max": 5}}}),
        ("clients.apps=cursor,vscode", {"clients": {"apps": ["cursor", "vscode"]}}),
        ("clients.apps=[cursor, vscode]", {"clients": {"apps": ["cursor", "vscode"]}}),
        (
            "environment.hosts=a.example.com, b.example.com",
            {"environment": {"hosts": ["a.example.com", "b.example.com"]}},
        ),
        (
            "environment.hosts=https://a.example.com/v2/mcp, b.example.com",
            {"environment": {"hosts": ["a.example.com", "b.example.com"], "path": "/v2/mcp"}},
        ),
        ("tools=lookup,report", {"tools": [{"name": "lookup"}, {"name": "report"}]}),
        ("environment.proxy.version=1.30", {"environment": {"proxy": {"version": "1.30"}}}),
    ],
)
def test_a_setting_has_the_notation_of_the_prompts_or_of_a_file(
    tmp_path: Path, given: str, saved: dict[str, object]
) -> None:
    done = ask(tmp_path, "--defaults", "--set", "service=svc", "--set", given, "-o", "q.yaml")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((tmp_path / "q.yaml").read_text()) == {"version": 1, "service": "svc"} | saved


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("scale.instances", "write KEY=VALUE"),
        ("scale.instanses=3", "Did you mean 'scale.instances'?"),
        ("environment.platform=k8s", "Did you mean 'kubernetes'?"),
        ("scale.instances=[", "--set scale.instances=["),
        ("environment.hosts=[a.example.com], x: 1", "is not a host name"),
        ("scale.instances=2-x", "a range such as 2-10"),
        ("scale.instances=0", "a range such as 2-10"),
        ("scale.instances=0-5", "a range such as 2-10. If the platform scales to zero, start the range with 1"),
        ("scale.instances=5-2", "Swap the two numbers"),
        ("servce=x:1:", "--set servce=x:1:: servce: unknown key. Did you mean 'service'?"),
        ("clients.apps=cursor,vscod", "Did you mean 'vscode'?"),
        ("needs.sampling=yes", "'yes' is not allowed."),
        ("service=a,b", "Did you mean 'a-b'?"),
    ],
)
def test_a_wrong_setting_gets_one_message(tmp_path: Path, given: str, said: str) -> None:
    done = ask(tmp_path, "--defaults", "--set", "service=svc", "--set", given)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output", [".", "/proc/requirements.yaml", "absent/requirements.yaml"])
def test_the_target_is_checked_first(tmp_path: Path, output: str) -> None:
    done = ask(tmp_path, "-o", output)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{output}")
    assert "with -o." in done.stderr


def test_only_the_missing_required_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(ENOUGH.replace("service: svc\n", ""))
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 2
    assert "no default: service." in done.stderr


def test_answers_that_are_enough_are_decided_and_saved(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(ENOUGH)
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 0, done.stderr
    assert "stateless_http=False" in done.stdout
    assert "mcp-advisor recommend requirements.yaml" in done.stderr
    assert "mcp-advisor recommend requirements.yaml\n" not in done.stdout
    assert yaml.safe_load((tmp_path / "requirements.yaml").read_text())["tools"][0] == {"name": "lookup"}


def test_a_contradiction_is_saved_and_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(
        ENOUGH.replace("mcp-2", "mcp-1").replace("plain_http: false", "protocol: modern")
    )
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 3, done.stderr
    assert (tmp_path / "requirements.yaml").exists()


def test_an_existing_file_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(ENOUGH)
    (tmp_path / "requirements.yaml").write_text("service: precious\n")
    done = ask(tmp_path, "--answers", "known.yaml")
    assert done.returncode == 2
    assert "requirements.yaml already exists" in done.stderr
    assert (tmp_path / "requirements.yaml").read_text() == "service: precious\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--answers", "absent.yaml"], "absent.yaml"),
        (["absent.yaml"], "run `mcp-advisor ask -o absent.yaml`"),
        (["-o", "absent/requirements.yaml"], "does not exist"),
        (["--answers", "bad.yaml"], "bad.yaml:1"),
    ],
)
def test_bad_arguments_are_one_message(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "bad.yaml").write_text("scale: {instances: -3}\n")
    done = ask(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("platform=kubernetes", "environment.platform"),
        ("platfrom=kubernetes", "environment.platform"),
        ("instances=3", "scale.instances"),
        ("scale.instance=3", "scale.instances"),
        ("proxy=nginx", "environment.proxy.kind"),
        ("environment.proxy=nginx", "environment.proxy.kind"),
        ("sampling=required", "needs.sampling"),
        ("needs.sampling=yes", "required"),
        ("needs.sampling=no", "none"),
        ("operations.shared_store=no", "none"),
    ],
)
def test_a_setting_with_a_wrong_key_or_value_gets_the_nearest_name(advisor: Advisor, given: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{meant}'"):
        read_settings([given], advisor.space)
