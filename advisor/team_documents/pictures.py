"""The drawings of a decision: which boxes they have, and where each box is. The words are in rules/screens.yaml.

All lengths are in units of the drawing. A template turns a picture into SVG, and decides nothing.
"""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from advisor.decision.core import Core
from advisor.decision.model import Decision
from advisor.kit.redis_uses import redis_uses
from advisor.knowledge.types import Era
from advisor.requirements.hops import hops_of
from advisor.sentences import listed

WIDTH = 400
LINE = 19
"""The distance of two lines of text."""

_GAP = 14
_LETTER = 8.4
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


class _ServerGroup(NamedTuple):
    """The servers of a tier, or all servers of a deployment without tiers."""

    name: str
    core: Core
    instances: int
    tools: tuple[str, ...] = ()


def topology(decision: Decision) -> Picture:
    """Return the path of requests from the clients to the instances, which request goes where, and Redis."""
    phrases = decision.phrases
    rows = _before_the_servers(decision)
    groups, instances = _servers(decision, rows[-1][0].bottom + 2 * _GAP)
    rows.append(groups)
    if uses := redis_uses(decision):
        text = phrases["picture.redis"].format(uses=listed(phrases[f"picture.redis.{use}"] for use in uses))
        rows.append(_row([("redis", text)], max(group.bottom for group in groups) + 2 * _GAP, "redis"))
    boxes = [*(box for row in rows for box in row), *instances]
    parts = "; ".join(", ".join(box.texts) for row in rows for box in row)
    return Picture(
        "topology",
        phrases["picture.topology"].format(service=decision.requirements["service"]),
        phrases["picture.topology.means"].format(parts=parts),
        max(box.bottom for box in boxes) + 1,
        tuple(boxes),
        tuple(_between(rows)),
    )


def _before_the_servers(decision: Decision) -> list[list[Box]]:
    """Return a row with the clients of each era, and a row for each hop."""
    phrases, y = decision.phrases, 1.0
    clients = [phrases["picture.clients"].format(era=era) for era in _eras(decision)]
    rows = [_row([(f"clients{number}", text) for number, text in enumerate(clients)], y, "clients")]
    for number, hop in enumerate(hops_of(decision.requirements.values)):
        if hop.kind != "none":
            y = rows[-1][0].bottom + 2 * _GAP
            rows.append(_row([(f"hop{number}", decision.knowledge.proxies[hop.kind].name)], y, "hop"))
    return rows


def _servers(decision: Decision, y: float) -> tuple[list[Box], list[Box]]:
    """Return a box for each tier next to the others, and the boxes of the instances."""
    phrases = decision.phrases
    found = [
        _ServerGroup(phrases["picture.tier"].format(name=tier.name), tier.core, tier.instances, tier.tools)
        for tier in decision.tiers
    ] or [_ServerGroup(phrases["picture.servers"], decision.core, decision.instances)]
    width = (WIDTH - 2 - _GAP * (len(found) - 1)) / len(found)
    groups, instances = [], []
    for number, group in enumerate(found):
        x = 1 + number * (width + _GAP)
        texts = _group_texts(group, decision)
        lines = tuple(line for text in texts for line in _wrapped(text, width))
        inside = _instances(group, number, (x + 10, y + LINE * len(lines) + _GAP, width - 20), phrases)
        groups.append(Box(f"group{number}", x, y, width, inside[-1].bottom + 10 - y, texts, lines, "group"))
        instances += inside
    return groups, instances


def _instances(
    group: _ServerGroup, number: int, place: tuple[float, float, float], phrases: Mapping[str, str]
) -> list[Box]:
    """Return the first instances of a group below each other, and how many more there are.

    Args:
        group: the group.
        number: the number of the group.
        place: the upper left corner of the first box, and the width of each box.
        phrases: the phrases of the rules, by id.
    """
    x, y, width = place
    texts = [phrases["picture.instance"].format(number=each + 1) for each in range(min(group.instances, _SHOWN))]
    if group.instances > _SHOWN:
        texts.append(phrases["picture.more"].format(number=group.instances - _SHOWN))
    height = LINE + 8
    return [
        Box(
            id=f"instance{number}x{each}",
            x=x,
            y=y + each * (height + 6),
            width=width,
            height=height,
            texts=(text,),
            lines=(text,),
            look="instance",
            inside=f"group{number}",
        )
        for each, text in enumerate(texts)
    ]


def _group_texts(group: _ServerGroup, decision: Decision) -> tuple[str, ...]:
    """Return the name of a group, its tools, which instance gets a request, and how the servers answer."""
    phrases, core, eras = decision.phrases, group.core, _eras(decision)
    texts = [group.name]
    if group.tools:
        more = len(group.tools) - _SHOWN
        texts.append(", ".join(group.tools[:_SHOWN]))
        texts += [phrases["picture.more"].format(number=more)] if more > 0 else []
    texts += [phrases[f"picture.route.{_route(core, group.instances, era)}"].format(era=era) for era in eras]
    texts.append(phrases[f"picture.answers.{'json' if core.flags.json_response else 'sse'}"])
    if "legacy" in eras and not core.flags.stateless_http:
        texts.append(phrases[f"picture.stream.get.{'owner' if group.instances > 1 else 'only'}"])
    if "modern" in eras and decision.facts["listen.streams"] != "none":
        texts.append(phrases[f"picture.stream.listen.{'any' if group.instances > 1 else 'only'}"])
    return tuple(texts)


def _between(rows: Sequence[Sequence[Box]]) -> Iterator[Arrow]:
    """Yield an arrow from each box of a row to each box of the next row."""
    for upper, lower in itertools.pairwise(rows):
        for above, below in itertools.product(upper, lower):
            x = _meet(above, below)
            yield Arrow(above.id, below.id, x, above.bottom, x, below.y)


def _eras(decision: Decision) -> tuple[Era, ...]:
    return decision.eras or ("legacy",)


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
    height = LINE + 10
    bottom = height + (len(steps) + 0.5) * 2 * LINE
    boxes = {
        lane: Box(lane, 1 + number * (width + _GAP), 1, width, height, (text,), (text,), "lane")
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
    height = max(map(len, wrapped)) * LINE + 12
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
