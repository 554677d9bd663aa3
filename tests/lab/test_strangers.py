"""`verify` reports a kit in which clients without a session can use up the sessions of other clients."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from causes import BUSY_FLEET

from advisor.decision.advisor import Advisor
from advisor.kit.render import render_kit
from advisor.kit.sync.generate import generate
from advisor.lab.fleet.fleet import Fleet
from advisor.lab.fleet.plan import FleetPlan
from advisor.lab.process.run import Run
from advisor.lab.process.steps import Steps
from advisor.lab.verify.preparation import prepare
from advisor.lab.verify.result import Trial
from advisor.lab.verify.strangers import check_strangers
from advisor.requirements import Requirements

pytestmark = [pytest.mark.programs, BUSY_FLEET]

OF_INSTANCE = ("session limit of an instance", "open session of a full instance")
OF_PROXY = (
    "session limit of a client address",
    "open session of another client",
    "new session of another client address",
)


@pytest.fixture
def tried(
    advisor: Advisor, requirements: Callable[..., Requirements], tmp_path: Path
) -> Callable[..., dict[str, Trial]]:
    """The checks of a generated kit, after an edit of some of its files."""

    def run(proxy: str, edits: dict[str, tuple[str, str]], **more: object) -> dict[str, Trial]:
        wanted = requirements(
            {
                "sdk": "mcp-2",
                "clients.protocol": "mixed",
                "scale.instances": 2,
                "scale.affinity": "available",
                "environment.platform": "systemd",
                "environment.proxy.kind": proxy,
                "needs.sampling": "required",
                "operations.can_operate_affinity": True,
                **more,
            }
        )
        prepared = prepare(wanted, advisor)
        folder = tmp_path / "kit"
        generate(render_kit(prepared.decision, ""), b"", folder)
        for name, (old, new) in edits.items():
            text = (folder / name).read_text()
            changed = re.sub(old, new, text, flags=re.MULTILINE)
            assert changed != text, name
            (folder / name).write_text(changed)

        async def observed() -> list[Trial]:
            async with Run.open("strangers") as lab:
                front = replace(prepared.front, many=1)
                plan = FleetPlan(folder, prepared.kit, Path(sys.executable), front, prepared.instances, prepared.extras)
                fleet = Fleet(lab, plan)
                if prepared.kit.uses_redis or prepared.extras.redis:
                    await fleet.start_redis()
                try:
                    return await check_strangers(fleet, Steps())
                finally:
                    for process in fleet.processes:
                        process.kill()

        return {trial.name: trial for trial in asyncio.run(observed())}

    return run


@pytest.mark.parametrize(
    "proxy", ["nginx", *(pytest.param(name, marks=pytest.mark.weekly) for name in ("haproxy", "envoy"))]
)
def test_a_generated_kit_passes(tried: Callable[..., dict[str, Trial]], proxy: str) -> None:
    found = tried(proxy, {})
    assert tuple(found) == OF_INSTANCE + OF_PROXY
    assert all(trial.agrees for trial in found.values()), found


def test_a_proxy_without_such_a_limit_is_not_tried(tried: Callable[..., dict[str, Trial]]) -> None:
    found = tried("caddy", {})
    assert tuple(found) == OF_INSTANCE
    assert all(trial.agrees for trial in found.values()), found


def test_a_kit_without_sessions_is_not_tried(tried: Callable[..., dict[str, Trial]]) -> None:
    assert tried("nginx", {}, **{"needs.sampling": "none"}) == {}


DAMAGES = {
    "session limit of the settings": (
        "nginx",
        {
            "server/runtime/settings.py": (
                r'max_sessions=env.number\("MCP_MAX_SESSIONS".*\),',
                "max_sessions=1_000_000,",
            )
        },
        "session limit of an instance",
        "6 sessions open",
    ),
    "a full server refuses everything": (
        "nginx",
        {"server/runtime/observability.py": ("if opens and self.sessions", "if self.sessions")},
        "open session of a full instance",
        "HTTP 503",
    ),
    "rate limit of nginx": (
        "nginx",
        {"proxy/server.conf": ("^ *limit_req .*\n", "")},
        "session limit of a client address",
        "sessions open",
    ),
    "rate limit of nginx for everybody": (
        "nginx",
        {"proxy/nginx.conf": (r'"legacy POST " \$mcp_stranger;', '"legacy POST " everybody;')},
        "new session of another client address",
        "HTTP 429",
    ),
    "rate limit of HAProxy": (
        "haproxy",
        {"proxy/haproxy.cfg": ("^ *http-request deny deny_status 429 if { var.txn.opens.*\n", "")},
        "session limit of a client address",
        "sessions open",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_named(tried: Callable[..., dict[str, Trial]], damage: str) -> None:
    proxy, edits, name, observed = DAMAGES[damage]
    found = tried(proxy, edits)
    wrong = [trial for trial in found.values() if not trial.agrees]
    assert [trial.name for trial in wrong] == [name], found
    assert observed in wrong[0].observed
