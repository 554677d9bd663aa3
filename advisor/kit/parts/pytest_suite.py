"""The tests of a kit: transports and flags with what clients should see of each, and the workflow that runs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts.server import ASKS, ServerTool, server_tools
from advisor.kit.templating import render
from advisor.knowledge.types import Era, Need, Outcome

CHECKED = (*ASKS, "progress", "logging", "session_state")
"""The features that the matrix watches: they show in calls by the SDK's own client."""

STREAMED = ("subscriptions", "list_changed", "resumability")
"""The features that show on streams besides the answers, or when an answer is cut; test_streams.py watches them."""

# What servers of every line are written with, whatever the era.
_REPORTS = {
    "progress": "ctx.report_progress",
    "logging": "ctx.info",
    "session_state": "handle argument",
    "resumability": "EventStore",
}


@dataclass(frozen=True, slots=True)
class ExpectedTool:
    """A tool, what it needs, the features that a call of it shows, and whether it calls a model by itself."""

    name: str
    needs: dict[str, Need]
    expects: tuple[str, ...]
    direct: bool


def files(kit: KitContext) -> list[KitFile]:
    """Everything under tests/, and the workflow."""
    tools = server_tools(kit)
    expected = tuple(ExpectedTool(tool.name, tool.needs, _expects(tool), tool.uses_direct_llm) for tool in tools)
    eras = kit.served_eras
    watched = [feature for feature in CHECKED if any(feature in tool.expects for tool in expected)]
    predicted = _predicted(kit, watched, eras)
    plain = next((tool.name for tool in tools if not tool.asks), tools[0].name)
    state = next((tool.name for tool in tools if tool.state and not tool.asks and not tool.uses_direct_llm), "")
    direct = next((tool.name for tool in tools if tool.uses_direct_llm and not tool.asks), "")
    allowed = (*kit.hosts, *(f"{host}:8443" for host in kit.hosts), "localhost", "localhost:8000")
    texts = {
        "tests/client.py": render("tests/client.py.j2", kit=kit),
        "tests/conftest.py": render("tests/conftest.py.j2", kit=kit),
        "tests/test_matrix.py": render(
            "tests/test_matrix.py.j2", kit=kit, tools=expected, eras=eras, predicted=predicted
        ),
        "tests/test_server.py": render("tests/test_server.py.j2", kit=kit, plain=plain, allowed=allowed, state=state),
        ".github/workflows/ci.yml": render("tests/ci.yml.j2", kit=kit),
    }
    if streamed := {feature: _showing(feature, tools) for feature in STREAMED if _showing(feature, tools)}:
        texts["tests/wire.py"] = render("tests/wire.py.j2", kit=kit)
        texts["tests/test_streams.py"] = render(
            "tests/test_streams.py.j2",
            kit=kit,
            eras=eras,
            predicted=_predicted(kit, streamed, eras),
            **dict.fromkeys(STREAMED, "") | streamed,
        )
    if direct:
        texts["tests/test_direct_llm.py"] = render("tests/test_direct_llm.py.j2", kit=kit, direct=direct)
    return [KitFile(path, text) for path, text in texts.items()]


def predict(kit: KitContext, feature: str, era: Era) -> dict[str, Outcome]:
    """Flag pair → outcome, for the call by which the server asks for the feature."""
    call = _REPORTS[feature] if feature in _REPORTS else kit.sdk.calls[feature][era]
    cell = next(cell for cell in kit.cells if (cell.feature, cell.call) == (feature, call))
    return cell.modern if era == "modern" else cell.legacy


def _predicted(
    kit: KitContext, features: Iterable[str], eras: tuple[Era, ...]
) -> tuple[tuple[tuple[str, str], dict[str, Outcome]], ...]:
    return tuple(((feature, era), predict(kit, feature, era)) for feature in features for era in eras)


def _expects(tool: ServerTool) -> tuple[str, ...]:
    return (*tool.asks, *(feature for feature in CHECKED if feature not in ASKS and feature in tool.needs))


def _showing(feature: str, tools: tuple[ServerTool, ...]) -> str:
    """A tool whose call shows the feature to a client that can be asked for nothing; "" for none.

    Every answer can be resumed, be it an error, as long as anything in the kit needs that.
    """
    wanting = [tool for tool in tools if feature in tool.needs]
    if feature == "resumability":
        return wanting[0].name if wanting else ""
    return next((tool.name for tool in wanting if not tool.asks and not tool.uses_direct_llm), "")
