"""The type of rules/configurations.yaml: the configurations that are possible."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.engine.rules import STRICT, Value


@dataclass(frozen=True, slots=True)
class PossibleConfiguration:
    """A possible configuration; the head of rules/configurations.yaml explains the keys."""

    __pydantic_config__ = STRICT
    id: str
    pattern: str
    owner: str
    substitute: str
    stateless_http: list[bool]
    json_response: list[bool]
    when: dict[str, Value | dict[str, Value | list[Value]]]

    def fits(self, outputs: dict[str, Value], *, json_response: bool | None = None) -> bool:
        """Return whether a decision with the outputs of the table `session` is this configuration."""
        return (
            (self.pattern, self.owner, self.substitute) == (outputs["pattern"], outputs["owner"], outputs["substitute"])
            and outputs["stateless_http"] in self.stateless_http
            and (json_response is None or json_response in self.json_response)
        )
