"""Each configuration has a single reader, and a configuration inside another file has the lines of this file."""

from __future__ import annotations

from typing import Any

import pytest
from test_hostile_proxy_files import SAMPLES

READERS = {reader.__name__.rpartition(".")[2]: reader for reader, _, _ in SAMPLES.values()}
NAMED = [(kind, path, text) for kind, (_, path, texts) in SAMPLES.items() for text in texts]


def recognising(text: str, path: str) -> list[Any]:
    return [reader for name, reader in READERS.items() if getattr(reader, f"is_{name}")(text, path)]


@pytest.mark.parametrize(("kind", "path", "text"), NAMED)
def test_a_single_reader_recognises_a_configuration(kind: str, path: str, text: str) -> None:
    assert recognising(text, path) == [SAMPLES[kind][0]]


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_configuration_inside_another_file_has_the_lines_of_this_file(kind: str) -> None:
    reader, path, texts = SAMPLES[kind]
    assert recognising("\n" * 7 + texts[0], path) == [reader]
    plain = reader.read(texts[0], path, {})
    inner = reader.read("\n" * 7 + texts[0], "configmap.yaml", {})
    assert inner.examined == ("configmap.yaml",)
    for proxy, moved in zip(plain.proxies, inner.proxies, strict=True):
        assert [upstream.name for upstream in proxy.upstreams] == [upstream.name for upstream in moved.upstreams]
        for route, other in zip(proxy.routes, moved.routes, strict=True):
            assert (other.location.path, other.location.line) == ("configmap.yaml", (route.location.line or 0) + 7)


def test_other_texts_are_not_recognised() -> None:
    assert recognising("a: b\n", "settings.yaml") == []
