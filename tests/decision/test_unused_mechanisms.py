"""The reason for a mechanism says whether the decision uses this mechanism."""

from __future__ import annotations

from typing import Any

import pytest

_NGINX = {"environment.proxy.kind": "nginx", "environment.proxy.version": "1.31", "scale.instances": 3}


@pytest.mark.parametrize(
    ("facts", "mechanism"),
    [
        ({"needs.sampling": "required", "clients.protocol": "legacy"}, "nginx-sticky-learn"),
        ({"clients.protocol": "legacy"}, "none"),
    ],
)
def test_a_mechanism_without_a_use_is_only_available(decide: Any, facts: dict[str, Any], mechanism: str) -> None:
    decision = decide(_NGINX | facts)
    assert decision.core.mechanism == mechanism
    (step,) = [step for step in decision.steps if step.table == "affinity"]
    assert step.rule.id == "AFF-110"
    assert step.rule.because.startswith("Available, but not used by this decision: ") == (mechanism == "none")
