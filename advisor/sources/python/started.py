"""Which module of the code a command starts, and whether this module leads to a server."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from advisor.sources.python.modules import Module
from advisor.sources.python.resolve import CodeTree

_MODULE = re.compile(r"(?P<module>[A-Za-z_][\w./-]*?)(?::[A-Za-z_]\w*(?:\(\))?)?")
_MOST_MODULES = 1000


def started_modules(command: Iterable[str]) -> frozenset[str]:
    """Return the modules that a command names: `app:mcp`, `server.py`, or the word after `-m`."""
    words = list(command)
    named = (
        word
        for before, word in zip(["", *words], words, strict=False)
        if word.endswith(".py") or before == "-m" or re.fullmatch(r"[\w./-]+:\w+(?:\(\))?", word)
    )
    return frozenset(filter(None, map(_module, named)))


def module_names(path: str) -> set[str]:
    """Return the names under which a command can start a module: with all of its packages, or with the last ones."""
    parts = path.removesuffix(".py").removesuffix("/__init__").removesuffix("/__main__").split("/")
    return {".".join(parts[index:]) for index in range(len(parts))}


def can_start(modules: Collection[str], servers: Collection[str], tree: CodeTree, paths: Iterable[str]) -> bool:
    """Return whether a command can start a server, as far as the imports of the code show it.

    Args:
        modules: the modules that the command names.
        servers: the paths of the modules with a server.
        tree: the code.
        paths: the paths of all modules.
    """
    named = [path for path in paths if module_names(path) & set(modules)]
    if not named:
        return True  # The command starts an installed package, or a file under another name.
    return any(path in servers for path in _reached(named, tree))


def _reached(paths: Iterable[str], tree: CodeTree) -> Iterator[str]:
    """Yield modules and the modules that they import."""
    seen: dict[str, None] = dict.fromkeys(paths)
    waiting = list(seen)
    while waiting and len(seen) < _MOST_MODULES:
        path = waiting.pop()
        yield path
        module = tree.parsed(path)
        for found in _imported(module, tree) if module is not None else ():
            if found.path not in seen:
                seen[found.path] = None
                waiting.append(found.path)


def _imported(module: Module, tree: CodeTree) -> Iterator[Module]:
    for name in (*module.imports.values(), *module.stars):
        for dotted in (name, name.rpartition(".")[0]):
            found = tree.module(dotted, module) if dotted else None
            if found is not None:
                yield found


def _module(word: str) -> str:
    """Return the module that a word of a command names, with dots: `app.server:mcp` and `app/server.py` alike."""
    match = _MODULE.fullmatch(word.strip("\"'"))
    return match["module"].removesuffix(".py").strip("./").replace("/", ".") if match else ""
