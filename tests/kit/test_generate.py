"""`generate`, in this process or as a process."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from running import run_command, run_command_for_text

from advisor.kit.kit_parts import KIT_PARTS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
STICKY, TIERED = EXAMPLES / "saas-b2b.yaml", EXAMPLES / "customer-service-agent.yaml"
INFEASIBLE = EXAMPLES / "sampling-on-a-stateless-fleet.yaml"
LOCK = ".mcp-advisor.lock"


class Ended(NamedTuple):
    """The exit code and the output of a run of the command."""

    returncode: int
    stdout: bytes
    out: str
    err: str


def run(*arguments: Path | str, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
    done = run_command("generate", *arguments, stdin=stdin, cwd=cwd)
    return Ended(done.returncode, done.stdout, done.stdout.decode(), done.stderr.decode())


def run_process(*arguments: Path | str, cwd: Path | None = None, **environment: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "advisor", "generate", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environment},
        timeout=60,
        check=False,
    )
    ended = Ended(done.returncode, done.stdout, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ended.err
    return ended


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    done = run(STICKY, "-o", tmp_path / "kit")
    assert done.returncode == 0, done.err
    return tmp_path / "kit"


def test_generate_writes_the_files_of_the_contract(kit: Path) -> None:
    top = {"requirements.yaml", "decision.json", "DECISION.md", "README.md", "compose.yaml", LOCK}
    assert {path.name for path in kit.iterdir()} >= top | {"server", "proxy", "tests"}
    assert (kit / "requirements.yaml").read_bytes() == STICKY.read_bytes()
    lock = json.loads((kit / LOCK).read_text())
    assert set(lock["files"]) == set(tree(kit)) - {LOCK}
    assert lock["version"]
    assert re.fullmatch("[0-9a-f]{64}", lock["rules"])


def test_the_report_is_on_stderr_and_names_the_next_steps(tmp_path: Path) -> None:
    done = run(STICKY, "-o", "kit", cwd=tmp_path)
    assert done.out == ""
    assert re.search(r"^  added +server/server.py$", done.err, re.MULTILINE)
    assert done.err.splitlines()[-1].startswith("Next: read kit/README.md")


def test_a_kit_with_tokens_says_what_its_server_needs_to_start(tmp_path: Path) -> None:
    assert run(EXAMPLES / "payment-provider.yaml", "-o", tmp_path / "with").returncode == 0
    assert run(STICKY, "-o", tmp_path / "sticky").returncode == 0
    for kit in ("with", "sticky"):
        auth = yaml.safe_load((tmp_path / kit / "requirements.yaml").read_text()).get("environment", {}).get("auth")
        told = "does not start before you set `MCP_AUTH_ISSUER`" in (tmp_path / kit / "README.md").read_text()
        assert told == (auth in ("bearer", "oauth-proxy"))


def test_the_same_input_gives_the_same_bytes_in_any_folder_and_at_any_time(kit: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "other.yaml"
    copy.parent.mkdir()
    shutil.copy(STICKY, copy)
    rules = tmp_path / "moved"  # the fingerprint of the rules does not depend on times and paths
    for name in ("advisor", "rules", "templates"):
        shutil.copytree(ROOT / name, rules / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (rules / "rules").rglob("*.yaml"):
        os.utime(path, (1, 1))
    done = run_process(
        copy, "-o", tmp_path / "again", cwd=tmp_path, PYTHONPATH=str(rules), PYTHONHASHSEED="7", TZ="Asia/Tokyo"
    )
    assert done.returncode == 0
    assert tree(tmp_path / "again") == tree(kit)
    assert run("-", "-o", tmp_path / "piped", stdin=STICKY.read_bytes()).returncode == 0
    assert tree(tmp_path / "piped") == tree(kit)


def test_a_second_run_changes_nothing(kit: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in kit.rglob("*")}
    done = run(STICKY, "-o", kit)
    assert done.returncode == 0
    assert "nothing to change" in done.err
    assert {path: path.stat().st_mtime_ns for path in kit.rglob("*")} == before
    same = run(STICKY, "-o", kit, "--diff")
    assert (same.returncode, same.out) == (0, "")


@pytest.mark.thorough
def test_a_damaged_template_cache_is_ignored(kit: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run_process(STICKY, "-o", tmp_path / "one", MCP_ADVISOR_CACHE=str(cache)).returncode == 0
    kept = list((cache / "templates").iterdir())
    assert len(kept) > 10
    for path, damaged in zip(sorted(kept), itertools.cycle([b"", b"rubbish", None])):
        path.write_bytes(path.read_bytes()[:40] if damaged is None else damaged)
    assert run_process(STICKY, "-o", tmp_path / "two", MCP_ADVISOR_CACHE=str(cache)).returncode == 0
    assert (
        run_process(STICKY, "-o", tmp_path / "three", MCP_ADVISOR_CACHE=str(tmp_path / "kit/README.md")).returncode == 0
    )
    assert tree(tmp_path / "one") == tree(tmp_path / "two") == tree(tmp_path / "three") == tree(kit)


def test_diff_writes_nothing_and_git_can_apply_it(kit: Path, tmp_path: Path) -> None:
    (kit / "server/server.py").write_text((kit / "server/server.py").read_text() + "# mine, without a newline")
    (kit / "tests/client.py").unlink()
    before = tree(kit)
    done = run(TIERED, "-o", kit, "--diff")
    assert done.returncode == 1
    assert tree(kit) == before
    shutil.copytree(kit, tmp_path / "patched")
    patch = ["git", "apply", "--unsafe-paths", "-"]
    subprocess.run(patch, cwd=tmp_path / "patched", input=done.stdout, timeout=30, check=True)
    assert run(TIERED, "-o", kit).returncode == 0
    patched, written = tree(tmp_path / "patched"), tree(kit)
    del patched[LOCK], written[LOCK]
    assert patched == written


def test_diff_of_a_new_kit_shows_every_file(tmp_path: Path) -> None:
    done = run(STICKY, "-o", tmp_path / "kit", "--diff")
    assert done.returncode == 1
    assert "--- /dev/null\n+++ b/server/server.py\n" in done.out
    assert not list(tmp_path.iterdir())


def test_user_edits_are_merged_or_reported_as_conflicts_and_never_lost(kit: Path) -> None:
    proxy = kit / "proxy/nginx.conf"
    proxy.write_text(proxy.read_text().replace("/tmp/mcp-proxy-scgi", "/tmp/our-scgi"))
    readme = kit / "README.md"
    title = next(line for line in readme.read_text().splitlines() if line.startswith("# "))
    readme.write_text(readme.read_text().replace(title, "# Our own title"))
    (kit / "compose/upstreams.conf").unlink()
    (kit / "notes.txt").write_text("ours\n")
    done = run(TIERED, "-o", kit)
    assert done.returncode == 1, "a file was left in conflict"
    assert "/tmp/our-scgi" in proxy.read_text()
    assert "customer-service-agent" in (kit / "compose.yaml").read_text()
    assert "mcp_stateful" in (kit / "proxy/server.conf").read_text()
    assert "# Our own title" in readme.read_text()
    assert "customer-service-agent" in (kit / "README.md.new").read_text()
    assert not (kit / "compose/upstreams.conf").exists()
    assert (kit / "notes.txt").read_text() == "ours\n"
    for said in (
        r"merged +proxy/nginx.conf: your edits",
        r"conflict +README.md: .* README.md.new",
        r"not restored compose/upstreams.conf: .*--force",
        r"Compare each \.new file",
    ):
        assert re.search(said, done.err), said
    # The conflict stays until it is resolved.
    for arguments in ([], ["--diff"]):
        again = run(TIERED, "-o", kit, *arguments)
        assert again.returncode == 1
        assert re.search(r"conflict +README.md: .* README.md.new", again.err)
    (kit / "README.md.new").unlink()
    assert run(TIERED, "-o", kit, "--diff").returncode == 0


def test_other_places_of_a_file_with_a_conflict_are_merged(kit: Path) -> None:
    readme, new = kit / "README.md", kit / "README.md.new"
    title = next(line for line in readme.read_text().splitlines() if line.startswith("# "))
    before = readme.read_text()
    readme.write_text(before.replace(title, "# Our own title"))
    assert run(TIERED, "-o", kit).returncode == 1
    merged, ours = readme.read_text().splitlines(), new.read_text().splitlines()
    assert "# Our own title" in merged
    added = set(ours) - set(before.splitlines()) - {line for line in ours if line.startswith("# ")}
    assert added & set(merged), "the other changes of the new version are in the file"


def conflicting(kit: Path) -> Path:
    """The README of a kit, whose title the user changed. The title of the next kit is another."""
    readme = kit / "README.md"
    title = next(line for line in readme.read_text().splitlines() if line.startswith("# "))
    readme.write_text(readme.read_text().replace(title, "# Our own title"))
    return readme


def test_markers_show_both_versions_of_each_place_in_the_file(kit: Path) -> None:
    readme = conflicting(kit)
    done = run(TIERED, "-o", kit, "--conflicts", "markers")
    assert done.returncode == 1
    assert re.search(r"conflict +README.md: .* between <<<<<<< and >>>>>>>", done.err)
    lines = readme.read_text().splitlines()
    start = lines.index("<<<<<<< your version")
    marks = lines[start : start + 5]
    assert marks == [
        "<<<<<<< your version",
        "# Our own title",
        "=======",
        "# Deployment kit for `customer-service-agent`",
        ">>>>>>> new version of mcp-advisor",
    ]
    assert readme.read_text().count("<<<<<<<") == 1, "the other places are merged"
    assert not (kit / "README.md.new").exists()
    marked = readme.read_text()
    for arguments in ([], ["--diff"], ["--conflicts", "markers"]):
        again = run(TIERED, "-o", kit, *arguments)
        assert again.returncode == 1, "the conflict stays until the marks are deleted"
        assert readme.read_text() == marked
        assert not (kit / "README.md.new").exists()
    readme.write_text(marked.replace("\n".join(marks), "# Our own title"))
    assert run(TIERED, "-o", kit, "--diff").returncode == 0


STYLES = ("new", "rej", "markers")


@pytest.mark.parametrize("before", STYLES)
def test_another_style_converts_an_open_conflict(kit: Path, before: str) -> None:
    """The result is that of a first run with the other style. Nothing of the earlier form stays."""
    conflicting(kit)
    for style in STYLES:
        shutil.copytree(kit, kit.with_name(style))
        assert run(TIERED, "-o", kit.with_name(style), "--conflicts", style).returncode == 1
    for style in STYLES:
        converted = kit.with_name(f"to-{style}")
        shutil.copytree(kit.with_name(before), converted)
        preview = run(TIERED, "-o", converted, "--conflicts", style, "--diff")
        assert preview.returncode == 1
        assert tree(converted) == tree(kit.with_name(before)), "--diff writes nothing"
        done = run(TIERED, "-o", converted, "--conflicts", style)
        assert done.returncode == 1
        assert "does not change" not in done.err
        assert tree(converted) == tree(kit.with_name(style))
        assert run(TIERED, "-o", converted).returncode == 1, "without the option, the conflict keeps its form"
        assert tree(converted) == tree(kit.with_name(style))


def test_a_conflict_that_cannot_be_converted_stays_and_the_report_says_why(kit: Path) -> None:
    conflicting(kit)
    (kit / "README.md.rej").write_text("mine\n")
    assert "--conflicts" not in run(TIERED, "-o", kit).err
    before = tree(kit)
    again = run(TIERED, "-o", kit, "--conflicts", "rej")
    assert again.returncode == 1
    assert "--conflicts rej does not change this conflict: README.md.new." in again.err
    assert "delete the .new file" in again.err
    assert tree(kit) == before


@pytest.mark.parametrize("style", STYLES)
def test_a_conflict_in_another_part_stays_a_conflict(kit: Path, style: str) -> None:
    """A run of another part does not resolve the conflict of another part, and says where the conflict is."""
    conflicting(kit)
    assert run(TIERED, "-o", kit, "--conflicts", style).returncode == 1
    before = tree(kit)
    for arguments in (["--only", "proxy"], ["--without", "documents"], ["--only", "proxy", "--diff"]):
        again = run(TIERED, "-o", kit, *arguments)
        assert again.returncode == 1, arguments
        assert re.search(r"conflict +README.md: ", again.err)
        assert tree(kit) == before
    report = json.loads(run(TIERED, "-o", kit, "--only", "proxy", "--format", "json").out)
    assert report["changed"] is False
    assert [file["action"] for file in report["files"] if file["path"] == "README.md"] == ["conflict"]
    readme = kit / "README.md"
    if style == "markers":
        readme.write_text("# Our own title\n")
    else:
        (kit / f"README.md.{style}").unlink()
    assert run(TIERED, "-o", kit, "--only", "proxy", "--diff").returncode == 0


def test_a_second_conflict_in_a_file_with_marks_gets_the_new_version(kit: Path) -> None:
    readme = conflicting(kit)
    assert run(TIERED, "-o", kit, "--conflicts", "markers").returncode == 1
    assert run(STICKY, "-o", kit, "--conflicts", "markers").returncode == 1
    assert readme.read_text().count("<<<<<<<") == 1
    assert f"`{yaml.safe_load(STICKY.read_text())['service']}`" in (kit / "README.md.new").read_text()


def test_a_rej_file_has_only_the_changes_that_were_not_made(kit: Path, tmp_path: Path) -> None:
    before = (kit / "README.md").read_text()
    readme = conflicting(kit)
    done = run(TIERED, "-o", kit, "--conflicts", "rej")
    assert done.returncode == 1
    assert re.search(r"conflict +README.md: .* README.md.rej", done.err)
    rejected = (kit / "README.md.rej").read_text()
    changed = [line for line in rejected.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    old = next(line for line in before.splitlines() if line.startswith("# "))
    assert changed == [f"-{old}", "+# Deployment kit for `customer-service-agent`"]
    assert "# Our own title" in readme.read_text().splitlines()
    (tmp_path / "README.md").write_text(before)
    patch = ["git", "apply", "--unsafe-paths", str(kit / "README.md.rej")]
    subprocess.run(patch, cwd=tmp_path, timeout=30, check=True)
    again = run(TIERED, "-o", kit)
    assert again.returncode == 1
    assert (kit / "README.md.rej").read_text() == rejected
    (kit / "README.md.rej").unlink()
    assert run(TIERED, "-o", kit, "--diff").returncode == 0


def test_a_rej_file_of_the_user_is_never_replaced(kit: Path) -> None:
    conflicting(kit)
    (kit / "README.md.rej").write_text("mine\n")
    assert run(TIERED, "-o", kit, "--conflicts", "rej").returncode == 1
    assert (kit / "README.md.rej").read_text() == "mine\n"
    assert (kit / "README.md.new").exists()


@pytest.mark.parametrize("style", ["markers", "rej"])
def test_force_cleans_up_every_kind_of_conflict(kit: Path, style: str) -> None:
    readme = conflicting(kit)
    assert run(TIERED, "-o", kit, "--conflicts", style).returncode == 1
    assert run(TIERED, "-o", kit, "--force").returncode == 0
    assert "<<<<<<<" not in readme.read_text()
    assert not list(kit.glob("*.rej"))
    assert run(TIERED, "-o", kit, "--diff").returncode == 0


def test_a_directory_of_requirements_gives_a_directory_of_kits(tmp_path: Path) -> None:
    place, kits = tmp_path / "deployments", tmp_path / "deployments" / "kits"
    (place / "team").mkdir(parents=True)
    shutil.copy(STICKY, place / "team" / "support.yaml")
    shutil.copy(EXAMPLES / "pattern-1-single-instance.yaml", place / "one.yml")
    (place / "values.yaml").write_text("image: {tag: latest}\n")
    assert run(place, "-o", kits).returncode == 0
    assert sorted(path.parent.relative_to(kits).as_posix() for path in kits.rglob(LOCK)) == ["one", "team/support"]
    single = tmp_path / "single"
    assert run(STICKY, "-o", single).returncode == 0
    assert tree(single) == tree(kits / "team" / "support")
    # The kits contain requirements files too. A second run finds nothing to do.
    assert run(place, "-o", kits, "--diff").returncode == 0


def test_a_file_without_a_kit_does_not_stop_the_others(tmp_path: Path) -> None:
    place = tmp_path / "deployments"
    place.mkdir()
    shutil.copy(STICKY, place / "good.yaml")
    shutil.copy(STICKY, place / "good.json")
    shutil.copy(ROOT / "tests/report/requirements/contradiction.yaml", place / "never.yaml")
    done = run(place, "-o", tmp_path / "kits")
    assert done.returncode == 2, "good.json is not JSON"
    assert [path.name for path in (tmp_path / "kits").iterdir()] == ["good"]
    (place / "good.json").write_text('{"service": "twice"}')
    done = run(place, "-o", tmp_path / "kits", "--diff")
    assert done.returncode == 2
    assert "already has the kit of" in done.err
    (place / "good.json").unlink()
    done = run(place, "-o", tmp_path / "kits", "--format", "json")
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert [kit["file"] for kit in document["kits"]] == [str(place / "good.yaml")]
    assert [(error["file"], error["code"]) for error in document["errors"]] == [(str(place / "never.yaml"), 3)]


def test_the_diff_of_a_directory_can_be_applied_in_the_folder_of_the_kits(tmp_path: Path) -> None:
    place, kits = tmp_path / "deployments", tmp_path / "kits"
    place.mkdir()
    shutil.copy(STICKY, place / "support.yaml")
    done = run(place, "-o", kits, "--diff")
    assert done.returncode == 1
    assert not kits.exists()
    kits.mkdir()
    subprocess.run(["git", "apply", "--unsafe-paths", "-"], cwd=kits, input=done.stdout, timeout=30, check=True)
    assert (kits / "support" / "server" / "server.py").is_file()


def test_force_resolves_a_conflict(kit: Path) -> None:
    readme = kit / "README.md"
    readme.write_text("ours\n")
    assert run(TIERED, "-o", kit).returncode == 1
    generated = (kit / "README.md.new").read_text()
    assert run(TIERED, "-o", kit, "--force").returncode == 0
    assert readme.read_text() == generated
    assert (kit / "README.md.bak").read_text() == "ours\n"
    assert not (kit / "README.md.new").exists()


def test_a_file_that_left_the_kit_is_deleted_unless_the_user_edited_it(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    assert run(EXAMPLES / "pattern-1-single-instance.yaml", "-o", kit).returncode == 0
    units = sorted(path.name for path in (kit / "systemd").iterdir())
    assert len(units) == 4
    edited = next((kit / "systemd").glob("*@.service"))
    edited.write_text(edited.read_text() + "# mine\n")
    done = run(STICKY, "-o", kit)
    assert done.returncode == 0
    assert [path.name for path in (kit / "systemd").iterdir()] == [edited.name]
    assert f"kept         systemd/{edited.name}: your edits stay; the file is no longer part of the kit" in done.err
    edited.unlink()
    edited.parent.rmdir()
    # The file is part of the kit again: a user file with the same name is left unchanged.
    edited.parent.mkdir()
    edited.write_text("entirely mine\n")
    assert run(EXAMPLES / "pattern-1-single-instance.yaml", "-o", kit).returncode == 1
    assert edited.read_text() == "entirely mine\n"
    assert edited.with_name(f"{edited.name}.new").exists()


def test_force_replaces_edits_and_keeps_a_copy_each_time(kit: Path) -> None:
    server = kit / "server/server.py"
    generated = server.read_text()
    (kit / "README.md").unlink()
    for number, name in enumerate(("server.py.bak", "server.py.bak.2")):
        server.write_text(f"# mine {number}\n")
        done = run(STICKY, "-o", kit, "--force")
        assert done.returncode == 0
        assert server.read_text() == generated
        assert (kit / "server" / name).read_text() == f"# mine {number}\n"
        assert f"your version is in server/{name}" in done.err
    assert (kit / "README.md").exists()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    kit.mkdir()
    (kit / "thesis.txt").write_text("mine\n")
    (kit / "README.md").write_text("mine as well\n")
    done = run(STICKY, "-o", kit)
    assert done.returncode == 2
    assert "--force" in done.err
    assert set(tree(kit)) == {"thesis.txt", "README.md"}
    assert run(STICKY, "-o", kit, "--diff").returncode == 2
    assert run(STICKY, "-o", kit, "--force").returncode == 0
    assert (kit / "thesis.txt").read_text() == "mine\n"
    assert (kit / "README.md.bak").read_text() == "mine as well\n"


def test_a_folder_with_only_the_requirements_file_is_accepted(tmp_path: Path) -> None:
    shutil.copy(STICKY, tmp_path / "requirements.yaml")
    assert run("requirements.yaml", "-o", ".", cwd=tmp_path).returncode == 0
    with (tmp_path / "requirements.yaml").open("a") as file:
        file.write("preference: full-features\n")
    done = run("requirements.yaml", "-o", ".", cwd=tmp_path)
    assert done.returncode == 0
    assert "left" not in done.err
    assert "preference" in (tmp_path / "requirements.yaml").read_text()


def test_a_contradiction_exits_with_3_and_writes_nothing(tmp_path: Path) -> None:
    done = run(INFEASIBLE, "-o", tmp_path / "kit")
    assert done.returncode == 3
    assert "nothing to generate" in done.err
    command = shlex.split(done.err.strip().rpartition("run: ")[2])
    assert command == ["mcp-advisor", "recommend", str(INFEASIBLE)]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.yaml", "-o", "kit"], "cannot be read"),
        (["empty", "-o", "kit"], "contains no .yaml"),
        (["bad.yaml", "-o", "kit"], "bad.yaml:2: scale.instances"),
        (["good.yaml", "-o", "bad.yaml"], "is not a folder"),
        (["good.yaml", "-o", "bad.yaml/kit"], "cannot be"),
        (["good.yaml", "-o", "loop"], "cannot be used"),
        (["good.yaml", "-o", "\udcff\n"], ""),
        (["good.yaml"], "Missing option"),
    ],
)
def test_bad_usage_exits_with_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "bad.yaml").write_text("service: a\nscale: {instances: 0}\n")
    shutil.copy(STICKY, tmp_path / "good.yaml")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty").mkdir()
    before = tree(tmp_path)
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 or not said
    assert said in done.err
    assert tree(tmp_path) == before or not said


@pytest.mark.parametrize("damage", ["", "{}", "not json", '{"schema": "mcp-advisor/lock/9"}', "null"])
def test_a_damaged_lock_file_stops_generate(kit: Path, damage: str) -> None:
    (kit / LOCK).write_text(damage)
    before = tree(kit)
    for more in ([], ["--force"], ["--diff"]):
        done = run(TIERED, "-o", kit, *more)
        assert done.returncode == 2
        assert "is damaged" in done.err
    assert tree(kit) == before


def test_a_lock_file_of_a_later_version_is_left_unchanged(kit: Path) -> None:
    text = (kit / LOCK).read_text().replace("mcp-advisor/lock/1", "mcp-advisor/lock/2")
    (kit / LOCK).write_text(text)
    done = run(TIERED, "-o", kit)
    assert done.returncode == 2
    assert "lock/2" in done.err


def test_windows_line_endings_are_not_an_edit(kit: Path) -> None:
    for path in kit.rglob("*"):
        if path.is_file() and path.name != LOCK:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert run(STICKY, "-o", kit, "--diff").returncode == 0
    done = run(TIERED, "-o", kit)
    assert not re.search("left|merged", done.err)


def test_the_json_report_lists_every_file_and_action(kit: Path) -> None:
    (kit / "tests/client.py").unlink()
    done = run(TIERED, "-o", kit, "--diff", "--format", "json")
    assert done.returncode == 1
    seen = json.loads(done.out)
    assert (seen["schema"], seen["written"], seen["changed"]) == ("mcp-advisor/generation/1", False, True)
    by_path = {file["path"]: file for file in seen["files"]}
    assert by_path["tests/client.py"]["action"] == "deleted"
    assert by_path["compose.yaml"]["diff"].startswith("--- a/compose.yaml\n+++ b/compose.yaml\n")
    done = run(TIERED, "-o", kit, "--format", "json")
    assert done.returncode == 0
    assert {file["action"] for file in json.loads(done.out)["files"]} >= {"updated", "deleted"}


def test_the_requirements_file_is_copied_byte_for_byte(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbf# gr\xc3\xbc\xc3\x9fe\r\nservice: a"
    (tmp_path / "r.yaml").write_bytes(raw)
    assert run("r.yaml", "-o", "kit", cwd=tmp_path).returncode == 0
    assert (tmp_path / "kit/requirements.yaml").read_bytes() == raw
    again = run("kit/requirements.yaml", "-o", "kit", "--diff", cwd=tmp_path)
    assert (again.returncode, again.out) == (0, "")


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_has_a_kit_for_its_platform(tmp_path: Path, example: Path) -> None:
    if example == INFEASIBLE:
        assert run(example, "-o", tmp_path / "kit").returncode == 3
        return
    assert run(example, "-o", tmp_path / "kit").returncode == 0
    platform = yaml.safe_load(example.read_text()).get("environment", {}).get("platform", "kubernetes")
    folders = {path.name for path in (tmp_path / "kit").iterdir() if path.is_dir()}
    assert {"server", "tests"} <= folders
    for other in ("kubernetes", "systemd", "serverless"):
        assert (other in folders) == (platform == other)
    steps = [line for line in (tmp_path / "kit/README.md").read_text().splitlines() if line[:1].isdigit()]
    has_alerts = (tmp_path / "kit/monitoring").exists()
    assert [line[:2] for line in steps] == [f"{number}." for number in range(1, 8 if has_alerts else 7)]
    page = (tmp_path / "kit/DECISION.md").read_text().partition("\n## Origin\n")[0]
    assert len(page.splitlines()) <= 65  # one page, and its origin
    settings = tmp_path / "kit/.env.example"
    assert settings.exists() == (platform != "local")
    text = settings.read_text() if settings.exists() else ""
    secrets = re.findall(r"^(MCP_SEALING_KEYS|MCP_FLEET_KEYS|REDIS_PASSWORD|MCP_LLM_KEY)=(.*)$", text, re.M)
    assert all(value == "" for _, value in secrets)


def test_diff_marks_a_missing_final_newline(kit: Path) -> None:
    text = (kit / "README.md").read_text()
    (kit / "README.md").write_text(text.rstrip("\n"))
    done = run(STICKY, "-o", kit, "--diff", "--force")
    last = text.splitlines()[-1]
    assert f"-{last}\n\\ No newline at end of file\n+{last}\n" in done.out


def test_an_sdk_release_that_generated_servers_do_not_support_is_refused(tmp_path: Path) -> None:
    done = run("-", "-o", tmp_path / "kit", stdin=b"{version: 1, service: old, sdk: mcp==1.9.0}")
    assert done.returncode == 2
    assert "mcp==1.19.0 or newer" in done.err
    assert not (tmp_path / "kit").exists()


def test_only_selected_parts_are_written_and_others_stay(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    assert run(STICKY, "-o", kit, "--only", "proxy, kubernetes").returncode == 0
    assert {path.split("/")[0] for path in tree(kit)} == {"proxy", "kubernetes", ".mcp-advisor.lock"}
    assert run(STICKY, "-o", kit, "--without", "tests").returncode == 0
    assert (kit / "server/server.py").exists()
    assert not (kit / "tests").exists()
    edited = kit / "server/server.py"
    edited.write_text(f"{edited.read_text()}# mine\n")
    done = run(TIERED, "-o", kit, "--only", "proxy")
    assert done.returncode == 0
    assert "mcp_stateful" in (kit / "proxy/server.conf").read_text()
    assert "# mine" in edited.read_text()
    # The next complete run knows the edit, and the versions of the files that the last run left out.
    done = run(TIERED, "-o", kit)
    assert done.returncode == 0, done.err
    assert "# mine" in edited.read_text()
    assert run(TIERED, "-o", kit, "--diff").returncode == 0


@pytest.mark.parametrize(
    ("selection", "says", "missing"),
    [
        (["--only", "proxy,kubernetes"], "recommend", "requirements.yaml"),
        (["--only", "server"], "recommend", "requirements.yaml"),
        (["--only", "documents"], "Next: read", "server/server.py"),
        (["--without", "server"], "parts that you left out: server.", "server/server.py"),
        (["--without", "server,documents"], "recommend", "requirements.yaml"),
    ],
)
def test_the_next_steps_of_a_part_name_only_files_that_exist(
    selection: list[str], says: str, missing: str, tmp_path: Path
) -> None:
    kit = tmp_path / "kit"
    done = run(STICKY, "-o", kit, *selection)
    assert done.returncode == 0
    assert says in done.err
    named = re.findall(rf"{re.escape(str(tmp_path))}\S+(?<![.,:])|\S+/\S+\.(?:md|yaml|py)(?![\w.])", done.err)
    assert named
    assert [name for name in named if not (tmp_path / name).exists() and not (kit / name).exists()] == []
    # `verify` says that this is a part, and how to complete it.
    verified = run_command_for_text("verify", kit)
    assert verified.returncode == 2
    assert f"{kit} has only a part of a kit: {missing} is missing." in verified.stderr
    assert f"mcp-advisor generate FILE -o {kit}" in verified.stderr
    # A later run of the other parts completes the kit, and then its README is the next step again.
    assert "recommend" not in run(STICKY, "-o", kit).err


def test_an_unknown_part_gets_the_nearest_name(tmp_path: Path) -> None:
    done = run(STICKY, "-o", tmp_path / "kit", "--only", "proxi")
    assert done.returncode == 2
    assert "Did you mean 'proxy'?" in done.err
    assert not (tmp_path / "kit").exists()


def test_every_file_of_a_kit_belongs_to_a_part(tmp_path: Path) -> None:
    for number, example in enumerate(sorted(EXAMPLES.glob("*.yaml"))):
        kit = tmp_path / str(number)
        run(example, "-o", kit)
        for path in tree(kit) if kit.exists() else ():
            owners = [part for part, starts in KIT_PARTS.items() if path.startswith(starts)]
            assert path == ".mcp-advisor.lock" or len(owners) == 1, path
