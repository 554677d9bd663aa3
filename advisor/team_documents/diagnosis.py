"""How to find the cause of a problem in a deployment: rules/diagnoses.yaml with the values of the deployment."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from advisor.kit.endpoints import endpoints
from advisor.kit.model import KitContext
from advisor.kit.parts.compose import try_ports
from advisor.kit.upstreams import PROXY_PORT
from advisor.knowledge.diagnoses import DiagnosisStep
from advisor.team_documents.operations import looks

_WORD = re.compile(r"\{([a-z_]+)\}")
_ACCEPT = "-H 'Accept: application/json, text/event-stream'"
_MESSAGES: dict[str, dict[str, Any]] = {
    "initialize": {
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "curl", "version": "1"},
        },
    },
    "list": {"method": "tools/list"},
}
"""The messages that the commands send, without the fields that all messages have."""


class DiagnosisLine(NamedTuple):
    """A step of a diagnosis.

    Attributes:
        do: what it shows.
        language: of the command: promql or sh.
        command: the query or the command; "" on a platform that has its own tools for this.
        good: a result without a problem.
        bad: a result with a problem, and what to do then.
    """

    do: str
    language: str
    command: str
    good: str
    bad: str


class Diagnostician:
    """Fills the steps of diagnoses with the values of a deployment."""

    def __init__(self, kit: KitContext, job: str, *, monitored: bool) -> None:
        """Compute the values.

        Args:
            kit: the kit of the deployment.
            job: the job of the servers in Prometheus.
            monitored: whether Prometheus reads the metrics of the servers.
        """
        self._kit, self._monitored = kit, monitored
        self._values: dict[str, str] = {**_values(kit, job), **looks(kit)}
        self._by_hand = not self._values["ready"]

    def steps(self, name: str) -> list[DiagnosisLine]:
        """Return the steps of a diagnosis that are possible for this deployment."""
        found = []
        for step in self._kit.knowledge.diagnoses[name].steps:
            if not self._has(step):
                continue
            language, command = ("promql", step.promql) if step.promql else ("sh", step.sh)
            if any(self._values.get(word) == "" for word in _WORD.findall(command)):
                if not self._by_hand:
                    continue
                command = ""
            do, command, good, bad = (_filled(text, self._values) for text in (step.do, command, step.good, step.bad))
            found.append(DiagnosisLine(do, language, command, good, bad))
        return found

    def _has(self, step: DiagnosisStep) -> bool:
        tiers = self._kit.tiers
        holds = {
            "sessions": any(tier.keeps_sessions for tier in tiers),
            "several": sum(tier.instances for tier in tiers) > 1,
            "single-worker": all(tier.workers == 1 for tier in tiers),
            "redis": self._kit.uses_redis,
        }
        return all(holds[name] for name in step.only) and (self._monitored or not step.promql)


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its values. A word in braces that is no value stays, because curl and PromQL have braces."""
    return _WORD.sub(lambda found: values.get(found[1], found[0]), text)


def _values(kit: KitContext, job: str) -> dict[str, str]:
    """Return the values that do not depend on the commands of the platform."""
    at_local = kit.platform not in ("kubernetes", "serverless")
    local = PROXY_PORT if kit.platform == "systemd" else try_ports(kit)[0]
    endpoint = endpoints(kit, local)[-1]
    url = endpoint.url if kit.hosts else endpoint.local if at_local else f"https://YOUR_HOST{endpoint.url}"
    token = ' -H "Authorization: Bearer $TOKEN"' if kit.checks_tokens else ""
    version = "-H 'MCP-Protocol-Version: 2025-06-18'"
    messages = {name: {"jsonrpc": "2.0", "id": 1, **message} for name, message in _MESSAGES.items()}
    return {
        "own": f'job="{job}"',
        "planned": str(sum(tier.instances for tier in kit.tiers)),
        "longest": max(kit.tiers, key=lambda tier: tier.longest_call_s).longest_call,
        "idle": str(kit.session_idle_s),
        "bare": shlex.quote(url),
        "origin": kit.origins[0] if kit.origins else f"https://{kit.hosts[0]}" if kit.hosts else "https://app.example",
        "call": f"curl -sS -i --max-time 30 {shlex.quote(url)} -H 'Content-Type: application/json' {version}{token}",
        "accept_both": _ACCEPT,
        **{name: f"-d {shlex.quote(json.dumps(text, separators=(',', ':')))}" for name, text in messages.items()},
    }
