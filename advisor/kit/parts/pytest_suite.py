"""Renders the tests of a kit (every transport with every flag pair) and the CI workflow that runs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts.server import ASKS, ServerTool, server_tools
from advisor.kit.templating import render
from advisor.knowledge.types import Era, Need, Outcome

CHECKED = (*ASKS, "progress", "logging", "session_state")
"""The features that test_matrix.py tests with the client of the SDK."""

STREAMED = ("subscriptions", "list_changed", "resumability")
"""The features that test_streams.py tests: they need a second stream or a broken connection."""

# The SDK calls that all SDK lines use for legacy and modern clients.
_REPORTS = {
    "progress": "ctx.report_progress",
    "logging": "ctx.info",
    "session_state": "handle argument",
    "resumability": "EventStore",
}


@dataclass(frozen=True, slots=True)
class ExpectedTool:
    """A tool, its needs, the features that a test call uses, and whether the server calls a language model for it."""

    name: str
    needs: dict[str, Need]
    expects: tuple[str, ...]
    direct: bool


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in tests/ and the CI workflow."""
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
    """Return flag pair → outcome for the SDK call that the generated server uses for the feature."""
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
    """Return a tool that uses the feature and works for a client without client features; "" if there is none.

    For resumability, any tool with this need is enough: a client can resume every answer, even an error.
    """
    wanting = [tool for tool in tools if feature in tool.needs]
    if feature == "resumability":
        return wanting[0].name if wanting else ""
    return next((tool.name for tool in wanting if not tool.asks and not tool.uses_direct_llm), "")
