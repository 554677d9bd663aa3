"""The proxy images of kits: no release with a known hole (rules/kit_proxies.yaml)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.kit.context import kit_context
from advisor.kit.model import KitContext
from advisor.kit.parts import compose, kubernetes
from advisor.kit.render import render_kit
from advisor.knowledge import Knowledge
from advisor.knowledge.versions import at_least
from advisor.requirements import load_path

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
STICKY = {
    "service": "demo",
    "clients.protocol": "legacy",
    "scale.instances": 3,
    "scale.affinity": "available",
    "environment.platform": "kubernetes",
    "needs.sampling": "required",
}
STATED = ("1.18", "1.22.1", "1.28", "1.29.6", "1.30", "1.30.4", "1.30.9", "1.31", "1.31.3", "1.31.9", "1.33", "1.33.1")


def releases(kit: KitContext) -> list[str]:
    """The releases of the proxy images in all files of a kit."""
    image = re.escape(kit.carried.image)
    text = "".join(file.content for file in [*compose.files(kit), *kubernetes.files(kit)])
    tags = re.findall(rf"""image: ["']?{image}:([^"'\s]+)|name: ["']?{image}["']?\n +newTag: ["']?([^"'\s]+)""", text)
    return [re.sub(r"^v|-.*", "", first or second) for first, second in tags]


def is_safe(release: str, fixed: dict[str, str]) -> bool:
    line = ".".join(release.split(".")[:2])
    if line in fixed:
        return at_least(release, fixed[line])
    return all(at_least(line, known) for known in fixed)


@pytest.mark.parametrize("stated", [None, *STATED])
def test_no_image_of_nginx_has_a_known_hole(decide: Callable[..., Any], stated: str | None) -> None:
    for keep_cookies in (True, "unknown"):  # old releases keep sessions by other means, some only with cookies
        proxy = {"environment.proxy.kind": "nginx", "environment.proxy.version": stated}
        kit = kit_context(decide({**STICKY, **proxy, "clients.keep_cookies": keep_cookies}))
        found = releases(kit)
        assert len(found) >= 2
        assert [release for release in found if not is_safe(release, kit.carried.fixed)] == []
        text = "".join(file.content for file in [*compose.files(kit), *kubernetes.files(kit)])
        replaced = stated in ("1.18", "1.22.1", "1.28", "1.29.6")
        assert ("so the kit uses a newer line" in text) == replaced


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_image_of_an_example_has_a_known_hole(advisor: Advisor, path: Path) -> None:
    decision = advisor.decide(load_path(path, advisor.space))
    has_kit = decision.feasible and decision.kind == "python"
    kit = kit_context(decision) if has_kit else None
    if kit and kit.proxy:
        assert [release for release in releases(kit) if not is_safe(release, kit.carried.fixed)] == []


def test_the_release_of_a_kit_is_fixed_itself(knowledge: Knowledge) -> None:
    for proxy in knowledge.kit_proxies.values():
        assert not proxy.fixed or is_safe(proxy.version, proxy.fixed)
    assert {name for name, proxy in knowledge.kit_proxies.items() if proxy.fixed} == {"nginx"}


@pytest.mark.parametrize(
    ("stated", "used"),
    [
        ("", "1.30.7"),
        ("1.28", "1.30.7"),
        ("1.31", "1.31.9"),
        ("1.31.3", "1.31.9"),
        ("1.31.12", "1.31.12"),
        ("2.0", "2.0"),
    ],
)
def test_a_stated_release_gets_the_newest_fix_of_its_line(knowledge: Knowledge, stated: str, used: str) -> None:
    assert knowledge.kit_proxies["nginx"].release_for(stated) == used
    assert knowledge.kit_proxies["haproxy"].release_for("2.6") == "2.6"


def test_the_tag_of_an_image_does_not_move(knowledge: Knowledge) -> None:
    """Only the tag of Python moves, because each build of the user's image gets the newest patches."""
    assert {name for name, proxy in knowledge.kit_proxies.items() if proxy.version.count(".") < 2} == set()
    moving = {name for name, image in knowledge.images.items() if not re.match(r"\d+[.]\d+[.]\d+-", image.tag)}
    assert moving == {"python"}
    assert "moves" in knowledge.images["python"].because


def test_redis_and_python_have_the_tags_of_the_rules(decide: Callable[..., Any], knowledge: Knowledge) -> None:
    shared = {"scale.affinity": "unavailable", "operations.shared_store": "redis", "environment.platform": "compose"}
    files = {file.path: file.content for file in render_kit(decide({**STICKY, **shared}), "")}
    assert f"image: {knowledge.images['redis'].name}\n" in files["compose.yaml"]
    assert files["server/Dockerfile"].count(f"FROM {knowledge.images['python'].name}") == 2
