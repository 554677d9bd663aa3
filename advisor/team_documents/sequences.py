"""The drawings of the messages of a client, before and after a decision. The words are in rules/screens.yaml."""

from __future__ import annotations

from advisor.decision.model import Decision
from advisor.requirements.hops import hops_of
from advisor.team_documents.pictures import GAP, LINE, WIDTH, Arrow, Box, Picture


def sequences(decision: Decision) -> list[Picture]:
    """Return the messages of a client before and after the decision; nothing for a contradiction.

    The picture before the decision is only for several instances with legacy clients, because other deployments do not
    have this failure.
    """
    if not decision.feasible:
        return []
    legacy = "legacy" in decision.eras
    many = decision.instances > 1 and not decision.tiers
    found = []
    if legacy and (many or decision.tiers):
        found.append(_sequence("before", "picture.before", _BEFORE, decision, second=True))
    tier = decision.tiers[-1 if legacy else 0] if decision.tiers else decision
    core, several = tier.core, tier.instances > 1
    if not legacy or core.flags.stateless_http:
        steps = _STATELESS if several else _STATELESS_SINGLE
        found.append(_sequence("after", "picture.after.stateless", steps if legacy else steps[-4:], decision, several))
    elif core.pattern == "shared-state":
        found.append(_sequence("after", "picture.after.shared-state", _FORWARDED, decision, second=True))
    elif several:
        found.append(_sequence("after", "picture.after.sticky", _STICKY, decision, second=True))
    else:
        found.append(_sequence("after", "picture.after.stateful", _STICKY, decision, second=False))
    return found


_Step = tuple[str, str, str, bool]
_OPEN: tuple[_Step, ...] = (
    ("client", "proxy", "start", False),
    ("proxy", "first", "start", False),
    ("first", "proxy", "session", False),
    ("proxy", "client", "session", False),
    ("client", "proxy", "call-in-session", False),
)
_BEFORE: tuple[_Step, ...] = (
    *_OPEN,
    ("proxy", "second", "call-in-session", False),
    ("second", "proxy", "unknown", True),
    ("proxy", "client", "unknown", True),
)
_STICKY: tuple[_Step, ...] = (
    *_OPEN,
    ("proxy", "first", "call-in-session", False),
    ("first", "proxy", "result", False),
    ("proxy", "client", "result", False),
)
_FORWARDED: tuple[_Step, ...] = (
    *_OPEN,
    ("proxy", "second", "call-in-session", False),
    ("second", "first", "forward", False),
    ("first", "second", "result", False),
    ("second", "proxy", "result", False),
    ("proxy", "client", "result", False),
)


def _stateless(answers: str) -> tuple[_Step, ...]:
    return (
        ("client", "proxy", "start", False),
        ("proxy", "first", "start", False),
        ("first", "proxy", "no-session", False),
        ("proxy", "client", "no-session", False),
        ("client", "proxy", "call", False),
        ("proxy", answers, "call", False),
        (answers, "proxy", "result", False),
        ("proxy", "client", "result", False),
    )


_STATELESS, _STATELESS_SINGLE = _stateless("second"), _stateless("first")


def _sequence(name: str, title: str, steps: tuple[_Step, ...], decision: Decision, second: bool) -> Picture:
    """Return the lanes and the messages. Without a proxy, the messages of the proxy are left out."""
    phrases = decision.phrases
    proxied = any(hop.kind != "none" for hop in hops_of(decision.requirements.values))
    lanes = ["client", *(["proxy"] if proxied else []), "first", *(["second"] if second else [])]
    if not proxied:
        steps = tuple(
            ("client" if source == "proxy" else source, "client" if target == "proxy" else target, text, failed)
            for source, target, text, failed in steps
            if {source, target} != {"client", "proxy"}
        )
    width = (WIDTH - 2 - GAP * (len(lanes) - 1)) / len(lanes)
    height = LINE + 10
    bottom = height + (len(steps) + 0.5) * 2 * LINE
    boxes = {
        lane: Box(lane, 1 + number * (width + GAP), 1, width, height, (text,), (text,), "lane")
        for number, (lane, text) in enumerate((lane, phrases[f"picture.lane.{lane}"]) for lane in lanes)
    }
    arrows = tuple(
        Arrow(
            source,
            target,
            boxes[source].middle,
            height + (number + 1) * 2 * LINE,
            boxes[target].middle,
            height + (number + 1) * 2 * LINE,
            phrases[f"picture.message.{text}"],
            failed,
        )
        for number, (source, target, text, failed) in enumerate(steps)
    )
    said = ", ".join(
        phrases["picture.step"].format(
            source=phrases[f"picture.lane.{arrow.source}"],
            target=phrases[f"picture.lane.{arrow.target}"],
            text=arrow.text,
        )
        for arrow in arrows
    )
    means = phrases["picture.sequence.means"].format(steps=said)
    return Picture(name, phrases[title], means, bottom, tuple(boxes.values()), arrows)
