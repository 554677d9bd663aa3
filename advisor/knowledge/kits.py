"""The types of entries that only kits use: affinity mechanisms, proxies, and oldest releases of packages."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Mapping
from typing import Literal, NamedTuple

from advisor.engine.rules import Value
from advisor.knowledge.catalogue import KeyedOn
from advisor.knowledge.versions import at_least, parse

SERVERS = "servers"
SERVICE = "kubernetes-service"
BALANCER = "platform-balancer"
OTHERS = (SERVERS, SERVICE, BALANCER)
"""Values of `Mechanism.done_by` for mechanisms that do not run in a proxy of a kit."""


class Mechanism(NamedTuple):
    """An affinity mechanism for requests of legacy sessions. The head of rules/mechanisms.yaml explains the keys."""

    id: str
    done_by: str
    keyed_on: KeyedOn
    owner_in: Literal["proxy-memory", "session-id", "cookie", "hash", "redis", "balancer"]
    sources: list[str]
    when: list[dict[str, Value | dict[str, Value | list[Value]]]]
    balance: Literal["", "learn", "envelope", "cookie", "ip-hash", "table"] = ""
    newer: dict[Literal["needs", "balance"], str] = {}  # noqa: RUF012
    needs: str = ""
    otherwise: str = ""
    unmeasured: str = ""


class KitProxy(NamedTuple):
    """A proxy that kits can configure. The head of rules/kit_proxies.yaml explains the keys."""

    id: str
    image: str
    version: str
    tag: str
    exact_tag: str
    folder: str
    files: list[str]
    program: str
    arguments: list[str]
    validate: list[str]
    stop: str
    connections: str
    reload: str = ""
    reloaded: str = ""
    mark: dict[Literal["file", "after", "line", "path", "status"], str] = {}  # noqa: RUF012
    options: dict[Literal["pod", "lab"], list[str]] = {}  # noqa: RUF012
    drains: bool = True
    fixed_entries: bool = False
    checks_at_start: bool = False
    early_404: bool = False
    settles_s: float = 0.0
    source: dict[Literal["file", "after", "line"], str] = {}  # noqa: RUF012
    fetches: bool = True
    capability: str = ""
    lacks: str = ""
    limits_sessions: bool = True
    unchecked: tuple[str, ...] = ()
    take_out: dict[Literal["file", "how"], str] = {}  # noqa: RUF012
    since: dict[str, str] = {}  # noqa: RUF012
    fixed: dict[str, str] = {}  # noqa: RUF012
    sources: list[str] = []  # noqa: RUF012

    def release_for(self, stated: str) -> str:
        """Return the release of the image: the stated release, or a newer one without a known hole.

        Args:
            stated: the release in the requirements, such as `1.31` or `1.31.3`; "" if they state none.
        """
        numbers = parse(stated)
        if numbers is None or "." not in stated:
            return self.version
        line = ".".join(stated.split(".")[:2])
        if line in self.fixed:
            newest = self.fixed[line]
            return stated if stated != line and at_least(stated, newest) else newest
        outdated = any(not at_least(line, known) for known in self.fixed)
        return self.version if outdated else stated

    def command(self, program: str, folder: str, place: Literal["", "pod", "lab"] = "") -> list[str]:
        """Return the command that starts the proxy in the foreground.

        Args:
            program: the name or the path of the program.
            folder: the folder of its configuration.
            place: the environment of the proxy, for arguments that only this environment needs.
        """
        options = self.options.get(place, []) if place else []
        return [program, *(part.format(folder=folder) for part in self.arguments), *options]

    def tag_of(self, version: str) -> str:
        """Return the image tag for a release such as `1.29` or `1.29.6`."""
        return (self.exact_tag if version.count(".") > 1 else self.tag).format(version=version)


class KitImage(NamedTuple):
    """A container image of kits that is no proxy. The head of rules/kit_proxies.yaml explains the keys."""

    id: str
    tag: str
    because: str
    sources: list[str]

    @property
    def name(self) -> str:
        """The name with the tag."""
        return f"{self.id}:{self.tag}"


class FrontSetting(NamedTuple):
    """An annotation for the hop in front of a kit. The head of rules/kit_fronts.yaml explains the keys."""

    name: str
    value: str
    because: str

    def filled(self, values: Mapping[str, object]) -> "FrontSetting":
        """Return the annotation with these values instead of the placeholders."""
        return self._replace(value=self.value.format(**values))


class FrontNetwork(NamedTuple):
    """A network from which the hop in front of a kit connects. The head of rules/kit_fronts.yaml explains the keys."""

    cidr: str
    because: str
    replace: bool = False


class KitFront(NamedTuple):
    """The hop in front of a Kubernetes kit. The head of rules/kit_fronts.yaml explains the keys."""

    id: str
    name: str
    controller: str
    object: Literal["Ingress", "Service"]
    annotations: list[FrontSetting]
    tls: Literal["secret", "discovered", "stated"]
    steps: list[str]
    sources: list[str]
    class_name: str = ""
    service_annotations: list[FrontSetting] = []  # noqa: RUF012
    config: str = ""
    affinity: dict[KeyedOn, list[FrontSetting]] = {}  # noqa: RUF012
    service_affinity: dict[KeyedOn, list[FrontSetting]] = {}  # noqa: RUF012
    config_affinity: dict[KeyedOn, str] = {}  # noqa: RUF012
    certificate: FrontSetting | None = None
    networks: list[FrontNetwork] = []  # noqa: RUF012
    namespace: str = ""
    namespace_labels: dict[str, str] = {}  # noqa: RUF012
    guide: str = ""

    def settings(self, keyed_on: KeyedOn | None, *, certified: bool) -> list[FrontSetting]:
        """Return the annotations of the object.

        Args:
            keyed_on: what the session affinity of this hop depends on, or None.
            certified: whether an annotation names the certificate.
        """
        found = {setting.name: setting for setting in self.annotations}
        if keyed_on:
            found |= {setting.name: setting for setting in self.affinity[keyed_on]}
        certificate = [self.certificate] if certified and self.certificate else []
        return [*found.values(), *certificate]

    def service_settings(self, keyed_on: KeyedOn | None) -> list[FrontSetting]:
        """Return the annotations of the Service behind an Ingress, with this session affinity of the hop."""
        more = self.service_affinity.get(keyed_on, []) if keyed_on else []
        return [*self.service_annotations, *more]


class WatchingProxy(NamedTuple):
    """A proxy of the lab that watches its configuration. The head of rules/kit_proxies.yaml explains the keys."""

    id: str
    file: str
    arguments: list[str]
    validate: list[str] = []  # noqa: RUF012


class Floor(NamedTuple):
    """The oldest release of a package that generated code supports, as a requirement specifier."""

    id: str
    requirement: str
    because: str
