"""The parts of a deployment by name: which workload an address stands for, and which configuration a proxy runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from typing import NamedTuple, TypeVar

from advisor.deployment.model import DeploymentFiles, Proxy, Service, Target, Workload
from advisor.findings import Location

LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0", "host.docker.internal"})  # noqa: S104 (compared)
"""The hosts that are the machine itself."""

MOST_TARGETS = 64
"""The most servers of an upstream, or pods of a Service, that are joined to workloads."""

_Part = TypeVar("_Part", Workload, Service, Proxy)


class PathEnd(NamedTuple):
    """What a target of an upstream stands for: a workload, or only the address."""

    target: Target
    service: Service | None = None
    workload: Workload | None = None


class DeploymentParts:
    """The parts of a deployment. `workloads` are all workloads, with the facts of other resources about them."""

    def __init__(self, files: DeploymentFiles, products: Iterable[str]) -> None:
        """Args: files: what the readers found; products: the ids of proxies, which are also the names of images."""
        self._products = frozenset(products)
        self.workloads = _built(_extended(files))
        self._services: dict[str, list[Service]] = defaultdict(list)
        self._named: dict[str, list[Workload]] = defaultdict(list)
        self._listening: dict[int, list[Workload]] = defaultdict(list)
        self._labelled: dict[tuple[str, str, str], list[Workload]] = defaultdict(list)
        self._by_product: dict[str, list[Proxy]] = defaultdict(list)
        for service in files.services:
            self._services[service.name].append(service)
        for workload in self.workloads:
            for label in workload.labels.items():
                self._labelled[workload.namespace, label[0], label[1]].append(workload)
            if not workload.labels:
                for name in dict.fromkeys((workload.name, *workload.names)):
                    self._named[name].append(workload)
                for port in workload.ports:
                    self._listening[port].append(workload)
        for proxy in files.proxies:
            self._by_product[proxy.product].append(proxy)
        products_run = ((id(workload), self._product(workload)) for workload in self.workloads)
        self._products_run = {number: product for number, product in products_run if product}
        self.selected = cache(self._selected)
        self._found: dict[tuple[str, tuple[tuple[str, str], ...], str], list[Workload]] = {}
        runs = [(proxy, workload) for workload in self.workloads for proxy in self.configurations(workload)]
        self._runners = {id(proxy): workload for proxy, workload in reversed(runs)}

    def ends(self, target: Target, proxy: Proxy) -> list[PathEnd]:
        """Return what a target of an upstream of a proxy stands for."""
        names = target.host.lower().rstrip(".").split(".")
        for position in (0, 1) if len(names) > 2 else (0,):
            namespaces = [names[position + 1]] if len(names) > position + 1 else [proxy.namespace, ""]
            services = self._services.get(names[position], [])
            near = [each for each in services if each.namespace in namespaces]
            if not near and len(names) == 1 and not proxy.namespace:
                near = services
            for service in nearest(near, proxy.location)[:1]:
                workloads = self._pods(service)
                return [PathEnd(target, service, workload) for workload in workloads] or [PathEnd(target, service)]
        named = nearest(self._named.get(target.host, []), proxy.location)
        if not named and target.host in LOCAL:
            named = self._listening.get(target.port, [])
            named = named if len(named) == 1 else []
        return [PathEnd(target, None, workload) for workload in named[:1]] or [PathEnd(target)]

    def service_of(self, workload: Workload) -> Service | None:
        """Return a Service that selects the pods of a workload."""
        return self._fronting.get(id(workload))

    @cached_property
    def _fronting(self) -> dict[int, Service]:
        found: dict[int, Service] = {}
        for service in (each for services in self._services.values() for each in services):
            for workload in self._pods(service):
                found.setdefault(id(workload), service)
        return found

    def product(self, workload: Workload) -> str:
        """Return the product of a workload that runs a proxy; "" for another workload."""
        return self._products_run.get(id(workload), "")

    def _product(self, workload: Workload) -> str:
        image = workload.image.rpartition("/")[2].partition("@")[0].partition(":")[0]
        names = (image, image.removesuffix("-unprivileged"), image.removesuffix("-alpine"))
        return next((name for name in names if name in self._products), "")

    @property
    def has_proxy_workloads(self) -> bool:
        """Whether a workload runs a proxy."""
        return bool(self._products_run)

    def configurations(self, workload: Workload) -> list[Proxy]:
        """Return the configuration that a workload runs: of the product in its image, and nearest to the workload."""
        product = self.product(workload)
        found = nearest(self._by_product.get(product, []), workload.location) if product else []
        return found if len(found) == 1 else []

    def runner(self, proxy: Proxy) -> Workload | None:
        """Return the workload that runs a proxy, or None."""
        return self._runners.get(id(proxy))

    def _pods(self, service: Service) -> list[Workload]:
        """Return the workloads whose pods a Service selects, from the folder that is nearest to the Service."""
        selector = tuple(service.selector.items())
        key = (service.namespace, selector, service.location.path)
        if key not in self._found:
            found = nearest(self.selected(service.namespace, selector), service.location)
            together = [each for each in found if _folder(each.location) == _folder(found[0].location)]
            self._found[key] = together[:MOST_TARGETS]
        return self._found[key]

    def _selected(self, namespace: str, selector: tuple[tuple[str, str], ...]) -> list[Workload]:
        """Return the workloads whose pods a selector selects."""
        if not selector:
            return []
        with_first = self._labelled.get((namespace, selector[0][0], selector[0][1]), [])
        return [each for each in with_first if set(selector) <= set(each.labels.items())]


def nearest(parts: Sequence[_Part], place: Location) -> list[_Part]:
    """Return the parts whose files are nearest to a file in the tree of folders."""
    if len(parts) < 2:
        return list(parts)
    distances = [_distance(part.location, place) for part in parts]
    least = min(distances)
    return [part for part, distance in zip(parts, distances, strict=True) if distance == least]


def _folder(location: Location) -> list[str]:
    return location.path.split("/")[:-1]


def _distance(location: Location, place: Location) -> tuple[int, int]:
    mine, other = _folder(location), _folder(place)
    shared = 0
    for mine_part, other_part in zip(mine, other, strict=False):
        if mine_part != other_part:
            break
        shared += 1
    return len(mine) + len(other) - 2 * shared, len(mine)


def _extended(files: DeploymentFiles) -> Iterator[Workload]:
    """Yield the workloads with the facts of other resources about them, such as an autoscaler."""
    for workload in files.workloads:
        observed = dict(workload.observed)
        for namespace, kind, name, extra in files.extra:
            if (kind, name) == (workload.kind, workload.name) and namespace == workload.namespace:
                observed.update(extra)
        yield workload._replace(observed=observed)


def _built(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """Return the workloads. One that is built from a Dockerfile has what the Dockerfile states, and replaces it."""
    every = list(workloads)
    files = [each for each in every if each.kind == "Dockerfile"]
    used: set[int] = set()
    found = []
    for workload in every:
        if workload.kind == "Dockerfile":
            continue
        file = next((each for each in files if workload.context and _same(each.context, workload.context)), None)
        if file is not None:
            used.add(id(file))
            own_command = bool(workload.command)
            stated = {} if own_command else file.observed
            workload = workload._replace(
                command=workload.command or file.command,
                environment={**file.environment, **workload.environment},
                ports=workload.ports or file.ports,
                observed={**stated, **workload.observed},
            )
        found.append(workload)
    return (*found, *(each for each in files if id(each) not in used))


def _same(folder: str, other: str) -> bool:
    return folder.strip("./") == other.strip("./")
