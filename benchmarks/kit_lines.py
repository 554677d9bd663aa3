"""The lines of Python in the server of a kit, by who changes them: `python -m benchmarks lines`.

The user changes `tools.py` and can change `server.py`. The modules in `runtime/` are generated, and the user need not
edit them. A server for a developer's machine is a single file.
"""

from typing import NamedTuple

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitFile
from advisor.kit.parts import server
from advisor.knowledge import load
from advisor.requirements import load_path


class Lines(NamedTuple):
    """The lines of each part."""

    tools: int
    server: int
    runtime: int


BEFORE_COMMIT = "a3a5e108 (2026-11-27)"
"""The last commit whose kits have no package runtime/. Their server.py also contains the tools."""

BEFORE = {
    "analytics-behind-alb": Lines(0, 112, 580),
    "customer-service-agent": Lines(0, 208, 605),
    "customer-service-agent-modern": Lines(0, 182, 588),
    "customer-service-agent-sticky": Lines(0, 182, 588),
    "exercise-1-research": Lines(0, 138, 580),
    "exercise-1-research-mcp-1.28": Lines(0, 132, 580),
    "exercise-2-team-document": Lines(0, 304, 1285),
    "internal-data-platform": Lines(0, 136, 580),
    "local-development": Lines(0, 247, 582),
    "open-source-devtool": Lines(0, 168, 588),
    "pattern-1-single-instance": Lines(0, 309, 582),
    "pattern-2-stateless-fleet": Lines(0, 114, 580),
    "pattern-3-sticky-fleet": Lines(0, 231, 589),
    "payment-provider": Lines(0, 143, 671),
    "saas-b2b": Lines(0, 173, 587),
}
"""The lines of the same examples at that commit."""


def lines() -> None:
    """Print the lines of the servers of the example kits, before and now."""
    advisor = Advisor(load())
    print(f"  {'':30}{BEFORE_COMMIT:>24}{'now':>32}")
    print(f"  {'example':30}{'server.py':>12}{'others':>12}{'tools.py':>12}{'server.py':>10}{'runtime/':>10}")
    for example, before in BEFORE.items():
        now = counted(advisor, example)
        print(
            f"  {example:30}{before.server:12}{before.runtime:12}{now.tools or '-':>12}{now.server:10}"
            f"{now.runtime or '-':>10}"
        )


def counted(advisor: Advisor, example: str) -> Lines:
    """Count the lines of the server of an example kit."""
    kit = kit_context(advisor.decide(load_path(f"examples/{example}.yaml", advisor.space)))
    files = [file for file in server.files(kit) if file.path.endswith(".py")]
    return Lines(
        tools=_lines_of(files, "server/tools.py"),
        server=_lines_of(files, "server/server.py"),
        runtime=_lines_of(files, "server/runtime/"),
    )


def _lines_of(files: list[KitFile], start: str) -> int:
    return sum(file.content.count("\n") for file in files if file.path.startswith(start))
