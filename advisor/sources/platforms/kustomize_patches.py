"""The patches of kustomization files: the simple ones are applied, and the others are named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from advisor.deployment.model import NotRead
from advisor.knowledge import Knowledge
from advisor.sources.platforms.kustomization import RENDERED, Kustomization, inside
from advisor.sources.platforms.marked import UnreadableError, YamlNode, document, padded, parts
from advisor.sources.platforms.merging import NotSimpleError, merged
from advisor.sources.platforms.resources import Resource

_NOT_APPLIED = f"a patch that is not applied; {RENDERED}"
_DELETE = "delete"
_PLAIN_TARGETS = {"kind", "name", "group", "version", "namespace"}
_PLAIN_NAME = re.compile(r"[\w.-]*", re.ASCII)
_MOST = 2000
"""The most changes of resources, so that no files take longer than a second."""


class KustomizePatch(NamedTuple):
    """A patch of a kustomization file.

    Attributes:
        node: the values that change.
        kind, name: the resources that the patch changes; "" for every kind or name.
        path: the file with the patch.
    """

    node: YamlNode
    kind: str
    name: str
    path: str

    def changes(self, resource: Resource) -> bool:
        """Return whether the patch changes a resource."""
        return self.kind in ("", resource.kind) and self.name in ("", resource.name)


class Patches:
    """The patches of all kustomization files.

    Attributes:
        paths: the files that are patches.
        used: the files with a patch that is applied.
        unread: what is not applied.
    """

    def __init__(self, found: list[Kustomization], resources: list[Resource]) -> None:
        """Args: found: the kustomization files; resources: the content of all other files."""
        self._files: dict[str, list[Resource]] = {}
        for resource in resources:
            self._files.setdefault(resource.node.path, []).append(resource)
        self.paths: set[str] = set()
        self.used: set[str] = set()
        self.unread: list[NotRead] = []
        self._left = _MOST
        self._of = {each.path: list(self._read(each)) for each in found}

    def applied(self, resource: Resource, chain: list[Kustomization], knowledge: Knowledge) -> Resource | None:
        """Return a resource after the patches of the files that contain it, the innermost first; None if deleted."""
        keys = {each.id: each.keys for each in knowledge.list_keys.values()}
        for patch in (patch for each in chain for patch in self._of[each.path] if patch.changes(resource)):
            if self._left <= 0:
                self.unread.append(NotRead(patch.path, _NOT_APPLIED))
                break
            self._left -= 1
            if patch.node.key("$patch").text == _DELETE:
                self.used.add(patch.path)
                return None
            try:
                node = merged(resource.node, patch.node, keys)
            except NotSimpleError:
                self.unread.append(NotRead(patch.path, _NOT_APPLIED))
                continue
            self.used.add(patch.path)
            resource = resource._replace(node=node)
        return resource

    def unused(self) -> Iterator[NotRead]:
        """Yield the files with patches that change no resource in the audited files."""
        for path in sorted({patch.path for patches in self._of.values() for patch in patches} - self.used):
            yield NotRead(path, _NOT_APPLIED)

    def _read(self, each: Kustomization) -> Iterator[KustomizePatch]:
        for entry in each.node.key("patches").items():
            target = entry.key("target")
            names = {name for name, _ in target.pairs()}
            is_plain = names <= _PLAIN_TARGETS and bool(_PLAIN_NAME.fullmatch(target.key("name").text))
            found = list(self._entry(each, entry.key("path").text, entry.key("patch")))
            if not found or not is_plain:
                self.unread.append(NotRead(each.path, _NOT_APPLIED))
                continue
            for patch in found:
                yield patch._replace(kind=target.key("kind").text, name=target.key("name").text) if target else patch
        for entry in each.node.key("patchesStrategicMerge").items():
            is_inline = "\n" in entry.text
            found = list(self._entry(each, "" if is_inline else entry.text, entry))
            if not found:
                self.unread.append(NotRead(each.path, _NOT_APPLIED))
            yield from found

    def _entry(self, each: Kustomization, name: str, inline: YamlNode) -> Iterator[KustomizePatch]:
        """Yield the strategic merges of an entry. A list of operations on paths is none."""
        if name:
            path = inside(each.folder, name)
            self.paths.update([path] if path is not None else [])
            for resource in self._files.get(path or "", ()):
                yield KustomizePatch(resource.node, resource.kind, resource.name, resource.node.path)
            return
        try:
            for part, offset in parts(padded(inline)):
                node = document(part, each.path, offset)
                if node.is_mapping:
                    yield KustomizePatch(node, node.key("kind").text, node.get("metadata.name").text, each.path)
        except UnreadableError as error:
            self.unread.append(NotRead(each.path, str(error)))
