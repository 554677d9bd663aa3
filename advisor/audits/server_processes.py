"""How many processes of a scanned server run, as far as the deployment and the user state it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from advisor.audits.path_facts import PathFacts
from advisor.audits.request_paths import RequestPath
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.requirements.model import Requirements
from advisor.sources.code_model import ScannedTree

_Number = Literal["single", "several"]


def server_processes(
    tree: ScannedTree, paths: Sequence[RequestPath], knowledge: Knowledge, requirements: Requirements | None
) -> dict[Location, _Number]:
    """Return from the place of a server to the number of its processes, for the servers of which it is known.

    Args:
        tree: the scanned code.
        paths: the paths of requests to the servers.
        knowledge: has the defaults of products.
        requirements: what the user states about the deployment, or None.
    """
    seen: dict[Location, set[_Number | None]] = {}
    for path in paths:
        if path.server is not None:
            number = _number(PathFacts(path, knowledge, requirements))
            seen.setdefault(path.server.found.code.location, set()).add(number)
    for server in tree.servers if requirements is not None else ():
        if server.location not in seen:
            seen[server.location] = {_number(PathFacts(RequestPath(), knowledge, requirements))}
    found: dict[Location, _Number] = {}
    for place, numbers in seen.items():
        if "several" in numbers:
            found[place] = "several"
        elif numbers == {"single"}:
            found[place] = "single"
    return found


def _number(facts: PathFacts) -> _Number | None:
    """Return whether a path leads to a single process or to several; None: not known."""
    workers, many = facts.get("path.workers"), facts.get("path.many")
    if workers is not None and not workers.is_dynamic and isinstance(workers.value, int) and workers.value > 1:
        return "several"
    if many is not None and many.value == "several":
        return "several"
    is_single = many is not None and many.value == "single" and (workers is None or not workers.is_dynamic)
    return "single" if is_single else None
