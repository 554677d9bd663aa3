"""The lines of the review, and the lists of the prompts, in this process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cases import read

from advisor.decision.advisor import Advisor
from advisor.decision.checks.proof import example_requirements
from advisor.errors import InputError
from advisor.questionnaire.drawn_prompts import _choices, _one_line_choices
from advisor.questionnaire.forms import Option, reader
from advisor.questionnaire.guided_forms import path_dialogue, sdk_dialogue
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.numbered_prompts import NumberedPrompts
from advisor.questionnaire.relevance import Relevance
from advisor.questionnaire.review import leaning
from advisor.questionnaire.saved_answers import load_stated, to_yaml

CURRENT = "current.stateless_http"


def new_interview(advisor: Advisor, **fixed: object) -> Interview:
    return Interview(advisor, Relevance(advisor), {name.replace("__", "."): value for name, value in fixed.items()})


def review_line(advisor: Advisor, **answer: object) -> Option:
    """The line of the review for a question, whose answer is given in this run."""
    interview = new_interview(advisor, **answer)
    interview.changed.update(interview.questions)
    interviewer = Interviewer(advisor, NumberedPrompts(advisor.knowledge.phrases), interview)
    (line,) = (option for option in interviewer._review_form().options if option.value in interview.questions)
    return line


def test_the_example_of_a_release_belongs_to_the_package(advisor: Advisor) -> None:
    space = advisor.space
    for line in ("fastmcp-2", "fastmcp-3", "mcp-1", "mcp-2"):
        forms = sdk_dialogue(space.facts["sdk"], space, {"sdk": line})
        chosen = next(forms).default
        release = forms.send(chosen)
        *listed, another = release.options
        package = line.rpartition("-")[0]
        example = another.means.rpartition(" ")[2]
        assert space.known_release(f"{package}=={example}") is not None
        assert all("of its line" in option.title for option in listed)


def test_an_old_release_is_refused_without_the_notation_of_the_file(advisor: Advisor) -> None:
    space = advisor.space
    forms = sdk_dialogue(space.facts["sdk"], space, {"sdk": "mcp-1"})
    next(forms)
    forms.send("from mcp.server.fastmcp import FastMCP")
    typed = forms.send("another")
    with pytest.raises(InputError, match="--set transport=sse") as raised:
        typed.read("1.2.0")
    assert "transport: sse" not in str(raised.value)


def test_the_line_of_a_server_in_use_has_each_of_its_questions(advisor: Advisor) -> None:
    symptoms = tuple(advisor.knowledge.symptoms)[:2]
    answer = {CURRENT: True, "current.json_response": False, "current#breaks": symptoms}
    line = review_line(advisor, **answer)
    assert line.title == "Is the server in use today?"
    assert line.means.startswith("yes; stateless_http=True")
    words = advisor.knowledge.phrases
    assert all(f"{words[title]} " in line.details for title in ("ask.current", "ask.current.flags", "ask.breaks"))
    assert all(advisor.knowledge.symptoms[name].text in line.details for name in symptoms)
    unknown = {CURRENT: "unknown", "current.json_response": "unknown"}
    assert review_line(advisor, **unknown).means == "no"
    assert review_line(advisor, **unknown, **{"current#breaks": ()}).means == "yes; not known; none"


def test_the_line_of_the_sdk_begins_with_the_release(advisor: Advisor) -> None:
    newest = advisor.space.release("mcp-2")
    assert newest is not None
    for release, shown in (("mcp==1.28.1", "mcp==1.28.1"), ("mcp-2", f"mcp=={newest.line.newest}")):
        line = review_line(advisor, sdk=release)
        module = "fastmcp" if release.startswith("mcp==1") else "mcpserver"
        assert re.fullmatch(rf"{re.escape(shown)}; from mcp\.server\.{module} import \w+", line.means)
        assert "Which release of mcp is installed" in line.details
    assert review_line(advisor, sdk="other", language="go").means == "Go"


@pytest.mark.parametrize("columns", [60, 80])
def test_a_line_of_the_review_is_one_line_and_gives_its_room_to_the_answer(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    answers = ["3", "elicitation required, progress useful", "mcp==1.28.1; from mcp.server.fastmcp import FastMCP"]
    title = "Which of many questions is this, and how long can it become?"
    choices = _one_line_choices([Option(answer, title, answer, f"{title} {answer}") for answer in answers], 0)
    for choice, answer in zip(choices, answers, strict=True):
        assert len(choice.title) <= columns - 6
        assert choice.title.startswith("Which ")
        room = 3 * (columns - 6) // 4 - 2
        assert choice.title.endswith(answer if len(answer) <= room else "from ..."), choice.title


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_long_option_takes_several_lines_and_is_not_cut(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    answer = "stateless_http=True and json_response=False, and some features"
    titles = ["accept", "Can the load balancer send each session to its instance, also after a restart?"]
    choices = _choices([Option(title, title, answer) for title in titles])
    for choice, title in zip(choices, titles, strict=True):
        lines = choice.title.splitlines()
        assert all(len(line) <= columns - 4 for line in lines)
        assert "…" not in choice.title
        shown = choice.title.split()
        assert sorted(shown) == sorted([*title.split(), *answer.split()])
        assert f"{title} {answer}".lower() in choice.title.lower(), "a filter finds the words across lines"


@pytest.mark.parametrize("platform", ["kubernetes", "compose", "serverless", "systemd"])
def test_the_first_proxies_are_those_of_the_platform(advisor: Advisor, platform: str) -> None:
    space = advisor.space
    forms = path_dialogue(space.facts["environment.proxy.kind"], space, {"environment.platform": platform})
    names = [option.value for option in next(forms).options]
    assert names[:2] == ["none", "other"]
    possible = [space.knowledge.proxies[name].possible_on(platform) for name in names[2:]]
    assert possible == sorted(possible, reverse=True)


def test_values_of_a_command_or_a_remedy_are_not_from_the_file(advisor: Advisor) -> None:
    before = {"service": "svc", "scale.instances": 3}
    interview = Interview(advisor, Relevance(advisor), {**before, "scale.instances": 1})
    interview.note_changes(before)
    interviewer = Interviewer(advisor, NumberedPrompts(advisor.knowledge.phrases), interview)
    lines = {option.value: option.means for option in interviewer._review_form().options}
    assert lines["service"] == "svc (file)"
    assert lines["scale.instances"] == "1"


def test_no_tools_are_an_answer_of_the_saved_file(advisor: Advisor, tmp_path: Path) -> None:
    saved, without = tmp_path / "saved.yaml", tmp_path / "without.yaml"
    saved.write_text(to_yaml({"service": "svc", "tools": ()}, advisor.space, "head"))
    without.write_text("service: svc\n")
    assert load_stated(saved, advisor.space)["tools"] == ()
    assert "tools" not in load_stated(without, advisor.space)


def test_the_running_verdict_names_what_cannot_be_kept(advisor: Advisor) -> None:
    flat = {"sdk": "mcp-1", "clients.protocol": "legacy", "scale.instances": 3, "scale.affinity": "unavailable"}
    flat |= {"needs.sampling": "required", "environment.proxy.kind": "alb", "clients.keep_cookies": False}
    interview = Interview(advisor, Relevance(advisor), flat)
    assert advisor.decide(read(flat, advisor.space)).unmet
    assert leaning(advisor, interview).text == (
        "No configuration works so far: Sampling (sessions are needed but not possible)"
    )
    without = {**flat, "clients.apps": ["cursor"], "clients.protocol": "unknown"}
    assert leaning(advisor, Interview(advisor, Relevance(advisor), without)).text == (
        "No configuration works so far: Sampling (no client supports it)"
    )


def test_each_contradiction_has_a_short_reason(advisor: Advisor) -> None:
    rules = advisor.tables["session"].spec.rules
    contradictions = {rule.id for rule in rules if rule.then["pattern"] == "contradiction"}
    reasons = {name for name in advisor.knowledge.phrases if name.startswith("screen.reason.")}
    assert reasons == {f"screen.reason.{name}" for name in contradictions}
    for name in contradictions:
        example = example_requirements(advisor, advisor.knowledge.rules[name][1].examples["hit"])
        stated = {fact: example.values[fact] for fact in example.given}
        said = leaning(advisor, Interview(advisor, Relevance(advisor), stated))
        assert not said.feasible
        assert len(said.text) <= 2 * 79


def test_an_answer_that_undoes_a_remedy_is_reported_once(advisor: Advisor, capsys: pytest.CaptureFixture[str]) -> None:
    interview = Interview(advisor, Relevance(advisor), {"service": "svc", "operations.shared_store": "redis"})
    interviewer = Interviewer(advisor, NumberedPrompts(advisor.knowledge.phrases), interview)
    interviewer.remedy = {"operations.shared_store": "redis"}
    interviewer._tell_undone()
    assert capsys.readouterr().err == ""
    interview.edit("operations.shared_store")
    interview.answer({"operations.shared_store": "none"})
    interviewer._tell_undone()
    assert "undoes the remedy" in capsys.readouterr().err
    interviewer._tell_undone()
    assert capsys.readouterr().err == ""


def test_removed_answers_are_told_in_the_words_of_their_questions(
    advisor: Advisor, capsys: pytest.CaptureFixture[str]
) -> None:
    interview = new_interview(advisor, service="svc")
    interviewer = Interviewer(advisor, NumberedPrompts(advisor.knowledge.phrases), interview)
    interviewer._tell_dropped({"operations.shared_store": {"operations.shared_store": "redis"}})
    told = " ".join(capsys.readouterr().err.split())
    assert f"{advisor.space.facts['operations.shared_store'].question} redis" in told
    assert "operations.shared_store" not in told


@pytest.mark.parametrize(
    ("typed", "hints"),
    [
        ("many", ["a range such as 2-10"]),
        ("0-5", ["min: 0 is not allowed", "a range such as 2-10", "environment.platform to serverless"]),
        ("2-x", ["'2-x' is not allowed", "a range such as 2-10"]),
    ],
)
def test_a_prompt_shows_a_range_in_its_own_notation(advisor: Advisor, typed: str, hints: list[str]) -> None:
    read = reader(advisor.space.facts["scale.instances"], advisor.space, 1)
    with pytest.raises(InputError) as refused:
        read(typed)
    assert all(hint in str(refused.value) for hint in hints)
    assert "{" not in str(refused.value)
