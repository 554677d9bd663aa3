"""`recommend`, in this process or as a process."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from running import run_command

from advisor.cli.schema import DOCUMENTS
from advisor.cli.schema_registry import DECLARATIONS
from advisor.decision.advisor import Advisor
from advisor.errors import InputError
from advisor.requirements import load_path
from advisor.requirements.discovery import Candidate, load_candidate

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "report" / "requirements"
GOOD, BAD, INFEASIBLE = FIXTURES / "sticky.yaml", "service: a\nscale: {instances: 0}\n", FIXTURES / "contradiction.yaml"


class Ended(NamedTuple):
    """The exit code and the output of a run of the command."""

    returncode: int
    stdout: bytes
    out: str
    err: str


def environment(**extra: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **extra}


def run(*arguments: Path | str, stdin: bytes = b"", cwd: Path | None = None, **extra: str) -> Ended:
    done = run_command("recommend", *arguments, stdin=stdin, cwd=cwd, **extra)
    return Ended(done.returncode, done.stdout, *(said.decode() for said in (done.stdout, done.stderr)))


def run_process(*arguments: Path | str, **extra: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "advisor", "recommend", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(**extra),
        timeout=60,
        check=False,
    )
    ended = Ended(done.returncode, done.stdout, *(said.decode(errors="replace") for said in (done.stdout, done.stderr)))
    assert "Traceback" not in ended.err
    return ended


def after_the_heading(shown: str) -> str:
    """The text after the first empty line. The path of the file can make the heading longer than one line."""
    return shown.split("\n\n", 1)[1]


def test_one_file_gives_one_screen() -> None:
    done = run(GOOD)
    assert done.returncode == 0
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0].startswith("customer-support: sticky-fleet, ")
    assert any(line.startswith("Flags ") and "stateless_http=False, json_response=False" in line for line in lines)
    assert lines[-1] == f"  mcp-advisor document {shlex.quote(str(GOOD))} -o adr/"
    assert "recommend --full" in lines[-4]
    assert "\x1b" not in done.out


def test_the_screen_of_each_example_fits_with_its_commands() -> None:
    for path in sorted((ROOT / "examples").glob("*.yaml")):
        lines = run(path.relative_to(ROOT), cwd=ROOT).out.splitlines()
        assert len(lines) <= 23, path
        assert max(map(len, lines)) <= 80, path


@pytest.mark.parametrize("option", ["--full", "--explain"])
def test_the_complete_decision_has_the_code(option: str) -> None:
    done = run(GOOD, option)
    assert after_the_heading(done.out).startswith("sticky-fleet")
    assert 'mcp.run("streamable-http", stateless_http=False, json_response=False,' in done.out.splitlines()


def test_a_section_is_shown_alone() -> None:
    done = run(GOOD, "--show", "steps", "--show", "assumptions")
    assert done.out.startswith("Steps of the decision")
    assert "Assumed values" in done.out
    assert "Warnings" not in done.out
    assert run(INFEASIBLE, "--show", "alternatives").out.startswith("To fix this: possible changes")


def test_an_unknown_section_gets_the_known_ones() -> None:
    done = run(GOOD, "--show", "warning")
    assert done.returncode == 2
    assert "warnings" in done.err


def test_one_file_as_json_is_the_decision_document() -> None:
    document = json.loads(run(GOOD, "--format", "json").stdout)
    assert document["schema"] == "mcp-advisor/decision/1"
    assert document["flags"] == {"stateless_http": False, "json_response": False}
    assert yaml.safe_load(run(GOOD, "--format", "yaml").stdout) == document


def test_requirements_are_read_from_standard_input() -> None:
    done = run("-", "--format", "json", stdin=GOOD.read_bytes())
    assert done.returncode == 0
    assert json.loads(done.stdout) == json.loads(run(GOOD, "--format", "json").stdout)


def test_an_error_in_standard_input_names_it() -> None:
    done = run("-", stdin=BAD.encode())
    assert done.returncode == 2
    assert done.err.startswith("<stdin>:2: scale.instances:")
    assert done.out == ""


def test_a_contradiction_exits_with_3_and_says_so_first() -> None:
    done = run(INFEASIBLE)
    assert done.returncode == 3
    assert ": contradiction, " in done.out.splitlines()[0]
    assert "Changes, best first" in done.out


def test_several_files_give_a_table() -> None:
    done = run(GOOD, INFEASIBLE)
    assert done.returncode == 3
    assert "2 files: 1 not possible, 1 sticky-fleet" in done.out
    assert "Changes, best first" not in done.out


def test_details_of_several_files_follow_the_table() -> None:
    done = run(GOOD, INFEASIBLE, "--full")
    assert done.out.index("2 files: ") < done.out.index("MCPServer(") < done.out.index("To fix this: possible changes")
    warned = run(GOOD, INFEASIBLE, "--show", "warnings").out
    assert warned.count("Warnings ─") == 2


def test_an_invalid_file_does_not_abort_the_batch(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD)
    done = run(GOOD, bad, INFEASIBLE, "--format", "json")
    assert done.returncode == 2
    assert done.err.startswith(f"{bad}:2: scale.instances:")
    document = json.loads(done.stdout)
    assert document["schema"] == "mcp-advisor/decisions/1"
    assert [decision["service"] for decision in document["decisions"]] == ["customer-support", "payments"]
    assert [decision["file"] for decision in document["decisions"]] == [str(GOOD), str(INFEASIBLE)]
    (error,) = document["errors"]
    assert error["file"] == str(bad)
    assert error["problems"][0].keys() == {"key", "line", "message", "hint"}
    assert yaml.safe_load(run(GOOD, bad, INFEASIBLE, "--format", "yaml").stdout) == document


@pytest.mark.parametrize("format", ["text", "markdown"])
def test_an_invalid_file_has_a_row_in_the_table(tmp_path: Path, format: str) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(BAD)
    done = run(GOOD, bad, "--format", format, COLUMNS="120")
    assert "invalid" in done.out
    assert "2 files" in done.out


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "er" / "a.yml").write_text("service: a\n")
    (tmp_path / "b.json").write_text('{"service": "b"}')
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x}}\n")
    (tmp_path / "chart.yaml").write_text("service: {type: ClusterIP, port: 80}\n")
    (tmp_path / "manifests.yaml").write_text("kind: Pod\n---\nkind: Service\n")
    (tmp_path / "decision.json").write_text('{"schema": "mcp-advisor/decision/1", "service": "b"}')
    (tmp_path / "list.json").write_text("[1, 2]")
    (tmp_path / "notes.md").write_text("service: no\n")
    (tmp_path / ".git" / "c.yaml").write_text("service: c\n")
    return tmp_path


def test_a_directory_is_searched_and_other_files_are_skipped(mixed: Path) -> None:
    done = run(mixed, "--format", "json")
    assert done.returncode == 0
    assert [decision["service"] for decision in json.loads(done.stdout)["decisions"]] == ["b", "a"]
    assert done.err.startswith("Skipped these files, because they contain no requirements: ")
    assert all(
        name in done.err for name in ("chart.yaml", "compose.yaml", "manifests.yaml", "decision.json", "list.json")
    )


def test_a_subfolder_that_cannot_be_read_does_not_stop_the_others(mixed: Path) -> None:
    """The path of the subfolder is longer than the system allows, because root can read a folder without permission."""
    handle = os.open(mixed, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=handle)
        inner = os.open("x" * 250, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    done = run(mixed, "--format", "json")
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert [decision["service"] for decision in document["decisions"]] == ["b", "a"]
    (error,) = document["errors"]
    assert error["problems"][0]["message"] == "this directory cannot be read (file name too long)."


def test_a_decision_says_that_it_is_one_and_how_to_decide_again(tmp_path: Path) -> None:
    decision = tmp_path / "my kit" / "decision.json"
    decision.parent.mkdir()
    decision.write_bytes(run(GOOD, "--format", "json").stdout)
    (decision.parent / "requirements.yaml").write_bytes(GOOD.read_bytes())
    done = run(decision)
    assert done.returncode == 2
    assert "this file is the decision for the service 'customer-support'" in done.err
    command = shlex.split(done.err.strip().rpartition("run: ")[2])
    assert command[:2] == ["mcp-advisor", "recommend"]
    assert run(*command[2:]).returncode == 0
    (decision.parent / "requirements.yaml").unlink()
    done = run(decision)
    assert done.returncode == 2
    assert "recommend requirements.yaml" not in done.err, "this file does not exist"
    assert "To decide again" in done.err
    assert "requirements.yaml of the kit" in " ".join(done.err.split())


def test_the_table_of_a_directory_names_what_a_contradiction_cannot_keep(tmp_path: Path) -> None:
    (tmp_path / "svc.yaml").write_text(
        "service: svc\nsdk: mcp-1\nclients: {protocol: legacy}\nscale: {instances: 3, affinity: unavailable}\n"
        "needs: {sampling: required, elicitation: preferred}\n"
    )
    screen = run(tmp_path / "svc.yaml").out
    assert "Not kept  Sampling" in screen
    assert "Not kept  Elicitation" not in screen
    done = run(tmp_path, COLUMNS="120")
    (row,) = (line.split() for line in done.out.splitlines() if line.startswith("svc.yaml"))
    assert row[-3:] == ["sampling", *row[-2:]], "only required features"
    assert "Lost, if not possible" in done.out


@pytest.mark.thorough
def test_the_home_folder_is_never_created(tmp_path: Path) -> None:
    home = tmp_path / "missing"
    settings = environment(HOME=str(home))
    for name in ("MCP_ADVISOR_CACHE", "XDG_CACHE_HOME"):
        settings.pop(name, None)
    for arguments in (["recommend", str(GOOD)], ["generate", str(GOOD), "-o", str(tmp_path / "kit")]):
        command = [sys.executable, "-m", "advisor", *arguments]
        subprocess.run(command, env=settings, capture_output=True, timeout=60, check=True)
    assert not home.exists()
    home.mkdir()
    subprocess.run([*command[:3], "recommend", str(GOOD)], env=settings, capture_output=True, timeout=60, check=True)
    assert any(home.iterdir()), "the cache is in the home folder if this folder exists"


def test_a_misspelt_service_in_a_directory_is_an_error_and_not_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("service: a\n")
    (tmp_path / "b.yaml").write_text("servise: payments\nneeds: {sampling: required}\n")
    (tmp_path / "c.yaml").write_text("scale: {instances: 2}\n")
    done = run(tmp_path, "--format", "json")
    assert done.returncode == 2
    assert [error["file"] for error in json.loads(done.stdout)["errors"]] == [
        str(tmp_path / n) for n in ("b.yaml", "c.yaml")
    ]
    assert "Did you mean 'service'?" in done.err


@pytest.mark.parametrize(
    "broken", ["service: d\nscale: {instances: [\n", "service: d\nnope: 1\n", '"service": "d"\n\t- x\n']
)
def test_a_broken_requirements_file_in_a_directory_is_reported(mixed: Path, broken: str) -> None:
    (mixed / "d.yaml").write_text(broken)
    done = run(mixed, "--format", "json")
    assert done.returncode == 2
    assert len(json.loads(done.stdout)["decisions"]) == 2
    assert str(mixed / "d.yaml") in done.err


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        ("version: 1\nservce: x\n", "service"),
        ("version: 1\nservce: x\nreplicas: 3\n", "service"),
        ("serivce: x\nenvironment: {platform: compose}\n", "service"),
        ("clients: {}\n", ""),
        ("client: {protocol: mixed}\n", "clients"),
        ("services: {web: {image: x}}\nversion: '3'\n", None),
        ("services: {web: {image: x}}\n", None),
        ("version: 1\nformatters: {brief: {}}\n", None),
        ("service: {type: ClusterIP}\nenvironment: production\n", None),
        ("version: 2\nupdates: []\n", None),
    ],
)
def test_keys_with_typing_errors_make_a_file_of_a_directory_invalid(
    tmp_path: Path, advisor: Advisor, content: str, meant: str | None
) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(content)
    candidate = Candidate(str(file), found=True)
    if meant is None:
        assert load_candidate(candidate, advisor.space) is None
    else:
        with pytest.raises(InputError, match=f"Did you mean '{meant}'" if meant else "'service' is missing"):
            load_candidate(candidate, advisor.space)


def test_a_missing_file_gets_the_similar_name_of_its_folder(tmp_path: Path, advisor: Advisor) -> None:
    (tmp_path / "local-development.yaml").write_text("service: x\n")
    with pytest.raises(InputError, match=r"Did you mean '.*/local-development\.yaml'"):
        load_path(tmp_path / "local-developmnt.yaml", advisor.space)
    with pytest.raises(InputError) as raised:
        load_path(tmp_path / "production.yaml", advisor.space)
    assert "Did you mean" not in str(raised.value)


def test_a_file_that_is_skipped_in_a_directory_is_an_error_when_named(mixed: Path) -> None:
    done = run(mixed / "compose.yaml")
    assert done.returncode == 2
    assert done.out == ""


@pytest.mark.parametrize("content", [{}, {"x.yaml": "a: 1\n"}])
def test_a_directory_without_requirements_is_bad_usage(tmp_path: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    done = run(tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.err


@pytest.mark.parametrize("arguments", [[], ["--format", "toml", str(GOOD)], ["/no/such/file.yaml"], ["a\nb.yaml"]])
def test_bad_usage_exits_with_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.err


def test_explain_adds_every_rule_tried() -> None:
    assert "All rules" in run(GOOD, "--explain").out
    trace = json.loads(run(GOOD, "--explain", "--format", "json").stdout)["trace"]
    assert sum(rule["fired"] for table in trace for rule in table["rules"]) >= len(trace) - 1


@pytest.mark.parametrize("format", ["text", "json", "yaml", "markdown"])
def test_output_is_ascii_if_the_encoding_has_no_other_characters(format: str) -> None:
    done = run_process(GOOD, "--format", format, PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert not re.search(r"\w\?\w", done.out)  # nothing was replaced by a question mark


def test_the_width_follows_the_variable_columns() -> None:
    assert max(map(len, run(GOOD, "--full", COLUMNS="120").out.splitlines())) == 120
    assert max(map(len, run(GOOD, "--full", COLUMNS="80").out.splitlines())) == 80


@pytest.mark.parametrize(("extra", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_the_output_has_colour_on_a_terminal(extra: dict[str, str], coloured: bool) -> None:
    reader, writer = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "advisor", "recommend", str(GOOD)],
        stdin=subprocess.DEVNULL,
        stdout=writer,
        env=environment(**{"TERM": "xterm-256color", **extra}),
    ) as process:
        os.close(writer)
        shown = b""
        try:
            while chunk := os.read(reader, 65536):
                shown += chunk
        except OSError:  # Linux raises EIO when the other end is closed
            pass
    os.close(reader)
    assert process.returncode == 0
    assert b"sticky-fleet" in shown
    assert (b"\x1b[" in shown) == coloured


def test_a_closed_pipe_is_not_an_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(
        [sys.executable, "-m", "advisor", "recommend", str(GOOD)],
        stdout=writer,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        os.close(writer)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert err == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "advisor", "recommend", str(GOOD)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            timeout=60,
            check=False,
        )
    assert done.returncode == 4
    assert done.stderr.decode().startswith("Standard output cannot be written")
    assert b"Traceback" not in done.stderr


def test_libraries_are_imported_only_by_commands_that_use_them() -> None:
    program = (
        "import sys; from advisor.cli import main\n"
        "try: main(['recommend', sys.argv[1], '--format', sys.argv[2]])\n"
        "except SystemExit: pass\n"
        "print(sorted({'rich', 'jinja2', 'pydantic', 'questionary'} & set(sys.modules)), file=sys.stderr)"
    )
    run_process(GOOD)  # fills the cache of the knowledge
    for format, loaded in (("text", "[]"), ("json", "[]"), ("markdown", "['jinja2']")):
        done = subprocess.run(
            [sys.executable, "-c", program, str(GOOD), format],
            capture_output=True,
            env=environment(),
            timeout=60,
            check=True,
        )
        assert done.stderr.decode().strip() == loaded


# A configuration file is written by people, and several commands print findings.
@pytest.mark.parametrize("name", sorted(DECLARATIONS.keys() - {"decision", "configuration", "findings"}))
def test_a_document_of_another_command_says_what_makes_it_again(name: str, tmp_path: Path) -> None:
    document = tmp_path / "printed.json"
    document.write_text(f'{{"schema": "mcp-advisor/{name}/1"}}')
    done = run_command("recommend", document)
    assert done.returncode == 2
    said = done.stderr.decode()
    assert f"this file is a document that mcp-advisor printed (mcp-advisor/{name}/1)" in said
    assert f"To make this document again, run: mcp-advisor {DOCUMENTS[name].split()[0]} " in said
