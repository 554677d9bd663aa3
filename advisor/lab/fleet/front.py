"""The proxy in front of a fleet: the kit's own proxy, a stand-in for another load balancer, or no proxy."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal

from advisor.errors import UsageError
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import proxy
from advisor.kit.sync.three_way_merge import merge
from advisor.kit.templating import comment
from advisor.kit.upstreams import ProxyAddresses, needed_release, production_addresses, split
from advisor.knowledge.kits import BALANCER, SERVICE
from advisor.knowledge.paths import templates_dir
from advisor.templating import environment

FrontStrategy = Literal["round-robin", "cookie", "address", "session"]

MOST_PROXIES = 2
"""The maximum number of the kit's proxies that run. More proxies show nothing new."""

PROXY_SOURCE = "127.0.255.8" if sys.platform == "linux" else ""
"""The address from which proxies connect to the servers. uvicorn trusts 127.0.0.1 by default, so a fleet whose proxies
connect from there would hide a server that does not trust its proxy. Only Linux has more loopback addresses."""

STAND_IN = "nginx"
"""The program that replaces the load balancer of a platform, with templates/lab/stand_in.conf.j2."""

_TEMPORARY = "/tmp/mcp-proxy"  # the kit's nginx stores its pid and temporary files here
_STICKY = ("cookie", "session")  # the strategies for which the stand-in needs the minimum release `sticky`
# The lines of a proxy file that serve metrics. `verify` reads no metrics, and not every program here has the module.
_METRICS = re.compile(r"^[ \t]*# metrics\n.*?^[ \t]*# end of metrics\n", re.DOTALL | re.MULTILINE)
# The key of a mechanism to the strategy.
_WAYS: dict[str, FrontStrategy] = {"cookie": "cookie", "client-address": "address", "session-id": "session"}
_SAID: dict[FrontStrategy, str] = {
    "round-robin": "round robin",
    "cookie": "session affinity through a cookie",
    "address": "session affinity through the client's address",
    "session": "session affinity through the session ID",
}


@dataclass(frozen=True, slots=True)
class Front:
    """The proxy to which clients connect.

    Attributes:
        own: whether the proxy is the kit's own proxy.
        program: name of the program; None if clients connect directly to the instances.
        way: the load-balancing strategy of a stand-in.
        holds: whether SSE streams are buffered, as the requirements say (`environment.proxy.sse: false`). Then a
            stand-in that buffers streams is the first proxy.
        place: the kind of the load balancer that the stand-in replaces.
        many: number of the kit's own proxies. A TCP load balancer stands in front of several proxies.
        learns: whether the proxy checks the instances after its start. Other proxies treat all as healthy at first.
        needs: the name of the minimum release that the program needs for session affinity (`since` in
            rules/kit_proxies.yaml); "" for none.
    """

    own: bool
    program: str | None
    way: FrontStrategy = "round-robin"
    holds: bool = False
    place: str = ""
    many: int = 1
    learns: bool = False
    needs: str = ""

    @property
    def programs(self) -> tuple[str, ...]:
        """The names of the programs that must be installed."""
        return tuple(dict.fromkeys(filter(None, (self.program, STAND_IN if self.holds else None))))

    def label(self, version: str) -> str:
        """Describe the proxy in words.

        Args:
            version: name and version of the program.
        """
        if self.program is None:
            return "none"
        if self.own:
            version = f"{version}, {self.many} proxies" if self.many > 1 else version
            return f"{version}, behind a proxy that buffers streams" if self.holds else version
        place = f" as a stand-in for {self.place}" if self.place else ""
        return f"{version}{place}, {_SAID[self.way]}{', buffers streams' if self.holds else ''}"


def front_of(kit: KitContext, *, kind: str, holds: bool, processes: int, straight: bool) -> Front:
    """Choose the proxy in front of a kit's fleet.

    Args:
        kit: the kit.
        kind: the proxy in the requirements.
        holds: whether this proxy buffers SSE streams.
        processes: total number of server processes.
        straight: whether clients connect directly to the instances.
    """
    if straight:
        return Front(own=False, program=None)
    if kit.proxy:
        needs = next(filter(None, (needed_release(kit, tier) for tier in kit.tiers)), "")
        many = min(kit.proxy_replicas, MOST_PROXIES)
        return Front(True, kit.proxy, holds=holds, many=many, learns=kit.carried.checks_at_start, needs=needs)
    if processes == 1 and not holds:
        return Front(own=False, program=None)
    place = "the platform's load balancer" if kind == "none" else kind
    mechanism = kit.mechanism(kit.tiers[0])
    away = mechanism is not None and mechanism.done_by in (SERVICE, BALANCER)
    way = _WAYS[mechanism.keyed_on] if mechanism and away else "round-robin"
    return Front(False, STAND_IN, way, holds, place, needs="sticky" if way in _STICKY else "")


def write_own(kit: KitContext, kit_dir: Path, folder: Path, proxy_addresses: ProxyAddresses) -> None:
    """Copy the kit's proxy files to `folder`, and replace the addresses by `proxy_addresses`.

    Edits of the user stay: the new addresses are merged into the file.

    Raises:
        UsageError: a file is missing, or the user edited the addresses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = kit.carried.source
    base = {file.path: file.content for file in proxy.files(kit)}
    proxy_addresses = replace(proxy_addresses, folder=str(folder))
    try:
        (rendered,) = proxy.address_files(kit, proxy_addresses)
    except ValueError as error:
        raise UsageError(f"The kit's proxy cannot use this number of instances: {error}.") from None
    for path in base:
        if not (kit_dir / path).is_file():
            raise UsageError(f"{kit_dir / path} is missing. To fix this, run `generate` with --force.")
    for file in sorted((kit_dir / "proxy").iterdir()):
        if not file.is_file():
            continue
        path = f"proxy/{file.name}"
        text = file.read_text()
        if path == rendered.path:
            text = _with_addresses(kit_dir / path, base[path], text, rendered.content, proxy_addresses)
        if file.name == source.get("file") and proxy_addresses.source:
            line = source["line"].format(address=proxy_addresses.source)
            text = re.sub(rf"^{re.escape(source['after'])}\n", rf"\g<0>{line}\n", text, count=1, flags=re.MULTILINE)
        # Two proxies of this kit on one machine must not share a pid file, so each proxy gets its own folder.
        (folder / file.name).write_text(text.replace(_TEMPORARY, str(folder / "tmp")))


def _with_addresses(path: Path, base: str, text: str, rendered: str, proxy_addresses: ProxyAddresses) -> str:
    """Put the addresses of this run into the user's text."""
    text, base = (_METRICS.sub("", version) for version in (text.replace("\r\n", "\n"), base))
    merged = merge(base, text, rendered)
    if merged is None:
        merged = _substituted(base, text, rendered)
    wanted = [address for some in proxy_addresses.servers.values() for address in some]
    ports = [split(address)[1] for address in [proxy_addresses.listen, *wanted, *proxy_addresses.peers.values()]]
    if any(str(port) not in merged for port in ports):
        raise UsageError(
            f"verify cannot replace the addresses in {path}. The lines with addresses were edited, or the kit is older "
            "than this release. To fix this, compare the file with the output of `generate`, or use --proxy none."
        )
    return merged


def _substituted(base: str, text: str, rendered: str) -> str:
    """Replace each generated line that is still in the text. This is for edits too close to addresses for a merge."""
    old, new = base.splitlines(keepends=True), rendered.splitlines(keepends=True)
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
            if not placed and old.count(line) > 1:  # a line such as `}` also ends blocks that stay
                continue
            instead[line] = [placed[number]] if same else (placed if number == 0 else [])
    return "".join(placed for line in text.splitlines(keepends=True) for placed in instead.get(line, [line]))


def own_addresses(
    kit: KitContext, port: int, addresses: Mapping[str, tuple[str, ...]], peer_port: int
) -> ProxyAddresses:
    """Return the addresses of a proxy on loopback.

    Args:
        kit: the kit.
        port: the port on which the proxy listens.
        addresses: host:port of each instance, by name of the tier.
        peer_port: the port on which HAProxy passes its stick table to the next process, if the kit configures this.
    """
    peers = dict.fromkeys(production_addresses(kit).peers, f"127.0.0.1:{peer_port}")
    return ProxyAddresses(f"127.0.0.1:{port}", addresses, peers=peers, source=PROXY_SOURCE)


def write_template(template: str, folder: Path, file: str = "nginx.conf", **values: object) -> Path:
    """Render a template of `templates/lab` into a file of a folder. The template can use the value `folder`.

    Returns:
        The path of the file.
    """
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
