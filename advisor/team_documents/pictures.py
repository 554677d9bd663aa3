"""The drawings of a decision, and the drawing of its deployment: which boxes they have, and where each box is.

All lengths are in units of the drawing. The words are in rules/screens.yaml. A template turns a picture into SVG, and
decides nothing.
"""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from advisor.decision.core import Core
from advisor.decision.model import Decision
from advisor.kit.redis_uses import redis_uses
from advisor.knowledge.types import ERAS, Era
from advisor.requirements.hops import hops_of
from advisor.sentences import listed

WIDTH = 400
LINE = 19
"""The distance of two lines of text."""

GAP = 14
"""The distance of two boxes next to each other."""

_LETTER = 8.4
_BESIDE = 16
"""The distance of two arrows next to each other, without the text of the first."""
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
        text: the text of a message or a stream; "" for none.
        failed: whether the message is a failure.
        is_stream: whether the arrow is a stream, which starts at the servers.
    """

    source: str
    target: str
    x: float
    y: float
    to_x: float
    to_y: float
    text: str = ""
    failed: bool = False
    is_stream: bool = False


class Picture(NamedTuple):
    """A drawing.

    Attributes:
        id: a name that is unique in the document.
        title: what the drawing shows.
        means: the same content in words.
        height: the height; the width is `WIDTH`.
        boxes: the boxes, each after the box that contains it.
        arrows: the arrows. Messages are in the order of time.
        note: what an arrow of another look means; "" without such arrows.
    """

    id: str
    title: str
    means: str
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    note: str = ""


class _ServerGroup(NamedTuple):
    """The servers of a tier, or all servers of a deployment without tiers."""

    name: str
    core: Core
    instances: int
    tools: tuple[str, ...] = ()

    def streams(self, decision: Decision) -> tuple[Era, ...]:
        """Return the eras whose clients open a stream to the servers and wait for messages."""
        keeps = "legacy" in _eras(decision) and not self.core.flags.stateless_http
        listens = "modern" in _eras(decision) and decision.facts["listen.streams"] != "none"
        return (*(("legacy",) if keeps else ()), *(("modern",) if listens else ()))


def topology(decision: Decision) -> Picture:
    """Return the path of requests from the clients to the instances, which request goes where, and Redis."""
    phrases = decision.phrases
    rows = _before_the_servers(decision)
    groups, instances = _servers(decision, rows[-1][0].bottom + 2 * GAP)
    rows.append(groups)
    if uses := redis_uses(decision):
        text = phrases["picture.redis"].format(uses=listed(phrases[f"picture.redis.{use}"] for use in uses))
        rows.append(_row([("redis", text)], max(group.bottom for group in groups) + 2 * GAP, "redis"))
    boxes = [*(box for row in rows for box in row), *instances]
    parts = "; ".join(", ".join(box.texts) for row in rows for box in row)
    arrows = tuple(_between(rows, _streams(decision), phrases))
    return Picture(
        "topology",
        phrases["picture.topology"].format(service=decision.requirements["service"]),
        phrases["picture.topology.means"].format(parts=parts),
        max(box.bottom for box in boxes) + 1,
        tuple(boxes),
        arrows,
        phrases["picture.streams"] if any(arrow.is_stream for arrow in arrows) else "",
    )


def _before_the_servers(decision: Decision) -> list[list[Box]]:
    """Return a row with the clients of each era, and a row for each hop."""
    phrases, y = decision.phrases, 1.0
    clients = [phrases["picture.clients"].format(era=era) for era in _eras(decision)]
    rows = [_row([(f"clients{number}", text) for number, text in enumerate(clients)], y, "clients")]
    for number, hop in enumerate(hops_of(decision.requirements.values)):
        if hop.kind != "none":
            y = rows[-1][0].bottom + 2 * GAP
            rows.append(_row([(f"hop{number}", decision.knowledge.proxies[hop.kind].name)], y, "hop"))
    return rows


def _servers(decision: Decision, y: float) -> tuple[list[Box], list[Box]]:
    """Return a box for each tier next to the others, and the boxes of the instances."""
    phrases, found = decision.phrases, _groups(decision)
    width = (WIDTH - 2 - GAP * (len(found) - 1)) / len(found)
    groups, instances = [], []
    for number, group in enumerate(found):
        x = 1 + number * (width + GAP)
        texts = _group_texts(group, decision)
        lines = tuple(line for text in texts for line in _wrapped(text, width))
        inside = _instances(group, number, (x + 10, y + LINE * len(lines) + GAP, width - 20), phrases)
        groups.append(Box(f"group{number}", x, y, width, inside[-1].bottom + 10 - y, texts, lines, "group"))
        instances += inside
    return groups, instances


def _groups(decision: Decision) -> list[_ServerGroup]:
    phrases = decision.phrases
    return [
        _ServerGroup(phrases["picture.tier"].format(name=tier.name), tier.core, tier.instances, tier.tools)
        for tier in decision.tiers
    ] or [_ServerGroup(phrases["picture.servers"], decision.core, decision.instances)]


def _streams(decision: Decision) -> dict[str, tuple[Era, ...]]:
    """Return the streams that pass each box of clients or servers. A hop passes all streams."""
    groups = {f"group{number}": group.streams(decision) for number, group in enumerate(_groups(decision))}
    served = {era for eras in groups.values() for era in eras}
    clients = {f"clients{number}": (era,) if era in served else () for number, era in enumerate(_eras(decision))}
    return {**clients, **groups}


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
    many = group.instances > 1
    for era in group.streams(decision):
        where = "only" if not many else "owner" if era == "legacy" else "any"
        name, place = phrases[f"picture.stream.{era}"], phrases[f"picture.stream.{where}"]
        texts.append(phrases["picture.stream"].format(name=name, place=place))
    return tuple(texts)


def _between(
    rows: Sequence[Sequence[Box]], streams: Mapping[str, tuple[Era, ...]], phrases: Mapping[str, str]
) -> Iterator[Arrow]:
    """Yield an arrow from each box of a row to each box of the next row, and the streams in the other direction.

    The arrows of two boxes are next to each other, in the middle of the narrower box.
    """
    for upper, lower in itertools.pairwise(rows):
        for above, below in itertools.product(upper, lower):
            passing = [streams.get(box.id, ERAS) for box in (above, below)]
            eras = [era for era in ERAS if all(era in each for each in passing)] if below.look != "redis" else []
            names = [phrases[f"picture.arrow.{era}"] for era in eras]
            widths = [_BESIDE, *(_BESIDE + len(name) * _LETTER for name in names)] if names else [0]
            x = _meet(above, below) - sum(widths) / 2
            yield Arrow(above.id, below.id, x, above.bottom, x, below.y)
            for name, width in zip(names, widths, strict=False):
                x += width
                yield Arrow(below.id, above.id, x, below.y, x, above.bottom, name, is_stream=True)


def _eras(decision: Decision) -> tuple[Era, ...]:
    return decision.eras or ("legacy",)


def _route(core: Core, instances: int, era: Era) -> str:
    """Return the end of the id of the phrase that says which instance gets a request."""
    if instances == 1:
        return "only"
    if era == "modern" or core.flags.stateless_http:
        return "any"
    return "forwarded" if core.pattern == "shared-state" else "owner"


def _row(texts: list[tuple[str, str]], y: float, look: Look) -> list[Box]:
    width = (WIDTH - 2 - GAP * (len(texts) - 1)) / len(texts)
    wrapped = [_wrapped(text, width) for _, text in texts]
    height = max(map(len, wrapped)) * LINE + 12
    return [
        Box(name, 1 + number * (width + GAP), y, width, height, (text,), lines, look)
        for number, ((name, text), lines) in enumerate(zip(texts, wrapped, strict=True))
    ]


def _wrapped(text: str, width: float) -> tuple[str, ...]:
    letters = int((width - 16) / _LETTER)
    return tuple(textwrap.wrap(" ".join(text.split()), letters)) or ("",)


def _meet(above: Box, below: Box) -> float:
    """Return the x of a vertical arrow between two boxes: the middle of the narrower box."""
    return min(above, below, key=lambda box: box.width).middle
