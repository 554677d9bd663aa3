"""The output formats of the commands, and the option `--format`."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, TypeAlias

import typer


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


class DecisionFormat(str, Enum):
    """The formats of documents, and the annotations of GitHub Actions."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    MARKDOWN = "markdown"
    GITHUB = "github"


FormatOption: TypeAlias = Annotated[
    Format, typer.Option("--format", "-f", help="Output format: text for people, json for scripts.")
]
"""The option of a command that prints a `Format`."""

DocumentFormatOption: TypeAlias = Annotated[
    DocumentFormat,
    typer.Option(
        "--format", "-f", help="Output format: text for people, json or yaml for scripts, markdown for a repository."
    ),
]
"""The option of a command that prints a `DocumentFormat`."""
