"""The interview: with any answers in any order, the saved file decides what the interview decided."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from terminal import QUESTIONS

from advisor.decision.advisor import default_advisor
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.numbered_prompts import NumberedPrompts
from advisor.questionnaire.question_forms import dialogue
from advisor.questionnaire.questions import BREAKS, Answer, Question
from advisor.questionnaire.relevance import Relevance
from advisor.questionnaire.review import leaning, more, skip_lines
from advisor.questionnaire.saved_answers import load_stated, part, partial_path, save, to_yaml
from advisor.questionnaire.terminal import fitting
from advisor.requirements import load_bytes
from advisor.requirements.completion import complete
from advisor.requirements.model import Tool
from advisor.requirements.values import read_value

ADVISOR = default_advisor()
RELEVANCE = Relevance(ADVISOR)
WORDS = ADVISOR.knowledge.phrases
KIND = "environment.proxy.kind"


def new_interview(fixed: Answer | None = None) -> Interview:
    return Interview(ADVISOR, RELEVANCE, fixed)


def over(interview: Interview) -> bool:
    return interview.current is None


def open_questions(interview: Interview) -> Iterator[Question]:
    """The question that is asked next, until the interview is over. A test must not run forever."""
    for _ in range(QUESTIONS):
        if over(interview):
            return
        yield current(interview)
    raise AssertionError(f"the interview is not over after {QUESTIONS} questions")


def current(interview: Interview) -> Question:
    """The question that is asked next."""
    assert interview.current is not None
    return interview.current


def default_answer(question: Question, **stated: Any) -> Answer:
    """The default of every fact of the question, or what `stated` (with _ for the dot) says."""
    values = {name.replace("__", "."): value for name, value in stated.items()}
    facts = ADVISOR.space.facts
    default: dict[str, Any] = {"service": "svc", "tools": ()}
    return {name: values.get(name, default.get(name, facts[name].default)) for name in question.facts}


def finish(interview: Interview, **stated: Any) -> Interview:
    for question in open_questions(interview):
        interview.answer(default_answer(question, **stated))
    return interview


def drawn_answer(draw: st.DrawFn, question: Question, needs: Mapping[str, Any]) -> Answer:
    space = ADVISOR.space
    if question.id == "service":
        return {"service": draw(st.sampled_from(["svc", "customer-support"]))}
    if question.id == "tools":
        wanted = {f.id: needs[f"needs.{f.id}"] for f in ADVISOR.knowledge.features.values() if f.need}
        wanted = {feature: level for feature, level in wanted.items() if level != "none"}
        some = st.lists(st.sampled_from(sorted(wanted)), unique=True) if wanted else st.just([])
        chosen = draw(st.lists(some, max_size=3))
        tools = [
            Tool(f"tool_{i}", {feature: wanted[feature] for feature in features}) for i, features in enumerate(chosen)
        ]
        return {"tools": tuple(tools)}
    if question.id == "clients.apps":
        return {
            question.id: draw(st.lists(st.sampled_from(sorted(ADVISOR.knowledge.clients)), max_size=2, unique=True))
        }
    if question.id == KIND and draw(st.booleans()):
        kinds = draw(st.lists(st.sampled_from(space.domains[KIND][:-1]), min_size=2, max_size=3))
        return {KIND: kinds[-1], "environment.hops": [{"kind": kind} for kind in kinds]}
    if question.fact.type == "hosts":
        return {question.id: draw(st.sampled_from([[], ["mcp.example.com"]]))}
    return {n: space.typical(n, draw(st.sampled_from(space.domains[n]))) for n in question.facts}


@st.composite
def walks(draw: st.DrawFn) -> Interview:
    """A finished interview: random answers, with steps back now and then, and perhaps an edit at the end."""
    interview = new_interview()
    backs = 6
    for _ in open_questions(interview):
        if backs and draw(st.integers(0, 4)) == 0:
            backs -= 1
            interview.back()
        interview.answer(drawn_answer(draw, current(interview), interview.requirements.values))
        if over(interview) and backs and draw(st.booleans()):
            backs -= 1
            interview.edit(draw(st.sampled_from(interview.asked)))
    return interview


@pytest.mark.thorough
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(walks(), st.randoms(use_true_random=False))
def test_many_interviews_save_skip_and_explain_correctly(interview: Interview, random: Random) -> None:
    """One test has all checks, because a walk takes far longer than the checks."""
    the_saved_file_gives_the_decision(interview)
    no_skipped_question_could_have_changed_the_outcome(interview, random)
    every_question_is_asked_or_skipped_for_a_reason(interview)


def the_saved_file_gives_the_decision(interview: Interview) -> None:
    text = to_yaml(interview.values, ADVISOR.space, "test")
    again = load_bytes(text.encode(), "requirements.yaml", ADVISOR.space)
    assert dict(again.values) == dict(interview.requirements.values)
    decided, expected = ADVISOR.decide(again), ADVISOR.decide(interview.requirements)
    assert (decided.core, decided.tiers, decided.features) == (expected.core, expected.tiers, expected.features)


def no_skipped_question_could_have_changed_the_outcome(interview: Interview, random: Random) -> None:
    """At the end, any values for all open facts together give the same core."""
    requirements = interview.requirements
    expected = ADVISOR.core(requirements)
    skipped = {
        name
        for skip in interview.skipped()
        if skip.reason != "inferred"  # such a value is known
        for name in interview.questions[skip.question].facts
    }
    known = sorted(skipped - {"tools"})
    domains = dict(ADVISOR.space.domains)
    # The questionnaire does not ask for the proxy only because an MCP gateway can refuse clients.
    proxies = ADVISOR.knowledge.proxies
    domains["environment.proxy.kind"] = tuple(
        kind for kind in domains["environment.proxy.kind"] if not proxies[str(kind)].refuses
    )
    for _ in range(20):
        changes = {name: random.choice(domains[name]) for name in known}
        facts = ADVISOR.facts(requirements)
        ADVISOR.network.revise(facts, changes)
        outcome = (facts["pattern"], facts["stateless_http"], facts["json_response"], facts["affinity.mechanism"])
        if not expected.feasible:
            assert outcome[0] == "contradiction", changes
        else:
            assert outcome == (expected.pattern, *expected.flags, expected.mechanism), changes


def every_question_is_asked_or_skipped_for_a_reason(interview: Interview) -> None:
    skipped = interview.skipped()
    assert {*interview.asked, *(skip.question for skip in skipped)} == set(interview.questions)
    assert len({*interview.asked}) + len(skipped) == len(interview.questions)
    assert all(reason for _, reason in skip_lines(skipped, WORDS))
    assert all(skip.rules or skip.facts or skip.text for skip in skipped)


def test_every_fact_that_can_be_asked_has_a_question_and_the_order_names_no_other() -> None:
    interview = new_interview()
    assert set(interview.questions) == {name for name, fact in ADVISOR.knowledge.facts.items() if fact.ask != "never"}
    assert set(WORDS["ask.order"].split()) <= set(interview.questions)


def test_a_new_user_answers_few_questions() -> None:
    interview = finish(new_interview())
    assert 5 <= len(interview.asked) <= 16
    fleet = finish(new_interview(), scale__instances=3)
    assert 5 <= len(fleet.asked) <= 16


def test_missing_keys_are_those_that_can_change_the_recommendation() -> None:
    """A pipeline without a terminal needs no value for a question that only changes the warnings and the kit."""
    interview = finish(new_interview())
    assert "environment.proxy.kind" in interview.asked
    assert not {"environment.proxy.kind", "workload.longest_call_s"} & set(
        new_interview({name: value for name, value in interview.values.items() if "proxy" not in name}).missing()
    )


def test_back_shows_the_question_before_and_keeps_its_answer() -> None:
    interview = new_interview()
    interview.answer({"service": "svc"})
    interview.answer(default_answer(current(interview)))
    interview.answer({"sdk": "mcp-1"})
    assert interview.back()
    assert current(interview).id == "sdk"
    assert interview.stated(current(interview)) == {"sdk": "mcp-1"}
    assert interview.back()
    assert current(interview).id == "current.stateless_http"
    assert interview.back()
    assert current(interview).id == "service"
    assert not interview.back()
    assert current(interview).id == "service"
    interview.answer({"service": "other"})
    assert interview.asked == ("service", "current.stateless_http", "sdk")
    assert interview.values["service"] == "other"
    assert interview.values["sdk"] == "mcp-1"


def test_an_incomplete_answer_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the answer to service has no service"):
        new_interview().answer({"sdk": "mcp-1"})


def test_an_edit_repeats_only_questions_with_stale_answers() -> None:
    interview = finish(new_interview(), scale__instances=3)
    before = {name: dict(answer) for name, answer in interview.answers.items()}
    interview.edit("clients.protocol")
    dropped = interview.answer({"clients.protocol": "modern"})
    assert interview.current is None
    assert "preference" in dropped  # with modern clients only, the preference has no effect
    assert "preference" not in interview.values
    kept = {name: answer for name, answer in before.items() if name not in {*dropped, "clients.protocol"}}
    assert {name: interview.answers[name] for name in kept} == kept


def test_an_edit_that_opens_questions_asks_only_these_questions() -> None:
    interview = finish(new_interview())
    asked = set(interview.asked)
    assert "preference" not in asked
    interview.edit("scale.instances")
    interview.answer({"scale.instances": 3})
    assert not over(interview)
    new = []
    for question in open_questions(interview):
        new.append(question.id)
        interview.answer(default_answer(question))
    assert not asked.intersection(new)
    assert "preference" in new


def test_tools_whose_need_was_withdrawn_are_asked_for_again_or_dropped() -> None:
    interview = new_interview()
    stated = {
        "scale__instances": 3,
        "environment__proxy__kind": "other",
        "scale__affinity": "unavailable",
        "clients__protocol": "legacy",
        "sdk": "mcp-1",
    }
    for question in open_questions(interview):
        if question.id == "tools":
            break
        interview.answer(default_answer(question, needs__elicitation="required", **stated))
    interview.answer({"tools": (Tool("ask", {"elicitation": "required"}), Tool("get"))})
    interview.edit("needs")
    interview.answer(default_answer(interview.questions["needs"]))
    assert "tools" not in interview.everything
    finish(interview)
    load_bytes(to_yaml(interview.values, ADVISOR.space, "test").encode(), "requirements.yaml", ADVISOR.space)


def test_fixed_facts_are_not_asked_and_not_dropped() -> None:
    fixed = {"service": "svc", "scale.instances": 1, "environment.proxy.replicas": 4, "clients.concurrent": 9}
    interview = finish(new_interview(fixed))
    assert not set(interview.asked).intersection(fixed)
    assert fixed.items() <= interview.values.items()


def test_listed_tools_answer_the_needs() -> None:
    interview = finish(new_interview({"tools": (Tool("ask", {"sampling": "required"}), Tool("get"))}))
    assert "needs" not in interview.asked
    assert "tools" not in interview.asked
    assert interview.requirements["needs.sampling"] == "required"


def test_only_nginx_is_asked_for_its_version() -> None:
    values = {"service": "svc", "sdk": "mcp-1", "environment.proxy.kind": "haproxy", "scale.instances": 3}
    reasons = {skip.question: skip.reason for skip in finish(new_interview(values)).skipped()}
    assert reasons["environment.proxy.version"] == "only-when"


def test_every_question_is_in_the_review_or_skipped() -> None:
    interview = finish(new_interview({"service": "svc"}))
    text = "\n".join(more(ADVISOR, interview))
    editable = [question.id for question in interview.editable]
    for name in interview.questions:
        assert (name in editable) is not (f"{name}:" in text or f"{name}," in text or f" {name}\n" in text), name
    assert interview.skipped_count + len(editable) == len(interview.questions)
    assert "clients.concurrent: 50" in text


def test_a_stated_value_without_a_question_is_in_the_list_of_the_review() -> None:
    interview = finish(new_interview({"service": "svc", "clients.concurrent": 900, "environment.auth": True}))
    text = "\n".join(more(ADVISOR, interview))
    assert "  clients.concurrent: 900, environment.auth: " in text
    assert "clients.concurrent: 50" not in text


def test_the_list_of_features_has_the_stated_features() -> None:
    interview = new_interview({"service": "svc", "needs.sampling": "required", "needs.roots": "unknown"})
    interviewer = Interviewer(ADVISOR, NumberedPrompts(ADVISOR.knowledge.phrases), interview)
    form = next(interviewer._dialogue(interview.questions["needs"]))
    assert [option.value for option in form.options] == list(interview.questions["needs"].facts)
    assert (form.default["needs.sampling"], form.default["needs.roots"]) == ("required", "unknown")
    assert form.default["needs.progress"] == "none"


def test_the_recommendation_so_far_has_the_words_of_the_decision() -> None:
    fleet = {"service": "svc", "sdk": "mcp-2", "environment.platform": "kubernetes"}
    scales = [{"scale.instances": instances, "scale.workers": workers} for instances in (1, 3) for workers in (1, 4)]
    said = set()
    for scale in scales:
        interview = new_interview(fleet | scale)
        said.add(leaning(ADVISOR, interview).text)
        assert f": {ADVISOR.decide(interview.requirements).means} (" in leaning(ADVISOR, interview).text
    assert (
        "Recommendation so far: one instance with several server processes, without sessions (stateless-fleet)" in said
    )
    assert len(said) == 3


def test_an_application_with_a_known_era_answers_the_question_on_the_era() -> None:
    def asked(*apps: str) -> tuple[str, ...]:
        return finish(new_interview({"clients.apps": list(apps)}), scale__instances=3).asked

    assert "clients.protocol" not in asked("claude-code")
    assert "clients.protocol" in asked("claude-code", "cursor")
    assert "clients.protocol" in asked()


def test_affinity_is_asked_only_if_the_proxy_leaves_it_open() -> None:
    common = {"scale.instances": 3, "sdk": "mcp-1", "clients.protocol": "legacy"}
    for kind, is_asked in (("nginx", False), ("alb", True), ("other", True)):
        interview = finish(new_interview({**common, KIND: kind}), needs__elicitation="required")
        assert ("scale.affinity" in interview.asked) is is_asked, kind
        reasons = {skip.question: skip.text for skip in interview.skipped() if skip.reason == "inferred"}
        assert ("scale.affinity" in reasons) is not is_asked
        assert "scale.affinity" not in interview.values or is_asked


def test_answers_about_the_proxy_belong_to_the_last_hop() -> None:
    interview = new_interview({"scale.instances": 3, "sdk": "mcp-1", "clients.protocol": "legacy"})
    stated = {"needs__elicitation": "required", "environment__proxy__version": "1.31", "environment__proxy__sse": True}
    for question in open_questions(interview):
        answer = default_answer(question, **stated)
        hops = {"environment.hops": [{"kind": "cloudflare"}, {"kind": "nginx"}]}
        interview.answer({**answer, **hops} if question.id == KIND else answer)
    assert "environment.proxy.version" in interview.asked
    assert interview.values["environment.hops"] == [
        {"kind": "cloudflare", "sse": True},
        {"kind": "nginx", "version": "1.31", "sse": True, "replicas": 1},
    ]
    again = load_bytes(to_yaml(interview.values, ADVISOR.space, "test").encode(), "r.yaml", ADVISOR.space, partial=True)
    assert again.values == interview.requirements.values


def test_what_breaks_today_suggests_answers_and_is_saved(tmp_path: Path) -> None:
    interview = new_interview()
    interview.answer({"service": "svc"})
    flags = {"current.stateless_http": True, "current.json_response": False}
    interview.answer({**flags, BREAKS: ("late-progress", "not-acceptable")})
    assert interview.suggested == {"needs.progress": "required", "clients.plain_http": True}
    path = tmp_path / "requirements.yaml"
    path.write_text(to_yaml(interview.everything, ADVISOR.space, "test"))
    fixed, answers = part(load_stated(path, ADVISOR.space), interview.questions)
    again = new_interview()
    again.resume(fixed, answers)
    assert again.breaks == interview.breaks
    assert again.asked == ("service", "current.stateless_http")


def test_every_suggestion_of_a_symptom_is_an_answer_that_can_be_asked() -> None:
    asked = {name for question in new_interview().questions.values() for name in question.facts}
    for symptom in ADVISOR.knowledge.symptoms.values():
        for name, value in symptom.suggests.items():
            assert name in asked
            assert read_value(name, value, ADVISOR.space) == value


def test_every_proxy_that_settles_affinity_has_a_mechanism() -> None:
    """For such a proxy, `available` decides as `unknown` does, so that the question is not needed."""
    settled = ADVISOR.knowledge.facts["scale.affinity"].settled_by
    assert settled is not None
    for kind in settled.any_of:
        platform = "serverless" if ADVISOR.knowledge.proxies[str(kind)].runs_servers else "kubernetes"
        given = {"service": "s", "sdk": "mcp-1", "clients.protocol": "legacy", "scale.instances": 3, KIND: kind}
        given |= {"environment.platform": platform, "needs.elicitation": "required"}
        unknown, available = (
            ADVISOR.core(complete({**given, "scale.affinity": value}, (), ADVISOR.space, "t"))
            for value in ("unknown", "available")
        )
        assert unknown == available
        assert unknown.mechanism != "none", kind


def test_a_file_with_another_meaning_is_not_written(tmp_path: Path) -> None:
    interview = finish(new_interview())
    path = tmp_path / "requirements.yaml"
    wrong = to_yaml({**interview.values, "scale.instances": 7}, ADVISOR.space, "test")
    with pytest.raises(AssertionError):
        save(path, wrong, interview.requirements, ADVISOR.space)
    assert list(tmp_path.iterdir()) == []
    save(path, to_yaml(interview.values, ADVISOR.space, "test"), interview.requirements, ADVISOR.space)
    assert [file.name for file in tmp_path.iterdir()] == ["requirements.yaml"]


def test_answers_so_far_are_resumed(tmp_path: Path) -> None:
    interview = new_interview({"clients.concurrent": 9})
    for _ in range(6):
        interview.answer(default_answer(current(interview), scale__instances=3))
    path = partial_path(tmp_path / "requirements.yaml")
    assert path.name == "requirements.partial.yaml"
    path.write_text(to_yaml(interview.everything, ADVISOR.space, "test"))
    fixed, answers = part(load_stated(path, ADVISOR.space), interview.questions)
    assert fixed == {"clients.concurrent": 9}
    again = new_interview()
    again.resume(fixed, answers)
    assert again.asked == interview.asked
    assert current(again).id == current(interview).id


def test_titles_and_help_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """No help is longer than three lines of 80 columns, and no help lacks its first sentence."""
    monkeypatch.setenv("COLUMNS", "80")
    interview = new_interview()
    needs = dict.fromkeys(interview.questions["needs"].facts, "required")
    for question in interview.questions.values():
        form = next(dialogue(question, ADVISOR.space, needs))
        assert len(form.title) <= 2 * 76, form.title
        for text in (form.help, WORDS["ask.why"].format(why=form.why)):
            shown = fitting(text, 3, "  ")
            assert text.startswith(shown)
            assert len(textwrap.wrap(shown, 77, break_on_hyphens=False)) <= 3, text


def test_no_cause_takes_a_part_of_the_recommendation_for_granted() -> None:
    """A recommendation can have no session affinity, so no text for all recommendations names one."""
    texts = [symptom.likely for symptom in ADVISOR.knowledge.symptoms.values()]
    assert not [text for text in texts if "of the recommendation" in text]
    assert any("stateless_http=True avoids both causes" in text for text in texts)
