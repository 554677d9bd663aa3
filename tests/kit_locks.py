"""Writes templates/kit/locks: the exact releases of the packages of kits. `make kit-locks` runs this module.

The newest release of each SDK line gets a file. An older release gets its own file only if it does not work with
the packages of the next newer file. uv asks the package index for the releases.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile

from advisor.kit.locks import lock_folder, of_release
from advisor.kit.spans import creates_spans
from advisor.knowledge import Knowledge, load
from advisor.knowledge.capabilities import SdkLine
from advisor.knowledge.versions import at_least
from advisor.lab.process import package_index, programs
from advisor.lab.process.run import Run


def companions(knowledge: Knowledge, line: str, version: str) -> list[str]:
    """The requirements for other packages that a release of an SDK line needs."""
    return [each.requirement for each in knowledge.sdks[line].companions if not at_least(version, each.before)]


def resolved(wanted: list[str], python: str, limits: list[str]) -> list[str] | None:
    """The exact releases for requirements, or None if there are none within the limits."""
    command: list[str] = [str(programs.program("uv")), "pip", "compile", "-", "--universal", "--python-version", python]
    command += ["--strip-extras", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "-q"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(limits))
        file.flush()
        command += ["--constraint", file.name]
        ended = subprocess.run(command, input="\n".join(wanted), capture_output=True, text=True, check=False)
    return ended.stdout.splitlines() if ended.returncode == 0 else None


def lock(knowledge: Knowledge, line: SdkLine, package: str, releases: list[str]) -> None:
    """Write the files of an SDK line. `releases` are its releases, the newest first."""
    code = knowledge.sdks[line.id]
    packages = ("uvicorn", "prometheus-client", "redis", "pyjwt", "pytest")
    extras = [knowledge.floors[name].requirement for name in packages]
    newest, lines = "", list[str]()
    for version in releases:
        wanted = [f"{package}=={version}", *extras, code.http, *companions(knowledge, line.id, version)]
        if creates_spans(knowledge, package, version):
            wanted.append(knowledge.floors["otlp-exporter"].requirement)
        if newest and resolved(wanted, code.python, of_release(lines, newest, version)) is not None:
            continue
        found = resolved(wanted, code.python, [])
        below = next((pin for pin in found or () if pin.startswith("mcp==1.")), "")
        if found and below:  # the mcp release under fastmcp has companions, too
            wanted += companions(knowledge, "mcp-1", below.removeprefix("mcp==").split()[0])
            found = resolved(wanted, code.python, [])
        if found is None:
            print(f"{package} {version}: no releases of its packages work together")
            continue
        newest, lines = version, found
        (lock_folder() / f"{package}-{version}.txt").write_text("\n".join(lines) + "\n")
        print(f"{package} {version}: {len(lines)} packages")


async def every_release(packages: set[str]) -> dict[str, list[str]]:
    """Package → releases, the newest first."""
    async with Run.open("locks") as run:
        return {package: (await package_index.releases(run, package))[::-1] for package in sorted(packages)}


def main() -> None:
    """Write all files."""
    knowledge = load()
    lines = list(knowledge.lines.values())
    known = asyncio.run(every_release({line.id.rpartition("-")[0] for line in lines}))
    for path in lock_folder().glob("*.txt"):
        path.unlink()
    for line in lines:
        package = line.id.rpartition("-")[0]
        mine = [version for version in known[package] if line.holds(version) and line.has_kit(version)]
        lock(knowledge, line, package, [version for version in mine if at_least(line.newest, version)])


if __name__ == "__main__":
    main()
