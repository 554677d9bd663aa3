"""The types of rules/facts.yaml: facts of the requirements file, and derived facts."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from typing import Literal, NamedTuple

from advisor.engine.rules import Value
from advisor.knowledge.types import Era, Raw

FactType = Literal[
    "choice",
    "flag",
    "integer",
    "seconds",
    "instances",
    "version",
    "release",
    "name",
    "hosts",
    "origins",
    "path",
    "apps",
    "tools",
    "hops",
    "need",
]


class OnlyWhen(NamedTuple):
    """A condition on the values of another fact."""

    fact: str
    any_of: list[Value]


class SettledBy(NamedTuple):
    """The values of another fact that make a question unnecessary. `because` is a key of rules/questionnaire.yaml."""

    fact: str
    any_of: list[Value]
    because: str


class Implied(NamedTuple):
    """A value that another fact then has, whatever the file says. `because` is a key of rules/wording.yaml.

    With `only_when`, the implication needs this condition, too.
    """

    fact: str
    value: Value
    because: str
    only_when: OnlyWhen | None = None


class Choice(NamedTuple):
    """A value of a choice, and its meaning. No change to a `deprecated` value is suggested.

    If `suggested` is false, no change to the value is suggested either, because only the user can know that it fits.

    `also` lists names that people use for the value. They are not allowed in a file, but the message names the value.
    """

    value: str
    means: str
    also: tuple[str, ...] = ()
    deprecated: bool = False
    suggested: bool = True
    implies: tuple[Implied, ...] = ()


class Bin(NamedTuple):
    """A bin of a number or a version. A bin without a bound contains all other values."""

    bin: str
    typical: int | float | str
    at_most: float | None = None
    below: str | None = None


class FactChange(NamedTuple):
    """How to change a fact: the effort from 1 to 5, a title and a description. `{value}` stands for the new value.

    With `old` and `new`, only changes from and to these values are possible. `setting` is an attribute of `ProxyKind`.
    `added` is the description if the new decision puts a proxy between the last hop and the servers, and `added_title`
    is its title. `{program}` and `{proxy}` stand for this proxy and for the last hop.
    """

    effort: Literal[1, 2, 3, 4, 5]
    title: str
    how: str
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    setting: Literal["", "one_instance", "cookie_affinity"] = ""
    added: str = ""
    added_title: str = ""


class Capability(NamedTuple):
    """The values of a fact without and with a capability. The capability never makes a decision worse."""

    without: Value
    having: Value


class Fact(NamedTuple):
    """A fact of the requirements file.

    Attributes:
        absent: what mcp-advisor assumes without the key, if `default` is empty.
        only_when: the fact has a meaning only under this condition; otherwise its value has no effect.
        only_with: the file can state the fact only under this condition, because otherwise the two values contradict
            each other. The default value, and the values in `always`, need no condition.
        settled_by: the questionnaire asks no question under this condition, because the answer follows from it.
        asked_if: under this condition, the questionnaire asks even if no answer changes the recommendation, because the
            answer changes the warnings and the kit.
        always: values that need no condition.
        also: other names that people use for the key. They are not allowed in a file, but a message names the key.
        follows: facts that can decide this fact. A change of one of them can also change this fact.
    """

    id: str
    type: FactType
    question: str
    why: str
    help: str
    ask: Literal["always", "offered", "when-it-matters", "never"]
    default: Raw = None
    absent: str = ""
    required: bool = False
    unknown: bool = False
    minimum: int | None = None
    maximum: int | None = None
    values: tuple[Choice, ...] = ()
    values_from: Literal["proxies", "languages", ""] = ""
    bins: tuple[Bin, ...] = ()
    only_when: OnlyWhen | None = None
    only_with: OnlyWhen | None = None
    settled_by: SettledBy | None = None
    asked_if: OnlyWhen | None = None
    always: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    change: FactChange | None = None
    also: tuple[str, ...] = ()
    capability: Capability | None = None


class DerivedCase(NamedTuple):
    """A case of a `pick`. Its result is the value of `fact`, or `value`."""

    when: Value
    fact: str = ""
    value: Value = ""


class Pick(NamedTuple):
    """Selects the value of a derived fact by the value of another fact."""

    by: str
    cases: list[DerivedCase]


class BehaviourLookup(NamedTuple):
    """What the capability data says of a release.

    Attributes:
        name: a behaviour, a trait, or with `call` a feature.
        values: the start of the text in the data, and the value of the derived fact.
        call: a call of the feature; its outcome is looked up instead of a behaviour.
        era: the era of the client.
        flags: the flag pair.
        otherwise: the value if the data has nothing for the release.
    """

    name: str
    values: dict[str, str]
    call: str = ""
    era: Era = "legacy"
    flags: str = "stateless+sse"
    otherwise: str = "unknown"


class Derived(NamedTuple):
    """A fact that is computed from other facts. Exactly one of the keys after `values_of` is set: it says how.

    With `values_of: releases`, its values are all release ranges and profiles. With `clients`, they are the sets of
    features that client applications together do not support. The fact never has a value in `never`.
    """

    id: str
    means: str
    values: tuple[str, ...] = ()
    values_of: Literal["releases", "clients", ""] = ""
    never: tuple[str, ...] = ()
    lookup: dict[str, str] | None = None
    compare: dict[str, str] | None = None
    expires: dict[str, str] | None = None
    strongest: list[str] | None = None
    lacking: dict[str, str] | None = None
    unable: dict[str, str] | None = None
    contradicted: dict[str, str] | None = None
    room: dict[str, str] | None = None
    recovery: dict[str, str] | None = None
    fallback: dict[str, str] | None = None
    client_limit: dict[str, str] | None = None
    of_language: dict[str, str] | None = None
    union: list[str] | None = None
    passing: dict[str, str] | None = None
    unlisted: dict[str, str] | None = None
    stated: dict[str, str] | None = None
    separable: dict[str, list[str]] | None = None
    lost: dict[str, list[str]] | None = None
    pick: Pick | None = None
    behaviour: BehaviourLookup | None = None
    pings: dict[str, str] | None = None
    measured: dict[str, str] | None = None
    limits: dict[str, str] | None = None
    unnamed: dict[str, Era] | None = None
    tls: dict[str, str] | None = None
    reuse: dict[str, str] | None = None
    hops: dict[str, str] | None = None

    @property
    def computation(self) -> str:
        """The key that says how the fact is computed, such as `lookup`."""
        return next(name for name in self._fields[self._fields.index("lookup") :] if getattr(self, name) is not None)
