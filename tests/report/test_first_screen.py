"""The first screen of a decision answers the question completely, and fits on a terminal of 24 lines."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from cases import drawn, read, unsure

from advisor.cli.ask_menu import MENU_LINES
from advisor.console.canvas import Screen
from advisor.decision.advisor import Advisor, default_advisor
from advisor.decision.change_steps import fix_titles
from advisor.decision.model import Alternative, Decision
from advisor.report.batch_text import batch_text
from advisor.report.change_wording import shifts, value_text
from advisor.report.contradiction_screen import _fitting_remedies
from advisor.report.decision_text import decision_text, detailed_text
from advisor.report.decision_wording import assumed
from advisor.report.detail import DecisionPart, Detail
from advisor.report.first_screen import first_screen
from advisor.report.line_fitting import change_lines
from advisor.report.overview import Result
from advisor.report.screen_parts import LINES, WIDTH
from advisor.requirements import load_path
from advisor.sentences import inside, sentences

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "examples").glob("*.yaml"), *(ROOT / "examples" / "field").glob("*.yaml")])
NAMES = [path.stem for path in FILES]
PHRASES = default_advisor().knowledge.phrases
LACKING = ("client-lacks-feature", "client-lacks-preferred-feature")


def decide(path: Path) -> Decision:
    advisor = default_advisor()
    return advisor.decide(load_path(path, advisor.space))


class Drawn(NamedTuple):
    """A decision with its first screens of 80 columns: alone, and above a menu."""

    decision: Decision
    screen: str
    above_menu: str


def words(text: str) -> str:
    """The text with all line breaks and indents as one space."""
    return " ".join(text.split())


@pytest.fixture(scope="module")
def decisions(advisor: Advisor) -> list[Decision]:
    """Decide all examples, 50 random files, and 20 of these files with unknown needs."""
    random = list(drawn(advisor.space)[:50])
    random += [unsure(flat, advisor.space, Random(seed)) for seed, flat in enumerate(random[:20])]
    found = [decide(path) for path in FILES]
    found += [advisor.decide(read(flat, advisor.space)) for flat in random]
    assert any(not decision.feasible for decision in found)
    return found


@pytest.fixture(scope="module")
def screens(decisions: list[Decision]) -> list[Drawn]:
    """The decisions with their first screens. To draw a screen takes longer than to decide, so tests share them."""
    narrow = Screen(80)
    return [
        Drawn(decision, first_screen(decision, narrow), first_screen(decision, narrow, MENU_LINES))
        for decision in decisions
    ]


def test_every_decision_fits_on_one_screen(screens: list[Drawn]) -> None:
    wide = [first_screen(shown.decision, Screen(120)) for shown in screens[: len(FILES)]]
    for shown in [*(shown.screen for shown in screens), *wide]:
        lines = shown.splitlines()
        assert len(lines) <= LINES, "\n".join(lines)
        # A command is never wrapped, and the path of this checkout can be long.
        assert all(len(line) <= WIDTH for line in lines if "mcp-advisor" not in line)


def test_nearly_every_decision_fits_on_a_narrow_terminal(decisions: list[Decision]) -> None:
    """With 60 columns, the settings of a few tiered servers in another language take more lines."""
    heights = [len(first_screen(decision, Screen(60)).splitlines()) for decision in decisions]
    assert max(heights[: len(FILES)]) <= LINES
    assert sum(height > LINES for height in heights) <= 0.03 * len(heights)


def test_the_screen_of_a_large_file_fits(advisor: Advisor) -> None:
    """Every feature is needed, and the service has the longest allowed name."""
    features = [name for name in advisor.space.facts if name.startswith("needs.")]
    for level in ("required", "preferred"):
        for instances in (1, 3):
            flat = {**dict.fromkeys(features, level), "scale.instances": instances, "service": "s" * 63}
            decision = advisor.decide(read(flat, advisor.space))
            assert len(first_screen(decision, Screen(80)).splitlines()) <= LINES


def test_the_verdict_has_one_line_with_the_longest_name(advisor: Advisor) -> None:
    headlines = set()
    for flat in drawn(advisor.space):
        for name in ("a-very-long-service-name", "s" * 63):
            decision = advisor.decide(read({**flat, "service": name}, advisor.space))
            for width in (60, 80):
                first = first_screen(decision, Screen(width)).splitlines()[0]
                named, _, verdict = first.partition(": ")
                assert name.startswith(named.removesuffix("..."))
                short = PHRASES["screen.pattern.contradiction"]
                assert decision.feasible or re.fullmatch(
                    rf"contradiction, ({decision.means}|{short}|no client .+)", verdict
                )
                headlines.add((decision.core.pattern, verdict))
                assert len(first) <= width
                assert width < WIDTH or "..." not in named or len(name) > 24
    assert {pattern for pattern, _ in headlines} >= {"contradiction", "tiered"}


def changes_of(screen: str) -> list[str]:
    """The lines of a first screen that show a change and its result."""
    return [line for line in screen.splitlines() if " -> " in line and not line.startswith(PHRASES["screen.changes"])]


def test_two_changes_are_shown_if_there_are_two(screens: list[Drawn]) -> None:
    shown, expected = 0, 0
    for decision, screen, _ in screens:
        if not decision.feasible:
            continue
        listed = changes_of(screen)
        possible = min(2, len(shifts(decision)[0]))
        shown, expected = shown + len(listed), expected + possible
        assert len(listed) == possible or len(screen.splitlines()) >= LINES - 1, "another change fits"
    # The share depends on the drawn files. Many needs with long calls leave no room, as the line above checks.
    assert shown >= 0.85 * expected, "few screens are too full for two changes"


def test_a_change_is_shown_if_there_is_one(screens: list[Drawn], advisor: Advisor) -> None:
    """All examples show a change. Few random files need or lose so many features that no line is left."""
    assert not [shown.screen for shown in screens[: len(FILES)] if lacks_change(shown.decision, shown.screen)]
    more = [advisor.decide(read(flat, advisor.space)) for flat in drawn(advisor.space)[::2]]
    drawn_more = [(decision, first_screen(decision, Screen(80))) for decision in more]
    assert all(len(screen.splitlines()) <= LINES for _, screen in drawn_more)
    assert sum(lacks_change(decision, screen) for decision, screen in drawn_more) <= 0.04 * len(drawn_more)


def lacks_change(decision: Decision, screen: str) -> bool:
    return decision.feasible and bool(shifts(decision)[0]) and not changes_of(screen)


def remedies_of(screen: str) -> list[list[str]]:
    """The lines of each remedy of a contradiction."""
    blocks: list[list[str]] = []
    for line in screen.splitlines():
        if re.match(r"\d+\. ", line):
            blocks.append([line])
        elif blocks and line.startswith("    "):
            blocks[-1].append(line)
    return blocks


def edited_values(decision: Decision, way: Alternative) -> str:
    return ", ".join(
        f"remove {key}" if value is None else f"{key}: {value_text(value)}"
        for key, value in decision.edits(way.change).items()
    )


def check_remedies(decision: Decision, screen: str) -> int:
    """Each shown remedy names all its keys and values and its result. Return how many take more than two lines."""
    shown = remedies_of(screen)
    hidden = re.search(r"^\((\d+) more with (?:--show answer|`show all`)\)$", screen, re.MULTILINE)
    assert len(shown) + (int(hidden[1]) if hidden else 0) == len(decision.alternatives), screen
    rest = iter(decision.alternatives)
    for block in shown:
        told = words(" ".join(block))
        # The remedies keep their order. A remedy without keys has only its result.
        way = next(
            (way for way in rest if f". {edited_values(decision, way)} -> ".replace(".  ->", ". ") in told), None
        )
        assert way is not None, f"a remedy is incomplete or out of order:\n{screen}"
        assert PHRASES[f"screen.pattern.{way.core.pattern}"] in told
        assert all(name in told for names in decision.unkept(way) for name in names)
        assert bool(decision.unkept(way)[0]) == ("; loses " in told)
    return sum(len(block) > 2 for block in shown)


def test_every_remedy_shows_all_its_keys_and_its_result(screens: list[Drawn]) -> None:
    long = [check_remedies(shown.decision, shown.screen) for shown in screens if not shown.decision.feasible]
    for shown in screens:
        if not shown.decision.feasible:
            check_remedies(shown.decision, shown.above_menu)
            if "more with --show answer" in shown.screen.splitlines()[-1]:
                assert len(shown.screen.splitlines()) >= LINES - 3, "another change fits"
    assert sum(map(bool, long)) <= 0.2 * len(long), "nearly all remedies have two lines"


def test_every_remedy_of_a_drawn_contradiction_is_complete(advisor: Advisor) -> None:
    contradictions, several, long = 0, 0, 0
    for flat in drawn(advisor.space):
        decision = advisor.decide(read(flat, advisor.space))
        if not decision.feasible:
            for menu in (0, MENU_LINES):
                long += check_remedies(decision, first_screen(decision, Screen(80), menu))
            contradictions += 1
            several += any(len(way.change) > 1 for way in decision.alternatives)
    assert contradictions > 50
    assert several > 20
    assert long


def test_remedies_of_several_changes_are_complete_if_every_feature_is_required(advisor: Advisor) -> None:
    needs = [name for name in advisor.space.facts if name.startswith("needs.")]
    for proxy in advisor.space.domains["environment.proxy.kind"]:
        flat = {**dict.fromkeys(needs, "required"), "scale.instances": 4, "environment.proxy.kind": proxy}
        decision = advisor.decide(read(flat, advisor.space))
        if not decision.feasible:
            screen = first_screen(decision, Screen(80))
            check_remedies(decision, screen)
            assert len(remedies_of(screen)) >= min(3, len(decision.alternatives))


@pytest.mark.parametrize("width", [60, 80])
def test_a_remedy_of_few_lines_takes_the_room_before_a_longer_one(width: int) -> None:
    assert _fitting_remedies([2, 3, 2, 2], 9) == [0, 1, 2, 3]
    assert _fitting_remedies([3, 2, 2], 6) == [1, 2]
    assert _fitting_remedies([3, 5], 4) == [0]
    keys = ["environment.proxy.kind: nginx", "clients.protocol: legacy", "scale.affinity: available"]
    lines, arrow = change_lines(keys, "session affinity", width)
    assert words(" ".join([*lines, arrow])) == f"{', '.join(keys)} -> session affinity"
    assert all(len(line) <= width for line in [*lines[:-1], lines[-1] + arrow])


def test_neither_the_verdict_nor_the_reason_is_cut(screens: list[Drawn]) -> None:
    for decision, *both in screens:
        for shown in both:
            assert decision.means in words(shown)
            if decision.feasible:
                assert sentences(decision.reason.because)[0] in words(shown)


def test_a_contradiction_names_an_assumption_that_fits(screens: list[Drawn]) -> None:
    """A long assumption does not hide a shorter assumption."""
    shown = 0
    for decision, screen, _ in screens:
        line = next((line for line in screen.splitlines() if line.startswith("Assumed   (")), "")
        if not decision.feasible and line:
            more = len(line.removeprefix("Assumed   ")) + 1
            names = [f"{name}: {value}" for name, value in assumed(decision) if not name.startswith("needs.")]
            assert not [name for name in names if len(name) <= 70 - more], screen
        shown += not decision.feasible and "Assumed   " in screen
    assert shown > 5


def test_a_contradiction_has_a_line_on_what_is_not_kept_and_a_line_on_what_is_assumed(screens: list[Drawn]) -> None:
    """The remedies follow immediately. The complete reason is in the complete decision."""
    shown = 0
    for decision, *both in screens:
        if decision.feasible:
            continue
        for screen in both:
            above = list(takewhile(lambda line: line and not line.startswith("Changes, "), screen.splitlines()[1:]))
            assert above[0].startswith("Not kept  " if decision.unmet else "Why       "), screen
            assert above[0].endswith(f"({decision.verdict.rule.id})")
            assert [line[:10].strip() for line in above[1:]] in ([], ["Assumed"], ["Warnings"], ["Assumed", "Warnings"])
        full = words(detailed_text(decision, Screen(80), Detail(full=True)))
        assert decision.verdict.rule.because in full
        assert all(row.feature in full for row in decision.assumed_unused)
        shown += 1
    assert shown > 10


def test_nothing_is_cut_to_three_dots(screens: list[Drawn]) -> None:
    for _, *both in screens:
        for shown in both:
            assert not [line for line in shown.splitlines() if line.endswith("...")], shown


def test_each_warning_on_the_screen_has_its_title_and_its_id(screens: list[Drawn]) -> None:
    hidden_some = 0
    for decision, *both in screens:
        for screen in both:
            found = re.search(r"^Warnings(?: \((\d+) more with .+\))?$", screen, re.MULTILINE)
            if not decision.feasible or found is None:
                continue
            listed = list(takewhile(lambda line: line.startswith("  "), screen[found.end() + 1 :].splitlines()))
            starts = [line for line in listed if re.match(r"  (high|medium|low) ", line)]
            assert len(starts) + int(found[1] or 0) == len(decision.warnings)
            told = words(" ".join(listed))
            assert all(f"{warning.title} ({warning.id})" in told for warning in decision.warnings[: len(starts)])
            hidden_some += found[1] is not None
    assert hidden_some


def test_a_change_is_shown_if_a_lower_warning_or_a_complete_text_can_make_room(screens: list[Drawn]) -> None:
    without = 0
    for decision, screen, _ in screens:
        if not lacks_change(decision, screen):
            continue
        starts = re.findall(r"^  (?:high|medium|low) ", screen, re.MULTILINE)
        assert len(starts) <= 1, screen
        without += 1
    assert without < 0.08 * len(screens)
    shown = first_screen(decide(ROOT / "examples" / "pattern-3-sticky-fleet.yaml"), Screen(80))
    assert "scale.workers: 4 -> no configuration works" in shown


def test_the_call_of_each_needed_feature_is_shown_in_full(screens: list[Drawn]) -> None:
    for decision, shown, _ in screens:
        assert "\u2026" not in shown, "a call is cut"
        if not decision.feasible or decision.kind != "python" or "more with --show features" in shown:
            continue
        for row in decision.needed:
            for _, cell in row.cells:
                # A feature of a doubt has no row: the line "Not sure" names it.
                listed = row.feature not in ("plain", *decision.doubted)
                if listed and cell.named and cell.words.startswith("works") and cell.call:
                    calls = decision.knowledge.features[row.feature].calls
                    short = next(call.short for call in calls if call.call == cell.call)
                    assert cell.call in shown or short in words(shown)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nothing_that_is_lost_or_assumed_is_hidden(path: Path) -> None:
    decision = decide(path)
    shown = words(first_screen(decision, Screen(80)))
    assert decision.core.pattern in shown
    lost = [row for row in decision.needed if row.lost] if decision.feasible else decision.unmet
    assert all(row.title in shown for row in lost)
    if not decision.feasible:
        return  # test_a_contradiction_has_a_line_on_what_is_not_kept_and_a_line_on_what_is_assumed
    assert all(row.feature in shown for row in decision.assumed_unused)
    assert all(need.feature in shown for need in decision.unsure)
    said = decision.assumption
    assert said in shown or (said.split(". ")[0] in shown and "(more with --show assumptions)" in shown)
    if said:
        section = detailed_text(decision, Screen(80), Detail(sections=[DecisionPart.ASSUMPTIONS]))
        assert said in words(section)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_the_flags_of_every_server_are_shown(path: Path) -> None:
    decision = decide(path)
    if not decision.feasible or decision.kind != "python":
        return
    lines = first_screen(decision, Screen(80)).splitlines()
    for tier in decision.tiers:
        (line,) = (line for line in lines if line.startswith(f"{tier.name} "))
        assert line.split()[1:4] == [str(tier.instances), *map(str, tier.core.flags)]
    flags = decision.core.flags
    pair = f"stateless_http={flags.stateless_http}, json_response={flags.json_response}"
    assert decision.tiers or any(pair in line for line in lines)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_every_warning_is_shown_or_counted_and_the_worst_come_first(path: Path) -> None:
    decision = decide(path)
    if not decision.feasible:
        return
    shown = first_screen(decision, Screen(80))
    listed = [warning.id for warning in decision.warnings if f"{warning.severity} {warning.title}" in words(shown)]
    hidden = re.search(r"Warnings \((\d+) more with --show warnings\)", shown)
    assert len(listed) + (int(hidden[1]) if hidden else 0) == len(decision.warnings)
    assert listed == [warning.id for warning in decision.warnings[: len(listed)]]
    assert listed or not decision.warnings


def test_every_remedy_of_a_contradiction_names_its_keys() -> None:
    decision = decide(ROOT / "examples" / "sampling-on-a-stateless-fleet.yaml")
    shown = words(first_screen(decision, Screen(80)))
    for number, way in enumerate(decision.alternatives[:4], 1):
        assert f"{number}. {way.how.split('. ')[0]}" in shown
        assert all(key in shown for key in way.change)


@pytest.mark.parametrize("width", [60, 66, 72, 80])
def test_no_name_of_a_tier_is_folded(width: int) -> None:
    decision = decide(ROOT / "examples" / "customer-service-agent.yaml")
    screen = first_screen(decision, Screen(width))
    names = {"stateless_http", "json_response", *(tool for tier in decision.tiers for tool in tier.tools)}
    assert names <= set(re.findall(r"\w+", screen))


def test_commands_are_never_wrapped(tmp_path: Path) -> None:
    path = tmp_path / f"{'long-' * 20}name.yaml"
    path.write_bytes(FILES[0].read_bytes())
    lines = first_screen(decide(path), Screen(80)).splitlines()
    assert lines[-3:] == [
        f"  mcp-advisor generate {path} -o kit",
        "  mcp-advisor verify kit",
        f"  mcp-advisor document {path} -o adr/",
    ]


def test_a_table_of_files_fits_and_folds_no_name() -> None:
    results = [Result(str(path), decide(path)) for path in FILES]
    for width in (80, 120):
        shown = batch_text(results, Screen(width), PHRASES).splitlines()
        assert all(len(line) <= width for line in shown)
        for path in FILES:
            assert any(str(path.relative_to(ROOT / "examples")) in line for line in shown)


def test_a_long_name_moves_only_the_cells_that_have_no_room(tmp_path: Path) -> None:
    path = tmp_path / "longer-than-the-column-of-names.yaml"
    path.write_bytes(FILES[0].read_bytes())
    head, first, second, *_ = batch_text(
        [Result(str(path), decide(path)), Result(str(tmp_path / "b.yaml"), decide(FILES[0]))], Screen(80), PHRASES
    ).splitlines()
    assert first.startswith(f"{path.name}  stateless-fleet  stateless+sse  -  ")
    assert len(first) <= 80
    assert second.index("stateless") == head.index("Pattern")


def test_a_name_that_does_not_fit_gets_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / f"{'long-' * 15}name.yaml"
    path.write_bytes(FILES[0].read_bytes())
    lines = batch_text(
        [Result(str(path), decide(path)), Result(str(tmp_path / "b.yaml"), decide(FILES[1]))], Screen(80), PHRASES
    )
    assert path.name in lines.splitlines()


def test_a_section_without_content_says_so() -> None:
    decision = decide(FILES[0])._replace(warnings=())
    shown = decision_text(decision, Screen(80), sections=[DecisionPart.WARNINGS])
    assert shown == "The section warnings is empty for this decision.\n"


def test_the_complete_feature_table_never_breaks_a_call(decisions: list[Decision]) -> None:
    seen = set()
    widths = (80, 92, 100, 110, 120)
    for number, decision in enumerate(decisions):
        # A table takes milliseconds: the examples are drawn in every width, and each random file in one.
        for screen in map(Screen, widths if number < len(FILES) else [widths[number % len(widths)]]):
            table = detailed_text(decision, screen, Detail(sections=[DecisionPart.FEATURES]))
            calls = {word for row in decision.features for _, cell in row.cells for word in cell.words.split()}
            calls = {call for call in calls if "." in call or "(" in call}
            assert [call for call in calls if call not in table] == []
            assert all(len(line) <= screen.width for line in table.splitlines())
            seen |= calls
    assert {"session.send_tool_list_changed", "ctx.notify_resource_updated", "Resolve(Sample)"} <= seen


def test_a_short_name_of_a_call_is_code_too(advisor: Advisor) -> None:
    for feature in advisor.knowledge.features.values():
        for call in feature.calls:
            assert "\u2026" not in call.short
            assert call.call.startswith(call.short) or " " in call.call, "the short name is the beginning of the call"


def test_a_contradiction_shows_a_change_above_the_menu(screens: list[Drawn]) -> None:
    shown = 0
    for decision, _, screen in screens:
        if not decision.feasible and decision.alternatives:
            assert re.search(r"^1\. ", screen, re.MULTILINE), screen
            assert len(screen.splitlines()) + MENU_LINES <= LINES
            shown += 1
    assert shown > 10


def test_above_a_menu_the_answer_names_the_entry_of_the_menu(screens: list[Drawn]) -> None:
    assert not any("--show" in shown.above_menu for shown in screens), "`ask` has no such option"
    assert any("more with `show all`)" in shown.above_menu for shown in screens)


def test_the_titles_of_remedies_differ_and_name_every_change(advisor: Advisor) -> None:
    """A title names the changes, or some of them and how many follow. Most titles differ at their start already."""
    several, starts_alike, most = 0, 0, 0
    for flat in drawn(advisor.space):
        decision = advisor.decide(read(flat, advisor.space))
        ways = () if decision.feasible else decision.alternatives
        titles = fix_titles([way.titles for way in ways], PHRASES)
        assert len(set(titles)) == len(titles), titles
        starts_alike += len(titles) - len({title[:40] for title in titles})
        most = max(most, len(titles))
        for way, title in zip(ways, titles, strict=True):
            named = [change for change in way.titles if inside(change) in inside(title)]
            further = re.search(r"(\d+) more changes?$", title)
            assert len(named) + int(further[1] if further else 0) == len(way.titles) >= 1, (way.titles, title)
            assert not re.search(r"\b(environment|scale|clients|needs)\.[a-z]", title)
            several += len(named) > 1
    assert most > 3
    assert several > 10
    assert starts_alike < several / 10


def test_the_first_screen_names_each_change_of_a_remedy(advisor: Advisor) -> None:
    shown = 0
    for flat in drawn(advisor.space):
        decision = advisor.decide(read(flat, advisor.space))
        if not decision.feasible and any(len(way.titles) == 2 for way in decision.alternatives[:1]):
            screen = words(first_screen(decision, Screen(80)))
            assert f"1. {fix_titles([way.titles for way in decision.alternatives], PHRASES)[0]}." in screen
            shown += 1
    assert shown > 3


@pytest.mark.parametrize("need", ["required", "preferred"])
def test_the_verdict_names_a_feature_that_a_client_does_not_support(decide: Any, need: str) -> None:
    both: dict[str, Any] = {"clients.apps": ["cursor", "vscode"], "needs.sampling": need, "clients.protocol": "legacy"}
    shown = words(first_screen(decide(both), Screen(80)))
    assert f"Sampling ({need}): Cursor does not support it" in shown
    assert PHRASES["lost.none"] not in shown
    several = words(first_screen(decide(both | {"clients.apps": ["cursor", "codex-cli", "vscode"]}), Screen(80)))
    assert "Cursor and Codex CLI do not support it" in several


def test_no_verdict_says_that_nothing_is_lost_where_a_client_lacks_a_needed_feature(advisor: Advisor) -> None:
    lacking = 0
    for flat in drawn(advisor.space):
        decision = advisor.decide(read(flat, advisor.space))
        warned = {warning.id for warning in decision.warnings} & {
            "client-lacks-feature",
            "client-lacks-preferred-feature",
        }
        if decision.feasible and warned and not any(row.substituted for row in decision.features):
            shown = first_screen(decision, Screen(80))
            assert not re.search(rf"^Lost +{PHRASES['lost.none']}", shown, re.MULTILINE), shown
            lacking += 1
    assert lacking > 3


def test_nothing_is_cut_so_that_its_beginning_is_lost(screens: list[Drawn]) -> None:
    counted = 0
    for shown in screens:
        for line in shown.screen.splitlines():
            assert not re.search(r"^ *(\d+\. |high|medium|low|info)? *\.\.\.", line), line
            change, arrow, _ = line.removeprefix("If you set ").partition(" -> ")
            if arrow and "new decision" not in line and "Changes, best first" not in line:
                # A change is a list of keys and values: it says how many entries are hidden.
                assert not change.endswith("...") or "," not in change, line
                assert not change.strip() or re.match(
                    r" *(any of |remove )?[a-z_.\[\]0-9]+(: |, | \+|$| \(| and )", change
                ), line
                counted += "more" in change
    assert counted > 10
