"""The SDK under test: one SDK release in an interpreter with suitable dependencies."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from advisor.errors import LabError, UsageError
from advisor.knowledge import load
from advisor.knowledge.versions import parse
from advisor.lab.paths import TESTSERVER
from advisor.lab.process import package_index
from advisor.lab.process.environments import environment
from advisor.lab.process.run import Launch, Run
from advisor.lab.testserver.sdk import SdkTraits

SERVE = TESTSERVER / "serve.py"
"""The script of the test server. Any interpreter with the SDK can run this script."""

FlagPair = tuple[bool, bool]
"""The flag pair: (stateless_http, json_response)."""

_SDK = re.compile(r"(?P<package>[a-z]+)==(?P<version>[0-9.]+)")
_CHECK_S = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SdkUnderTest:
    """An SDK release that can be measured.

    Attributes:
        package: name of the distribution, for example `mcp`.
        version: version of the release.
        line: the release line, for example `mcp-2`.
        python: path of an interpreter with this release.
        dependencies: `today`, or the date of the dependencies.
    """

    package: str
    version: str
    line: str
    python: Path
    dependencies: str

    @property
    def sdk(self) -> str:
        """The release as a requirement, for example `mcp==2.3.0`."""
        return f"{self.package}=={self.version}"


def line_of(package: str, version: str) -> str:
    """The id of the SDK line of a release: the package and its major version."""
    return f"{package}-{version.partition('.')[0]}"


def traits(line: str) -> SdkTraits:
    """What a test server needs to know of an SDK line of rules/sdks.yaml."""
    knowledge = load()
    code, modern = knowledge.sdks[line], knowledge.lines[line].serves_modern
    return SdkTraits(line.rpartition("-")[0], modern, code.flags, code.module, code.types, code.apis)


def serving(
    python: Path, line: str, flags: FlagPair, *what: str, env: Mapping[str, str] | None = None
) -> Callable[[int], Launch]:
    """Describe how to start a test server.

    Args:
        python: path of an interpreter with the SDK.
        line: the release line.
        flags: the flag pair of the server.
        what: the tools or the copies of the server (see testserver/serve.py).
        env: additional environment variables.

    Returns:
        A function from the port to the start of the process.
    """
    written, options = traits(line).written(), [str(int(flag)) for flag in flags]
    return lambda port: Launch([python, "-W", "ignore", SERVE, written, str(port), *options, *what], env or {})


def parse_sdk(text: str) -> tuple[str, str, str]:
    """Parse a text such as `mcp==2.3.0`.

    Returns:
        Package, version and release line.

    Raises:
        UsageError: the text has another form, or the lab has no test server for the release line.
    """
    found = _SDK.fullmatch(text.strip())
    if found is None or parse(found["version"]) is None:
        raise UsageError(f"{text!r:.80} is not a release. Write a release like this: mcp==2.3.0.")
    package, version = found["package"], found["version"]
    line = line_of(package, version)
    lines = load().sdks
    if line not in lines:
        raise UsageError(f"{text} cannot be measured. The lab has test servers for: {', '.join(lines)}.")
    return package, version, line


async def sdk_under_test(run: Run, sdk: str, say: Say, *, here: bool = False) -> SdkUnderTest:
    """Install an SDK release. If it fails with current dependencies, use dependencies from its upload date.

    Args:
        run: the environment is created in the folder of this run.
        sdk: the release, for example `mcp==1.28.1`.
        say: gets progress messages.
        here: whether to use the running interpreter if it has exactly this release.

    Raises:
        UsageError: the release does not exist, or the lab cannot measure it.
        EnvironmentLacksError: the package index cannot be reached.
        LabError: the release does not start with the older dependencies either; the message has the reason.
    """
    package, version, line = parse_sdk(sdk)
    if here and _has(package, version):
        return SdkUnderTest(package, metadata.version(package), line, Path(sys.executable), "this interpreter")
    wanted = [f"{package}=={version}", "uvicorn"]
    try:
        say(f"Installing {sdk}")
        python = await environment(run, wanted, name=f"{package}-{version}")
        installed = await _check(run, python, line, f"check-{package}-{version}")
    except (LabError, UsageError) as first:
        then = await package_index.its_time(run, package, version)
        say(f"{sdk} does not start with current packages. Installing packages from {then[:10]}")
        try:
            name = f"{package}-{version}-then"
            python = await environment(run, wanted, exclude_newer=then, name=name)
            installed = await _check(run, python, line, f"check-{name}")
        except UsageError as error:
            raise (first if isinstance(first, UsageError) else error) from first
        return SdkUnderTest(package, installed, line, python, then[:10])
    return SdkUnderTest(package, installed, line, python, "today")


async def _check(run: Run, python: Path, line: str, name: str) -> str:
    """Check that the test server works with the release. Return the version that the package reports.

    Raises:
        LabError: the test server does not start.
    """
    command: list[str | Path] = [python, "-W", "ignore", SERVE, "--check", traits(line).written()]
    said = await run.execute(name, command, deadline_s=_CHECK_S)
    return said.split()[-1]


def _has(package: str, version: str) -> bool:
    try:
        metadata.version("uvicorn")
        return parse(metadata.version(package)) == parse(version)
    except metadata.PackageNotFoundError:
        return False
