"""The walk: whatever is answered, in whatever order, the saved file decides what the walk decided."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.decision.advisor import default_advisor
from advisor.questionnaire.answers import load_stated, part, partial_path, save, to_yaml
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.relevance import Relevance
from advisor.questionnaire.review import review, skip_lines
from advisor.requirements import load_bytes
from advisor.requirements.model import Tool

ADVISOR = default_advisor()
RELEVANCE = Relevance(ADVISOR)
WORDS = ADVISOR.knowledge.phrases


def new_walk(fixed=None):
    return Interview(ADVISOR, RELEVANCE, fixed)


def default_answer(question, **stated):
    """The default of every fact of the question, or what `stated` (with _ for the dot) says."""
    values = {name.replace("__", "."): value for name, value in stated.items()}
    facts = ADVISOR.space.facts
    default = {"service": "svc", "tools": ()}
    return {name: values.get(name, default.get(name, facts[name].default)) for name in question.facts}


def finish(walk, **stated):
    while walk.current is not None:
        walk.answer(default_answer(walk.current, **stated))
    return walk


def drawn_answer(draw, question, needs):
    space = ADVISOR.space
    if question.id == "service":
        return {"service": draw(st.sampled_from(["svc", "customer-support"]))}
    if question.id == "tools":
        wanted = {f.id: needs[f"needs.{f.id}"] for f in ADVISOR.knowledge.features.values() if f.need}
        wanted = {feature: level for feature, level in wanted.items() if level != "none"}
        some = st.lists(st.sampled_from(sorted(wanted)), unique=True) if wanted else st.just([])
        chosen = draw(st.lists(some, max_size=3))
        tools = [Tool(f"tool_{i}", {feature: wanted[feature] for feature in one}) for i, one in enumerate(chosen)]
        return {"tools": tuple(tools)}
    if question.fact.type == "hosts":
        return {question.id: draw(st.sampled_from([[], ["mcp.example.com"]]))}
    return {n: space.typical(n, draw(st.sampled_from(space.domains[n]))) for n in question.facts}


@st.composite
def walks(draw):
    """A finished walk: random answers, with steps back now and then, and perhaps an edit at the end."""
    walk = new_walk()
    backs = 6
    while walk.current is not None:
        if backs and draw(st.integers(0, 4)) == 0:
            backs -= 1
            walk.back()
        walk.answer(drawn_answer(draw, walk.current, walk.requirements.values))
        if walk.current is None and backs and draw(st.booleans()):
            backs -= 1
            walk.edit(draw(st.sampled_from(walk.asked)))
    return walk


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(walks())
def test_the_saved_file_decides_what_the_walk_decided(walk):
    text = to_yaml(walk.values, ADVISOR.space, "test")
    again = load_bytes(text.encode(), "requirements.yaml", ADVISOR.space)
    assert dict(again.values) == dict(walk.requirements.values)
    decided, expected = ADVISOR.decide(again), ADVISOR.decide(walk.requirements)
    assert (decided.core, decided.tiers, decided.features) == (expected.core, expected.tiers, expected.features)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(walks(), st.randoms(use_true_random=False))
def test_no_question_that_was_skipped_could_have_changed_the_outcome(walk, random):
    """At the end, any values for all open facts at once give the same core."""
    requirements = walk.requirements
    expected = ADVISOR.core(requirements)
    known = set(walk.skipped_facts())
    for _ in range(20):
        changes = {name: random.choice(ADVISOR.space.domains[name]) for name in known if name != "tools"}
        facts = ADVISOR.facts(requirements)
        ADVISOR.network.revise(facts, changes)
        outcome = (facts["pattern"], facts["stateless_http"], facts["json_response"], facts["affinity.mechanism"])
        if not expected.feasible:
            assert outcome[0] == "contradiction"
        else:
            assert outcome == (expected.pattern, *expected.flags, expected.mechanism)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(walks())
def test_every_question_is_asked_or_skipped_for_a_reason(walk):
    skipped = walk.skipped()
    assert {*walk.asked, *(skip.question for skip in skipped)} == set(walk.questions)
    assert len({*walk.asked}) + len(skipped) == len(walk.questions)
    assert all(reason for _, reason in skip_lines(skipped, WORDS))
    assert all(skip.rules or skip.facts or skip.text for skip in skipped)


def test_every_fact_that_may_be_asked_has_a_question_and_the_order_names_no_other():
    walk = new_walk()
    assert set(walk.questions) == {name for name, fact in ADVISOR.knowledge.facts.items() if fact.ask != "never"}
    assert set(WORDS["ask.order"].split()) <= set(walk.questions)


def test_a_new_user_gets_through_with_few_questions():
    walk = finish(new_walk())
    assert 5 <= len(walk.asked) <= 12
    fleet = finish(new_walk(), scale__instances=3)
    assert 5 <= len(fleet.asked) <= 12


def test_back_shows_the_question_before_and_keeps_its_answer():
    walk = new_walk()
    walk.answer({"service": "svc"})
    walk.answer({"sdk": "mcp-1"})
    assert walk.back()
    assert walk.current.id == "sdk"
    assert walk.stated(walk.current) == {"sdk": "mcp-1"}
    assert walk.back()
    assert walk.current.id == "service"
    assert not walk.back()
    assert walk.current.id == "service"
    walk.answer({"service": "other"})
    assert walk.asked == ("service", "sdk")
    assert walk.values == {"service": "other", "sdk": "mcp-1"}


def test_an_edit_asks_again_only_what_it_made_stale():
    walk = finish(new_walk(), scale__instances=3)
    before = {name: dict(answer) for name, answer in walk.answers.items()}
    walk.edit("clients.protocol")
    dropped = walk.answer({"clients.protocol": "modern"})
    assert walk.current is None
    assert "preference" in dropped  # of modern clients only, there is nothing that it could choose between
    assert "preference" not in walk.values
    kept = {name: answer for name, answer in before.items() if name not in {*dropped, "clients.protocol"}}
    assert {name: walk.answers[name] for name in kept} == kept


def test_an_edit_that_opens_questions_asks_just_those():
    walk = finish(new_walk())
    asked = set(walk.asked)
    assert "preference" not in asked
    walk.edit("scale.instances")
    walk.answer({"scale.instances": 3})
    assert walk.current is not None
    new = []
    while walk.current is not None:
        new.append(walk.current.id)
        walk.answer(default_answer(walk.current))
    assert not asked.intersection(new)
    assert "preference" in new


def test_tools_whose_need_was_withdrawn_are_asked_for_again_or_dropped():
    walk = new_walk()
    stated = {"scale__instances": 3, "scale__affinity": "unavailable", "clients__protocol": "legacy", "sdk": "mcp-1"}
    while walk.current.id != "tools":
        walk.answer(default_answer(walk.current, needs__elicitation="required", **stated))
    walk.answer({"tools": (Tool("ask", {"elicitation": "required"}), Tool("get"))})
    walk.edit("needs")
    walk.answer(default_answer(walk.questions["needs"]))
    assert "tools" not in walk.everything
    finish(walk)
    load_bytes(to_yaml(walk.values, ADVISOR.space, "test").encode(), "requirements.yaml", ADVISOR.space)


def test_what_is_fixed_is_neither_asked_nor_dropped():
    fixed = {"service": "svc", "scale.instances": 1, "environment.proxy.replicas": 4, "clients.concurrent": 9}
    walk = finish(new_walk(fixed))
    assert not set(walk.asked).intersection(fixed)
    assert fixed.items() <= walk.values.items()


def test_listed_tools_answer_the_needs():
    walk = finish(new_walk({"tools": (Tool("ask", {"sampling": "required"}), Tool("get"))}))
    assert "needs" not in walk.asked
    assert "tools" not in walk.asked
    assert walk.requirements["needs.sampling"] == "required"


def test_only_nginx_is_asked_for_its_version():
    values = {"service": "svc", "sdk": "mcp-1", "environment.proxy.kind": "haproxy", "scale.instances": 3}
    reasons = {skip.question: skip.reason for skip in finish(new_walk(values)).skipped()}
    assert reasons["environment.proxy.version"] == "only-when"


def test_the_review_names_every_question_once():
    walk = finish(new_walk({"service": "svc"}))
    text = "\n".join(review(ADVISOR, walk))
    for name in walk.questions:
        assert name in text
    assert "clients.concurrent: 50" in text


def test_a_file_that_would_say_something_else_is_not_written(tmp_path):
    walk = finish(new_walk())
    path = tmp_path / "requirements.yaml"
    wrong = to_yaml({**walk.values, "scale.instances": 7}, ADVISOR.space, "test")
    with pytest.raises(AssertionError):
        save(path, wrong, walk.requirements, ADVISOR.space)
    assert list(tmp_path.iterdir()) == []
    save(path, to_yaml(walk.values, ADVISOR.space, "test"), walk.requirements, ADVISOR.space)
    assert [one.name for one in tmp_path.iterdir()] == ["requirements.yaml"]


def test_answers_so_far_are_resumed(tmp_path):
    walk = new_walk({"clients.concurrent": 9})
    for _ in range(6):
        walk.answer(default_answer(walk.current, scale__instances=3))
    path = partial_path(tmp_path / "requirements.yaml")
    assert path.name == "requirements.partial.yaml"
    path.write_text(to_yaml(walk.everything, ADVISOR.space, "test"))
    fixed, answers = part(load_stated(path, ADVISOR.space), walk.questions)
    assert fixed == {"clients.concurrent": 9}
    again = new_walk()
    again.resume(fixed, answers)
    assert again.asked == walk.asked
    assert again.current.id == walk.current.id
