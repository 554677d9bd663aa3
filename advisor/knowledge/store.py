"""Loads the knowledge under rules/, once per process."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from advisor.engine.rules import Rule, RuleTable
from advisor.errors import KnowledgeError
from advisor.files import reason
from advisor.knowledge import cache
from advisor.knowledge.capabilities import Capabilities, SdkLine, SdkTrait
from advisor.knowledge.capacity import MeasuredCapacity, MemoryPlan
from advisor.knowledge.catalogue import (
    ClientApp,
    Figure,
    FlagUse,
    ProxyKind,
    ProxyNetwork,
    SdkCode,
    Source,
    Symptom,
    Term,
)
from advisor.knowledge.facts import Derived, Fact
from advisor.knowledge.features import Feature
from advisor.knowledge.paths import rules_dir
from advisor.knowledge.servers import Language, Profile, Replacement
from advisor.knowledge.underlying import Underlying

if TYPE_CHECKING:
    from advisor.knowledge.conduct import Conduct
    from advisor.knowledge.configurations import PossibleConfiguration
    from advisor.knowledge.diagnoses import Diagnosis, SilentWarnings
    from advisor.knowledge.failure_causes import FailureCause, IgnoredWords, LogSign, SymptomQuestion
    from advisor.knowledge.failures import ExpectedBehaviour, FailureEvent
    from advisor.knowledge.finding_kinds import FindingKind
    from advisor.knowledge.kits import Floor, KitFront, KitImage, KitProxy, Mechanism, WatchingProxy
    from advisor.knowledge.observations import ObservationKind, OtherPath, ProductDefault
    from advisor.knowledge.options import OptionEstimate, RankingCriterion
    from advisor.knowledge.platforms import (
        Annotation,
        IngressController,
        KubernetesKind,
        ListKeys,
        ProgramVariable,
        ResourceSettings,
        RouteKind,
        Sidecar,
    )
    from advisor.knowledge.probe import EndpointCheck, EndpointSign, ImpliedFact, LostAnswer, SessionForm
    from advisor.knowledge.scan import (
        CallSpelling,
        CodeName,
        FlagVariable,
        InputRequest,
        NameWords,
        OtherProgram,
        OutsideValue,
        ScanSkip,
        SentNotification,
        ServerMethod,
        ServerProgram,
        SupportCheck,
    )
    from advisor.knowledge.scan_typescript import (
        TypescriptCall,
        TypescriptLine,
        TypescriptName,
        TypescriptOutcomes,
    )
    from advisor.knowledge.topology import BalancingStrategy
    from advisor.knowledge.trials import FindingTrial, TrialExperiment

# Parts that most recommendations do not need. The cache loads each of them, and imports its types, only on first use.
_RARE = (
    *("topology", "terms", "events", "promises", "conduct", "mechanisms", "configurations"),
    *("diagnoses", "silent_warnings"),
    *("order", "estimates", "sources"),
    *("kit_proxies", "kit_fronts", "watching_proxies", "images", "floors"),
    *(
        "code_names",
        "server_methods",
        "call_spellings",
        "input_requests",
        "sent_notifications",
        "flag_variables",
        "outside_values",
        "support_checks",
        "name_words",
        "server_programs",
        "other_programs",
        "scan_skips",
        "typescript_lines",
        "typescript_names",
        "typescript_calls",
        "typescript_outcomes",
        "findings",
        "experiments",
        "trials",
        "observations",
        "defaults",
        "other_paths",
        "failure_causes",
        "symptom_questions",
        "log_signs",
        "ignored_words",
        "endpoint_checks",
        "session_forms",
        "endpoint_signs",
        "lost_answers",
        "implied_facts",
        "program_variables",
        "ingress_controllers",
        "annotations",
        "resource_settings",
        "route_kinds",
        "list_keys",
        "silent_kinds",
        "sidecars",
    ),
)


@dataclass(frozen=True)
class Knowledge:
    """The content of rules/: lists in the order of the files, and lookups by id (`capacity` and `sdks` by SDK line)."""

    facts: dict[str, Fact]
    derived: list[Derived]
    features: dict[str, Feature]
    tables: dict[str, RuleTable]
    capabilities: list[Capabilities]
    traits: list[SdkTrait]
    sources: dict[str, Source]
    clients: dict[str, ClientApp]
    proxies: dict[str, ProxyKind]
    profiles: dict[str, Profile]
    languages: dict[str, Language]
    replacements: list[Replacement]
    topology: dict[str, BalancingStrategy]
    flags: dict[str, FlagUse]
    memory: MemoryPlan
    capacity: dict[str, MeasuredCapacity]
    events: list[FailureEvent]
    promises: list[ExpectedBehaviour]
    conduct: list[Conduct]
    diagnoses: dict[str, Diagnosis]
    silent_warnings: dict[str, SilentWarnings]
    mechanisms: dict[str, Mechanism]
    configurations: dict[str, PossibleConfiguration]
    order: dict[str, RankingCriterion]
    estimates: dict[str, OptionEstimate]
    kit_proxies: dict[str, KitProxy]
    kit_fronts: dict[str, KitFront]
    watching_proxies: dict[str, WatchingProxy]
    networks: dict[str, ProxyNetwork]
    images: dict[str, KitImage]
    sdks: dict[str, SdkCode]
    underlying: list[Underlying]
    floors: dict[str, Floor]
    figures: dict[str, Figure]
    symptoms: dict[str, Symptom]
    phrases: dict[str, str]
    terms: dict[str, Term]
    code_names: dict[str, CodeName]
    server_methods: dict[str, ServerMethod]
    call_spellings: dict[str, CallSpelling]
    input_requests: dict[str, InputRequest]
    sent_notifications: dict[str, SentNotification]
    flag_variables: dict[str, FlagVariable]
    outside_values: dict[str, OutsideValue]
    support_checks: dict[str, SupportCheck]
    name_words: dict[str, NameWords]
    server_programs: dict[str, ServerProgram]
    other_programs: dict[str, OtherProgram]
    scan_skips: dict[str, ScanSkip]
    typescript_lines: dict[str, TypescriptLine]
    typescript_names: dict[str, TypescriptName]
    typescript_calls: dict[str, TypescriptCall]
    typescript_outcomes: dict[str, TypescriptOutcomes]
    findings: dict[str, FindingKind]
    experiments: dict[str, TrialExperiment]
    trials: dict[str, FindingTrial]
    observations: dict[str, ObservationKind]
    defaults: list[ProductDefault]
    other_paths: dict[str, OtherPath]
    failure_causes: dict[str, FailureCause]
    symptom_questions: dict[str, SymptomQuestion]
    log_signs: dict[str, LogSign]
    ignored_words: dict[str, IgnoredWords]
    endpoint_checks: dict[str, EndpointCheck]
    session_forms: dict[str, SessionForm]
    endpoint_signs: dict[str, EndpointSign]
    lost_answers: dict[str, LostAnswer]
    implied_facts: list[ImpliedFact]
    program_variables: dict[str, ProgramVariable]
    ingress_controllers: dict[str, IngressController]
    annotations: dict[str, Annotation]
    resource_settings: dict[str, ResourceSettings]
    route_kinds: dict[str, RouteKind]
    list_keys: dict[str, ListKeys]
    silent_kinds: dict[str, KubernetesKind]
    sidecars: dict[str, Sidecar]

    def __hash__(self) -> int:
        """Return a hash for caches of what is computed from the knowledge. The same rules have the same tables."""
        return hash((*self.tables,))

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for the cache. It has each rare part as a pickle inside the pickle."""
        state = {field.name: getattr(self, field.name) for field in fields(self)}
        rare = {name: pickle.dumps(state.pop(name), pickle.HIGHEST_PROTOCOL) for name in _RARE}
        return {**state, "_rare": rare}

    if not TYPE_CHECKING:  # Otherwise, a type checker accepts every attribute name.

        def __getattr__(self, name: str) -> Any:
            """Load a rare part on the first access, if the knowledge comes from the cache."""
            if name not in _RARE:
                raise AttributeError(name)
            part = pickle.loads(vars(self)["_rare"][name])  # noqa: S301 (from a file of this user)
            vars(self)[name] = part
            return part

    @cached_property
    def rules(self) -> dict[str, tuple[RuleTable, Rule]]:
        """All rules by id, each with its table."""
        return {rule.id: (table, rule) for table in self.tables.values() for rule in table.rules}

    @cached_property
    def lines(self) -> dict[str, SdkLine]:
        """All SDK lines by id."""
        return {line.id: line for package in self.capabilities for line in package.lines}

    def figure(self, name: str) -> int:
        """Return a figure of rules/figures.yaml."""
        return self.figures[name].value

    def in_kit(self, proxy: str, platform: str) -> bool:
        """Whether a kit for a platform contains a proxy. On Kubernetes, kits have an Ingress for some of them."""
        return proxy in self.kit_proxies and not (platform == "kubernetes" and proxy in self.kit_fronts)

    def table_of_role(self, role: str) -> RuleTable:
        """Return the table with this role (`cell` or `finding`).

        Raises:
            KnowledgeError: no table has this role.
        """
        found = next((table for table in self.tables.values() if table.role == role), None)
        if found is None:
            raise KnowledgeError(f"no table has the role {role!r}")
        return found


def load(root: Path | None = None) -> Knowledge:
    """Return the knowledge of the folder `root` (default: the rules of mcp-advisor), from the cache if nothing changed.

    Raises:
        KnowledgeError: a file under `root` is not valid.
    """
    return _load(root or rules_dir())


@lru_cache(maxsize=4)
def _load(root: Path) -> Knowledge:
    try:
        name = cache.fingerprint(root)
    except OSError as error:
        raise KnowledgeError(f"rules/: {error.filename}: {reason(error)}") from None
    kept = cache.read(name)
    if isinstance(kept, Knowledge):
        return kept
    from advisor.knowledge.compiler import compile_rules  # imports pydantic, which is needed only without a cache

    knowledge = compile_rules(root)
    cache.write(name, knowledge)
    return knowledge
