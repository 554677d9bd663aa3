"""Reads kustomization files: what they change in their resources, and what this program cannot apply."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from advisor.deployment.model import NotRead, Observation, Workload
from advisor.knowledge import Knowledge
from advisor.sources.platforms.kustomization import RENDERED, Kustomization, inside, listed
from advisor.sources.platforms.kustomize_patches import Patches
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_node
from advisor.sources.platforms.resources import Resource

_CHANGES = (
    *(
        "patchesJson6902",
        "components",
        "replacements",
        "transformers",
        "generators",
    ),
    *("helmCharts", "helmChartInflationGenerator", "namePrefix", "nameSuffix", "vars", "commonLabels"),
)
_SHARED = f"several overlays have its files, so their changes are not applied; {RENDERED} of each"
_NOT_LISTED = "the kustomization file of this folder does not list this file"


class Overlays:
    """The kustomization files of a deployment, and the files that each of them changes.

    Attributes:
        resources: the resources with the namespaces and the patches of these files. Patches are no resources.
        examined: the files with patches that are applied.
        unread: what is not applied.
    """

    def __init__(self, found: list[Kustomization], resources: list[Resource], knowledge: Knowledge) -> None:
        """Args: found: the files; resources: the content of all other files; knowledge: the keys of lists."""
        self._folders = {each.folder: each for each in found}
        self.unread: list[NotRead] = []
        named = {folder for each in found for folder in self._bases(each)}
        self._by_path: dict[str, list[Kustomization]] = {}
        for each in found:
            self.unread += _not_applied(each)
            if each.folder not in named:  # the others are bases of such a file
                self._follow(each, [each], set())
        patches = Patches(found, resources)
        self.unread += patches.unread
        named_files = {path for each in found for name in listed(each) if (path := inside(each.folder, name))}
        listing = {each.folder for each in found if listed(each)}
        self.resources: list[Resource] = []
        for resource in resources:
            path = resource.node.path
            if path in patches.paths and path not in named_files:
                continue
            if path not in named_files and posixpath.dirname(path) in listing:
                self.unread.append(NotRead(path, _NOT_LISTED))
                continue
            patched = patches.applied(resource, self._by_path.get(path, []), knowledge)
            if patched is not None:
                self.resources.append(patched._replace(namespace=self.namespace(path) or patched.namespace))
        self.unread = list(dict.fromkeys([*self.unread, *patches.unused()]))
        self.examined = sorted(patches.used)

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
        for name in listed(each):
            path = inside(each.folder, name)
            if path is not None and path in self._folders:
                yield path

    def _follow(self, each: Kustomization, outer: list[Kustomization], seen: set[str]) -> None:
        pending = [(each, outer)]
        while pending:
            current, chain = pending.pop()
            if current.folder in seen:
                continue
            seen.add(current.folder)
            for name in listed(current):
                path = inside(current.folder, name)
                base = self._folders.get(path) if path is not None else None
                if base is not None:
                    pending.append((base, [base, *chain]))
                elif path is not None and path in self._by_path and self._by_path[path] != chain:
                    # Several overlays change this file in different ways, so none of them is applied.
                    shared = [part for part in self._by_path[path] if part in chain]
                    self.unread.append(NotRead(current.path, _SHARED))
                    self._by_path[path] = shared
                elif path is not None:
                    self._by_path[path] = chain


def _not_applied(each: Kustomization) -> Iterator[NotRead]:
    changes = [key for key in _CHANGES if each.node.key(key)]
    if changes:
        yield NotRead(each.path, f"{', '.join(changes)}: these changes are not applied; {RENDERED}")
    for name in listed(each):
        if "://" in name or name.startswith(("git@", "github.com/")):
            yield NotRead(each.path, f"the resource {name} is not fetched; {RENDERED}")


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
