"""The check of the house style: `python tests/prose.py [FILE …]` prints each sentence that breaks a rule of prose.yaml.

It reads the sentences of Markdown, YAML, Python (docstrings, comments, messages) and templates. Code is not read.
"""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parent.parent
STYLE: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "prose.yaml").read_text(encoding="utf-8"))

CODE = "\N{WHITE SQUARE}"  # stands for a piece of code or a value in a sentence
WORD = re.compile(rf"[A-Za-z{CODE}][\w'./-]*")
SENTENCE_END = re.compile(r"(?<=[.!?])[)\"'*]*\s+(?=[A-Z0-9`*\N{WHITE SQUARE}(\"']|mcp-advisor|nginx|fastmcp|uvicorn)")
NEW_BLOCK = re.compile(r"\s*([-*+] |\d+\. |#+ |>|\||`?[\w.*, ]+`?: |(Args|Attributes|Returns|Raises|Yields):$)")
# Python's own tokenizer takes ten times as long.
STRING_OR_COMMENT = re.compile(
    r'''("""|\'\'\')(?:\\.|(?!\1).)*\1|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?P<comment>\#[^\n]*)''', re.DOTALL
)
SKIPPED_FOLDERS = {".git", ".venv", "snapshots", "golden", "node_modules", "site", ".hypothesis"}


class Text(NamedTuple):
    """A paragraph, label or message and the line on which it starts."""

    path: str
    line: int
    text: str


class Remark(NamedTuple):
    """A sentence that breaks a rule: where it stands, what breaks the rule, and what to write."""

    path: str
    line: int
    sentence: str
    found: str
    write: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found}: write {self.write}\n    {self.sentence}"


def paragraphs(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Join lines to paragraphs; a blank line, list item, heading or table row starts a new one."""
    start, words = 0, ""
    for number, line in lines:
        if not line.strip() or NEW_BLOCK.match(line):
            if words:
                yield start, words
            start, words = number, line.strip()
        else:
            start, words = (start, f"{words} {line.strip()}") if words else (number, line.strip())
    if words:
        yield start, words


def comments(source: str) -> Iterator[tuple[int, str]]:
    """The comments that start with `#` on lines of their own, joined to paragraphs."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(source.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#") and not stripped.startswith("#!"):
            block.append((number, stripped.lstrip("#").replace("{#", "").replace("#}", "")))
        else:
            yield from paragraphs(block)
            block = []
    yield from paragraphs(block)


def markdown(source: str) -> Iterator[tuple[int, str]]:
    """Paragraphs, list items, headings and table cells, without code blocks."""
    lines, fenced = [], False
    for number, line in enumerate(source.splitlines(), 1):
        if re.match(r"\s*(```|~~~)", line):
            fenced = not fenced
        hidden = fenced or line.startswith("    ") or re.match(r"\s*(```|~~~|<!--|<\w|\[[^]]+\]: )", line)
        lines.append((number, "" if hidden else line))
    for number, paragraph in paragraphs(lines):
        if paragraph.startswith("|"):
            yield from ((number, cell) for cell in re.split(r"(?<!\\)\|", paragraph) if cell.strip(" -:"))
        else:
            yield number, paragraph


def without_jinja(source: str) -> str:
    """A template with expressions as one word each and without tags; lines keep their numbers."""

    def blank(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    source = re.sub(r"\{%.*?%\}", blank, source, flags=re.DOTALL)
    return re.sub(r"\{\{.*?\}\}", lambda match: CODE + blank(match), source, flags=re.DOTALL)


def yaml_texts(source: str, skipped: set[str]) -> Iterator[tuple[int, str]]:
    """The comments of a YAML file and its values of three words and more."""
    yield from comments(source)
    root = yaml.compose(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    todo: list[tuple[str, yaml.Node]] = [("", root)] if root else []
    while todo:
        key, node = todo.pop()
        if isinstance(node, yaml.MappingNode):
            todo += [(key if key in skipped else name.value, value) for name, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            todo += [(key, item) for item in node.value]
        elif key not in skipped and is_prose(node.value):
            yield node.start_mark.line + 1, node.value


def is_prose(text: str) -> bool:
    """Whether a string reads as words: three of them or more, and no address, pattern or code."""
    return len(re.findall(r"(?<!\S)[A-Za-z][a-z'-]+[.,:;]?(?!\S)", text)) >= 3


def python_texts(source: str, *, messages: bool = True, names: bool = False) -> Iterator[tuple[int, str]]:
    """Docstrings, comments and, if wanted, the messages in code and the names of tests as sentences."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = set()
    for node in nodes:
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = docstring_node(node)
            if text is not None:
                docstrings.add(text)
                yield from paragraphs(list(enumerate(str(text.value).splitlines(), text.lineno)))
            if names and not isinstance(node, ast.Module) and node.name.startswith("test_"):
                yield node.lineno, node.name[5:].replace("_", " ")
    yield from python_comments(source)
    if messages:
        yield from ((line, text) for line, text in python_messages(nodes, docstrings) if is_prose(text))


def docstring_node(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> ast.Constant | None:
    """The docstring of a definition as a node of the tree."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value
    return None


def python_comments(source: str) -> Iterator[tuple[int, str]]:
    """The comments of Python code, joined to paragraphs, without those for tools."""
    block: list[tuple[int, str]] = []
    line = start = 0
    for match in STRING_OR_COMMENT.finditer(source):
        comment = match["comment"]
        if comment and not re.match(r"#\s*(noqa|type:|mypy:|pragma)|#!", comment):
            line, start = line + source.count("\n", start, match.start()), match.start()
            alone = not source[source.rfind("\n", 0, start) + 1 : start].strip()
            if block and (block[-1][0] != line or not alone):
                yield from paragraphs(block)
                block = []
            block.append((line + 1, comment.lstrip("#")))
            if not alone:
                yield from paragraphs(block)
                block = []
    yield from paragraphs(block)


def python_messages(nodes: list[ast.AST], docstrings: set[ast.Constant]) -> Iterator[tuple[int, str]]:
    """The strings of the code, line by line, with computed values as one word each."""
    formatted = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    inside = {part for string in formatted for part in ast.walk(string) if part is not string}
    for node in nodes:
        if node in inside:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else CODE for part in node.values)
        else:
            continue
        yield from ((node.lineno, line) for _, line in paragraphs(list(enumerate(text.splitlines()))))


def template_texts(source: str) -> Iterator[tuple[int, str]]:
    """Comments, docstrings and messages of a template for anything but Markdown."""
    bare = without_jinja(source)
    yield from comments(bare)
    for match in re.finditer(r"\{#-?(.*?)-?#\}", source, re.DOTALL):
        yield source.count("\n", 0, match.start()) + 1, " ".join(match[1].split())
    for match in re.finditer(r'"""(.*?)"""', bare, re.DOTALL):
        line = bare.count("\n", 0, match.start()) + 1
        yield from paragraphs(list(enumerate(match[1].splitlines(), line)))
    for match in re.finditer(r'(?<!")"([^"\n]{20,})"(?!")', bare):
        if is_prose(match[1]):
            yield bare.count("\n", 0, match.start()) + 1, match[1]


def texts_of(path: Path, kind: str, skipped: set[str]) -> Iterator[Text]:
    """Every text of a file."""
    source = path.read_text(encoding="utf-8")
    found = {
        "markdown": lambda: markdown(without_jinja(source)),
        "yaml": lambda: yaml_texts(source, skipped),
        "python": lambda: python_texts(source),
        "python_tests": lambda: python_texts(source, messages=False, names=True),
        "template": lambda: template_texts(source),
        "comments": lambda: comments(source),
    }[kind]()
    name = path.relative_to(ROOT).as_posix()
    return (Text(name, line, text) for line, text in found)


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph, with code as one word each."""
    text = re.sub(r"``[^`]*``|`[^`]*`", CODE, text)
    text = re.sub(r"\[[^\[\]]+\](?![(\[:])", CODE, text)  # docs/rules.md: words that stand for a value
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"https?://\S+|<[^<>\s]+>", CODE, text)
    text = re.sub(r"^\s*([-*+]|\d+\.|#+|>)\s+", "", text)
    return [sentence.strip() for sentence in SENTENCE_END.split(" ".join(text.split())) if sentence.strip()]


def remarks_on(text: Text, style: dict[str, Any]) -> Iterator[Remark]:
    """What breaks a rule in a text."""
    patterns = compiled(tuple((word["find"], word["write"]) for word in style["words"]))
    for sentence in sentences(text.text):
        words = WORD.findall(sentence)
        if len(words) > style["sentence_limit"]:
            yield Remark(text.path, text.line, sentence, f"a sentence of {len(words)} words", "two sentences")
        for search, write in patterns:
            match = search(sentence)
            if match:
                yield Remark(text.path, text.line, sentence, f"'{match[0]}'", write)


@lru_cache(maxsize=8)
def compiled(words: tuple[tuple[str, str], ...]) -> list[tuple[Callable[[str], re.Match[str] | None], str]]:
    """A search function for each pattern, with what to write."""
    return [(re.compile(find, re.IGNORECASE).search, write) for find, write in words]


def excused(remark: Remark, style: dict[str, Any]) -> bool:
    """Whether the list of exceptions names this sentence."""
    return any(
        fnmatch.fnmatch(remark.path, item["path"]) and item["text"] in remark.sentence for item in style["exceptions"]
    )


def texts(style: dict[str, Any], only: list[Path] | None = None) -> Iterator[Text]:
    """Every text of the project, or of the files of `only`, each file by the first kind that names it."""
    seen: set[Path] = set()
    wanted = {path.resolve() for path in only or []}
    for group in style["texts"]:
        for pattern in group["paths"]:
            for path in sorted(ROOT.glob(pattern)):
                skipped = SKIPPED_FOLDERS.intersection(path.relative_to(ROOT).parts)
                if path.is_file() and path not in seen and not skipped and (not wanted or path in wanted):
                    seen.add(path)
                    yield from texts_of(path, group["kind"], set(group.get("keys", ())))


def check(only: list[Path] | None = None, style: dict[str, Any] = STYLE) -> list[Remark]:
    """The remarks on every text, without those that are excused."""
    found = (remark for text in texts(style, only) for remark in remarks_on(text, style))
    return [remark for remark in found if not excused(remark, style)]


if __name__ == "__main__":
    remarks = check([Path(name) for name in sys.argv[1:]])
    print(*remarks, sep="\n")
    print(f"{len(remarks)} remarks")
    sys.exit(bool(remarks))
