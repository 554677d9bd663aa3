"""An issuer of access tokens for the benchmarks: one key, one token, and the address of the keys."""

import contextlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

RESOURCE = "https://mcp.example.com/mcp"
VALID_S = 3600


@dataclass(frozen=True)
class Issued:
    """A token, and the environment variables of a generated server that accepts it."""

    token: str
    settings: dict[str, str]


@contextlib.contextmanager
def issuer() -> Iterator[Issued]:
    """Publish the key of a new token until the end of the block."""
    private = rsa.generate_private_key(65537, 2048)
    public = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key())), "kid": "one", "use": "sig"}
    keys = json.dumps({"keys": [public]}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(keys)))
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        claims = {"iss": url, "aud": RESOURCE, "exp": time.time() + VALID_S, "sub": "ann", "client_id": "benchmark"}
        settings = {"MCP_AUTH_ISSUER": url, "MCP_AUTH_JWKS_URL": f"{url}/keys", "MCP_AUTH_RESOURCE": RESOURCE}
        try:
            yield Issued(jwt.encode(claims, private, "RS256", {"kid": "one"}), {"MCP_AUTH": "jwt", **settings})
        finally:
            server.shutdown()
            thread.join()
