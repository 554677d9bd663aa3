"""Kits with many features, for each SDK line and for exact releases: the input of linters and type checkers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdk_lines import SDK_LINES
from test_server_render import ALL, CASES
from test_server_render import FEATURES as FEATURE_NAMES

from advisor.kit.render import render_kit

RELEASES = (
    *("mcp==1.19.0", "mcp==1.20.0", "mcp==1.21.0", "mcp==1.28.1", "mcp==2.0.0", "mcp==2.1.1"),
    *("fastmcp==2.12.5", "fastmcp==2.13.0", "fastmcp==2.14.2", "fastmcp==3.0.0", "fastmcp==3.4.2"),
    *("fastmcp==4.0.0", "fastmcp==4.1.6"),
)
"""Exact releases whose kits differ from the kit of the newest release of their line."""

SDKS = (*SDK_LINES, *RELEASES)

ORIGINS = ["https://app.example.com"]
FEATURES: dict[str, dict[str, Any]] = {
    **CASES,
    "oauth-proxy": {"scale.instances": 3, "environment.auth": "oauth-proxy", "clients.protocol": "mixed"},
    "origins": {"scale.instances": 3, "environment.origins": ORIGINS},
    "local": {"environment.platform": "local", "environment.origins": ORIGINS, **ALL},
    "local-small": {"environment.platform": "local"},
    "local-tokens": {"environment.platform": "local", "environment.auth": "bearer"},
    "systemd": {"environment.platform": "systemd", "scale.instances": 3, "environment.auth": "bearer", **ALL},
    "tiers-tokens": {**CASES["tiered"], "environment.auth": "bearer"},
    "shared-login": {**CASES["shared"], "environment.auth": "oauth-proxy"},
    "long-names": {
        **CASES["tiered"],
        "service": "a" * 63,
        "environment.hosts": [f"{'b' * 60}.example.com"],
        "environment.origins": [f"https://{'c' * 60}.example.com"],
        "environment.path": f"/{'d' * 60}/mcp",
        "tools": [
            {"name": "e" * 64, "needs": dict.fromkeys(FEATURE_NAMES, "preferred")},
            {"name": "f" * 64},
        ],
    },
    "long-local": {"environment.platform": "local", "service": "a" * 63, "tools": [{"name": "e" * 64}]},
}
"""Facts by the name of a case."""


def has_kit(sdk: str, case: str) -> bool:
    """Whether there is a kit: the server of the oldest of these releases cannot check tokens."""
    return sdk != "fastmcp==2.12.5" or FEATURES[case].get("environment.auth", "none") == "none"


def write(decision: Any, folder: Path) -> None:
    """Write the files of a kit that a linter reads."""
    for file in render_kit(decision, ""):
        if file.path.endswith((".py", ".toml")):
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file.content)


PAIRS = [(sdk, case) for sdk in SDKS for case in FEATURES if has_kit(sdk, case)]
"""All SDK lines and releases with all cases."""
