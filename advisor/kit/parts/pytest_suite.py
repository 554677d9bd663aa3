"""Renders the tests of a kit (every transport with every flag pair) and the CI workflow that runs them.

The tests bring tools of their own, so that users can change the tools in tools.py. They only list the user's tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts.server import ASKS, SDK_NAMES, ServerTool, server_tools, used_parts, without_unused_imports
from advisor.kit.templating import render
from advisor.knowledge.space import SERVER_PORT
from advisor.knowledge.types import Era, Need, Outcome, flag_key

CHECKED = (*ASKS, "progress", "logging", "session_state")
"""The features that test_matrix.py tests with the client of the SDK."""

STREAMED = ("subscriptions", "list_changed", "resumability")
"""The features that test_streams.py tests: they need a second stream or a broken connection."""

PROBE_STATUS = "status://probe"
"""The URI of the resource of the tests."""


_NAMED = 4  # a tool of the tests with more features does not have their names in its name


@dataclass(frozen=True, slots=True)
class ExpectedTool:
    """A tool, its needs, the features that a test call uses, and whether the server calls a language model for it."""

    name: str
    needs: dict[str, Need]
    expects: tuple[str, ...]
    direct: bool


def files(kit: KitContext) -> list[KitFile]:
    """Render the files in tests/ and the CI workflow. A server in a single file has a test and no workflow."""
    if kit.plain:
        return _plain_files(kit)
    tools = probe_tools(kit)
    expected = tuple(ExpectedTool(tool.name, tool.needs, _expects(tool), tool.uses_direct_llm) for tool in tools)
    eras = kit.served_eras
    watched = [feature for feature in CHECKED if any(feature in tool.expects for tool in expected)]
    predicted = _predicted(kit, watched, eras)
    plain = next((tool.name for tool in tools if not tool.asks), tools[0].name)
    state = next((tool.name for tool in tools if tool.state and not tool.asks and not tool.uses_direct_llm), "")
    direct = next((tool.name for tool in tools if tool.uses_direct_llm and not tool.asks), "")
    allowed = (
        *kit.hosts,
        *(f"{host}:8443" for host in kit.hosts if urlsplit(f"//{host}").port is None),
        "localhost",
        f"localhost:{SERVER_PORT}",
    )
    texts = {
        "tests/client.py": render("tests/client.py.j2", kit=kit),
        "tests/conftest.py": render("tests/conftest.py.j2", kit=kit),
        "tests/probe_server.py": render("tests/probe_server.py.j2", kit=kit),
        "tests/probe_tools.py": _probe_module(kit, tools),
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
            status_uri=PROBE_STATUS,
            **dict.fromkeys(STREAMED, "") | streamed,
        )
    if kit.checks_tokens and not kit.runs_oauth_proxy:
        flags = flag_key(kit.tiers[-1].stateless_http, kit.tiers[-1].json_response)
        texts["tests/test_auth.py"] = render("tests/test_auth.py.j2", kit=kit, flags=flags)
    if direct:
        texts["tests/test_direct_llm.py"] = render("tests/test_direct_llm.py.j2", kit=kit, direct=direct)
    return [KitFile(path, text) for path, text in texts.items()]


def _plain_files(kit: KitContext) -> list[KitFile]:
    tools = server_tools(kit)
    called = next((tool.name for tool in tools if not tool.asks), "")
    names = tuple(tool.name for tool in tools)
    test = render("tests/test_plain.py.j2", kit=kit, eras=kit.served_eras, names=names, plain=called)
    return [KitFile("tests/client.py", render("tests/client.py.j2", kit=kit)), KitFile("tests/test_server.py", test)]


def probe_tools(kit: KitContext) -> tuple[ServerTool, ...]:
    """Return the tools that the tests bring: a tool for each set of features that a tool of the kit needs."""
    made: dict[tuple[object, ...], ServerTool] = {}
    for tool in server_tools(kit):
        same = (*tool.needs.items(), tool.uses_direct_llm)
        name = "_".join(("probe", *tool.needs)) if tool.needs else "probe_plain"
        if len(tool.needs) > _NAMED:
            name = f"probe_{len(tool.needs)}_features"
        taken = sum(other.name.startswith(name) for other in made.values())
        name = f"{name}_{taken + 1}" if taken else name
        made.setdefault(same, ServerTool(name, name, tool.needs, tool.uses_direct_llm))
    return tuple(made.values())


def _probe_module(kit: KitContext, tools: tuple[ServerTool, ...]) -> str:
    text = render(
        "tests/probe_tools.py.j2",
        kit=kit,
        tools=tools,
        used=used_parts(tools),
        tier=kit.tiers[-1].name if kit.tiered else "",
        in_tests=True,
        status_uri=PROBE_STATUS,
        status_function="probe_status",
        sdk_names=SDK_NAMES,
    )
    return without_unused_imports(text)


def predict(kit: KitContext, feature: str, era: Era) -> dict[str, Outcome]:
    """Return flag pair → outcome for the SDK call that the generated server uses for the feature."""
    lines = kit.sdk.calls.get(feature)
    call = lines[era] if lines else kit.first_call(feature)
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
