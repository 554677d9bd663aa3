"""Users log in through the OAuth proxy of a kit, with the Redis of compose.yaml. A session belongs to its user."""

from __future__ import annotations

import http.server
import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
import test_server_run
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from sdk_lines import FASTMCP_LINES
from test_compose_redis import trusted
from test_server_run import CLIENT, LEGACY, Running, running, write
from test_server_tokens import authorize
from weekly import some_weekly

from advisor.kit.model import KitContext
from advisor.kit.parts import compose

pytestmark = [
    pytest.mark.programs,
    pytest.mark.retried("The servers and their clients share the processors, and each request has a deadline."),
]
python, kit = test_server_run.python, test_server_run.kit  # fixtures

PROXY = {
    "environment.auth": "oauth-proxy",
    "clients.protocol": "legacy",
    "needs.sampling": "required",
    "scale.instances": 2,
    "scale.affinity": "available",
    "operations.shared_store": "redis",
    "environment.platform": "compose",
}
REDIRECT = "http://127.0.0.1:9/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
"""The secret of the client, whose hash `authorize` sends (the example of RFC 7636)."""


@contextmanager
def provider() -> Iterator[str]:
    """An OpenID Connect provider whose code for a user is the name of the user. Yields its address."""
    key = rsa.generate_private_key(65537, 2048)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/keys":
                public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
                self.say({"keys": [{**public, "kid": "key", "alg": "RS256", "use": "sig"}]})
                return
            places = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
            self.say(
                {
                    "issuer": url,
                    "jwks_uri": f"{url}/keys",
                    **{place: f"{url}/{place}" for place in places},
                    "response_types_supported": ["code"],
                    "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            user = urllib.parse.parse_qs(text)["code"][0]
            claims = {"iss": url, "aud": "advisor", "sub": user, "azp": "advisor", "exp": int(time.time()) + 600}
            token = jwt.encode(claims, key, "RS256", {"kid": "key"})
            self.say({"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": 600})

        def say(self, answer: dict[str, Any]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class Browser:
    """A browser that a user opens at an instance. It keeps cookies and follows no redirect."""

    def __init__(self, instance: Running) -> None:
        self.instance = instance
        self.cookies: dict[str, str] = {}

    def open(self, url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Send a request for the path of a URL: status, Location, text."""
        parts = urllib.parse.urlsplit(url)
        data = None if form is None else urllib.parse.urlencode(form).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request = urllib.request.Request(f"{self.instance.url}{parts.path}?{parts.query}", data, {"Cookie": cookies})
        try:
            answer = urllib.request.build_opener(_Stay).open(request, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            for set_cookie in answer.headers.get_all("Set-Cookie", []):
                name, _, value = set_cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.headers.get("Location", ""), answer.read().decode()


def query(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def logged_in(instance: Running, user: str) -> dict[str, str]:
    """Register a client, let `user` log in and consent, and return the header with the token of the client."""
    wanted = {"client_name": "test", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
    status, _, text = instance.send("/register", wanted)
    assert status == 201, text
    client_id = json.loads(text)["client_id"]
    status, place = authorize(instance, client_id, REDIRECT)
    assert status == 302, place
    browser = Browser(instance)
    if "/consent" in place:
        status, _, page = browser.open(place)
        assert status == 200, page
        form = dict(re.findall(r'name="(txn_id|csrf_token)" value="([^"]+)"', page))
        status, place, page = browser.open(urllib.parse.urlsplit(place).path, {**form, "action": "approve"})
        assert status == 302, page
    asked = query(place)
    assert "/authorization_endpoint" in place
    callback = f"{urllib.parse.urlsplit(asked['redirect_uri']).path}?code={user}&state={asked['state']}"
    status, place, page = browser.open(callback)
    assert status == 302, page
    assert place.startswith(REDIRECT)
    form = {"grant_type": "authorization_code", "code": query(place)["code"], "redirect_uri": REDIRECT}
    status, _, text = browser.open("/token", {**form, "client_id": client_id, "code_verifier": VERIFIER})
    assert status == 200, text
    return {"Authorization": f"Bearer {json.loads(text)['access_token']}"}


@pytest.mark.parametrize("line", some_weekly(FASTMCP_LINES, always=("fastmcp-4",)))
def test_a_session_belongs_to_the_user_who_logged_in(
    kit: Callable[..., KitContext], python: Callable[[KitContext], Path], line: str, tmp_path: Path
) -> None:
    context = kit(sdk=line, **PROXY)
    services = yaml.safe_load(compose.files(context)[0].content)["services"]
    with ExitStack() as stack:
        issuer = stack.enter_context(provider())
        redis = stack.enter_context(trusted(services, tmp_path))
        values = {
            "MCP_INSTANCES": "2",
            "MCP_STATELESS": "false",
            "MCP_AUTH_CONFIG_URL": f"{issuer}/.well-known/openid-configuration",
            "MCP_AUTH_CLIENT_ID": "advisor",
            "MCP_AUTH_CLIENT_SECRET": "secret",
            "MCP_AUTH_SIGNING_KEY": "0123456789abcdef" * 4,
            "MCP_SEALING_KEYS": "k" * 32,
            "MCP_REDIS_URL": redis.url(),
        }
        first, second = (
            stack.enter_context(running(python(context), write(context, tmp_path / name), **values))
            for name in ("first", "second")
        )
        ann, bob = logged_in(first, "ann"), logged_in(first, "bob")
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
        opening = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        assert first.send("/mcp", opening)[0] == 401
        status, headers, text = first.send("/mcp", opening, **ann)
        assert status == 200, text
        own = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": headers["mcp-session-id"]}
        asked = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        assert first.send("/mcp", asked, **own, **ann)[0] == 200
        assert first.send("/mcp", asked, **own, **bob)[0] == 404, "the session of another user"
        assert first.send("/mcp", asked, **own)[0] == 401
        assert second.send("/mcp", opening, **bob)[0] == 200, "the other instance knows the login"
