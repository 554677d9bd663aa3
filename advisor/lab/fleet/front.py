"""What stands in front of a fleet: the kit's own proxy as it lies in its folder, a stand-in for another, or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal

from advisor.errors import UsageError
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import proxy
from advisor.kit.sync.three_way_merge import merge
from advisor.kit.templating import comment
from advisor.kit.upstreams import Wiring, production_wiring, split
from advisor.knowledge.kits import BALANCER, SERVICE
from advisor.knowledge.paths import templates_dir
from advisor.templating import environment

Way = Literal["round-robin", "cookie", "address"]

MOST_PROXIES = 2
"""How many of the kit's proxies run at most: more show nothing new."""

_TEMPORARY = "/tmp/mcp-proxy"  # where the kit's nginx keeps its pid and its temporary files
_WAYS: dict[str, Way] = {"cookie": "cookie", "client-address": "address"}  # by what a mechanism is keyed on
_SAID: dict[Way, str] = {"round-robin": "round robin", "cookie": "a cookie", "address": "the client's address"}


@dataclass(frozen=True, slots=True)
class Front:
    """What clients connect to.

    Attributes:
        own: whether it is the proxy of the kit.
        many: how many of the kit's own run; a balancer of TCP connections stands before several.
        program: what runs; None where clients go straight to the instances.
        way: how a stand-in picks an instance.
        holds: whether something holds streams back, as the requirements say (`environment.proxy.sse: false`); a
            stand-in that does so then stands before whatever else there is.
        place: the kind of balancer that a stand-in stands for.
    """

    own: bool
    program: str | None
    way: Way = "round-robin"
    holds: bool = False
    place: str = ""
    many: int = 1

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that must be installed."""
        return tuple(dict.fromkeys(filter(None, (self.program, "nginx" if self.holds else None))))

    @property
    def learns(self) -> bool:
        """Whether it learns bit by bit after its start who is there; others take everybody for healthy at first."""
        return self.program == "envoy"

    def label(self, version: str) -> str:
        """The line of the report.

        Args:
            version: what the program says that it is.
        """
        if self.program is None:
            return "none"
        if self.own:
            version = f"{version}, two of them" if self.many > 1 else version
            return f"{version}, behind one that holds streams back" if self.holds else version
        place = f" instead of {self.place}" if self.place else ""
        return f"{version}{place}, {_SAID[self.way]}{', which holds streams back' if self.holds else ''}"


def front_of(kit: KitContext, *, kind: str, holds: bool, processes: int, straight: bool) -> Front:
    """What has to stand in front of this kit's fleet.

    Args:
        kit: the kit.
        kind: the proxy that the requirements name.
        holds: whether that proxy holds streams back.
        processes: how many server processes run in all.
        straight: whether clients are to go straight to the instances.
    """
    if straight:
        return Front(own=False, program=None)
    if kit.proxy:
        return Front(own=True, program=kit.proxy, holds=holds, many=min(kit.proxy_replicas, MOST_PROXIES))
    if processes == 1 and not holds:
        return Front(own=False, program=None)
    place = "the platform's balancer" if kind == "none" else kind
    mechanism = kit.mechanism(kit.tiers[0])
    away = mechanism is not None and mechanism.done_by in (SERVICE, BALANCER)
    return Front(False, "nginx", _WAYS[mechanism.keyed_on] if mechanism and away else "round-robin", holds, place)


def write_own(kit: KitContext, kit_dir: Path, folder: Path, wiring: Wiring) -> None:
    """Copy the kit's proxy files to `folder`, connected to other addresses; the rest is the text that lies in the kit.

    What the user edited in the file that holds the addresses is kept: the new addresses are merged into it.

    Raises:
        UsageError: a file is missing, or the edits touch the addresses themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = {file.path: file.content for file in proxy.files(kit)}
    try:
        (wired,) = proxy.wiring_files(kit, wiring)
    except ValueError as error:
        raise UsageError(f"The kit's proxy cannot be connected to so many instances: {error}.") from None
    for path in base:
        if not (kit_dir / path).is_file():
            raise UsageError(f"{kit_dir / path} is missing. `generate` restores it with --force.")
    for file in sorted((kit_dir / "proxy").iterdir()):
        if not file.is_file():
            continue
        path = f"proxy/{file.name}"
        text = file.read_text()
        if path == wired.path:
            text = _rewired(kit_dir / path, base[path], text, wired.content, wiring)
        # Two proxies of this kit on one machine would share their pid file; every run has its own.
        (folder / file.name).write_text(text.replace(_TEMPORARY, str(folder / "tmp")))


def _rewired(path: Path, base: str, text: str, wired: str, wiring: Wiring) -> str:
    """The user's text with the addresses of this run."""
    text = text.replace("\r\n", "\n")
    merged = merge(base, text, wired)
    if merged is None:
        merged = _substituted(base, text, wired)
    wanted = [address for some in wiring.addresses.values() for address in some]
    ports = [split(address)[1] for address in [wiring.listen, *wanted, *wiring.peers.values()]]
    if any(str(port) not in merged for port in ports):
        raise UsageError(
            f"{path} was edited in the very lines that hold addresses, or is of an older kit, so that it cannot be "
            "connected to a fleet on this machine. Compare it with what `generate` writes now, or use --proxy none."
        )
    return merged


def _substituted(base: str, text: str, wired: str) -> str:
    """Where edits and addresses stand too close for a merge: each generated line that is still there is replaced."""
    old, new = base.splitlines(keepends=True), wired.splitlines(keepends=True)
    instead: dict[str, list[str]] = {}
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if tag == "insert":
            before = old[start - 1]
            instead.setdefault(before, [before]).extend(new[new_start:new_end])
            continue
        lines, placed = old[start:end], new[new_start:new_end]
        same = len(lines) == len(placed)
        for number, line in enumerate(lines):
            instead[line] = [placed[number]] if same else (placed if number == 0 else [])
    return "".join(placed for line in text.splitlines(keepends=True) for placed in instead.get(line, [line]))


def own_wiring(kit: KitContext, port: int, addresses: Mapping[str, tuple[str, ...]], peer_port: int) -> Wiring:
    """Addresses on loopback.

    Args:
        kit: the kit.
        port: where the proxy listens.
        addresses: host:port of each instance, by tier name.
        peer_port: where a HAProxy hands its table to its successor, in kits that have it do so.
    """
    peers = dict.fromkeys(production_wiring(kit).peers, f"127.0.0.1:{peer_port}")
    return Wiring(f"127.0.0.1:{port}", addresses, peers=peers)


def write_template(template: str, folder: Path, file: str = "nginx.conf", **values: object) -> Path:
    """Render a template of `templates/lab` into a file of a folder, which it gets as `folder`; the path of the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file
    made = environment(templates_dir() / "lab", comment=comment).get_template(template)
    path.write_text(made.render(folder=folder, **values).rstrip("\n") + "\n")
    return path


def lay_out(files: Iterable[KitFile], folder: Path) -> None:
    """Write files of a kit into a folder."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content, encoding="utf-8")
