"""The SDK lines of rules/sdks.yaml, for the parameters of tests."""

from __future__ import annotations

from advisor.knowledge import load

SDK_LINES = tuple(load().sdks)
"""The id of each SDK line."""

MODERN_LINES = tuple(line for line in SDK_LINES if "modern" in load().lines[line].eras)
"""The SDK lines whose servers serve modern clients."""

FASTMCP_LINES = tuple(line for line in SDK_LINES if line.startswith("fastmcp-"))
"""The SDK lines of the package fastmcp."""
