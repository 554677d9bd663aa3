"""The faults of a document under a JSON Schema. The validator is compiled, because our decisions are large."""

from __future__ import annotations

from typing import Any

from jsonschema_rs import Draft202012Validator


def schema_faults(validator: Draft202012Validator, document: Any) -> list[str]:
    """Return each fault as `place: message`. The document must consist of the types of JSON."""
    found = validator.iter_errors(document)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message:.200}" for error in found]
