"""The type of a kustomization file, and the files that it names."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from advisor.sources.platforms.marked import YamlNode

RENDERED = "pass the rendered output of `kubectl kustomize`"
"""What a user can do about a change that the program does not apply."""
_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


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


def listed(each: Kustomization) -> list[str]:
    """Return the resources that a file lists, as written."""
    return [*each.node.key("resources").texts(), *each.node.key("bases").texts()]


def inside(folder: str, name: str) -> str | None:
    """Return a path relative to the audited path; None for a URL and a path outside of it."""
    if "://" in name or name.startswith("/") or not name:
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.startswith("..") else "" if path == "." else path
