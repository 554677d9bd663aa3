"""The session directory, if another program writes to Redis: requests go only to instances that hold a fleet key."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from causes import BUSY_REDIS
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from proxy_rig import process
from redis_rig import (
    FLEET_KEY,
    SHARED,
    UNKNOWN,
    Fleet,
    call,
    entry,
    fleet,
    listening,
    redis_server,
    session,
    signed,
)
from running import until

from advisor.decision.advisor import Advisor
from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import server
from advisor.lab.process import programs
from advisor.lab.process.ports import free_port

pytestmark = [
    pytest.mark.programs,
    BUSY_REDIS,
]

OTHER_KEY = "g" * 32
IGNORED = "ignored an entry"  # the start of the message, because a log can wrap lines


@pytest.fixture(scope="session")
def kit(decide: Callable[..., Decision], advisor: Advisor) -> KitContext:
    facts = {"clients.protocol": "mixed", "needs.elicitation": "required"}
    return kit_context(decide({**SHARED, **facts}))


@contextmanager
def thief() -> Iterator[tuple[str, list[bytes]]]:
    """A program that records what it gets. Yields its URL, and the list of the received data."""
    got: list[bytes] = []

    def record(connection: socket.socket) -> None:
        if data := connection.recv(65536):
            got.append(data)

    with listening(record) as port:
        yield f"http://127.0.0.1:{port}", got


def put(made: Fleet, name: str, text: str) -> None:
    assert made.ask("SET", name, text) == b"+OK\r\n"


def lines(made: Fleet, number: int) -> int:
    return (made.folder / f"server-{made.ports[number]}.log").read_text().count(IGNORED)


def test_forged_entries_count_as_absent(kit: KitContext, tmp_path: Path) -> None:
    """Forged: without a signature, with another key, and with the signature of the entry of another session."""
    with fleet(kit, tmp_path) as made, made.redis(), thief() as (url, got):
        first, second, _ = made.ports
        own, alive = session(first), f"mcp:demo:alive:{url}"
        # The search for an unknown session gets 503 while Redis is new.
        until("Redis is not new any more", lambda: call(second, UNKNOWN).status == 404)
        unknown = call(second, UNKNOWN)
        right = made.ask("GET", entry(own)).split(b"\r\n")[1].decode()
        assert right == signed(entry(own), f"http://127.0.0.1:{first}")
        put(made, alive, signed(alive, "x"))
        forged = [url, signed(entry(UNKNOWN), url, OTHER_KEY), signed(entry(own), url), f" {url}", "", "\udcff"]
        for text in forged:
            put(made, entry(UNKNOWN), text)
            answer = call(second, UNKNOWN)
            assert (answer.status, answer.text) == (unknown.status, unknown.text), text
        put(made, entry(UNKNOWN), right)  # a replay: the right entry of another session
        assert call(second, UNKNOWN).status == 404
        assert lines(made, 1) == 1, "one log line in a minute"
        put(made, entry(own), signed(entry(own), url, OTHER_KEY))
        assert call(second, own).status == 404
        assert call(first, own).status == 200, "the owner does not need the entry"
        put(made, entry(own), right)
        assert call(second, own).status == 200
        assert got == [], "no request reached the other program"


def test_a_heartbeat_without_a_signature_is_no_heartbeat(kit: KitContext, tmp_path: Path) -> None:
    """An old entry can name an address that another program uses now."""
    with fleet(kit, tmp_path) as made, made.redis(), thief() as (url, got):
        second = made.ports[1]
        put(made, entry(UNKNOWN), signed(entry(UNKNOWN), url))
        for text in ("x", signed(f"mcp:demo:alive:{url}", "x", OTHER_KEY)):
            put(made, f"mcp:demo:alive:{url}", text)
            assert call(second, UNKNOWN).status == 503
        assert got == []


@pytest.mark.parametrize(
    ("keys", "served"),
    [
        # A rolling update from one key to another: all instances know both keys at each step.
        ((FLEET_KEY, f"{FLEET_KEY},{OTHER_KEY}", f"{FLEET_KEY},{OTHER_KEY}"), True),
        ((f"{FLEET_KEY},{OTHER_KEY}", f"{OTHER_KEY},{FLEET_KEY}", f"{OTHER_KEY},{FLEET_KEY}"), True),
        ((f"{OTHER_KEY},{FLEET_KEY}", OTHER_KEY, OTHER_KEY), True),
        ((FLEET_KEY, OTHER_KEY, OTHER_KEY), False),
    ],
)
def test_instances_accept_the_old_and_the_new_key(
    kit: KitContext, tmp_path: Path, keys: tuple[str, ...], served: bool
) -> None:
    with fleet(kit, tmp_path, envs=[{"MCP_FLEET_KEYS": key} for key in keys]) as made, made.redis():
        until("Redis is not new any more", lambda: call(made.ports[0], UNKNOWN).status == 404)
        for opened, other in ((0, 1), (1, 0), (1, 2)):
            own = session(made.ports[opened])
            expected = 200 if served or 0 not in (opened, other) else 404
            assert call(made.ports[other], own).status == expected, (opened, other)


READ = """
import asyncio
from runtime.shared_state import _STORE
print(asyncio.run(_STORE.run(lambda redis: redis.ping())))
"""


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that is its own authority. Returns the file, which also has the key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    folder.mkdir()
    file = folder / "redis.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + secret)
    return file


def test_the_servers_use_a_redis_with_password_and_tls(kit: KitContext, tmp_path: Path) -> None:
    """The Redis of the tests has no TLS, so HAProxy ends TLS in front of it, as many Redis services do."""
    for file in server.files(kit):
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content)
    plain, secure = free_port(), free_port()
    right, wrong = _certificate(tmp_path / "right"), _certificate(tmp_path / "wrong")
    config = tmp_path / "haproxy.cfg"
    config.write_text(
        "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n"
        f"listen redis\n bind 127.0.0.1:{secure} ssl crt {right}\n server redis 127.0.0.1:{plain}\n"
    )

    def ping(url: str) -> str:
        env = {"MCP_REDIS_URL": url, "MCP_SEALING_KEYS": "k" * 32, "MCP_FLEET_KEYS": FLEET_KEY}
        env["MCP_INSTANCE_URL"] = "http://127.0.0.1:1"
        command = [sys.executable, "-c", READ]
        done = subprocess.run(
            command, cwd=tmp_path / "server", env=env, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stdout.strip() or done.stderr.strip().splitlines()[-1]

    redis = [*redis_server(plain), "--requirepass", "s3cret", "--dir", str(tmp_path)]
    haproxy = [str(programs.program("haproxy")), "-db", "-f", str(config)]
    with process(redis, tmp_path / "redis.log"), process(haproxy, tmp_path / "haproxy.log"):
        until("TLS answers", lambda: _speaks_tls(secure, right))
        tls = f"rediss://:s3cret@127.0.0.1:{secure}/0"
        assert ping(f"{tls}?ssl_ca_certs={right}") == "True"
        for refused in (
            f"{tls}?ssl_ca_certs={wrong}",
            tls,
            f"rediss://:other@127.0.0.1:{secure}/0?ssl_ca_certs={right}",
            f"redis://127.0.0.1:{plain}/0",
        ):
            assert "The shared store of this server is not reachable" in ping(refused)


def _speaks_tls(port: int, authority: Path) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        context = ssl.create_default_context(cafile=str(authority))
        with context.wrap_socket(connection, server_hostname="127.0.0.1"):
            return True
    return False
