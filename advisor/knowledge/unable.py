"""The features that none of several client applications supports, as values of a derived fact."""

from __future__ import annotations

from collections.abc import Iterable

from advisor.knowledge.catalogue import ClientApp

NONE = "none"
_JOIN = "+"


def unable(clients: Iterable[ClientApp]) -> str:
    """Return the features that every one of `clients` is known not to support, as `sampling+roots`.

    The result is `none` if there is no such feature, or no client application. Source: rules/clients.yaml.
    """
    lacking = [_lacking(client) for client in clients]
    return _value(frozenset.intersection(*lacking)) if lacking else NONE


def unable_values(clients: Iterable[ClientApp]) -> tuple[str, ...]:
    """Return every value that `unable` has for a selection of `clients`, `none` first."""
    found: set[frozenset[str]] = set()
    for client in clients:
        lacking = _lacking(client)
        found |= {lacking, *(lacking & others for others in found)}
    return (NONE, *sorted({_value(features) for features in found} - {NONE}))


def features_of(value: str) -> frozenset[str]:
    """Return the ids of the features of a value."""
    return frozenset() if value == NONE else frozenset(value.split(_JOIN))


def _lacking(client: ClientApp) -> frozenset[str]:
    return frozenset(feature for feature, has in client.features.items() if not has)


def _value(features: Iterable[str]) -> str:
    return _JOIN.join(sorted(features)) or NONE
