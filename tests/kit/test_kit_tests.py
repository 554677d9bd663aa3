"""When a feature is removed from a server, the kit's own tests of that feature fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from weekly import some_weekly

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.parts import pytest_suite, server

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The tests of a kit start servers, and each request has a deadline."),
]

FEATURES = (
    *("sampling", "elicitation", "roots", "progress", "logging"),
    *("subscriptions", "list_changed", "session_state", "resumability"),
)
# Name of the case → the feature, a pattern in the server or in the tools of the tests, its replacement, and the tests
# that must fail.
LOSSES = {
    "the client's model is not asked": (
        "sampling",
        r"    \*,\n    sample: Annotated\[.*\n(?s:(.*?))\(sample\.content\.text if .*? else \"\"\)",
        r'\1"sampled"',
        "probe_sampling",
    ),
    "the user is not asked": (
        "elicitation",
        r"    \*,\n    answer: Annotated\[.*\n(?s:(.*?))said\(answer\)",
        r'\1"confirmed"',
        "probe_elicitation",
    ),
    "the client's folders are not asked for": (
        "roots",
        r"    \*,\n    roots: Annotated\[.*\n(?s:(.*?))\", \"\.join\(.*\)",
        r'\1"file:///workspace")',
        "probe_roots",
    ),
    "no progress is reported": ("progress", r"await ctx\.report_progress\(.*\)", "pass", "probe_progress"),
    "nothing is logged": ("logging", r"await ctx\.info\(.*\)", "pass", "probe_logging"),
    "subscribers are not told": (
        "subscriptions",
        r"await ctx\.notify_resource_updated\(.*\)",
        "pass",
        "test_a_subscriber_gets_a_notification",
    ),
    "the resource does not change": (
        "subscriptions",
        r"await save_value\(STATUS_URI, text\)",
        "pass",
        "test_a_subscriber_gets_a_notification",
    ),
    "subscribing does nothing": (
        "subscriptions",
        r"uris\.add\(str\(params\.uri\)\)",
        "pass",
        "test_a_subscriber_gets_a_notification",
    ),
    "all clients are told": (
        "subscriptions",
        r"(?s)(def tell_sessions.*?)\[session for .*? in uris\]",
        r"\1list(listers)",
        "test_a_client_without_a_subscription",
    ),
    "no client is told of other tools": (
        "list_changed",
        r"await ctx\.notify_tools_changed\(\)",
        "pass",
        "test_clients_get_a_notification",
    ),
    "only the caller is told of other tools": (
        "list_changed",
        r"(?s)(def list_and_remember.*?)listers\.add\(ctx\.session\._connection\)",
        r"\1pass",
        "test_clients_get_a_notification",
    ),
    "nothing is remembered": ("session_state", r"await STATE\.save\(.*\)", "pass", "probe_session_state"),
    "events are not kept": ("resumability", r"event_store=EVENTS,", "", "test_a_client_resumes"),
}


@pytest.fixture(scope="module")
def kit(advisor: Advisor, decide: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server and the tests of a kit that needs every feature."""
    folder = tmp_path_factory.mktemp("kit")
    facts = {"service": "demo", "sdk": "mcp-2", **{f"needs.{feature}": "preferred" for feature in FEATURES}}
    context = kit_context(decide(facts))
    for file in [*server.files(context), *pytest_suite.files(context)]:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    return folder


def run(folder: Path, wanted: str) -> tuple[int, str]:
    """Run the kit's tests of one flag pair until the first failure; returns exit code and output."""
    values = {name: value for name, value in os.environ.items() if not name.startswith(("MCP_", "PYTEST_"))}
    chosen = f"stateful+sse and ({wanted})"
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", chosen, "tests"]
    ended = subprocess.run(command, cwd=folder, env=values, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout


def test_the_tests_of_the_kit_pass_on_the_complete_server(kit: Path) -> None:
    code, output = run(kit, " or ".join(sorted({tests for *_, tests in LOSSES.values()})))
    assert code == 0, output[-4000:]


@pytest.mark.parametrize("loss", some_weekly(LOSSES, always=tuple(LOSSES)[::2]))
def test_the_tests_of_the_kit_fail_when_their_feature_is_removed(kit: Path, loss: str, tmp_path: Path) -> None:
    _, pattern, instead, tests = LOSSES[loss]
    folder = shutil.copytree(kit, tmp_path / "kit")
    changed = []
    for path in (folder / "tests/probe_tools.py", folder / "server/runtime/sdk.py", folder / "server/server.py"):
        text, count = re.subn(pattern, instead, path.read_text())
        if count:
            compile(text, path.name, "exec")
            path.write_text(text)
            changed += [path] * count
    assert len(changed) == 1, loss
    code, output = run(folder, tests)
    # Exit code 1 means that tests failed. A server that does not start would be an error of the fixture instead.
    assert code == 1, output[-4000:]
    assert re.search(r"^FAILED .*\[stateful\+sse", output, re.MULTILINE), output[-4000:]
