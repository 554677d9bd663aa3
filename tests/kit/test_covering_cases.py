"""The cases of the tests with real programs cover every SDK line, every front and every feature."""

from __future__ import annotations

import json
from pathlib import Path

import test_kit_tests
from sdk_lines import MODERN_LINES, SDK_LINES
from test_foreign_clients import CONFORMED, FRONTS, INSPECTED, MODERN


def test_every_line_and_front_meets_each_tool() -> None:
    for covering in (INSPECTED, CONFORMED):
        assert {case[0] for case in covering} == set(SDK_LINES)
        assert {case[1] for case in covering} == set(FRONTS)
    modern = {line for line, _, revision in CONFORMED if revision == MODERN}
    assert modern == set(MODERN_LINES)


def test_no_address_of_the_lock_file_is_a_mirror() -> None:
    files = list(Path(__file__).parents[1].glob("*/*/package-lock.json"))
    assert len(files) == 4
    packages = [package for file in files for package in json.loads(file.read_text())["packages"].items()]
    addresses = [package["resolved"] for _, package in packages if "resolved" in package]
    assert addresses
    assert all(address.startswith("https://registry.npmjs.org/") for address in addresses)


def test_every_feature_is_removed_by_at_least_one_case() -> None:
    assert {feature for feature, *_ in test_kit_tests.LOSSES.values()} == set(test_kit_tests.FEATURES)
