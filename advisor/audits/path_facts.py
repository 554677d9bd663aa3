"""The values of a request path, by the names in rules/observations.yaml: stated in files, by default, or derived."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

from advisor.audits.path_fact import PathFact
from advisor.audits.request_paths import RequestPath, is_address
from advisor.audits.server_facts import server_facts
from advisor.deployment.model import NOTHING, Observations, Target, Workload
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.knowledge.observations import ProductDefault
from advisor.requirements.model import Requirements

_VERSION = re.compile(r":v?(\d+(?:\.\d+)+)")


@lru_cache(maxsize=4)
def _defaults(knowledge: Knowledge) -> Mapping[str, Sequence[ProductDefault]]:
    """Return the defaults of products by observation."""
    found: dict[str, list[ProductDefault]] = {}
    for default in knowledge.defaults:
        found.setdefault(default.observation, []).append(default)
    return found


class PathFacts:
    """The values of a request path. `path` is the path."""

    def __init__(self, path: RequestPath, knowledge: Knowledge, requirements: Requirements | None = None) -> None:
        """Args: path, knowledge; requirements: what the user states about the deployment, or None."""
        self.path = path
        self._knowledge = knowledge
        self._requirements = requirements
        self._known: dict[str, PathFact | None] = {}

    def get(self, name: str) -> PathFact | None:
        """Return the value of a name such as `route.buffering`; None if it is not known, or if the part is missing."""
        if name not in self._known:
            self._known[name] = self._get(name)
        return self._known[name]

    def _get(self, name: str) -> PathFact | None:
        part, _, observation = name.partition(".")
        if self._part(part) is None:
            return None
        derived = self._derived.get(name)
        if derived is not None:
            return derived
        for observed in self._stated_in(part, observation):
            stated = observed.get(observation)
            if stated is not None:
                return PathFact(stated.value, stated.location, is_dynamic=stated.is_dynamic)
        return self._default(part, observation)

    def place(self, part: str) -> Location | None:
        """Return the location of a part of the path: its own, or that of another part."""
        path = self.path
        order: tuple[Any, ...] = (path.route, path.upstream, path.proxy, path.service, path.workload)
        found = [each.location for each in (self._part(part), *order) if hasattr(each, "location")]
        return found[0] if found else None

    def _part(self, part: str) -> Any:
        """Return a part of the path; None without this part."""
        return True if part in ("path", "server", "clients") else getattr(self.path, part)

    def _stated_in(self, part: str, observation: str) -> Iterator[Observations]:
        """Yield the observations that can have a value of a part, the nearest first."""
        path = self.path
        if part == "upstream" and path.upstream is not None:
            targets = [
                target.observed[observation] for target in path.upstream.targets if observation in target.observed
            ]
            if targets and len(targets) == len(path.upstream.targets):
                yield {observation: max(targets, key=lambda stated: (isinstance(stated.value, int), str(stated.value)))}
        part_itself = self._part(part)
        yield getattr(part_itself, "observed", NOTHING)
        if part in ("route", "upstream") and path.proxy is not None:
            yield path.proxy.observed

    def _default(self, part: str, observation: str) -> PathFact | None:
        named = _defaults(self._knowledge).get(observation, ())
        products = self._products(part) if named else []
        for default in named:
            fits = not default.products or any(product in default.products for product in products)
            if fits and default.holds(self._version if part in ("proxy", "route", "upstream") else ""):
                return PathFact(default.value, None, default.by)
        return None

    def _products(self, part: str) -> list[str]:
        """Return the products whose defaults a part has."""
        path = self.path
        if part in ("proxy", "route", "upstream"):
            return [path.proxy.product] if path.proxy is not None else []
        if part == "service":
            return ["Service"]
        if part == "workload" and path.workload is not None:
            return [path.workload.kind, *self._programs]
        return []

    @cached_property
    def _programs(self) -> list[str]:
        """The server programs in the command of the workload, such as uvicorn."""
        command = self.path.workload.command if self.path.workload is not None else ()
        words = [part.rpartition("/")[2] for word in command for part in word.split()]
        return [word for word in words if word in self._knowledge.server_programs]

    @cached_property
    def _version(self) -> str:
        """The release of the proxy: as its file states it, or as the tag of its image."""
        proxy, workload = self.path.proxy, self.path.proxy_workload
        stated = proxy.observed.get("version") if proxy is not None else None
        if stated is not None and not stated.is_dynamic:
            return str(stated.value)
        match = _VERSION.search(workload.image) if workload is not None else None
        return match[1] if match else ""

    @cached_property
    def _derived(self) -> Mapping[str, PathFact]:
        return {
            **dict(self._names()),
            **dict(self._counts()),
            **server_facts(self.path, self._knowledge, self._requirements),
            **dict(self._stop()),
        }

    def _names(self) -> Iterator[tuple[str, PathFact]]:
        path = self.path
        for part in ("proxy", "upstream", "workload", "service"):
            found = getattr(path, part)
            if found is not None:
                yield f"{part}.name", PathFact(found.name, None)
        if path.proxy is not None:
            yield "proxy.product", PathFact(path.proxy.product, None)
        if path.route is not None:
            yield "route.path", PathFact(path.route.path or "/", None)
        if path.workload is not None:
            yield "workload.kind", PathFact(path.workload.kind, None)
            if self._programs:
                yield "workload.program", PathFact(self._programs[0])
        if path.service is not None and path.upstream is not None:
            headless = path.service.observed.get("headless")
            is_pool = any(target.is_pool for target in path.upstream.targets)
            if not is_pool and not (headless is not None and headless.value):
                yield "path.through_service", PathFact(True, path.service.location)
        if path.next_proxy:
            yield "path.next_proxy", PathFact(path.next_proxy)
        if path.front is not None:
            yield "path.behind_proxy", PathFact(True, next((route.location for route in path.front.routes), None))
        if path.proxy_workload is not None:
            instances = self._instances(path.proxy_workload)
            if instances is not None:
                yield "path.proxies", instances

    def _counts(self) -> Iterator[tuple[str, PathFact]]:
        """Yield how many instances answer."""
        ends = [end for end in (self.path.workload, *self.path.others) if end is not None]
        known = [self._instances(end) for end in ends]
        least = sum(int(fact.value) if fact is not None and isinstance(fact.value, int) else 1 for fact in known)
        places = [fact.location for fact in known if fact is not None and fact.location is not None]
        scaled = next((place for end in ends for place in self._scaled(end)), None)
        stated = self._stated_instances()
        if least > 1:
            many, place = "several", places[0] if places else None
        elif scaled is not None:
            many, place = "several", scaled
        elif stated is not None and (not ends or None in known):
            least, most = stated
            many, place = "several" if most > 1 else "single", None
            known = [PathFact(least)]
        else:
            many, place = "unknown" if not ends or None in known else "single", places[0] if places else None
        yield "path.many", PathFact(many, place)
        if known and None not in known:
            yield "path.count", PathFact(least, place)
        if many == "several" and least > 1:
            yield "path.lost", PathFact(f"{least - 1} of {least}", place)

    def _instances(self, end: Workload | Target) -> PathFact | None:
        """Return the number of instances behind a workload or an address; None if it is not known."""
        if isinstance(end, Target):
            backup = end.observed.get("backup")
            number = 0 if backup is not None and backup.value is True else 1
            return None if end.is_pool or not is_address(end.host) else PathFact(number, end.location)
        stated = end.observed.get("instances")
        if stated is not None:
            return None if stated.is_dynamic else PathFact(stated.value, stated.location)
        defaults = (each for each in _defaults(self._knowledge)["instances"] if end.kind in each.products)
        return next((PathFact(each.value, None, each.by) for each in defaults), None)

    @staticmethod
    def _scaled(end: Workload | Target) -> Iterator[Location]:
        """Yield the place that says that an autoscaler can start several instances."""
        most, scaled = end.observed.get("most_instances"), end.observed.get("autoscaled")
        if most is not None and isinstance(most.value, int) and most.value > 1:
            yield most.location
        elif most is None and scaled is not None and scaled.value is True:
            yield scaled.location

    def _stated_instances(self) -> tuple[int, int] | None:
        """Return the lowest and the highest number of instances that the user states; None without a statement."""
        if self._requirements is None or "scale.instances" not in self._requirements.given:
            return None
        stated = self._requirements["scale.instances"]
        return (stated["min"], stated["max"]) if isinstance(stated, Mapping) else (int(stated), int(stated))

    def _stop(self) -> Iterator[tuple[str, PathFact]]:
        if self.path.workload is None:
            return
        grace, before = (
            self.path.workload.observed.get(name) or self._default("workload", name)
            for name in ("grace_period", "pre_stop")
        )
        if grace is None or before is None or grace.is_dynamic or before.is_dynamic:
            return
        place = grace.location or before.location
        by = grace.default_of if isinstance(grace, PathFact) else ""
        if isinstance(grace.value, (int, float)) and isinstance(before.value, (int, float)):
            yield "workload.time_to_stop", PathFact(max(grace.value - before.value, 0), place, "" if place else by)
