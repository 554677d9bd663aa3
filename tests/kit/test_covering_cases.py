"""The cases of the tests with real programs cover every SDK line, every front and every feature."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import test_kit_tests
from sdk_lines import MODERN_LINES, SDK_LINES
from test_foreign_clients import CONFORMED, CONFORMED_IN_EVERY_RUN, FRONTS, LEGACY, MODERN, PAIRS, PAIRS_IN_EVERY_RUN


def test_every_client_meets_each_line_through_each_front() -> None:
    assert set(PAIRS) == set(product(SDK_LINES, FRONTS))
    served = {*product(SDK_LINES, FRONTS, [LEGACY]), *product(MODERN_LINES, FRONTS, [MODERN])}
    assert set(CONFORMED) == served


def test_every_run_has_each_line_and_each_front() -> None:
    for covering in (PAIRS_IN_EVERY_RUN, CONFORMED_IN_EVERY_RUN):
        assert {case[0] for case in covering} == set(SDK_LINES)
        assert {case[1] for case in covering} == set(FRONTS)
    modern = {line for line, _, revision in CONFORMED_IN_EVERY_RUN if revision == MODERN}
    assert modern == set(MODERN_LINES)


def test_no_address_of_the_lock_file_is_a_mirror() -> None:
    files = list(Path(__file__).parents[1].glob("*/*/package-lock.json"))
    assert len(files) == 5
    packages = [package for file in files for package in json.loads(file.read_text())["packages"].items()]
    addresses = [package["resolved"] for _, package in packages if "resolved" in package]
    assert addresses
    assert all(address.startswith("https://registry.npmjs.org/") for address in addresses)


def test_every_feature_is_removed_by_at_least_one_case() -> None:
    assert {feature for feature, *_ in test_kit_tests.LOSSES.values()} == set(test_kit_tests.FEATURES)
