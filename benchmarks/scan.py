"""How many files of a folder the scan reads in a second, and how many the parser of Python alone."""

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


def write(folder: Path, knowledge: Knowledge) -> int:
    """Write the files and return their number."""
    code = [kind for kind in knowledge.findings.values() if kind.subject == "code"]
    examples = [text for kind in code for _, files in kind.examples for text in files.values()]
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


def _parse(folder: Path) -> None:
    sys.setrecursionlimit(10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in folder.rglob("*.py"):
            ast.parse(path.read_bytes())
