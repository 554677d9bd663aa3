"""JSON and YAML writers: one document each, for one requirements file or for many."""

from __future__ import annotations

import json
from typing import Any

from advisor.report.decision_json import BATCH_SCHEMA, Document


def json_text(document: Document, *, ascii_only: bool = False) -> str:
    """One document as indented JSON with a final newline."""
    return json.dumps(document, indent=2, ensure_ascii=ascii_only) + "\n"


def json_batch(decisions: list[Document], errors: list[Document], *, ascii_only: bool = False) -> str:
    """The decisions of many files as one JSON document, one decision to a line: quick to write, easy to grep."""

    def lines(entries: list[Document]) -> str:
        if not entries:
            return "[]"
        return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=ascii_only) for entry in entries) + "\n]"

    return f'{{"schema": "{BATCH_SCHEMA}",\n"decisions": {lines(decisions)},\n"errors": {lines(errors)}}}\n'


def batch_dict(decisions: list[Document], errors: list[Document]) -> Document:
    """The decisions of many files as one document."""
    return {"schema": BATCH_SCHEMA, "decisions": decisions, "errors": errors}


def yaml_text(document: Document, *, ascii_only: bool = False) -> str:
    """The same data as block-style YAML: no anchors, keys in order."""
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # libyaml's is several times faster

    class Dumper(base):  # type: ignore[misc]
        def ignore_aliases(self, data: object) -> bool:
            return True

    text: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, default_flow_style=False, allow_unicode=not ascii_only, width=120
    )
    return text
