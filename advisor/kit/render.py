"""Renders all files of a kit, with the parts that its platform needs."""

from __future__ import annotations

from advisor.decision.model import Decision
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext, KitFile
from advisor.kit.parts import (
    compose,
    documents,
    kubernetes,
    monitoring,
    proxy,
    pytest_suite,
    server,
    serverless,
    systemd,
)

_PLATFORM = {"kubernetes": kubernetes, "systemd": systemd, "serverless": serverless}


def render_kit(decision: Decision, requirements_text: str, kit: KitContext | None = None) -> list[KitFile]:
    """Return the files of the kit, sorted by path. Equal input gives equal files.

    Args:
        decision: the decision to deploy.
        requirements_text: the requirements file, as the user wrote it.
        kit: the context of the kit, if the caller has already made it from `decision`.

    Raises:
        InfeasibleError: the decision is a contradiction.
    """
    kit = kit or kit_context(decision)
    files = documents.files(kit, decision, requirements_text)
    for part in (server, pytest_suite) if kit.plain else (server, proxy, pytest_suite, compose, monitoring):
        files += part.files(kit)
    if kit.platform in _PLATFORM:
        files += _PLATFORM[kit.platform].files(kit)
    return sorted(files, key=lambda file: file.path)
