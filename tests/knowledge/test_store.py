"""The knowledge on disk: its folder in a checkout and in an installation, and the cache of the compiled rules."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import advisor
from advisor.errors import KnowledgeError
from advisor.knowledge import cache, load, store
from advisor.knowledge.compiler import compile_rules
from advisor.knowledge.paths import rules_dir, templates_dir

REPOSITORY = Path(advisor.__file__).parents[1]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of rules/ that a test can change."""
    return Path(shutil.copytree(rules_dir(), tmp_path / "rules"))


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, and no cached knowledge in this process."""
    monkeypatch.setenv("MCP_ADVISOR_CACHE", str(tmp_path / "cache"))
    store._load.cache_clear()
    yield tmp_path / "cache"
    store._load.cache_clear()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- the cache ----------------------------------------------------------------------------------------------------


def test_the_cache_is_written_once_and_read_afterwards(rules: Path, kept: Path) -> None:
    first = load(rules)
    (written,) = kept.iterdir()
    assert written.suffix == ".pickle"
    before = written.stat().st_mtime_ns
    store._load.cache_clear()
    assert load(rules) == first
    assert written.stat().st_mtime_ns == before
    assert files(kept) == [written.name]


def test_the_cache_has_the_same_knowledge_as_the_files(rules: Path, kept: Path) -> None:
    load(rules)
    store._load.cache_clear()
    assert load(rules) == compile_rules(rules)


def test_the_knowledge_comes_from_the_cache(rules: Path, kept: Path) -> None:
    load(rules)
    cache.write(cache.fingerprint(rules), replace(load(rules), phrases={"told": "by the cache"}))
    store._load.cache_clear()
    assert load(rules).phrases == {"told": "by the cache"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_cache_that_another_user_owns_is_not_read(rules: Path, kept: Path) -> None:
    cache.write(cache.fingerprint(rules), replace(load(rules), phrases={}))
    os.chown(kept / f"{cache.fingerprint(rules)}.pickle", 65534, 65534)
    store._load.cache_clear()
    assert load(rules).phrases


def test_a_file_that_changes_is_compiled_again(rules: Path, kept: Path) -> None:
    load(rules)
    path = rules / "tables" / "40-session.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            "One process: sessions, because", "Just one process: sessions, because"
        ),
        encoding="utf-8",
    )
    store._load.cache_clear()
    assert (
        load(rules).rules["SES-100"][1].title == "Just one process: sessions, because nothing here speaks against them"
    )
    assert len(files(kept)) == 2


def test_an_added_or_removed_file_is_noticed(rules: Path) -> None:
    names = [cache.fingerprint(rules)]
    (rules / "more.yaml").write_text("phrases: []\n", encoding="utf-8")
    names.append(cache.fingerprint(rules))
    (rules / "more.yaml").rename(rules / "other.yaml")
    names.append(cache.fingerprint(rules))
    (rules / "other.yaml").unlink()
    assert cache.fingerprint(rules) == names[0]
    assert len(set(names)) == 3


def test_old_cache_files_are_deleted(rules: Path, kept: Path) -> None:
    for number in range(12):
        cache.write(f"old{number}", {})
    load(rules)
    assert cache.fingerprint(rules) + ".pickle" in files(kept)
    assert len(files(kept)) <= 8


@pytest.mark.parametrize(
    "content",
    [
        b"",
        pickle.dumps(load())[:1000],
        pickle.dumps(None),
        pickle.dumps({"facts": 1}),
        b"\xff\xfe",
        b"cadvisor.knowledge.store\nNoSuchClass\n.",
    ],
    ids=["empty", "cut", "none", "mapping", "bytes", "class"],
)
def test_a_corrupt_cache_is_ignored_and_replaced(rules: Path, kept: Path, content: bytes) -> None:
    kept.mkdir()
    path = kept / f"{cache.fingerprint(rules)}.pickle"
    path.write_bytes(content)
    assert "SES-100" in load(rules).rules
    assert path.stat().st_size > 10_000


def test_a_read_only_cache_folder_is_not_an_error(rules: Path, kept: Path) -> None:
    kept.write_text("a file where the folder should be", encoding="utf-8")
    assert "SES-100" in load(rules).rules
    assert kept.is_file()


def test_a_cache_file_that_cannot_be_replaced_leaves_nothing_behind(rules: Path, kept: Path) -> None:
    (kept / f"{cache.fingerprint(rules)}.pickle").mkdir(parents=True)
    assert "SES-100" in load(rules).rules
    assert [name for name in files(kept) if name.endswith(".part")] == []


PROGRAM = "import sys; from pathlib import Path; from advisor.knowledge import load\n"
PROGRAM += "print(len(load(Path(sys.argv[1])).rules))"


def run(rules: Path, **environment: str) -> subprocess.Popen[str]:
    env = {**os.environ, **environment}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(rules)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=env
    )


@pytest.mark.thorough
def test_two_concurrent_processes_both_get_the_knowledge(rules: Path, kept: Path) -> None:
    both = [run(rules) for _ in range(2)]
    answers = [process.communicate(timeout=30)[0] for process in both]
    assert answers == [f"{len(load(rules).rules)}\n"] * 2
    assert [process.returncode for process in both] == [0, 0]
    assert files(kept) == [f"{cache.fingerprint(rules)}.pickle"]


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that every user can read. Each run of pytest closes the folders of pytest for other users again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs file permissions")
def test_a_user_without_write_permission_gets_the_knowledge(readable: Path, rules: Path) -> None:
    rules = shutil.copytree(rules, readable / "rules")
    locked = readable / "locked"
    locked.mkdir(mode=0o555)
    # Root can write everywhere, so as root this test runs in a process of the user `nobody`. This user might have no
    # permission to read the library of the interpreter, so the process imports everything first, by compiling once.
    drop = (
        "import os, sys; from pathlib import Path; from advisor.knowledge.compiler import compile_rules\n"
        "compile_rules(Path(sys.argv[1]))\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    )
    env = {**os.environ, "MCP_ADVISOR_CACHE": str(locked / "cache")}
    command = [sys.executable, "-c", drop + PROGRAM, str(rules)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, env=env, check=False)
    assert (done.stdout, done.returncode) == (f"{len(compile_rules(rules).rules)}\n", 0), done.stderr
    assert list(locked.iterdir()) == []


def test_rules_that_cannot_be_read_are_an_error_of_the_knowledge(rules: Path, kept: Path) -> None:
    (rules / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(KnowledgeError, match=f"rules/: .*{rules}/loop.yaml"):
        load(rules)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"MCP_ADVISOR_CACHE": "/x/y", "XDG_CACHE_HOME": "/z"}, "/x/y"),
        ({"XDG_CACHE_HOME": "/z"}, "/z/mcp-advisor"),
        ({"HOME": "/home/ann"}, "/home/ann/.cache/mcp-advisor"),
    ],
)
def test_the_cache_folder_follows_the_environment_variables(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("MCP_ADVISOR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache.cache_dir() == Path(expected)


# --- where the files are ------------------------------------------------------------------------------------------


def test_in_a_checkout_the_knowledge_is_next_to_the_package() -> None:
    assert (rules_dir(), templates_dir()) == (REPOSITORY / "rules", REPOSITORY / "templates")


def test_installed_the_knowledge_is_inside_the_package(tmp_path: Path) -> None:
    """The folder of an unpacked wheel contains only the package with its data."""
    site = tmp_path / "site-packages"
    shutil.copytree(REPOSITORY / "advisor", site / "advisor", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("rules", "templates"):
        shutil.copytree(REPOSITORY / name, site / "advisor" / "_data" / name)
    program = (
        "from advisor.knowledge import load, paths; print(paths.rules_dir(), paths.templates_dir(), len(load().rules))"
    )
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path, env=env
    )
    data = site / "advisor" / "_data"
    assert done.stdout.split() == [str(data / "rules"), str(data / "templates"), str(len(load().rules))]


# --- lookups ------------------------------------------------------------------------------------------------------


def test_a_table_can_be_found_by_its_role() -> None:
    knowledge = load()
    assert knowledge.table_of_role("cell").table == "delivery"
    assert knowledge.table_of_role("finding").table == "warnings"
    with pytest.raises(KnowledgeError, match="no table has the role 'judge'"):
        knowledge.table_of_role("judge")


def test_every_rule_can_be_found_with_its_table() -> None:
    knowledge = load()
    assert knowledge.rules["SES-100"][0].table == "session"
    assert len(knowledge.rules) == sum(len(table.rules) for table in knowledge.tables.values())
