"""The formats that commands write in."""

from __future__ import annotations

from enum import Enum


class Format(str, Enum):
    """For people or for programs."""

    TEXT = "text"
    JSON = "json"


class DocumentFormat(str, Enum):
    """The same, and what a repository or a pipeline keeps."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    MARKDOWN = "markdown"
