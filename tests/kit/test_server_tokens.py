"""Generated servers that accept only requests with an access token."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import test_server_run
from proxy_rig import process
from redis_rig import redis_server
from running import until
from sdk_lines import FASTMCP_LINES, SDK_LINES
from test_server_run import Running, clean, running, write
from weekly import some_weekly

from advisor.kit.model import KitContext
from advisor.lab.process.ports import free_port

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The servers and their clients share the processors, and each request has a deadline."),
]
python, kit = test_server_run.python, test_server_run.kit  # fixtures

BEARER = {"environment.auth": "bearer", "clients.protocol": "mixed"}
PROXY = {"environment.auth": "oauth-proxy", "clients.protocol": "mixed", "scale.instances": 2}


# The tests of a kit without tokens run with the other lines each time (test_server_run.py).
@pytest.mark.parametrize("line", some_weekly(SDK_LINES, always=("mcp-1", "fastmcp-3")))
def test_the_tests_of_a_kit_that_checks_tokens_pass(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], line: str, tmp_path: Path
) -> None:
    context = kit(sdk=line, **BEARER)
    folder = write(context, tmp_path)
    command = [str(python(context)), "-m", "pytest", "-q", "-p", "no:cacheprovider"]

    def passes(arguments: Sequence[str]) -> None:
        ended = subprocess.run(
            [*command, *arguments], cwd=folder, env=clean(), capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout[-4000:]

    # Without tokens, this server does the same as the servers of test_server_run.py, whose tests try every flag pair.
    settings = ["tests/test_server.py", "-k", "not stateful+json and not stateless+"]
    # The tests of tokens mostly wait: some SDKs load new keys only after 30 s.
    with ThreadPoolExecutor() as pool:
        list(pool.map(passes, (["tests/test_auth.py"], settings)))


OLD = ("mcp==1.19.0", "mcp==1.25.0", "mcp==1.27.1", "fastmcp==2.13.0", "fastmcp==2.13.3", "fastmcp==3.0.0+mcp==1.24.0")
"""Exact releases of which the package mcp does not bind sessions to users, or the oldest mcp is such a release."""


@pytest.mark.parametrize("releases", some_weekly(OLD, always=("mcp==1.19.0", "fastmcp==2.13.3")))
def test_old_releases_bind_sessions_to_users(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], releases: str, tmp_path: Path
) -> None:
    sdk, _, below = releases.partition("+")
    context = kit(sdk=sdk, **BEARER, **({"mcp_release": below.partition("==")[2]} if below else {}))
    assert context.users_since == "1.27.2"
    folder = write(context, tmp_path)
    command = [str(python(context)), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_auth.py"]
    asked = [*command, "-k", "session or wrong or valid_token"]
    ended = subprocess.run(asked, cwd=folder, env=clean(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-4000:]


class Provider(http.server.BaseHTTPRequestHandler):
    """An OpenID Connect provider: only its configuration, because no user logs in here."""

    def do_GET(self) -> None:
        address = f"http://{self.headers['Host']}"
        places = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        body = json.dumps(
            {
                "issuer": address,
                **{place: f"{address}/{place}" for place in places},
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""


@pytest.fixture
def provider() -> Iterator[str]:
    """The address of a running provider."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def listens(port: int) -> bool:
    """Whether a program listens on this port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def answer(url: str) -> tuple[int, str]:
    """The status and the Location of an answer to GET."""
    try:
        with urllib.request.build_opener(_Stay).open(url, timeout=20) as said:
            return said.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Location", "")


def authorize(instance: Running, client_id: str, redirect: str) -> tuple[int, str]:
    """Begin the login of a client at an instance."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
        "state": "x",
    }
    return answer(f"{instance.url}/authorize?{urllib.parse.urlencode(query)}")


@pytest.mark.parametrize("line", some_weekly(FASTMCP_LINES, always=("fastmcp-4",)))
def test_instances_of_an_oauth_proxy_share_their_clients(
    kit: Callable[..., KitContext],
    python: Callable[[KitContext], Path],
    line: str,
    provider: str,
    tmp_path: Path,
) -> None:
    context = kit(sdk=line, **PROXY)
    assert context.uses_redis
    port = free_port()
    values = {
        "MCP_INSTANCES": "2",
        "MCP_AUTH_CONFIG_URL": f"{provider}/.well-known/openid-configuration",
        "MCP_AUTH_CLIENT_ID": "advisor",
        "MCP_AUTH_CLIENT_SECRET": "secret",
        "MCP_AUTH_SIGNING_KEY": "0123456789abcdef" * 4,
        "MCP_SEALING_KEYS": "k" * 32,
    }
    redirect, redis = "http://127.0.0.1:9/callback", f"redis://127.0.0.1:{port}/0"
    with ExitStack() as stack:
        stack.enter_context(process([*redis_server(port), "--dir", str(tmp_path)], tmp_path / "redis.log"))
        until("Redis answers", partial(listens, port))
        first, second = (
            stack.enter_context(
                running(python(context), write(context, tmp_path / name), MCP_REDIS_URL=redis, **values)
            )
            for name in ("first", "second")
        )
        alone = stack.enter_context(
            running(python(context), write(context, tmp_path / "alone"), **{**values, "MCP_INSTANCES": "1"})
        )
        status, headers, _ = first.send("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        assert status == 401
        assert "/.well-known/oauth-protected-resource/mcp" in headers["www-authenticate"]
        assert first.send("/.well-known/oauth-authorization-server")[0] == 200
        wanted = {"client_name": "test", "redirect_uris": [redirect], "token_endpoint_auth_method": "none"}
        status, _, text = first.send("/register", wanted)
        assert status == 201, text
        client_id = json.loads(text)["client_id"]
        for instance in (first, second):
            status, location = authorize(instance, client_id, redirect)
            assert status == 302, (status, location)
            assert "error" not in location
        assert authorize(alone, client_id, redirect)[0] >= 400
