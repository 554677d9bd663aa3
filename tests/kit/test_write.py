"""Killed at any touch of the disk, the kit is the old one or the new one, and nothing of the user's is lost."""

import os
import subprocess
import sys
from pathlib import Path

import dying
import pytest

from advisor.errors import EnvironmentLacksError, UsageError
from advisor.kit.model import KitFile
from advisor.kit.sync.directory_lock import WAIT_S, directory_lock
from advisor.kit.sync.generate import generate, preview
from advisor.kit.sync.kit_paths import LOCK, STAGE, is_inside

retried = pytest.mark.retried("The other process has a deadline of seconds for its start and its end.")

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
EXAMPLE = "examples/saas-b2b.yaml"
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}


def tree(root):
    """Path → (content, mode) of every file; what a run prepares is not part of the kit."""
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != STAGE]
        for name in names:
            path = Path(folder, name)
            files[path.relative_to(root).as_posix()] = (path.read_bytes(), path.stat().st_mode)
    return files


def everything(root):
    """The same with what a run prepares, and with every folder: nothing may be left over."""
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*")}
    return {name: (path.read_bytes() if path.is_file() else None, path.stat().st_mode) for name, path in found.items()}


def python(*arguments, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=ENVIRONMENT, text=True, **options)


def ended(process, timeout=90):
    """What it said on stderr, and its exit code."""
    _, said = process.communicate(timeout=timeout)
    return said, process.returncode


def killed(scenario, work, victim="everything"):
    """The folders that processes left, each killed one point later, and the one of the process that came through."""
    said, code = ended(python(str(HERE / "dying.py"), scenario, victim, str(work)), timeout=300)
    assert code == 0, said
    folders = sorted((path for path in work.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    assert len(folders) > 15
    return folders[:-1], folders[-1]


def test_a_kit_that_is_not_there_yet_appears_at_once_or_not_at_all(tmp_path):
    dead, finished = killed("fresh", tmp_path)
    new = tree(finished / "kit")
    assert set(new) == {one.path for one in dying.AFTER} | {LOCK}
    seen = set()
    for folder in dead:
        there = (folder / "kit").exists()
        seen.add(there)
        if there:
            assert tree(folder / "kit") == new
        dying.run(folder / "kit", "fresh")
        assert tree(folder / "kit") == new
        assert [path.name for path in folder.iterdir()] == ["kit"]
    assert False in seen


@pytest.mark.parametrize("victim", ["command", "group", "interrupted"])
@pytest.mark.parametrize("scenario", ["fresh", "empty", "update", "force"])
def test_whoever_kills_the_command_finds_the_old_kit_or_the_new_one_and_nothing_else(tmp_path, scenario, victim):
    dead, finished = killed(scenario, tmp_path, victim)
    old, new = everything(tmp_path / "start"), everything(finished)
    assert {seen == new for seen in map(everything, dead)} == {True, False}
    for folder in dead:
        assert everything(folder) in (old, new), folder


@pytest.mark.parametrize("scenario", ["fresh", "empty", "update", "force"])
def test_the_command_completes_what_the_process_that_writes_did_not(tmp_path, scenario):
    dead, finished = killed(scenario, tmp_path, "writer")
    for folder in dead:
        assert everything(folder) == everything(finished), folder


@pytest.mark.parametrize("scenario", ["fresh", "update", "force"])
def test_who_ignores_the_end_of_children_gets_the_same_kit(tmp_path, scenario):
    for name, action in (("ignored", "signal.SIG_IGN"), ("plain", "signal.SIG_DFL")):
        dying.prepare(tmp_path / name / "kit", scenario)
        script = (
            f"import dying, signal\nfrom pathlib import Path\nsignal.signal(signal.SIGCHLD, {action})\n"
            f"dying.run(Path({str(tmp_path / name / 'kit')!r}), {scenario!r})"
        )
        assert ended(python("-c", script)) == ("", 0)
    assert everything(tmp_path / "ignored") == everything(tmp_path / "plain")


def test_an_error_of_the_process_that_writes_is_that_of_the_command(tmp_path):
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    (kit / STAGE).write_text("in the way\n")
    with pytest.raises(UsageError, match=STAGE):
        generate(dying.AFTER, b"", kit)
    assert (kit / STAGE).read_text() == "in the way\n"
    assert (kit / "plain.txt").read_text() == "plain, before\n"


@pytest.mark.parametrize("scenario", ["update", "force", "empty"])
def test_a_kit_that_is_there_is_the_old_one_or_the_new_one(tmp_path, scenario):
    dead, finished = killed(scenario, tmp_path)
    old, new = tree(tmp_path / "start/kit"), tree(finished / "kit")
    states = set()
    for folder in dead:
        kit = folder / "kit"
        begun = (kit / STAGE / "journal.json").exists()
        found = tree(kit)
        states.add("between" if begun else "old" if found == old else "new")
        if not begun:
            assert found in (old, new)
        for path, file in found.items():
            assert file in (old.get(path), new.get(path)), path
        # Whoever looks sees all of the old one or all of the new one, without writing anything.
        looked = preview(dying.AFTER, kit, force=scenario == "force")
        assert looked.changed == (not begun and found == old)
        assert tree(kit) == found
        dying.run(kit, scenario)
        assert tree(kit) == new
        assert not (kit / STAGE).exists()
    assert states == {"old", "between", "new"}


@pytest.mark.parametrize("scenario", ["update", "force"])
def test_nothing_of_the_users_is_lost(tmp_path, scenario):
    _, finished = killed(scenario, tmp_path)
    found = {path: content.decode() for path, (content, _) in tree(finished / "kit").items()}
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


@pytest.mark.parametrize("scenario", ["update", "force", "empty"])
@pytest.mark.parametrize("content", [b"", b"\0\0\0"])
def test_files_that_lost_their_content_with_the_power_get_it_from_the_journal(tmp_path, scenario, content):
    dead, finished = killed(scenario, tmp_path)
    new = tree(finished / "kit")
    begun = [folder / "kit" for folder in dead if (folder / "kit" / STAGE / "journal.json").exists()]
    assert begun
    for kit in begun:
        staged = sorted((kit / STAGE).glob("[0-9]*"))
        done = [kit / path for path, file in tree(kit).items() if file == new.get(path) and file != old(tmp_path, path)]
        for path in (*staged, *done):
            path.write_bytes(content)
        dying.run(kit, scenario)
        assert tree(kit) == new


def old(work, path):
    return tree(work / "start/kit").get(path)


def test_an_edit_made_before_the_next_run_survives_its_completion(tmp_path):
    dead, _ = killed("update", tmp_path)
    begun = [folder / "kit" for folder in dead if (folder / "kit" / STAGE / "journal.json").exists()]
    assert begun
    for kit in begun:
        (kit / "plain.txt").write_text("edited after the crash\n")
        (kit / "new/deep").mkdir(parents=True, exist_ok=True)
        (kit / "new/deep/added.txt").write_text("mine as well\n")
        dying.run(kit, "update")
        found = {path: content.decode() for path, (content, _) in tree(kit).items()}
        assert found["plain.txt"] == "edited after the crash\n"
        assert found["new/deep/added.txt"] == "mine as well\n"
        assert "line thirty\n" in found["edited.txt"]


def test_programs_can_be_run_and_a_mode_that_the_user_set_stays(tmp_path):
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
def test_no_name_leads_outside(tmp_path, path):
    assert not is_inside(path)
    kit = tmp_path / "kit"
    with pytest.raises(UsageError):
        generate([KitFile(path, "x\n")], b"", kit)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("link", ["plain.txt", "sub", "new", LOCK, STAGE, "fought.txt"])
@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_written_through_a_link(tmp_path, link, force):
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


def test_a_lock_or_journal_from_elsewhere_cannot_lead_outside(tmp_path):
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    (tmp_path / "precious.txt").write_text("gone soon\n")
    lock = (kit / LOCK).read_text().replace("sub/gone.txt", "../precious.txt")
    (kit / LOCK).write_text(lock)
    with pytest.raises(UsageError, match="not a plain path"):
        generate(dying.AFTER, b"", kit)
    (kit / LOCK).unlink()
    (kit / STAGE).mkdir()
    journal = kit / STAGE / "journal.json"
    journal.write_text('{"steps": [{"path": "../precious.txt", "before": null, "after": null, "executable": false}]}')
    with pytest.raises(UsageError, match="not a plain path"):
        generate(dying.AFTER, b"", kit)
    for damage in ("{", "null", '{"steps": [{"path": "x"}]}', '{"steps": [{"path": "x", "before": 1, "after": 2}]}'):
        journal.write_text(damage)
        with pytest.raises(UsageError, match="damaged"):
            generate(dying.AFTER, b"", kit)
    assert (tmp_path / "precious.txt").read_text() == "gone soon\n"


@retried
def test_the_second_of_two_waits_and_then_says_so(tmp_path):
    kit = tmp_path / "kit"
    generate(dying.BEFORE, b"", kit)
    hold = (
        "from advisor.kit.sync.directory_lock import exclusive\nfrom pathlib import Path\nimport sys\n"
        f"with exclusive(Path({str(kit)!r})):\n    print('held', flush=True); sys.stdin.read()"
    )
    with python("-c", hold, stdin=subprocess.PIPE) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(EnvironmentLacksError, match="Another mcp-advisor"), directory_lock(kit, wait_s=0.2):
            pass
        before = tree(kit)
        said, code = ended(python("-m", "advisor", "generate", EXAMPLE, "-o", str(kit)), timeout=WAIT_S + 60)
        assert code == 4
        assert "Another mcp-advisor is writing" in said
        assert tree(kit) == before
        other.stdin.close()  # the holder ends, and with it its hold
        assert other.wait(timeout=30) == 0
    generate(dying.AFTER, b"", kit)


@retried
def test_many_at_once_leave_one_whole_kit(tmp_path):
    command = ["-m", "advisor", "generate", EXAMPLE, "-o"]
    for process in [python(*command, str(tmp_path / "many/kit")) for _ in range(4)]:
        said, code = ended(process)
        assert code == 0, said
    assert ended(python(*command, str(tmp_path / "alone")))[1] == 0
    assert tree(tmp_path / "many/kit") == tree(tmp_path / "alone")


def test_a_full_disk_leaves_the_old_kit(tmp_path):
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
