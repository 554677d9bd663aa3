"""The drawings of a decision: which boxes they have, and where each box is. The words are in rules/screens.yaml.

All lengths are in units of the drawing. A template turns a picture into SVG, and decides nothing.
"""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import itertools
import textwrap
from typing import Literal, NamedTuple

from advisor.decision.core import Core
from advisor.decision.model import Decision
from advisor.knowledge.types import Era
from advisor.requirements.hops import hops_of

WIDTH = 400
_GAP = 14
_LINE = 18
_LETTER = 7.6
_SHOWN = 3
"""The instances of a tier that have a box of their own."""

Look = Literal["clients", "hop", "group", "instance", "redis", "lane"]


class Box(NamedTuple):
    """A rectangle with lines of text that start at its top.

    Attributes:
        id: a name that is unique in the picture.
        x, y: the upper left corner.
        width, height: the size.
        texts: the texts of the box.
        lines: the lines of these texts in a drawing.
        look: what the box stands for.
        inside: the id of the box that contains this box; "" for none.
    """

    id: str
    x: float
    y: float
    width: float
    height: float
    texts: tuple[str, ...]
    lines: tuple[str, ...]
    look: Look
    inside: str = ""

    @property
    def middle(self) -> float:
        """The x of the middle."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The y of the lower edge."""
        return self.y + self.height


class Arrow(NamedTuple):
    """An arrow between two boxes.

    Attributes:
        source, target: the ids of the boxes.
        x, y: where the arrow starts.
        to_x, to_y: where its head is.
        text: the text of a message; "" for none.
        failed: whether the message is a failure.
    """

    source: str
    target: str
    x: float
    y: float
    to_x: float
    to_y: float
    text: str = ""
    failed: bool = False


class Picture(NamedTuple):
    """A drawing.

    Attributes:
        id: a name that is unique in the document.
        title: what the drawing shows.
        means: the same content in words.
        height: the height; the width is `WIDTH`.
        boxes: the boxes, each after the box that contains it.
        arrows: the arrows. Messages are in the order of time.
    """

    id: str
    title: str
    means: str
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def topology(decision: Decision) -> Picture:
    """Return the path of requests from the clients to the instances, and which request goes where."""
    phrases = decision.phrases
    rows: list[list[Box]] = []
    eras: tuple[Era, ...] = decision.eras or ("legacy",)
    y = 1.0
    clients = [phrases["picture.clients"].format(era=era) for era in eras]
    rows.append(_row([(f"clients{number}", text) for number, text in enumerate(clients)], y, "clients"))
    for number, hop in enumerate(hops_of(decision.requirements.values)):
        if hop.kind != "none":
            y = rows[-1][0].bottom + 2 * _GAP
            rows.append(_row([(f"hop{number}", decision.knowledge.proxies[hop.kind].name)], y, "hop"))
    y = rows[-1][0].bottom + 2 * _GAP
    tiers = [
        (tier.core, tier.instances, phrases["picture.tier"].format(name=tier.name), tier.tools)
        for tier in decision.tiers
    ] or [(decision.core, decision.instances, phrases["picture.servers"], ())]
    width = (WIDTH - 2 - _GAP * (len(tiers) - 1)) / len(tiers)
    groups: list[Box] = []
    instances: list[Box] = []
    for number, (core, count, name, tools) in enumerate(tiers):
        routes = [phrases[f"picture.route.{_route(core, count, era)}"].format(era=era) for era in eras]
        texts = (name, *([", ".join(tools[:_SHOWN])] if tools else []), *routes)
        lines = tuple(line for text in texts for line in _wrapped(text, width))
        x, top = 1 + number * (width + _GAP), y + _LINE * len(lines) + _GAP
        names = [phrases["picture.instance"].format(number=each + 1) for each in range(min(count, _SHOWN))]
        names += [phrases["picture.more"].format(number=count - _SHOWN)] if count > _SHOWN else []
        height = _LINE + 8
        found = [
            Box(
                f"instance{number}x{each}",
                x + 10,
                top + each * (height + 6),
                width - 20,
                height,
                (text,),
                (text,),
                "instance",
                f"group{number}",
            )
            for each, text in enumerate(names)
        ]
        groups.append(Box(f"group{number}", x, y, width, found[-1].bottom + 10 - y, texts, lines, "group"))
        instances += found
    rows.append(groups)
    cores = [core for core, *_ in tiers]
    if any(core.pattern == "shared-state" for core in cores):
        rows.append(
            _row([("redis", phrases["picture.redis"])], max(each.bottom for each in groups) + 2 * _GAP, "redis")
        )
    arrows = [
        Arrow(above.id, below.id, _meet(above, below), above.bottom, _meet(above, below), below.y)
        for upper, lower in itertools.pairwise(rows)
        for above in upper
        for below in lower
    ]
    boxes = [*(box for row in rows for box in row), *instances]
    parts = "; ".join(" ".join(box.lines) for row in rows for box in row)
    return Picture(
        "topology",
        phrases["picture.topology"].format(service=decision.requirements["service"]),
        phrases["picture.topology.means"].format(parts=parts),
        max(box.bottom for box in boxes) + 1,
        tuple(boxes),
        tuple(arrows),
    )


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
    width = (WIDTH - 2 - _GAP * (len(lanes) - 1)) / len(lanes)
    height = _LINE + 10
    bottom = height + (len(steps) + 0.5) * 2 * _LINE
    boxes = {
        lane: Box(lane, 1 + number * (width + _GAP), 1, width, height, (text,), (text,), "lane")
        for number, (lane, text) in enumerate((lane, phrases[f"picture.lane.{lane}"]) for lane in lanes)
    }
    arrows = tuple(
        Arrow(
            source,
            target,
            boxes[source].middle,
            height + (number + 1) * 2 * _LINE,
            boxes[target].middle,
            height + (number + 1) * 2 * _LINE,
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


def _route(core: Core, instances: int, era: Era) -> str:
    """Return the end of the id of the phrase that says which instance gets a request."""
    if instances == 1:
        return "only"
    if era == "modern" or core.flags.stateless_http:
        return "any"
    return "forwarded" if core.pattern == "shared-state" else "owner"


def _row(texts: list[tuple[str, str]], y: float, look: Look) -> list[Box]:
    width = (WIDTH - 2 - _GAP * (len(texts) - 1)) / len(texts)
    wrapped = [_wrapped(text, width) for _, text in texts]
    height = max(map(len, wrapped)) * _LINE + 12
    return [
        Box(name, 1 + number * (width + _GAP), y, width, height, (text,), lines, look)
        for number, ((name, text), lines) in enumerate(zip(texts, wrapped, strict=True))
    ]


def _wrapped(text: str, width: float) -> tuple[str, ...]:
    letters = int((width - 16) / _LETTER)
    return tuple(textwrap.wrap(" ".join(text.split()), letters)) or ("",)


def _meet(above: Box, below: Box) -> float:
    """Return the x of a vertical arrow between two boxes: the middle of the narrower box."""
    return min(above, below, key=lambda box: box.width).middle
