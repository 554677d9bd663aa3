"""One release of an SDK, made runnable: an interpreter that has it, with dependencies that it works with."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from advisor.errors import LabError, UsageError
from advisor.knowledge.versions import parse
from advisor.lab.paths import TESTSERVER
from advisor.lab.process import package_index
from advisor.lab.process.environments import environment
from advisor.lab.process.run import Launch, Run
from advisor.lab.testserver.tool_catalogue import LINES

SERVE = TESTSERVER / "serve.py"
"""The server script; any interpreter with the SDK runs it."""

Flags = tuple[bool, bool]
"""(stateless_http, json_response)."""

_SDK = re.compile(r"(?P<package>[a-z]+)==(?P<version>[0-9.]+)")
_CHECK_S = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class SdkUnderTest:
    """A release that can be measured.

    Attributes:
        package: the distribution, for example `mcp`.
        version: the release.
        line: the line of releases that it is of, for example `mcp-2`.
        python: an interpreter that has it.
        dependencies: `today` or the time that its dependencies are from.
    """

    package: str
    version: str
    line: str
    python: Path
    dependencies: str

    @property
    def sdk(self) -> str:
        """The release as users name it, for example `mcp==2.3.0`."""
        return f"{self.package}=={self.version}"


def serving(
    python: Path, line: str, flags: Flags, *what: str, env: Mapping[str, str] | None = None
) -> Callable[[int], Launch]:
    """How a test server is started, from the port.

    Args:
        python: an interpreter that has the SDK.
        line: the line of its releases.
        flags: of the server.
        what: its tools, or its copies (see testserver/serve.py).
        env: what is added to its environment.
    """
    options = [line, *(str(int(flag)) for flag in flags)]
    return lambda port: Launch([python, "-W", "ignore", SERVE, options[0], str(port), *options[1:], *what], env or {})


def parse_sdk(text: str) -> tuple[str, str, str]:
    """Package, release and line of a text such as `mcp==2.3.0`.

    Raises:
        UsageError: it is not of this form, or of a line that the lab cannot write a server for.
    """
    found = _SDK.fullmatch(text.strip())
    if found is None or parse(found["version"]) is None:
        raise UsageError(f"{text!r:.80} is not a release. Name one as mcp==2.3.0.")
    package, version = found["package"], found["version"]
    line = f"{package}-{version.partition('.')[0]}"
    if line not in LINES:
        raise UsageError(f"{text} cannot be measured. The lab writes servers for: {', '.join(LINES)}.")
    return package, version, line


async def sdk_under_test(run: Run, sdk: str, say: Say, *, here: bool = False) -> SdkUnderTest:
    """Make a release runnable.

    Args:
        run: its folder holds the environment.
        sdk: the release, for example `mcp==1.28.1`.
        say: is told what is done.
        here: use the running interpreter if it has this very release.

    Raises:
        UsageError: there is no such release, or the lab cannot measure it.
        EnvironmentLacksError: the package index cannot be reached.
        LabError: it does not even start with the dependencies of its time; the message has the reason.
    """
    package, version, line = parse_sdk(sdk)
    if here and _has(package, version):
        return SdkUnderTest(package, metadata.version(package), line, Path(sys.executable), "this interpreter")
    wanted = [f"{package}=={version}", "uvicorn"]
    try:
        say(f"{sdk}: installing it")
        python = await environment(run, wanted, name=f"{package}-{version}")
        installed = await _check(run, python, line, f"check-{package}-{version}")
    except (LabError, UsageError) as first:
        then = await package_index.its_time(run, package, version)
        say(f"{sdk}: does not start with the packages of today; taking those of {then[:10]}")
        try:
            name = f"{package}-{version}-then"
            python = await environment(run, wanted, exclude_newer=then, name=name)
            installed = await _check(run, python, line, f"check-{name}")
        except UsageError as error:
            raise (first if isinstance(first, UsageError) else error) from first
        return SdkUnderTest(package, installed, line, python, then[:10])
    return SdkUnderTest(package, installed, line, python, "today")


async def _check(run: Run, python: Path, line: str, name: str) -> str:
    """Whether a server can be made; the release as the package itself writes it.

    Raises:
        LabError: it cannot.
    """
    said = await run.execute(name, [python, "-W", "ignore", SERVE, "--check", line], deadline_s=_CHECK_S)
    return said.split()[-1]


def _has(package: str, version: str) -> bool:
    try:
        metadata.version("uvicorn")
        return parse(metadata.version(package)) == parse(version)
    except metadata.PackageNotFoundError:
        return False
