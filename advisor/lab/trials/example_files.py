"""The files of an example of a finding, with the addresses of a run and the lines that a fragment lacks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from advisor.lab.fleet.front import write_template

COUNT = 2
"""The number of servers. Examples name at most this number."""

_SERVER = re.compile(r"\b10\.0\.0\.([1-9])(:|, port_value: )8000\b")
# Where a program listens, in the examples; a server of nginx without `listen` listens on port 80.
_LISTENS = (
    (re.compile(r"\blisten 80;"), "listen 127.0.0.1:{port};"),
    (re.compile(r"\bbind :80\b"), "bind 127.0.0.1:{port}"),
    (re.compile(r"address: 0\.0\.0\.0, port_value: 80\b"), "address: 127.0.0.1, port_value: {port}"),
)
_NGINX_SERVER = re.compile(r"^server \{$", re.MULTILINE)


def write_example(files: Mapping[str, str], folder: Path, port: int, addresses: Sequence[str]) -> None:
    """Write the files of an example into a folder.

    Args:
        files: the text of each file by its name, as in rules/findings/.
        folder: the folder.
        port: the port on loopback on which the proxy listens.
        addresses: host:port of the servers, which replace 10.0.0.1:8000 and 10.0.0.2:8000.
    """
    for name, text in files.items():
        placed = _placed(text, port, addresses, nginx=name.endswith(".conf"))
        if name.endswith((".conf", ".cfg", "envoy.yaml")):
            write_template(f"example-{name}.j2", folder, name, text=placed.rstrip("\n"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(placed, encoding="utf-8")


def _placed(text: str, port: int, addresses: Sequence[str], *, nginx: bool) -> str:
    def own(found: re.Match[str]) -> str:
        host, own_port = addresses[int(found[1]) - 1].rsplit(":", 1)
        return f"{host}{found[2]}{own_port}"

    placed = _SERVER.sub(own, text)
    if nginx and "listen " not in placed:
        placed = _NGINX_SERVER.sub("server {\n    listen 80;", placed)
    for pattern, listens in _LISTENS:
        placed = pattern.sub(listens.format(port=port), placed)
    return placed
