"""Reads kustomization files: what they change in their resources, and what this program cannot apply."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from advisor.deployment.model import NotRead, Observation, Workload
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_node

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHANGES = (
    *(
        "patches",
        "patchesStrategicMerge",
        "patchesJson6902",
        "components",
        "replacements",
        "transformers",
        "generators",
    ),
    *("helmCharts", "helmChartInflationGenerator", "namePrefix", "nameSuffix", "vars", "commonLabels"),
)
_RENDERED = "pass the rendered output of `kubectl kustomize`"


class Kustomization(NamedTuple):
    """A kustomization file."""

    path: str
    node: YamlNode

    @property
    def folder(self) -> str:
        """The folder of the file, relative to the audited path; "" for this path."""
        return posixpath.dirname(self.path)


def is_kustomization(path: str) -> bool:
    """Return whether a path has the name of a kustomization file."""
    return path.rpartition("/")[2] in _NAMES


class Overlays:
    """The kustomization files of a deployment, and the files that each of them changes.

    Attributes:
        unread: what is not applied.
    """

    def __init__(self, found: list[Kustomization]) -> None:
        """Args: found: the files."""
        self._folders = {each.folder: each for each in found}
        self.unread: list[NotRead] = []
        named = {folder for each in found for folder in self._bases(each)}
        self._by_path: dict[str, list[Kustomization]] = {}
        for each in found:
            self.unread += _not_applied(each)
            if each.folder not in named:  # the others are bases of such a file
                self._follow(each, [each], set())

    def namespace(self, path: str) -> str:
        """Return the namespace that kustomization files set for the resources of a file, or ""."""
        found = ""
        for each in self._by_path.get(path, ()):  # the innermost file first
            found = each.node.key("namespace").text or found
        return found

    def applied(self, workload: Workload) -> Workload:
        """Return a workload with the replicas and images of its kustomization files."""
        for each in self._by_path.get(workload.location.path, ()):
            for entry in each.node.key("replicas").items():
                count = from_node(entry.key("count"), "number")
                if (
                    entry.key("name").text == workload.name
                    and count is not None
                    and "autoscaled" not in workload.observed
                ):
                    observed: dict[str, Observation] = {**workload.observed, "instances": count}
                    workload = workload._replace(observed=observed)
            for entry in each.node.key("images").items():
                workload = workload._replace(image=_image(workload.image, entry))
        return workload

    def _bases(self, each: Kustomization) -> Iterator[str]:
        for name in _listed(each):
            path = _inside(each.folder, name)
            if path is not None and path in self._folders:
                yield path

    def _follow(self, each: Kustomization, outer: list[Kustomization], seen: set[str]) -> None:
        pending = [(each, outer)]
        while pending:
            current, chain = pending.pop()
            if current.folder in seen:
                continue
            seen.add(current.folder)
            for name in _listed(current):
                path = _inside(current.folder, name)
                base = self._folders.get(path) if path is not None else None
                if base is not None:
                    pending.append((base, [base, *chain]))
                elif path is not None and path in self._by_path and self._by_path[path] != chain:
                    # Several overlays change this file in different ways, so none of them is applied.
                    shared = [part for part in self._by_path[path] if part in chain]
                    self.unread.append(NotRead(current.path, f"several overlays have {path}; {_RENDERED} of each"))
                    self._by_path[path] = shared
                elif path is not None:
                    self._by_path[path] = chain


def _listed(each: Kustomization) -> list[str]:
    return [*each.node.key("resources").texts(), *each.node.key("bases").texts()]


def _inside(folder: str, name: str) -> str | None:
    """Return a path relative to the audited path; None for a URL and a path outside of it."""
    if "://" in name or name.startswith("/") or not name:
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.startswith("..") else "" if path == "." else path


def _not_applied(each: Kustomization) -> Iterator[NotRead]:
    changes = [key for key in _CHANGES if each.node.key(key)]
    if changes:
        yield NotRead(each.path, f"{', '.join(changes)}: these changes are not applied; {_RENDERED}")
    for name in _listed(each):
        if "://" in name or name.startswith(("git@", "github.com/")):
            yield NotRead(each.path, f"the resource {name} is not fetched; {_RENDERED}")


def _image(image: str, entry: YamlNode) -> str:
    name = image.partition("@")[0]
    base, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        base, tag = name, ""
    if not base or base != entry.key("name").text:
        return image
    new = entry.key("newName").text or base
    if entry.key("digest"):
        return f"{new}@{entry.key('digest').text}"
    tag = entry.key("newTag").text or tag
    return f"{new}:{tag}" if tag else new
