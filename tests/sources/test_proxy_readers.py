"""Each configuration has a single reader, and configurations inside other files are read with the lines of these files."""

from __future__ import annotations

import pytest
from test_hostile_proxy_files import SAMPLES

from advisor.sources.proxies import READERS, read_inner

NAMED = [(kind, path, text) for kind, (_, path, texts) in SAMPLES.items() for text in texts]


@pytest.mark.parametrize(("kind", "path", "text"), NAMED)
def test_a_single_reader_recognises_a_configuration(kind: str, path: str, text: str) -> None:
    assert [reader.read for reader in READERS if reader.recognises(text, path)] == [SAMPLES[kind][0].read]


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_configuration_inside_another_file_has_the_lines_of_this_file(kind: str) -> None:
    reader, path, texts = SAMPLES[kind]
    plain = reader.read(texts[0], path, {})
    inner = read_inner("\n" * 7 + texts[0], "configmap.yaml", path)
    assert inner is not None
    assert inner.examined == ("configmap.yaml",)
    for proxy, moved in zip(plain.proxies, inner.proxies, strict=True):
        assert [upstream.name for upstream in proxy.upstreams] == [upstream.name for upstream in moved.upstreams]
        for route, other in zip(proxy.routes, moved.routes, strict=True):
            assert (other.location.path, other.location.line) == ("configmap.yaml", (route.location.line or 0) + 7)


def test_other_texts_are_not_read() -> None:
    assert read_inner("a: b\n", "configmap.yaml", "settings.yaml") is None
