"""The types of rules/platforms.yaml: settings of platforms and controllers, and what they state about a deployment."""

from __future__ import annotations

from typing import Literal, NamedTuple


class StatedValue(NamedTuple):
    """An observation that a setting states. The head of rules/platforms.yaml explains the keys."""

    observation: str
    setting: str = ""
    unit: Literal["ms", "s", "m"] = "s"
    words: dict[str, str] = {}  # noqa: RUF012


class IngressController(NamedTuple):
    """A controller of Kubernetes that configures a proxy. The head of rules/platforms.yaml explains the keys."""

    id: str
    product: str
    prefixes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    controllers: tuple[str, ...] = ()
    middlewares: str = ""
    sources: tuple[str, ...] = ()


class Annotation(NamedTuple):
    """An annotation, and what it states. The head of rules/platforms.yaml explains the keys."""

    id: str
    sets: tuple[StatedValue, ...]
    yields_to: str = ""
    works_with: str = ""


class ResourceSettings(NamedTuple):
    """The settings of a kind of resource. The head of rules/platforms.yaml explains the keys."""

    id: str
    attached: Literal["annotation", "target", "host", "own"]
    sets: tuple[StatedValue, ...]
    annotation: str = ""


class RouteKind(NamedTuple):
    """A kind of resource with routes that a single product has; `id` is the kind and the group of the API."""

    id: str
    product: str


class ListKeys(NamedTuple):
    """A list of a resource whose entries have an identity: one of the keys."""

    id: str
    keys: tuple[str, ...]


class KubernetesKind(NamedTuple):
    """A kind of resource that has no part in requests."""

    id: str


class Sidecar(NamedTuple):
    """A pattern for the name or the image of a container that is not the server."""

    id: str
    pattern: str


class ProgramVariable(NamedTuple):
    """An environment variable of server programs. `program_variables` in rules/scan.yaml explains the keys."""

    id: str
    observation: str
    programs: tuple[str, ...] = ()
