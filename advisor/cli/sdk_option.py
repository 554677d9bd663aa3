"""The option `--sdk` of the commands that take an SDK line or a release."""

from __future__ import annotations

from typing import Any

import typer

from advisor.cli.completion import complete_sdk


def sdk_option(text: str) -> Any:
    """Return the option. `text` is its help."""
    return typer.Option("--sdk", metavar="NAME", autocompletion=complete_sdk, help=text)
