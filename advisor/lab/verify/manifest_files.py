"""Read the manifests of a kit: the objects that `kubectl apply -k` creates, each with the file that it is from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from advisor.kit.model import TierContext
from advisor.lab.verify.result import Trial

FOLDER, KUSTOMIZATION = "kubernetes", "kustomization.yaml"
WORKLOADS = ("Deployment", "StatefulSet")
NONE = "(none)"


@dataclass(frozen=True, slots=True)
class Manifest:
    """An object of Kubernetes.

    Attributes:
        file: the file, relative to the kit.
        body: the content of the object.
    """

    file: str
    body: Any

    @property
    def kind(self) -> str:
        """The kind; "" for none."""
        return str(at(self.body, "kind") or "")

    @property
    def name(self) -> str:
        """The name; "" for none."""
        return str(at(self.body, "metadata.name") or "")

    @property
    def title(self) -> str:
        """The file, the kind and the name."""
        return f"{self.file}: {self.kind} {self.name}"

    @property
    def container(self) -> Any:
        """The first container of a workload; None for none."""
        return at(self.body, "spec.template.spec.containers.0")

    @property
    def labels(self) -> Mapping[str, Any]:
        """The labels of the pods of a workload."""
        found = at(self.body, "spec.template.metadata.labels")
        return found if isinstance(found, dict) else {}

    def trial(self, name: str, key: str, expected: object, observed: object, agrees: bool | None = None) -> Trial:
        """Compare a value of the object.

        Args:
            name: the name of the check.
            key: the key of the value.
            expected: the expected value, or words.
            observed: the value; None if the key is missing.
            agrees: whether the value is correct; None to compare it with the expected value.
        """
        return trial(name, f"{self.title}, {key}", expected, observed, agrees)


def trial(name: str, place: str, expected: object, observed: object, agrees: bool | None = None) -> Trial:
    """Compare a value of a file.

    Args:
        name: the name of the check.
        place: the file and the key.
        expected: the expected value, or words.
        observed: the value; None if the key is missing.
        agrees: whether the value is correct; None to compare it with the expected value.
    """
    wanted, seen = _words(expected), NONE if observed is None else _words(observed)
    same = wanted == seen if agrees is None else agrees
    return Trial(name, place, wanted, seen, same)


def _words(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def at(node: Any, path: str) -> Any:
    """Return the value under a path such as `spec.ports.0.name`; None if there is no such value."""
    for part in path.split("."):
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict):
            node = node.get(part)
        else:
            return None
    return node


def entries(node: Any, path: str) -> list[Any]:
    """Return the list under a path; [] if there is no list."""
    found = at(node, path)
    return found if isinstance(found, list) else []


def named(items: Iterable[Any], name: str) -> Any:
    """Return the first of several objects with this name; None for none."""
    return next((item for item in items if at(item, "name") == name), None)


def number(value: Any) -> float:
    """Return a number of a manifest; 0 if the value is no number."""
    return float(value) if isinstance(value, (int, float)) or str(value).isdigit() else 0.0


def document(path: Path) -> Any:
    """Return the first document of a YAML file; None if there is no such file or it cannot be parsed."""
    return next(iter(_documents(path)), None)


def _documents(path: Path) -> list[Any]:
    try:
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError):  # verify reports these files (see read_kit_edits)
        return []


def read_manifests(kit_dir: Path) -> list[Manifest]:
    """Return the objects of the files that kustomization.yaml lists."""
    listed = entries(document(kit_dir / FOLDER / KUSTOMIZATION), "resources")
    return [
        Manifest(f"{FOLDER}/{name}", body)
        for name in listed
        if isinstance(name, str) and name.endswith((".yaml", ".yml"))
        for body in _documents(kit_dir / FOLDER / name)
        if isinstance(body, dict)
    ]


def flag_settings(tier: TierContext) -> dict[str, str]:
    """Return the environment variables for the transport and the flags of a tier, which each platform sets."""
    return {
        "MCP_TRANSPORT": "streamable-http",
        "MCP_STATELESS": str(tier.stateless_http).lower(),
        "MCP_JSON_RESPONSE": str(tier.json_response).lower(),
    }
