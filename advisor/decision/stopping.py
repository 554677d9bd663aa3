"""How the platform starts the server and ends an instance of it."""

from __future__ import annotations

from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.space import UNKNOWN
from advisor.knowledge.store import Knowledge
from advisor.requirements.hops import hops_of
from advisor.requirements.model import Requirements


def start(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return what runs the server, a value of the fact `server.start` (rules/facts.yaml)."""
    adapter = requirements["environment.function_adapter"]
    if adapter != UNKNOWN:
        return "function" if adapter == "asgi" else "process"
    last = _last(requirements, knowledge)
    if requirements["environment.platform"] != "serverless":
        return "process"
    return "platform" if last.loads_app else UNKNOWN if last.functions else "process"


def stop(requirements: Requirements, knowledge: Knowledge) -> str:
    """Return whether it is known how the platform ends an instance: `signal` or `unknown`."""
    if requirements["environment.platform"] != "serverless":
        return "signal"
    return _last(requirements, knowledge).stop or UNKNOWN


def stop_words(name: str, requirements: Requirements, knowledge: Knowledge) -> str:
    """Return the value of a placeholder: `stop.platform`, or `stop.note` about the end of an instance."""
    platform, last = requirements["environment.platform"], _last(requirements, knowledge)
    if name == "stop.platform":
        return last.name if last.runs_servers else knowledge.phrases["stop.platform"]
    return last.stop_note if platform == "serverless" and last.stop_note else knowledge.phrases[f"stop.{platform}"]


def _last(requirements: Requirements, knowledge: Knowledge) -> ProxyKind:
    return knowledge.proxies[hops_of(requirements.values)[-1].kind]
