"""The output formats of the commands."""

from __future__ import annotations

from enum import Enum


class Format(str, Enum):
    """Text for people, JSON for programs."""

    TEXT = "text"
    JSON = "json"


class DocumentFormat(str, Enum):
    """The formats of documents: text for people, JSON and YAML for programs, Markdown for a repository."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    MARKDOWN = "markdown"
