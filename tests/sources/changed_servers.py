"""Scans server code that is changed at random, for the tests of hostile code in each language."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

from changed_text import changed

from advisor.audits.server_code import findings
from advisor.audits.stated_facts import facts_of
from advisor.knowledge import Knowledge
from advisor.sources.code_scan import scan

LONGEST_S = 1.0
"""The seconds of CPU time. Other processes of a busy machine do not count."""


def check_changed(
    file: Path,
    texts: list[str],
    changes: tuple[Sequence[str], Sequence[tuple[str, str]]],
    knowledge: Knowledge,
    count: int,
    seed: int,
) -> None:
    """Write changed texts to a file, and assert that each is read or refused in time.

    Args:
        file: the file of the server, alone in its folder.
        texts: servers in the language of the file.
        changes: what is added, and what is replaced; see `changed`.
        knowledge: has the names of the SDKs.
        count: the number of changed texts.
        seed: decides the changes.
    """
    draw = random.Random(seed)
    added, replaced = changes
    for number in range(count):
        text = changed(draw.choice(texts), texts, draw, added=added, replaced=replaced)
        file.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        started = time.process_time()
        tree = scan(file.parent, knowledge)
        findings(tree, knowledge)
        if tree.servers:
            facts_of(tree, knowledge, "server")
        assert time.process_time() - started < LONGEST_S, (seed, number, text)
