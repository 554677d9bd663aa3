"""Writes documents as JSON and as YAML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]


def json_text(document: Document, *, ascii_only: bool = False) -> str:
    """Return a document as indented JSON with a final newline."""
    return json.dumps(document, indent=2, ensure_ascii=ascii_only) + "\n"


def json_lines(document: Document, *, ascii_only: bool = False) -> str:
    """Return a document as JSON with one line for each entry of a list, which is fast to write and easy to search."""

    def written(value: Any) -> str:
        if not isinstance(value, list) or not value:
            return json.dumps(value, ensure_ascii=ascii_only)
        return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=ascii_only) for entry in value) + "\n]"

    return "{" + ",\n".join(f'"{key}": {written(value)}' for key, value in document.items()) + "}\n"


def yaml_text(document: Document, *, ascii_only: bool = False) -> str:
    """Return a document as YAML in block style, without anchors and with the keys in order."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # The dumper of libyaml is several times faster.

    class Dumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: object) -> bool:
            return True

    text: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, default_flow_style=False, allow_unicode=not ascii_only, width=120
    )
    return text
