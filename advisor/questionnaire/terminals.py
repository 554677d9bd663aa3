"""Which of the two ways to ask fits the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping

from advisor.questionnaire.asker import Asker


def asker(words: Mapping[str, str]) -> Asker:
    """Drawn prompts where the terminal can draw, else numbered lines."""
    if os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and os.name != "nt":
        from advisor.questionnaire.plain import Plain

        return Plain(words)
    from advisor.questionnaire.prompts import Prompts

    return Prompts(words)
