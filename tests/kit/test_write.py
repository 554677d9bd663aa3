"""If a run stops at any access to the disk, every file is old or new as a unit, and no edit of the user is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import dying
import pytest
from running import run_command_for_text

from advisor.errors import EnvironmentLacksError, UsageError
from advisor.kit.model import KitFile
from advisor.kit.sync import generate as generation
from advisor.kit.sync.directory_lock import directory_lock
from advisor.kit.sync.generate import generate, preview
from advisor.kit.sync.kit_folder import KitFolder
from advisor.kit.sync.kit_paths import LOCK, STAGE, is_inside
from advisor.kit.sync.lock_file import parse

retried = pytest.mark.retried("The other process has a deadline of seconds for its start and its end.")

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
EXAMPLE = "examples/saas-b2b.yaml"
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}


def tree(root: Path) -> dict[str, tuple[bytes, int]]:
    """Path → (content, mode) of every file of the kit, without the work files of a run."""
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != STAGE]
        for name in names:
            path = Path(folder, name)
            files[path.relative_to(root).as_posix()] = (path.read_bytes(), path.stat().st_mode)
    return files


def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=ENVIRONMENT, text=True, **options)


def ended(process: subprocess.Popen[str], timeout: float = 90) -> tuple[str, int]:
    """Wait for the end of a process; returns its text on stderr and its exit code."""
    _, said = process.communicate(timeout=timeout)
    return said, process.returncode


# The default tests stop the scenario that has the most kinds of files: an update of a kit with the user's edits.
WEEKLY = [pytest.mark.thorough, pytest.mark.weekly]
SCENARIOS = [
    "update",
    pytest.param("fresh", marks=pytest.mark.thorough),
    *(pytest.param(name, marks=WEEKLY) for name in ("empty", "force")),
]


# A second stop is tested where all kinds of files exist, and where no kit exists.
KILLED = [
    ("update", "killed"),
    pytest.param("fresh", "killed", marks=pytest.mark.thorough),
    *(pytest.param(name, "killed", marks=WEEKLY) for name in ("empty", "force")),
    pytest.param("update", "killed-twice", marks=pytest.mark.thorough),
    pytest.param("fresh", "killed-twice", marks=WEEKLY),
]


class Runs(NamedTuple):
    """The folder before each run, the folders of the stopped runs in order, and the folder of the complete run."""

    start: Path
    dead: list[Path]
    finished: Path


def runs_in(work: Path) -> Runs:
    folders = sorted((path for path in work.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    assert len(folders) > 40
    return Runs(work / "start", folders[:-1], folders[-1])


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Runs]:
    """A function that starts the runs of a scenario the first time, and returns them. Tests only read them."""

    @cache
    def stopped_(scenario: str, stop: str = "killed") -> Runs:
        work = tmp_path_factory.mktemp(f"{scenario}-{stop}")
        said, code = ended(python(str(HERE / "dying.py"), scenario, stop, str(work)), timeout=300)
        assert code == 0, said
        return runs_in(work)

    return stopped_


@pytest.fixture
def stopped_copy(stopped: Callable[..., Runs], tmp_path: Path) -> Callable[..., Runs]:
    """A function that returns a copy of the runs, which the test can change."""

    def copy(scenario: str, stop: str = "killed") -> Runs:
        shutil.copytree(stopped(scenario, stop).start.parent, tmp_path / "runs")
        return runs_in(tmp_path / "runs")

    return copy


@pytest.mark.parametrize(("scenario", "stop"), KILLED)
def test_a_killed_run_leaves_complete_files_and_the_next_run_finishes_it(
    stopped_copy: Callable[..., Runs], scenario: str, stop: str
) -> None:
    start, dead, finished = stopped_copy(scenario, stop)
    old, new, after = tree(start), tree(finished), dying.contents(finished)
    if scenario in ("fresh", "empty"):
        assert set(new) == {f"kit/{file.path}" for file in (*dying.AFTER, KitFile(LOCK, ""))}
    states = set()
    for folder in dead:
        found = tree(folder)
        states.add("old" if found == old else "new" if found == new else "between")
        for path in old.keys() | new.keys() | found.keys():
            if path != f"kit/{LOCK}":
                assert found.get(path) in (old.get(path), new.get(path)), (folder, path)
        lock = found.get(f"kit/{LOCK}")
        if lock not in (None, old.get(f"kit/{LOCK}")):
            # The lock file is written last. A second run first writes a lock file of the present state.
            assert found == new or (stop == "killed-twice" and parse(lock[0], LOCK)), folder
        dying.run(folder / "kit", scenario)
        assert dying.contents(folder) == after, folder
    assert states == {"old", "between", "new"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_interrupted_run_leaves_the_old_kit_or_the_new_one(stopped_copy: Callable[..., Runs], scenario: str) -> None:
    start, interrupted, finished = stopped_copy(scenario, "interrupted")
    old, new, after = tree(start), tree(finished), dying.contents(finished)
    left = {folder: tree(folder) for folder in interrupted}
    assert {found == new for found in left.values()} == {True, False}
    for folder, found in left.items():
        assert found in (old, new), folder
        dying.run(folder / "kit", scenario)
        assert dying.contents(folder) == after, folder


@pytest.mark.parametrize("scenario", SCENARIOS[:-1])
def test_after_a_killed_run_another_kit_contains_no_file_of_the_killed_run(
    stopped_copy: Callable[..., Runs], scenario: str
) -> None:
    for kit in (folder / "kit" for folder in stopped_copy(scenario).dead):
        generate(dying.LATER, b"later", kit)
        found = {path: content.decode() for path, (content, _) in tree(kit).items()}
        left = {"foreign.txt", "fought.txt", "edited.txt.new", "fought.txt.new"} if scenario == "update" else set()
        assert found.keys() - left == {file.path for file in dying.LATER} | {LOCK}, kit
        assert (found["plain.txt"], found["run.sh"]) == ("plain, later\n", "#!/bin/sh\nexit 1\n"), kit
        mine = "line three, mine\n" if scenario == "update" else "line 3\n"
        expected = dying.LONG.replace("line 3\n", mine).replace("line 20\n", "line twenty\n")
        assert found["edited.txt"] == expected, kit


def test_diff_after_a_killed_run_shows_the_remaining_changes_and_writes_nothing(stopped: Callable[..., Runs]) -> None:
    _, dead, finished = stopped("update")
    new = tree(finished / "kit")
    for folder in dead:
        before = dying.contents(folder)
        changes = preview(dying.AFTER, folder / "kit").changes
        assert dying.contents(folder) == before
        left = any(write.before != write.after for change in changes for write in change.writes)
        assert left == ({**tree(folder / "kit"), LOCK: new[LOCK]} != new)


def test_a_user_file_at_the_path_of_the_work_folder_is_left_unchanged(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    (kit / STAGE).write_text("in the way\n")
    with pytest.raises(UsageError, match=STAGE):
        generate(dying.AFTER, b"", kit)
    assert (kit / STAGE).read_text() == "in the way\n"
    assert (kit / "plain.txt").read_text() == "plain, before\n"


def test_a_file_that_changes_while_the_kit_is_written_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    prepare = KitFolder._prepare

    def edited_meanwhile(self: KitFolder, write: Any, staged: Any) -> Any:
        (kit / "plain.txt").write_text("edited meanwhile\n")
        return prepare(self, write, staged)

    monkeypatch.setattr(KitFolder, "_prepare", edited_meanwhile)
    with pytest.raises(UsageError, match="Another program changed"):
        generate(dying.AFTER, b"", kit)
    assert (kit / "plain.txt").read_text() == "edited meanwhile\n"
    monkeypatch.undo()
    generate(dying.AFTER, b"", kit)
    assert (kit / "plain.txt").read_text() == "edited meanwhile\n"
    assert (kit / "plain.txt.new").read_text() == "plain, after\n"


@pytest.mark.parametrize("scenario", [SCENARIOS[0], SCENARIOS[-1]])
def test_no_edit_of_the_user_is_lost(stopped: Callable[..., Runs], scenario: str) -> None:
    kit = stopped(scenario).finished / "kit"
    found = {path: content.decode() for path, (content, _) in tree(kit).items()}
    assert found["foreign.txt"] == "mine too\n"
    assert "sub/gone.txt" not in found
    if scenario == "force":
        assert found["edited.txt.bak"] == dying.EDITS["edited.txt"]
        assert found["fought.txt.bak"] == "mine\n"
        assert found["fought.txt"] == "after\n"
        assert found["sub/deleted.txt"] == "deleted by the user, after\n"
    else:
        assert "line three, mine\n" in found["edited.txt"]
        assert "line thirty\n" in found["edited.txt"]
        assert found["fought.txt"] == "mine\n"
        assert found["fought.txt.new"] == "after\n"
        assert "sub/deleted.txt" not in found


def test_an_edit_after_a_killed_run_survives_the_next_run(stopped_copy: Callable[..., Runs]) -> None:
    for kit in (folder / "kit" for folder in stopped_copy("update").dead):
        (kit / "plain.txt").write_text("edited after the crash\n")
        (kit / "new/deep").mkdir(parents=True, exist_ok=True)
        (kit / "new/deep/added.txt").write_text("mine as well\n")
        dying.run(kit, "update")
        found = {path: content.decode() for path, (content, _) in tree(kit).items()}
        assert found["plain.txt"] == "edited after the crash\n"
        assert found["new/deep/added.txt"] == "mine as well\n"
        assert "line thirty\n" in found["edited.txt"]
        assert "line three, mine\n" in found["edited.txt"]


def test_programs_are_executable_and_file_modes_of_the_user_stay(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    assert os.access(kit / "run.sh", os.X_OK)
    assert not os.access(kit / "plain.txt", os.X_OK)
    (kit / "plain.txt").chmod(0o600)
    generate(dying.AFTER, b"", kit)
    assert (kit / "plain.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "path",
    ["../x", "/x", "a/../../x", "a//x", "./x", "", "a/", "c:x", "a\\..\\x", "a\nb", "x" * 300, f"{STAGE}/0", "\x00"],
)
def test_no_file_name_leads_outside_the_kit(tmp_path: Path, path: str) -> None:
    assert not is_inside(path)
    kit = tmp_path / "kit"
    with pytest.raises(UsageError):
        generate([KitFile(path, "x\n")], b"", kit)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("link", ["plain.txt", "sub", "new", LOCK, STAGE, "fought.txt"])
@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_written_through_a_symbolic_link(tmp_path: Path, link: str, force: bool) -> None:
    kit, outside = tmp_path / "kit", tmp_path / "outside"
    generate(dying.BEFORE, b"", kit)
    outside.mkdir()
    (outside / "precious.txt").write_text("precious\n")
    place = kit / link
    if place.is_dir():
        place.rename(outside / "moved")
    place.unlink(missing_ok=True)
    place.symlink_to(outside if link in ("sub", "new", STAGE) else outside / "precious.txt")
    before = tree(outside)
    with pytest.raises(UsageError, match="symbolic link"):
        generate(dying.AFTER, b"", kit, force=force)
    assert tree(outside) == before
    assert (kit / "plain.txt").is_symlink() or (kit / "plain.txt").read_text() == "plain, before\n"


def test_a_foreign_lock_file_cannot_lead_outside_the_kit(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    (tmp_path / "precious.txt").write_text("gone soon\n")
    lock = (kit / LOCK).read_text().replace("sub/gone.txt", "../precious.txt")
    (kit / LOCK).write_text(lock)
    with pytest.raises(UsageError, match="not a plain path"):
        generate(dying.AFTER, b"", kit)
    (kit / LOCK).unlink()
    (kit / STAGE).mkdir()
    (kit / STAGE / LOCK).write_text(lock)
    generate(dying.AFTER, b"", kit, force=True)
    assert (tmp_path / "precious.txt").read_text() == "gone soon\n"


@retried
def test_a_second_run_waits_for_the_first_and_reports_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    hold = (
        "from advisor.kit.sync.directory_lock import directory_lock\nfrom pathlib import Path\nimport sys\n"
        f"with directory_lock(Path({str(kit)!r})):\n    print('held', flush=True); sys.stdin.read()"
    )
    with python("-c", hold, stdin=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(EnvironmentLacksError, match="Another mcp-advisor"), directory_lock(kit, wait_s=0.2):
            pass
        before = tree(kit)
        monkeypatch.setattr(generation, "directory_lock", partial(directory_lock, wait_s=0.2))
        done = run_command_for_text("generate", ROOT / EXAMPLE, "-o", kit)
        assert done.returncode == 4
        assert "Another mcp-advisor is writing" in done.stderr
        assert tree(kit) == before
        other.stdin.close()  # the holder ends and releases its lock
        assert other.wait(timeout=30) == 0
    generate(dying.AFTER, b"", kit)


@pytest.mark.thorough
@retried
def test_many_concurrent_runs_leave_one_complete_kit(tmp_path: Path) -> None:
    command = ["-m", "advisor", "generate", EXAMPLE, "-o"]
    for process in [python(*command, str(tmp_path / "many/kit")) for _ in range(4)]:
        said, code = ended(process)
        assert code == 0, said
    assert ended(python(*command, str(tmp_path / "alone")))[1] == 0
    assert tree(tmp_path / "many/kit") == tree(tmp_path / "alone")


def test_everything_is_flushed_before_the_first_file_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the flushes, a power failure could leave an empty file under the name of a complete one."""
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    log: list[str] = []

    def flushed(handle: int) -> None:
        log.append(f"flush {Path(f'/proc/self/fd/{handle}').readlink().relative_to(tmp_path)}")

    def replaced(self: Path, target: Path) -> Path:
        log.append(f"replace {Path(target).relative_to(tmp_path)}")
        return rename(self, target)

    rename = Path.replace
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", replaced)
    generate(dying.AFTER, b"", kit)
    first = next(index for index, line in enumerate(log) if line.startswith("replace"))
    files = [file.path for file in dying.AFTER if file not in dying.BEFORE]
    staged = [line for line in log[:first] if line.startswith(f"flush kit/{STAGE}/")]
    assert len(set(staged)) == len(files) + 1  # with the lock file
    assert log[first - 1] == f"flush kit/{STAGE}"
    assert {line for line in log if line.startswith("replace")} == {f"replace kit/{path}" for path in (*files, LOCK)}
    lock = log.index(f"replace kit/{LOCK}")
    assert {f"flush {Path('kit', path).parent}" for path in files} <= set(log[first:lock])
    assert log[lock + 1 :] == ["flush kit"]


def test_a_full_disk_leaves_the_old_kit(tmp_path: Path) -> None:
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    before = tree(kit)
    limited = (
        "import resource, signal\nimport dying\nfrom pathlib import Path\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        f"dying.run(Path({str(kit)!r}), 'update')"
    )
    said, _ = ended(python("-c", limited))
    assert "cannot be written: file too large" in said
    assert tree(kit) == before
    assert not (kit / STAGE).exists()
