"""The drawings of the concepts: docs/images/*.svg, written by `python -m docs.generate`.

A drawing shows messages between programs, from top to bottom. It is narrow, so that its text is legible on a phone.
On GitHub a drawing is an image, and its own style follows the mode of the reader's system. The site removes this style,
and docs/assets/site.css gives the drawing the colours of the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

FOLDER = Path(__file__).parent / "images"
WIDTH = 480
_MARGIN, _ROW, _TOP = 60, 46, 64

_STYLE = (Path(__file__).parent / "templates" / "drawing.css").read_text(encoding="utf-8")

Mood = Literal["", "good", "bad", "dim"]


@dataclass(frozen=True)
class Message:
    """An arrow between two lanes, with its text above it. If both lanes are the same, a text without an arrow."""

    start: int
    end: int
    text: str
    mood: Mood = ""


@dataclass(frozen=True)
class Drawing:
    """Programs side by side, and their messages from top to bottom."""

    title: str
    lanes: Sequence[str]
    messages: Sequence[Message]


def note(text: str, mood: Mood = "dim") -> Message:
    """A line of text across all lanes."""
    return Message(0, 0, text, mood)


DRAWINGS = {
    "eras": Drawing(
        "A legacy client initializes and then sends a session ID. A modern client sends requests that stand alone.",
        ("Client", "Instance A", "Instance B"),
        (
            note("Legacy: 2025-11-25 and older", ""),
            Message(0, 1, "initialize"),
            Message(1, 0, "Mcp-Session-Id: 7f3"),
            Message(0, 1, "tools/call, session 7f3"),
            Message(1, 0, "result"),
            note("Modern: 2026-07-28", ""),
            Message(0, 1, "tools/call, version"),
            Message(1, 0, "result"),
            Message(0, 2, "tools/call, version"),
            Message(2, 0, "result"),
        ),
    ),
    "session-lost": Drawing(
        "Without session affinity, a request can reach an instance that does not hold the session.",
        ("Client", "Proxy", "Instance A", "Instance B"),
        (
            Message(0, 1, "initialize"),
            Message(1, 2, "initialize"),
            Message(2, 0, "session 7f3, held by instance A", "good"),
            Message(0, 1, "call, 7f3"),
            Message(1, 3, "call, session 7f3", "bad"),
            Message(3, 0, "404 Session not found", "bad"),
        ),
    ),
    "server-requests": Drawing(
        "A server asks a legacy client on the stream of the call. It asks a modern client with a result.",
        ("Client", "Instance A", "Instance B"),
        (
            note("Legacy: the instance waits for the reply", ""),
            Message(0, 1, "tools/call"),
            Message(1, 0, "SSE: question"),
            Message(0, 1, "POST: reply, session"),
            Message(1, 0, "SSE: result", "good"),
            note("Modern: any instance can continue", ""),
            Message(0, 1, "tools/call"),
            Message(1, 0, "question, sealed state"),
            Message(0, 2, "tools/call, reply, sealed state"),
            Message(2, 0, "result", "good"),
        ),
    ),
    "sticky-learn": Drawing(
        "The proxy learns which instance answered initialize, and sends later requests of the session there.",
        ("Client", "Proxy", "Instance A"),
        (
            Message(0, 1, "initialize"),
            Message(1, 2, "initialize"),
            Message(2, 1, "session 7f3"),
            note("The proxy stores: 7f3 belongs to instance A", "good"),
            Message(1, 0, "session 7f3"),
            Message(0, 1, "call, session 7f3"),
            Message(1, 2, "call, session 7f3", "good"),
        ),
    ),
    "session-id-rewriting": Drawing(
        "The proxy adds the address of the instance to the session ID, and removes it from later requests.",
        ("Client", "Any proxy", "Instance A"),
        (
            Message(0, 1, "initialize"),
            Message(1, 2, "initialize"),
            Message(2, 1, "session 7f3"),
            Message(1, 0, "session A.7f3", "good"),
            note("The proxy stores nothing"),
            Message(0, 1, "call, session A.7f3"),
            Message(1, 2, "call, session 7f3", "good"),
        ),
    ),
    "response-mode": Drawing(
        "An SSE stream carries pings and progress while the tool runs. A JSON response is silent until the result.",
        ("Client", "Server"),
        (
            note("SSE stream: json_response=False", ""),
            Message(0, 1, "tools/call"),
            Message(1, 0, "response starts", "good"),
            Message(1, 0, "progress 1 of 2", "good"),
            Message(1, 0, "ping after 15 s of silence", "good"),
            Message(1, 0, "result, end of stream", "good"),
            note("JSON: json_response=True", ""),
            Message(0, 1, "tools/call"),
            note("no bytes while the tool runs", "bad"),
            Message(1, 0, "result"),
        ),
    ),
}


def svg(name: str, drawing: Drawing) -> str:
    """The drawing as a file."""
    height = _TOP + _ROW * len(drawing.messages) + 12
    step = (WIDTH - 2 * _MARGIN) / (len(drawing.lanes) - 1)
    places = [_MARGIN + step * number for number in range(len(drawing.lanes))]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f' aria-labelledby="{name}-title">',
        f'<title id="{name}-title">{escape(drawing.title)}</title>',
        f"<style>\n{_STYLE}</style>",
        *_lanes(drawing.lanes, places, height),
        *(part for number, message in enumerate(drawing.messages) for part in _message(message, places, number)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _lanes(lanes: Sequence[str], places: Sequence[float], height: int) -> Iterator[str]:
    for lane, x in zip(lanes, places, strict=True):
        yield f'<line class="lane" x1="{x:g}" y1="42" x2="{x:g}" y2="{height - 6}"/>'
        yield f'<rect class="box" x="{x - 55:g}" y="8" width="110" height="34" rx="6"/>'
        yield f'<text class="head" x="{x:g}" y="30" text-anchor="middle">{escape(lane)}</text>'


def _message(message: Message, places: Sequence[float], number: int) -> Iterator[str]:
    y = _TOP + _ROW * number + 24
    start, end = places[message.start], places[message.end]
    mood = f" {message.mood}" if message.mood else ""
    if start == end:
        yield _text(message, WIDTH / 2, y, "title")
        return
    way = 1 if end > start else -1
    yield f'<path class="arrow{mood}" d="M{start:g} {y}H{end - 7 * way:g}"/>'
    yield f'<path class="tip{mood}" d="M{end:g} {y}l{-9 * way} -5v10z"/>'
    # A text that is longer than its arrow stays inside the drawing.
    middle = min(max((start + end) / 2, len(message.text) * 4), WIDTH - len(message.text) * 4)
    yield _text(message, middle, y - 8, "plain")


def _text(message: Message, x: float, y: int, kind: str) -> str:
    """The text of a message; `kind` is its class if it has no mood."""
    place = f'x="{x:g}" y="{y}" text-anchor="middle"'
    return f'<text class="{message.mood or kind}" {place}>{escape(message.text)}</text>'


def pictures() -> dict[str, str]:
    """Every drawing: file name and content."""
    return {f"{name}.svg": svg(name, drawing) for name, drawing in DRAWINGS.items()}
