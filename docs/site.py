"""Build the documentation site: `python -m docs.site` writes it to build/site and checks every link.

The site has the pages of this folder, pages about the project from the root of the repository, and the pages of
`docs.reference`. Zensical makes HTML of them; the extra `docs` installs it.
"""

from __future__ import annotations

import argparse
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from advisor.decision.advisor import Advisor, default_advisor
from docs import reference
from docs.imports import BEGIN, END, arrows, reduced

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ON_GITHUB = "https://github.com/mcp-advisor/mcp-advisor/blob/main/"
PROJECT = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "docs/adr/README.md": "adr/index.md",
}
"""Files of the repository that have another name on the site."""

_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_COMMANDS = re.compile(r"^```console\n((?:\$ .*\n)+)```$", re.MULTILINE)
_PICTURE = re.compile(r"^!\[[^\]]*\]\(([^)\s]+\.svg)\)$", re.MULTILINE)


def sources(advisor: Advisor) -> dict[str, str]:
    """Every page of the site before it is HTML, by its file. Pages of `docs.reference` replace those of this folder."""
    generated = reference.pages(advisor)
    files = [path.relative_to(ROOT).as_posix() for path in DOCS.rglob("*.md")] + [
        name for name in PROJECT if "/" not in name
    ]
    places = {name: PROJECT.get(name, name.removeprefix("docs/")) for name in files}
    found: dict[str, str] = {}
    for name, place in places.items():
        if place not in generated:
            text = _without_diagram((ROOT / name).read_text(encoding="utf-8"))
            found[place] = _inlined(_relinked(_copyable(text), name, places), name)
    moved = reference.anchors(advisor)
    pages = {
        place: _to_rules(text, place, moved) for place, text in (found | generated).items() if place.endswith(".md")
    }
    return {place: text for place, text in generated.items() if not place.endswith(".md")} | pages


def _copyable(text: str) -> str:
    """The text with its commands without the prompt, because the site has a button that copies them."""
    return _COMMANDS.sub(lambda match: f"```sh\n{re.sub(r'^[$] ', '', match[1], flags=re.MULTILINE)}```", text)


def _relinked(text: str, name: str, places: dict[str, str]) -> str:
    """The text with each link to a file of the repository led to its place on the site, or to GitHub."""

    def replaced(match: re.Match[str]) -> str:
        path, mark, fragment = match[2].partition("#")
        if not path or ":" in path:
            return match[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
        if target in places:
            path = posixpath.relpath(
                places[target], posixpath.dirname(PROJECT.get(name, name.removeprefix("docs/"))) or "."
            )
        elif not target.startswith("docs/") and (ROOT / target).exists():
            path = ON_GITHUB + target
        return f"{match[1]}{path}{mark}{fragment}{match[3]}"

    return _LINK.sub(replaced, text)


def _to_rules(text: str, place: str, moved: dict[str, str]) -> str:
    """The text with each link into docs/rules.md led to the page that has this rule, table or source."""
    folder = posixpath.dirname(place)

    def replaced(match: re.Match[str]) -> str:
        path, _, fragment = match[2].partition("#")
        target = posixpath.normpath(posixpath.join(folder, path)) if path else place
        if target != "rules.md" or fragment not in moved or place == "rules.md":
            return match[0]
        return f"{match[1]}{posixpath.relpath(moved[fragment], folder or '.')}{match[3]}"

    return _LINK.sub(replaced, text)


def _inlined(text: str, name: str) -> str:
    """The text with each drawing in place of the link to it, so that its colours follow the page."""

    def replaced(match: re.Match[str]) -> str:
        drawing = (ROOT / posixpath.normpath(posixpath.join(posixpath.dirname(name), match[1]))).read_text(
            encoding="utf-8"
        )
        kind = "screen" if "first-screen" in match[1] else "drawing"
        # The style of a drawing is for a page that shows it as an image. The site has the same style for both modes.
        svg = drawing if kind == "screen" else re.sub(r"<style>.*?</style>\n?", "", drawing, flags=re.DOTALL)
        return f'<figure class="{kind}">\n{svg.strip()}\n</figure>'

    return _PICTURE.sub(replaced, text)


def _without_diagram(text: str) -> str:
    """The page about the architecture with a table in place of the diagram that only GitHub draws."""
    before, found, rest = text.partition(BEGIN)
    if not found:
        return text
    rows = [
        f"| `{package}` | {', '.join(f'`{one}`' for one in sorted(used))} |"
        for package, used in sorted(reduced(arrows()).items())
    ]
    return "\n".join([before.rstrip("\n"), "", "| package | imports |", "|---|---|", *rows, rest.partition(END)[2]])


def navigation(advisor: Advisor) -> list[Any]:
    """The pages in the order of the menu; a page without a title has its own."""
    return [
        {"Home": "index.md"},
        {"Start here": "start.md"},
        {"How-to": _folder("how-to")},
        {"Concepts": _folder("concepts")},
        {"Reference": reference.navigation(advisor)},
        {
            "Project": [
                {"Architecture": "architecture.md"},
                {"Architecture decisions": _folder("adr", "README.md")},
                {"Contributing": "contributing.md"},
                {"Changelog": "changelog.md"},
                {"Security": "security.md"},
            ]
        },
    ]


def _folder(name: str, first: str = "index.md") -> list[Any]:
    """The pages of a folder in the order in which its first page links to them."""
    linked = re.findall(r"\]\(([\w-]+\.md)\)", (DOCS / name / first).read_text(encoding="utf-8"))
    return [f"{name}/index.md", *(f"{name}/{page}" for page in dict.fromkeys(linked))]


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {_toml(one)}" for key, one in value.items())
            + " }"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def write(folder: Path, advisor: Advisor) -> None:
    """Write everything that Zensical reads: the pages, their files and the configuration."""
    for part in ("docs", "site"):
        shutil.rmtree(folder / part, ignore_errors=True)
    for place, text in sources(advisor).items():
        target = folder / "docs" / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    shutil.copytree(DOCS / "assets", folder / "docs" / "assets")
    settings = (DOCS / "zensical.toml").read_text(encoding="utf-8")
    settings = settings.replace("# NAVIGATION", f"nav = {_toml(navigation(advisor))}")
    settings += "".join(_redirects(advisor))
    (folder / "zensical.toml").write_text(settings, encoding="utf-8")


def _redirects(advisor: Advisor) -> Iterator[str]:
    """From the page of each other identifier of a rule, also of an earlier one, to the rule's page."""
    rules = [rule for _, rule in advisor.knowledge.rules.values()]
    maps = {reference.rule_page(name): reference.rule_page(rule.id) for rule in rules for name in rule.other_ids}
    yield f"\n[project.plugins.redirects]\nredirect_maps = {_toml(maps)}\n"


def build(folder: Path) -> str:
    """Run Zensical, which stops at a link that leads nowhere.

    Returns:
        What Zensical printed; "" if it built the site.
    """
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    environment = os.environ | {"NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    return "" if done.returncode == 0 else re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr)


class _Page(HTMLParser):
    """The anchors of a page, its links, and the files that a browser loads with it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        loads = tag in ("img", "script", "iframe", "source") or (tag == "link" and values.get("rel") != "canonical")
        for name in ("href", "src"):
            if name in values and tag != "use":
                (self.loaded if loads else self.links).append(values[name])


def faults(site: Path) -> list[str]:
    """Each link, anchor and file in the HTML that does not exist, and each file that another server would send."""
    pages = {
        path.relative_to(site).as_posix(): _Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")
    }
    found: list[str] = []
    for name, page in pages.items():
        for url in dict.fromkeys([*page.links, *page.loaded]):
            parts = urlsplit(url)
            if parts.scheme or parts.netloc:
                if url in page.loaded and parts.scheme != "data":
                    found.append(f"{name}: {url} comes from another server")
                continue
            # Zensical writes absolute paths on the page that is shown for addresses that do not exist.
            path = parts.path.removeprefix("/mcp-advisor") if name == "404.html" else parts.path
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path))) if path else name
            target = target.lstrip("/")
            if path and (path.endswith("/") or (site / target).is_dir()):
                target = posixpath.normpath(posixpath.join(target, "index.html"))
            if not (site / target).is_file():
                found.append(f"{name}: {url} does not exist")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                found.append(f"{name}: {url} has no such anchor")
    return found


def main() -> int:
    """Build the site, print each fault, and return the exit code."""
    arguments = argparse.ArgumentParser(description="Build the documentation site and check its links.")
    arguments.add_argument("--output", type=Path, default=ROOT / "build", help="the folder to write to")
    folder = arguments.parse_args().output.resolve()
    write(folder, default_advisor())
    stopped = build(folder)
    found = [stopped] if stopped else faults(folder / "site")
    print("\n".join(found) if found else f"{folder / 'site'}: built, and every link leads somewhere.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
