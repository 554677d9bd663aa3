"""All manifests of one build, and the queries that many checks use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

Manifest = dict[str, Any]

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_FACTOR = {None: 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12} | {
    f"{letter}i": 1024.0 ** (power + 1) for power, letter in enumerate("KMGT")
}
_WORKLOADS = ("Deployment", "StatefulSet")


@dataclass
class Build:
    """All manifests of one build.

    Attributes:
        objects: the manifests.
        shutdown_s: name of a workload → the longest time in seconds that its program needs to end after SIGTERM.
    """

    objects: list[Manifest]
    shutdown_s: dict[str, int] = field(default_factory=dict)

    def of(self, *kinds: str) -> list[Manifest]:
        return [manifest for manifest in self.objects if manifest["kind"] in kinds]

    @property
    def workloads(self) -> list[Manifest]:
        return self.of(*_WORKLOADS)

    def find(self, kind: str, name: str) -> Manifest | None:
        return next((manifest for manifest in self.of(kind) if manifest["metadata"]["name"] == name), None)

    def selected(self, selector: dict[str, str]) -> list[Manifest]:
        """The workloads whose pods have these labels; an empty selector selects all workloads."""
        return [workload for workload in self.workloads if selector.items() <= pod_labels(workload).items()]

    def scaler(self, workload: Manifest) -> Manifest | None:
        target = (workload["kind"], workload["metadata"]["name"])
        scalers = self.of("HorizontalPodAutoscaler")
        return next(
            (scaler for scaler in scalers if (named := scaler["spec"]["scaleTargetRef"]) and ref(named) == target), None
        )


def pod_labels(workload: Manifest) -> dict[str, str]:
    return dict(workload["spec"]["template"]["metadata"].get("labels", {}))


def containers(workload: Manifest) -> list[Manifest]:
    return list(workload["spec"]["template"]["spec"]["containers"])


def quantity(value: Any) -> float | None:
    """The number of a Kubernetes quantity, or None if the value is not a quantity."""
    match = _QUANTITY.fullmatch(str(value))
    return float(match[1]) * _FACTOR[match[2]] if match else None


def ports(workload: Manifest) -> dict[str, int]:
    return {
        port["name"]: port["containerPort"] for container in containers(workload) for port in container.get("ports", [])
    }


def ref(target: Manifest) -> tuple[str, str]:
    return target["kind"], target["name"]


def has_port(workload: Manifest, port: Any) -> bool:
    """Whether the pods of the workload have a port of this name or number."""
    known = ports(workload)
    return port in known or port in known.values()
