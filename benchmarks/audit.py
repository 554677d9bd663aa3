"""`audit` of a folder, next to a linter of each part: gixy of nginx, ruff of Python, checkov of Kubernetes."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from advisor.knowledge import Knowledge, load
from benchmarks import scan

FILES, MEGABYTES, SECONDS, RUNS = 200, 300, 5, 2
PACKAGES = ("gixy", "checkov")
ENVIRONMENT = Path(tempfile.gettempdir(), "mcp-advisor-bench")
_MAIN = "events {{}}\nhttp {{\n{text}\n}}\n"


class Measured(NamedTuple):
    """A process: its wall time and CPU time in seconds, and the most memory that it used, in megabytes."""

    wall: float
    processor: float
    memory: float


def audited() -> None:
    """1,000 Python files and 200 files of nginx and Kubernetes, with their servers and proxies from rules/findings."""
    knowledge = load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = scan.write(folder, knowledge)
        proxies, manifests = folder / "proxies", folder / "manifests"
        nginx = _written(proxies, knowledge, ("nginx.conf",))
        _written(
            manifests, knowledge, ("deployment.yaml", "service.yaml", "ingress.yaml", "kubernetes.yaml", "hpa.yaml")
        )
        program = str(Path(sys.executable).with_name("mcp-advisor"))
        commands = {
            f"audit of {count} Python files and {FILES} others": [program, "audit", str(folder)],
            "gixy of the nginx part": [_linter("gixy"), *map(str, nginx)],
            "ruff of the Python part": [_ruff(), "check", "--isolated", "--no-cache", str(folder)],
            "checkov of the Kubernetes part": [
                *(_linter("checkov"), "--directory", str(manifests), "--framework", "kubernetes"),
                *("--quiet", "--compact", "--skip-download"),
            ],
        }
        for label, command in commands.items():
            found = min((measured(command) for _ in range(RUNS)), key=lambda each: each.processor)
            aim = f"   (aim: {SECONDS} s, {MEGABYTES} MB)" if label.startswith("audit") else ""
            print(
                f"  {label}: {found.wall:.1f} s, {found.processor:.1f} s of CPU time, {found.memory:.0f} MB{aim}",
                flush=True,
            )


def measured(command: list[str]) -> Measured:
    """Run a command and measure it. Its exit code says whether it found something, so it does not count."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = 0  # wait4 has taken the exit code
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _written(folder: Path, knowledge: Knowledge, names: tuple[str, ...]) -> list[Path]:
    """Write half of the files, from the examples of findings with these names, and return them."""
    texts = list(_examples(knowledge, names))
    found = []
    for number in range(FILES // 2):
        name, text = texts[number % len(texts)]
        place = folder / str(number) / name
        place.parent.mkdir(parents=True)
        is_part = name == "nginx.conf" and "http {" not in text
        place.write_text(_MAIN.format(text=text) if is_part else text, encoding="utf-8")
        found.append(place)
    return found


def _examples(knowledge: Knowledge, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for kind in knowledge.findings.values():
        for _, files in kind.examples:
            yield from ((name, text) for name, text in files.items() if name in names)


def _linter(name: str) -> str:
    program = ENVIRONMENT / "bin" / name
    if not program.exists():
        packages = " ".join(PACKAGES)
        sys.exit(
            f"{name} is missing. To install it: {sys.executable} -m venv {ENVIRONMENT} && "
            f"{ENVIRONMENT}/bin/pip install {packages}"
        )
    return str(program)


def _ruff() -> str:
    near = Path(sys.executable).with_name("ruff")
    found = str(near) if near.exists() else shutil.which("ruff")
    return found or sys.exit(f"ruff is missing. To install it: {sys.executable} -m pip install -e '.[dev]'")
