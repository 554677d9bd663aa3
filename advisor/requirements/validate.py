"""Validates the data of a requirements file by rules/facts.yaml and makes `Requirements` from it.

The validation collects every problem of a file. A problem has its line, key and value, the allowed values and the
nearest spelling.
"""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from advisor.errors import InputError
from advisor.findings import Finding, input_problem
from advisor.knowledge.catalogue import ProxyKind
from advisor.knowledge.facts import Fact
from advisor.knowledge.space import UNKNOWN, FactSpace
from advisor.knowledge.types import Need, StatedNeed
from advisor.requirements import key_hints, text
from advisor.requirements.completion import complete
from advisor.requirements.hops import HOP_KEYS, HOPS, MAX_HOPS, PROXY
from advisor.requirements.model import Requirements, Tool
from advisor.requirements.reader import NEIGHBOUR, Path, SourceDocument
from advisor.requirements.values import MAX_LIST, READERS, ValueRefusedError
from advisor.sentences import amount

VERSION = 1
MAX_PROBLEMS = 100  # shown problems; a file of unknown keys can have 20,000 problems
_TOOL_KEYS = ("name", "needs", "duration_s")
_FUNCTION_TIMEOUT = "environment.function_timeout_s"


def validate(document: SourceDocument, space: FactSpace, *, partial: bool = False, typed: bool = False) -> Requirements:
    """Validate a requirements file and fill in the defaults.

    Args:
        document: the data of the file.
        space: the known facts.
        partial: whether to accept a file without the required keys, such as the saved answers of an interrupted `ask`.
        typed: whether messages about values show the notation of the prompts.

    Raises:
        InputError: the file is invalid. The error has every problem.
    """
    return _Validation(document, space, partial, typed).run()


class _Validation:
    def __init__(self, document: SourceDocument, space: FactSpace, partial: bool, typed: bool) -> None:
        self.document = document
        self.space = space
        self.partial = partial
        self.typed = typed
        self.problems: list[Finding] = []
        self.values: dict[str, Any] = {}
        self.tools: list[Tool] = []
        self.places: list[Path] = []  # the paths of the tools
        self.unsure: list[str] = []  # the needs that a tool states as unknown

    def run(self) -> Requirements:
        data = self.document.data
        if not isinstance(data, dict):
            hint = "To see a requirements file, run `mcp-advisor init`."
            self._problem((), f"the file is {_kind(data)}, but a requirements file is a mapping of keys.", hint)
        elif str(data.get("schema", "")).startswith("mcp-advisor/"):
            self._printed(data)
        else:
            version = data.get("version", VERSION)
            if type(version) is not int or version != VERSION:  # `true` and `1.0` equal 1
                self._problem(("version",), f"{text.quote(version)} is not a known version.", f"Allowed: {VERSION}.")
            self._walk(data, self.space.tree, ())
            self._short_form()
            self._required(data)
            self._alone()
            self._forbidden_needs()
            self._mcp_release()
            self._too_long()
        if self.problems:
            raise InputError(self.document.name, _listed(self.problems))
        doubts = {need: UNKNOWN for need in self.unsure if need not in self.values}
        return complete({**doubts, **self.values}, tuple(self.tools), self.space, self.document.name)

    def _printed(self, data: Mapping[str, Any]) -> None:
        """Report a document that this program printed, and how to decide again."""
        phrases = self.space.knowledge.phrases
        kind = "decision" if str(data["schema"]).startswith("mcp-advisor/decision/") else "document"
        said = phrases[f"input.{kind}"].format(
            schema=text.printable(str(data["schema"]), 60), service=text.quote(data.get("service"))
        )
        # A kit has the requirements next to decision.json.
        file = pathlib.PurePath(self.document.name or "-").with_name(NEIGHBOUR)
        there = kind != "decision" or self.document.neighbour
        fix = phrases[f"input.{kind}.fix" if there else f"input.{kind}.fix.absent"].format(file=shlex.quote(str(file)))
        made = phrases.get(f"input.made.{str(data['schema']).split('/')[1]}", "")
        if made:
            fix = f"{fix} {phrases['input.made'].format(command=made.format(file=shlex.quote(str(file))))}"
        self._problem(("schema",), said, fix)

    def _walk(self, data: Mapping[str, Any], tree: Mapping[str, Any], path: Path) -> None:
        for key, value in data.items():
            here = (*path, key)
            if not path and key == "version":
                continue
            if key not in tree:
                self._unknown(here, [*tree] if path else ["version", *tree], value)
            elif isinstance(tree[key], dict):
                if isinstance(value, dict):
                    self._walk(value, tree[key], here)
                elif value is not None:  # an empty section is the same as no section
                    hint = key_hints.value_of_a_section(".".join(map(str, here)), value, self.space)
                    hint = f"{hint} Allowed keys: {', '.join(tree[key])}.".strip()
                    self._problem(here, f"{text.quote(value)} is not a mapping.", hint)
            elif tree[key].type == "tools":
                self._read_tools(value, here)
            elif tree[key].type == "hops":
                self._read_hops(value, here)
            else:
                self._read(tree[key], value, here)

    def _read(self, fact: Fact, value: Any, path: Path) -> None:
        try:
            self.values[fact.id] = READERS[fact.type](fact, value, self.space)
        except ValueRefusedError as refused:
            if fact.type == "release" and self._is_old_release(value):
                self.values[fact.id] = value
            else:
                self._refused(path, refused)

    def _is_old_release(self, value: Any) -> bool:
        """Whether the server has the old transport, in a release before the measured ranges.

        The features of the old transport are assumed, so they do not depend on the release.
        """
        return (
            isinstance(self.document.data, dict)
            and self.document.data.get("transport") == "sse"
            and isinstance(value, str)
            and self.space.release(value) is not None
        )

    def _required(self, data: Mapping[str, Any]) -> None:
        for name, fact in self.space.facts.items():
            if fact.required and not self.partial and name not in data:
                self._problem((), f"the key {name!r} is missing.", f"{fact.help}", key=name)

    def _alone(self) -> None:
        """Report each fact that the file states without the value of another fact that it needs."""
        for name, fact, only in self.space.bound:
            stated = self.values.get(name, fact.default)
            if stated in (fact.default, *fact.always):
                continue
            if self.values.get(only.fact, self.space.facts[only.fact].default) not in only.any_of:
                needed = " or ".join(map(str, only.any_of))
                self._problem(tuple(name.split(".")), f"this key needs {only.fact}: {needed}.", fact.help)

    def _too_long(self) -> None:
        """Report each timeout that is longer than the platform allows. A file with other problems gets no report."""
        if self.problems:
            return
        hops = self.values.get(HOPS) or []
        short = {name.removeprefix(PROXY): value for name, value in self.values.items() if name.startswith(PROXY)}
        proxies = self.space.knowledge.proxies
        kind = self.space.facts[f"{PROXY}kind"].default
        for index, hop in enumerate(hops or [{"kind": kind, **short}]):
            path: Path = (*HOPS.split("."), index) if hops else tuple(PROXY[:-1].split("."))
            for about in ("idle", "total"):
                stated, most = hop.get(f"{about}_timeout_s"), proxies[hop["kind"]].longest(about)
                if stated is not None and most is not None and stated > most:
                    self._longer((*path, f"{about}_timeout_s"), proxies[hop["kind"]], stated, most)
            kind = hop["kind"]
        stated, most = self.values.get(_FUNCTION_TIMEOUT), proxies[kind].function_max_s
        if stated is not None and most is not None and stated > most:
            self._longer(tuple(_FUNCTION_TIMEOUT.split(".")), None, stated, most)

    def _longer(self, path: Path, proxy: ProxyKind | None, stated: float, most: float) -> None:
        phrases = self.space.knowledge.phrases
        name = proxy.name if proxy else phrases["function.name"]
        hint = phrases["limits.longest"].format(seconds=f"{most:,g}")
        self._problem(path, phrases["limits.too-long"].format(stated=f"{stated:,g}", name=name), hint)

    def _mcp_release(self) -> None:
        """Report an mcp release that the fastmcp release does not allow, or that is stated for another SDK."""
        stated, sdk = self.values.get("mcp_release"), str(self.values.get("sdk", self.space.facts["sdk"].default))
        release = self.space.release(sdk)
        if stated is None or release is None:
            return
        version = sdk.partition("==")[2] or release.line.newest
        entries = [entry for entry in self.space.knowledge.underlying if entry.package == release.package]
        found = next((entry for entry in entries if entry.holds(version)), None)
        if found is None:
            self._problem(("mcp_release",), "this key needs fastmcp as the SDK.", self.space.facts["mcp_release"].help)
        elif not found.allows(stated):
            message = f"{found.package} {version} does not work with mcp {stated}."
            self._problem(("mcp_release",), message, f"Allowed: {found.requirement}.")

    def _read_tools(self, value: Any, path: Path) -> None:
        if value is None:
            return
        if not isinstance(value, list) or len(value) > MAX_LIST:
            self._problem(
                path,
                f"{text.quote(value)} is not a list of at most {MAX_LIST} tools.",
                "Write each tool as `- name: NAME`.",
            )
            return
        seen: dict[str, Path] = {}
        for index, entry in enumerate(value):
            here = (*path, index)
            stated = {"name": entry} if isinstance(entry, str) else entry
            tool = self._tool(stated, here)
            if tool is not None:
                self.tools.append(tool)
                self.places.append(here)
            name = stated.get("name") if isinstance(stated, dict) else None
            if not isinstance(name, str) or not text.is_tool(name):
                continue
            if name in seen:
                hint = f"Its first entry is{place}." if (place := self._place(seen[name])) else ""
                self._problem(here, f"the tool {name!r} is listed twice.", hint)
            seen.setdefault(name, here)

    def _read_hops(self, value: Any, path: Path) -> None:
        if value is None:
            return
        if not isinstance(value, list) or len(value) > MAX_HOPS:
            message = f"{text.quote(value)} is not a list of at most {MAX_HOPS} hops."
            self._problem(
                path, message, "Write each hop as `- kind: KIND`, in the order in which a request passes the hops."
            )
            return
        before = len(self.problems)
        hops = [self._hop(entry, (*path, index)) for index, entry in enumerate(value)]
        if len(self.problems) == before:
            self.values[HOPS] = hops

    def _hop(self, entry: Any, path: Path) -> dict[str, Any]:
        """Return the stated keys of a hop. The keys are those of `environment.proxy`."""
        if not isinstance(entry, dict):
            hint = f"Allowed: a mapping with kind and optionally {', '.join(HOP_KEYS[1:])}."
            self._problem(path, f"{text.quote(entry)} is not a hop.", hint)
            return {}
        hop = {}
        kinds = [kind for kind in self.space.knowledge.proxies if kind != "none"]
        for key, value in entry.items():
            if key not in HOP_KEYS:
                self._unknown((*path, key), HOP_KEYS)
                continue
            if key == "kind" and value not in kinds:
                names = self.space.also(self.space.facts[f"{PROXY}kind"])
                nearest = text.nearest(value, kinds, names) if isinstance(value, str) else ""
                is_none = value in (
                    "none",
                    None,
                    False,
                )  # a direct connection, also as YAML reads `no` and an empty value
                hint = f"{'Remove this entry, or name the proxy.' if is_none else nearest} Allowed: {', '.join(kinds)}."
                message = f"{text.quote(value)} is not {'a hop' if is_none else 'allowed'}."
                self._problem((*path, key), message, hint.strip())
                continue
            fact = self.space.facts[f"{PROXY}{key}"]
            try:
                hop[key] = READERS[fact.type](fact, value, self.space)
            except ValueRefusedError as refused:
                self._refused((*path, key), refused)
        if "kind" not in entry:
            self._problem(path, "the key 'kind' is missing.", f"Allowed: {', '.join(kinds)}.")
        return hop

    def _short_form(self) -> None:
        """Move the keys of `environment.proxy` into the last hop. Report a value that differs from this hop."""
        if not self.values.get(HOPS):
            return
        index = len(self.values[HOPS]) - 1
        last = self.values[HOPS][index]
        for key in HOP_KEYS:
            if f"{PROXY}{key}" not in self.values:
                continue
            value = self.values.pop(f"{PROXY}{key}")
            if last.setdefault(key, value) != value:
                place = self._place((*HOPS.split("."), index, key))
                message = f"{value!r} differs from {last[key]!r}, the {key} of the last entry of {HOPS}{place}."
                hint = f"{PROXY}{key} is a short form for the last entry of {HOPS}. Remove one of the two values."
                self._problem((*PROXY[:-1].split("."), key), message, hint)

    def _tool(self, entry: Any, path: Path) -> Tool | None:
        if not isinstance(entry, dict):
            hint = "Allowed: a tool name, or a mapping with name and optionally needs and duration_s."
            self._problem(path, f"{text.quote(entry)} is not a tool.", hint)
            return None
        before = len(self.problems)
        for key in entry:
            if key not in _TOOL_KEYS:
                self._unknown((*path, key), _TOOL_KEYS)
        name = entry.get("name", "")
        if "name" not in entry:
            self._problem(path, "the key 'name' is missing.", f"Allowed: {text.TOOL_RULE}.")
        elif not isinstance(name, str) or not text.is_tool(name):
            self._problem((*path, "name"), f"{text.quote(name)} is not a tool name.", f"Allowed: {text.TOOL_RULE}.")
        needs = self._tool_needs(entry.get("needs"), (*path, "needs"))
        duration = self._duration(entry.get("duration_s"), (*path, "duration_s"))
        return Tool(name, needs, duration) if len(self.problems) == before else None

    def _tool_needs(self, value: Any, path: Path) -> dict[str, Need]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._problem(path, f"{text.quote(value)} is not a mapping.", "For example: `needs: {sampling: required}`.")
            return {}
        features = [name.removeprefix("needs.") for name in self.space.facts if name.startswith("needs.")]
        needs: dict[str, Need] = {}
        for key, level in value.items():
            if key not in features:
                self._unknown((*path, key), features, level, "unknown feature.")
                continue
            try:
                read: StatedNeed = READERS["need"](self.space.facts[f"needs.{key}"], level, self.space)
            except ValueRefusedError as refused:
                self._refused((*path, key), refused)
                continue
            if read == "unknown":
                self.unsure.append(f"needs.{key}")
            elif read != "none":
                needs[key] = read
        return needs

    def _duration(self, value: Any, path: Path) -> float | None:
        try:
            seconds: float | None = READERS["seconds"](self.space.facts["workload.longest_call_s"], value, self.space)
        except ValueRefusedError as refused:
            self._refused(path, refused)
            return None
        return seconds

    def _forbidden_needs(self) -> None:
        """Report each tool that needs a feature for which `needs` says `none`."""
        for tool, path in zip(self.tools, self.places, strict=True):
            for feature, level in tool.needs.items():
                if self.values.get(f"needs.{feature}") == "none":
                    place = f"needs.{feature}{self._place(('needs', feature))}"
                    message = f"the tool {tool.name!r} needs {feature} ({level}), but {place} is none."
                    self._problem(
                        (*path, "needs", feature),
                        message,
                        f"Set needs.{feature} to {level}, or remove the need of the tool.",
                    )

    def _refused(self, path: Path, refused: ValueRefusedError) -> None:
        for fault in refused.refusals:
            self._problem((*path, *fault.entry), fault.message, fault.hint_for(typed=self.typed))

    def _problem(self, path: Path, message: str, hint: str = "", key: str = "") -> None:
        shown = key or ".".join(str(part) if isinstance(part, str) else f"[{part}]" for part in path).replace(".[", "[")
        self.problems.append(input_problem(message, hint, key=text.printable(shown, 80), line=self._line(path)))

    def _unknown(self, path: Path, allowed: Sequence[str], value: Any = None, message: str = "unknown key.") -> None:
        """Report a key that is not in `allowed`."""
        hint = ""
        if len(self.problems) < MAX_PROBLEMS:  # a problem that is not shown needs no hint
            hint = key_hints.unknown_key(path, value, allowed, self.space, full=not self.document.lines)
        self._problem(path, message, hint)

    def _line(self, path: Path) -> int | None:
        """Return the line of `path`, or None if the input has no lines, such as answers and examples."""
        return self.document.line_of(path) if self.document.lines else None

    def _place(self, path: Path) -> str:
        line = self._line(path)
        return f" in line {line}" if line else ""


def _listed(problems: list[Finding]) -> list[Finding]:
    """Return the problems in the order of their lines. If there are too many, a last problem says how many more."""
    shown = sorted(problems[:MAX_PROBLEMS], key=lambda problem: problem.line or 0)
    more = len(problems) - len(shown)
    return [*shown, input_problem(f"Not shown: {amount(more, 'more problem')}.")] if more else shown


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", type(None): "empty"}.get(type(value), "a single value")
