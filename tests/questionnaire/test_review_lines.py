"""The lines of the review, and the lists of the prompts, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import read

from advisor.decision.advisor import Advisor
from advisor.errors import InputError
from advisor.questionnaire.drawn_prompts import _choices
from advisor.questionnaire.forms import Option, reader
from advisor.questionnaire.guided_forms import path_dialogue, sdk_dialogue
from advisor.questionnaire.interview import Interview
from advisor.questionnaire.interviewer import Interviewer
from advisor.questionnaire.numbered_prompts import NumberedPrompts
from advisor.questionnaire.relevance import Relevance
from advisor.questionnaire.review import answer_lines, leaning
from advisor.questionnaire.saved_answers import load_stated, to_yaml

CURRENT = "current.stateless_http"


def new_interview(advisor: Advisor, **fixed: object) -> Interview:
    return Interview(advisor, Relevance(advisor), {name.replace("__", "."): value for name, value in fixed.items()})


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


def test_the_answers_about_a_server_in_use_have_a_line_each(advisor: Advisor) -> None:
    symptoms = tuple(advisor.knowledge.symptoms)[:2]
    question = new_interview(advisor).questions[CURRENT]
    answer = {CURRENT: True, "current.json_response": False, "current#breaks": symptoms}
    in_use, flags, breaks = answer_lines(question, answer, advisor, "Is the server in use today?")
    assert in_use == ("Is the server in use today?", "yes")
    assert "stateless_http" in flags[1]
    assert breaks[1].startswith("2 symptoms: ")
    unknown = {CURRENT: "unknown", "current.json_response": "unknown"}
    assert len(answer_lines(question, unknown, advisor, "Is the server in use today?")) == 1


@pytest.mark.parametrize("columns", [60, 80])
def test_an_answer_keeps_its_room_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    answer = "stateless_http=True and json"
    titles = ["accept", "Can the load balancer send each session to its instance?"]
    lines = [choice.title for choice in _choices([Option(title, title, answer) for title in titles])]
    assert all(answer[:24] in line for line in lines)
    assert all(len(line) <= columns - 4 for line in lines)


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
    assert lines["service"] == "svc (from the file)"
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
    assert leaning(advisor, interview) == "no configuration keeps every required feature (Sampling)"


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
