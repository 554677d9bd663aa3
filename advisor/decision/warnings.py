"""The warnings of a decision: rules of the table of findings, with the values of the requirements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import Any, cast

from advisor.decision.capacity import login_words, room_figures
from advisor.decision.connections import pool_words, reuse_words
from advisor.decision.facts import (
    contradicted_facts,
    missing_features,
    required_features_missing,
    short_call_limits,
    unlisted_features,
    unrecovering_clients,
)
from advisor.decision.gateways import gateway_words
from advisor.decision.losses import in_place_of
from advisor.decision.model import FeatureRow
from advisor.decision.proxy_limits import (
    STREAM_LIMIT,
    json_limit_words,
    limit,
    limit_words,
)
from advisor.decision.sdk_behaviour import mcp_words, sdk_words
from advisor.decision.server_code import function_limits
from advisor.decision.stopping import stop_words
from advisor.decision.tiers import TierRequirements
from advisor.engine.network import Network
from advisor.engine.rules import Rule
from advisor.engine.table import DecisionTable, show
from advisor.findings import SEVERITIES, Finding, Fix, Severity
from advisor.knowledge.space import FactSpace
from advisor.knowledge.types import NEEDS
from advisor.requirements.model import Requirements
from advisor.sentences import listed

_STARTING_NAME = re.compile(r"(?:^|(?<=\. ))(?:another|no|the)\b")
_PLACEHOLDER = re.compile(r"\{([a-z_.]+)\}")

_FLAGS = ("stateless_http", "json_response")

_LIMITS = ("environment.proxy.idle_timeout_s", "environment.proxy.total_timeout_s")
"""Placeholders for the shortest timeout of the path, stated or a default."""

_OF_CONNECTIONS = ("server.", "proxy.reuse", "proxy.or_shorten", "outer.", "inner.", "connections.")
"""Placeholders about the connections between hops and servers, also those of a proxy that the decision adds."""

_OF_HOPS = (
    "gateway.", "replicas.", "connections.", "buffering.", "refuses_legacy.", "refuses_modern.", "session_id.",
    "messages.", "trap.",
)  # fmt: skip


class Warnings:
    """Makes the warnings of decisions from a table of findings."""

    def __init__(self, table: DecisionTable, space: FactSpace, network: Network) -> None:
        """Create the warnings of `table`.

        Args:
            table: compiled for the facts of `space`.
            space: the facts.
            network: decides the pattern and the flags, and derives the facts that follow from them.
        """
        self._network = network
        self._table = table
        self._space = space
        self._unfilled = {rule.id: _finding(rule) for rule in table.spec.rules}
        texts = (text for rule in table.spec.rules for text in (rule.because, rule.fix))
        named = {name for text in texts for name in _PLACEHOLDER.findall(text)}
        self._of_connections = sorted(name for name in named if name.startswith(_OF_CONNECTIONS))

    def of(
        self,
        requirements: Requirements,
        facts: Mapping[str, Any],
        tiers: Sequence[TierRequirements] = (),
        words: Mapping[str, str] = MappingProxyType({}),
        path: Requirements | None = None,
    ) -> tuple[Finding, ...]:
        """Return all warnings, the most severe first.

        Args:
            requirements: the requirements of the deployment.
            facts: the facts of the deployment.
            tiers: the tiers of a tiered deployment. Each tier has its own flags and needs, and so its own warnings.
            words: the values of placeholders that depend on the decision, by name.
            path: the requirements with the proxy that the decision adds to the path; None if it adds none.
        """
        if path is not None:
            words = {**{name: self._value(name, path) for name in self._of_connections}, **words}
        last = (path or requirements)["environment.proxy.kind"]
        words = {"affinity.proxy": self._space.knowledge.proxies[last].name, **words}
        if facts["json_response"] and facts["pattern"] != "contradiction":
            limited = json_limit_words(requirements, self._space)
            words = {**{name: self._filled(text, requirements, limited) for name, text in limited.items()}, **words}
        words = {"proxy.affinity_setting": self._affinity_setting(requirements, facts), **words}
        if tiers:
            found = self._of_tiers(requirements, facts, tiers, words)
        else:
            found = (self._warning(rule, requirements, words) for rule in self.rules(facts))
        return tuple(sorted(found, key=lambda warning: SEVERITIES.index(warning.severity)))

    def rules(self, facts: Mapping[str, Any]) -> tuple[Rule, ...]:
        """Return the rules that warn of a deployment without tiers.

        A contradiction decides nothing and meets no need. Its warnings are those that are true with every flag pair,
        such as a time limit below the longest call.

        Args:
            facts: every fact of the deployment.
        """
        rules = self._table.evaluate(facts).rules
        if facts["pattern"] != "contradiction":
            return rules
        for pair in product((False, True), repeat=len(_FLAGS)):
            other = dict(facts)
            self._network.revise(other, dict(zip(_FLAGS, pair, strict=True)))
            fired = self._table.evaluate(other).rules
            rules = tuple(rule for rule in rules if rule in fired)
        return tuple(rule for rule in rules if not self._of_needs(rule))

    def _of_needs(self, rule: Rule) -> bool:
        """Return whether a rule reads how strong a need is."""
        return any(set(self._table.domains[name]) <= set(NEEDS) for name in rule.when)

    def _affinity_setting(self, requirements: Requirements, facts: Mapping[str, Any]) -> str:
        """Return the setting of the last hop for the mechanism that works here; "" without such a setting."""
        if facts["affinity.candidate"] == "none":
            return ""
        mechanism = self._space.knowledge.mechanisms[facts["affinity.candidate"]]
        proxy = self._space.knowledge.proxies[requirements["environment.proxy.kind"]]
        return proxy.affinity_settings.get(mechanism.keyed_on, "")

    def _of_tiers(
        self,
        requirements: Requirements,
        facts: Mapping[str, Any],
        tiers: Sequence[TierRequirements],
        words: Mapping[str, str],
    ) -> Iterator[Finding]:
        """Yield the warnings about the deployment, and the warnings about a single tier."""
        fired = {tier.name: self._table.evaluate(tier.facts).rules for tier in tiers}
        whole = self._table.evaluate(facts).rules
        phrase = self._space.knowledge.phrases["tier.warning"]
        for rule in self._table.spec.rules:
            warned = [tier for tier in tiers if rule in fired[tier.name]]
            if len(warned) == len(tiers) or (rule in whole and "pattern" in rule.when):
                yield self._warning(rule, requirements, words)
            elif warned:
                finding = self._warning(rule, warned[0].requirements, words)
                yield finding._replace(message=phrase.format(tier=warned[0].name, message=finding.message))

    def _warning(self, rule: Rule, requirements: Requirements, words: Mapping[str, str]) -> Finding:
        finding = self._unfilled[rule.id]
        texts = (self._filled(text, requirements, words).strip() for text in (finding.message, rule.fix))
        # A name such as `another proxy` can start a sentence.
        message, fix = (_STARTING_NAME.sub(lambda start: start[0].title(), text) for text in texts)
        return finding._replace(message=message, fix=Fix(fix))

    def _filled(self, text: str, requirements: Requirements, words: Mapping[str, str]) -> str:
        if "{" not in text:
            return text
        return _PLACEHOLDER.sub(
            lambda match: words[match[1]] if match[1] in words else self._value(match[1], requirements), text
        )

    def _value(self, name: str, requirements: Requirements) -> str:
        """Return the value for a placeholder of a message, from the requirements or computed from them."""
        if name == "clients.missing":
            return "; ".join(missing_features(requirements, self._space))
        if name == "clients.limits":
            return short_call_limits(requirements, self._space)
        if name == "clients.unrecovering":
            return listed(unrecovering_clients(requirements, self._space))
        if name == "tools.unlisted":
            return ", ".join(unlisted_features(requirements, self._space))
        if name == "clients.contradicted":
            return "; ".join(contradicted_facts(requirements, self._space))
        if name.startswith("mcp."):
            return mcp_words(name, requirements, self._space)
        if name.startswith("sdk."):
            return sdk_words(name, requirements, self._space)
        if name.startswith("server.") or name in ("proxy.reuse_s", "proxy.reuser", "proxy.or_shorten"):
            return reuse_words(name, requirements, self._space.knowledge)
        if name.startswith(_OF_HOPS):
            return gateway_words(name, requirements, self._space.knowledge)
        if name.startswith(("proxy.", "idle.", "total.", "sse.", "unknown.", "unset.")):
            return self._filled(limit_words(name, requirements, self._space), requirements, {})
        if name.startswith("stop."):
            return stop_words(name, requirements, self._space.knowledge)
        if name == "function.limits":
            return function_limits(requirements, self._space)
        if name.startswith("logins."):
            return login_words(name, requirements, self._space.knowledge.phrases)
        if name.startswith(("outer.", "inner.")):
            return pool_words(name, requirements, self._space.knowledge)
        if name.startswith("sessions."):
            return room_figures(requirements, self._space)[name]
        if name in _LIMITS:
            value = limit(requirements, self._space, {"limit": name, "proxy_default": STREAM_LIMIT})
            return f"{value:,.10g}" if value is not None else "?"
        return _in_words(requirements[name])


def decision_words(
    requirements: Requirements,
    facts: Mapping[str, Any],
    features: Sequence[FeatureRow],
    unnamed: Mapping[str, Sequence[FeatureRow]],
    space: FactSpace,
) -> dict[str, str]:
    """Return the values of the placeholders that depend on the decision.

    Args:
        requirements: the requirements of the deployment.
        facts: every fact of the deployment.
        features: the feature table of the decision.
        unnamed: the rows of features that only clients lose which the requirements do not name, by derived fact.
        space: the facts.
    """
    knowledge = space.knowledge
    words = {name: ", ".join(row.title for row in rows) for name, rows in unnamed.items()}
    calls_fail = any(row.lost for row in features if not knowledge.features[row.feature].need)
    later = "" if calls_fail else knowledge.phrases[f"job.later.{facts['processes']}"]
    missing = [knowledge.features[name] for name in required_features_missing(requirements, space)]
    instead = (in_place_of(feature, facts, knowledge) for feature in missing)
    return {**words, "job.later": later, "clients.instead": " ".join(instead)}


def _finding(rule: Rule) -> Finding:
    """Return the warning of a rule; its message still contains the placeholders."""
    severity, fix = cast("Severity", rule.then["severity"]), Fix(rule.fix)
    return Finding(rule.id, rule.because, severity, title=rule.title, fix=fix, sources=tuple(rule.sources))


def _in_words(value: Any) -> str:
    """Return a value of the requirements for use in a sentence."""
    if isinstance(value, Mapping):
        return f"{value['min']:,} to {value['max']:,}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else show(value)
