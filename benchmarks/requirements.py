"""Random requirements from the entire fact space, the same in each run."""

import random
from typing import Any

from advisor.decision.advisor import Advisor
from advisor.errors import InputError
from advisor.requirements.reader import SourceDocument
from advisor.requirements.validate import validate


def draw(advisor: Advisor, count: int, seed: int = 20261121) -> list[dict[str, Any]]:
    """`count` valid requirement mappings with every fact set that can be set together with the others."""
    dice = random.Random(seed)
    return [_valid(_drawn(advisor, dice, number), advisor) for number in range(count)]


def _valid(data: dict[str, Any], advisor: Advisor) -> dict[str, Any]:
    """Remove the keys that need another value of another key, such as a timeout that the platform does not allow."""
    try:
        validate(SourceDocument("drawn", data, {}), advisor.space)
    except InputError as error:
        for problem in error.problems:
            branch = data
            *sections, key = problem.key.split(".")
            for section in sections:
                branch = branch[section]
            del branch[key]
        return _valid(data, advisor)
    return data


def _drawn(advisor: Advisor, dice: random.Random, number: int) -> dict[str, Any]:
    data: dict[str, Any] = {"version": 1, "service": f"service-{number}"}
    for name, fact in advisor.space.facts.items():
        if fact.type in ("name", "apps", "tools", "hops"):
            continue
        if fact.type == "hosts":
            value: Any = dice.choice([[], ["mcp.example.com"]])
        elif fact.type == "origins":
            value = dice.choice([[], ["https://app.example.com"]])
        elif fact.type in ("seconds", "integer") and not fact.bins:
            value = fact.default if fact.default is not None else dice.choice([None, 60, 600])
        else:
            # In practice most needs are absent. With equal probabilities almost every case would be a contradiction.
            domain = advisor.space.domains[name]
            weights = [6, 2, 1] if fact.type == "need" else None
            value = advisor.space.typical(name, dice.choices(domain, weights)[0])
        branch = data
        *sections, key = name.split(".")
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[key] = value
    if dice.random() < 0.3:
        data["tools"] = [{"name": "ask", "needs": {"sampling": "preferred"}, "duration_s": 30}, {"name": "get"}]
        data["needs"].pop("sampling")
    return data
