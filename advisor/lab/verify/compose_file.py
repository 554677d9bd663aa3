"""Check compose.yaml of a kit: each value that must fit to another value of the kit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from advisor.kit.model import KitContext
from advisor.lab.verify.manifest_files import at, document, entries, flag_settings, number, trial
from advisor.lab.verify.result import Trial

FILE = "compose.yaml"
URL = re.compile(r"http://(?:127[.]0[.]0[.]1|localhost):(\d+)(/[\w./-]*)")


def services(kit_dir: Path) -> Mapping[str, Any]:
    """Return the services of compose.yaml by name; {} without the file."""
    found = at(document(kit_dir / FILE), "services")
    return found if isinstance(found, dict) else {}


def check_compose(kit_dir: Path, kit: KitContext) -> Iterator[Trial]:
    """Check the servers of compose.yaml, and the files and services that its services name.

    Args:
        kit_dir: the kit.
        kit: the context of the kit.
    """
    known = services(kit_dir)
    shutdown = {tier.name: tier for tier in kit.tiers}
    for name, service in known.items():
        place = f"{FILE}: {name}"
        for other in at(service, "depends_on") or {}:
            yield trial(
                "services of compose.yaml", f"{place}, depends_on", "a service of this file", other, other in known
            )
        for mount in entries(service, "volumes"):
            source = str(at(mount, "source") or mount)
            if source.startswith("./"):
                there = (kit_dir / source).exists()
                yield trial("files of compose.yaml", f"{place}, volumes", "files that exist", source, there)
        tier = shutdown.get(str(at(service, "environment.MCP_TIER")))
        if at(service, "build") is None or tier is None:
            continue
        host = "0.0.0.0"  # noqa: S104 (a container listens on all addresses of its own network)
        for variable, expected in {**flag_settings(tier), "MCP_HOST": host}.items():
            observed = at(service, f"environment.{variable}")
            yield trial("settings of compose.yaml", f"{place}, environment {variable}", expected, observed)
        port = str(at(service, "environment.MCP_PORT"))
        for published in entries(service, "ports"):
            to = str(published).rpartition(":")[2]
            yield trial("ports of compose.yaml", f"{place}, ports", f"{port} (MCP_PORT)", to, to == port)
        asked = URL.search(" ".join(map(str, entries(service, "healthcheck.test"))))
        seen = asked[1] if asked else None
        yield trial("ports of compose.yaml", f"{place}, healthcheck.test", f"{port} (MCP_PORT)", seen, seen == port)
        grace = str(at(service, "stop_grace_period") or "10s")
        longer = number(grace.removesuffix("s")) > tier.shutdown_s
        expected = f"more than {tier.shutdown_s}s, the time that the server needs to stop"
        yield trial("time to stop of compose.yaml", f"{place}, stop_grace_period", expected, grace, longer)
