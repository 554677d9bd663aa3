"""Warnings about the behaviour of an SDK follow the data of the exact release; releases without data are named."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from advisor.decision.advisor import Advisor
from advisor.decision.checks.lookups import lookups
from advisor.decision.model import Decision
from advisor.report.decision_json import decision_dict
from advisor.report.decision_wording import sdk_text

FLEET = {"scale.instances": 3, "clients.protocol": "legacy"}
BOTH_ERAS, LEGACY_ERA = ["mcp-2", "mcp==2.0.0", "fastmcp-4"], ["mcp-1", "fastmcp-2", "fastmcp-3"]
LOGIN = FLEET | {"environment.auth": "oauth-proxy"}


def _codes(decision: Decision) -> set[str]:
    return {warning.id for warning in decision.warnings}


@pytest.mark.parametrize(
    ("code", "facts", "warned", "quiet"),
    [
        (
            "answer-405-to-legacy-get",
            FLEET,
            ["mcp-1", "mcp-2", "fastmcp-2", "mcp==1.8.0", "fastmcp==2.11.0"],
            ["fastmcp-3", "fastmcp-4", "fastmcp==3.0.0"],
        ),
        (
            "unanswered-sampling-leaves-tasks",
            FLEET | {"needs.sampling": "preferred", "scale.affinity": "unavailable", "workload.longest_call_s": 1},
            ["mcp-1", "fastmcp-2", "fastmcp-3"],
            ["mcp-2", "fastmcp-4"],
        ),
        (
            "plain-clients-get-406-for-json",
            FLEET | {"clients.plain_http": True, "workload.longest_call_s": 1},
            ["mcp==1.12.4", "fastmcp==2.12.5"],
            ["mcp==1.20.0", "mcp-1", "mcp-2", "fastmcp-2", "fastmcp-4"],
        ),
        (
            "host-allow-list",
            FLEET,
            ["mcp-1", "mcp==1.25.0", "mcp-2"],
            ["mcp==1.20.0", "fastmcp-2", "fastmcp-3", "fastmcp-4"],
        ),
        ("host-names-not-checked", FLEET, ["mcp==1.20.0", "fastmcp-4"], ["mcp-1", "mcp-2"]),
        (
            "event-store-per-session",
            FLEET | {"needs.resumability": "preferred"},
            ["mcp-1", "mcp-2", "fastmcp-2", "fastmcp-3"],
            ["fastmcp-4"],
        ),
        ("oauth-key-needs-an-upgrade", LOGIN, ["fastmcp==2.12.4", "fastmcp==2.11.0"], ["fastmcp==2.13.0", "mcp-1"]),
        ("oauth-state-per-process", LOGIN, ["fastmcp==2.13.0", "fastmcp-4", "mcp-2"], ["fastmcp==2.12.4"]),
        ("open-subscription-delays-shutdown", {"clients.protocol": "modern"}, ["mcp-2"], ["fastmcp-4"]),
        (
            "open-subscription-delays-shutdown",
            {"clients.protocol": "modern", "needs.list_changed": "preferred"},
            ["mcp-2", "fastmcp-4"],
            [],
        ),
        # These lines serve modern clients, whatever the requirements name.
        ("shared-sealing-keys", FLEET | {"needs.sampling": "preferred"}, BOTH_ERAS, LEGACY_ERA),
        ("shared-subscription-bus", FLEET | {"needs.list_changed": "preferred"}, BOTH_ERAS, LEGACY_ERA),
        ("sampling-call-fails-for-modern-clients", {"needs.sampling": "preferred"}, BOTH_ERAS, LEGACY_ERA),
        ("sampling-call-fails-for-modern-clients", FLEET | {"needs.sampling": "required"}, BOTH_ERAS, LEGACY_ERA),
        ("elicitation-error-is-not-consent", {"needs.elicitation": "preferred"}, BOTH_ERAS, LEGACY_ERA),
        ("roots-call-fails-for-modern-clients", {"needs.roots": "required"}, BOTH_ERAS, LEGACY_ERA),
        (
            "modern-clients-lose-a-feature",
            {"clients.protocol": "legacy", "needs.resumability": "required"},
            BOTH_ERAS,
            LEGACY_ERA,
        ),
    ],
)
def test_warnings_follow_the_data_of_the_release(
    decide: Any, code: str, facts: Any, warned: list[str], quiet: list[str]
) -> None:
    found = {sdk: code in _codes(decide(facts | {"sdk": sdk})) for sdk in (*warned, *quiet)}
    assert found == {**dict.fromkeys(warned, True), **dict.fromkeys(quiet, False)}


def test_a_fix_that_the_release_cannot_do_names_the_upgrade_first(decide: Any) -> None:
    decision = decide(LOGIN | {"sdk": "fastmcp==2.12.4", "scale.instances": {"min": 4, "max": 8}})
    warning = next(warning for warning in decision.warnings if warning.id == "oauth-key-needs-an-upgrade")
    assert warning.fix.text.startswith("First upgrade to fastmcp 2.13.0")
    assert "jwt_signing_key" in warning.fix.text


@pytest.mark.parametrize(
    ("sdk", "warned"),
    [
        ("mcp==1.9.4", "token-verifier-needs-an-upgrade"),
        ("mcp==1.10.0", "tokens-are-not-checked"),
        ("fastmcp-2", "tokens-are-not-checked"),
    ],
)
def test_a_release_without_a_token_verifier_needs_an_upgrade(decide: Any, sdk: str, warned: str) -> None:
    decision = decide({"sdk": sdk, "environment.auth": "bearer"})
    assert [warning.id for warning in decision.warnings if "token" in warning.id] == [warned]


def test_recommend_says_nothing_about_a_server_that_it_does_not_generate(decide: Any) -> None:
    warning = next(
        warning for warning in decide({"environment.auth": "bearer"}).warnings if warning.id == "tokens-are-not-checked"
    )
    assert "generate" not in f"{warning.title} {warning.message} {warning.fix.text}"


@pytest.mark.parametrize(
    ("sdk", "used"),
    [("mcp==2.9.0", "2.3.0"), ("fastmcp==4.9.9", "4.2.3"), ("mcp==1.29.1", "1.29.0"), ("mcp==1.27.0", "1.28.1")],
)
def test_a_release_that_was_not_measured(decide: Any, sdk: str, used: str) -> None:
    decision = decide(FLEET | {"sdk": sdk})
    asked = sdk.partition("==")[2]
    assert {cell.status for row in decision.features for _, cell in row.cells} <= {"assumed", "derived"}
    assert sdk_text(decision) == f"{sdk} ({asked} has not been measured; the measurements of {used} are used)"
    warning = next(warning for warning in decision.warnings if warning.id == "sdk-not-measured")
    assert f"{asked} has not been measured; the measurements of {used} are used" in warning.message
    assert f"`mcp-advisor capabilities measure --sdk {sdk}`" in warning.fix.text
    assert decision_dict(decision)["sdk"] == {
        "asked": sdk,
        "release": f"{sdk.partition('==')[0]}=={used}",
        "measured": False,
    }


@pytest.mark.parametrize("sdk", ["mcp-2", "mcp==2.3.0", "mcp==2.3", "fastmcp==4.2.3", "fastmcp-3", "mcp==1.25.0"])
def test_a_release_that_was_measured(decide: Any, sdk: str) -> None:
    decision = decide(FLEET | {"sdk": sdk})
    assert "assumed" not in {cell.status for row in decision.features for _, cell in row.cells}
    assert "sdk-not-measured" not in _codes(decision)
    assert "has not been measured" not in sdk_text(decision)


def test_no_rule_tests_the_name_of_a_package(advisor: Advisor) -> None:
    assert not {name for _, rule in advisor.knowledge.rules.values() for name in rule.when if name == "sdk.package"}


def test_every_behaviour_that_rules_read_exists_for_every_release(advisor: Advisor) -> None:
    assert lookups(advisor) == []


def test_a_missing_behaviour_is_a_fault(advisor: Advisor) -> None:
    """Without the trait of fastmcp 2.11 and 2.12, the check names the fact and a release."""
    traits = [
        trait for trait in advisor.knowledge.traits if (trait.name, trait.start) != ("OAuth signing key", "2.11.0")
    ]
    faults = lookups(Advisor(dataclasses.replace(advisor.knowledge, traits=traits)))
    assert any("sdk.oauth_key" in str(fault) and "fastmcp==2.11.0" in str(fault) for fault in faults)


@pytest.mark.parametrize(("before", "start"), [("1.25.0", "1.25.1"), ("1.19.0", "1.21.0")])
def test_a_behaviour_that_is_missing_in_the_middle_of_a_range_is_a_fault(
    advisor: Advisor, before: str, start: str
) -> None:
    """A gap between the first and the newest release of a range counts, whether a release in it was measured or not."""
    verifier = next(
        trait for trait in advisor.knowledge.traits if (trait.name, trait.start) == ("token verifier", "1.10.0")
    )
    others = [trait for trait in advisor.knowledge.traits if trait is not verifier]
    parts = [dataclasses.replace(verifier, before=before), dataclasses.replace(verifier, start=start)]
    faults = lookups(Advisor(dataclasses.replace(advisor.knowledge, traits=[*others, *parts])))
    assert any("sdk.token_verifier" in str(fault) and f"mcp=={before}" in str(fault) for fault in faults)


def test_the_status_of_a_limit_fits_its_number(advisor: Advisor) -> None:
    wrong = advisor.knowledge.proxies["nginx"]._replace(idle_status="unknown")
    proxies = {**advisor.knowledge.proxies, "nginx": wrong}
    (fault,) = lookups(Advisor(dataclasses.replace(advisor.knowledge, proxies=proxies)))
    assert "idle_status is unknown, but idle_timeout_s has 60 s" in str(fault)


def test_a_server_that_calls_a_model_itself_needs_no_sealing_keys(decide: Any) -> None:
    facts = FLEET | {"sdk": "mcp-2", "scale.affinity": "unavailable", "needs.sampling": "required"}
    replaced = decide(facts | {"operations.direct_llm": True})
    assert replaced.core.substitute == "direct-llm"
    assert "sampling-call-fails-for-modern-clients" not in _codes(replaced)
    assert "shared-sealing-keys" not in _codes(replaced)
    assert "shared-sealing-keys" in _codes(decide(facts | {"operations.direct_llm": True, "needs.roots": "preferred"}))


def test_the_warning_names_the_required_features_that_modern_clients_lose(decide: Any) -> None:
    facts = {
        "sdk": "mcp-2",
        "clients.protocol": "legacy",
        "needs.resumability": "required",
        "needs.progress": "required",
    }
    (message,) = [
        warning.message for warning in decide(facts).warnings if warning.id == "modern-clients-lose-a-feature"
    ]
    assert message.endswith("do not work with this decision: Resumability.")
    assert "modern-clients-lose-a-feature" not in _codes(decide(facts | {"needs.resumability": "preferred"}))
    assert "modern-clients-lose-a-feature" not in _codes(decide(facts | {"clients.protocol": "mixed"}))


@pytest.mark.parametrize(
    ("sdk", "text"),
    [
        ("mcp-2", "Resolve(Sample) for clients of both eras"),
        (
            "fastmcp-4",
            "InputRequiredResult for modern clients and "
            "ctx.session.create_message(related_request_id) for legacy clients",
        ),
    ],
)
def test_the_fix_names_the_calls_of_the_sdk_line(decide: Any, sdk: str, text: str) -> None:
    decision = decide({"sdk": sdk, "needs.sampling": "required", "clients.protocol": "mixed"})
    (warning,) = [warning for warning in decision.warnings if warning.id == "sampling-call-fails-for-modern-clients"]
    assert text in warning.fix.text


def test_a_condition_on_clients_needs_a_measurement(advisor: Advisor) -> None:
    assert lookups(advisor) == []
    knowledge = advisor.knowledge
    logging = knowledge.features["logging"]
    (call,) = logging.calls
    assert call.condition is not None
    unmeasured = call._replace(condition=call.condition._replace(behaviour="something else"))
    features = {**knowledge.features, "logging": logging._replace(calls=[unmeasured])}
    faults = lookups(Advisor(dataclasses.replace(knowledge, features=features)))
    assert {finding.message for finding in faults} == {"'something else' was not measured"}
    assert {finding.example["sdk"].partition("==")[0] for finding in faults} == {"mcp", "fastmcp"}


@pytest.mark.parametrize(
    ("release", "expiry", "limit"),
    [
        ("2.12.4", "idle-timeout", 10_000),  # pip installs mcp 1.30.0
        ("2.12.5", "never", None),  # requires mcp below 1.17
        ("2.13.2", "idle-timeout", 10_000),
        ("2.13.3", "never", None),  # requires mcp below 1.23
        ("2.14.0", "idle-timeout", 10_000),
        ("3.4.11", "idle-timeout", 10_000),
    ],
)
def test_idle_sessions_of_fastmcp_end_if_its_mcp_release_ends_them(
    decide: Any, advisor: Advisor, release: str, expiry: str, limit: int | None
) -> None:
    decision = decide({"sdk": f"fastmcp=={release}", "scale.instances": 1, "clients.protocol": "legacy"})
    assert decision.facts["sessions.expiry"] == expiry
    assert advisor.knowledge.capacity[f"fastmcp-{release[0]}"].most_sessions(release) == limit


@pytest.mark.parametrize(
    ("sdk", "release", "stateless", "limit"),
    [
        ("fastmcp==2.14.7", "1.28.1", True, None),
        ("fastmcp==2.14.7", "1.30", False, 10_000),
        ("fastmcp-4", "2.3.0", False, 10_000),
        ("fastmcp==4.0.0", "2.1.0", True, None),
        ("fastmcp==2.12.4", "1.12.4", True, None),
    ],
)
def test_the_stated_mcp_release_decides_whether_idle_sessions_end(
    decide: Any, sdk: str, release: str, stateless: bool, limit: int | None
) -> None:
    facts = {"sdk": sdk, "mcp_release": release, "scale.instances": 1, "clients.protocol": "legacy"}
    decision = decide(facts)
    assert decision.core.flags.stateless_http is stateless
    kept = decide(facts | {"needs.sampling": "required", "preference": "full-features"})
    assert kept.capacity.session_limit == limit
    for made in (decision, kept):
        assert "mcp-release-is-assumed" not in {warning.id for warning in made.warnings}
        assert not [change for change in made.counterfactuals if "sdk" in change.change]


@pytest.mark.parametrize(
    ("sdk", "assumed"),
    [
        ("fastmcp-3", "mcp>=1.24.0,<2.0.0. The decision assumes mcp 1.30.0"),
        ("fastmcp==4.0.0", "mcp>=2.0.0,<3.0.0. The decision assumes mcp 2.3.0"),
        ("fastmcp==2.13.1", "mcp>=1.19.0,<2.0.0,!=1.21.1. The decision assumes mcp 1.30.0"),
        ("fastmcp==2.13.3", ""),  # no allowed release ends idle sessions
        ("fastmcp==4.2.3", ""),  # every allowed release ends idle sessions
        ("mcp-2", ""),
    ],
)
def test_an_assumed_mcp_release_is_named(decide: Any, sdk: str, assumed: str) -> None:
    facts = {"sdk": sdk, "scale.instances": 1, "clients.protocol": "legacy", "preference": "full-features"}
    said = [warning.message for warning in decide(facts).warnings if warning.id == "mcp-release-is-assumed"]
    assert [assumed in message for message in said] == [True] * bool(assumed)
    assert not [
        warning
        for warning in decide(facts | {"clients.protocol": "modern"}).warnings
        if warning.id == "mcp-release-is-assumed"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": "2.13.4"}, "exactly one entry of `underlying` must have this release"),  # no entry for 2.13.3
        ({"before": "2.14.1"}, "exactly one entry of `underlying` must have this release"),  # two entries for 2.14.0
        ({"newest": "1.23.0"}, "mcp 1.23.0 is not in the range mcp>=1.19.0,<1.23.0,!=1.21.1"),
        ({"least": "1.21.1"}, "mcp 1.21.1 is not in the range mcp>=1.21.1,<1.23.0,!=1.21.1"),
    ],
)
def test_each_fastmcp_release_has_one_range_of_mcp_releases(
    advisor: Advisor, change: dict[str, Any], said: str
) -> None:
    entries = [
        dataclasses.replace(entry, **change) if entry.id == "fastmcp 2.13.3" else entry
        for entry in advisor.knowledge.underlying
    ]
    faults = lookups(Advisor(dataclasses.replace(advisor.knowledge, underlying=entries)))
    assert {finding.message for finding in faults} == {said}


@pytest.mark.parametrize("release", ["2.11.3", "2.13.3", "2.14.7"])
def test_every_fastmcp_release_keeps_streams_that_clients_resume(decide: Any, release: str) -> None:
    facts = {"sdk": f"fastmcp=={release}", "clients.protocol": "legacy", "needs.resumability": "required"}
    assert decide(facts | {"scale.instances": 1}).feasible


@pytest.mark.parametrize(
    ("stated", "code", "share"),
    [
        (
            {"sdk": "fastmcp==2.12.4", "scale.instances": {"min": 4, "max": 8}},
            "oauth-key-needs-an-upgrade",
            "75 % to 88 %",
        ),
        ({"sdk": "fastmcp==2.12.4", "scale.instances": 2, "scale.workers": 2}, "oauth-key-needs-an-upgrade", "75 %"),
        (
            {"sdk": "fastmcp==2.12.4", "scale.instances": {"min": 1, "max": 5}},
            "oauth-key-needs-an-upgrade",
            "0 % to 80 %",
        ),
        ({"sdk": "fastmcp-4", "scale.instances": 2, "scale.workers": 2}, "oauth-state-per-process", "50 %"),
        ({"sdk": "other", "scale.instances": 3}, "other-servers-share-login-state", "67 %"),
        ({"sdk": "fastmcp-4", "environment.platform": "serverless"}, "oauth-state-per-process", "(N - 1)/N"),
    ],
)
def test_the_share_of_failing_logins_follows_the_number_of_instances(
    decide: Any, stated: dict[str, Any], code: str, share: str
) -> None:
    warned = {warning.id: warning for warning in decide({"environment.auth": "oauth-proxy", **stated}).warnings}
    assert f"about {share} of the callbacks" in warned[code].message


def test_a_release_without_a_signing_key_is_upgraded_first(decide: Any) -> None:
    decision = decide(LOGIN | {"sdk": "fastmcp==2.12.4", "operations.shared_store": "redis"})
    warned = {warning.id: warning for warning in decision.warnings}["oauth-key-needs-an-upgrade"]
    steps = [warned.fix.text.index(word) for word in ("2.13.0", "jwt_signing_key", "client_storage")]
    assert steps == sorted(steps)
    assert "whatever the client store is" in warned.message
