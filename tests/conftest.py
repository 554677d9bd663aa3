"""Fixtures for every test: the knowledge in rules/, an advisor over it, and requirements from dotted keys."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator

import pytest
from broken_rules import _parsed_once, broken
from hypothesis import settings
from measured import pytest_runtest_protocol
from retried import pytest_collection_modifyitems, pytest_runtest_setup, pytest_terminal_summary
from running import parents, temporary
from trees import scanned

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.decision.model import Decision
from advisor.knowledge import Knowledge, load
from advisor.requirements import Requirements

# Fixtures for several folders are imported here, because mypy accepts only one module with the name conftest.
__all__ = [
    "_parsed_once",
    "broken",
    "parents",
    "pytest_collection_modifyitems",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
    "scanned",
    "temporary",
]

# Many tests start the program again. If it cannot write bytecode files, each start compiles all modules again, which
# takes more than half of the time of a start.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Tests in the background or under nohup ignore these signals, and processes of the tests would ignore them too.
for _number, _action in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _action)

# A fixture ends the programs that it started only if Python unwinds. By default, SIGTERM ends Python immediately.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# Decisions make many objects and few cycles. With the usual threshold, the garbage collector takes an eighth of the
# time.
gc.set_threshold(100_000, 20, 100)

# The examples are the same in every run, so a failure can be repeated on any machine.
settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Use a cache folder of this run, so that the tests read no old cache and leave the user's cache unchanged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MCP_ADVISOR_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_flush() -> Iterator[None]:
    """Do not flush files to the disk: a flush takes milliseconds and has an effect only if the machine loses power.

    tests/kit/test_write.py has a test that a kit is flushed before its first file is replaced.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """Everything under rules/."""
    return load()


@pytest.fixture(scope="session")
def advisor(knowledge: Knowledge) -> Advisor:
    """The advisor over rules/."""
    return Advisor(knowledge)


@pytest.fixture(scope="session")
def requirements(advisor: Advisor) -> Callable[..., Requirements]:
    """A function from dotted keys, as rule files write examples, to requirements."""
    return lambda facts=(), **top: example_requirements(advisor, {**dict(facts), **top})


@pytest.fixture(scope="session")
def decide(advisor: Advisor, requirements: Callable[..., Requirements]) -> Callable[..., Decision]:
    """A function from dotted keys to the decision."""
    return lambda facts=(), **top: advisor.decide(requirements(facts, **top))
