"""How many files of a folder the scan reads in a second, in Python and TypeScript."""

import ast
import shutil
import sys
import sysconfig
import tempfile
import time
import warnings
from pathlib import Path

from advisor.audits.server_code import findings
from advisor.knowledge import Knowledge, load
from advisor.sources.code_scan import scan

FILES, SERVERS, RUNS = 1000, 50, 5


def scanned() -> None:
    """A folder with 1,000 Python files: installed packages, with 50 servers among them."""
    knowledge = load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = write(folder, knowledge)
        times, parse = [], []
        for _ in range(RUNS):
            started = time.perf_counter()
            tree = scan(folder, knowledge)
            findings(tree, knowledge)
            times.append(time.perf_counter() - started)
            started = time.perf_counter()
            _parse(folder)
            parse.append(time.perf_counter() - started)
        best = min(times)
        print(f"  {count} files, {len(tree.servers)} servers: {best:.2f} s, {count / best:,.0f} files/s   (aim: 300)")
        print(f"  the parser of Python alone: {min(parse):.2f} s, {count / min(parse):,.0f} files/s")
    _typescript(knowledge)


def _typescript(knowledge: Knowledge) -> None:
    """A folder with TypeScript servers only, so that the scan parses every file."""
    examples = _examples(knowledge, "server.ts")
    with tempfile.TemporaryDirectory() as name:
        for number in range(SERVERS):
            place = Path(name, f"server_{number}")
            place.mkdir()
            (place / "server.ts").write_text(examples[number % len(examples)], encoding="utf-8")
        times = []
        for _ in range(RUNS):
            started = time.perf_counter()
            tree = scan(Path(name), knowledge)
            findings(tree, knowledge)
            times.append(time.perf_counter() - started)
    best = min(times)
    print(f"  {SERVERS} TypeScript servers: {best:.2f} s, {SERVERS / best:,.0f} files/s   (aim: 300)")


def write(folder: Path, knowledge: Knowledge) -> int:
    """Write the files and return their number."""
    examples = _examples(knowledge, "server.py")
    for number in range(SERVERS):
        place = folder / f"server_{number}"
        place.mkdir()
        (place / "server.py").write_text(examples[number % len(examples)], encoding="utf-8")
    packages = Path(sysconfig.get_paths()["purelib"])
    found = [path for path in sorted(packages.rglob("*.py")) if "test" not in str(path.relative_to(packages))]
    step = max(len(found) // (FILES - SERVERS), 1)
    chosen = found[::step][: FILES - SERVERS]
    for path in chosen:
        copy = folder / "packages" / path.relative_to(packages)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return SERVERS + len(chosen)


def _examples(knowledge: Knowledge, name: str) -> list[str]:
    """Return the examples of findings about code that are a file with this name."""
    code = [kind for kind in knowledge.findings.values() if kind.subject == "code"]
    return [files[name] for kind in code for _, files in kind.examples if name in files]


def _parse(folder: Path) -> None:
    sys.setrecursionlimit(10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in folder.rglob("*.py"):
            ast.parse(path.read_bytes())
