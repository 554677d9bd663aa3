"""The URL of an endpoint: what a request needs of it, and whether two URLs have the same origin."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from advisor.errors import UsageError

_PORTS = {"http": 80, "https": 443}
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")
_KEPT = "/%:@!$&'()*+,;=~-._?"


@dataclass(frozen=True, slots=True)
class EndpointTarget:
    """Where a request goes.

    Attributes:
        scheme: http or https.
        host: the host name in ASCII, or an IP address without brackets.
        port: the TCP port.
        path: the path with its query, as it is sent.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the Host header. It leaves out the default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port. Credentials never go to another origin."""
        return self.scheme, self.host.lower(), self.port

    @property
    def url(self) -> str:
        """The URL."""
        return f"{self.scheme}://{self.authority}{self.path}"

    def at(self, path: str) -> EndpointTarget:
        """Return another path of the same origin."""
        return replace(self, path=path)

    def joined(self, location: str) -> EndpointTarget | None:
        """Return the target of a redirect; None if its Location is not an HTTP URL."""
        try:
            return _read(urljoin(self.url, location))
        except ValueError:
            return None


def target_of(url: str) -> EndpointTarget:
    """Read the URL of a user.

    Raises:
        UsageError: it is not an HTTP URL, or it contains a user name.
    """
    try:
        return _read(url)
    except ValueError as wrong:
        raise UsageError(f"The URL cannot be used: {wrong}. An example is https://mcp.example.com/mcp.") from None


def _read(url: str) -> EndpointTarget:
    if _UNSAFE.search(url):
        raise ValueError("it contains a space or a control character")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("it does not start with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it contains a user name; use --header to send credentials")
    path = quote(parts.path or "/", safe=_KEPT)
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    return EndpointTarget(parts.scheme, _host(parts), parts.port or _PORTS[parts.scheme], path + query)


def _host(parts: SplitResult) -> str:
    host = parts.hostname
    if not host:
        raise ValueError("it has no host name")
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("its host name is not valid") from None
