"""The flags, the transport and the SDK of a server, wherever the code states them."""

from __future__ import annotations

from typing import Any

import pytest
from trees import Scan

from advisor.sources.python import CodeValue, ServerCode

HEAD = """
import argparse, os
from mcp.server.fastmcp import FastMCP
"""
LOW = """
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
server = Server("orders")
"""


def only(scanned: Scan, code: str, **files: str) -> ServerCode:
    (server,) = scanned(code, **files).servers
    return server


def state(value: CodeValue) -> tuple[str, Any]:
    return value.kind, value.value


LITERAL = {
    "constructor": HEAD + "mcp = FastMCP('a', stateless_http=True)",
    "a constant": HEAD + "ON = True\nmcp = FastMCP('a', stateless_http=ON)",
    "settings": HEAD + "mcp = FastMCP('a')\nmcp.settings.stateless_http = True",
    "run": "from fastmcp import FastMCP\nmcp = FastMCP('a')\nmcp.run(transport='http', stateless_http=True)",
    "http_app": "from fastmcp import FastMCP\nmcp = FastMCP('a')\napp = mcp.http_app(stateless_http=True)",
    "streamable_http_app": "from mcp.server.mcpserver import MCPServer\nm = MCPServer('a')\n"
    "app = m.streamable_http_app(stateless_http=True)",
    "a mapping": "from fastmcp import FastMCP\nmcp = FastMCP('a')\noptions = {'stateless_http': True}\nmcp.run(**options)",
    "a key of a mapping": "from fastmcp import FastMCP\nmcp = FastMCP('a')\noptions = {}\n"
    "options['stateless_http'] = True\nmcp.run(**options)",
    "dict()": "from fastmcp import FastMCP\nmcp = FastMCP('a')\nmcp.run(**dict(stateless_http=True))",
    "the session manager": LOW + "manager = StreamableHTTPSessionManager(app=server, stateless=True)",
    "a subclass": HEAD + "class Mine(FastMCP):\n    def __init__(self):\n"
    "        super().__init__('a', stateless_http=True)\nmcp = Mine()",
    "a function": HEAD + "def make(flag):\n    return FastMCP('a', stateless_http=flag)\nmcp = make(True)",
    "a function with two results": "from fastmcp import FastMCP\ndef make():\n    mcp = FastMCP('a')\n    return mcp, 1\n"
    "server: FastMCP | None = None\nserver, other = make()\napp = server.http_app(stateless_http=True)",
    "an alias": "from mcp.server import fastmcp as f\nMake = f.FastMCP\nmcp = Make('a', stateless_http=True)",
    "an import in a function": "def main():\n    from mcp.server.fastmcp import FastMCP\n"
    "    FastMCP('a', stateless_http=True).run()",
    "fastmcp settings": "import fastmcp\nmcp = fastmcp.FastMCP('a')\nfastmcp.settings.stateless_http = True",
}


@pytest.mark.parametrize("name", LITERAL)
def test_a_literal_flag_is_read(name: str, scanned: Scan) -> None:
    assert state(only(scanned, LITERAL[name]).flag("stateless_http")) == ("literal", True)


DYNAMIC = {
    "the environment variable MODE": ("os.getenv('MODE', 'true').lower() == 'true'", True),
    "the environment variable STATE": ("os.environ.get('STATE') == '1'", None),
    "the environment variable ON": ("bool(os.environ['ON'])", None),
    "the option --stateless": ("args.stateless", False),
    "the setting `Config.stateless` (environment)": ("Config().stateless", True),
}


@pytest.mark.parametrize("origin", DYNAMIC)
def test_a_flag_from_outside_the_code_is_dynamic(origin: str, scanned: Scan) -> None:
    expression, default = DYNAMIC[origin]
    code = f"""
import argparse, os
from pydantic_settings import BaseSettings
from mcp.server.fastmcp import FastMCP

class Config(BaseSettings):
    stateless: bool = True

parser = argparse.ArgumentParser()
parser.add_argument("--stateless", action="store_true")
args = parser.parse_args()
mcp = FastMCP("a", stateless_http={expression})
"""
    value = only(scanned, code).flag("stateless_http")
    assert (value.kind, value.value, value.origin) == ("dynamic", default, origin)
    assert value.location is not None


@pytest.mark.parametrize(
    ("options", "default"),
    [
        ("@click.command()\n@click.option('--stateless/--stateful', default=True)\ndef main(stateless):", True),
        ("@click.command()\n@click.option('--stateless', is_flag=True)\ndef main(stateless):", False),
        ("def main(stateless: bool = typer.Option(False)):", False),
        ("def main(stateless: Annotated[bool, typer.Option()] = True):", True),
    ],
)
def test_options_of_click_and_typer_are_dynamic(options: str, default: bool, scanned: Scan) -> None:
    code = f"import click, typer\nfrom typing import Annotated\n{HEAD}\n{options}\n    FastMCP('a', stateless_http=stateless)"
    value = only(scanned, code).flag("stateless_http")
    assert (value.kind, value.value, value.origin) == ("dynamic", default, "the option --stateless")


def test_settings_in_settings_are_followed(scanned: Scan) -> None:
    settings = "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\nclass Http(BaseModel):\n"
    settings += (
        "    stateless: bool = True\nclass Settings(BaseSettings):\n    http: Http = Http()\nsettings = Settings()\n"
    )
    code = HEAD + "from settings import settings\nmcp = FastMCP('a', stateless_http=settings.http.stateless)"
    value = only(scanned, code, **{"settings.py": settings}).flag("stateless_http")
    assert (value.kind, value.value, value.origin) == ("dynamic", True, "`Http.stateless`")


def test_two_values_are_never_a_guess(scanned: Scan) -> None:
    code = (
        HEAD
        + "import sys\nif sys.argv[1:]:\n    on = True\nelse:\n    on = False\nmcp = FastMCP('a', stateless_http=on)"
    )
    assert state(only(scanned, code).flag("stateless_http")) == ("dynamic", None)
    code = HEAD + "mcp = FastMCP('a', stateless_http=True)\nmcp.settings.stateless_http = False"
    assert state(only(scanned, code).flag("stateless_http")) == ("dynamic", None)


def test_a_flag_of_another_module_is_followed(scanned: Scan) -> None:
    server = only(
        scanned,
        "from mcp.server.fastmcp import FastMCP\nfrom settings import STATELESS\nmcp = FastMCP('a', stateless_http=STATELESS)",
        **{"settings.py": "STATELESS = True\n"},
    )
    assert state(server.flag("stateless_http")) == ("literal", True)


def test_an_unset_flag_is_not_dynamic(scanned: Scan) -> None:
    assert state(only(scanned, HEAD + "mcp = FastMCP('a')").flag("json_response")) == ("unset", None)


@pytest.mark.parametrize(
    ("call", "transport"),
    [
        ("mcp.run()", "stdio"),
        ("mcp.run('streamable-http')", "streamable-http"),
        ("mcp.run(transport='sse')", "sse"),
        ("app = mcp.streamable_http_app()", "streamable-http"),
        ("import asyncio; asyncio.run(mcp.run_stdio_async())", "stdio"),
        ("import anyio; anyio.run(mcp.run_streamable_http_async)", "streamable-http"),
    ],
)
def test_the_transport_is_read(call: str, transport: str, scanned: Scan) -> None:
    assert [use.transport.value for use in only(scanned, f"{HEAD}mcp = FastMCP('a')\n{call}").transports] == [transport]


@pytest.mark.parametrize(
    ("call", "transport"),
    [
        ("from mcp.server.stdio import stdio_server\nstdio_server()", "stdio"),
        ("StreamableHTTPSessionManager(app=server)", "streamable-http"),
    ],
)
def test_the_transport_of_a_low_level_server_is_read(call: str, transport: str, scanned: Scan) -> None:
    code = f"{LOW}{call}\nserver.run(read, write, options)"
    assert [use.transport.value for use in only(scanned, code).transports] == [transport]


def test_a_server_that_is_made_in_several_branches_is_a_single_server(scanned: Scan) -> None:
    code = (
        HEAD
        + "import sys\nif sys.argv:\n    mcp = FastMCP('a', stateless_http=True)\nelse:\n    mcp = FastMCP('a')\nmcp.run()"
    )
    assert len(scanned(code).servers) == 1


@pytest.mark.parametrize(
    ("code", "manifest", "lines", "release"),
    [
        (HEAD + "mcp = FastMCP('a')", "mcp>=1.10", ("mcp-1",), ""),
        (HEAD + "mcp = FastMCP('a')", "mcp==1.28.1", ("mcp-1",), "mcp==1.28.1"),
        ("from mcp.server.mcpserver import MCPServer\nm = MCPServer('a')", "mcp>=2", ("mcp-2",), ""),
        ("from fastmcp import FastMCP\nm = FastMCP('a')", "fastmcp>=2.10,<3", ("fastmcp-2",), ""),
        ("from fastmcp import FastMCP\nm = FastMCP('a')", "fastmcp~=3.4", ("fastmcp-3",), ""),
        ("from fastmcp import FastMCP\nm = FastMCP('a')", "fastmcp==4.*", ("fastmcp-4",), ""),
        ("from fastmcp import FastMCP\nm = FastMCP('a')", "fastmcp>=2", ("fastmcp-2", "fastmcp-3", "fastmcp-4"), ""),
        (LOW + "@server.call_tool()\nasync def run(name, arguments): ...", "mcp", ("mcp-1",), ""),
        ("from mcp.server import Server\ns = Server('a', on_call_tool=None)", "", ("mcp-2",), ""),
    ],
)
def test_the_sdk_line_is_read(code: str, manifest: str, lines: tuple[str, ...], release: str, scanned: Scan) -> None:
    server = only(scanned, code, **{"requirements.txt": f"requests>=2\n{manifest}\n"})
    assert (server.lines, server.release) == (lines, release)


def test_a_lock_file_states_the_release(scanned: Scan) -> None:
    lock = '[[package]]\nname = "mcp"\nversion = "1.26.0"\n\n[[package]]\nname = "anyio"\nversion = "4.0"\n'
    assert only(scanned, HEAD + "mcp = FastMCP('a')", **{"uv.lock": lock}).release == "mcp==1.26.0"


@pytest.mark.parametrize(
    ("name", "text", "kind", "value"),
    [
        ("Dockerfile", 'FROM python\nCMD ["uvicorn", "a:app", "--workers", "4"]\n', "literal", 4),
        ("Dockerfile", "FROM python\nCMD gunicorn a:app \\\n  -w 3\n", "literal", 3),
        ("Dockerfile", 'CMD ["sh", "-c", "uvicorn a:app --workers=2"]\n', "literal", 2),
        ("Dockerfile", "CMD uvicorn a:app --workers ${WORKERS:-8}\n", "dynamic", 8),
        ("Procfile", "web: uvicorn a:app --workers 5\n", "literal", 5),
        ("compose.yaml", "services:\n  a:\n    command: uvicorn a:app --workers 6\n", "literal", 6),
        ("compose.yml", "services:\n  a:\n    environment: [WEB_CONCURRENCY=7]\n", "literal", 7),
        ("Dockerfile", "# CMD uvicorn a:app --workers 4\n", "unset", None),
        ("Dockerfile", "CMD celery worker --workers 4\n", "unset", None),
    ],
)
def test_workers_in_manifests_are_read(name: str, text: str, kind: str, value: int | None, scanned: Scan) -> None:
    assert state(scanned(HEAD + "mcp = FastMCP('a')", **{name: text}).workers) == (kind, value)


WEB = "from flask import Flask\napp = Flask('a')\n"
MADE = "from server import mcp\napp = mcp.streamable_http_app()\n"


@pytest.mark.parametrize(
    ("command", "files", "kind"),
    [
        ("gunicorn -w 4 web:app", {"page/web.py": WEB}, "unset"),
        ("gunicorn -w 4 web:app", {"page/web.py": MADE}, "literal"),
        ("uvicorn app.main:app --workers 4", {"app/main.py": "from . import made\n", "app/made.py": MADE}, "literal"),
        ("uvicorn app.main:app --workers 4", {"app/main.py": "from . import made\n", "app/made.py": WEB}, "unset"),
        ("uvicorn server:mcp --workers 4", {"web.py": WEB}, "literal"),
        ("uvicorn copied:app --workers 4", {"web.py": WEB}, "literal"),
        ("uvicorn --factory a:app --workers 4", {"a.py": "from a import a\n" + MADE}, "literal"),
    ],
)
def test_workers_of_a_program_without_a_server_do_not_count(
    command: str, files: dict[str, str], kind: str, scanned: Scan
) -> None:
    tree = scanned(HEAD + "mcp = FastMCP('a')\n", Procfile=f"web: {command}\n", **files)
    assert tree.workers.kind == kind


def test_the_next_command_with_a_server_states_the_workers(scanned: Scan) -> None:
    commands = "services:\n  a: {command: gunicorn -w 4 web:app}\n  b: {command: uvicorn server:mcp --workers 2}\n"
    tree = scanned(HEAD + "mcp = FastMCP('a')\n", **{"compose.yaml": commands, "web.py": WEB})
    assert state(tree.workers) == ("literal", 2)


def test_the_environment_of_fastmcp_is_read(scanned: Scan) -> None:
    server = only(
        scanned,
        "from fastmcp import FastMCP\nm = FastMCP('a')",
        Dockerfile="ENV FASTMCP_STATELESS_HTTP=true\nCMD fastmcp run server.py\n",
    )
    assert state(server.flag("stateless_http")) == ("literal", True)


STORES = {
    "in the call": LOW
    + "class MemoryStore:\n    pass\nm = StreamableHTTPSessionManager(app=server, event_store=MemoryStore())",
    "in a variable": LOW
    + "class MemoryStore:\n    pass\ndef run():\n    kept = MemoryStore()\n"
    + "    return StreamableHTTPSessionManager(app=server, event_store=kept)",
    "in the constructor": HEAD + "class MemoryStore:\n    pass\nmcp = FastMCP('a', event_store=MemoryStore())",
}


@pytest.mark.parametrize("name", STORES)
def test_an_event_store_needs_no_base_class(name: str, scanned: Scan) -> None:
    (part,) = only(scanned, STORES[name]).parts
    assert (part.kind, part.name, part.in_memory) == ("event-store", "MemoryStore", True)
