"""Servers of a kit that check access tokens: which do, and the settings that they need."""

from __future__ import annotations

from typing import NamedTuple


class TokenSetting(NamedTuple):
    """A setting of a server that checks tokens.

    Attributes:
        name: the environment variable.
        secret: the key of its value in the secret of Kubernetes; "" if the value is not secret.
        example: an example value for the command that creates the secret.
    """

    name: str
    secret: str = ""
    example: str = ""


ISSUER_SETTINGS = (TokenSetting("MCP_AUTH_ISSUER"), TokenSetting("MCP_AUTH_JWKS_URL"))
PROXY_SETTINGS = (
    TokenSetting("MCP_AUTH_CONFIG_URL"),
    TokenSetting("MCP_AUTH_CLIENT_ID"),
    TokenSetting("MCP_AUTH_CLIENT_SECRET", "auth-client-secret", "SECRET"),
    TokenSetting("MCP_AUTH_SIGNING_KEY", "auth-signing-key", '"$(openssl rand -hex 32)"'),
)


def runs_oauth_proxy(auth: str, package: str) -> bool:
    """Return whether servers with this value of `environment.auth` log clients in. mcp has no OAuth proxy."""
    return auth == "oauth-proxy" and package == "fastmcp"
