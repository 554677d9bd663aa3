"""The start command of the kit's image: what server/Dockerfile says, and whether it starts the same server here."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from pathlib import Path

from advisor.errors import LabError
from advisor.kit.model import TierContext
from advisor.lab.clients.socket_client import SocketAddress, SocketClient
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.process import ports
from advisor.lab.process.process import Process
from advisor.lab.process.run import Launch
from advisor.lab.verify.manifest_files import trial
from advisor.lab.verify.result import Trial
from advisor.sources.platforms.dockerfile import last_stage
from advisor.sources.platforms.marked import UnreadableError

FILE = "server/Dockerfile"
OWN = ("python", "server.py")
"""The start command that the kit writes."""
_EXPECTED = "a command that starts the same server as `python server.py`"
_PACKAGES, _SHELL = "/venv/bin/", ("/bin/sh", "-c")
_INITS = ("tini", "dumb-init", "catatonit")  # programs that start another program and pass signals on
_PYTHON = re.compile(r"python[\d.]*")
_PORT = "8000"
_START_S, _STOP_S = 20.0, 10.0
_CLIENTS, _WORKERS_S = 4, 10.0
_OTHER = "127.0.0.2" if sys.platform == "linux" else ""  # an address that a server on 127.0.0.1 does not have
_FAILURES = (OSError, EOFError, asyncio.TimeoutError)


@dataclass(frozen=True, slots=True)
class Image:
    """What the last stage of a Dockerfile says about the start of the server.

    Attributes:
        entrypoint: the words of ENTRYPOINT; empty for none.
        arguments: the words of CMD; empty for none.
        folder: the working directory, which has the code of the server.
        settings: the environment variables, without PATH.
    """

    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    folder: str = "/app"
    settings: Mapping[str, str] = field(default_factory=dict)

    def words(self, entrypoint: Sequence[str] = (), arguments: Sequence[str] = ()) -> tuple[str, ...]:
        """Return the start command of a container that can replace ENTRYPOINT, CMD or both."""
        first = tuple(entrypoint) or self.entrypoint
        shell = first[:2] == _SHELL  # a shell ignores further words
        rest = tuple(arguments) or (() if entrypoint or shell else self.arguments)
        return first + rest


def read_image(kit_dir: Path) -> Image:
    """Read the last stage of server/Dockerfile. A file that cannot be read has no start command."""
    try:
        stage = last_stage((kit_dir / FILE).read_text(encoding="utf-8"), FILE)
    except (OSError, ValueError, UnreadableError):
        stage = None
    if stage is None:
        return Image()
    entrypoint, arguments = (tuple(word.text for word in words) for words in (stage.entrypoint, stage.command))
    settings = {name: str(each.value) for name, each in stage.environment.items() if name != "PATH"}
    return Image(entrypoint, arguments, stage.folder.rstrip("/") or Image().folder, settings)


def command_here(words: Sequence[str], image: Image, fleet: Fleet, port: int, stated: str) -> list[str]:
    """Return the command that does on this machine what a start command does in the container.

    Args:
        words: the start command.
        image: the image.
        fleet: the fleet whose interpreter has the packages of the image.
        port: the port on this machine.
        stated: the port in the container.
    """
    words = list(words)
    if words and Path(words[0]).name in _INITS:
        del words[0]
        while words and words[0].startswith("-"):
            del words[0]
    python = Path(fleet.plan.python)
    places = {_PACKAGES: f"{python.parent}/", f"{image.folder}/": f"{fleet.plan.kit_dir.absolute() / 'server'}/"}
    for there, here in places.items():
        inside = re.compile(rf"(?<![\w/.]){re.escape(there)}")
        words = [here.join(inside.split(word)) for word in words]
    words = [re.sub(rf"(?<!\d){stated}(?!\d)", str(port), word) for word in words]
    name = words[0] if words else ""
    if _PYTHON.fullmatch(name.removeprefix(f"{python.parent}/")):
        words[0] = str(python)
    elif "/" not in name and (python.parent / name).exists():
        words[0] = str(python.parent / name)
    return words


def settings_here(fleet: Fleet, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a container, with a PATH that has the packages of the image."""
    path = f"{Path(fleet.plan.python).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**settings, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


async def check_image(fleet: Fleet) -> list[Trial]:
    """Check the start command of the image. Run it if it is not the command that the kit writes.

    Args:
        fleet: a running fleet.
    """
    image = read_image(fleet.plan.kit_dir)
    words = image.words()
    stated = {"ENTRYPOINT": image.entrypoint, "CMD": image.arguments}
    place = f"{FILE}: {' and '.join(key for key, value in stated.items() if value) or 'CMD'}"
    name = "start command of the image"
    if not words or words == OWN:
        return [trial(name, place, list(OWN), list(words) or None)]
    wrong = await _wrong(fleet, image, words)
    seen = f"{json.dumps(words)} {'; it '.join(wrong) if wrong else 'starts the same server'}"
    return [trial(name, place, _EXPECTED, seen, agrees=not wrong)]


async def _wrong(fleet: Fleet, image: Image, words: Sequence[str]) -> list[str]:
    """What the start command does differently, in words that follow the command."""
    kit = fleet.plan.kit
    tier = next((tier for tier in kit.tiers if tier.keeps_sessions), kit.tiers[0])
    metrics = ports.free_port()

    def build(port: int, host: str = "127.0.0.1") -> Launch:
        own = fleet.launch(tier, port, {}).env
        own = {key: value for key, value in own.items() if not key.startswith("LAB_")}
        env = {**image.settings, **own, "MCP_HOST": host, "MCP_METRICS_PORT": str(metrics), "POD_IP": "127.0.0.1"}
        command = command_here(words, image, fleet, port, image.settings.get("MCP_PORT", _PORT))
        return Launch(command, settings_here(fleet, env), fleet.plan.kit_dir / "server")

    try:
        process, port = await fleet.run.start_on_port("image", build, deadline_s=_START_S)
    except (LabError, OSError) as error:
        lines = error.lines if isinstance(error, LabError) else ()
        return [f"does not start the server: {(list(lines) or [str(error)])[-1]}"]
    try:
        found = [*await _unlike(tier, port, process), *await _without_paths(port, metrics)]
        found += await _end(process, port)
    finally:
        process.kill()
    if _OTHER and not await _listens_elsewhere(fleet, build(port, _OTHER), port):
        found.append("ignores MCP_HOST, so other containers cannot connect")
    return found


async def _lost(clients: Sequence[SocketClient], process: Process) -> list[str]:
    """Requests with a session id that reach a process without the session.

    Several processes do not start at the same time, so their clients continue for some seconds.
    """
    until = time.monotonic() + (_WORKERS_S if len(process.members()) > 1 else 0)
    while True:
        answers = await asyncio.gather(*(client.ping() for client in clients))
        if any(answer.status == 404 for answer in answers):
            return ["does not know a session that it opened, because several processes do not share sessions"]
        if time.monotonic() >= until:
            return []


async def _unlike(tier: TierContext, port: int, process: Process) -> list[str]:
    """The differences that clients notice: flags, and sessions that several processes do not share."""
    places: list[SocketAddress] = [("", port)]
    clients = [SocketClient(repeat(places[0]), modern=False) for _ in range(_CLIENTS)]
    try:
        answers = [await client.initialize() for client in clients]
        if not all(answer.status == 200 for answer in answers):
            return [f"answers HTTP {max(answer.status for answer in answers)} to initialize requests"]
        found = []
        sessions = bool(clients[0].session)
        if sessions != tier.keeps_sessions:
            found.append(f"{'keeps' if sessions else 'keeps no'} sessions, whatever MCP_STATELESS says")
        in_json = answers[0].headers.get("content-type", "").startswith("application/json")
        if in_json != tier.json_response:
            found.append(f"answers {'JSON' if in_json else 'SSE streams'}, whatever MCP_JSON_RESPONSE says")
        if sessions:
            found += await _lost(clients, process)
    except _FAILURES as error:
        return [f"starts a server that does not answer: {type(error).__name__}"]
    else:
        return found
    finally:
        for client in clients:
            client.close()


async def _without_paths(port: int, metrics: int) -> list[str]:
    urls = {path: f"http://127.0.0.1:{port}{path}" for path in ("/health", "/ready")}
    urls["/metrics"] = f"http://127.0.0.1:{metrics}/metrics"
    statuses = {path: await ports.status(url) for path, url in urls.items()}
    said = {
        path: f"answers {path} with HTTP {status}" if status else f"gives no answer to {path}"
        for path, status in statuses.items()
    }
    return [said[path] for path, status in statuses.items() if status != 200]


async def _end(process: Process, port: int) -> list[str]:
    """The differences after SIGTERM, which Docker and Kubernetes send only to the first process of the container."""
    process.signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except asyncio.TimeoutError:
        return ["does not end after SIGTERM"]
    return ["ends before the server ends, because it does not pass SIGTERM on"] if await ports.listening(port) else []


async def _listens_elsewhere(fleet: Fleet, launch: Launch, port: int) -> bool:
    """Whether a server with another address in MCP_HOST listens on this address or on all addresses."""
    url = f"http://{_OTHER}:{port}/health"

    async def ready() -> bool:
        return await ports.answers(url) or await ports.listening(port)

    try:
        process = await fleet.run.start("image", replace(launch, ready=ready), deadline_s=_START_S)
    except LabError:
        return False
    try:
        return await ports.answers(url)
    finally:
        process.kill()
